//! Dialogs: a stack of which only the top one gets keys.

mod acknowledge;
mod batch;
mod bracket;
mod clone_guest;
mod clusters;
mod console;
mod create_guest;
mod delete_snapshot;
mod destroy;
mod enforce;
mod failure;
mod field;
mod filter;
mod foresight;
mod form;
mod help;
mod lock;
mod log;
mod network;
mod offers;
mod palette;
mod passing;
mod pins;
mod power;
mod prune;
mod purpose;
mod quit;
mod roll_back;
mod several;
mod sign_in;
mod snapshot;
mod throttle;

pub use acknowledge::AckDialog;
pub use bracket::{BracketVerb, BracketsDialog};
pub use clusters::ClustersDialog;
pub use console::ConsoleDialog;
pub use enforce::{EnforceDialog, EnforceLine, GuestDetail};
pub use failure::FailureText;
pub use field::TextField;
pub use filter::FilterLine;
pub(super) use foresight::Foresight;
pub use form::{Budget, Choice, Consent, Form, Input, Item, Preview, Switch, Typed, Weight};
pub use help::Help;
pub use lock::LockDialog;
pub(super) use log::LogPart;
pub use log::LogView;
pub use network::{Fenced, NetworkDialog, NetworkLine};
pub use palette::Palette;
pub use passing::PassAnswer;
pub use pins::PinsDialog;
pub use power::PowerMenu;
pub use prune::PruneDialog;
pub(super) use purpose::Known;
pub use purpose::{FormDialog, OtherWay};
pub use quit::{Parting, Quit};
pub use sign_in::SignInDialog;
pub use snapshot::SnapshotClass;

use super::action::{Action, Motion};
use super::jobs::JobId;
use super::keymap::{Combo, Context};
use crate::domain::alert::AlertKey;
use crate::domain::bracket::Bracket;
use crate::domain::guest::GuestRef;
use crate::domain::operation::{HalfMade, Operation, PowerAction};
use crate::domain::sign_in::Given;
use crate::domain::time::Moment;

/// A dialog on the stack.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// Fills in a change.
    Form(Box<FormDialog>),
    /// Chooses a change of power.
    Power(PowerMenu),
    /// Shows what retention deletes.
    Prune(Box<PruneDialog>),
    /// Shows what is done about projects over their budgets.
    Enforce(Box<EnforceDialog>),
    /// Fences guests in with a network profile.
    Network(Box<NetworkDialog>),
    /// Shows the brackets.
    Brackets(Box<BracketsDialog>),
    /// Shows the keys of a place.
    Help(Help),
    /// Asks whether to leave while work is in hand.
    Quit(Quit),
    /// Types a filter.
    Filter(FilterLine),
    /// Shows the log of a task.
    Log(Box<LogView>),
    /// Finds an action by its words.
    Palette(Palette),
    /// Takes an alert in hand.
    Acknowledge(Box<AckDialog>),
    /// Explains a lock.
    Lock(Box<LockDialog>),
    /// Shows a failure whole.
    Failure(Box<FailureText>),
    /// Asks for the password or a second factor.
    SignIn(Box<SignInDialog>),
    /// Chooses another cluster.
    Clusters(Box<ClustersDialog>),
    /// Shows the certificates of the cluster's nodes.
    Pins(Box<PinsDialog>),
    /// Says how a guest's console is reached.
    Console(Box<ConsoleDialog>),
}

/// What a dialog wants after an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Nothing; it stays.
    Stay,
    /// To be closed.
    Close,
    /// To be closed, and its operation run.
    Run(Operation),
    /// To be closed, and the program to end one way or another, or to go on at a cluster.
    Part(Parting, Option<String>),
    /// Another cluster to be shown.
    Cluster(String),
    /// The cursor behind it to move.
    Move(Motion),
    /// To be closed, and an action done.
    Act(Action),
    /// A text to be copied.
    Copy(String),
    /// To be closed, and the power of the guest that it was opened for changed.
    Power(Vec<GuestRef>, PowerAction),
    /// To say why a key did nothing.
    Notice(String),
    /// To be replaced by the form that destroys a guest that was half made.
    CleanUp(Box<HalfMade>),
    /// To be closed, and the alert taken in hand with this note.
    Acknowledge(AlertKey, String),
    /// The form for what is to be done to a bracket.
    Bracket(Box<Bracket>, BracketVerb),
    /// To be replaced by the form for the other way to restore a snapshot.
    Restore(Box<OtherWay>),
    /// The plan to be written into a file.
    Export,
    /// The keys of a place to be shown above it.
    Help(Context),
    /// To be closed, and a trial of a network profile kept or put back.
    EndTrial(JobId, bool),
    /// What was typed to be given to the server.
    SignIn(Given),
    /// To be closed, and the account left signed out.
    Decline,
}

impl Dialog {
    pub(super) fn help(of: Context) -> Self {
        Self::Help(Help::new(of))
    }

    /// Returns where its keys stand in the table.
    pub fn context(&self) -> Context {
        match self {
            Self::Form(_) => Context::Form,
            Self::Power(_) | Self::Quit(_) => Context::Menu,
            Self::Prune(_) => Context::Plan,
            Self::Enforce(_) => Context::Enforcement,
            Self::Network(_) => Context::Network,
            Self::Brackets(_) => Context::Brackets,
            Self::Filter(_)
            | Self::Palette(_)
            | Self::Acknowledge(_)
            | Self::Clusters(_)
            | Self::SignIn(_) => Context::Filter,
            Self::Help(_)
            | Self::Log(_)
            | Self::Failure(_)
            | Self::Lock(_)
            | Self::Pins(_)
            | Self::Console(_) => Context::Reading,
        }
    }

    /// Lets a text field take the key; tells whether it did.
    pub(super) fn types(&mut self, combo: Combo) -> bool {
        match self {
            Self::Form(form) => form.types(combo),
            Self::Prune(plan) => plan.types(combo),
            Self::Enforce(plan) => plan.types(combo),
            Self::Network(dialog) => dialog.types(combo),
            Self::Filter(line) => line.types(combo),
            Self::Palette(palette) => palette.types(combo),
            Self::Acknowledge(dialog) => dialog.types(combo),
            Self::SignIn(dialog) => dialog.types(combo),
            Self::Clusters(dialog) => dialog.types(combo),
            Self::Help(_)
            | Self::Lock(_)
            | Self::Quit(_)
            | Self::Log(_)
            | Self::Failure(_)
            | Self::Pins(_)
            | Self::Console(_)
            | Self::Power(_)
            | Self::Brackets(_) => false,
        }
    }

    /// Puts pasted text into the text field that has the cursor.
    pub(super) fn paste(&mut self, text: &str) {
        match self {
            Self::Form(form) => form.paste(text),
            Self::Network(dialog) => dialog.paste(text),
            Self::Filter(line) => line.field.paste(text),
            Self::Palette(palette) => palette.paste(text),
            Self::Acknowledge(dialog) => dialog.note.paste(text),
            Self::SignIn(dialog) => dialog.paste(text),
            Self::Clusters(dialog) => dialog.paste(text),
            Self::Help(_)
            | Self::Lock(_)
            | Self::Quit(_)
            | Self::Log(_)
            | Self::Failure(_)
            | Self::Pins(_)
            | Self::Console(_)
            | Self::Power(_)
            | Self::Brackets(_)
            | Self::Enforce(_)
            | Self::Prune(_) => {}
        }
    }

    /// Carries out an action of the key table.
    pub(super) fn act(&mut self, action: Action, page: usize, now: Moment) -> Reply {
        if matches!(action, Action::Cancel | Action::Interrupt) {
            let asks = matches!(self, Self::SignIn(_));
            return if asks { Reply::Decline } else { Reply::Close };
        }
        match self {
            Self::Form(form) => form.act(action),
            Self::Power(menu) => menu.act(action),
            Self::Prune(plan) => plan.act(action, page),
            Self::Enforce(plan) => plan.act(action, page),
            Self::Network(dialog) => dialog.act(action, page),
            Self::Brackets(brackets) => brackets.act(action, page),
            Self::Help(help) => help.act(action),
            Self::Quit(quit) => quit.act(action),
            Self::Filter(_) => FilterLine::act(action),
            Self::Log(log) => log.act(action, page),
            Self::Palette(palette) => palette.act(action),
            Self::Acknowledge(dialog) => dialog.act(action),
            Self::Lock(lock) => lock.act(action),
            Self::Failure(failure) => failure.act(action),
            Self::SignIn(dialog) => dialog.act(action, now),
            Self::Clusters(dialog) => dialog.act(action),
            Self::Pins(dialog) => dialog.act(action),
            Self::Console(dialog) => dialog.act(action),
        }
    }
}
