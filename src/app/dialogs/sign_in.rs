//! Asks for the password and the second factor of the account.
//!
//! What is typed goes to the server and nowhere else; the dialog never tries anything again by itself.

use std::time::Duration;

use super::Reply;
use crate::app::action::{Action, FormKey};
use crate::app::keymap::{Combo, KeyCode};
use crate::domain::failure::Failure;
use crate::domain::sign_in::{Given, SecondFactor, Secret, Wanted};
use crate::domain::time::Moment;

/// The question for a password or a second factor.
#[derive(Debug, Clone, PartialEq)]
pub struct SignInDialog {
    /// What is asked for.
    pub wanted: Wanted,
    /// The row of the chosen second factor.
    chosen: usize,
    /// What was typed so far.
    pub typed: Secret,
    /// Whether the server is being asked.
    pub is_asking: bool,
    /// Why the last try failed; at first, why anything is asked at all.
    pub refusal: Option<Failure>,
    /// Until when no other try is made.
    waits_until: Option<Moment>,
}

impl SignInDialog {
    pub(in crate::app) fn new(wanted: Wanted, why: Option<Failure>) -> Self {
        Self {
            wanted,
            chosen: 0,
            typed: Secret::default(),
            is_asking: false,
            refusal: why,
            waits_until: None,
        }
    }

    /// Returns the second factors to choose from; none while a password is asked for.
    pub fn methods(&self) -> Vec<SecondFactor> {
        match &self.wanted {
            Wanted::Password => Vec::new(),
            Wanted::SecondFactor(challenge) => challenge.methods(),
        }
    }

    /// Returns the second factor that is typed; none while a password is.
    pub fn method(&self) -> Option<SecondFactor> {
        self.methods().get(self.chosen).copied()
    }

    /// Returns how long no other try is made.
    pub fn waits(&self, now: Moment) -> Duration {
        self.waits_until
            .map_or(Duration::ZERO, |until| until.since(now))
    }

    /// Asks for something else than before, or again for the same.
    pub(in crate::app) fn ask(&mut self, wanted: Wanted) {
        let before = self.method();
        self.wanted = wanted;
        let methods = self.methods();
        let same = methods.iter().position(|method| Some(*method) == before);
        self.chosen = same.unwrap_or(0);
        self.is_asking = false;
        self.refusal = None;
        self.waits_until = None;
        self.typed.clear();
    }

    /// Says that what was given is refused, and until when no other try is made.
    pub(in crate::app) fn refuse(&mut self, failure: Failure, until: Moment) {
        self.is_asking = false;
        self.refusal = Some(failure);
        self.waits_until = Some(until);
        self.typed.clear();
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        match (combo.key, combo.ctrl, combo.alt) {
            (KeyCode::Char(character), false, false) => self.typed.push(character),
            (KeyCode::Backspace, false, false) => self.typed.pop(),
            (KeyCode::Char('u'), true, false) => self.typed.clear(),
            _ => return false,
        }
        true
    }

    pub(super) fn paste(&mut self, text: &str) {
        let line = text.lines().next().unwrap_or_default();
        line.chars()
            .for_each(|character| self.typed.push(character));
    }

    pub(super) fn act(&mut self, action: Action, now: Moment) -> Reply {
        if let Action::Move(motion) = action {
            let last = self.methods().len().saturating_sub(1);
            let moved = self
                .chosen
                .saturating_add_signed(motion.rows(last))
                .min(last);
            if moved != self.chosen {
                self.chosen = moved;
                self.typed.clear();
            }
        } else if action == Action::Form(FormKey::Submit) {
            return self.submit(now);
        }
        Reply::Stay
    }

    fn submit(&mut self, now: Moment) -> Reply {
        if self.is_asking || self.typed.is_empty() || !self.waits(now).is_zero() {
            return Reply::Stay;
        }
        let typed = self.typed.clone();
        let given = match (&self.wanted, self.method()) {
            (Wanted::Password, _) => Given::Password(typed),
            (Wanted::SecondFactor(_), Some(method)) => Given::Code(method, typed),
            (Wanted::SecondFactor(_), None) => return Reply::Stay,
        };
        self.is_asking = true;
        self.refusal = None;
        Reply::SignIn(given)
    }
}
