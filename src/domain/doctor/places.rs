//! What the config names and the cluster should have: templates, bridges, storages, switches.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Health};
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::id::{NodeName, StorageName};
use crate::domain::inventory::{Resources, Storage};
use crate::domain::request::refuses_template;
use crate::domain::template::{CardProfile, Template};
use crate::domain::text::clean;

/// Storages whose disks cannot be snapshotted at all.
const WITHOUT_SNAPSHOTS: [&str; 2] = ["iscsi", "iscsidirect"];
/// Storages that do it only as chains of volumes, which has to be switched on since Proxmox VE 9.
const AS_CHAINS: [&str; 1] = ["lvm"];
/// Storages that do it for images in the format qcow2 and no other.
const BY_FORMAT: [&str; 5] = ["dir", "nfs", "cifs", "cephfs", "glusterfs"];
/// Storages that go back to their newest snapshot only.
const NEWEST_ONLY: [&str; 1] = ["zfspool"];

/// Judges the entries of the catalogue: whether each is there, and a template.
pub fn templates(catalogue: &[Template], resources: Option<&Resources>) -> Vec<Finding> {
    let judge = |template: &Template| {
        let (name, vmid) = (&template.name, template.vmid);
        let Some(resources) = resources else {
            return Finding::unknown("template", name, "the guests could not be read", "");
        };
        let Some(seen) = resources.guest(vmid) else {
            return Finding::bad(
                Health::Fail,
                "template",
                name,
                format!("guest {vmid} is not there, or this account does not see it"),
                format!(
                    "give [templates.{name}] the vmid of a template, or the account VM.Audit on /vms/{vmid}"
                ),
            );
        };
        match refuses_template(&seen.guest) {
            None => Finding::ok("template", name, seen.guest.to_ref().to_string()),
            Some(reason) => {
                let fix = format!(
                    "make it one on its node (qm template {vmid}), or give [templates.{name}] the vmid of another"
                );
                Finding::bad(Health::Fail, "template", name, reason, fix)
            }
        }
    };
    catalogue.iter().map(judge).collect()
}

/// The bridges that each node shows to the account; a failure where it could not be asked.
pub type Bridges = BTreeMap<NodeName, Result<BTreeSet<String>, Failure>>;

/// Judges whether the bridges of the network profiles exist, node by node.
pub fn bridges(profiles: &[CardProfile], known: &Bridges) -> Vec<Finding> {
    let judge = |profile: &CardProfile| {
        let (name, bridge) = (&profile.name, &profile.bridge);
        let has = |bridges: &BTreeSet<String>| bridges.contains(bridge);
        let without: Vec<&str> = known
            .iter()
            .filter(|(_, found)| found.as_ref().is_ok_and(|bridges| !has(bridges)))
            .map(|(node, _)| node.as_str())
            .collect();
        let silent: Vec<&str> = known
            .iter()
            .filter(|(_, found)| found.is_err())
            .map(|(node, _)| node.as_str())
            .collect();
        if !without.is_empty() {
            let on = without.join(", ");
            let everywhere = without.len() + silent.len() == known.len();
            return Finding::bad(
                if everywhere {
                    Health::Fail
                } else {
                    Health::Warn
                },
                "profile",
                name,
                format!("bridge {bridge} is not on {on}, or this account may not use it"),
                format!(
                    "create the bridge there, give the account SDN.Use on it, or change bridge in [network_profiles.{name}]"
                ),
            );
        }
        if known.is_empty() || !silent.is_empty() {
            let which = match silent.as_slice() {
                [] => "no node could be asked".to_owned(),
                nodes => format!("{} could not be asked", nodes.join(", ")),
            };
            return Finding::unknown("profile", name, format!("bridge {bridge}: {which}"), "");
        }
        let detail = format!("bridge {bridge} is on every node");
        Finding::ok("profile", name, detail)
    };
    profiles.iter().map(judge).collect()
}

/// Judges which of the storages that hold guests' disks can keep snapshots.
pub fn storages(rows: &[Storage]) -> Vec<Finding> {
    let mut seen: BTreeSet<&StorageName> = BTreeSet::new();
    rows.iter()
        .filter(|storage| holds_disks(storage))
        .filter(|storage| seen.insert(&storage.name))
        .map(judge_storage)
        .collect()
}

/// Tells whether guests' disks lie on a storage; unknown, they may.
pub fn holds_disks(storage: &Storage) -> bool {
    storage.content.as_ref().is_none_or(|content| {
        let mut words = content.raw().split(',');
        words.any(|word| matches!(word, "images" | "rootdir"))
    })
}

fn judge_storage(storage: &Storage) -> Finding {
    let name = storage.name.as_str();
    let Some(plugin) = &storage.plugin else {
        return Finding::unknown(
            "storage",
            name,
            "the server does not say of which kind it is",
            "",
        );
    };
    let kind = plugin.raw();
    let warn = |detail: &str, fix: &str| {
        let detail = format!("{} ({})", detail, clean(kind));
        Finding::bad(Health::Warn, "storage", name, detail, fix)
    };
    if WITHOUT_SNAPSHOTS.contains(&kind) {
        return warn(
            "disks here cannot be snapshotted",
            "move disks whose guests are to be snapshotted to LVM-thin, ZFS, Ceph or qcow2 files",
        );
    }
    if AS_CHAINS.contains(&kind) {
        return warn(
            "disks here cannot be snapshotted unless the storage has snapshot-as-volume-chain (Proxmox VE 9)",
            "move disks whose guests are to be snapshotted, or switch that on for new disks",
        );
    }
    let ok = |detail: &str| {
        let detail = format!("{} ({})", detail, clean(kind));
        Finding::ok("storage", name, detail)
    };
    if BY_FORMAT.contains(&kind) {
        return ok("disks in the format qcow2 can be snapshotted, raw ones cannot");
    }
    if NEWEST_ONLY.contains(&kind) {
        return ok("disks can be snapshotted; guests go back to the newest snapshot only");
    }
    ok("disks can be snapshotted")
}

/// Judges the datacenter's firewall switch, without which no guest is fenced in.
pub fn datacenter_switch(is_on: Result<bool, &Failure>, has_profiles: bool) -> Finding {
    match is_on {
        Ok(true) => Finding::ok("firewall", "datacenter", "the switch is on"),
        Ok(false) if has_profiles => Finding::bad(
            Health::Fail,
            "firewall",
            "datacenter",
            "the switch is off: no network profile of any guest is enforced",
            "look at the datacenter's rules first, which come into force with it; then as root on a node: \
             pvesh set /cluster/firewall/options --enable 1",
        ),
        Ok(false) => Finding::ok(
            "firewall",
            "datacenter",
            "the switch is off; the config has no network profiles that would need it",
        ),
        Err(failure) => Finding::unknown(
            "firewall",
            "datacenter",
            format!("the switch cannot be read: {failure}"),
            "give the account Sys.Audit on /",
        ),
    }
}

/// Judges the guests' own switches: `off` are those whose switch is, of `asked` that were looked at.
///
/// A guest that no profile fences in may have it off with good reason; nothing here is a failure.
pub fn guest_switches(off: &[GuestRef], asked: usize, unread: usize) -> Finding {
    let unread_text = match unread {
        0 => String::new(),
        count => format!("; {count} could not be read"),
    };
    if off.is_empty() && unread > 0 {
        let detail =
            format!("of {asked} managed guests none is seen with its switch off{unread_text}");
        return Finding::unknown("firewall", "guests", detail, "");
    }
    if off.is_empty() {
        let detail = format!("the switch of all {asked} managed guests is on");
        return Finding::ok("firewall", "guests", detail);
    }
    let first = off.iter().take(3).map(ToString::to_string);
    let first: Vec<String> = first.collect();
    let others = match off.len().saturating_sub(first.len()) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    Finding::bad(
        Health::Warn,
        "firewall",
        "guests",
        format!(
            "the switch of {} of {asked} managed guests is off: {}{others}{unread_text}",
            off.len(),
            first.join(", ")
        ),
        "apply a network profile to those that must be fenced in",
    )
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::failure::FailureKind;

    fn storage(plugin: Option<&str>, content: &str) -> Storage {
        Storage {
            name: "store".parse().unwrap(),
            node: "pve1".parse().unwrap(),
            shared: false,
            plugin: plugin.map(Into::into),
            content: Some(content.into()),
            available: true,
            used: None,
            size: None,
        }
    }

    #[test]
    fn storages_are_judged_once_and_only_where_disks_lie() {
        let health = |plugin| storages(&[storage(plugin, "images")])[0].health;
        assert_eq!(health(Some("lvmthin")), Health::Ok);
        assert_eq!(health(Some("dir")), Health::Ok);
        assert_eq!(health(Some("lvm")), Health::Warn);
        assert_eq!(health(Some("iscsi")), Health::Warn);
        assert_eq!(health(None), Health::Unknown);
        assert!(storages(&[storage(Some("lvm"), "iso,backup")]).is_empty());
        let twice = [
            storage(Some("lvm"), "images"),
            storage(Some("lvm"), "images"),
        ];
        assert_eq!(storages(&twice).len(), 1);
    }

    #[test]
    fn a_bridge_is_looked_for_on_every_node() {
        let profile = CardProfile {
            name: "api_access".into(),
            bridge: "vmbr1".into(),
            firewall: true,
        };
        let judge = |nodes: &[(&str, Option<&str>)]| {
            let nodes = nodes.iter().map(|(node, bridge)| {
                let silent = Failure::new(FailureKind::NodeUnreachable, "no route");
                let found = bridge
                    .map(|it| BTreeSet::from([it.to_owned()]))
                    .ok_or(silent);
                (node.parse().unwrap(), found)
            });
            bridges(std::slice::from_ref(&profile), &nodes.collect())[0].health
        };
        assert_eq!(
            judge(&[("a", Some("vmbr1")), ("b", Some("vmbr1"))]),
            Health::Ok
        );
        assert_eq!(
            judge(&[("a", Some("vmbr1")), ("b", Some("vmbr0"))]),
            Health::Warn
        );
        assert_eq!(judge(&[("a", Some("vmbr0")), ("b", None)]), Health::Fail);
        assert_eq!(judge(&[("a", Some("vmbr1")), ("b", None)]), Health::Unknown);
        assert_eq!(judge(&[]), Health::Unknown);
    }

    #[test]
    fn a_switch_that_cannot_be_read_is_unknown_and_not_off() {
        let hidden = Failure::new(
            FailureKind::Forbidden,
            "Permission check failed (/, Sys.Audit)",
        );
        assert_eq!(
            datacenter_switch(Err(&hidden), true).health,
            Health::Unknown
        );
        assert_eq!(datacenter_switch(Ok(false), true).health, Health::Fail);
        assert_eq!(datacenter_switch(Ok(false), false).health, Health::Ok);
        assert_eq!(guest_switches(&[], 3, 1).health, Health::Unknown);
        assert_eq!(guest_switches(&[], 3, 0).health, Health::Ok);
    }
}
