//! The whole state of the dashboard, as one value.

use std::sync::Arc;

use super::dialogs::Dialog;
use super::effect::Ticket;
use super::guests::GuestTable;
use super::jobs::Jobs;
use super::keymap::{Context, Keymap};
use super::remote::Remote;
use super::snapshots::SnapshotPane;
use super::toasts::Toasts;
use crate::domain::inventory::{Inventory, Link, SeenGuest};
use crate::domain::limits::Limits;
use crate::domain::permission::Permissions;
use crate::domain::project::Projects;
use crate::domain::retention::Policy;
use crate::domain::selection::Selection;
use crate::domain::time::{Moment, Now};

/// What does not change while the program runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The cluster's name in the config.
    pub cluster: String,
    /// The server's address.
    pub endpoint: String,
    /// The account, as `hub@pve!deck`.
    pub account: String,
    /// Whether every change is refused.
    pub read_only: bool,
    /// Whether the cluster is the embedded simulator.
    pub demo: bool,
    /// The keys.
    pub keymap: Keymap,
    /// Which guests are managed.
    pub selection: Selection,
    /// What a managed guest may use.
    pub limits: Limits,
    /// How long snapshots of managed guests are kept.
    pub retention: Policy,
    /// The budgets.
    pub projects: Projects,
}

/// A part of the screen that can have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The table of guests.
    Guests,
    /// The snapshots of the selected guest.
    Snapshots,
}

impl Pane {
    /// The panes in the order of Tab.
    pub const ORDER: [Self; 2] = [Self::Guests, Self::Snapshots];

    /// Returns where its keys stand in the table.
    pub const fn context(self) -> Context {
        match self {
            Self::Guests => Context::Guests,
            Self::Snapshots => Context::Snapshots,
        }
    }
}

/// Everything that the dashboard knows.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What does not change.
    pub setting: Setting,
    /// The present, as of the last event.
    pub now: Now,
    /// What the cluster said.
    pub inventory: Arc<Inventory>,
    /// How the connection stands.
    pub link: Link,
    /// What the account may do.
    pub permissions: Remote<Permissions>,
    /// The table of guests.
    pub guests: GuestTable,
    /// The snapshots of the selected guest.
    pub snapshots: SnapshotPane,
    /// The pane that has the keys.
    pub focus: Pane,
    /// Whether that pane fills the screen.
    pub zoomed: bool,
    /// Dialogs, the top one last; only it gets keys.
    pub dialogs: Vec<Dialog>,
    /// Operations at work.
    pub jobs: Jobs,
    /// Messages.
    pub toasts: Toasts,
    /// How many rows the focused table shows, told by the last drawing; pages are so long.
    pub page: usize,
    /// Since when the present guest is selected; reading waits until the cursor rests.
    pub(super) selected_at: Moment,
    pub(super) tickets: u64,
    pub(super) leaving: bool,
}

impl State {
    /// Makes the state at the start of the program.
    pub fn new(setting: Setting, now: Now) -> Self {
        Self {
            setting,
            now,
            inventory: Arc::default(),
            link: Link::default(),
            permissions: Remote::default(),
            guests: GuestTable::default(),
            snapshots: SnapshotPane::default(),
            focus: Pane::Guests,
            zoomed: false,
            dialogs: Vec::new(),
            jobs: Jobs::default(),
            toasts: Toasts::default(),
            page: 10,
            selected_at: now.moment,
            tickets: 0,
            leaving: false,
        }
    }

    /// Returns the guest under the cursor.
    pub fn selected_guest(&self) -> Option<&SeenGuest> {
        self.inventory
            .resources
            .value()?
            .guest(self.guests.cursor()?)
    }

    /// Returns where the keys go: to the top dialog, else to the focused pane.
    pub fn context(&self) -> Context {
        self.dialogs
            .last()
            .map_or(self.focus.context(), Dialog::context)
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}
