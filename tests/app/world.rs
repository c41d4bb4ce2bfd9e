//! A state with a small inventory, and short words for what happens to it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proxdeck::app::keymap::{Combo, Keymap};
use proxdeck::app::state::{Rules, Setting};
use proxdeck::app::{Answer, Effect, Event, Query, State, Ticket};
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::inventory::{Inventory, Resources, Storage};
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::domain::time::{Moment, Now};

/// A state, its clock, and all effects so far.
pub(crate) struct Desk {
    pub(crate) state: State,
    pub(crate) now: Now,
    pub(crate) effects: Vec<Effect>,
}

pub(crate) fn vmid(number: u64) -> Vmid {
    Vmid::new(number).unwrap()
}

pub(crate) fn guest(number: u64, name: &str) -> Guest {
    Guest {
        vmid: vmid(number),
        kind: GuestKind::Qemu,
        node: "pve1".parse().unwrap(),
        name: Some(name.into()),
        status: Status::Running,
        template: false,
        lock: None,
        tags: Vec::new(),
        pool: None,
        ha_state: None,
        figures: Figures {
            cpu: Some(0.5),
            max_cpu: Some(2.0),
            memory: Some(1 << 30),
            max_memory: Some(4 << 30),
            uptime: Some(Duration::from_secs(3600)),
            ..Figures::default()
        },
    }
}

pub(crate) fn start() -> Now {
    Now {
        moment: Moment::after_start(Duration::from_secs(100)),
        wall: DateTime::from_timestamp(1_795_424_445, 0).unwrap(),
    }
}

impl Desk {
    /// Makes a state that knows nothing yet.
    pub(crate) fn new(read_only: bool) -> Self {
        let setting = Setting {
            cluster: "lab".into(),
            endpoint: "https://pve1:8006".into(),
            account: "hub@pve!deck".into(),
            read_only,
            demo: false,
            bell: true,
            operator: "ops".into(),
            keymap: Keymap::default(),
            rules: Rules::default(),
            seed: 7,
        };
        Self {
            state: State::new(setting, start()),
            now: start(),
            effects: Vec::new(),
        }
    }

    /// Makes a state that knows these guests.
    pub(crate) fn with(guests: Vec<Guest>) -> Self {
        let mut desk = Self::new(false);
        desk.inventory(guests);
        desk
    }

    pub(crate) fn happen(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.state.update(event, self.now);
        self.effects.extend(effects.clone());
        effects
    }

    pub(crate) fn inventory(&mut self, guests: Vec<Guest>) -> Vec<Effect> {
        self.inventory_with(guests, Vec::new())
    }

    pub(crate) fn inventory_with(
        &mut self,
        guests: Vec<Guest>,
        storages: Vec<Storage>,
    ) -> Vec<Effect> {
        let previous = self.state.inventory.resources.value().cloned();
        let guests = Resources::dated(guests, previous.as_deref(), self.now.moment);
        let mut inventory = Inventory::clone(&self.state.inventory);
        let resources = Resources {
            guests,
            storages,
            ..Resources::default()
        };
        inventory
            .resources
            .record(self.now.moment, Ok(Arc::new(resources)));
        self.happen(Event::Inventory(Arc::new(inventory)))
    }

    /// Presses keys as the key table writes them, separated by blanks.
    pub(crate) fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for key in keys.split_whitespace() {
            effects.extend(self.happen(Event::Key(key.parse::<Combo>().unwrap())));
        }
        effects
    }

    /// Lets time go by, with a tick at its end.
    pub(crate) fn wait(&mut self, duration: Duration) -> Vec<Effect> {
        self.now.moment = self.now.moment.later(duration);
        self.now.wall += TimeDelta::from_std(duration).unwrap();
        self.happen(Event::Tick)
    }

    /// Answers every question for the snapshots of a guest that is among the effects.
    pub(crate) fn answer_snapshots(&mut self, effects: &[Effect], list: &SnapshotList) {
        for ticket in snapshot_questions(effects) {
            self.happen(Event::Fetched(ticket, Ok(Answer::Snapshots(list.clone()))));
        }
    }

    pub(crate) fn toast(&self) -> String {
        self.state
            .toasts
            .top()
            .map(|toast| toast.text.clone())
            .unwrap_or_default()
    }
}

pub(crate) fn snapshot_questions(effects: &[Effect]) -> Vec<Ticket> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Snapshots(_)) => Some(*ticket),
        _ => None,
    });
    asked.collect()
}

pub(crate) fn runs(effects: &[Effect]) -> usize {
    effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Run(..)))
        .count()
}
