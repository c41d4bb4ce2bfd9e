//! The keys of a place, as the key table has them.

use ratatui::Frame;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::prune;
use crate::app::State;
use crate::app::action::Action;
use crate::app::availability::{Availability, availability};
use crate::app::dialogs::Help;
use crate::app::keymap::{BINDINGS, Context};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, dialog, hint_line, paragraph, reading_width};

/// The width of the keys before their sentences.
const KEYS: usize = 16;

pub(super) fn draw(frame: &mut Frame<'_>, help: &Help, state: &State, theme: &Theme) {
    // A dialog has its own keys only.
    let is_pane = help.of.is_pane();
    let wide = reading_width(frame.area());
    // The frame and a blank at either side.
    let columns = usize::from(wide).saturating_sub(4);
    let mut lines = vec![Line::default()];
    for binding in BINDINGS {
        if !binding
            .contexts
            .iter()
            .any(|place| *place == help.of || is_pane && *place == Context::Anywhere)
        {
            continue;
        }
        let keys = state.setting.keymap.keys(help.of, binding.action);
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let mut row = Row::new(theme.unicode);
        if keys.is_empty() {
            // Without a key it is called by its name from the palette.
            let palette = state.setting.keymap.keys(help.of, Action::Palette).first();
            let call = palette.map(|key| format!("{key} {}", binding.action.name()));
            row.left(&call.unwrap_or_default(), KEYS, theme.dim);
        } else {
            row.left(&keys.join("  "), KEYS, theme.accent);
        }
        let room = columns.saturating_sub(KEYS);
        let sentence = match availability(state, binding.action) {
            Availability::Yes => paragraph(&[(binding.help, theme.text)], room, theme.unicode),
            Availability::No(reason) => {
                let reason = format!("({reason})");
                let parts = [(binding.help, theme.track), (&reason, theme.dim)];
                paragraph(&parts, room, theme.unicode)
            }
        };
        for part in sentence {
            row.fill(KEYS).append(part);
            lines.push(row.line());
            row = Row::new(theme.unicode);
        }
    }
    if help.of == Context::Plan {
        lines.push(Line::default());
        lines.extend(prune::wrapped(&prune::letters(theme), 72, theme));
    }
    let rows = lines.len() as u16 + 4;
    let inner = dialog(frame, wide, rows, "Keys", theme);
    let height = usize::from(inner.height).saturating_sub(2);
    let scroll = help.scroll.min(lines.len().saturating_sub(height));
    let mut shown: Vec<Line<'static>> = lines.into_iter().skip(scroll).take(height).collect();
    shown.push(Line::default());
    shown.push(hint_line(
        &[("j k", "scroll"), ("Esc", "close")],
        usize::from(inner.width),
        theme,
    ));
    frame.render_widget(Paragraph::new(shown), inner);
}
