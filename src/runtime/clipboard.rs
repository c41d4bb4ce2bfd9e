//! Copies through the terminal, so that it works over SSH too.

use std::io;

use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;

/// Asks the terminal to take a text into its clipboard (OSC 52).
///
/// A terminal that does not know the sequence ignores it; none answers.
pub(super) fn copy(text: &str) {
    if let Err(error) = execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text)) {
        tracing::warn!("the terminal takes no copy: {error}");
    }
}
