//! The return of a guest to one of its snapshots.

use super::call::Call;
use super::snapshot::TakeSnapshot;
use crate::domain::guest::GuestRef;
use crate::domain::permission::Need;
use crate::domain::snapshot::Snapshot;

/// The return of a guest to one of its snapshots, its present lost.
#[derive(Debug, Clone, PartialEq)]
pub struct RollBack {
    guest: GuestRef,
    snapshot: Snapshot,
    safety: Option<TakeSnapshot>,
    start: bool,
    /// Whether its first card comes back without the firewall that it has now.
    unfences: bool,
}

impl RollBack {
    pub(in crate::domain) fn new(
        guest: GuestRef,
        snapshot: Snapshot,
        safety: Option<TakeSnapshot>,
        start: bool,
        unfences: bool,
    ) -> Self {
        Self {
            guest,
            // A snapshot with memory resumes by itself; asking for a start as well would start it twice.
            start: start && !snapshot.has_ram,
            snapshot,
            safety,
            unfences,
        }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        let rest = format!("/snapshot/{}/rollback", self.snapshot.name);
        let roll_back =
            Call::on(&self.guest, "POST", &rest).with_some("start", self.starts().then_some(1));
        let safety = self.safety.iter().map(TakeSnapshot::call);
        let start = self
            .starts_fenced()
            .then(|| Call::on(&self.guest, "POST", "/status/start"));
        safety.chain([roll_back]).chain(start).collect()
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        let vmid = self.guest.vmid;
        let mut needs = vec![
            Need::on_guest("VM.Snapshot", vmid).or(Need::on_guest("VM.Snapshot.Rollback", vmid)),
        ];
        if self.start {
            needs.push(Need::on_guest("VM.PowerMgmt", vmid));
        }
        if self.unfences {
            needs.push(Need::on_guest("VM.Config.Network", vmid));
        }
        needs.extend(self.safety.iter().flat_map(TakeSnapshot::needs));
        needs
    }

    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Returns the snapshot as it was when the return was asked for.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns the snapshot that is taken of the present before it is lost.
    pub fn safety(&self) -> Option<&TakeSnapshot> {
        self.safety.as_ref()
    }

    /// Tells whether the server is asked to start the guest afterwards.
    pub fn starts(&self) -> bool {
        self.start && !self.unfences
    }

    /// Tells whether the guest is started only when it is fenced in again.
    pub fn starts_fenced(&self) -> bool {
        self.start && self.unfences
    }

    /// Tells whether the guest's first card comes back without the firewall that it has now.
    pub fn unfences(&self) -> bool {
        self.unfences
    }

    /// Tells whether the guest should run in the end.
    pub fn ends_running(&self) -> bool {
        self.start || self.snapshot.has_ram
    }
}
