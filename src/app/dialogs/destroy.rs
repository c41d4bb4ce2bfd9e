//! The form that destroys a guest, and says what goes with it.

use super::form::{Form, Item, Preview, Switch, Weight};
use super::purpose::{FormDialog, Known, Purpose, ask, full_confirmation_of};
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::{Drive, GuestConfig};
use crate::domain::operation::Stamp;
use crate::domain::request::{DestroyContext, DestroyLosses, DestroyRequest, Field};
use crate::domain::retention::Policy;
use crate::domain::time::Moment;

/// How many disks are listed before they are only counted.
const MOST_DISKS: usize = 4;

/// What is read for the preview, and what marks a snapshot as to be kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DestroyPurpose {
    policy: Policy,
    config: Remote<GuestConfig>,
    /// What its description must carry, where only the guest that we made is meant.
    stamp: Option<Stamp>,
}

impl FormDialog {
    /// Opens the form that destroys a guest; it wants the number and the name typed.
    pub(in crate::app) fn destroy(guest: &Guest, policy: Policy, stamp: Option<Stamp>) -> Self {
        let target = guest.to_ref();
        let purge = Switch::new("also out of backup jobs, replication and HA", false);
        let items = vec![
            Item::typed(full_confirmation_of(&target)),
            Item::switch(Field::Purge, "purge", purge),
        ];
        let title = format!("Destroy {target} on {}", target.node);
        let mut form = Form::new(title, items, "destroy it for good");
        form.refusal = "keep it";
        let config = Remote::default();
        let purpose = Box::new(DestroyPurpose {
            policy,
            config,
            stamp,
        });
        Self::new(target, form, Purpose::Destroy(purpose))
    }
}

impl DestroyPurpose {
    pub(super) fn questions(&mut self, target: &GuestRef, next: &mut u64) -> Vec<(Ticket, Query)> {
        if self.config.is_pending()
            || self.config.answer().is_some()
            || self.config.failure().is_some()
        {
            return Vec::new();
        }
        vec![ask(&mut self.config, Query::Config(target.clone()), next)]
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
        let context = DestroyContext {
            guest: known.guest(target.vmid),
            config: self.config.value(),
            snapshots: known.snapshots,
            // Whose disks stand on a template's is not read here; the server refuses.
            linked: &[],
        };
        let request = DestroyRequest {
            guest: target.clone(),
            purge: form.is_on(Field::Purge),
            stamp: self.stamp.clone(),
        };
        form.checked = request.check(&context);
        form.preview = self.preview(&request.losses(&context, &self.policy));
    }

    fn preview(&self, losses: &DestroyLosses) -> Vec<Preview> {
        let mut preview = self.disks(losses);
        preview.push(snapshots(losses));
        let mut also = vec!["its firewall rules".to_owned(), "rights on it".to_owned()];
        also.extend(
            losses
                .pool
                .iter()
                .map(|pool| format!("its place in pool {pool}")),
        );
        preview.push(Preview::new("and", also.join(", "), Weight::Plain));
        if losses.template {
            let text = "it is a template: nothing is made from it any more; while linked clones stand on it, it stays";
            preview.push(Preview::new("note", text, Weight::Warning));
        }
        let text = "its backups stay; without one nothing brings it back";
        preview.push(Preview::new("then", text, Weight::Plain));
        preview
    }

    fn disks(&self, losses: &DestroyLosses) -> Vec<Preview> {
        let Some(drives) = &losses.drives else {
            let (text, weight) = match self.config.failure() {
                Some(failure) => (
                    format!("which disks it has is unknown: {failure}"),
                    Weight::Warning,
                ),
                None => ("reading its disks…".to_owned(), Weight::Plain),
            };
            return vec![Preview::new("destroys", text, weight)];
        };
        let mut lines: Vec<String> = drives.iter().take(MOST_DISKS).map(described).collect();
        if drives.len() > MOST_DISKS {
            lines.push(format!("and {} more disks", drives.len() - MOST_DISKS));
        }
        match losses.disk_size() {
            Some(total) if drives.len() > 1 => lines.push(format!("{} in all", gibibytes(total))),
            Some(_) | None => {}
        }
        match losses.unused.len() {
            0 => {}
            1 => lines.push("1 volume that is set aside as unused".to_owned()),
            count => lines.push(format!("{count} volumes that are set aside as unused")),
        }
        if lines.is_empty() {
            lines.push("it has no disk".to_owned());
        }
        let labels = std::iter::once("destroys").chain(std::iter::repeat(""));
        labels
            .zip(lines)
            .map(|(label, text)| Preview::new(label, text, Weight::Loss))
            .collect()
    }
}

fn snapshots(losses: &DestroyLosses) -> Preview {
    let (text, weight) = match (losses.snapshots, losses.kept) {
        (None, _) => ("how many is not known yet".to_owned(), Weight::Warning),
        (Some(0), _) => ("none".to_owned(), Weight::Plain),
        (Some(1), 0) => ("the only one".to_owned(), Weight::Loss),
        (Some(1), _) => (
            "the only one, which is marked as to be kept".to_owned(),
            Weight::Loss,
        ),
        (Some(count), 0) => (format!("all {count}"), Weight::Loss),
        (Some(count), kept) => (
            format!("all {count}; marked as to be kept: {kept}"),
            Weight::Loss,
        ),
    };
    Preview::new("snapshots", text, weight)
}

fn described(drive: &Drive) -> String {
    let size = drive
        .size
        .map_or_else(|| "size unknown".to_owned(), gibibytes);
    format!("{} · {size} · {}", drive.key, drive.volume)
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}
