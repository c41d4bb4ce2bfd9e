//! The whole state of the dashboard, as one value.

use std::sync::Arc;

use chrono_tz::Tz;

use super::alerts::AlertPane;
use super::catalogue::CataloguePane;
use super::census::Census;
use super::detail::DetailPane;
use super::dialogs::Dialog;
use super::disk_sizes::DiskSizes;
use super::effect::Ticket;
use super::guests::GuestTable;
use super::jobs::Jobs;
use super::keymap::{Context, Keymap};
use super::limit_watch::LimitWatch;
use super::networks::NetworkBook;
use super::nodes::NodePanes;
use super::privileges::Rights;
use super::profiles::ProfilePane;
use super::projects::ProjectPane;
use super::resting::RestingNodes;
use super::signing_in::Asking;
use super::snapshot_table::SnapshotTable;
use super::snapshots::SnapshotPane;
use super::switching::KnownCluster;
use super::tasks::TaskPane;
use super::throttles::Throttles;
use super::toasts::Toasts;
use super::usage::UsageBook;
use crate::domain::enforcement::EnforcementRules;
use crate::domain::guest::Guest;
use crate::domain::inventory::{Inventory, Link, LinkState, STANDSTILL, SeenGuest};
use crate::domain::limits::Limits;
use crate::domain::network::NetworkProfile;
use crate::domain::project::{Project, Projects};
use crate::domain::retention::Policy;
use crate::domain::selection::Selection;
use crate::domain::task::Task;
use crate::domain::template::Template;
use crate::domain::time::{Dated, Moment, Now};
use crate::domain::usage::Accounting;

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
    /// Whether a new alert rings the terminal's bell.
    pub bell: bool,
    /// The name under which whoever sits here acknowledges alerts.
    pub operator: String,
    /// The keys.
    pub keymap: Keymap,
    /// The rules of the config.
    pub rules: Rules,
    /// Random bits, drawn once, from which the marks of new guests are made.
    pub seed: u64,
}

/// The rules of the config, in the form in which they are asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// Which guests are managed.
    pub selection: Selection,
    /// What managed guests may use.
    pub limits: Limits,
    /// The budgets.
    pub projects: Projects,
    /// How long snapshots live.
    pub retention: Policy,
    /// What new guests are made from.
    pub templates: Vec<Template>,
    /// The fences that guests can have.
    pub profiles: Vec<NetworkProfile>,
    /// Where the figures of use come from.
    pub accounting: Accounting,
    /// The time zone in which months begin; absent where the config names none.
    pub zone: Option<Tz>,
    /// How enforcement acts.
    pub enforcement: EnforcementRules,
}

/// A page of the dashboard, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// Guests with their detail and snapshots.
    Guests,
    /// What should be looked at.
    Alerts,
    /// The snapshots of all guests.
    Snapshots,
    /// What projects use of their budgets.
    Projects,
    /// Running and recent tasks.
    Tasks,
    /// Nodes and storages.
    Nodes,
    /// The catalogue of templates, and the network profiles.
    Templates,
}

impl View {
    /// The views with their numbers, and their titles from the whole to the shortest.
    pub const ALL: [(Self, char, [&'static str; 3]); 7] = [
        (Self::Guests, '1', ["Guests", "Guests", "Guest"]),
        (Self::Alerts, '2', ["Alerts", "Alerts", "Alert"]),
        (Self::Snapshots, '3', ["Snapshots", "Snaps", "Snap"]),
        (Self::Projects, '4', ["Projects", "Projects", "Proj"]),
        (Self::Tasks, '5', ["Tasks", "Tasks", "Task"]),
        (Self::Nodes, '6', ["Nodes", "Nodes", "Node"]),
        (Self::Templates, '7', ["Templates", "Templ", "Tmpl"]),
    ];

    /// Returns its panes in the order of Tab.
    pub const fn panes(self) -> &'static [Pane] {
        match self {
            Self::Guests => &[Pane::Guests, Pane::Detail, Pane::Snapshots],
            Self::Alerts => &[Pane::Alerts],
            Self::Snapshots => &[Pane::AllSnapshots],
            Self::Projects => &[Pane::Projects],
            Self::Tasks => &[Pane::Tasks],
            Self::Nodes => &[Pane::Nodes, Pane::Storages],
            Self::Templates => &[Pane::Templates, Pane::Profiles],
        }
    }
}

/// A part of the screen that can have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The table of guests.
    Guests,
    /// The detail of the selected guest.
    Detail,
    /// The snapshots of the selected guest.
    Snapshots,
    /// What should be looked at.
    Alerts,
    /// The snapshots of all guests.
    AllSnapshots,
    /// What projects use of their budgets.
    Projects,
    /// The list of tasks.
    Tasks,
    /// The nodes.
    Nodes,
    /// The storages.
    Storages,
    /// The templates of the catalogue.
    Templates,
    /// The network profiles.
    Profiles,
}

impl Pane {
    /// Returns the view that it belongs to.
    pub const fn view(self) -> View {
        match self {
            Self::Guests | Self::Detail | Self::Snapshots => View::Guests,
            Self::Alerts => View::Alerts,
            Self::AllSnapshots => View::Snapshots,
            Self::Projects => View::Projects,
            Self::Tasks => View::Tasks,
            Self::Nodes | Self::Storages => View::Nodes,
            Self::Templates | Self::Profiles => View::Templates,
        }
    }

    /// Returns where its keys stand in the table.
    pub const fn context(self) -> Context {
        match self {
            Self::Guests => Context::Guests,
            Self::Detail => Context::Detail,
            Self::Snapshots => Context::Snapshots,
            Self::Alerts => Context::Alerts,
            Self::AllSnapshots => Context::AllSnapshots,
            Self::Projects => Context::Projects,
            Self::Tasks => Context::Tasks,
            Self::Nodes => Context::Nodes,
            Self::Storages => Context::Storages,
            Self::Templates => Context::Templates,
            Self::Profiles => Context::Profiles,
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
    /// How many guests that are.
    pub census: Census,
    /// How the connection stands.
    pub link: Link,
    /// What the account may do.
    pub permissions: Rights,
    /// What the projects use.
    pub usage: UsageBook,
    /// The throttles of the projects.
    pub throttles: Throttles,
    /// The limits that stand broken.
    pub limits: LimitWatch,
    /// What fences guests in.
    pub networks: NetworkBook,
    /// What should be looked at.
    pub alerts: AlertPane,
    /// The table of guests.
    pub guests: GuestTable,
    /// What was measured of the selected guest.
    pub detail: DetailPane,
    /// The snapshots of the selected guest, and the lists of all guests.
    pub snapshots: SnapshotPane,
    /// The table of the snapshots of all guests.
    pub all_snapshots: SnapshotTable,
    /// How large the disks are whose snapshots are looked at.
    pub disk_sizes: DiskSizes,
    /// The cursor among the projects.
    pub projects: ProjectPane,
    /// The list of tasks.
    pub tasks: TaskPane,
    /// Nodes and storages.
    pub nodes: NodePanes,
    /// The templates.
    pub catalogue: CataloguePane,
    /// The network profiles.
    pub profiles: ProfilePane,
    /// The pane that has the keys; it tells the view.
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
    /// When the program started.
    pub(super) started: Moment,
    pub(super) tickets: u64,
    drawn: u64,
    /// Whose turn it is in the background.
    pub(super) turn: usize,
    /// Which nodes the background leaves alone.
    pub(super) resting: RestingNodes,
    /// The clusters of the config; empty where there is none to choose from.
    pub clusters: Vec<KnownCluster>,
    /// Whether the dashboard leaves as soon as nothing is at work: the program, or this cluster.
    pub leaves_after_work: bool,
    /// The cluster that it leaves for then; absent where the program ends.
    pub(super) bound_for: Option<String>,
    /// The cluster that is being opened.
    pub(super) opening: Option<String>,
    pub(super) leaving: bool,
    /// Whether the question for the password may be opened.
    pub(super) asking: Asking,
}

impl State {
    /// Makes the state at the start of the program.
    pub fn new(setting: Setting, now: Now) -> Self {
        Self {
            setting,
            now,
            inventory: Arc::default(),
            census: Census::default(),
            link: Link::default(),
            permissions: Rights::default(),
            usage: UsageBook::default(),
            throttles: Throttles::default(),
            limits: LimitWatch::default(),
            networks: NetworkBook::default(),
            alerts: AlertPane::default(),
            guests: GuestTable::default(),
            detail: DetailPane::default(),
            snapshots: SnapshotPane::default(),
            all_snapshots: SnapshotTable::default(),
            disk_sizes: DiskSizes::default(),
            projects: ProjectPane::default(),
            tasks: TaskPane::default(),
            nodes: NodePanes::default(),
            catalogue: CataloguePane::default(),
            profiles: ProfilePane::default(),
            focus: Pane::Guests,
            zoomed: false,
            dialogs: Vec::new(),
            jobs: Jobs::default(),
            toasts: Toasts::default(),
            page: 10,
            selected_at: now.moment,
            started: now.moment,
            tickets: 0,
            drawn: 0,
            turn: 0,
            resting: RestingNodes::default(),
            clusters: Vec::new(),
            leaves_after_work: false,
            bound_for: None,
            opening: None,
            leaving: false,
            asking: Asking::Free,
        }
    }

    /// Returns the guest under the cursor.
    pub fn selected_guest(&self) -> Option<&SeenGuest> {
        self.inventory
            .resources
            .value()?
            .guest(self.guests.cursor()?)
    }

    /// Tells whether the link has been down for so long that nothing is vouched for any more.
    pub fn is_outdated(&self) -> bool {
        let is_old = |answer: &Dated<_>| self.now.moment.since(answer.read) >= STANDSTILL;
        match &self.link.state {
            LinkState::Down { .. } => self.inventory.resources.answer.as_ref().is_some_and(is_old),
            LinkState::Connecting | LinkState::Up => false,
        }
    }

    /// Tells whether what is said of a guest is no longer to be trusted, whatever the reason.
    pub fn is_stale(&self, seen: &SeenGuest) -> bool {
        seen.is_stale(self.now.moment) || self.is_outdated()
    }

    /// Returns the known tasks, newest first.
    pub fn known_tasks(&self) -> &[Task] {
        self.inventory.tasks.value().map_or(&[], Vec::as_slice)
    }

    /// Names the project that a guest counts towards.
    pub fn project_of(&self, guest: &Guest) -> Option<&str> {
        self.setting
            .rules
            .projects
            .assign(guest)
            .project
            .map(Project::name)
    }

    /// Returns where the keys go: to the top dialog, else to the focused pane.
    pub fn context(&self) -> Context {
        self.dialogs
            .last()
            .map_or(self.focus.context(), Dialog::context)
    }

    /// Draws the next of a row of random bits (splitmix64).
    pub(super) fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = self.setting.seed.wrapping_add(self.drawn);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}
