//! The keys that work here now, from the key table.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::State;
use crate::app::availability::{Availability, availability};
use crate::app::keymap::{BINDINGS, Context};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, width};

pub(in crate::ui) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let context = state.focus.context();
    let mut row = Row::new(theme.unicode);
    row.gap(1);
    for binding in BINDINGS.iter().filter(|binding| !binding.label.is_empty()) {
        if !binding
            .contexts
            .iter()
            .any(|place| *place == context || *place == Context::Anywhere)
        {
            continue;
        }
        let Some(key) = state.setting.keymap.keys(context, binding.action).first() else {
            continue;
        };
        let key = key.to_string();
        if row.used() + width(&key) + width(binding.label) + 2 > usize::from(area.width) {
            break;
        }
        match availability(state, binding.action) {
            Availability::Yes => row
                .text(key, theme.accent)
                .text(format!(" {}", binding.label), theme.text),
            Availability::No(_) => row.text(format!("{key} {}", binding.label), theme.track),
        };
        row.gap(2);
    }
    frame.render_widget(row.line(), area);
}
