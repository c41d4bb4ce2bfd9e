//! Requests as a person fills them in, and the checks that turn them into operations.

use std::fmt;

use super::guest::{Guest, GuestRef, Status};
use super::id::GuestKind;
use super::operation::{Operation, TakeSnapshot};
use super::snapshot::{SnapshotList, SnapshotName};

/// The longest description that is sent; the server's limit for a guest's own is the same.
pub const MAX_DESCRIPTION: usize = 8192;

/// A field of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The whole request.
    Whole,
    /// The name.
    Name,
    /// The description.
    Description,
    /// Whether memory is saved.
    Ram,
}

/// Why a request cannot be carried out as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The field at fault.
    pub field: Field,
    /// What is wrong with it, in one sentence.
    pub reason: String,
}

impl Objection {
    /// Makes an objection to a field.
    pub fn new(field: Field, reason: impl fmt::Display) -> Self {
        Self {
            field,
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

/// The wish for a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRequest {
    /// The guest, as it was when the form was opened.
    pub guest: GuestRef,
    /// The name as typed.
    pub name: String,
    /// The description as typed.
    pub description: String,
    /// Whether memory is to be saved.
    pub ram: bool,
}

impl SnapshotRequest {
    /// Checks the wish against the guest as it is now and its snapshots, where they are known.
    pub fn check(
        &self,
        guest: Option<&Guest>,
        existing: Option<&SnapshotList>,
    ) -> Result<Operation, Vec<Objection>> {
        let mut objections = Vec::new();
        match guest {
            None => objections.push(Objection::new(
                Field::Whole,
                format!("guest {} is gone", self.guest.vmid),
            )),
            Some(guest) => {
                objections.extend(identity_objection(&self.guest, guest));
                if let Some(reason) = refuses_snapshots(guest) {
                    objections.push(Objection::new(Field::Whole, reason));
                }
                if self.ram
                    && let Some(reason) = refuses_ram(guest)
                {
                    objections.push(Objection::new(Field::Ram, reason));
                }
            }
        }
        let name = match self.name.parse::<SnapshotName>() {
            Ok(name) if existing.is_some_and(|list| list.find(name.as_str()).is_some()) => {
                objections.push(Objection::new(
                    Field::Name,
                    format!("{name} exists already"),
                ));
                None
            }
            Ok(name) => Some(name),
            Err(reason) => {
                objections.push(Objection::new(Field::Name, reason));
                None
            }
        };
        let length = self.description.chars().count();
        if length > MAX_DESCRIPTION {
            let reason = format!(
                "a description has at most {MAX_DESCRIPTION} characters, this one has {length}"
            );
            objections.push(Objection::new(Field::Description, reason));
        }
        match name {
            Some(name) if objections.is_empty() => Ok(Operation::TakeSnapshot(TakeSnapshot::new(
                // The node may have changed since the form was opened; identity has been checked.
                guest.map_or_else(|| self.guest.clone(), Guest::to_ref),
                name,
                self.description.clone(),
                self.ram,
            ))),
            _ => Err(objections),
        }
    }
}

/// Objects when the guest under a number is no longer the one that was meant.
fn identity_objection(meant: &GuestRef, found: &Guest) -> Option<Objection> {
    let found = found.to_ref();
    (!meant.is_same_guest(&found)).then(|| {
        Objection::new(
            Field::Whole,
            format!("{} {meant} is now {} {found}", meant.kind, found.kind),
        )
    })
}

/// Says why a guest's snapshots cannot be changed now, if so.
pub fn refuses_snapshots(guest: &Guest) -> Option<String> {
    if guest.template {
        return Some("a template cannot have snapshots".to_owned());
    }
    guest.lock.as_ref().map(|lock| format!("locked ({lock})"))
}

/// Says why a guest's memory cannot be saved now, if so.
pub fn refuses_ram(guest: &Guest) -> Option<String> {
    if guest.kind == GuestKind::Lxc {
        return Some("a container has no RAM to save".to_owned());
    }
    if matches!(guest.status, Status::Running | Status::Paused) {
        return None;
    }
    Some(format!(
        "only a running guest has RAM to save; this one is {}",
        guest.status
    ))
}
