//! The wish that a guest be destroyed, and what goes with it.

use std::collections::BTreeSet;

use super::{Field, Objection, Objections};
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::guest_config::{Drive, GuestConfig, total};
use crate::domain::id::{PoolName, Vmid};
use crate::domain::operation::{DestroyGuest, Operation, Stamp};
use crate::domain::retention::Policy;
use crate::domain::snapshot::SnapshotList;
use crate::domain::text::Text;

/// The wish that a guest be destroyed.
#[derive(Debug, Clone, PartialEq)]
pub struct DestroyRequest {
    /// The guest, as it was when the form was opened.
    pub guest: GuestRef,
    /// Whether it is taken out of backup jobs, replication and high availability too.
    pub purge: bool,
    /// What its description must carry; set for a half-made guest that we made ourselves.
    pub stamp: Option<Stamp>,
}

/// What is known when a destruction is checked; the less, the more is left to the server.
#[derive(Debug, Clone, Copy, Default)]
pub struct DestroyContext<'a> {
    /// The guest as it is now; absent when it is gone.
    pub guest: Option<&'a Guest>,
    /// Its configuration.
    pub config: Option<&'a GuestConfig>,
    /// Its snapshots.
    pub snapshots: Option<&'a SnapshotList>,
    /// The guests that are known to use its disks as their base.
    pub linked: &'a [Vmid],
}

impl DestroyRequest {
    /// Checks the wish against what is known now.
    pub fn check(&self, context: &DestroyContext<'_>) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let guest = objections.same_guest(&self.guest, context.guest);
        if let Some(guest) = guest {
            objections.add_some(Field::Whole, refuses_destruction(guest));
            if guest.ha_state.is_some() && !self.purge {
                objections.add(Field::Purge, NEEDS_PURGE);
            }
        }
        if let Some(config) = context.config {
            if config.is_protected() {
                objections.add(Field::Whole, PROTECTED);
            }
            if let Some(stamp) = &self.stamp
                && !stamp.is_on(config.description())
            {
                objections.add(Field::Whole, STRANGER);
            }
        }
        if !context.linked.is_empty() {
            let clones: Vec<String> = context.linked.iter().map(ToString::to_string).collect();
            let reason = format!(
                "linked clones stand on its disks ({}); destroy them first, or copy them whole",
                clones.join(", ")
            );
            objections.add(Field::Whole, reason);
        }
        objections.or(guest.map(|guest| {
            let destroy = DestroyGuest::new(guest.to_ref(), self.purge, self.stamp.clone());
            Operation::Destroy(Box::new(destroy))
        }))
    }

    /// Tells what goes with the guest; `policy` says which snapshots are marked as to be kept.
    pub fn losses(&self, context: &DestroyContext<'_>, policy: &Policy) -> DestroyLosses {
        let snapshots = context.snapshots.map(|list| &list.snapshots);
        DestroyLosses {
            drives: context.config.map(GuestConfig::drives),
            unused: context
                .config
                .map(GuestConfig::unused_volumes)
                .unwrap_or_default(),
            snapshots: snapshots.map(Vec::len),
            kept: snapshots.map_or(0, |list| {
                let marked = list.iter().filter(|each| policy.mark_of(each).is_some());
                marked.count()
            }),
            template: context.guest.is_some_and(|guest| guest.template),
            pool: context.guest.and_then(|guest| guest.pool.clone()),
            ha_managed: context.guest.is_some_and(|guest| guest.ha_state.is_some()),
        }
    }
}

/// What goes with a guest that is destroyed; unknown parts are absent.
#[derive(Debug, Clone, PartialEq)]
pub struct DestroyLosses {
    /// Its disks.
    pub drives: Option<Vec<Drive>>,
    /// Volumes that it set aside, which go too.
    pub unused: Vec<Text>,
    /// How many snapshots it has.
    pub snapshots: Option<usize>,
    /// How many of them are marked as to be kept.
    pub kept: usize,
    /// Whether it is a template, from which new guests come.
    pub template: bool,
    /// The pool in which it loses its place.
    pub pool: Option<PoolName>,
    /// Whether high availability manages it.
    pub ha_managed: bool,
}

impl DestroyLosses {
    /// Sums up the sizes of the disks; absent when one of them is unknown.
    pub fn disk_size(&self) -> Option<u64> {
        total(self.drives.as_ref()?)
    }
}

/// Why a guest under high availability stays (recording 1654).
const NEEDS_PURGE: &str = "high availability manages it; it goes only with purge";
/// Why a protected guest stays (recording 234).
const PROTECTED: &str = "it is protected; take the protection out of its options first";
/// Why a guest stays that was thought to be half-made by ourselves.
const STRANGER: &str = "it does not carry the mark of the guest that was made here";

/// Says why a guest cannot be destroyed now, if so, as far as the resource list tells.
///
/// A guest of unknown state is refused nothing that its server may still grant.
pub fn refuses_destruction(guest: &Guest) -> Option<String> {
    if guest.status == Status::Unknown && guest.lock.is_none() {
        return None;
    }
    refuses_destruction_in(&guest.status, guest.lock.as_ref())
}

/// Says why a guest in such a state cannot be destroyed, if so (recordings 228–236, 1008, 1388).
pub fn refuses_destruction_in(status: &Status, lock: Option<&Text>) -> Option<String> {
    if let Some(lock) = lock {
        return Some(format!("locked ({lock})"));
    }
    match status {
        Status::Stopped => None,
        Status::Suspended => Some("suspended to disk; resume and stop it first".to_owned()),
        Status::Running
        | Status::Paused
        | Status::Prelaunch
        | Status::IoError
        | Status::InternalError
        | Status::Other(_) => Some(format!("{status}; stop it first")),
        Status::Unknown => Some("whether it runs is not known".to_owned()),
    }
}

/// Finds the guests whose volumes are linked clones of a template's, by the names of the volumes.
///
/// Such a volume is called `STORE:100/base-100-disk-0.qcow2/111/vm-111-disk-0.qcow2` or
/// `STORE:base-100-disk-0/vm-111-disk-0`. On LVM-thin nothing shows it; the server knows.
pub fn linked_clones<'a>(
    template: Vmid,
    volumes: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<Vmid> {
    let bases = [format!("base-{template}-"), format!("basevol-{template}-")];
    let owner = |volume: &str| {
        let (_, path) = volume.split_once(':')?;
        let (before, own) = path.rsplit_once('/')?;
        let is_linked = before
            .split('/')
            .any(|part| bases.iter().any(|base| part.starts_with(base)));
        let (_, rest) = own.split_once('-').filter(|_| is_linked)?;
        let (number, _) = rest.split_once('-')?;
        number.parse().ok().filter(|owner| *owner != template)
    };
    volumes.into_iter().filter_map(owner).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use pretty_assertions::assert_eq;

    use super::super::samples::{chain, config, guest};
    use super::*;
    use crate::domain::id::GuestKind;

    fn stopped() -> Guest {
        Guest {
            status: Status::Stopped,
            ..guest()
        }
    }

    fn request() -> DestroyRequest {
        DestroyRequest {
            guest: guest().to_ref(),
            purge: false,
            stamp: None,
        }
    }

    fn objections(request: &DestroyRequest, context: &DestroyContext<'_>) -> Vec<String> {
        let objections = request.check(context).unwrap_err();
        objections.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_stopped_guest_goes_with_one_call_and_one_privilege() {
        let guest = stopped();
        let context = DestroyContext {
            guest: Some(&guest),
            ..DestroyContext::default()
        };
        let operation = request().check(&context).unwrap();
        let written = |operation: &Operation| operation.calls()[0].to_string();
        assert_eq!(written(&operation), "DELETE /nodes/pve1/qemu/104");
        assert_eq!(
            operation.needs()[0].to_string(),
            "needs VM.Allocate on /vms/104"
        );
        assert_eq!(
            (operation.kind(), operation.title().as_str()),
            ("destroy", "destroy 104 agent-4")
        );
        let purge = DestroyRequest {
            purge: true,
            ..request()
        };
        let operation = purge.check(&context).unwrap();
        assert_eq!(written(&operation), "DELETE /nodes/pve1/qemu/104  purge=1");
        let container = Guest {
            kind: GuestKind::Lxc,
            ..stopped()
        };
        let purge = DestroyRequest {
            guest: container.to_ref(),
            ..purge
        };
        let context = DestroyContext {
            guest: Some(&container),
            ..context
        };
        let operation = purge.check(&context).unwrap();
        assert_eq!(written(&operation), "DELETE /nodes/pve1/lxc/104  purge=1");
    }

    #[test]
    fn only_a_stopped_and_unlocked_guest_goes() {
        let refusal = |status: Status, lock: Option<&str>| {
            refuses_destruction(&Guest {
                status,
                lock: lock.map(Text::from),
                ..guest()
            })
        };
        assert_eq!(refusal(Status::Stopped, None), None);
        assert_eq!(refusal(Status::Unknown, None), None);
        assert_eq!(
            refusal(Status::Running, None).unwrap(),
            "running; stop it first"
        );
        assert_eq!(
            refusal(Status::IoError, None).unwrap(),
            "io-error; stop it first"
        );
        assert_eq!(
            refusal(Status::Stopped, Some("backup")).unwrap(),
            "locked (backup)"
        );
        assert_eq!(
            refusal(Status::Unknown, Some("backup")).unwrap(),
            "locked (backup)"
        );
        assert!(refuses_destruction_in(&Status::Unknown, None).is_some());
    }

    #[test]
    fn a_guest_that_is_gone_or_another_is_left_alone() {
        let nobody = DestroyContext::default();
        assert_eq!(objections(&request(), &nobody), ["guest 104 is gone"]);
        let other = Guest {
            name: Some("hub".into()),
            ..stopped()
        };
        let context = DestroyContext {
            guest: Some(&other),
            ..nobody
        };
        assert_eq!(
            objections(&request(), &context),
            ["qemu 104 agent-4 is now qemu 104 hub"]
        );
    }

    #[test]
    fn protection_high_availability_and_linked_clones_keep_it() {
        let managed = Guest {
            ha_state: Some("stopped".into()),
            ..stopped()
        };
        let protected = config(&[("protection", "1")]);
        let linked = [Vmid::new(111).unwrap(), Vmid::new(112).unwrap()];
        let context = DestroyContext {
            guest: Some(&managed),
            config: Some(&protected),
            linked: &linked,
            ..DestroyContext::default()
        };
        assert_eq!(
            objections(&request(), &context),
            [
                NEEDS_PURGE,
                PROTECTED,
                "linked clones stand on its disks (111, 112); destroy them first, or copy them whole"
            ]
        );
        let open = config(&[("protection", "0")]);
        let context = DestroyContext {
            config: Some(&open),
            linked: &[],
            ..context
        };
        assert_eq!(
            request().check(&context).unwrap_err()[0].field,
            Field::Purge
        );
        let purge = DestroyRequest {
            purge: true,
            ..request()
        };
        assert!(purge.check(&context).is_ok());
    }

    #[test]
    fn a_half_made_guest_goes_only_with_the_mark_that_we_gave_it() {
        let stamp =
            |number| Stamp::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap(), number);
        let guest = stopped();
        let ours = config(&[("description", &stamp(7).append_to("a clone"))]);
        let context = DestroyContext {
            guest: Some(&guest),
            config: Some(&ours),
            ..DestroyContext::default()
        };
        let wish = |number| DestroyRequest {
            stamp: Some(stamp(number)),
            ..request()
        };
        let Ok(Operation::Destroy(operation)) = wish(7).check(&context) else {
            panic!("it is ours")
        };
        assert_eq!(operation.stamp(), Some(&stamp(7)));
        assert_eq!(objections(&wish(8), &context), [STRANGER]);
    }

    #[test]
    fn what_goes_is_counted_and_what_is_unknown_is_absent() {
        let guest = Guest {
            template: true,
            ..stopped()
        };
        let config = config(&[
            ("scsi0", "vmstore:104/a.qcow2,size=10G"),
            ("scsi1", "tank:vm-104-disk-1,size=1G"),
            ("unused0", "tank:vm-104-disk-2"),
            ("ide2", "none,media=cdrom"),
        ]);
        let mut list = chain();
        list.snapshots[1].description = "before #keep the upgrade".into();
        let context = DestroyContext {
            guest: Some(&guest),
            config: Some(&config),
            snapshots: Some(&list),
            linked: &[],
        };
        let losses = request().losses(&context, &Policy::default());
        assert_eq!(losses.disk_size(), Some(11 << 30));
        assert_eq!(losses.unused.len(), 1);
        assert_eq!((losses.snapshots, losses.kept), (Some(3), 1));
        assert!(losses.template);
        assert_eq!(losses.pool, Some("lab".parse().unwrap()));
        let unknown = request().losses(&DestroyContext::default(), &Policy::default());
        assert_eq!((unknown.disk_size(), unknown.snapshots), (None, None));
    }

    #[test]
    fn linked_clones_are_known_by_the_names_of_their_volumes() {
        let volumes = [
            "vmstore:100/base-100-disk-0.qcow2",
            "vmstore:100/base-100-disk-0.qcow2/111/vm-111-disk-0.qcow2",
            "tank:base-100-disk-1/vm-112-disk-0",
            "tank:basevol-100-disk-0/subvol-113-disk-0",
            "tank:base-100-disk-0/base-114-disk-0",
            "tank:base-1000-disk-0/vm-115-disk-0",
            "vmstore:116/vm-116-disk-0.qcow2",
            "nonsense",
            "tank:base-100-disk-0/",
        ];
        let found = linked_clones(Vmid::new(100).unwrap(), volumes);
        let numbers: Vec<u32> = found.into_iter().map(Vmid::get).collect();
        assert_eq!(numbers, [111, 112, 113, 114]);
    }
}
