//! The roles that an account needs, as the commands that an administrator runs on a node.
//!
//! Releases know different privileges, and one unknown name makes the whole command fail
//! (PITFALLS 12): each release has its own text.

use std::fmt::Write as _;

/// A release, as far as it decides which privileges there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// Proxmox VE 7 and what came before.
    Seven,
    /// Proxmox VE 8.
    Eight,
    /// Proxmox VE 9 and later.
    Nine,
}

impl Release {
    /// Tells which it is from the first number of the version.
    pub const fn of(major: u64) -> Self {
        match major {
            0..=7 => Self::Seven,
            8 => Self::Eight,
            _ => Self::Nine,
        }
    }

    /// Tells whether the release knows a privilege of those that proxdeck asks for.
    pub fn knows(self, privilege: &str) -> bool {
        match privilege {
            "SDN.Use" => self >= Self::Eight,
            "VM.Monitor" => self <= Self::Eight,
            "VM.GuestAgent.Audit" => self >= Self::Nine,
            _ => true,
        }
    }
}

/// A role: its name, the path on which it is given, and its privileges.
type Role = (&'static str, &'static str, &'static [&'static str]);

/// The roles, each for one kind of thing, so that none is given where it is not needed.
const ROLES: [Role; 5] = [
    (
        "ProxdeckGuests",
        "/vms",
        &[
            "VM.Allocate",
            "VM.Audit",
            "VM.Clone",
            "VM.Config.CDROM",
            "VM.Config.CPU",
            "VM.Config.Cloudinit",
            "VM.Config.Disk",
            "VM.Config.HWType",
            "VM.Config.Memory",
            "VM.Config.Network",
            "VM.Config.Options",
            "VM.Console",
            "VM.GuestAgent.Audit",
            "VM.Monitor",
            "VM.PowerMgmt",
            "VM.Snapshot",
        ],
    ),
    (
        "ProxdeckStorages",
        "/storage",
        &["Datastore.AllocateSpace", "Datastore.Audit"],
    ),
    ("ProxdeckBridges", "/sdn/zones/localnetwork", &["SDN.Use"]),
    ("ProxdeckPools", "/pool", &["Pool.Allocate", "Pool.Audit"]),
    ("ProxdeckCluster", "/", &["Sys.Audit"]),
];

/// Names the role that brings a privilege, and the path on which it is given.
pub fn role_of(privilege: &str) -> Option<(&'static str, &'static str)> {
    let mut roles = ROLES.iter();
    let (name, path, _) = roles.find(|(_, _, names)| names.contains(&privilege))?;
    Some((name, path))
}

/// Writes the commands that make the roles and give them to an account, a line each.
///
/// A token has at most the rights of its user, so both get them; for a token without privilege
/// separation its own lines change nothing.
pub fn commands(release: Release, account: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let roles = ROLES.map(|(name, path, privileges)| {
        let known: Vec<&str> = privileges
            .iter()
            .copied()
            .filter(|privilege| release.knows(privilege))
            .collect();
        (name, path, known.join(","))
    });
    let roles: Vec<_> = roles
        .into_iter()
        .filter(|(_, _, privileges)| !privileges.is_empty())
        .collect();
    for (name, _, privileges) in &roles {
        lines.push(format!("pveum role add {name} --privs {privileges}"));
    }
    for (name, path, _) in &roles {
        lines.extend(grants(path, name, account));
    }
    lines
}

/// Writes the commands that give an account a role on a path.
pub(super) fn grants(path: &str, role: &str, account: &str) -> Vec<String> {
    let user = account.split_once('!').map_or(account, |(user, _)| user);
    let line = |option: &str, who: &str| {
        let mut line = format!("pveum acl modify {path} --roles {role} --{option} ");
        // A token's name has a character that shells read as a command of theirs.
        let _ = write!(line, "'{who}'");
        line
    };
    let mut lines = vec![line("users", user)];
    if account.contains('!') {
        lines.push(line("tokens", account));
    }
    lines
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn pitfall_12_each_release_is_asked_only_for_privileges_that_it_knows() {
        let text = |release| commands(release, "hub@pve").join("\n");
        let (seven, eight, nine) = (
            text(Release::Seven),
            text(Release::Eight),
            text(Release::Nine),
        );
        for (privilege, known) in [
            ("SDN.Use", [false, true, true]),
            ("VM.Monitor", [true, true, false]),
            ("VM.GuestAgent.Audit", [false, false, true]),
            ("VM.Audit", [true, true, true]),
        ] {
            let found = [&seven, &eight, &nine].map(|text| text.contains(privilege));
            assert_eq!(found, known, "{privilege}");
        }
        for text in [seven, eight, nine] {
            for loose in ["VM.Config,", "VM.Config ", "VM.GuestAgent,"] {
                assert!(!text.contains(loose), "{loose} is no privilege: {text}");
            }
        }
    }

    #[test]
    fn a_token_s_user_gets_what_the_token_gets() {
        let lines = grants("/vms", "ProxdeckGuests", "hub@pve!deck");
        assert_eq!(
            lines,
            [
                "pveum acl modify /vms --roles ProxdeckGuests --users 'hub@pve'",
                "pveum acl modify /vms --roles ProxdeckGuests --tokens 'hub@pve!deck'",
            ]
        );
        assert_eq!(grants("/vms", "ProxdeckGuests", "hub@pve").len(), 1);
    }
}
