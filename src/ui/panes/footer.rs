//! The keys that work here now, from the key table.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::app::State;
use crate::app::action::Action;
use crate::app::availability::{Availability, availability};
use crate::app::dialogs::{Dialog, FilterLine};
use crate::app::filter::PREFIXES;
use crate::app::keymap::{BINDINGS, Binding, Context};
use crate::app::lacking::lacking;
use crate::app::snapshot_filter;
use crate::app::state::Pane;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, width};

/// From this width on the footer says why keys are dim; below it the keys themselves have the room.
const ROOM_FOR_REASONS: u16 = 100;

pub(in crate::ui) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    if let Some(Dialog::Filter(line)) = state.dialogs.last() {
        return draw_filter(frame, area, line, state, theme);
    }
    let context = state.focus.context();
    let mut row = Row::new(theme.unicode);
    row.gap(1);
    // Whoever knows nothing else must still find help and the way out.
    let (always, others): (Vec<_>, Vec<_>) = BINDINGS
        .iter()
        .filter(|binding| !binding.label.is_empty())
        // Most have one cluster, and nothing to be reminded of.
        .filter(|binding| {
            binding.action != Action::Clusters
                || availability(state, Action::Clusters) == Availability::Yes
        })
        .filter(|binding| {
            binding
                .contexts
                .iter()
                .any(|place| [context, Context::Anywhere].contains(place))
        })
        .filter_map(|binding| {
            Some((
                binding,
                state
                    .setting
                    .keymap
                    .keys(context, binding.action)
                    .first()?
                    .to_string(),
            ))
        })
        .partition(|(binding, _)| {
            matches!(binding.action, Action::Help | Action::Quit)
                || binding.action == Action::Clusters && area.width >= ROOM_FOR_REASONS
        });
    let taken: usize = always
        .iter()
        .map(|(binding, key)| width(key) + width(binding.label) + 3)
        .sum();
    let lacking = lacking_of(&others, state, area.width);
    let said = lacking.as_ref().map_or(0, |text| width(text) + 2);
    let room = usize::from(area.width).saturating_sub(taken + said);
    let fitting = others.into_iter().scan(1, |used, (binding, key)| {
        *used += width(&key) + width(binding.label) + 3;
        (*used <= room).then_some((binding, key))
    });
    for (binding, key) in fitting.chain(always) {
        match availability(state, binding.action) {
            Availability::Yes => row
                .text(key, theme.accent)
                .text(format!(" {}", binding.label), theme.text),
            Availability::No(_) => row.text(format!("{key} {}", binding.label), theme.track),
        };
        row.gap(2);
    }
    if let Some(text) = lacking {
        let room = usize::from(area.width).saturating_sub(row.used());
        row.text(fit(&text, room, theme.unicode), theme.dim);
    }
    frame.render_widget(row.line(), area);
}

/// Says, where there is room, which keys the account may not use, and for want of what.
fn lacking_of(keys: &[(&Binding, String)], state: &State, columns: u16) -> Option<String> {
    if columns < ROOM_FOR_REASONS {
        return None;
    }
    let mut reasons = keys.iter().filter_map(|(binding, key)| {
        let reason = lacking(state, binding.action)?;
        (availability(state, binding.action) == Availability::No(reason.clone()))
            .then_some((key.as_str(), reason))
    });
    let (first, reason) = reasons.next()?;
    let alike = reasons.filter(|(_, other)| *other == reason);
    let keys: Vec<&str> = std::iter::once(first)
        .chain(alike.map(|(key, _)| key))
        .collect();
    Some(format!("{}: {reason}", keys.join(" ")))
}

/// The line in which the filter is typed.
fn draw_filter(frame: &mut Frame<'_>, area: Rect, line: &FilterLine, state: &State, theme: &Theme) {
    let mut row = Row::new(theme.unicode);
    let typed = fit(
        line.field.value(),
        usize::from(area.width).saturating_sub(30),
        theme.unicode,
    );
    row.gap(1)
        .text("/", theme.accent)
        .text(typed, theme.strong)
        .gap(3);
    let at_snapshots = state.focus == Pane::AllSnapshots;
    let (matches, own) = if at_snapshots {
        (state.all_snapshots.rows().len(), snapshot_filter::PREFIX)
    } else {
        (state.guests.rows().len(), "")
    };
    row.text(format!("{matches} match"), theme.dim).gap(3);
    let guests = state.inventory.resources.value();
    let guests = guests.map_or(&[][..], |known| &known.guests);
    let guests = guests.iter().map(|seen| &seen.guest);
    let mistake = state.guests.filter().mistake(guests);
    let (hint, style) = if let Some(mistake) = mistake.filter(|_| !at_snapshots) {
        (mistake.to_string(), theme.warning)
    } else {
        let hint = format!("{} {own}  Enter keep  Esc clear", PREFIXES.join(" "));
        (hint, theme.dim)
    };
    let room = usize::from(area.width).saturating_sub(row.used());
    row.text(fit(&hint, room, theme.unicode), style);
    frame.render_widget(row.line(), area);
    let before: String = line
        .field
        .value()
        .chars()
        .take(line.field.cursor())
        .collect();
    let x = (2 + width(&before)).min(usize::from(area.width).saturating_sub(1)) as u16;
    frame.set_cursor_position(Position {
        x: area.x + x,
        y: area.y,
    });
}
