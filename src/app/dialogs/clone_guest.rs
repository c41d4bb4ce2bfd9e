//! The form that makes a full copy of a guest.

use super::form::{Form, Item, Preview, Switch, Weight};
use super::purpose::{FormDialog, Known, Purpose, ask};
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::forecast::NewGuests;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::guest_name::GuestName;
use crate::domain::id::{NodeName, PoolName, StorageName};
use crate::domain::inventory::Resources;
use crate::domain::operation::{CopyKind, Stamp};
use crate::domain::request::{CloneContext, CloneRequest, Field, PoolChoice, copied_along};
use crate::domain::snapshot::Snapshot;
use crate::domain::time::Moment;

/// What is offered beside the fields, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClonePurpose {
    snapshot: Option<Snapshot>,
    stamp: Stamp,
    pools: Vec<PoolName>,
    nodes: Vec<NodeName>,
    storages: Vec<StorageName>,
    config: Remote<GuestConfig>,
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
        let mut pools: Vec<PoolName> = resources
            .guests
            .iter()
            .filter_map(|seen| seen.guest.pool.clone())
            .collect();
        pools.sort();
        pools.dedup();
        let mut storages: Vec<StorageName> = resources
            .storages
            .iter()
            .filter(|storage| {
                storage
                    .content
                    .as_ref()
                    .is_none_or(|content| content.raw().contains("images"))
            })
            .map(|storage| storage.name.clone())
            .collect();
        storages.dedup();
        let nodes: Vec<NodeName> = resources
            .nodes
            .iter()
            .map(|node| node.name.clone())
            .collect();
        let own = guest.pool.as_ref().map_or("none", PoolName::as_str);
        let pool_options = std::iter::once(format!("as the source ({own})"))
            .chain(std::iter::once("none".to_owned()))
            .chain(pools.iter().map(ToString::to_string));
        let node_options = std::iter::once(format!("as the source ({})", target.node))
            .chain(nodes.iter().map(ToString::to_string));
        let storage_options = std::iter::once("as the source".to_owned())
            .chain(storages.iter().map(ToString::to_string));
        let items = vec![
            Item::text(Field::Name, "name", GuestName::suggest_copy(guest)),
            Item::text(Field::Vmid, "number", ""),
            Item::choice(Field::Pool, "pool", pool_options.collect()),
            Item::choice(Field::Node, "node", node_options.collect()),
            Item::choice(Field::Storage, "storage", storage_options.collect()),
            Item::text(Field::Description, "description", ""),
            Item::switch(
                Field::Start,
                "start",
                Switch::new("start it when it is there", false),
            ),
        ];
        let form = Form::new(
            format!("Clone {target} on {}", target.node),
            items,
            "clone it",
        );
        let config = Remote::default();
        let purpose = ClonePurpose {
            snapshot,
            stamp,
            pools,
            nodes,
            storages,
            config,
        };
        Self::new(target, form, Purpose::Clone(purpose))
    }
}

impl ClonePurpose {
    pub(super) fn questions(&mut self, target: &GuestRef, next: &mut u64) -> Vec<(Ticket, Query)> {
        if self.config.is_pending()
            || self.config.answer().is_some()
            || self.config.failure().is_some()
        {
            return Vec::new();
        }
        let query = match &self.snapshot {
            Some(snapshot) => Query::FrozenConfig(target.clone(), snapshot.name.clone()),
            None => Query::Config(target.clone()),
        };
        vec![ask(&mut self.config, query, next)]
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        self.config.settle(ticket, now, result.clone());
    }

    pub(super) fn check(&self, form: &mut Form, target: &GuestRef, known: &Known<'_>) {
        let request = CloneRequest {
            source: target.clone(),
            snapshot: self.snapshot.clone(),
            kind: CopyKind::Full,
            name: form.text(Field::Name).to_owned(),
            vmid: form.text(Field::Vmid).to_owned(),
            pool: match form.chosen(Field::Pool) {
                0 => PoolChoice::OfSource,
                1 => PoolChoice::None,
                index => self
                    .pools
                    .get(index - 2)
                    .cloned()
                    .map_or(PoolChoice::OfSource, PoolChoice::Named),
            },
            target: form
                .chosen(Field::Node)
                .checked_sub(1)
                .and_then(|index| self.nodes.get(index).cloned()),
            storage: form
                .chosen(Field::Storage)
                .checked_sub(1)
                .and_then(|index| self.storages.get(index).cloned()),
            description: form.text(Field::Description).to_owned(),
            start: form.is_on(Field::Start),
        };
        let context = CloneContext {
            source: known.guest(target.vmid),
            snapshots: known.snapshots,
            config: self.config.value(),
            resources: known.resources,
        };
        form.checked = request.check(&context, &self.stamp);
        form.preview = self.preview(known.guest(target.vmid));
        form.budget = known.guest(target.vmid).and_then(|source| {
            let pool = request.pool_of(source);
            let probe = Guest {
                name: Some(request.name.as_str().into()),
                pool,
                template: false,
                ..source.clone()
            };
            let guests = NewGuests {
                count: 1,
                cores: source.figures.max_cpu,
                memory: source.figures.max_memory,
                disks: self.config.value().and_then(GuestConfig::disk_size),
            };
            known.budget_of(&probe, &guests)
        });
    }

    fn preview(&self, source: Option<&Guest>) -> Vec<Preview> {
        let from = self
            .snapshot
            .as_ref()
            .map_or_else(|| "its present".to_owned(), |it| it.name.to_string());
        let mut preview = vec![Preview::new(
            "copies",
            format!("all disks of {from}"),
            Weight::Plain,
        )];
        let Some(config) = self.config.value() else {
            if let Some(failure) = self.config.failure() {
                let text = format!("what is copied along is unknown: {failure}");
                preview.push(Preview::new("along", text, Weight::Warning));
            }
            return preview;
        };
        if let Some(bytes) = config.disk_size() {
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
