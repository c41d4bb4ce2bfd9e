//! The dialogs, one file each.

mod acknowledge;
mod brackets;
mod clusters;
mod console;
mod enforce;
mod failure;
mod form;
mod help;
mod lock;
mod log;
mod network;
mod palette;
mod pins;
mod power;
mod prune;
mod quit;
mod sign_in;

use ratatui::Frame;

use crate::app::State;
use crate::app::dialogs::Dialog;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;

/// Draws the stack of dialogs; the top one last.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme, viewport: &mut Viewport) {
    for dialog in &state.dialogs {
        match dialog {
            Dialog::Form(dialog) => form::draw(frame, &dialog.form, theme),
            Dialog::Power(menu) => power::draw(frame, menu, state, theme),
            Dialog::Prune(plan) => prune::draw(frame, plan, theme, viewport),
            Dialog::Enforce(plan) => enforce::draw(frame, plan, theme, viewport),
            Dialog::Network(dialog) => network::draw(frame, dialog, theme, viewport),
            Dialog::Brackets(list) => brackets::draw(frame, list, state, theme, viewport),
            Dialog::Help(page) => help::draw(frame, page, state, theme),
            Dialog::Quit(quit) => quit::draw(frame, quit, theme),
            Dialog::Log(log) => log::draw(frame, log, state, theme, viewport),
            Dialog::Palette(palette) => palette::draw(frame, palette, state, theme),
            Dialog::Acknowledge(ack) => acknowledge::draw(frame, ack, theme),
            Dialog::Lock(lock) => lock::draw(frame, lock, theme),
            Dialog::Failure(text) => failure::draw(frame, text, theme),
            Dialog::Pins(dialog) => pins::draw(frame, dialog, theme),
            Dialog::Console(dialog) => console::draw(frame, dialog, theme),
            Dialog::Clusters(dialog) => clusters::draw(frame, dialog, theme),
            Dialog::SignIn(dialog) => sign_in::draw(frame, dialog, state, theme),
            // It is typed in the footer's place.
            Dialog::Filter(_) => {}
        }
    }
}
