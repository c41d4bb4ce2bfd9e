//! The menu of power, and the question before something is interrupted.

use super::form::{Form, Item, Preview, Weight};
use super::purpose::{FormDialog, Known, Purpose, confirmation_of};
use crate::app::action::{Action, Change, FormKey};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::operation::PowerAction;
use crate::domain::request::PowerRequest;

use super::Reply;

/// The menu of what can be done to a guest's power.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerMenu {
    /// The guests, as they were when the menu opened; never none.
    pub targets: Vec<GuestRef>,
    /// The row of the cursor, in the order of [`PowerAction::ALL`]; behind them the guest's end.
    pub row: usize,
}

impl PowerMenu {
    pub(in crate::app) fn new(targets: Vec<GuestRef>, first_possible: usize) -> Self {
        Self {
            targets,
            row: first_possible,
        }
    }

    /// Returns the guest where it is about one alone.
    pub fn only(&self) -> Option<&GuestRef> {
        match self.targets.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        // The end of a guest is for one alone.
        let last = match self.only() {
            Some(_) => PowerAction::ALL.len(),
            None => PowerAction::ALL.len() - 1,
        };
        if let Action::Move(motion) = action {
            self.row = self.row.saturating_add_signed(motion.rows(4)).min(last);
        } else if action == Action::Form(FormKey::Submit) {
            return match PowerAction::ALL.get(self.row) {
                Some(action) => Reply::Power(self.targets.clone(), *action),
                None => Reply::Act(Action::Change(Change::Destroy)),
            };
        }
        Reply::Stay
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PowerPurpose {
    action: PowerAction,
}

impl FormDialog {
    /// Opens the question whether a guest's power is changed so.
    pub(in crate::app) fn power(guest: &Guest, action: PowerAction) -> Self {
        let target = guest.to_ref();
        let (verb, text) = words(action);
        // The two that lose work want the name; the others a second thought.
        let hard = matches!(action, PowerAction::Reset | PowerAction::Stop);
        let item = if hard {
            Item::typed(confirmation_of(&target))
        } else {
            Item::consent("leave it", verb)
        };
        let mut form = Form::new(
            format!("{} {target} on {}", capitalised(verb), target.node),
            vec![item],
            verb,
        );
        form.refusal = "leave it";
        let weight = if hard { Weight::Loss } else { Weight::Warning };
        form.preview = vec![Preview::new("then", text, weight)];
        Self::new(target, form, Purpose::Power(PowerPurpose { action }))
    }
}

/// Returns the verb for a change of power, and what it does to a guest.
pub(super) fn words(action: PowerAction) -> (&'static str, &'static str) {
    match action {
        PowerAction::Start => ("start", "it starts"),
        PowerAction::Resume => ("resume", "it goes on where it was"),
        PowerAction::Shutdown => ("shut down", "its system is asked to shut down, within 60 s"),
        PowerAction::Reboot => (
            "reboot",
            "its system is asked to shut down, then it starts again",
        ),
        PowerAction::Suspend => (
            "suspend",
            "its processors are halted; its memory stays in RAM",
        ),
        PowerAction::Reset => ("reset", "it starts anew at once; unsaved work is lost"),
        PowerAction::Stop => ("stop", "its power is cut at once; unsaved work is lost"),
    }
}

pub(super) fn capitalised(verb: &str) -> String {
    let mut letters = verb.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

impl PowerPurpose {
    pub(super) fn check(&self, form: &mut Form, target: &GuestRef, known: &Known<'_>) {
        form.checked =
            PowerRequest::new(target.clone(), self.action).check(known.guest(target.vmid));
    }
}
