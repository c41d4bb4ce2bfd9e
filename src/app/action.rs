//! Everything that a key can ask for.

use super::state::View;

/// A thing that the user can ask for; keys, palette, help and config name it alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Moves the cursor, or scrolls.
    Move(Motion),
    /// Shows another view.
    Show(View),
    /// Gives the keys to the next pane.
    NextPane,
    /// Gives the keys to the previous pane.
    PreviousPane,
    /// Opens what is under the cursor.
    Open,
    /// Goes back: dismisses messages, clears the filter, then the marks, leaves the zoom.
    Back,
    /// Lets the focused pane fill the screen, or not.
    Zoom,
    /// Types a filter.
    Filter,
    /// Sorts by the next column.
    SortNext,
    /// Reverses the order.
    SortReverse,
    /// Marks the guest under the cursor, or not.
    Mark,
    /// Marks all shown guests, or none.
    MarkAll,
    /// Changes something on the server.
    Change(Change),
    /// Destroys the guest that a failed change has left half made, after a question.
    CleanUp,
    /// Takes an alert in hand, or gives it back.
    Acknowledge,
    /// Shows the log of a task.
    Log,
    /// Says how the guest's console is reached.
    Console,
    /// Shows a shorter history.
    HistoryShorter,
    /// Shows a longer history.
    HistoryLonger,
    /// Copies what is under the cursor.
    Copy,
    /// Reads everything again now.
    Refresh,
    /// Shows another cluster.
    Clusters,
    /// Shows the certificates of the cluster's nodes.
    Pins,
    /// Finds an action by its words.
    Palette,
    /// Shows the keys that work here.
    Help,
    /// Leaves the program.
    Quit,
    /// Closes the dialog, else leaves the program.
    Interrupt,
    /// Gives the terminal back to the shell until it is wanted again.
    Suspend,
    /// Closes the dialog without doing anything.
    Cancel,
    /// Writes the plan into a file.
    Export,
    /// Moves about in a form.
    Form(FormKey),
}

/// A movement of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Motion {
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// One page down.
    PageDown,
    /// One page up.
    PageUp,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
}

impl Motion {
    /// Returns by how many rows it moves where a page has so many.
    pub fn rows(self, page: usize) -> isize {
        let page = isize::try_from(page.max(2) - 1).unwrap_or(isize::MAX);
        match self {
            Self::Down => 1,
            Self::Up => -1,
            Self::PageDown => page,
            Self::PageUp => -page,
            Self::Top => isize::MIN,
            Self::Bottom => isize::MAX,
        }
    }
}

/// A change on the server; what it needs is asked in `availability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// Takes a snapshot of the guest under the cursor.
    Snapshot,
    /// Returns the guest to the snapshot under the cursor.
    RollBack,
    /// Deletes the snapshot under the cursor.
    DeleteSnapshot,
    /// Marks the snapshot under the cursor as to be kept, or not.
    KeepMark,
    /// Copies the guest, or the snapshot under the cursor.
    Clone,
    /// Makes guests from a template.
    Create,
    /// Starts, stops or holds the guest.
    Power,
    /// Destroys the guest for good.
    Destroy,
    /// Deletes what retention says, in all managed guests.
    Prune,
    /// Takes the same snapshot of the marked guests, or shows what was taken so.
    Bracket,
    /// Does something about projects over their budgets.
    Enforce,
    /// Fences a guest in with a network profile.
    Network,
}

/// A key of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FormKey {
    /// Goes to the next field.
    NextField,
    /// Goes to the previous field.
    PreviousField,
    /// Chooses the next alternative of a field.
    NextChoice,
    /// Chooses the previous alternative of a field.
    PreviousChoice,
    /// Switches a field on or off.
    Toggle,
    /// Carries out what the dialog describes.
    Submit,
    /// Shows the calls that the dialog would make, or hides them.
    Calls,
}

impl Action {
    /// Returns the name under which the config and the palette know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Move(Motion::Down) => "down",
            Self::Move(Motion::Up) => "up",
            Self::Move(Motion::PageDown) => "page-down",
            Self::Move(Motion::PageUp) => "page-up",
            Self::Move(Motion::Top) => "top",
            Self::Move(Motion::Bottom) => "bottom",
            Self::Show(View::Guests) => "guests",
            Self::Show(View::Alerts) => "alerts",
            Self::Show(View::Snapshots) => "snapshots",
            Self::Show(View::Projects) => "projects",
            Self::Show(View::Tasks) => "tasks",
            Self::Show(View::Nodes) => "nodes",
            Self::Show(View::Templates) => "templates",
            Self::NextPane => "next-pane",
            Self::PreviousPane => "previous-pane",
            Self::Open => "open",
            Self::Back => "back",
            Self::Zoom => "zoom",
            Self::Clusters => "clusters",
            Self::Pins => "certificates",
            Self::Filter => "filter",
            Self::SortNext => "sort",
            Self::SortReverse => "sort-reverse",
            Self::Mark => "mark",
            Self::MarkAll => "mark-all",
            Self::Change(Change::Snapshot) => "snapshot",
            Self::Change(Change::RollBack) => "restore",
            Self::Change(Change::DeleteSnapshot) => "delete-snapshot",
            Self::Change(Change::KeepMark) => "keep",
            Self::Change(Change::Clone) => "clone",
            Self::Change(Change::Create) => "create",
            Self::Change(Change::Power) => "power",
            Self::Change(Change::Destroy) => "destroy",
            Self::Change(Change::Prune) => "prune",
            Self::CleanUp => "clean-up",
            Self::Change(Change::Bracket) => "bracket",
            Self::Change(Change::Enforce) => "enforce",
            Self::Change(Change::Network) => "network",
            Self::Acknowledge => "acknowledge",
            Self::Log => "log",
            Self::Console => "console",
            Self::HistoryShorter => "history-shorter",
            Self::HistoryLonger => "history-longer",
            Self::Copy => "copy",
            Self::Refresh => "refresh",
            Self::Palette => "palette",
            Self::Help => "help",
            Self::Quit => "quit",
            Self::Interrupt => "interrupt",
            Self::Suspend => "suspend",
            Self::Cancel => "cancel",
            Self::Export => "export",
            Self::Form(FormKey::NextField) => "next-field",
            Self::Form(FormKey::PreviousField) => "previous-field",
            Self::Form(FormKey::NextChoice) => "next-choice",
            Self::Form(FormKey::PreviousChoice) => "previous-choice",
            Self::Form(FormKey::Toggle) => "toggle",
            Self::Form(FormKey::Submit) => "submit",
            Self::Form(FormKey::Calls) => "calls",
        }
    }
}
