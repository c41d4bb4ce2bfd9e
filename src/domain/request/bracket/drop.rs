//! The wish that the snapshots of a bracket be deleted.

use super::departure;
use crate::domain::bracket::Bracket;
use crate::domain::operation::{Batch, BracketDeed, BracketKind, Operation, Skipped};
use crate::domain::request::batch::{find, is_silent};
use crate::domain::request::{DeleteSnapshotRequest, Field, KnownGuests, Objection, Objections};

/// The wish that the snapshots of a bracket be deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct DropBracketRequest {
    /// The bracket, as it was when the form was opened.
    pub bracket: Bracket,
}

impl DropBracketRequest {
    /// Checks the wish against what is known now.
    ///
    /// Where a snapshot cannot be deleted now, or is another by now, the guest is left out and
    /// named: what is left of the bracket can be dropped later.
    pub fn check(&self, known: &impl KnownGuests) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let bracket = &self.bracket;
        let (mut operations, mut skipped) = (Vec::new(), Vec::new());
        for member in &bracket.members {
            let (guest, vmid) = (&member.guest, member.guest.vmid);
            let list = known.snapshots(vmid);
            let request = DeleteSnapshotRequest {
                guest: guest.clone(),
                snapshot: member.snapshot.clone(),
            };
            let gone = list.and_then(|list| departure(member, list));
            let checked = match is_silent(known, vmid).or(gone) {
                Some(reason) => Err(vec![Objection::new(Field::Whole, reason)]),
                None => request.check(find(known, vmid), list),
            };
            match checked {
                Ok(operation) => operations.push(operation),
                Err(reasons) => {
                    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                    skipped.push(Skipped {
                        guest: guest.clone(),
                        reason: reasons.join("; "),
                    });
                }
            }
        }
        if operations.is_empty() {
            let reason = match skipped.first() {
                Some(Skipped { guest, reason }) => format!("of none: {guest}: {reason}"),
                None => "no snapshot of it is left".to_owned(),
            };
            objections.add(Field::Guests, reason);
        }
        let deed = BracketDeed {
            kind: BracketKind::Drop,
            name: bracket.name.clone(),
            nonce: bracket.nonce.clone(),
        };
        objections.or(Batch::of_bracket(deed, operations, skipped))
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::lists_of;
    use super::super::samples::{World, vmid};
    use super::*;
    use crate::domain::bracket::find_all;

    fn request(world: &World) -> DropBracketRequest {
        DropBracketRequest {
            bracket: find_all(lists_of(world)).remove(0),
        }
    }

    #[test]
    fn its_snapshots_are_deleted_and_no_others() {
        let mut world = World::bracketed(&[104, 110]);
        world.add(109, "br-x", "not of the bracket", 1);
        world.add(104, "br-y", "proxdeck: bracket aaaa 104", 0);
        let operation = request(&world).check(&world).unwrap();
        assert_eq!(operation.title(), "drop bracket x of 2 guests");
        let calls: Vec<String> = operation.calls().iter().map(ToString::to_string).collect();
        assert_eq!(
            calls,
            [
                "DELETE /nodes/pve1/qemu/104/snapshot/br-x",
                "DELETE /nodes/pve1/qemu/110/snapshot/br-x"
            ]
        );
    }

    #[test]
    fn who_cannot_lose_it_now_is_left_out_and_named() {
        let mut world = World::bracketed(&[104, 109, 110]);
        let request = request(&world);
        world.guest(104).guest.lock = Some("backup".into());
        world.lists.get_mut(&vmid(109)).unwrap().snapshots[0].description = "mine now".into();
        let Operation::Batch(batch) = request.check(&world).unwrap() else {
            panic!("several")
        };
        let left_out: Vec<String> = batch
            .skipped()
            .iter()
            .map(|skipped| format!("{}: {}", skipped.guest, skipped.reason))
            .collect();
        assert_eq!(
            left_out,
            [
                "104 agent-104: locked (backup)",
                "109 agent-109: br-x no longer belongs to this bracket"
            ]
        );
        assert_eq!(batch.len(), 1);
        world.guest(110).vouched = false;
        assert_eq!(
            request.check(&world).unwrap_err(),
            [Objection::new(
                Field::Guests,
                "of none: 104 agent-104: locked (backup)"
            )]
        );
    }
}
