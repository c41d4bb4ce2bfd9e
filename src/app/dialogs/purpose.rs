//! What a form is for: how it is filled in beforehand and how it is checked.

use chrono_tz::Tz;

use super::Reply;
use super::batch::{BatchPowerPurpose, BatchSnapshotPurpose};
use super::bracket::{CreateBracketPurpose, DropBracketPurpose, RestoreBracketPurpose};
use super::clone_guest::ClonePurpose;
use super::create_guest::CreatePurpose;
use super::delete_snapshot::DeletePurpose;
use super::destroy::DestroyPurpose;
use super::foresight::Foresight;
use super::form::{Budget, Form};
use super::power::PowerPurpose;
use super::roll_back::RollBackPurpose;
use super::snapshot::SnapshotPurpose;
use crate::app::action::Action;
use crate::app::effect::{Query, Ticket};
use crate::app::keymap::Combo;
use crate::app::snapshot_lists::SnapshotLists;
use crate::app::state::Rules;
use crate::app::usage::UsageBook;
use crate::domain::failure::Failure;
use crate::domain::forecast::{NewGuests, forecast};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::inventory::{Resources, SeenGuest};
use crate::domain::permission::Permissions;
use crate::domain::request::Field;
use crate::domain::snapshot::{Snapshot, SnapshotList};
use crate::domain::text::Text;
use crate::domain::time::{Moment, Now};

/// What is known of the world when a form is checked.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Known<'a> {
    pub(in crate::app) resources: Option<&'a Resources>,
    pub(in crate::app) snapshots: Option<&'a SnapshotList>,
    pub(in crate::app) lists: &'a SnapshotLists,
    pub(in crate::app) rules: &'a Rules,
    pub(in crate::app) usage: &'a UsageBook,
    pub(in crate::app) zone: Tz,
    pub(in crate::app) permissions: Option<&'a Permissions>,
    pub(in crate::app) now: Now,
}

impl<'a> Known<'a> {
    pub(super) fn guest(&self, vmid: Vmid) -> Option<&'a Guest> {
        self.seen(vmid).map(|seen| &seen.guest)
    }

    fn seen(&self, vmid: Vmid) -> Option<&'a SeenGuest> {
        self.resources?.guest(vmid)
    }

    /// Reckons what the project of a guest like `probe` will have used with new guests in it.
    pub(super) fn budget_of(&self, probe: &Guest, guests: &NewGuests) -> Option<Budget> {
        let project = self.rules.projects.assign(probe).project?;
        let usage = &self.usage.project(project.name())?.usage;
        Some(Budget {
            project: project.name().to_owned(),
            rows: forecast(usage, project.window, guests, self.now.wall, self.zone),
        })
    }
}

/// A guest and a snapshot to which another form is to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherWay {
    /// The guest.
    pub guest: GuestRef,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Whether a new guest is branched off, and the old one left as it is.
    pub as_new: bool,
}

/// A form and what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct FormDialog {
    /// The guest, as it was when the form was opened.
    target: GuestRef,
    /// The form.
    pub form: Form,
    purpose: Purpose,
}

/// What a form is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Purpose {
    Snapshot(SnapshotPurpose),
    RollBack(Box<RollBackPurpose>),
    Delete(DeletePurpose),
    Power(PowerPurpose),
    Clone(Box<ClonePurpose>),
    Create(Box<CreatePurpose>),
    BatchSnapshot(Box<BatchSnapshotPurpose>),
    BatchPower(Box<BatchPowerPurpose>),
    Destroy(Box<DestroyPurpose>),
    CreateBracket(Box<CreateBracketPurpose>),
    RestoreBracket(Box<RestoreBracketPurpose>),
    DropBracket(Box<DropBracketPurpose>),
}

impl FormDialog {
    pub(super) fn new(target: GuestRef, form: Form, purpose: Purpose) -> Self {
        Self {
            target,
            form,
            purpose,
        }
    }

    /// Returns the guest that it is about.
    pub fn target(&self) -> &GuestRef {
        &self.target
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        self.form.types(combo)
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.form.paste(text);
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        let Action::Form(key) = action else {
            return Reply::Stay;
        };
        let (reply, changed) = self.form.act(key);
        if changed == Some(Field::Class) {
            if let Purpose::Snapshot(purpose) = &self.purpose {
                purpose.suggest(&mut self.form);
            } else if let Purpose::BatchSnapshot(purpose) = &self.purpose {
                purpose.suggest(&mut self.form);
            }
        }
        if changed == Some(Field::Mode)
            && let Some(snapshot) = self.restored().cloned()
        {
            return Reply::Restore(Box::new(OtherWay {
                guest: self.target.clone(),
                snapshot,
                as_new: self.form.chosen(Field::Mode) == 1,
            }));
        }
        reply
    }

    /// Returns the snapshot that is restored.
    fn restored(&self) -> Option<&Snapshot> {
        match &self.purpose {
            Purpose::RollBack(purpose) => Some(purpose.snapshot()),
            Purpose::Clone(purpose) => purpose.snapshot(),
            Purpose::Snapshot(_)
            | Purpose::Delete(_)
            | Purpose::Power(_)
            | Purpose::Create(_)
            | Purpose::Destroy(_)
            | Purpose::BatchSnapshot(_)
            | Purpose::BatchPower(_)
            | Purpose::CreateBracket(_)
            | Purpose::RestoreBracket(_)
            | Purpose::DropBracket(_) => None,
        }
    }

    /// Takes in what the server says about a guest's disks.
    pub(in crate::app) fn settle_feature(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<bool, Failure>,
    ) {
        if let Purpose::Clone(purpose) = &mut self.purpose {
            purpose.settle_feature(ticket, now, result);
        }
    }

    /// Takes in a pool's comment, in which a throttle may stand.
    pub(in crate::app) fn settle_comment(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<Option<Text>, Failure>,
    ) {
        if let Purpose::Clone(purpose) = &mut self.purpose {
            purpose.throttles.settle(ticket, now, result);
        } else if let Purpose::Create(purpose) = &mut self.purpose {
            purpose.throttles.settle(ticket, now, result);
        }
    }

    /// Returns what it knows of fences, where its guests may have one.
    pub(in crate::app) fn foresight(&mut self) -> Option<&mut Foresight> {
        match &mut self.purpose {
            Purpose::RollBack(purpose) => Some(&mut purpose.foresight),
            Purpose::Clone(purpose) => Some(&mut purpose.foresight),
            Purpose::Create(purpose) => Some(&mut purpose.foresight),
            Purpose::Snapshot(_)
            | Purpose::Delete(_)
            | Purpose::Power(_)
            | Purpose::Destroy(_)
            | Purpose::BatchSnapshot(_)
            | Purpose::BatchPower(_)
            | Purpose::CreateBracket(_)
            | Purpose::RestoreBracket(_)
            | Purpose::DropBracket(_) => None,
        }
    }

    /// Checks what was filled in against the world as it is now.
    pub(in crate::app) fn check(&mut self, known: &Known<'_>) {
        let (form, target) = (&mut self.form, &self.target);
        match &mut self.purpose {
            Purpose::Snapshot(purpose) => purpose.check(form, target, known),
            Purpose::RollBack(purpose) => purpose.check(form, target, known),
            Purpose::Delete(purpose) => purpose.check(form, target, known),
            Purpose::Power(purpose) => purpose.check(form, target, known),
            Purpose::Clone(purpose) => purpose.check(form, target, known),
            Purpose::Create(purpose) => purpose.check(form, known),
            Purpose::BatchSnapshot(purpose) => purpose.check(form, known),
            Purpose::BatchPower(purpose) => purpose.check(form, known),
            Purpose::Destroy(purpose) => purpose.check(form, target, known),
            Purpose::CreateBracket(purpose) => purpose.check(form, known),
            Purpose::RestoreBracket(purpose) => purpose.check(form, known),
            Purpose::DropBracket(purpose) => purpose.check(form, known),
        }
    }

    /// Returns what must be asked of the server for the preview, once.
    pub(in crate::app) fn questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        let fences = self.foresight().map(|fences| fences.questions(next));
        let mut questions = fences.unwrap_or_default();
        questions.extend(self.own_questions(next));
        questions
    }

    fn own_questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        match &mut self.purpose {
            Purpose::RollBack(purpose) => purpose.questions(&self.target, next),
            Purpose::Clone(purpose) => purpose.questions(&self.target, next),
            Purpose::Create(purpose) => purpose.questions(next),
            Purpose::BatchSnapshot(purpose) => purpose.questions(&self.form, next),
            Purpose::Destroy(purpose) => purpose.questions(&self.target, next),
            Purpose::CreateBracket(purpose) => purpose.questions(&self.form, next),
            Purpose::RestoreBracket(purpose) => purpose.questions(next),
            Purpose::Snapshot(_)
            | Purpose::Delete(_)
            | Purpose::Power(_)
            | Purpose::BatchPower(_)
            | Purpose::DropBracket(_) => Vec::new(),
        }
    }

    /// Returns the lists of snapshots that it needs of other guests than its target.
    pub(in crate::app) fn list_questions(
        &mut self,
        lists: &mut SnapshotLists,
        next: &mut u64,
        now: Moment,
    ) -> Vec<(Ticket, Query)> {
        let wanted = match &mut self.purpose {
            Purpose::CreateBracket(purpose) => purpose.wanted(),
            Purpose::RestoreBracket(purpose) => purpose.wanted(),
            Purpose::DropBracket(purpose) => purpose.wanted(),
            Purpose::Snapshot(_)
            | Purpose::RollBack(_)
            | Purpose::Delete(_)
            | Purpose::Power(_)
            | Purpose::Clone(_)
            | Purpose::Create(_)
            | Purpose::BatchSnapshot(_)
            | Purpose::BatchPower(_)
            | Purpose::Destroy(_) => return Vec::new(),
        };
        wanted.questions(lists, next, now)
    }

    /// Takes in a configuration that was asked for.
    pub(in crate::app) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        match &mut self.purpose {
            Purpose::RollBack(purpose) => purpose.settle(ticket, now, result),
            Purpose::Clone(purpose) => purpose.settle(ticket, now, result),
            Purpose::Create(purpose) => purpose.settle(ticket, now, result),
            Purpose::BatchSnapshot(purpose) => purpose.settle(ticket, now, result),
            Purpose::Destroy(purpose) => purpose.settle(ticket, now, result),
            Purpose::CreateBracket(purpose) => purpose.settle(ticket, now, result),
            Purpose::RestoreBracket(purpose) => purpose.settle(ticket, now, result),
            Purpose::Snapshot(_)
            | Purpose::Delete(_)
            | Purpose::Power(_)
            | Purpose::BatchPower(_)
            | Purpose::DropBracket(_) => {}
        }
    }
}

/// Returns what must be typed to confirm a loss: the name, or the number where it cannot be typed.
pub(super) fn confirmation_of(guest: &GuestRef) -> String {
    let typable = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
    match &guest.name {
        Some(name) if typable(name.raw()) => name.raw().to_owned(),
        _ => guest.vmid.to_string(),
    }
}

/// Returns what must be typed to confirm that a whole guest goes: its number and its name.
///
/// A guest without a name is `104=`, as is one whose name cannot be typed.
pub(super) fn full_confirmation_of(guest: &GuestRef) -> String {
    let is_typable =
        |name: &&str| !guest.is_nameless() && name.chars().all(|c| c.is_ascii_graphic());
    let name = guest.name.as_ref().map(Text::raw).filter(is_typable);
    let name = name.unwrap_or_default();
    format!("{}={name}", guest.vmid)
}

/// Asks one question with the next free ticket.
pub(super) fn ask<T>(
    remote: &mut crate::app::remote::Remote<T>,
    query: Query,
    next: &mut u64,
) -> (Ticket, Query) {
    *next += 1;
    let ticket = Ticket(*next);
    remote.ask(ticket);
    (ticket, query)
}
