//! The form that makes a copy of a guest: a clone, or a branch from one of its snapshots.

use super::foresight::{self, Foresight};
use super::form::{Form, Item, Preview, Switch, Weight};
use super::offers::Offers;
use super::purpose::{FormDialog, Known, Purpose, ask};
use super::throttle::{self, Throttles};
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::forecast::NewGuests;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::guest_name::GuestName;
use crate::domain::id::PoolName;
use crate::domain::inventory::Resources;
use crate::domain::network::Foreseen;
use crate::domain::operation::{CopyKind, Stamp};
use crate::domain::request::{
    CloneContext, CloneRequest, Features, Field, Objection, Original, PoolChoice, copied_along,
    critical_tags_copied, refuses_copy, refuses_node, refuses_storage,
};
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Moment;

/// The alternatives of [`Field::Copy`], in their order.
const COPIES: [CopyKind; 2] = [CopyKind::Full, CopyKind::Linked];

/// The alternatives of [`Field::Mode`], in their order.
pub(super) const MODES: [&str; 2] = ["in place", "as a new guest"];

/// What is offered beside the fields, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClonePurpose {
    snapshot: Option<Snapshot>,
    stamp: Stamp,
    pools: Vec<PoolChoice>,
    offers: Offers,
    config: Remote<GuestConfig>,
    can_copy: Remote<bool>,
    can_link: Remote<bool>,
    pub(super) throttles: Throttles,
    pub(super) foresight: Foresight,
}

impl FormDialog {
    /// Opens the form that copies a guest, from its present or from one of its snapshots.
    pub(in crate::app) fn clone_guest(
        guest: &Guest,
        snapshot: Option<Snapshot>,
        resources: &Resources,
        stamp: Stamp,
    ) -> Self {
        let target = guest.to_ref();
        let title = match &snapshot {
            None => format!("Clone {target} on {}", target.node),
            Some(snapshot) => format!("New guest from {} of {target}", snapshot.name),
        };
        Self::copy(guest, snapshot, resources, stamp, title)
    }

    /// Opens the form that branches a new guest off a snapshot, as the other way to restore it.
    pub(in crate::app) fn branch(
        guest: &Guest,
        snapshot: Snapshot,
        resources: &Resources,
        stamp: Stamp,
    ) -> Self {
        let target = guest.to_ref();
        let title = format!("Restore {} of {target} as a new guest", snapshot.name);
        let mut dialog = Self::copy(guest, Some(snapshot), resources, stamp, title);
        let modes = MODES.map(str::to_owned).to_vec();
        let mode = Item::choice(Field::Mode, "restore", modes);
        dialog.form.items.insert(0, mode);
        dialog.form.choose_at(Field::Mode, 1);
        dialog
    }

    fn copy(
        guest: &Guest,
        snapshot: Option<Snapshot>,
        resources: &Resources,
        stamp: Stamp,
        title: String,
    ) -> Self {
        let target = guest.to_ref();
        let mut pools: Vec<PoolName> = resources
            .guests
            .iter()
            .filter_map(|seen| seen.guest.pool.clone())
            .collect();
        pools.sort();
        pools.dedup();
        // What the source has is offered once, as the source's.
        pools.retain(|pool| guest.pool.as_ref() != Some(pool));
        let offers = Offers::beside(&target.node, resources);
        let own = guest.pool.as_ref().map_or("none", PoolName::as_str);
        let mut pool_choices = vec![PoolChoice::OfSource];
        pool_choices.extend(guest.pool.is_some().then_some(PoolChoice::None));
        let pool_options = std::iter::once(format!("as the source ({own})"))
            .chain(guest.pool.is_some().then(|| "none".to_owned()))
            .chain(pools.iter().map(ToString::to_string))
            .collect();
        pool_choices.extend(pools.into_iter().map(PoolChoice::Named));
        let own_node = format!("as the source ({})", target.node);
        let copies = COPIES.map(|kind| kind.as_str().to_owned()).to_vec();
        let items = vec![
            Item::text(Field::Name, "name", GuestName::suggest_copy(guest)),
            Item::text(Field::Vmid, "number", "").hinting("next free"),
            Item::choice(Field::Pool, "pool", pool_options),
            Item::choice(Field::Copy, "copy", copies),
            Item::choice(Field::Node, "node", offers.node_options(&own_node)),
            Item::choice(
                Field::Storage,
                "storage",
                offers.storage_options("as the source"),
            ),
            Item::text(Field::Description, "description", ""),
            Item::switch(
                Field::Start,
                "start",
                Switch::new("start it when it is there", false),
            ),
        ];
        let form = Form::new(title, items, "make it");
        let purpose = ClonePurpose {
            snapshot,
            stamp,
            pools: pool_choices,
            offers,
            config: Remote::default(),
            can_copy: Remote::default(),
            can_link: Remote::default(),
            throttles: Throttles::default(),
            foresight: Foresight::default(),
        };
        Self::new(target, form, Purpose::Clone(Box::new(purpose)))
    }
}

impl ClonePurpose {
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    pub(super) fn questions(&mut self, target: &GuestRef, next: &mut u64) -> Vec<(Ticket, Query)> {
        let mut questions = self.throttles.questions(next);
        if self.config.is_pending() || !self.config.is_open() {
            return questions;
        }
        let name = self.snapshot.as_ref().map(|snapshot| snapshot.name.clone());
        let config = match &name {
            Some(name) => Query::FrozenConfig(target.clone(), name.clone()),
            None => Query::Config(target.clone()),
        };
        let feature = |kind| Query::CanCopy(target.clone(), kind, name.clone());
        questions.extend([
            ask(&mut self.config, config, next),
            ask(&mut self.can_copy, feature(CopyKind::Full), next),
            ask(&mut self.can_link, feature(CopyKind::Linked), next),
        ]);
        questions
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        self.config.settle(ticket, now, result.clone());
    }

    pub(super) fn settle_feature(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<bool, Failure>,
    ) {
        self.can_copy.settle(ticket, now, result.clone());
        self.can_link.settle(ticket, now, result.clone());
    }

    pub(super) fn check(&mut self, form: &mut Form, target: &GuestRef, known: &Known<'_>) {
        let mut request = self.request(form, target);
        let source = known.guest(target.vmid);
        let joins = source.and_then(|source| request.joins(source, &known.rules.projects));
        let project = self.throttles.of(joins);
        request.overrides_throttle = throttle::offer_override(form, project.as_ref());
        let fence = match self.config.failure() {
            None => self.foresight.of_own(target, self.config.value(), known),
            // What is copied along is said to be unknown already.
            Some(_) => Foreseen::Nothing,
        };
        let context = CloneContext {
            source,
            snapshots: known.snapshots,
            config: self.config.value(),
            features: Features {
                copy: self.can_copy.value().copied(),
                clone: self.can_link.value().copied(),
            },
            resources: known.resources,
            project: project.as_ref(),
            fence: Some(&fence),
        };
        self.dim(form, &request, &context);
        form.checked = request.check(&context, &self.stamp);
        if self.config.is_open() && form.checked.is_ok() {
            let reason = "reading what is copied along…";
            form.checked = Err(vec![Objection::new(Field::Whole, reason)]);
        }
        form.preview = self.preview(context.source, request.kind);
        form.preview.extend(foresight::told(&fence));
        throttle::tell(form, context.project);
        let critical = context
            .source
            .map(|source| critical_tags_copied(source, &known.rules.enforcement.critical));
        if let Some(tags) = critical.filter(|tags| !tags.is_empty()) {
            let tags = tags.join(", ");
            let text = format!("the copy is tagged {tags} too, and enforcement will spare it");
            form.preview.push(Preview::new("", text, Weight::Warning));
        }
        form.budget = context
            .source
            .and_then(|source| self.budget(source, &request, known));
    }

    fn request(&self, form: &Form, target: &GuestRef) -> CloneRequest {
        CloneRequest {
            source: target.clone(),
            snapshot: self.snapshot.clone(),
            kind: COPIES
                .get(form.chosen(Field::Copy))
                .copied()
                .unwrap_or(CopyKind::Full),
            name: form.text(Field::Name).to_owned(),
            vmid: form.text(Field::Vmid).to_owned(),
            pool: self
                .pools
                .get(form.chosen(Field::Pool))
                .cloned()
                .unwrap_or(PoolChoice::OfSource),
            target: self.offers.node(form.chosen(Field::Node)),
            storage: self.offers.storage(form.chosen(Field::Storage)),
            description: form.text(Field::Description).to_owned(),
            start: form.is_on(Field::Start),
            overrides_throttle: false,
        }
    }

    /// Says at each alternative why it cannot be, if so.
    fn dim(&self, form: &mut Form, request: &CloneRequest, context: &CloneContext<'_>) {
        let (Some(source), Some(resources)) = (context.source, context.resources) else {
            return;
        };
        let original = Original {
            guest: source,
            at_snapshot: self.snapshot.is_some(),
            config: context.config,
            features: context.features,
        };
        let copies = COPIES.map(|kind| refuses_copy(&original, kind, Some(resources)));
        form.dim(Field::Copy, copies.to_vec());
        let storage = request.storage.as_ref();
        let nodes = self
            .offers
            .dim_nodes(|node| refuses_node(&original, node, storage, resources));
        form.dim(Field::Node, nodes);
        let node = request.target.as_ref().unwrap_or(&source.node);
        let bytes = context.config.and_then(GuestConfig::disk_size);
        let storages = self.offers.dim_storages(|storage| match request.kind {
            CopyKind::Linked => Some("a linked copy shares its original's storage".to_owned()),
            CopyKind::Full => refuses_storage(storage, node, bytes, resources),
        });
        form.dim(Field::Storage, storages);
    }

    fn budget(
        &self,
        source: &Guest,
        request: &CloneRequest,
        known: &Known<'_>,
    ) -> Option<super::Budget> {
        let guests = NewGuests {
            count: 1,
            cores: source.figures.max_cpu,
            memory: source.figures.max_memory,
            disks: self.config.value().and_then(GuestConfig::disk_size),
        };
        known.budget_of(&request.probe(source), &guests)
    }

    fn preview(&self, source: Option<&Guest>, kind: CopyKind) -> Vec<Preview> {
        let from = self
            .snapshot
            .as_ref()
            .map_or_else(|| "its present".to_owned(), |it| it.name.to_string());
        let what = match kind {
            CopyKind::Full => format!("all disks of {from}"),
            CopyKind::Linked => format!("only what changes; the rest stays shared with {from}"),
        };
        let mut preview = vec![Preview::new("copies", what, Weight::Plain)];
        if self.snapshot.as_ref().is_some_and(|it| it.has_ram) {
            let text = "the snapshot's RAM is not copied; the new guest starts from its disks";
            preview.push(Preview::new("", text, Weight::Plain));
        }
        let Some(config) = self.config.value() else {
            if let Some(failure) = self.config.failure() {
                let text = format!("what is copied along is unknown: {failure}");
                preview.push(Preview::new("along", text, Weight::Warning));
            }
            return preview;
        };
        if let (CopyKind::Full, Some(bytes)) = (kind, config.disk_size()) {
            let text = format!(
                "up to {:.1} GiB on the storage",
                bytes as f64 / f64::from(1 << 30)
            );
            preview.push(Preview::new("needs", text, Weight::Plain));
        }
        let along = copied_along(source, config).join(" · ");
        preview.push(Preview::new("along", along, Weight::Plain));
        preview
    }
}
