//! How large guests' disks are, which bounds what their snapshots can hold.
//!
//! Proxmox reports no size of a snapshot (API.md §6). The disks' provisioned sizes stand in the
//! guest's configuration, which is read only while somebody looks at its snapshots.

use std::collections::HashMap;
use std::time::Duration;

use super::effect::Ticket;
use super::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::guest::Guest;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Moment;

/// Sizes are read again after so long; a disk seldom grows.
const LIVE: Duration = Duration::from_secs(3600);
/// After a failure so long passes before they are asked for again.
const RETRY: Duration = Duration::from_secs(600);
/// What the server sets aside for memory beside twice its size (API.md §6).
const EXTRA: u64 = 500 << 20;

/// The sizes of guests' disks, as far as they were read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DiskSizes(HashMap<Vmid, Remote<Option<u64>>>);

impl DiskSizes {
    /// Tells whether a guest's disks are to be asked for.
    pub(super) fn is_due(&self, vmid: Vmid, now: Moment) -> bool {
        self.0
            .get(&vmid)
            .is_none_or(|sizes| sizes.is_due_after(now, LIVE, RETRY))
    }

    /// Notes that they are asked for.
    pub(super) fn ask(&mut self, vmid: Vmid, ticket: Ticket) {
        self.0.entry(vmid).or_default().ask(ticket);
    }

    /// Takes in a configuration that was asked for.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        let asked = self.0.values_mut().find(|sizes| sizes.awaits(ticket));
        if let Some(sizes) = asked {
            let result = result.as_ref().map(GuestConfig::disk_size);
            sizes.settle(ticket, now, result.map_err(Failure::clone));
        }
    }

    /// Counts the answers that are awaited.
    pub(super) fn flying(&self) -> usize {
        self.0.values().filter(|sizes| sizes.is_pending()).count()
    }

    /// Forgets guests that are gone.
    pub(super) fn retain(&mut self, exists: impl Fn(Vmid) -> bool) {
        self.0.retain(|vmid, _| exists(*vmid));
    }

    /// Returns how much a snapshot may hold at most, and whether that is only an estimate.
    ///
    /// The disks bound it as they are now, for they never shrink. How much memory the guest had
    /// when it was saved is not read; its present memory is an estimate.
    pub fn bound(&self, guest: &Guest, snapshot: &Snapshot) -> Option<(u64, bool)> {
        let disks = (*self.0.get(&guest.vmid)?.value()?)?;
        if !snapshot.has_ram {
            return Some((disks, false));
        }
        let memory = guest.figures.max_memory?;
        let state = memory.saturating_mul(2).saturating_add(EXTRA);
        Some((disks.saturating_add(state), true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::guest::{Figures, Status};
    use crate::domain::id::GuestKind;

    fn guest() -> Guest {
        Guest {
            vmid: Vmid::new(104).unwrap(),
            kind: GuestKind::Qemu,
            node: "pve1".parse().unwrap(),
            name: None,
            status: Status::Running,
            template: false,
            lock: None,
            tags: Vec::new(),
            pool: None,
            ha_state: None,
            figures: Figures {
                max_memory: Some(4 << 30),
                ..Figures::default()
            },
        }
    }

    fn snapshot(has_ram: bool) -> Snapshot {
        Snapshot {
            name: "s".into(),
            taken: None,
            parent: None,
            description: "".into(),
            has_ram,
            unfinished: None,
        }
    }

    #[test]
    fn disks_bound_a_snapshot_and_memory_is_an_estimate_and_what_is_not_read_is_unknown() {
        let mut sizes = DiskSizes::default();
        let at = |seconds| Moment::after_start(Duration::from_secs(seconds));
        let guest = guest();
        assert_eq!(sizes.bound(&guest, &snapshot(false)), None);
        assert!(sizes.is_due(guest.vmid, at(0)));
        sizes.ask(guest.vmid, Ticket(1));
        assert!(!sizes.is_due(guest.vmid, at(0)));
        let disk = ("scsi0".to_owned(), "a:vm-104-disk-0,size=20G".into());
        let config = GuestConfig::new([disk], None);
        sizes.settle(Ticket(1), at(1), &Ok(config));
        assert_eq!(
            sizes.bound(&guest, &snapshot(false)),
            Some((20 << 30, false))
        );
        let with_ram = (28 << 30) + EXTRA;
        assert_eq!(sizes.bound(&guest, &snapshot(true)), Some((with_ram, true)));
        assert!(!sizes.is_due(guest.vmid, at(3600)));
        assert!(sizes.is_due(guest.vmid, at(3601)));
        sizes.retain(|_| false);
        assert_eq!(sizes.bound(&guest, &snapshot(false)), None);
    }
}
