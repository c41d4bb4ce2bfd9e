//! What an account may do, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::guest_config::GuestConfig;
use super::id::Vmid;
use super::network_card::NetworkCard;
use super::text::clean;

/// The first release that asks for privileges on bridges.
const ASKS_FOR_BRIDGES: u64 = 8;

/// What is granted on a path: each privilege, and whether it is handed down.
type Granted = BTreeMap<String, bool>;

/// The privileges of an account per path, as `/access/permissions` lists them.
///
/// The list has a path for every guest of a pool, and nearly all grant the same; what is the same
/// is held once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Permissions {
    paths: Arc<BTreeMap<String, Arc<Granted>>>,
    /// What is granted on any path; thousands of them would have to be looked through for it.
    anywhere: Arc<BTreeSet<String>>,
    refused: BTreeSet<(String, String)>,
    release: Option<u64>,
}

impl Permissions {
    /// Collects entries of path, privilege and propagate flag.
    pub fn new(entries: impl IntoIterator<Item = (String, String, bool)>) -> Self {
        let mut paths: BTreeMap<String, Granted> = BTreeMap::new();
        for (path, privilege, propagates) in entries {
            paths.entry(path).or_default().insert(privilege, propagates);
        }
        let mut listing = Listing::default();
        for (path, granted) in paths {
            let granted: Vec<(&str, bool)> = granted
                .iter()
                .map(|(name, propagates)| (name.as_str(), *propagates))
                .collect();
            listing.add(path, &granted);
        }
        listing.whole()
    }

    /// Notes the server's release, as `9`: older ones know fewer privileges.
    #[must_use]
    pub fn of_release(mut self, release: Option<u64>) -> Self {
        self.release = release;
        self
    }

    /// Tells whether `privilege` holds on `path`.
    ///
    /// An exact entry decides alone, by presence and not by its value; otherwise the nearest
    /// listed ancestor counts, with the privileges that it hands down (API.md §3, PITFALLS 11).
    /// What the server refused counts for more than what it listed. Rights on bridges are left to
    /// the server unless it is known to ask for them.
    pub fn allows(&self, privilege: &str, path: &str) -> bool {
        if self
            .refused
            .contains(&(path.to_owned(), privilege.to_owned()))
        {
            return false;
        }
        let asks = self.release.is_some_and(|it| it >= ASKS_FOR_BRIDGES);
        if privilege.starts_with("SDN.") && !asks {
            return true;
        }
        self.grants(privilege, path)
    }

    /// Tells whether the listing grants `privilege` on `path`, whatever was refused.
    fn grants(&self, privilege: &str, path: &str) -> bool {
        if let Some(own) = self.paths.get(path) {
            return own.contains_key(privilege);
        }
        let mut path = path;
        while let Some((parent, _)) = path.rsplit_once('/') {
            path = if parent.is_empty() { "/" } else { parent };
            if let Some(listed) = self.paths.get(path) {
                return listed.get(privilege) == Some(&true);
            }
            if path == "/" {
                return false;
            }
        }
        false
    }

    /// Tells whether `privilege` was granted on any path at all, however many are listed.
    pub fn grants_somewhere(&self, privilege: &str) -> bool {
        self.anywhere.contains(privilege)
    }

    /// Tells whether a path has an entry of its own.
    ///
    /// Without one what is handed down to it is only probable: a path on which the account has no
    /// right at all is left out of the list like one that merely inherits.
    pub fn lists(&self, path: &str) -> bool {
        self.paths.contains_key(path)
    }

    /// Takes over what the server says of one path, be it that nothing is granted there.
    ///
    /// One that speaks of other paths alone has not heard the question, and leaves it open.
    pub fn settle(&mut self, path: &str, answer: &Self) {
        let granted = match answer.paths.get(path) {
            Some(granted) => granted.clone(),
            None if answer.paths.is_empty() => Arc::default(),
            None => return,
        };
        Arc::make_mut(&mut self.anywhere).extend(granted.keys().cloned());
        Arc::make_mut(&mut self.paths).insert(path.to_owned(), granted);
    }

    /// Remembers what the server has refused.
    pub fn refuse(&mut self, denial: &Denial) {
        for privilege in &denial.privileges {
            self.refused
                .insert((denial.path.clone(), privilege.clone()));
        }
    }

    /// Iterates over the listed paths with the privileges on each.
    pub fn paths(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.paths.iter().map(|(path, granted)| {
            let names = granted.keys().map(String::as_str);
            (path.as_str(), names)
        })
    }
}

/// So many different grants are compared with a new one; a sane server has no more.
const COMPARED: usize = 16;

/// Permissions while they are read, path by path.
#[derive(Debug, Default)]
pub struct Listing {
    paths: BTreeMap<String, Arc<Granted>>,
    /// The grants that differ, the latest last.
    kinds: Vec<Arc<Granted>>,
}

impl Listing {
    /// Takes in what is granted on a path, each privilege with whether it is handed down.
    pub fn add(&mut self, path: String, granted: &[(&str, bool)]) {
        let is_same = |kind: &&Arc<Granted>| {
            kind.len() == granted.len()
                && granted
                    .iter()
                    .all(|(name, propagates)| kind.get(*name) == Some(propagates))
        };
        let known = self.kinds.iter().rev().take(COMPARED).find(is_same);
        let kind = if let Some(known) = known {
            Arc::clone(known)
        } else {
            let owned = |(name, propagates): &(&str, bool)| ((*name).to_owned(), *propagates);
            let kind: Arc<Granted> = Arc::new(granted.iter().map(owned).collect());
            self.kinds.push(Arc::clone(&kind));
            kind
        };
        self.paths.insert(path, kind);
    }

    /// Returns the permissions when all were read.
    pub fn whole(self) -> Permissions {
        let granted = self.kinds.iter().flat_map(|kind| kind.keys().cloned());
        Permissions {
            anywhere: Arc::new(granted.collect()),
            paths: Arc::new(self.paths),
            ..Permissions::default()
        }
    }
}

/// A refusal of the server that names what was missing, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// The path.
    pub path: String,
    /// The privileges; of several any one would have been enough.
    pub privileges: Vec<String>,
}

impl Denial {
    /// Reads the server's words: `Permission check failed (/vms/104, VM.Snapshot)`.
    ///
    /// Not every refusal says what was missing (API.md §1).
    pub fn from_words(words: &str) -> Option<Self> {
        let (_, rest) = words.split_once("Permission check failed (/")?;
        let (inner, _) = rest.split_once(')')?;
        let (path, names) = inner.split_once(", ")?;
        let privileges: Vec<String> = names
            .split(['|', ','])
            .map(|name| name.trim().to_owned())
            .collect();
        let is_name = |name: &String| {
            let mut letters = name.chars();
            name.contains('.')
                && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '.')
        };
        privileges.iter().all(is_name).then(|| Self {
            path: format!("/{path}"),
            privileges,
        })
    }
}

impl fmt::Display for Denial {
    /// Writes `needs VM.Snapshot on /vms/104`, in the words of a [`Need`].
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let privileges = self.privileges.join(" or ");
        // The path is the server's word.
        write!(formatter, "needs {privileges} on {}", clean(&self.path))
    }
}

/// Names the path on which a bridge is used; nothing where its zone cannot be told from its name.
///
/// A bridge of the node lies in the zone `localnetwork`. What is not named like one may be a
/// network of another zone, which only the server knows.
pub fn path_of_bridge(bridge: &str, tag: Option<&str>) -> Option<String> {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|it| it.is_ascii_digit());
    let number = bridge.strip_prefix("vmbr")?;
    // What is no number is no network either; the path is shown to people.
    let tag = tag.filter(|tag| is_number(tag));
    let tag = tag.map(|tag| format!("/{tag}")).unwrap_or_default();
    is_number(number).then(|| format!("/sdn/zones/localnetwork/{bridge}{tag}"))
}

/// Names the paths of the bridges that a guest's cards use.
pub(in crate::domain) fn paths_of_cards(config: &GuestConfig) -> Vec<String> {
    let cards = config
        .options()
        .filter(|(key, _)| super::guest_config::is_numbered(key, "net"))
        .map(|(_, value)| NetworkCard::parse(value.raw()));
    let paths: BTreeSet<String> = cards
        .filter_map(|card| path_of_bridge(card.get("bridge")?, card.get("tag")))
        .collect();
    paths.into_iter().collect()
}

/// A privilege that an action needs, and where; or several of which one is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    choices: Vec<(&'static str, String)>,
}

impl Need {
    /// Names a privilege on a path.
    pub fn on(privilege: &'static str, path: String) -> Self {
        Self {
            choices: vec![(privilege, path)],
        }
    }

    /// Names a privilege on a guest.
    pub fn on_guest(privilege: &'static str, vmid: Vmid) -> Self {
        Self::on(privilege, format!("/vms/{vmid}"))
    }

    /// Adds another need of which either is enough.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.choices.extend(other.choices);
        self
    }

    /// Returns the paths that it is about.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.choices.iter().map(|(_, path)| path.as_str())
    }

    /// Tells whether `permissions` grant it.
    pub fn is_met(&self, permissions: &Permissions) -> bool {
        self.choices
            .iter()
            .any(|(privilege, path)| permissions.allows(privilege, path))
    }

    /// Tells whether `permissions` could grant the like of it on any path, of privileges on guests.
    pub fn is_met_somewhere(&self, permissions: &Permissions) -> bool {
        self.choices
            .iter()
            .any(|(privilege, _)| permissions.grants_somewhere(privilege))
    }
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (privilege, path)) in self.choices.iter().enumerate() {
            let before = if index == 0 { "needs" } else { " or" };
            // The path is named once where all choices share it.
            match self.choices.get(index + 1) {
                Some((_, next)) if next == path => write!(formatter, "{before} {privilege}")?,
                _ => write!(formatter, "{before} {privilege} on {path}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(entries: &[(&str, &str, bool)]) -> Permissions {
        Permissions::new(
            entries
                .iter()
                .map(|(path, privilege, flag)| ((*path).into(), (*privilege).into(), *flag)),
        )
    }

    #[test]
    fn pitfall_11_a_right_with_value_0_is_granted_and_only_value_1_is_handed_down() {
        let permissions = permissions(&[
            ("/", "Sys.Audit", true),
            ("/vms", "VM.Audit", true),
            ("/vms", "VM.Snapshot", false),
            ("/vms/104", "VM.PowerMgmt", false),
        ]);
        assert!(permissions.allows("VM.PowerMgmt", "/vms/104"));
        assert!(
            !permissions.allows("VM.Audit", "/vms/104"),
            "the deeper entry replaces what is inherited"
        );
        assert!(permissions.allows("VM.Audit", "/vms/105"));
        assert!(
            !permissions.allows("VM.Snapshot", "/vms/105"),
            "not handed down"
        );
        assert!(permissions.allows("Sys.Audit", "/nodes/pve1"));
        assert!(
            !permissions.allows("Sys.Audit", "/vms/105"),
            "the nearest listed ancestor decides"
        );
    }

    #[test]
    fn an_answer_about_other_paths_leaves_the_asked_one_open() {
        let mut permissions = permissions(&[("/", "VM.Clone", true)]);
        let (privilege, path) = ("VM.Clone", "/vms/104");
        let deaf = permissions.clone();
        permissions.settle(path, &deaf);
        assert!(!permissions.lists(path) && permissions.allows(privilege, path));
        permissions.settle(path, &Permissions::default());
        assert!(permissions.lists(path) && !permissions.allows(privilege, path));
    }

    #[test]
    fn paths_that_grant_the_same_share_it_and_a_settled_one_changes_alone() {
        let rows = [("/vms/104", true), ("/vms/105", true), ("/vms/106", false)];
        let mut permissions = permissions(&rows.map(|(path, flag)| (path, "VM.Audit", flag)));
        let [first, second, third] = rows.map(|(path, _)| &permissions.paths[path]);
        assert!(Arc::ptr_eq(first, second) && !Arc::ptr_eq(first, third));
        let before = permissions.clone();
        permissions.settle("/vms/104", &Permissions::default());
        assert!(!permissions.allows("VM.Audit", "/vms/104"));
        assert!(permissions.allows("VM.Audit", "/vms/105"));
        assert!(before.allows("VM.Audit", "/vms/104"));
    }

    #[test]
    fn a_path_that_is_not_listed_may_have_no_right_at_all() {
        let mut permissions = permissions(&[("/storage", "Datastore.AllocateSpace", true)]);
        assert!(permissions.allows("Datastore.AllocateSpace", "/storage/vault"));
        assert!(!permissions.lists("/storage/vault"));
        permissions.settle("/storage/vault", &Permissions::default());
        assert!(!permissions.allows("Datastore.AllocateSpace", "/storage/vault"));
        assert!(permissions.allows("Datastore.AllocateSpace", "/storage/local"));
    }

    #[test]
    fn a_refusal_counts_for_more_than_the_list() {
        let mut permissions = permissions(&[("/vms", "VM.Snapshot", true)]);
        let denial = Denial::from_words("403: Permission check failed (/vms/104, VM.Snapshot)\n");
        permissions.refuse(&denial.unwrap());
        assert!(!permissions.allows("VM.Snapshot", "/vms/104"));
        assert!(permissions.allows("VM.Snapshot", "/vms/105"));
    }

    #[test]
    fn a_refusal_is_read_from_the_server_s_words() {
        let of = |words: &str| Denial::from_words(words).map(|it| (it.path, it.privileges));
        let any = of("Permission check failed (/vms/104, VM.Snapshot|VM.Snapshot.Rollback)");
        let names = vec!["VM.Snapshot".to_owned(), "VM.Snapshot.Rollback".to_owned()];
        let denial = Denial {
            path: "/vms/104".to_owned(),
            privileges: names.clone(),
        };
        assert_eq!(
            denial.to_string(),
            "needs VM.Snapshot or VM.Snapshot.Rollback on /vms/104"
        );
        assert_eq!(any, Some(("/vms/104".to_owned(), names)));
        for silent in [
            "Permission check failed",
            "Permission check failed (user != root@pam)",
            "Permission check failed (URI '/access/password' not available with API token)",
            "Permission check failed (/vms/104, \u{1b}[31m)",
            "Permission check failed (/vms/104",
        ] {
            assert_eq!(of(silent), None, "{silent:?}");
        }
    }

    #[test]
    fn rights_on_bridges_are_left_to_servers_that_may_not_know_them() {
        let path = path_of_bridge("vmbr1", Some("7")).unwrap();
        assert_eq!(path, "/sdn/zones/localnetwork/vmbr1/7");
        assert_eq!(path_of_bridge("tenants", None), None, "its zone is unknown");
        let none = Permissions::default();
        assert!(none.allows("SDN.Use", &path));
        assert!(none.clone().of_release(Some(7)).allows("SDN.Use", &path));
        assert!(!none.of_release(Some(8)).allows("SDN.Use", &path));
    }

    #[test]
    fn nothing_is_allowed_where_nothing_is_listed() {
        assert!(!Permissions::default().allows("VM.Audit", "/vms/104"));
        assert_eq!(
            Need::on_guest("VM.Snapshot", Vmid::new(104).unwrap()).to_string(),
            "needs VM.Snapshot on /vms/104"
        );
    }

    #[test]
    fn one_of_several_privileges_is_enough() {
        let vmid = Vmid::new(104).unwrap();
        let need =
            Need::on_guest("VM.Snapshot", vmid).or(Need::on_guest("VM.Snapshot.Rollback", vmid));
        assert_eq!(
            need.to_string(),
            "needs VM.Snapshot or VM.Snapshot.Rollback on /vms/104"
        );
        let elsewhere =
            Need::on_guest("VM.Allocate", vmid).or(Need::on("VM.Allocate", "/pool/lab".into()));
        assert_eq!(
            elsewhere.to_string(),
            "needs VM.Allocate on /vms/104 or VM.Allocate on /pool/lab"
        );
        assert!(need.is_met(&permissions(&[("/vms", "VM.Snapshot.Rollback", true)])));
        assert!(!need.is_met(&permissions(&[("/vms", "VM.Audit", true)])));
    }
}
