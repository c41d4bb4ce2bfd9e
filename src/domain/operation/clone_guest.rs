//! The making of a guest as a copy of another.

use super::call::Call;
use super::stamp::Stamp;
use crate::domain::admission::Admission;
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::guest_name::GuestName;
use crate::domain::id::{NodeName, PoolName, StorageName, Vmid};
use crate::domain::network::NetworkPlan;
use crate::domain::permission::{Need, paths_of_cards};
use crate::domain::text::Text;

/// Whether a copy has disks of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CopyKind {
    /// All blocks are copied; the copy stands alone.
    Full,
    /// Unchanged blocks are shared; the original can no longer be destroyed before the copy.
    Linked,
}

impl CopyKind {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Linked => "linked",
        }
    }
}

/// The making of a guest as a copy of another, of its present or of one of its snapshots.
#[derive(Debug, Clone, PartialEq)]
pub struct CloneGuest {
    source: GuestRef,
    copy: Copy,
}

/// What the copy is to be like; the fields of [`CloneGuest`] beside its source.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain) struct Copy {
    pub(in crate::domain) kind: CopyKind,
    pub(in crate::domain) snapshot: Option<Text>,
    pub(in crate::domain) name: GuestName,
    pub(in crate::domain) vmid: Option<Vmid>,
    pub(in crate::domain) pool: Option<PoolName>,
    pub(in crate::domain) target: Option<NodeName>,
    pub(in crate::domain) storage: Option<StorageName>,
    pub(in crate::domain) description: String,
    pub(in crate::domain) stamp: Stamp,
    pub(in crate::domain) start: bool,
    /// What it uses besides its source, as far as that is known.
    pub(in crate::domain) uses: CopyUses,
    /// Under which terms its project takes it; absent: it joins none.
    pub(in crate::domain) admission: Option<Admission>,
    /// What fences it in before its start, planned on the source's rules; absent: nothing, as far as is known.
    pub(in crate::domain) fence: Option<NetworkPlan>,
}

/// What a copy uses of the cluster because its source does.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::domain) struct CopyUses {
    /// The storages that the copied disks lie on.
    storages: Vec<StorageName>,
    /// The storage to which memory would be saved, where the source names one.
    state_storage: Option<StorageName>,
    /// The paths of the bridges that its cards use.
    bridges: Vec<String>,
}

impl CopyUses {
    /// Reads it from the configuration that is copied; without one nothing is known.
    pub(in crate::domain) fn of(config: Option<&GuestConfig>) -> Self {
        let Some(config) = config else {
            return Self::default();
        };
        let state = config.get("vmstatestorage");
        Self {
            storages: config.storages().into_iter().collect(),
            state_storage: state.and_then(|name| name.raw().parse().ok()),
            bridges: paths_of_cards(config),
        }
    }
}

impl CloneGuest {
    pub(in crate::domain) fn new(source: GuestRef, copy: Copy) -> Self {
        Self { source, copy }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        let Copy {
            kind,
            name,
            vmid,
            pool,
            target,
            storage,
            snapshot,
            start,
            ..
        } = &self.copy;
        let newid = vmid.map_or_else(|| "(the next free id)".to_owned(), |vmid| vmid.to_string());
        let clone = Call::on(&self.source, "POST", "/clone")
            .with("newid", &newid)
            .with("name", name)
            .with("full", u8::from(*kind == CopyKind::Full))
            .with("description", &self.copy.description)
            .with_some("snapname", snapshot.as_ref())
            .with_some("pool", pool.as_ref())
            .with_some("target", target.as_ref())
            .with_some("storage", storage.as_ref());
        let path = format!("/nodes/{}/{}/{newid}", self.node(), self.source.kind);
        let start = start.then(|| Call {
            method: "POST",
            path: format!("{path}/status/start"),
            parameters: Vec::new(),
        });
        let fence = self.copy.fence.iter();
        let fence = fence.flat_map(|plan| plan.calls_for_copy(&path));
        [clone].into_iter().chain(fence).chain(start).collect()
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        let allocate = self
            .copy
            .vmid
            .map(|vmid| Need::on_guest("VM.Allocate", vmid));
        let in_pool = self
            .copy
            .pool
            .as_ref()
            .map(|pool| Need::on("VM.Allocate", format!("/pool/{pool}")));
        let allocate = match (allocate, in_pool) {
            (Some(own), Some(pool)) => own.or(pool),
            (Some(need), None) => need,
            // Without an id only what is handed down to every guest can be looked at.
            (None, Some(pool)) => pool.or(Need::on("VM.Allocate", "/vms".to_owned())),
            (None, None) => Need::on("VM.Allocate", "/vms".to_owned()),
        };
        let uses = &self.copy.uses;
        let mut storages: Vec<&StorageName> = match &self.copy.storage {
            Some(storage) => vec![storage],
            None => uses.storages.iter().collect(),
        };
        if let Some(state) = &uses.state_storage
            && !storages.contains(&state)
        {
            storages.push(state);
        }
        let spaces = storages
            .into_iter()
            .map(|storage| Need::on("Datastore.AllocateSpace", format!("/storage/{storage}")));
        let bridges = uses.bridges.iter();
        let fence = self.copy.fence.as_ref().map(|_| {
            let privilege = "VM.Config.Network";
            let own = match self.copy.vmid {
                Some(vmid) => Need::on_guest(privilege, vmid),
                None => Need::on(privilege, "/vms".to_owned()),
            };
            match &self.copy.pool {
                Some(pool) => own.or(Need::on(privilege, format!("/pool/{pool}"))),
                None => own,
            }
        });
        [Need::on_guest("VM.Clone", self.source.vmid), allocate]
            .into_iter()
            .chain(spaces)
            .chain(bridges.map(|path| Need::on("SDN.Use", path.clone())))
            .chain(fence)
            .collect()
    }

    /// Returns the guest that is copied.
    pub fn source(&self) -> &GuestRef {
        &self.source
    }

    /// Tells whether the copy has disks of its own.
    pub fn kind(&self) -> CopyKind {
        self.copy.kind
    }

    /// Returns the snapshot that is copied; absent: the present.
    pub fn snapshot(&self) -> Option<&Text> {
        self.copy.snapshot.as_ref()
    }

    /// Returns the new guest's name.
    pub fn name(&self) -> &GuestName {
        &self.copy.name
    }

    /// Returns the new guest's number where one was chosen; absent: the next free one.
    pub fn vmid(&self) -> Option<Vmid> {
        self.copy.vmid
    }

    /// Returns the pool that the new guest joins.
    pub fn pool(&self) -> Option<&PoolName> {
        self.copy.pool.as_ref()
    }

    /// Returns the node where another than the source's was chosen.
    pub fn target(&self) -> Option<&NodeName> {
        self.copy.target.as_ref()
    }

    /// Returns the node on which the new guest will be.
    pub fn node(&self) -> &NodeName {
        self.copy.target.as_ref().unwrap_or(&self.source.node)
    }

    /// Returns the storage where one was chosen; absent: the source's.
    pub fn storage(&self) -> Option<&StorageName> {
        self.copy.storage.as_ref()
    }

    /// Returns the new guest's description, the creation line included.
    pub fn description(&self) -> &str {
        &self.copy.description
    }

    /// Returns what proves that a guest came from this operation.
    pub fn stamp(&self) -> &Stamp {
        &self.copy.stamp
    }

    /// Returns under which terms a project takes the new guest; absent: it joins none.
    pub fn admission(&self) -> Option<&Admission> {
        self.copy.admission.as_ref()
    }

    /// Tells whether the new guest is started.
    pub fn starts(&self) -> bool {
        self.copy.start
    }
}
