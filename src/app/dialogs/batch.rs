//! Forms about several guests at once: one snapshot of all, one change of power.

use chrono::{DateTime, Utc};

use super::form::{Form, Item, Preview, Switch, Weight};
use super::power::{capitalised, words};
use super::purpose::{FormDialog, Known, Purpose};
use super::several::{AT_ONCE, Configs, Sight, left_out, lines};
use super::snapshot::SnapshotClass;
use crate::app::effect::{Query, Ticket};
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::operation::{Operation, PowerAction};
use crate::domain::request::{
    BatchPowerRequest, BatchSnapshotRequest, Field, Objection, permit, refuses_ram,
};
use crate::domain::snapshot::SnapshotList;
use crate::domain::time::Moment;

/// The guests of which a snapshot is taken, and what is known of their disks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BatchSnapshotPurpose {
    guests: Vec<GuestRef>,
    opened: DateTime<Utc>,
    configs: Configs,
}

/// The guests whose power is changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BatchPowerPurpose {
    guests: Vec<GuestRef>,
    action: PowerAction,
}

impl FormDialog {
    /// Opens the form that takes a snapshot of each of several guests; nothing without a guest.
    pub(in crate::app) fn batch_snapshot(
        guests: Vec<GuestRef>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let target = guests.first()?.clone();
        let classes = SnapshotClass::ORDER.map(|class| class.as_str().to_owned());
        let name = SnapshotClass::Daily.suggest(now, &SnapshotList::default());
        let items = vec![
            Item::text(Field::Name, "name", name),
            Item::choice(Field::Class, "kept as", classes.to_vec()),
            Item::text(Field::Description, "description", ""),
            Item::switch(
                Field::Ram,
                "memory",
                Switch::new("save the RAM of those that run too", false),
            ),
        ];
        let title = format!("Snapshot of {} marked guests", guests.len());
        let form = Form::new(title, items, "take them");
        let purpose = BatchSnapshotPurpose {
            guests,
            opened: now,
            configs: Configs::default(),
        };
        let purpose = Purpose::BatchSnapshot(Box::new(purpose));
        Some(Self::new(target, form, purpose))
    }

    /// Opens the question whether the power of several guests is changed so; nothing without a guest.
    pub(in crate::app) fn batch_power(guests: Vec<GuestRef>, action: PowerAction) -> Option<Self> {
        let target = guests.first()?.clone();
        let (verb, text) = words(action);
        let title = format!("{} {} marked guests", capitalised(verb), guests.len());
        let mut form = Form::new(title, Vec::new(), verb);
        form.refusal = "leave them";
        let weight = match action {
            PowerAction::Reset | PowerAction::Stop => Weight::Loss,
            PowerAction::Shutdown | PowerAction::Reboot | PowerAction::Suspend => Weight::Warning,
            PowerAction::Start | PowerAction::Resume => Weight::Plain,
        };
        form.preview = vec![Preview::new("each", text, weight)];
        let purpose = BatchPowerPurpose { guests, action };
        let purpose = Purpose::BatchPower(Box::new(purpose));
        Some(Self::new(target, form, purpose))
    }
}

impl BatchSnapshotPurpose {
    pub(super) fn suggest(&self, form: &mut Form) {
        if let Some(class) = SnapshotClass::ORDER.get(form.chosen(Field::Class)) {
            let name = class.suggest(self.opened, &SnapshotList::default());
            form.set_text(Field::Name, name);
        }
    }

    /// Asks for the configurations, once memory is to be saved.
    pub(super) fn questions(&mut self, form: &Form, next: &mut u64) -> Vec<(Ticket, Query)> {
        if !form.is_on(Field::Ram) {
            return Vec::new();
        }
        let mut questions = Vec::new();
        for guest in &self.guests {
            if self.configs.flying() >= AT_ONCE {
                break;
            }
            let query = Query::Config(guest.clone());
            questions.extend(self.configs.ask(guest.vmid, query, next));
        }
        questions
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        self.configs.settle(ticket, now, result);
    }

    /// Tells whether it is not known yet where the memory of some guest would be saved.
    fn is_reading(&self, known: &Known<'_>) -> bool {
        self.guests.iter().any(|guest| {
            let has_memory = known
                .guest(guest.vmid)
                .is_some_and(|guest| refuses_ram(guest).is_none());
            has_memory && !self.configs.is_settled(guest.vmid)
        })
    }

    pub(super) fn check(&self, form: &mut Form, known: &Known<'_>) {
        let request = BatchSnapshotRequest {
            guests: self.guests.clone(),
            name: form.text(Field::Name).to_owned(),
            description: form.text(Field::Description).trim_end().to_owned(),
            ram: form.is_on(Field::Ram),
        };
        let sight = Sight {
            known,
            present: Some(&self.configs),
            frozen: None,
        };
        form.checked = permitted(request.check(&sight), known);
        if form.checked.is_ok() && request.ram && self.is_reading(known) {
            let reason = "reading where the RAM would be saved…";
            form.checked = Err(vec![Objection::new(Field::Ram, reason)]);
        }
        form.preview = preview_of(&form.checked);
        let without = request.without_ram(&sight);
        let without = left_out(&without);
        form.preview
            .extend(lines("no RAM", without, Weight::Warning));
    }
}

/// Leaves out, and names, the guests of which the account may not have it done.
fn permitted(
    checked: Result<Operation, Vec<Objection>>,
    known: &Known<'_>,
) -> Result<Operation, Vec<Objection>> {
    checked.and_then(|operation| permit(operation, known.permissions))
}

impl BatchPowerPurpose {
    pub(super) fn check(&self, form: &mut Form, known: &Known<'_>) {
        let request = BatchPowerRequest {
            guests: self.guests.clone(),
            action: self.action,
        };
        let sight = Sight {
            known,
            present: None,
            frozen: None,
        };
        form.checked = permitted(request.check(&sight), known);
        form.preview.truncate(1);
        form.preview.extend(preview_of(&form.checked));
        self.confirm(form);
    }

    /// Wants the count typed where something is interrupted, and a second thought elsewhere.
    fn confirm(&self, form: &mut Form) {
        let count = form.checked.as_ref().map_or(0, |it| it.guests().len());
        let verb = words(self.action).0;
        if !self.action.interrupts() {
            if form.items.is_empty() {
                form.items = vec![Item::consent("leave them", verb)];
            }
            return;
        }
        // Who can take part may change while the question stands; what was typed then no longer fits.
        let expected = count.to_string();
        if form.expected() != Some(expected.as_str()) {
            form.items = vec![Item::typed(expected)];
        }
    }
}

/// Names who takes part and who does not.
fn preview_of(checked: &Result<Operation, Vec<Objection>>) -> Vec<Preview> {
    let Ok(operation) = checked else {
        return Vec::new();
    };
    let guests: Vec<String> = operation.guests().iter().map(ToString::to_string).collect();
    let mut preview = vec![Preview::new("guests", guests.join(", "), Weight::Plain)];
    if let Operation::Batch(batch) = operation {
        let skipped = left_out(batch.skipped());
        preview.extend(lines("left out", skipped, Weight::Warning));
    }
    preview
}
