//! The wish that a guest go back to a snapshot, and what would be lost by it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::danger::{Danger, dangers, moves_fence};
use super::losses::{Afterwards, Losses, branches, changes, set_aside};
use super::refence::{Meanwhile, NewBridge, Refence, RefencedBy};
use super::snapshot::refuses_snapshots;
use super::{Field, Objection, Objections, SnapshotRequest};
use crate::domain::enforcement::CriticalTags;
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::guest_config::GuestConfig;
use crate::domain::inventory::Storage;
use crate::domain::network::{CARD, Foreseen, NetworkPlan};
use crate::domain::operation::{Operation, RollBack};
use crate::domain::snapshot::{Snapshot, SnapshotList};

/// The kinds of storage that go back to a guest's newest snapshot only (PITFALLS 28).
///
/// On plain `lvm` whatever has a snapshot is a volume chain, for there is no other kind there. A
/// directory may keep volume chains as well, but the list of storages does not tell which does;
/// there the server has the last word, and it refuses before it touches anything.
const NEWEST_ONLY: [&str; 2] = ["zfspool", "lvm"];

/// The wish that a guest go back to a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct RollBackRequest {
    /// The guest, as it was when the form was opened.
    pub guest: GuestRef,
    /// The snapshot, as it was when the form was opened.
    pub snapshot: Snapshot,
    /// Whether the guest is started afterwards; one with memory resumes in any case.
    pub start: bool,
    /// The name, as typed, of a snapshot to be taken of the present first; absent for none.
    pub safety: Option<String>,
    /// Whether it may run without its fence for a moment, where its memory resumes before that is up.
    pub unfenced: bool,
}

/// What is known when a roll-back is checked; the less, the more is left to the server.
#[derive(Debug, Clone, Copy, Default)]
pub struct RollBackContext<'a> {
    /// The guest as it is now; absent when it is gone.
    pub guest: Option<&'a Guest>,
    /// Its snapshots; without them nothing is rolled back.
    pub snapshots: Option<&'a SnapshotList>,
    /// Its configuration now.
    pub present: Option<&'a GuestConfig>,
    /// The configuration that the snapshot froze.
    pub frozen: Option<&'a GuestConfig>,
    /// Whether one of the two is still being read; until then nobody knows what is lost.
    pub comparing: bool,
    /// The cluster's storages.
    pub storages: &'a [Storage],
    /// The tags of guests that enforcement spares; absent when there are none to be lost.
    pub critical_tags: Option<&'a CriticalTags>,
    /// What would fence it in again, planned on the frozen configuration; absent: nobody looked.
    pub fence: Option<&'a Foreseen>,
}

impl RollBackRequest {
    /// Checks the wish against what is known now.
    pub fn check(&self, context: &RollBackContext<'_>) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let guest = objections.same_guest(&self.guest, context.guest);
        if let Some(guest) = guest {
            objections.add_some(Field::Whole, refuses_snapshots(guest));
        }
        let found = objections.same_snapshot(&self.snapshot, context.snapshots);
        if context.comparing {
            objections.add(Field::Whole, "still comparing the configurations");
        }
        if let Some(storage) = context.newest_only_storage() {
            let newer = context.newer_than(&self.snapshot);
            if !newer.is_empty() {
                let reason = format!(
                    "storage {storage} goes back only to the newest snapshot; in the way: {}",
                    newer.join(", ")
                );
                objections.add(Field::Snapshot, reason);
            }
            if self.safety.is_some() {
                let reason = format!(
                    "storage {storage} goes back only to the newest snapshot, which a safety snapshot would be"
                );
                objections.add(Field::Safety, reason);
            }
        }
        let safety = self.safety.as_ref().and_then(|name| {
            let request = SnapshotRequest {
                guest: self.guest.clone(),
                name: name.clone(),
                description: format!("before going back to {}", self.snapshot.name),
                ram: false,
            };
            // What concerns the whole guest has been said above.
            match request.check_parts(context.guest, context.snapshots) {
                Ok(safety) => Some(safety),
                Err(reasons) => {
                    let own = reasons
                        .into_iter()
                        .filter(|each| each.field != Field::Whole);
                    own.for_each(|each| objections.add(Field::Safety, each.reason));
                    None
                }
            }
        });
        let refences = context.refences();
        if refences && self.snapshot.has_ram && !self.unfenced {
            let reason = "its memory resumes at once, without a fence; switch on that it may";
            objections.add(Field::Unfenced, reason);
        }
        let plan = context.fence.and_then(Foreseen::plan).cloned();
        let made = guest.zip(found).map(|(guest, snapshot)| {
            let (guest, snapshot) = (guest.to_ref(), snapshot.clone());
            let roll_back = RollBack::new(guest, snapshot, safety, self.start, (refences, plan));
            Operation::RollBack(Box::new(roll_back))
        });
        objections.or(made)
    }

    /// Tells what would be lost; `now` is the server's clock.
    pub fn losses(&self, context: &RollBackContext<'_>, now: DateTime<Utc>) -> Losses {
        let is_up = context.guest.is_some_and(|guest| is_up(&guest.status));
        let configs = context.present.zip(context.frozen);
        Losses {
            time: self
                .snapshot
                .taken
                .and_then(|taken| (now - taken).to_std().ok()),
            branches: context
                .snapshots
                .map(|list| branches(list, self.snapshot.name.raw()))
                .unwrap_or_default(),
            hard_stop: is_up,
            afterwards: if self.snapshot.has_ram {
                Afterwards::Resumes
            } else if self.start {
                Afterwards::Starts
            } else if context.guest.is_some_and(|guest| guest.ha_state.is_some()) {
                Afterwards::MayBeStarted
            } else {
                Afterwards::StaysOff
            },
            changes: configs.map(|(present, frozen)| changes(present, frozen)),
            set_aside: configs.map(|(present, frozen)| set_aside(present, frozen)),
            dangers: configs.map_or_else(Vec::new, |(present, frozen)| {
                let none = CriticalTags::new(Vec::new());
                dangers(present, frozen, context.critical_tags.unwrap_or(&none))
            }),
            fence: context.refences().then(|| Refence {
                by: RefencedBy::of(context.fence),
                bridge: context.bridge_afterwards(),
                may_be_started: context.guest.is_some_and(|guest| guest.ha_state.is_some()),
                meanwhile: if self.snapshot.has_ram {
                    Meanwhile::Runs
                } else if self.start {
                    Meanwhile::Waits
                } else {
                    Meanwhile::IsOff
                },
            }),
        }
    }
}

impl RollBackContext<'_> {
    /// Tells whether the first card comes back otherwise than what fences the guest in wants it.
    fn refences(&self) -> bool {
        let plan = self.fence.and_then(Foreseen::plan);
        if plan.is_some_and(NetworkPlan::changes_card) {
            return true;
        }
        let Some((present, frozen)) = self.present.zip(self.frozen) else {
            return false;
        };
        // Of a card that stays behind the firewall only a profile knows where it belongs, and one
        // that was looked at has spoken above.
        let is_known = matches!(self.fence, Some(Foreseen::Nothing | Foreseen::Planned(_)));
        if !is_known && moves_fence(present, frozen) {
            return true;
        }
        let none = CriticalTags::new(Vec::new());
        let mut dangers = dangers(present, frozen, &none).into_iter();
        dangers.any(|danger| matches!(danger, Danger::Unfenced { card } if card == CARD))
    }

    /// Returns the bridge to which its fence brings the first card, where that comes back on another.
    fn bridge_afterwards(&self) -> Option<NewBridge> {
        if let Some(plan) = self.fence.and_then(Foreseen::plan) {
            return plan.new_bridge().map(NewBridge::Named);
        }
        let (present, frozen) = self.present.zip(self.frozen)?;
        let is_of_profile = RefencedBy::of(self.fence) == RefencedBy::ItsOwn;
        (is_of_profile && moves_fence(present, frozen)).then_some(NewBridge::OfProfile)
    }

    /// Finds a storage of the guest that goes back to the newest snapshot only.
    fn newest_only_storage(&self) -> Option<String> {
        let used: BTreeSet<_> = self.frozen.or(self.present)?.storages();
        let strict = self.storages.iter().find(|storage| {
            used.contains(&storage.name)
                && storage
                    .plugin
                    .as_ref()
                    .is_some_and(|plugin| NEWEST_ONLY.contains(&plugin.raw()))
        })?;
        let plugin = strict.plugin.as_ref()?;
        Some(format!("{} ({plugin})", strict.name))
    }

    fn newer_than(&self, target: &Snapshot) -> Vec<String> {
        let list = self.snapshots.map_or(&[][..], |list| &list.snapshots);
        list.iter()
            .filter(|each| each.taken > target.taken && each.name != target.name)
            .map(|each| each.name.to_string())
            .collect()
    }
}

fn is_up(status: &Status) -> bool {
    match status {
        Status::Running
        | Status::Paused
        | Status::Prelaunch
        | Status::IoError
        | Status::InternalError
        | Status::Other(_) => true,
        Status::Stopped | Status::Suspended | Status::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pretty_assertions::assert_eq;

    use super::super::samples::{chain, config, guest};
    use super::*;

    fn request(name: &str) -> RollBackRequest {
        RollBackRequest {
            guest: guest().to_ref(),
            snapshot: chain().find(name).unwrap().clone(),
            start: true,
            safety: Some("before-rollback".into()),
            unfenced: false,
        }
    }

    fn storage(name: &str, plugin: &str) -> Storage {
        Storage {
            name: name.parse().unwrap(),
            node: "pve1".parse().unwrap(),
            shared: false,
            plugin: Some(plugin.into()),
            content: Some("images".into()),
            available: true,
            used: None,
            size: None,
        }
    }

    #[test]
    fn the_safety_snapshot_comes_first_and_a_start_is_asked_for_once() {
        let (guest, list) = (guest(), chain());
        let context = RollBackContext {
            guest: Some(&guest),
            snapshots: Some(&list),
            ..RollBackContext::default()
        };
        let operation = request("second").check(&context).unwrap();
        let calls: Vec<String> = operation.calls().iter().map(ToString::to_string).collect();
        assert_eq!(
            calls,
            [
                "POST /nodes/pve1/qemu/104/snapshot  snapname=before-rollback  description=before going back to second",
                "POST /nodes/pve1/qemu/104/snapshot/second/rollback  start=1",
            ]
        );
        let needs: Vec<String> = operation.needs().iter().map(ToString::to_string).collect();
        assert_eq!(
            needs,
            [
                "needs VM.Snapshot or VM.Snapshot.Rollback on /vms/104",
                "needs VM.PowerMgmt on /vms/104",
                "needs VM.Snapshot on /vms/104"
            ]
        );
        let mut with_ram = chain();
        with_ram.snapshots[2].has_ram = true;
        let context = RollBackContext {
            snapshots: Some(&with_ram),
            ..context
        };
        let calls = request("second").check(&context).unwrap().calls();
        assert_eq!(calls[1].parameters, [], "memory resumes by itself");
    }

    #[test]
    fn pitfall_28_a_storage_that_goes_back_only_to_the_newest_names_what_is_in_the_way() {
        let (guest, list) = (guest(), chain());
        let frozen = config(&[("scsi0", "tank:vm-104-disk-0,size=8G")]);
        let storages = [storage("vmstore", "dir"), storage("tank", "zfspool")];
        let context = RollBackContext {
            guest: Some(&guest),
            snapshots: Some(&list),
            frozen: Some(&frozen),
            storages: &storages,
            ..RollBackContext::default()
        };
        let objections = request("first").check(&context).unwrap_err();
        assert_eq!(
            objections,
            [
                Objection::new(
                    Field::Snapshot,
                    "storage tank (zfspool) goes back only to the newest snapshot; in the way: third, second"
                ),
                Objection::new(
                    Field::Safety,
                    "storage tank (zfspool) goes back only to the newest snapshot, which a safety snapshot would be"
                ),
            ]
        );
        let mut newest = request("third");
        newest.safety = None;
        assert!(newest.check(&context).is_ok());
    }

    #[test]
    fn pitfall_28_a_snapshot_on_lvm_can_only_be_a_volume_chain() {
        let (guest, list) = (guest(), chain());
        let frozen = config(&[("scsi0", "tank:vm-104-disk-0.qcow2,size=8G")]);
        let checked = |plugin| {
            let storages = [storage("tank", plugin)];
            let context = RollBackContext {
                guest: Some(&guest),
                snapshots: Some(&list),
                frozen: Some(&frozen),
                storages: &storages,
                ..RollBackContext::default()
            };
            request("first").check(&context)
        };
        let objections = checked("lvm").unwrap_err();
        assert_eq!(
            objections[0].reason,
            "storage tank (lvm) goes back only to the newest snapshot; in the way: third, second"
        );
        assert_eq!(objections[1].field, Field::Safety);
        // Whether a directory keeps volume chains, the list of storages does not say.
        for plugin in ["lvmthin", "dir", "nfs", "cifs", "rbd", "btrfs"] {
            assert!(checked(plugin).is_ok(), "{plugin}");
        }
    }

    #[test]
    fn a_safety_name_is_checked_and_a_lock_is_said_once() {
        let (mut guest, list) = (guest(), chain());
        let mut request = request("second");
        request.safety = Some("third".into());
        let context = RollBackContext {
            guest: Some(&guest),
            snapshots: Some(&list),
            ..RollBackContext::default()
        };
        assert_eq!(
            request.check(&context).unwrap_err(),
            [Objection::new(Field::Safety, "third exists already")]
        );
        guest.lock = Some("backup".into());
        request.safety = Some("fine".into());
        let context = RollBackContext {
            guest: Some(&guest),
            snapshots: Some(&list),
            ..RollBackContext::default()
        };
        assert_eq!(
            request.check(&context).unwrap_err(),
            [Objection::new(Field::Whole, "locked (backup)")]
        );
    }

    #[test]
    fn pitfall_27_what_is_lost_is_told_beforehand() {
        let mut guest = guest();
        guest.ha_state = Some("started".into());
        let mut list = chain();
        list.snapshots
            .push(super::super::samples::snapshot("side", Some("first"), 4));
        let present = config(&[
            ("memory", "4096"),
            ("tags", "critical"),
            ("cores", "2"),
            ("net0", "virtio=AA,bridge=vmbr1,firewall=1"),
            ("scsi0", "vmstore:104/a.qcow2,size=8G"),
            ("scsi1", "vmstore:104/b.qcow2,size=1G"),
            ("parent", "third"),
            ("description", "new"),
        ]);
        let frozen = config(&[
            ("memory", "2048"),
            ("cores", "2"),
            ("net0", "virtio=AA,bridge=vmbr0"),
            ("scsi0", "vmstore:104/a.qcow2,size=8G"),
            ("parent", "first"),
            ("snaptime", "7200"),
        ]);
        let context = RollBackContext {
            guest: Some(&guest),
            snapshots: Some(&list),
            present: Some(&present),
            frozen: Some(&frozen),
            critical_tags: Some(&CriticalTags::default()),
            ..RollBackContext::default()
        };
        let mut request = request("first");
        request.start = false;
        let now = DateTime::from_timestamp(3 * 3600, 0).unwrap();
        let losses = request.losses(&context, now);
        assert_eq!(losses.time, Some(Duration::from_hours(2)));
        assert_eq!(losses.branches, ["second".into(), "third".into()]);
        assert!(losses.hard_stop);
        assert_eq!(losses.afterwards, Afterwards::MayBeStarted);
        let changed: Vec<String> = losses
            .changes
            .unwrap()
            .into_iter()
            .map(|change| change.key)
            .collect();
        assert_eq!(changed, ["net0", "tags", "memory", "scsi1"]);
        let dangers: Vec<String> = losses.dangers.iter().map(ToString::to_string).collect();
        assert_eq!(
            dangers,
            [
                "net0 goes without firewall=1: the guest is not fenced",
                "the tag critical goes: enforcement may shut the guest down",
                "net0 moves from bridge vmbr1 to vmbr0",
            ]
        );
        let aside = losses.set_aside.unwrap();
        assert_eq!(aside.len(), 1);
        assert_eq!(aside[0].key, "scsi1");
    }

    #[test]
    fn unknown_configurations_are_not_taken_for_equal_ones() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let losses = request("first").losses(&RollBackContext::default(), now);
        assert_eq!(losses.changes, None);
        assert_eq!(losses.time, None, "a date in the future is no age");
    }
}
