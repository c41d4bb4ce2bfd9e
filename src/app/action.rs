//! Everything that a key can ask for.

/// A thing that the user can ask for; keys, palette, help and config name it alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Moves the cursor one row down.
    Down,
    /// Moves the cursor one row up.
    Up,
    /// Moves the cursor one page down.
    PageDown,
    /// Moves the cursor one page up.
    PageUp,
    /// Moves the cursor to the first row.
    Top,
    /// Moves the cursor to the last row.
    Bottom,
    /// Gives the keys to the next pane.
    NextPane,
    /// Gives the keys to the previous pane.
    PreviousPane,
    /// Goes back: closes, clears the filter, clears the marks.
    Back,
    /// Lets the focused pane fill the screen, or not.
    Zoom,
    /// Takes a snapshot of the guest under the cursor.
    Snapshot,
    /// Reads everything again now.
    Refresh,
    /// Shows the keys that work here.
    Help,
    /// Leaves the program.
    Quit,
    /// Closes the dialog, else leaves the program.
    Interrupt,
    /// Goes to the next field of a dialog.
    NextField,
    /// Goes to the previous field of a dialog.
    PreviousField,
    /// Chooses the next alternative of a field.
    NextChoice,
    /// Chooses the previous alternative of a field.
    PreviousChoice,
    /// Switches a field on or off.
    Toggle,
    /// Carries out what the dialog describes.
    Submit,
    /// Closes the dialog without doing anything.
    Cancel,
    /// Shows the calls that the dialog would make, or hides them.
    Calls,
}

impl Action {
    /// Returns the name under which the config and the palette know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::PageDown => "page-down",
            Self::PageUp => "page-up",
            Self::Top => "top",
            Self::Bottom => "bottom",
            Self::NextPane => "next-pane",
            Self::PreviousPane => "previous-pane",
            Self::Back => "back",
            Self::Zoom => "zoom",
            Self::Snapshot => "snapshot",
            Self::Refresh => "refresh",
            Self::Help => "help",
            Self::Quit => "quit",
            Self::Interrupt => "interrupt",
            Self::NextField => "next-field",
            Self::PreviousField => "previous-field",
            Self::NextChoice => "next-choice",
            Self::PreviousChoice => "previous-choice",
            Self::Toggle => "toggle",
            Self::Submit => "submit",
            Self::Cancel => "cancel",
            Self::Calls => "calls",
        }
    }
}
