//! Which privileges an account has and lacks, and what does not work without each.

use super::role::{Release, grants, role_of};
use super::{Finding, Health};
use crate::domain::id::{NodeName, PoolName, StorageName, Vmid};
use crate::domain::permission::{Need, Permissions};

/// On what an account is to work.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// The account, as `hub@pve!deck`.
    pub account: String,
    /// The guests: the managed ones, or all that are seen.
    pub guests: Vec<Vmid>,
    /// The guests that stand in the catalogue as templates.
    pub templates: Vec<Vmid>,
    /// The storages that hold guests' disks.
    pub storages: Vec<StorageName>,
    /// The paths of the bridges to which profiles and catalogue connect guests.
    pub bridges: Vec<String>,
    /// The pools of the projects.
    pub pools: Vec<PoolName>,
    /// The nodes.
    pub nodes: Vec<NodeName>,
}

/// The things on which a privilege is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Guests,
    Sources,
    NewGuests,
    Storages,
    Bridges,
    Pools,
    Cluster,
}

/// What a privilege is for.
struct Duty {
    privilege: &'static str,
    place: Place,
    /// How bad it is to lack it.
    weight: Health,
    /// What does not work without.
    without: &'static str,
}

const fn duty(
    privilege: &'static str,
    place: Place,
    weight: Health,
    without: &'static str,
) -> Duty {
    Duty {
        privilege,
        place,
        weight,
        without,
    }
}

/// Every privilege that proxdeck and the hub ask for.
///
/// The architecture's list names VM.Allocate, VM.Config, VM.Console, VM.PowerMgmt, VM.Snapshot,
/// Datastore.AllocateSpace and Datastore.Audit. VM.Config is no privilege: it stands for the eight
/// that begin so. What the list leaves out and the work needs follows behind.
#[rustfmt::skip]
const DUTIES: [Duty; 22] = [
    duty("VM.Allocate", Place::NewGuests, Health::Fail, "no guest can be created, cloned, branched or destroyed"),
    duty("VM.Config.CDROM", Place::Guests, Health::Warn, "the hub cannot change CD-ROM drives; proxdeck does not"),
    duty("VM.Config.CPU", Place::NewGuests, Health::Fail, "new guests cannot be given cores"),
    duty("VM.Config.Cloudinit", Place::Guests, Health::Warn, "the hub cannot write cloud-init settings; proxdeck does not"),
    duty("VM.Config.Disk", Place::Guests, Health::Fail, "disks cannot grow, and the sizes of disks and saved RAM are not seen"),
    duty("VM.Config.HWType", Place::Guests, Health::Warn, "the hub cannot change virtual hardware; proxdeck does not"),
    duty("VM.Config.Memory", Place::NewGuests, Health::Fail, "new guests cannot be given memory"),
    duty("VM.Config.Network", Place::Guests, Health::Fail, "no network profile can be applied, and no firewall be changed"),
    duty("VM.Config.Options", Place::NewGuests, Health::Fail, "new guests cannot be tagged"),
    duty("VM.Console", Place::Guests, Health::Warn, "consoles cannot be opened, nor a guest's firewall log"),
    duty("VM.PowerMgmt", Place::Guests, Health::Fail, "guests cannot be started or stopped, by hand or by enforcement"),
    duty("VM.Snapshot", Place::Guests, Health::Fail, "snapshots cannot be taken, deleted, kept or rolled back to, and nothing is pruned"),
    duty("Datastore.AllocateSpace", Place::Storages, Health::Fail, "nothing can be copied to the storage"),
    duty("Datastore.Audit", Place::Storages, Health::Fail, "how full the storage is and what lies on it is not seen"),
    duty("VM.Audit", Place::Guests, Health::Fail, "the guest is not seen at all"),
    duty("VM.Clone", Place::Sources, Health::Fail, "the guest cannot be cloned, branched, or copied as a template"),
    duty("VM.GuestAgent.Audit", Place::Guests, Health::Warn, "what the guest agent knows, as addresses, is not seen"),
    duty("VM.Monitor", Place::Guests, Health::Warn, "what the guest agent knows, as addresses, is not seen"),
    duty("SDN.Use", Place::Bridges, Health::Fail, "guests with a card on the bridge cannot be created, cloned or moved to or from its profile"),
    duty("Pool.Audit", Place::Pools, Health::Fail, "the project's guests are not told apart, nor its throttle seen"),
    duty("Pool.Allocate", Place::Pools, Health::Fail, "the project cannot be throttled by enforcement"),
    duty("Sys.Audit", Place::Cluster, Health::Warn, "quorum, other accounts' tasks, nodes' figures, time zone and the datacenter's firewall switch are not seen"),
];

/// Judges each privilege in turn, in the order of the architecture's list and what it leaves out.
///
/// Without the privileges themselves every one is unknown. A release that is not known is taken for
/// one that knows all.
pub fn privileges(
    permissions: Option<&Permissions>,
    release: Option<Release>,
    scope: &Scope,
) -> Vec<Finding> {
    DUTIES
        .iter()
        .filter(|duty| release.is_none_or(|release| release.knows(duty.privilege)))
        .filter_map(|duty| judge(duty, permissions, scope))
        .collect()
}

fn judge(duty: &Duty, permissions: Option<&Permissions>, scope: &Scope) -> Option<Finding> {
    let needs = needs(duty, scope);
    // What nobody asks for here is no fault: a cluster without projects needs no rights on pools.
    if needs.is_empty() {
        return None;
    }
    let Some(permissions) = permissions else {
        let why = "the account's privileges could not be read";
        return Some(Finding::unknown("privilege", duty.privilege, why, ""));
    };
    let missing: Vec<&Need> = needs
        .iter()
        .filter(|need| !need.is_met(permissions))
        .collect();
    let Some(first) = missing.first() else {
        let detail = format!("held on {}", places(&needs));
        return Some(Finding::ok("privilege", duty.privilege, detail));
    };
    let others = match missing.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let detail = format!("{first}{others}: without it {}", duty.without);
    let fix = role_of(duty.privilege).map_or_else(String::new, |(role, path)| {
        format!(
            "let a role of the account hold {}, or give it {role}: {}",
            duty.privilege,
            grants(path, role, &scope.account).join("; ")
        )
    });
    Some(Finding::bad(
        duty.weight,
        "privilege",
        duty.privilege,
        detail,
        fix,
    ))
}

/// Lists where a privilege is needed.
fn needs(duty: &Duty, scope: &Scope) -> Vec<Need> {
    let on = |path: String| Need::on(duty.privilege, path);
    let guest = |vmid: &Vmid| Need::on_guest(duty.privilege, *vmid);
    match duty.place {
        // Where there is no guest yet, those that will be made count.
        Place::Guests if scope.guests.is_empty() => vec![on("/vms".to_owned())],
        Place::Guests => scope.guests.iter().map(guest).collect(),
        Place::Sources => {
            let others = scope
                .guests
                .iter()
                .filter(|vmid| !scope.templates.contains(vmid));
            scope.templates.iter().chain(others).map(guest).collect()
        }
        // A right on the pool that a new guest joins is as good; one of the projects' is enough.
        Place::NewGuests => {
            let pools = scope.pools.iter().map(|pool| on(format!("/pool/{pool}")));
            vec![pools.fold(on("/vms".to_owned()), Need::or)]
        }
        Place::Storages => {
            let paths = scope.storages.iter().map(|name| format!("/storage/{name}"));
            paths.map(on).collect()
        }
        Place::Bridges => scope.bridges.iter().cloned().map(on).collect(),
        Place::Pools => {
            let paths = scope.pools.iter().map(|name| format!("/pool/{name}"));
            paths.map(on).collect()
        }
        Place::Cluster => {
            let nodes = scope.nodes.iter().map(|name| format!("/nodes/{name}"));
            std::iter::once("/".to_owned())
                .chain(nodes)
                .map(on)
                .collect()
        }
    }
}

/// Names where a privilege holds: the one place, or the first and how many beside it.
fn places(needs: &[Need]) -> String {
    let first = needs.first().and_then(|need| need.paths().next());
    let first = first.unwrap_or_default();
    match needs.len() {
        0 | 1 => first.to_owned(),
        count => format!("{first} and {} more", count - 1),
    }
}

/// Tells whether the account sees the cluster's list of tasks, which tokens do not without a right.
pub fn task_visibility(permissions: Option<&Permissions>, account: &str) -> Finding {
    let Some(permissions) = permissions else {
        let why = "the account's privileges could not be read";
        return Finding::unknown("tasks", "", why, "");
    };
    if permissions.allows("Sys.Audit", "/") {
        return Finding::ok("tasks", "", "the cluster's tasks are all seen");
    }
    let need = Need::on("Sys.Audit", "/".to_owned());
    let (seen, blind) = if account.contains('!') {
        (
            "a token sees nothing in the cluster's list of tasks",
            "what others do to a guest shows only as its lock",
        )
    } else {
        (
            "only the account's own tasks are seen",
            "what others do to a guest shows only as its lock",
        )
    };
    let fix = grants("/", "ProxdeckCluster", account).join("; ");
    Finding::bad(
        Health::Warn,
        "tasks",
        "",
        format!("{need}: {seen}; {blind}"),
        fix,
    )
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn scope() -> Scope {
        Scope {
            account: "hub@pve!deck".into(),
            guests: [104, 105].map(|id| Vmid::new(id).unwrap()).to_vec(),
            templates: vec![Vmid::new(100).unwrap()],
            storages: vec!["local-lvm".parse().unwrap()],
            bridges: vec!["/sdn/zones/localnetwork/vmbr1".into()],
            pools: vec!["alpha".parse().unwrap()],
            nodes: vec!["pve1".parse().unwrap()],
        }
    }

    fn all_but(missing: &str) -> Permissions {
        let names = DUTIES.iter().map(|duty| duty.privilege);
        let entries = names
            .filter(|name| *name != missing)
            .map(|name| ("/".to_owned(), name.to_owned(), true));
        Permissions::new(entries).of_release(Some(9))
    }

    #[test]
    fn each_privilege_that_is_missing_is_named_with_its_paths_and_its_consequence() {
        for duty in &DUTIES {
            let found = privileges(Some(&all_but(duty.privilege)), None, &scope());
            let bad: Vec<&Finding> = found
                .iter()
                .filter(|finding| finding.health != Health::Ok)
                .collect();
            assert_eq!(bad.len(), 1, "{}", duty.privilege);
            assert_eq!(bad[0].subject, duty.privilege);
            assert_eq!(bad[0].health, duty.weight);
            assert!(bad[0].detail.contains(duty.without), "{}", bad[0].detail);
            assert!(
                bad[0].fix.contains("--tokens 'hub@pve!deck'"),
                "{}",
                bad[0].fix
            );
        }
    }

    #[test]
    fn the_words_are_those_of_the_dim_keys() {
        let found = privileges(Some(&all_but("VM.Snapshot")), None, &scope());
        let bad = found.iter().find(|it| it.subject == "VM.Snapshot").unwrap();
        assert!(
            bad.detail
                .starts_with("needs VM.Snapshot on /vms/104 and 1 more: "),
            "{}",
            bad.detail
        );
    }

    #[test]
    fn pitfall_12_every_privilege_of_the_list_is_one_that_a_role_can_hold() {
        for duty in &DUTIES {
            let (role, path) = role_of(duty.privilege).unwrap();
            assert!(role.starts_with("Proxdeck") && path.starts_with('/'));
        }
    }

    #[test]
    fn pitfall_12_a_release_is_asked_for_its_own_privileges_only() {
        let names = |release| {
            let found = privileges(None, Some(release), &scope());
            assert!(found.iter().all(|it| it.health == Health::Unknown));
            found.into_iter().map(|it| it.subject).collect::<Vec<_>>()
        };
        let has = |release, name: &str| names(release).iter().any(|it| it == name);
        assert!(has(Release::Eight, "VM.Monitor") && !has(Release::Nine, "VM.Monitor"));
        assert!(!has(Release::Eight, "VM.GuestAgent.Audit"));
        assert!(!has(Release::Seven, "SDN.Use") && has(Release::Eight, "SDN.Use"));
    }

    #[test]
    fn pitfall_10_a_token_is_told_that_it_sees_no_tasks() {
        let blind = Permissions::new([("/vms".to_owned(), "VM.Audit".to_owned(), true)]);
        let finding = task_visibility(Some(&blind), "hub@pve!deck");
        assert_eq!(finding.health, Health::Warn);
        assert!(
            finding
                .detail
                .starts_with("needs Sys.Audit on /: a token sees nothing")
        );
        let finding = task_visibility(Some(&blind), "hub@pve");
        assert!(finding.detail.contains("only the account's own"));
        assert_eq!(task_visibility(None, "hub@pve").health, Health::Unknown);
    }
}
