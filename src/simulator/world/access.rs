//! Users, tokens, roles and access lists, and what follows from them: who may do what where.
//!
//! Refuses to check requests; that is the gate's business.

use std::collections::{BTreeMap, BTreeSet};

/// Privileges on one path: name to whether it is inherited further down.
pub(in crate::simulator) type Privileges = BTreeMap<String, bool>;

/// A login.
#[derive(Debug, Clone, Default)]
pub(in crate::simulator) struct User {
    pub(in crate::simulator) password: String,
    pub(in crate::simulator) enabled: bool,
    pub(in crate::simulator) comment: Option<String>,
    pub(in crate::simulator) totp: Option<Vec<u8>>,
    /// Wrong codes since the last right answer; at eight no code is taken any more.
    pub(in crate::simulator) wrong_codes: u32,
    /// Keys that were not used yet, by their number.
    pub(in crate::simulator) recovery: BTreeMap<usize, String>,
    pub(in crate::simulator) security_key: bool,
    pub(in crate::simulator) tokens: BTreeMap<String, Token>,
}

impl User {
    pub(in crate::simulator) fn has_second_factor(&self) -> bool {
        self.totp.is_some() || !self.recovery.is_empty() || self.security_key
    }
}

/// An API token of a user.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Token {
    pub(in crate::simulator) secret: String,
    pub(in crate::simulator) separated: bool,
    pub(in crate::simulator) expires: i64,
    pub(in crate::simulator) comment: Option<String>,
}

/// One line of the access list.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Entry {
    pub(in crate::simulator) path: String,
    /// A user or a full token id.
    pub(in crate::simulator) who: String,
    pub(in crate::simulator) role: String,
    pub(in crate::simulator) propagate: bool,
}

/// Users, roles and the access list of a cluster.
#[derive(Debug, Clone, Default)]
pub(in crate::simulator) struct Access {
    pub(in crate::simulator) users: BTreeMap<String, User>,
    pub(in crate::simulator) roles: BTreeMap<String, Role>,
    pub(in crate::simulator) list: Vec<Entry>,
}

/// A named set of privileges.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Role {
    pub(in crate::simulator) special: bool,
    pub(in crate::simulator) privileges: BTreeSet<String>,
}

/// Paths that `/access/permissions` lists whether or not anybody named them.
pub(in crate::simulator) const TOP_PATHS: [&str; 9] = [
    "/",
    "/access",
    "/access/groups",
    "/nodes",
    "/pool",
    "/sdn",
    "/sdn/zones",
    "/storage",
    "/vms",
];

impl Access {
    /// Returns the roles that come with the product, as the recorded server lists them.
    pub(in crate::simulator) fn with_special_roles() -> Self {
        let roles = SPECIAL_ROLES
            .iter()
            .map(|(name, privileges)| {
                (
                    (*name).to_owned(),
                    Role {
                        special: true,
                        privileges: set(privileges),
                    },
                )
            })
            .collect();
        Self {
            users: BTreeMap::new(),
            roles,
            list: Vec::new(),
        }
    }

    /// Grants a role on a path.
    pub(in crate::simulator) fn grant(
        &mut self,
        path: &str,
        who: &str,
        role: &str,
        propagate: bool,
    ) {
        self.list.push(Entry {
            path: path.to_owned(),
            who: who.to_owned(),
            role: role.to_owned(),
            propagate,
        });
    }

    /// Adds a role of this cluster's own.
    pub(in crate::simulator) fn add_role(&mut self, name: &str, privileges: BTreeSet<String>) {
        self.roles.insert(
            name.to_owned(),
            Role {
                special: false,
                privileges,
            },
        );
    }

    /// Returns what `who` may do at `path`; `pool` is the pool that the object of the path belongs to.
    pub(in crate::simulator) fn privileges(
        &self,
        who: &str,
        path: &str,
        pool: Option<&str>,
    ) -> Privileges {
        if who == "root@pam" {
            return self
                .of_role("Administrator")
                .into_iter()
                .map(|name| (name, true))
                .collect();
        }
        let Some((user, _)) = who.split_once('!') else {
            return self.listed(who, path, pool);
        };
        let owner = self.privileges(user, path, pool);
        let separated = self.token(who).is_none_or(|token| token.separated);
        if !separated {
            return owner;
        }
        let own = self.listed(who, path, pool);
        owner
            .into_iter()
            .filter_map(|(name, value)| own.get(&name).map(|&mine| (name, value && mine)))
            .collect()
    }

    /// Finds a token by its full id.
    pub(in crate::simulator) fn token(&self, id: &str) -> Option<&Token> {
        let (user, name) = id.split_once('!')?;
        self.users.get(user)?.tokens.get(name)
    }

    fn of_role(&self, name: &str) -> BTreeSet<String> {
        self.roles
            .get(name)
            .map(|role| role.privileges.clone())
            .unwrap_or_default()
    }

    fn listed(&self, who: &str, path: &str, pool: Option<&str>) -> Privileges {
        let mut roles = self.roles_at(who, path);
        if let Some(pool) = pool {
            for role in self.roles_at(who, &format!("/pool/{pool}")).into_keys() {
                roles.entry(role).or_insert(false);
            }
        }
        if roles.contains_key("NoAccess") {
            return Privileges::new();
        }
        let mut privileges = Privileges::new();
        for (role, propagate) in roles {
            for name in self.of_role(&role) {
                let value = privileges.entry(name).or_insert(false);
                *value = *value || propagate;
            }
        }
        privileges
    }

    /// A deeper entry replaces what was inherited.
    fn roles_at(&self, who: &str, path: &str) -> BTreeMap<String, bool> {
        let mut roles = BTreeMap::new();
        for level in levels(path) {
            let here: BTreeMap<String, bool> = self
                .list
                .iter()
                .filter(|entry| {
                    entry.who == who && entry.path == level && (entry.propagate || level == path)
                })
                .map(|entry| (entry.role.clone(), entry.propagate))
                .collect();
            if !here.is_empty() {
                roles = here;
            }
        }
        roles
    }
}

fn levels(path: &str) -> Vec<String> {
    let mut levels = vec!["/".to_owned()];
    let mut current = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        current.push('/');
        current.push_str(part);
        levels.push(current.clone());
    }
    levels
}

pub(in crate::simulator) fn set(privileges: &str) -> BTreeSet<String> {
    privileges
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

pub(in crate::simulator) const ADMINISTRATOR: &str = "Datastore.Allocate,Datastore.AllocateSpace,Datastore.AllocateTemplate,Datastore.Audit,Group.Allocate,Mapping.Audit,Mapping.Modify,Mapping.Use,Permissions.Modify,Pool.Allocate,Pool.Audit,Realm.Allocate,Realm.AllocateUser,SDN.Allocate,SDN.Audit,SDN.Use,Sys.AccessNetwork,Sys.Audit,Sys.Console,Sys.Incoming,Sys.Modify,Sys.PowerMgmt,Sys.Syslog,User.Modify,VM.Allocate,VM.Audit,VM.Backup,VM.Clone,VM.Config.CDROM,VM.Config.CPU,VM.Config.Cloudinit,VM.Config.Disk,VM.Config.HWType,VM.Config.Memory,VM.Config.Network,VM.Config.Options,VM.Console,VM.GuestAgent.Audit,VM.GuestAgent.FileRead,VM.GuestAgent.FileSystemMgmt,VM.GuestAgent.FileWrite,VM.GuestAgent.Unrestricted,VM.Migrate,VM.PowerMgmt,VM.Replicate,VM.Snapshot,VM.Snapshot.Rollback";

const SPECIAL_ROLES: [(&str, &str); 17] = [
    ("Administrator", ADMINISTRATOR),
    ("NoAccess", ""),
    (
        "PVEAdmin",
        "Datastore.Allocate,Datastore.AllocateSpace,Datastore.AllocateTemplate,Datastore.Audit,Group.Allocate,Mapping.Audit,Mapping.Use,Pool.Allocate,Pool.Audit,Realm.AllocateUser,SDN.Allocate,SDN.Audit,SDN.Use,Sys.Audit,Sys.Console,Sys.Syslog,User.Modify,VM.Allocate,VM.Audit,VM.Backup,VM.Clone,VM.Config.CDROM,VM.Config.CPU,VM.Config.Cloudinit,VM.Config.Disk,VM.Config.HWType,VM.Config.Memory,VM.Config.Network,VM.Config.Options,VM.Console,VM.GuestAgent.Audit,VM.GuestAgent.FileRead,VM.GuestAgent.FileSystemMgmt,VM.GuestAgent.FileWrite,VM.GuestAgent.Unrestricted,VM.Migrate,VM.PowerMgmt,VM.Replicate,VM.Snapshot,VM.Snapshot.Rollback",
    ),
    (
        "PVEAuditor",
        "Datastore.Audit,Mapping.Audit,Pool.Audit,SDN.Audit,Sys.Audit,VM.Audit,VM.GuestAgent.Audit",
    ),
    (
        "PVEDatastoreAdmin",
        "Datastore.Allocate,Datastore.AllocateSpace,Datastore.AllocateTemplate,Datastore.Audit",
    ),
    (
        "PVEDatastoreUser",
        "Datastore.AllocateSpace,Datastore.Audit",
    ),
    (
        "PVEMappingAdmin",
        "Mapping.Audit,Mapping.Modify,Mapping.Use",
    ),
    ("PVEMappingUser", "Mapping.Audit,Mapping.Use"),
    ("PVEPoolAdmin", "Pool.Allocate,Pool.Audit"),
    ("PVEPoolUser", "Pool.Audit"),
    ("PVESDNAdmin", "SDN.Allocate,SDN.Audit,SDN.Use"),
    ("PVESDNUser", "SDN.Audit,SDN.Use"),
    ("PVESysAdmin", "Sys.Audit,Sys.Console,Sys.Syslog"),
    ("PVETemplateUser", "VM.Audit,VM.Clone"),
    (
        "PVEUserAdmin",
        "Group.Allocate,Realm.AllocateUser,User.Modify",
    ),
    (
        "PVEVMAdmin",
        "VM.Allocate,VM.Audit,VM.Backup,VM.Clone,VM.Config.CDROM,VM.Config.CPU,VM.Config.Cloudinit,VM.Config.Disk,VM.Config.HWType,VM.Config.Memory,VM.Config.Network,VM.Config.Options,VM.Console,VM.GuestAgent.Audit,VM.GuestAgent.FileRead,VM.GuestAgent.FileSystemMgmt,VM.GuestAgent.FileWrite,VM.GuestAgent.Unrestricted,VM.Migrate,VM.PowerMgmt,VM.Replicate,VM.Snapshot,VM.Snapshot.Rollback",
    ),
    (
        "PVEVMUser",
        "VM.Audit,VM.Backup,VM.Config.CDROM,VM.Config.Cloudinit,VM.Console,VM.GuestAgent.Audit,VM.GuestAgent.FileRead,VM.GuestAgent.FileSystemMgmt,VM.GuestAgent.FileWrite,VM.PowerMgmt",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        let mut access = Access::with_special_roles();
        access.users.insert("a@pve".into(), User::default());
        access.grant("/", "a@pve", "PVEAuditor", true);
        access.grant("/pool/lab", "a@pve", "PVEVMAdmin", true);
        access.grant("/vms/7", "a@pve", "NoAccess", true);
        access
    }

    #[test]
    fn a_right_through_a_pool_shows_as_not_inherited() {
        let privileges = access().privileges("a@pve", "/vms/5", Some("lab"));
        assert_eq!(privileges.get("VM.Snapshot"), Some(&false));
        assert_eq!(privileges.get("VM.Audit"), Some(&true));
    }

    #[test]
    fn no_access_wins() {
        assert!(
            access()
                .privileges("a@pve", "/vms/7", Some("lab"))
                .is_empty()
        );
    }

    #[test]
    fn a_deeper_entry_replaces_the_inherited_one() {
        let mut access = access();
        access.grant("/storage/s", "a@pve", "PVEDatastoreUser", true);
        let privileges = access.privileges("a@pve", "/storage/s", None);
        assert_eq!(privileges.len(), 2);
    }
}
