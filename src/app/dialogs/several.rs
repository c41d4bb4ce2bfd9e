//! What forms about several guests read beforehand, see of the world, and say alike.

use std::collections::BTreeMap;

use super::form::{Preview, Weight};
use super::purpose::{Known, ask};
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::domain::enforcement::CriticalTags;
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::inventory::Resources;
use crate::domain::operation::Skipped;
use crate::domain::request::{KnownGuests, KnownMembers};
use crate::domain::snapshot::SnapshotList;
use crate::domain::time::Moment;

/// So much is asked at once (SPEC §1.1).
pub(super) const AT_ONCE: usize = 4;

/// Configurations of several guests that are read for a form, each once.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Configs(BTreeMap<Vmid, Remote<GuestConfig>>);

impl Configs {
    pub(super) fn value(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.0.get(&vmid)?.value()
    }

    pub(super) fn is_settled(&self, vmid: Vmid) -> bool {
        let config = self.0.get(&vmid);
        config.is_some_and(|config| config.answer().is_some() || config.failure().is_some())
    }

    pub(super) fn flying(&self) -> usize {
        self.0.values().filter(|config| config.is_pending()).count()
    }

    /// Asks for a guest's configuration unless that was done.
    pub(super) fn ask(
        &mut self,
        vmid: Vmid,
        query: Query,
        next: &mut u64,
    ) -> Option<(Ticket, Query)> {
        let config = self.0.entry(vmid).or_default();
        let is_asked =
            config.is_pending() || config.answer().is_some() || config.failure().is_some();
        (!is_asked).then(|| ask(config, query, next))
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        for config in self.0.values_mut() {
            config.settle(ticket, now, result.clone());
        }
    }
}

/// What a form about several guests sees of the world.
pub(super) struct Sight<'a, 'k> {
    pub(super) known: &'a Known<'k>,
    pub(super) present: Option<&'a Configs>,
    pub(super) frozen: Option<&'a Configs>,
}

impl KnownGuests for Sight<'_, '_> {
    fn resources(&self) -> Option<&Resources> {
        self.known.resources
    }

    fn snapshots(&self, vmid: Vmid) -> Option<&SnapshotList> {
        self.known.lists.of(vmid)?.value()
    }

    fn config(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.present?.value(vmid)
    }
}

impl KnownMembers for Sight<'_, '_> {
    fn frozen(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.frozen?.value(vmid)
    }

    fn is_comparing(&self, vmid: Vmid) -> bool {
        let is_read = |configs: Option<&Configs>| configs.is_some_and(|it| it.is_settled(vmid));
        !(is_read(self.frozen) && is_read(self.present))
    }

    fn critical_tags(&self) -> Option<&CriticalTags> {
        Some(&self.known.rules.enforcement.critical)
    }

    fn has_profiles(&self) -> bool {
        !self.known.rules.profiles.is_empty()
    }
}

/// Writes lines of a preview, of which only the first has the label.
pub(super) fn lines(label: &'static str, texts: Vec<String>, weight: Weight) -> Vec<Preview> {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels
        .zip(texts)
        .map(|(label, text)| Preview::new(label, text, weight))
        .collect()
}

/// Says who is left out, and why.
pub(super) fn left_out(skipped: &[Skipped]) -> Vec<String> {
    let lines = skipped.iter();
    lines
        .map(|skipped| format!("{}: {}", skipped.guest, skipped.reason))
        .collect()
}

/// Names guests in one line.
pub(super) fn names<'a>(guests: impl IntoIterator<Item = &'a GuestRef>) -> String {
    let names: Vec<String> = guests.into_iter().map(ToString::to_string).collect();
    names.join(", ")
}
