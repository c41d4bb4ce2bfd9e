//! Asks for what the server wants to know before it lets the account in.
//!
//! The question comes when nothing else is open, so that no key meant for something else goes into
//! a password. Whoever closes it is left alone until they ask for a refresh.

use std::time::Duration;

use super::dialogs::{Dialog, SignInDialog};
use super::effect::Effect;
use super::state::State;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::inventory::LinkState;
use crate::domain::sign_in::{Given, Wanted};

/// Whether the question may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// As soon as something is wanted.
    Free,
    /// Somebody closed it and wants to be left alone.
    Declined,
}

impl State {
    /// Opens the question, closes it when nobody asks any more, or changes what it asks for.
    pub(super) fn follow_sign_in(&mut self) {
        let Some(wanted) = self.link.wanted.clone() else {
            self.asking = Asking::Free;
            // A login that was tried again by itself may have gone well meanwhile.
            self.dialogs
                .retain(|dialog| !matches!(dialog, Dialog::SignIn(asks) if !asks.is_asking));
            return;
        };
        if self.leaving || self.asking == Asking::Declined || !self.dialogs.is_empty() {
            return;
        }
        let why = match &self.link.state {
            // That nobody has signed in yet is what the question itself says.
            LinkState::Down { failure, .. } => Some((**failure).clone()).filter(|failure| {
                !matches!(
                    failure.kind,
                    FailureKind::PasswordNeeded | FailureKind::SecondFactorRequired
                )
            }),
            LinkState::Connecting | LinkState::Up => None,
        };
        let dialog = SignInDialog::new(wanted, why);
        self.dialogs.push(Dialog::SignIn(Box::new(dialog)));
    }

    /// Leaves the account signed out until somebody wants something.
    pub(super) fn decline_sign_in(&mut self) {
        self.asking = Asking::Declined;
        let text = format!("{} is not signed in; r asks again", self.setting.account);
        self.toasts.notice(text, self.now.moment);
    }

    /// Sends what was typed to the server.
    pub(super) fn sign_in(given: Given, effects: &mut Vec<Effect>) {
        effects.push(Effect::SignIn(given));
    }

    /// Takes note of how signing in went.
    pub(super) fn signed_in(
        &mut self,
        result: Result<(), Failure>,
        wanted: Option<Wanted>,
        wait: Duration,
        effects: &mut Vec<Effect>,
    ) {
        self.link.wanted.clone_from(&wanted);
        let asks = |dialog: &Dialog| matches!(dialog, Dialog::SignIn(_));
        let Err(failure) = result else {
            self.dialogs.retain(|dialog| !asks(dialog));
            let text = format!("signed in as {}", self.setting.account);
            self.toasts.tell(text, self.now.moment);
            effects.push(Effect::Refresh);
            return;
        };
        let until = self.now.moment.later(wait);
        let Some(Dialog::SignIn(dialog)) = self.dialogs.iter_mut().find(|dialog| asks(dialog))
        else {
            return;
        };
        // The password was right where the next thing is asked for.
        let is_next = failure.kind == FailureKind::SecondFactorRequired && wanted.is_some();
        if let Some(wanted) = wanted {
            dialog.ask(wanted);
        }
        if !is_next {
            dialog.refuse(failure, until);
        }
    }
}
