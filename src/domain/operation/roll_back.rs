//! The return of a guest to one of its snapshots.

use super::call::Call;
use super::network::needs_of;
use super::snapshot::TakeSnapshot;
use crate::domain::guest::GuestRef;
use crate::domain::network::NetworkPlan;
use crate::domain::permission::Need;
use crate::domain::snapshot::Snapshot;

/// The return of a guest to one of its snapshots, its present lost.
#[derive(Debug, Clone, PartialEq)]
pub struct RollBack {
    guest: GuestRef,
    snapshot: Snapshot,
    safety: Option<TakeSnapshot>,
    start: bool,
    /// Whether its first card comes back otherwise than its fence wants it.
    refences: bool,
    /// What fences it in again, planned on the configuration that comes back; absent: unknown.
    fence: Option<NetworkPlan>,
}

impl RollBack {
    pub(in crate::domain) fn new(
        guest: GuestRef,
        snapshot: Snapshot,
        safety: Option<TakeSnapshot>,
        start: bool,
        (refences, fence): (bool, Option<NetworkPlan>),
    ) -> Self {
        Self {
            guest,
            // A snapshot with memory resumes by itself; asking for a start as well would start it twice.
            start: start && !snapshot.has_ram,
            snapshot,
            safety,
            refences,
            fence: fence.filter(|_| refences),
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
        let fence = self.fence.iter().flat_map(NetworkPlan::calls);
        safety
            .chain([roll_back])
            .chain(fence)
            .chain(start)
            .collect()
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        let vmid = self.guest.vmid;
        let mut needs = vec![
            Need::on_guest("VM.Snapshot", vmid).or(Need::on_guest("VM.Snapshot.Rollback", vmid)),
        ];
        if self.start {
            needs.push(Need::on_guest("VM.PowerMgmt", vmid));
        }
        match &self.fence {
            Some(plan) => needs.extend(needs_of(plan)),
            None if self.refences => needs.push(Need::on_guest("VM.Config.Network", vmid)),
            None => {}
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
        self.start && !self.refences
    }

    /// Tells whether the guest is started only when it is fenced in again.
    pub fn starts_fenced(&self) -> bool {
        self.start && self.refences
    }

    /// Tells whether the guest's first card comes back otherwise than its fence wants it.
    pub fn refences(&self) -> bool {
        self.refences
    }

    /// Tells whether the guest runs before it is fenced in again: its memory resumes at once.
    pub fn resumes_unfenced(&self) -> bool {
        self.refences && self.snapshot.has_ram
    }

    /// Tells whether the guest should run in the end.
    pub fn ends_running(&self) -> bool {
        self.start || self.snapshot.has_ram
    }
}
