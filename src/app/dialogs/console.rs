//! Says how a guest's console is reached; it opens none.

use super::Reply;
use crate::app::action::Action;
use crate::domain::console::Console;
use crate::domain::guest::GuestRef;

/// The ways to a console, of which one is under the cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsoleDialog {
    /// Whose it is.
    pub guest: GuestRef,
    /// The ways.
    pub console: Console,
    /// The privilege that the account lacks for the web page's console, as far as that is known.
    pub lacking: Option<String>,
    /// The way under the cursor.
    pub cursor: usize,
}

impl ConsoleDialog {
    pub(in crate::app) fn new(guest: GuestRef, console: Console, lacking: Option<String>) -> Self {
        Self {
            guest,
            console,
            lacking,
            cursor: 0,
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        let ways = self.console.ways();
        if let Action::Move(motion) = action {
            let row = self.cursor.saturating_add_signed(motion.rows(ways.len()));
            self.cursor = row.min(ways.len() - 1);
        } else if action == Action::Copy
            && let Some((_, text)) = ways.get(self.cursor)
        {
            return Reply::Copy((*text).to_owned());
        } else if action == Action::Quit {
            return Reply::Close;
        }
        Reply::Stay
    }
}
