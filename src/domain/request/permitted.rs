//! The last check of a request: whether the account has every privilege that it needs.

use super::{Field, Objection};
use crate::domain::operation::{Batch, Operation, Skipped};
use crate::domain::permission::{Need, Permissions};

/// Objects to an operation for which the account lacks a privilege.
///
/// Where the privileges are not known nothing is objected to; the server has the last word.
pub fn permit(
    operation: Operation,
    permissions: Option<&Permissions>,
) -> Result<Operation, Vec<Objection>> {
    let Some(permissions) = permissions else {
        return Ok(operation);
    };
    // What several guests do together as a bracket concerns all of them or none.
    let is_each = matches!(&operation, Operation::Batch(batch) if batch.bracket().is_none());
    let operation = if is_each {
        permit_each(operation, permissions)?
    } else {
        operation
    };
    let needs = operation.needs();
    let unmet = needs.iter().filter(|need| !need.is_met(permissions));
    let objections: Vec<Objection> = unmet
        .map(|need| Objection::new(field_of(&operation, need), need))
        .collect();
    if objections.is_empty() {
        Ok(operation)
    } else {
        Err(objections)
    }
}

/// Leaves out of several changes those that the account may not make; objects where none remains.
fn permit_each(
    operation: Operation,
    permissions: &Permissions,
) -> Result<Operation, Vec<Objection>> {
    let Operation::Batch(batch) = operation else {
        return Ok(operation);
    };
    let (operations, mut skipped) = batch.into_parts();
    let mut permitted = Vec::new();
    for operation in operations {
        let needs = operation.needs();
        let unmet = needs.iter().filter(|need| !need.is_met(permissions));
        let reasons: Vec<String> = unmet.map(ToString::to_string).collect();
        match operation.guest() {
            Some(guest) if !reasons.is_empty() => skipped.push(Skipped {
                guest: guest.clone(),
                reason: reasons.join(", "),
            }),
            _ => permitted.push(operation),
        }
    }
    let reasons: Vec<String> = skipped.iter().map(|it| it.reason.clone()).collect();
    Batch::of(permitted, skipped).ok_or_else(|| {
        let objections = reasons.into_iter();
        objections
            .map(|reason| Objection::new(Field::Whole, reason))
            .collect()
    })
}

/// Finds the field without which a need would not be.
fn field_of(operation: &Operation, need: &Need) -> Field {
    let Operation::RollBack(roll_back) = operation else {
        return Field::Whole;
    };
    let vmid = roll_back.guest().vmid;
    if roll_back.safety().is_some() && *need == Need::on_guest("VM.Snapshot", vmid) {
        Field::Safety
    } else if (roll_back.starts() || roll_back.starts_fenced())
        && *need == Need::on_guest("VM.PowerMgmt", vmid)
    {
        Field::Start
    } else {
        Field::Whole
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::RollBackContext;
    use super::super::samples::{chain, guest};
    use super::*;
    use crate::domain::request::RollBackRequest;

    fn operation() -> Operation {
        let (guest, list) = (guest(), chain());
        let request = RollBackRequest {
            guest: guest.to_ref(),
            snapshot: list.find("second").unwrap().clone(),
            start: true,
            safety: Some("before".into()),
            unfenced: false,
        };
        let context = RollBackContext {
            guest: Some(&guest),
            snapshots: Some(&list),
            ..RollBackContext::default()
        };
        request.check(&context).unwrap()
    }

    #[test]
    fn each_missing_privilege_is_said_at_the_field_that_needs_it() {
        let with = |privilege: &str| {
            let entry = ("/vms".to_owned(), privilege.to_owned(), true);
            permit(operation(), Some(&Permissions::new([entry])))
        };
        assert_eq!(
            with("VM.Snapshot.Rollback").unwrap_err(),
            [
                Objection::new(Field::Start, "needs VM.PowerMgmt on /vms/104"),
                Objection::new(Field::Safety, "needs VM.Snapshot on /vms/104"),
            ]
        );
        assert_eq!(
            with("VM.Audit").unwrap_err()[0],
            Objection::new(
                Field::Whole,
                "needs VM.Snapshot or VM.Snapshot.Rollback on /vms/104"
            )
        );
    }

    #[test]
    fn unknown_privileges_are_left_to_the_server() {
        assert!(permit(operation(), None).is_ok());
    }
}
