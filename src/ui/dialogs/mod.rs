//! The dialogs, one file each.

mod help;
mod quit;
mod snapshot;

use ratatui::Frame;

use crate::app::State;
use crate::app::dialogs::Dialog;
use crate::ui::theme::Theme;

/// Draws the stack of dialogs; the top one last.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme) {
    for dialog in &state.dialogs {
        match dialog {
            Dialog::Snapshot(form) => snapshot::draw(frame, form, state, theme),
            Dialog::Help(page) => help::draw(frame, page, state, theme),
            Dialog::Quit(quit) => quit::draw(frame, quit, theme),
        }
    }
}
