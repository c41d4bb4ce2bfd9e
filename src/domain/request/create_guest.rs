//! The wish for new guests from a template of the catalogue.

use std::collections::BTreeMap;

use super::places::{
    Features, Original, refuses_copy, refuses_node, refuses_room, refuses_storage,
};
use super::{Field, Objection, Objections};
use crate::domain::admission::{Admission, JoinedProject};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::guest_name::GuestName;
use crate::domain::id::{GuestKind, NodeName, PoolName, StorageName};
use crate::domain::inventory::Resources;
use crate::domain::network::Foreseen;
use crate::domain::operation::{
    Batch, CloneGuest, Copy, CopyKind, CopyUses, CreateGuest, Operation, Stamp, Wish,
};
use crate::domain::project::{Project, Projects};
use crate::domain::template::{CardProfile, Template};
use crate::domain::units::Size;

/// So many guests are made by one wish at most.
pub const MOST_GUESTS: u32 = 50;
/// The least memory that QEMU takes, in MiB (the schema's `memory`).
const LEAST_MEMORY: u64 = 16;

/// The wish for new guests from a template of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateRequest {
    /// The entry of the catalogue.
    pub template: Template,
    /// The guest of the template's number as it was when the form was opened; absent: unseen.
    pub source: Option<GuestRef>,
    /// The new guest's name as typed; of several the beginning of all.
    pub name: String,
    /// How many guests are wanted, as typed.
    pub count: String,
    /// The pool that they join.
    pub pool: Option<PoolName>,
    /// The cores as typed; empty: the template's.
    pub cores: String,
    /// The memory as typed; empty: the template's.
    pub memory: String,
    /// The size of the boot disk as typed; empty: the template's.
    pub disk: String,
    /// The network profile that they get.
    pub profile: Option<CardProfile>,
    /// The node on which they shall be; absent: the template's.
    pub target: Option<NodeName>,
    /// The storage for their disks; absent: where the template's are.
    pub storage: Option<StorageName>,
    /// Whether the disks are copied or shared; absent: shared where that can be.
    pub kind: Option<CopyKind>,
    /// The tag by which they are known as ours.
    pub tag: Option<String>,
    /// Whether they are started when they are there.
    pub start: bool,
    /// Whether a throttle of their project is overridden.
    pub overrides_throttle: bool,
}

/// What is known when a creation is checked; the less, the more is left to the server.
#[derive(Debug, Clone, Copy, Default)]
pub struct CreateContext<'a> {
    /// The guest of the template's number as it is now; absent when there is none.
    pub source: Option<&'a Guest>,
    /// Its configuration.
    pub config: Option<&'a GuestConfig>,
    /// Guests, nodes and storages of the cluster.
    pub resources: Option<&'a Resources>,
    /// The project that [`CreateRequest::joins`]; absent: none, which nothing can throttle.
    pub project: Option<&'a JoinedProject>,
    /// What will fence the new guests in; absent: nobody looked.
    pub fence: Option<&'a Foreseen>,
}

/// What was typed, read and found good.
struct Sizes {
    cores: Option<u32>,
    memory: Option<Size>,
    disk: Option<Size>,
}

impl CreateRequest {
    /// Checks the wish against what is known now; `stamp` marks the first guest, its siblings the others.
    pub fn check(
        &self,
        context: &CreateContext<'_>,
        stamp: &Stamp,
    ) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let source = self.check_source(context, &mut objections);
        let names = self.check_names(&mut objections);
        let sizes = self.check_sizes(source, context, &mut objections);
        let kind = source.map(|source| self.check_places(source, context, &mut objections));
        let admission = objections.admit(context.project, self.overrides_throttle);
        objections.description(&described(context, stamp));
        let made = source.zip(kind).and_then(|(source, kind)| {
            let operations = names.into_iter().zip(0..).map(|(name, number)| {
                let stamp = stamp.sibling(number);
                let admission = admission.clone();
                let clone = self.clone_of(source, context, (kind, admission), name, stamp);
                let wish = Wish {
                    template: self.template.name.clone(),
                    cores: sizes.cores,
                    memory: sizes.memory,
                    disk: sizes.disk,
                    tags: self.tag.iter().cloned().collect(),
                    profile: self.profile.clone(),
                    start: self.start,
                    fence: context.fence.and_then(Foreseen::plan).cloned(),
                };
                let template = context.config.cloned();
                Operation::CreateGuest(Box::new(CreateGuest::new(clone, wish, template)))
            });
            Batch::of(operations.collect(), Vec::new())
        });
        objections.or(made)
    }

    /// Returns the number of guests that is wanted, where it is one.
    pub fn number(&self) -> Option<u32> {
        let number = self.count.trim().parse().ok()?;
        (1..=MOST_GUESTS).contains(&number).then_some(number)
    }

    /// Returns how the disks are copied: as wanted, else linked where that can be.
    pub fn copy_kind(&self, source: &Guest, context: &CreateContext<'_>) -> CopyKind {
        let original = original(source, context);
        match self.kind {
            Some(kind) => kind,
            None if self.storage.is_some() => CopyKind::Full,
            None => match refuses_copy(&original, CopyKind::Linked, context.resources) {
                None => CopyKind::Linked,
                Some(_) => CopyKind::Full,
            },
        }
    }

    fn check_source<'a>(
        &self,
        context: &CreateContext<'a>,
        objections: &mut Objections,
    ) -> Option<&'a Guest> {
        let Template { name, vmid, .. } = &self.template;
        let Some(found) = context.source else {
            let reason = format!("there is no guest {vmid}, which [templates.{name}] names");
            objections.add(Field::Template, reason);
            return None;
        };
        let now = found.to_ref();
        if let Some(meant) = &self.source
            && !meant.is_same_guest(&now)
        {
            let reason = format!("template {meant} is now {} {now}", now.kind);
            objections.add(Field::Template, reason);
        }
        objections.add_some(Field::Template, refuses_template(found));
        let silent = context.resources.and_then(|resources| {
            refuses_node(&original(found, context), &found.node, None, resources)
        });
        let silent = silent.map(|reason| format!("{now} cannot be copied: {reason}"));
        objections.add_some(Field::Template, silent);
        Some(found)
    }

    fn check_names(&self, objections: &mut Objections) -> Vec<GuestName> {
        let count = self.number();
        if count.is_none() {
            let reason = format!("how many is a number from 1 to {MOST_GUESTS}");
            objections.add(Field::Count, reason);
        }
        let names = self.names();
        let checked: Result<Vec<GuestName>, _> =
            names.iter().map(|name| name.parse::<GuestName>()).collect();
        objections.accept(Field::Name, checked).unwrap_or_default()
    }

    /// Returns the names of all wanted guests as typed; of a number that is none, one.
    fn names(&self) -> Vec<String> {
        match self.number() {
            None | Some(1) => vec![self.name.clone()],
            Some(count) => (1..=count)
                .map(|number| format!("{}-{number}", self.name))
                .collect(),
        }
    }

    /// Describes the guest that a name would stand for, as far as projects ask.
    fn guest_called(&self, name: &str, source: &Guest) -> Guest {
        Guest {
            name: Some(name.into()),
            pool: self.pool.clone(),
            tags: self.tag.iter().map(|tag| tag.as_str().into()).collect(),
            template: false,
            ..source.clone()
        }
    }

    /// Describes the first of the wanted guests, as far as projects ask.
    pub fn probe(&self, source: &Guest) -> Guest {
        let names = self.names();
        self.guest_called(names.first().unwrap_or(&self.name), source)
    }

    /// Finds the project that the wanted guests would count for.
    pub fn joins<'a>(&self, source: &Guest, projects: &'a Projects) -> Option<&'a Project> {
        let names = self.names().into_iter();
        names
            .map(|name| self.guest_called(&name, source))
            .find_map(|guest| projects.assign(&guest).project)
    }

    fn check_sizes(
        &self,
        source: Option<&Guest>,
        context: &CreateContext<'_>,
        objections: &mut Objections,
    ) -> Sizes {
        let node = self.target.as_ref().or(source.map(|source| &source.node));
        let node = node.and_then(|node| context.resources?.node(node));
        let cores = optional(&self.cores, |text| {
            let cores = text.parse::<u32>().ok().filter(|cores| *cores > 0);
            let cores = cores.ok_or_else(|| format!("{text:?} is no number of cores"))?;
            match node.and_then(|node| Some((node, node.max_cpu?))) {
                Some((node, most)) if f64::from(cores) > most => {
                    Err(format!("node {} has {most} cores", node.name))
                }
                _ => Ok(cores),
            }
        });
        let memory = optional(&self.memory, |text| {
            let (size, mebibytes) = whole_size(text)?;
            if mebibytes < LEAST_MEMORY {
                return Err(format!("a guest has at least {LEAST_MEMORY}MiB of memory"));
            }
            match node.and_then(|node| Some((node, node.max_memory?))) {
                Some((node, most)) if size.bytes() > most => {
                    let most = most >> 20;
                    Err(format!("node {} has {most}MiB of memory", node.name))
                }
                _ => Ok(size),
            }
        });
        let disk = optional(&self.disk, |text| {
            let (size, _) = whole_size(text)?;
            let Some(config) = context.config else {
                return Ok(size);
            };
            match config.boot_drive().map(|drive| drive.size) {
                None => Err("the template has no disk to start from, which could grow".to_owned()),
                Some(Some(least)) if size.bytes() < least => Err(format!(
                    "a disk never shrinks; the template's has {}",
                    Size::from_bytes(least)
                )),
                Some(_) => Ok(size),
            }
        });
        Sizes {
            cores: objections.accept(Field::Cores, cores).flatten(),
            memory: objections.accept(Field::Memory, memory).flatten(),
            disk: objections.accept(Field::Disk, disk).flatten(),
        }
    }

    /// Checks whether the disks can be read where they are and written where they are wanted.
    fn check_places(
        &self,
        source: &Guest,
        context: &CreateContext<'_>,
        objections: &mut Objections,
    ) -> CopyKind {
        let original = original(source, context);
        let kind = self.copy_kind(source, context);
        objections.add_some(
            Field::Copy,
            refuses_copy(&original, kind, context.resources),
        );
        if kind == CopyKind::Linked && self.storage.is_some() {
            let reason = "a linked copy shares its original's storage";
            objections.add(Field::Storage, reason);
        }
        let Some(resources) = context.resources else {
            return kind;
        };
        if let Some(target) = &self.target {
            let refusal = refuses_node(&original, target, self.storage.as_ref(), resources);
            objections.add_some(Field::Node, refusal);
        }
        let node = self.target.as_ref().unwrap_or(&source.node);
        if let Some(storage) = &self.storage {
            let refusal = refuses_storage(storage, node, self.disk_bytes(context), resources);
            objections.add_some(Field::Storage, refusal);
        } else if kind == CopyKind::Full {
            for (storage, bytes) in self.bytes_beside_the_template(context) {
                let refusal = refuses_room(&storage, node, bytes, resources);
                objections.add_some(Field::Storage, refusal);
            }
        }
        kind
    }

    /// Reckons how much whole copies may need on each storage of the template, where it is known.
    fn bytes_beside_the_template(&self, context: &CreateContext<'_>) -> BTreeMap<StorageName, u64> {
        let mut needed: BTreeMap<StorageName, u64> = BTreeMap::new();
        let (Some(config), Some(count)) = (context.config, self.number()) else {
            return needed;
        };
        let boot = config.boot_drive().map(|drive| drive.key);
        for drive in config.drives() {
            let (Some(storage), Some(size)) = (drive.storage, drive.size) else {
                continue;
            };
            let grown = self
                .wanted_disk()
                .filter(|_| Some(&drive.key) == boot.as_ref());
            let each = size.max(grown.unwrap_or(0));
            let bytes = needed.entry(storage).or_default();
            *bytes = bytes.saturating_add(each.saturating_mul(u64::from(count)));
        }
        needed
    }

    fn wanted_disk(&self) -> Option<u64> {
        self.disk.trim().parse::<Size>().ok().map(Size::bytes)
    }

    /// Reckons how much the disks of all wanted guests may need, where it is known.
    pub fn disk_bytes(&self, context: &CreateContext<'_>) -> Option<u64> {
        let config = context.config?;
        let all = config.disk_size()?;
        let boot = config.boot_drive().and_then(|drive| drive.size);
        let growth = boot
            .zip(self.wanted_disk())
            .map_or(0, |(boot, wanted)| wanted.saturating_sub(boot));
        let each = all.checked_add(growth)?;
        each.checked_mul(u64::from(self.number()?))
    }

    fn clone_of(
        &self,
        source: &Guest,
        context: &CreateContext<'_>,
        (kind, admission): (CopyKind, Option<Admission>),
        name: GuestName,
        stamp: Stamp,
    ) -> CloneGuest {
        CloneGuest::new(
            source.to_ref(),
            Copy {
                kind,
                snapshot: None,
                name,
                vmid: None,
                pool: self.pool.clone(),
                // The template's own node is no target: the server would want shared disks for it.
                target: self.target.clone().filter(|target| *target != source.node),
                storage: self.storage.clone(),
                description: described(context, &stamp),
                stamp,
                start: false,
                uses: CopyUses::of(context.config),
                admission,
                // A new guest is fenced in once its configuration is as wanted.
                fence: None,
            },
        )
    }
}

/// Writes a new guest's description: the template's with the mark of its making.
fn described(context: &CreateContext<'_>, stamp: &Stamp) -> String {
    stamp.append_to(context.config.map_or("", GuestConfig::description))
}

fn original<'a>(source: &'a Guest, context: &CreateContext<'a>) -> Original<'a> {
    Original {
        guest: source,
        at_snapshot: false,
        config: context.config,
        features: Features::default(),
    }
}

/// Says why a guest is no template from which guests can be made, if so.
pub fn refuses_template(found: &Guest) -> Option<String> {
    let guest = found.to_ref();
    if found.kind == GuestKind::Lxc {
        return Some(format!(
            "{guest} is a container; templates here are virtual machines"
        ));
    }
    if !found.template {
        return Some(format!("{guest} is no template"));
    }
    found
        .lock
        .as_ref()
        .map(|lock| format!("{guest} is locked ({lock})"))
}

/// Reads a field that may be left empty.
fn optional<T>(
    text: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    match text.trim() {
        "" => Ok(None),
        text => read(text).map(Some),
    }
}

fn whole_size(text: &str) -> Result<(Size, u64), String> {
    let size: Size = text
        .parse()
        .map_err(|error: crate::domain::units::InvalidSize| error.to_string())?;
    let mebibytes = size.mebibytes().ok_or_else(|| {
        if text.ends_with(|c: char| c.is_ascii_digit()) {
            // Whoever leaves the unit out means MiB as the server does, and would get bytes.
            format!("{text:?} has no unit; write one, as 4GiB")
        } else {
            format!("{text:?} is no whole number of MiB")
        }
    })?;
    Ok((size, mebibytes))
}
