//! The wish for a copy of a guest: a clone, or a branch from one of its snapshots.

use super::places::{Features, Original, refuses_copy, refuses_node, refuses_storage};
use super::{Field, Objection, Objections};
use crate::domain::admission::JoinedProject;
use crate::domain::enforcement::CriticalTags;
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::guest_config::GuestConfig;
use crate::domain::guest_name::GuestName;
use crate::domain::id::{GuestKind, NodeName, PoolName, StorageName, Vmid};
use crate::domain::inventory::Resources;
use crate::domain::network::Foreseen;
use crate::domain::operation::{CloneGuest, Copy, CopyKind, CopyUses, Operation, Stamp};
use crate::domain::project::{Project, Projects};
use crate::domain::snapshot::{Snapshot, SnapshotList};

/// The wish for a copy of a guest, of its present or of one of its snapshots.
#[derive(Debug, Clone, PartialEq)]
pub struct CloneRequest {
    /// The guest to be copied, as it was when the form was opened.
    pub source: GuestRef,
    /// The snapshot to be copied; absent: the present.
    pub snapshot: Option<Snapshot>,
    /// Whether the disks are copied or shared.
    pub kind: CopyKind,
    /// The new guest's name as typed.
    pub name: String,
    /// The new guest's number as typed; empty: the next free one.
    pub vmid: String,
    /// The pool that it joins.
    pub pool: PoolChoice,
    /// The node on which it shall be; absent: the source's.
    pub target: Option<NodeName>,
    /// The storage for its disks; absent: where the source's are.
    pub storage: Option<StorageName>,
    /// Its description, to which the creation line is added; empty: the source's.
    pub description: String,
    /// Whether it is started when it is there.
    pub start: bool,
    /// Whether a throttle of its project is overridden.
    pub overrides_throttle: bool,
}

/// Which pool a new guest joins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PoolChoice {
    /// That of its source, where that has one.
    #[default]
    OfSource,
    /// None.
    None,
    /// This one.
    Named(PoolName),
}

/// What is known when a clone is checked; the less, the more is left to the server.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloneContext<'a> {
    /// The source as it is now; absent when it is gone.
    pub source: Option<&'a Guest>,
    /// The source's snapshots; without them only the present is copied.
    pub snapshots: Option<&'a SnapshotList>,
    /// The configuration that is copied, the present's or the snapshot's.
    pub config: Option<&'a GuestConfig>,
    /// What the server says that its disks can do.
    pub features: Features,
    /// Guests, nodes and storages of the cluster.
    pub resources: Option<&'a Resources>,
    /// The project that [`CloneRequest::joins`]; absent: none, which nothing can throttle.
    pub project: Option<&'a JoinedProject>,
    /// What will fence the copy in; absent: nobody looked.
    pub fence: Option<&'a Foreseen>,
}

impl CloneRequest {
    /// Checks the wish against what is known now; `stamp` goes into the new guest's description.
    pub fn check(
        &self,
        context: &CloneContext<'_>,
        stamp: &Stamp,
    ) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let source = objections.same_guest(&self.source, context.source);
        if let Some(source) = source {
            objections.add_some(Field::Whole, refuses_clones(source));
        }
        let snapshot = self
            .snapshot
            .as_ref()
            .and_then(|snapshot| objections.same_snapshot(snapshot, context.snapshots));
        let name = objections.accept(Field::Name, self.name.parse::<GuestName>());
        let vmid = self.check_vmid(context, &mut objections);
        // Sending a description replaces the one that would be copied.
        let description = match (self.description.trim(), context.config) {
            ("", Some(config)) => stamp.append_to(config.description()),
            _ => stamp.append_to(&self.description),
        };
        objections.description(&description);
        if let Some(source) = source {
            self.check_places(source, context, &mut objections);
        }
        let admission = objections.admit(context.project, self.overrides_throttle);
        let made = source.zip(name).map(|(source, name)| {
            let pool = self.pool_of(source);
            Operation::CloneGuest(Box::new(CloneGuest::new(
                source.to_ref(),
                Copy {
                    kind: self.kind,
                    snapshot: snapshot.map(|snapshot| snapshot.name.clone()),
                    name,
                    vmid,
                    pool,
                    // The source's own node is no target: the server would want shared disks for it.
                    target: self.target.clone().filter(|target| *target != source.node),
                    storage: self.storage.clone(),
                    description,
                    stamp: stamp.clone(),
                    start: self.start,
                    uses: CopyUses::of(context.config),
                    admission,
                    fence: context.fence.and_then(Foreseen::plan).cloned(),
                },
            )))
        });
        objections.or(made)
    }

    /// Returns the pool that the copy joins.
    pub fn pool_of(&self, source: &Guest) -> Option<PoolName> {
        match &self.pool {
            PoolChoice::OfSource => source.pool.clone(),
            PoolChoice::None => None,
            PoolChoice::Named(pool) => Some(pool.clone()),
        }
    }

    /// Describes the copy, as far as projects ask.
    pub fn probe(&self, source: &Guest) -> Guest {
        Guest {
            name: Some(self.name.as_str().into()),
            pool: self.pool_of(source),
            template: false,
            ..source.clone()
        }
    }

    /// Finds the project that the copy would count for.
    pub fn joins<'a>(&self, source: &Guest, projects: &'a Projects) -> Option<&'a Project> {
        projects.assign(&self.probe(source)).project
    }

    fn check_vmid(&self, context: &CloneContext<'_>, objections: &mut Objections) -> Option<Vmid> {
        let text = self.vmid.trim();
        if text.is_empty() {
            return None;
        }
        let vmid = objections.accept(Field::Vmid, text.parse::<Vmid>())?;
        if let Some(taken) = context
            .resources
            .and_then(|resources| resources.guest(vmid))
        {
            let reason = format!("{vmid} is taken: {}", taken.guest.to_ref());
            objections.add(Field::Vmid, reason);
        }
        Some(vmid)
    }

    /// Checks whether the disks can be read where they are and written where they are wanted.
    fn check_places(
        &self,
        source: &Guest,
        context: &CloneContext<'_>,
        objections: &mut Objections,
    ) {
        let original = Original {
            guest: source,
            at_snapshot: self.snapshot.is_some(),
            config: context.config,
            features: context.features,
        };
        objections.add_some(
            Field::Copy,
            refuses_copy(&original, self.kind, context.resources),
        );
        if self.kind == CopyKind::Linked && self.storage.is_some() {
            let reason = "a linked copy shares its original's storage";
            objections.add(Field::Storage, reason);
        }
        let is_up = matches!(source.status, Status::Running | Status::Paused);
        if is_up
            && self.snapshot.is_none()
            && context
                .config
                .is_some_and(|config| config.get("tpmstate0").is_some())
        {
            let reason =
                "the TPM state of a running guest cannot be copied; copy a snapshot or stop it";
            objections.add(Field::Whole, reason);
        }
        let Some(resources) = context.resources else {
            return;
        };
        if let Some(target) = &self.target {
            let storage = self.storage.as_ref();
            objections.add_some(
                Field::Node,
                refuses_node(&original, target, storage, resources),
            );
        }
        if let Some(storage) = &self.storage {
            let node = self.target.as_ref().unwrap_or(&source.node);
            let bytes = context.config.and_then(GuestConfig::disk_size);
            objections.add_some(
                Field::Storage,
                refuses_storage(storage, node, bytes, resources),
            );
        }
    }
}

/// Says why a guest cannot be copied now, if so.
pub fn refuses_clones(source: &Guest) -> Option<String> {
    if source.kind == GuestKind::Lxc {
        return Some("containers are not cloned by proxdeck".to_owned());
    }
    source.lock.as_ref().map(|lock| format!("locked ({lock})"))
}

/// Names the tags that a copy takes over and that keep enforcement away from it.
pub fn critical_tags_copied(source: &Guest, critical: &CriticalTags) -> Vec<String> {
    let tags = source
        .tags
        .iter()
        .filter(|tag| critical.contains(tag.raw()));
    tags.map(ToString::to_string).collect()
}

/// Says what a copy takes over from its source beside the disks, a piece each.
pub fn copied_along(source: Option<&Guest>, config: &GuestConfig) -> Vec<String> {
    let is_set = |key: &str| config.get(key).is_some_and(|value| value.raw() == "1");
    let mut along = Vec::new();
    if let Some(source) = source.filter(|source| !source.tags.is_empty()) {
        let tags: Vec<String> = source.tags.iter().map(ToString::to_string).collect();
        along.push(format!("tags {}", tags.join(", ")));
    }
    along.extend(is_set("protection").then(|| "protection".to_owned()));
    along.extend(is_set("onboot").then(|| "start at boot".to_owned()));
    along.push("its firewall rules".to_owned());
    along
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use pretty_assertions::assert_eq;

    use super::super::samples::{chain, config, guest};
    use super::*;
    use crate::domain::inventory::{Node, NodeState, SeenGuest, Storage};
    use crate::domain::time::Moment;

    fn stamp() -> Stamp {
        Stamp::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap(), 7)
    }

    fn request() -> CloneRequest {
        CloneRequest {
            source: guest().to_ref(),
            snapshot: None,
            kind: CopyKind::Full,
            name: "agent-5".into(),
            vmid: String::new(),
            pool: PoolChoice::OfSource,
            target: None,
            storage: None,
            description: "builds".into(),
            start: true,
            overrides_throttle: false,
        }
    }

    fn node(name: &str, state: NodeState) -> Node {
        Node {
            name: name.parse().unwrap(),
            state,
            cpu: None,
            max_cpu: None,
            memory: None,
            max_memory: None,
            disk: None,
            max_disk: None,
            uptime: None,
        }
    }

    fn storage(name: &str, plugin: &str, shared: bool, content: &str) -> Storage {
        Storage {
            name: name.parse().unwrap(),
            node: "pve1".parse().unwrap(),
            shared,
            plugin: Some(plugin.into()),
            content: Some(content.into()),
            available: true,
            used: None,
            size: None,
        }
    }

    fn resources() -> Resources {
        Resources {
            guests: vec![SeenGuest {
                guest: guest(),
                seen: Moment::default(),
                vouched: true,
            }],
            nodes: vec![
                node("pve1", NodeState::Online),
                node("pve2", NodeState::Online),
                node("pve3", NodeState::Offline),
            ],
            storages: vec![
                storage("iso", "dir", true, "iso,vztmpl"),
                storage("local-lvm", "lvmthin", false, "images,rootdir"),
                storage("nfs", "nfs", true, "images"),
                storage("tank", "zfspool", false, "images"),
            ],
            rejected: 0,
        }
    }

    fn fields(request: &CloneRequest, config: &GuestConfig) -> Vec<(Field, String)> {
        let (guest, list, resources) = (guest(), chain(), resources());
        let context = CloneContext {
            source: Some(&guest),
            snapshots: Some(&list),
            config: Some(config),
            resources: Some(&resources),
            ..CloneContext::default()
        };
        match request.check(&context, &stamp()) {
            Ok(_) => Vec::new(),
            Err(objections) => objections
                .into_iter()
                .map(|objection| (objection.field, objection.reason))
                .collect(),
        }
    }

    #[test]
    fn a_copy_joins_its_source_s_pool_and_carries_its_stamp() {
        let source = guest();
        let context = CloneContext {
            source: Some(&source),
            ..CloneContext::default()
        };
        let operation = request().check(&context, &stamp()).unwrap();
        let calls: Vec<String> = operation.calls().iter().map(ToString::to_string).collect();
        assert_eq!(
            calls,
            [
                "POST /nodes/pve1/qemu/104/clone  newid=(the next free id)  name=agent-5  full=1  \
                 description=builds\\nproxdeck: created 2026-11-23T09:00:45Z 0000000000000007  pool=lab",
                "POST /nodes/pve1/qemu/(the next free id)/status/start",
            ]
        );
        let mut alone = request();
        alone.pool = PoolChoice::None;
        alone.target = Some("pve1".parse().unwrap());
        alone.start = false;
        let calls = alone.check(&context, &stamp()).unwrap().calls();
        assert_eq!(calls.len(), 1);
        let names: Vec<&str> = calls[0].parameters.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["newid", "name", "full", "description"]);
    }

    #[test]
    fn what_a_copy_takes_over_is_told_and_its_firewall_always() {
        let mut source = guest();
        source.tags = Vec::new();
        let plain = config(&[("onboot", "0")]);
        assert_eq!(copied_along(Some(&source), &plain), ["its firewall rules"]);
        source.tags = vec!["critical".into(), "web".into()];
        let special = config(&[("onboot", "1"), ("protection", "1")]);
        assert_eq!(
            copied_along(Some(&source), &special),
            [
                "tags critical, web",
                "protection",
                "start at boot",
                "its firewall rules"
            ]
        );
    }

    #[test]
    fn a_critical_tag_that_is_copied_is_named() {
        let mut source = guest();
        source.tags = vec!["Critical".into(), "web".into()];
        let critical = CriticalTags::default();
        assert_eq!(critical_tags_copied(&source, &critical), ["Critical"]);
        let none = CriticalTags::new(Vec::new());
        assert!(critical_tags_copied(&source, &none).is_empty());
    }

    #[test]
    fn names_numbers_nodes_and_storages_are_checked_beforehand() {
        let local = config(&[("scsi0", "local-lvm:vm-104-disk-0,size=8G")]);
        let mut wrong = request();
        wrong.name = "agent_5".into();
        wrong.vmid = "104".into();
        wrong.storage = Some("iso".parse().unwrap());
        wrong.target = Some("pve3".parse().unwrap());
        let found: Vec<Field> = fields(&wrong, &local)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        assert_eq!(
            found,
            [Field::Name, Field::Vmid, Field::Node, Field::Storage]
        );
        let mut elsewhere = request();
        elsewhere.target = Some("pve2".parse().unwrap());
        let found = fields(&elsewhere, &local);
        assert_eq!(found[0].0, Field::Node);
        assert!(found[0].1.contains("local-lvm is not shared"));
        let shared = config(&[("scsi0", "nfs:104/vm-104-disk-0.qcow2,size=8G")]);
        assert_eq!(fields(&elsewhere, &shared), []);
    }

    #[test]
    fn pitfall_23_a_snapshot_on_zfs_cannot_be_copied() {
        let mut request = request();
        request.snapshot = chain().find("second").cloned();
        let zfs = config(&[("scsi0", "tank:vm-104-disk-0,size=8G")]);
        let found = fields(&request, &zfs);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, Field::Copy);
        let thin = config(&[("scsi0", "local-lvm:vm-104-disk-0,size=8G")]);
        assert_eq!(fields(&request, &thin), []);
    }

    #[test]
    fn containers_locked_guests_and_running_ones_with_a_tpm_are_not_copied() {
        let tpm = config(&[("tpmstate0", "nfs:104/tpm.raw,size=4M")]);
        assert_eq!(fields(&request(), &tpm)[0].0, Field::Whole);
        for change in [
            (|guest| guest.kind = GuestKind::Lxc) as fn(&mut Guest),
            |guest| guest.lock = Some("backup".into()),
        ] {
            let mut source = guest();
            change(&mut source);
            let mut request = request();
            request.source = source.to_ref();
            let context = CloneContext {
                source: Some(&source),
                ..CloneContext::default()
            };
            let objections = request.check(&context, &stamp()).unwrap_err();
            assert_eq!(objections[0].field, Field::Whole);
        }
    }
}
