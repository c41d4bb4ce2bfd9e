//! The form that returns a guest to a snapshot, and says what is lost by it.

use chrono::{DateTime, Utc};

use super::clone_guest::MODES;
use super::foresight::Foresight;
use super::form::{Form, Item, Preview, Switch, Weight};
use super::purpose::{FormDialog, Known, Purpose, ask, confirmation_of};
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::network::Foreseen;
use crate::domain::request::{
    Afterwards, Field, Losses, Meanwhile, RollBackContext, RollBackRequest,
};
use crate::domain::snapshot::{Snapshot, SnapshotList, SnapshotName};
use crate::domain::time::Moment;

/// How many changed options are listed before they are only counted.
const MOST_CHANGES: usize = 5;

/// Which snapshot is meant, and the two configurations that are compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RollBackPurpose {
    snapshot: Snapshot,
    safety_name: String,
    present: Remote<GuestConfig>,
    frozen: Remote<GuestConfig>,
    pub(super) foresight: Foresight,
}

impl FormDialog {
    /// Opens the form that returns a guest to a snapshot.
    pub(in crate::app) fn roll_back(
        guest: &Guest,
        snapshot: Snapshot,
        list: &SnapshotList,
        now: DateTime<Utc>,
    ) -> Self {
        let target = guest.to_ref();
        let safety_name = SnapshotName::suggest(now, "-safety", list);
        let safety = Switch::new(format!("take {safety_name} first"), true);
        // A guest that ran shall run again; one with its memory does so by itself.
        let mut start = Switch::new("start afterwards", guest.is_running() && !snapshot.has_ram);
        start.forbid(
            snapshot
                .has_ram
                .then(|| "it resumes by itself from its RAM".to_owned()),
        );
        let items = vec![
            Item::typed(confirmation_of(&target)),
            Item::switch(Field::Safety, "safety", safety),
            Item::switch(Field::Start, "", start),
        ];
        let mut form = Form::new(
            format!("Roll back {target} on {}", target.node),
            items,
            "roll back",
        );
        let modes = MODES.map(str::to_owned).to_vec();
        form.items.push(Item::choice(Field::Mode, "restore", modes));
        form.refusal = "keep everything";
        let purpose = RollBackPurpose {
            snapshot,
            safety_name,
            present: Remote::default(),
            frozen: Remote::default(),
            foresight: Foresight::default(),
        };
        Self::new(target, form, Purpose::RollBack(Box::new(purpose)))
    }
}

impl RollBackPurpose {
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) fn questions(&mut self, target: &GuestRef, next: &mut u64) -> Vec<(Ticket, Query)> {
        if self.present.is_pending() || is_settled(&self.present) {
            return Vec::new();
        }
        let name = self.snapshot.name.clone();
        vec![
            ask(&mut self.present, Query::Config(target.clone()), next),
            ask(
                &mut self.frozen,
                Query::FrozenConfig(target.clone(), name),
                next,
            ),
        ]
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        self.present.settle(ticket, now, result.clone());
        self.frozen.settle(ticket, now, result.clone());
    }

    pub(super) fn check(&mut self, form: &mut Form, target: &GuestRef, known: &Known<'_>) {
        let fence = match self.frozen.failure() {
            None => Some(self.foresight.of_own(target, self.frozen.value(), known)),
            // What comes back cannot be compared with any profile.
            Some(_) => None,
        };
        let context = RollBackContext {
            guest: known.guest(target.vmid),
            snapshots: known.snapshots,
            present: self.present.value(),
            frozen: self.frozen.value(),
            comparing: !(is_settled(&self.present) && is_settled(&self.frozen))
                || fence == Some(Foreseen::Awaited),
            storages: known.resources.map_or(&[], |resources| &resources.storages),
            critical_tags: Some(&known.rules.enforcement.critical),
            fence: fence.as_ref(),
        };
        let request = RollBackRequest {
            guest: target.clone(),
            snapshot: self.snapshot.clone(),
            start: form.is_on(Field::Start),
            safety: form.is_on(Field::Safety).then(|| self.safety_name.clone()),
            unfenced: form.is_on(Field::Unfenced),
        };
        let losses = request.losses(&context, known.now.wall);
        let runs = losses.fence.as_ref().map(|fence| fence.meanwhile) == Some(Meanwhile::Runs);
        offer_unfenced(form, runs);
        form.checked = request.check(&context);
        form.preview = self.preview(&losses);
        // Where the storage goes back to the newest only, a safety snapshot would be in the way.
        let in_the_way = form
            .objection(Field::Safety)
            .map(|objection| objection.reason.clone());
        if let Some(reason) = in_the_way.filter(|reason| reason.contains("newest")) {
            form.forbid(Field::Safety, Some(reason));
            let request = RollBackRequest {
                safety: None,
                ..request
            };
            form.checked = request.check(&context);
        }
    }

    fn preview(&self, losses: &Losses) -> Vec<Preview> {
        let snapshot = &self.snapshot;
        let mut target = snapshot.name.to_string();
        if snapshot.has_ram {
            target.push_str(" · with RAM");
        }
        if !snapshot.description.is_blank() {
            target = format!("{target} · {}", snapshot.description);
        }
        let mut preview = vec![Preview::new("to", target, Weight::Plain)];
        let lost = match losses.time {
            Some(time) => format!(
                "{} of disk{}",
                in_words(time),
                if snapshot.has_ram { " and memory" } else { "" }
            ),
            None => "everything since it was taken; its date is unknown".to_owned(),
        };
        preview.push(Preview::new("loses", lost, Weight::Loss));
        if losses.hard_stop {
            let after = match losses.afterwards {
                Afterwards::Resumes => "then resumes from its RAM",
                Afterwards::Starts => "then boots",
                Afterwards::StaysOff => "and stays off",
                Afterwards::MayBeStarted => "and stays off, unless high availability starts it",
            };
            let text = format!("the running guest is stopped hard, {after}");
            preview.push(Preview::new("", text, Weight::Loss));
        } else if losses.afterwards == Afterwards::Resumes {
            preview.push(Preview::new(
                "then",
                "it runs, from the RAM of the snapshot",
                Weight::Warning,
            ));
        }
        if !losses.branches.is_empty() {
            let names: Vec<String> = losses.branches.iter().map(ToString::to_string).collect();
            let text = format!("{} stay, as a branch beside the present", names.join(", "));
            preview.push(Preview::new("leaves", text, Weight::Plain));
        }
        preview.extend(self.config_preview(losses));
        preview
    }

    /// Says what could not be compared, or that it is still being read.
    fn unread_preview(&self) -> Vec<Preview> {
        let failure = self.present.failure().or_else(|| self.frozen.failure());
        let Some(failure) = failure else {
            return vec![Preview::new("config", "comparing…", Weight::Plain)];
        };
        let text = format!("how it changes could not be checked: {failure}");
        let mut lines = vec![Preview::new("config", text, Weight::Warning)];
        // The disks of the snapshot tell which storages must go back.
        if self.frozen.failure().is_some() {
            let text = match self.present.value() {
                None => {
                    "whether its storage goes back to any but the newest snapshot could not be checked; \
                     if not, the server refuses and nothing is lost"
                }
                Some(_) => "its storages could be checked for the disks of the present only",
            };
            lines.push(Preview::new("", text, Weight::Warning));
        }
        lines
    }

    fn config_preview(&self, losses: &Losses) -> Vec<Preview> {
        let Some(changes) = &losses.changes else {
            return self.unread_preview();
        };
        // What makes the guest less safe is never only counted.
        let mut lines: Vec<Preview> = Vec::new();
        for danger in &losses.dangers {
            let weight = if danger.is_loss() {
                Weight::Loss
            } else {
                Weight::Warning
            };
            let label = if lines.is_empty() { "config" } else { "" };
            lines.push(Preview::new(label, danger.to_string(), weight));
        }
        if let Some(fence) = &losses.fence {
            let weight = if fence.is_loss() {
                Weight::Loss
            } else {
                Weight::Warning
            };
            lines.push(Preview::new("fence", fence.to_string(), weight));
        }
        for change in changes.iter().take(MOST_CHANGES) {
            let show = |value: &Option<crate::domain::text::Text>| {
                value
                    .as_ref()
                    .map_or_else(|| "not set".to_owned(), ToString::to_string)
            };
            let text = format!(
                "{}: {} → {}",
                change.key,
                show(&change.now),
                show(&change.then)
            );
            let label = if lines.is_empty() { "config" } else { "" };
            lines.push(Preview::new(label, text, Weight::Warning));
        }
        if changes.len() > MOST_CHANGES {
            let text = format!("and {} more options", changes.len() - MOST_CHANGES);
            lines.push(Preview::new("", text, Weight::Warning));
        }
        if changes.is_empty() {
            lines.push(Preview::new("config", "stays as it is", Weight::Plain));
        }
        for drive in losses.set_aside.iter().flatten() {
            let text = format!("disk {}, added since, becomes unused", drive.key);
            lines.push(Preview::new("", text, Weight::Warning));
        }
        lines
    }
}

/// Asks for a consent of its own where guests resume before their fence is up (SPEC §5.4).
///
/// It is never given beforehand, and not kept once it is not asked for any more.
pub(super) fn offer_unfenced(form: &mut Form, is_asked: bool) {
    if !is_asked {
        form.remove(Field::Unfenced);
    } else if form.input(Field::Unfenced).is_none() {
        let consent = Switch::new("may run without a fence meanwhile", false);
        let item = Item::switch(Field::Unfenced, "unfenced", consent);
        form.insert_after(Field::Whole, item);
    }
}

fn is_settled(config: &Remote<GuestConfig>) -> bool {
    config.answer().is_some() || config.failure().is_some()
}

/// Writes how much time is lost.
pub(super) fn in_words(time: std::time::Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} m"),
        (0, hours, minutes) => format!("{hours} h {minutes:02} m"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
