//! The form that takes a snapshot.

use chrono::{DateTime, Utc};

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::keymap::Combo;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::operation::Operation;
use crate::domain::request::{self, Objection, SnapshotRequest};
use crate::domain::snapshot::{SnapshotList, SnapshotName};

/// How long a snapshot is meant to live; retention reads it from the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotClass {
    /// No suffix.
    Daily,
    /// The suffix `-weekly`.
    Weekly,
    /// The suffix `-monthly`.
    Monthly,
    /// The prefix `keep-`.
    Keep,
}

impl SnapshotClass {
    /// The classes in the order in which they are offered.
    pub const ORDER: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Keep];

    /// Returns its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Keep => "keep",
        }
    }

    /// Suggests a name of this class that is not taken.
    pub fn suggest(self, now: DateTime<Utc>, existing: &SnapshotList) -> String {
        match self {
            Self::Daily => SnapshotName::suggest(now, "", existing),
            Self::Weekly => SnapshotName::suggest(now, "-weekly", existing),
            Self::Monthly => SnapshotName::suggest(now, "-monthly", existing),
            Self::Keep => format!("keep-{}", SnapshotName::suggest(now, "", existing)),
        }
    }
}

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotField {
    /// The name.
    Name,
    /// The class, which suggests a name.
    Class,
    /// The description.
    Description,
    /// Whether memory is saved.
    Ram,
}

impl SnapshotField {
    const ORDER: [Self; 4] = [Self::Name, Self::Class, Self::Description, Self::Ram];

    fn step(self, steps: usize) -> Self {
        let at = Self::ORDER
            .iter()
            .position(|field| *field == self)
            .unwrap_or(0);
        Self::ORDER[(at + steps) % Self::ORDER.len()]
    }
}

/// The form that takes a snapshot of one guest; it keeps the target as it was when it opened.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotForm {
    target: GuestRef,
    opened: DateTime<Utc>,
    /// The names that are taken, for suggestions.
    existing: SnapshotList,
    /// The field that has the keys.
    pub focus: SnapshotField,
    /// The name.
    pub name: TextField,
    /// The class.
    pub class: SnapshotClass,
    /// The description.
    pub description: TextField,
    /// Whether memory is saved.
    pub ram: bool,
    /// Why memory cannot be saved, if so.
    pub ram_refusal: Option<String>,
    /// Whether the API calls are shown.
    pub shows_calls: bool,
    /// What the form describes, or why it cannot be done.
    pub checked: Result<Operation, Vec<Objection>>,
}

impl SnapshotForm {
    pub(in crate::app) fn new(
        guest: &Guest,
        list: Option<&SnapshotList>,
        now: DateTime<Utc>,
    ) -> Self {
        let existing = list.cloned().unwrap_or_default();
        let class = SnapshotClass::Daily;
        Self {
            target: guest.to_ref(),
            opened: now,
            focus: SnapshotField::Name,
            name: TextField::new(class.suggest(now, &existing)),
            class,
            description: TextField::default(),
            ram: false,
            ram_refusal: request::refuses_ram(guest),
            shows_calls: false,
            checked: Err(Vec::new()),
            existing,
        }
    }

    /// Returns the guest that it is about.
    pub fn target(&self) -> &GuestRef {
        &self.target
    }

    /// Checks what was filled in against the guest and its snapshots as they are now.
    pub(in crate::app) fn check(&mut self, guest: Option<&Guest>, list: Option<&SnapshotList>) {
        if let Some(guest) = guest {
            self.ram_refusal = request::refuses_ram(guest);
        }
        let request = SnapshotRequest {
            guest: self.target.clone(),
            name: self.name.value().to_owned(),
            description: self.description.value().trim_end().to_owned(),
            ram: self.ram,
        };
        self.checked = request.check(guest, list);
    }

    fn text(&mut self) -> Option<&mut TextField> {
        match self.focus {
            SnapshotField::Name => Some(&mut self.name),
            SnapshotField::Description => Some(&mut self.description),
            SnapshotField::Class | SnapshotField::Ram => None,
        }
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        self.text().is_some_and(|text| text.types(combo))
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        if let Some(text) = self.text() {
            text.paste(pasted);
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        let Action::Form(key) = action else {
            return Reply::Stay;
        };
        match key {
            FormKey::NextField => self.focus = self.focus.step(1),
            FormKey::PreviousField => self.focus = self.focus.step(SnapshotField::ORDER.len() - 1),
            FormKey::NextChoice => self.choose(1),
            FormKey::PreviousChoice => self.choose(SnapshotClass::ORDER.len() - 1),
            FormKey::Toggle if self.focus == SnapshotField::Class => self.choose(1),
            FormKey::Toggle => self.toggle_ram(),
            FormKey::Calls => self.shows_calls = !self.shows_calls,
            FormKey::Submit => {
                if let Ok(operation) = &self.checked {
                    return Reply::Run(operation.clone());
                }
            }
        }
        Reply::Stay
    }

    fn choose(&mut self, steps: usize) {
        if self.focus != SnapshotField::Class {
            return self.toggle_ram();
        }
        let order = SnapshotClass::ORDER;
        let at = order
            .iter()
            .position(|class| *class == self.class)
            .unwrap_or(0);
        self.class = order[(at + steps) % order.len()];
        self.name = TextField::new(self.class.suggest(self.opened, &self.existing));
    }

    fn toggle_ram(&mut self) {
        if self.focus == SnapshotField::Ram {
            // A box that cannot be ticked can still be cleared.
            self.ram = !self.ram && self.ram_refusal.is_none();
        }
    }
}
