//! What an account may do, and where.

use std::collections::BTreeMap;
use std::fmt;

use super::id::Vmid;

/// The privileges of an account per path, as `/access/permissions` lists them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Permissions {
    paths: BTreeMap<String, BTreeMap<String, bool>>,
}

impl Permissions {
    /// Collects entries of path, privilege and propagate flag.
    pub fn new(entries: impl IntoIterator<Item = (String, String, bool)>) -> Self {
        let mut paths: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
        for (path, privilege, propagates) in entries {
            paths.entry(path).or_default().insert(privilege, propagates);
        }
        Self { paths }
    }

    /// Tells whether `privilege` holds on `path`.
    ///
    /// An exact entry decides alone, by presence and not by its value; otherwise the nearest
    /// listed ancestor counts, with the privileges that it hands down (API.md §3, PITFALLS 11).
    pub fn allows(&self, privilege: &str, path: &str) -> bool {
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

    /// Tells whether `permissions` grant it.
    pub fn is_met(&self, permissions: &Permissions) -> bool {
        self.choices
            .iter()
            .any(|(privilege, path)| permissions.allows(privilege, path))
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
