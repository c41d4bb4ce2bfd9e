//! Wishes about several guests at once: the same snapshot of all, the same change of power.
//!
//! Who cannot take part is left out and named with the reason; who takes part is checked like a
//! guest alone.

use super::power::PowerRequest;
use super::snapshot::{SnapshotRequest, refuses_ram};
use super::state_space::StateNeeds;
use super::{Field, Objection, Objections};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::inventory::Resources;
use crate::domain::operation::{Batch, Operation, PowerAction, Skipped};
use crate::domain::snapshot::{SnapshotList, SnapshotName};

/// The wish for the same-named snapshot of several guests.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchSnapshotRequest {
    /// The guests, as they were when the form was opened.
    pub guests: Vec<GuestRef>,
    /// The name as typed.
    pub name: String,
    /// The description as typed.
    pub description: String,
    /// Whether memory is saved, of the guests that have any.
    pub ram: bool,
}

/// What is known of several guests when a wish about them is checked.
pub trait KnownGuests {
    /// Returns guests, nodes and storages, once they are read.
    fn resources(&self) -> Option<&Resources>;
    /// Returns a guest's snapshots, once they are read.
    fn snapshots(&self, vmid: Vmid) -> Option<&SnapshotList>;
    /// Returns a guest's configuration, once it is read.
    fn config(&self, vmid: Vmid) -> Option<&GuestConfig>;
}

impl BatchSnapshotRequest {
    /// Checks the wish against what is known now.
    pub fn check(&self, known: &impl KnownGuests) -> Result<Operation, Vec<Objection>> {
        let (operations, skipped, objections) = self.sort_out(known);
        join(operations, skipped, objections)
    }

    /// Tells those that can take part from those that cannot, and objects to the rest of the wish.
    pub(super) fn sort_out(
        &self,
        known: &impl KnownGuests,
    ) -> (Vec<Operation>, Vec<Skipped>, Objections) {
        let mut objections = Objections::default();
        objections.accept(Field::Name, self.name.parse::<SnapshotName>());
        objections.description(&self.description);
        let mut needs = StateNeeds::default();
        let (mut operations, mut skipped) = (Vec::new(), Vec::new());
        for meant in &self.guests {
            let guest = find(known, meant.vmid);
            let request = SnapshotRequest {
                guest: meant.clone(),
                name: self.name.clone(),
                description: self.description.clone(),
                ram: self.ram && guest.is_some_and(|guest| refuses_ram(guest).is_none()),
            };
            let checked = match is_silent(known, meant.vmid) {
                Some(reason) => Err(vec![Objection::new(Field::Whole, reason)]),
                None => request.check(guest, known.snapshots(meant.vmid)),
            };
            match checked {
                Ok(operation) => {
                    if let (true, Some(guest)) = (request.ram, guest) {
                        needs.add(guest, known.config(meant.vmid), known.resources());
                    }
                    operations.push(operation);
                }
                Err(reasons) => skipped.push(left_out(meant, &reasons)),
            }
        }
        if let Some(resources) = known.resources() {
            objections.add_some(Field::Ram, needs.refusal(resources));
        }
        (operations, skipped, objections)
    }

    /// Says for each guest that takes part why its memory is not saved although that is wanted.
    pub fn without_ram(&self, known: &impl KnownGuests) -> Vec<Skipped> {
        let wanted = self.guests.iter().filter(|_| self.ram);
        wanted
            .filter_map(|meant| {
                let reason = refuses_ram(find(known, meant.vmid)?)?;
                let guest = meant.clone();
                Some(Skipped { guest, reason })
            })
            .collect()
    }
}

/// The wish that the power of several guests change in the same way.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchPowerRequest {
    /// The guests, as they were when the menu was opened.
    pub guests: Vec<GuestRef>,
    /// What is to be done.
    pub action: PowerAction,
}

impl BatchPowerRequest {
    /// Checks the wish against the guests as they are now.
    pub fn check(&self, known: &impl KnownGuests) -> Result<Operation, Vec<Objection>> {
        let (mut operations, mut skipped) = (Vec::new(), Vec::new());
        for meant in &self.guests {
            let request = PowerRequest::new(meant.clone(), self.action);
            match request.check(find(known, meant.vmid)) {
                Ok(operation) => operations.push(operation),
                Err(reasons) => skipped.push(left_out(meant, &reasons)),
            }
        }
        join(operations, skipped, Objections::default())
    }
}

/// Finds a guest as it is now.
pub(super) fn find(known: &impl KnownGuests, vmid: Vmid) -> Option<&Guest> {
    let seen = known.resources()?.guest(vmid)?;
    Some(&seen.guest)
}

/// Says that a guest's node is silent, if so.
pub(super) fn is_silent(known: &impl KnownGuests, vmid: Vmid) -> Option<String> {
    let seen = known.resources()?.guest(vmid)?;
    (!seen.vouched).then(|| format!("{} does not answer", seen.guest.node))
}

fn left_out(guest: &GuestRef, reasons: &[Objection]) -> Skipped {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    Skipped {
        guest: guest.clone(),
        reason: reasons.join("; "),
    }
}

/// Joins what can be done; objects where that is nothing.
fn join(
    operations: Vec<Operation>,
    skipped: Vec<Skipped>,
    mut objections: Objections,
) -> Result<Operation, Vec<Objection>> {
    if operations.is_empty() {
        let reason = match skipped.first() {
            Some(first) => format!("of none: {}: {}", first.guest, first.reason),
            None => "no guest is meant".to_owned(),
        };
        objections.add(Field::Whole, reason);
    }
    objections.or(Batch::of(operations, skipped))
}
