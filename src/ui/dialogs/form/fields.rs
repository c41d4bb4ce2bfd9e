//! A form's fields: what stands in each, what can be chosen, and where the text cursor is.

use ratatui::style::{Modifier, Style};

use super::{FormLine, LABEL};
use crate::app::dialogs::{Choice, Input, Item, Switch, TextField, Typed};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, width};

/// What stands before a text that is to be typed.
const TYPE: &str = "type ";
/// The columns that the word beside a typed text needs, with the gap before it.
const HINT: usize = 17;

/// Draws a field: in one line, or in two where a long text is to be typed.
pub(super) fn item_lines(
    item: &Item,
    focused: bool,
    columns: usize,
    theme: &Theme,
) -> Vec<FormLine> {
    let Input::Typed(typed) = &item.input else {
        return vec![item_line(item, focused, columns, theme)];
    };
    let before = 2 + TYPE.len() + width(&typed.expected) + 4;
    // One more column is the cursor's.
    if before + width(&typed.expected) + HINT < columns {
        return vec![item_line(item, focused, columns, theme)];
    }
    let mut wanted = Row::new(theme.unicode);
    wanted
        .text(if focused { mark(theme) } else { " " }, theme.focus)
        .gap(1)
        .text(TYPE, theme.text);
    let room = columns.saturating_sub(wanted.used());
    let expected = fit(&typed.expected, room, theme.unicode);
    wanted.text(expected, theme.strong);
    let room = columns.saturating_sub(2 + HINT);
    let mut row = Row::new(theme.unicode);
    row.gap(2);
    push_typed(&mut row, typed, room, theme);
    let below = FormLine {
        text: row.line(),
        focused: false,
        cursor: focused.then(|| 2 + typed_column(&typed.field, room)),
    };
    let above = FormLine {
        text: wanted.line(),
        focused,
        cursor: None,
    };
    vec![above, below]
}

fn item_line(item: &Item, focused: bool, columns: usize, theme: &Theme) -> FormLine {
    let room = columns.saturating_sub(LABEL);
    let (mut row, column) = match &item.input {
        Input::Text(text) => (
            label(item.label, focused, theme),
            Some(LABEL + typed_column(text, room)),
        ),
        Input::Typed(typed) => {
            let column = 2 + TYPE.len() + width(&typed.expected) + 4;
            let room = columns.saturating_sub(column + HINT);
            (
                label_of_typed(typed, focused, theme),
                Some(column + typed_column(&typed.field, room)),
            )
        }
        Input::Choice(_) | Input::Switch(_) | Input::Consent(_) => {
            (label(item.label, focused, theme), None)
        }
    };
    match &item.input {
        Input::Text(text) if text.value().is_empty() => {
            row.text(fit(item.hint, room, theme.unicode), theme.dim);
        }
        Input::Text(text) => {
            row.text(window(text, room), theme.text);
        }
        Input::Choice(choice) => push_choice(&mut row, choice, room, theme),
        Input::Switch(switch) => push_switch(&mut row, switch, room, theme),
        Input::Typed(typed) => {
            let room = columns.saturating_sub(row.used() + HINT);
            push_typed(&mut row, typed, room, theme);
        }
        Input::Consent(consent) => {
            for (text, chosen) in [(consent.keep, !consent.given), (consent.act, consent.given)] {
                let style = if chosen {
                    theme.cursor.patch(theme.strong)
                } else {
                    theme.dim
                };
                row.text(format!("[ {text} ]"), style).gap(2);
            }
        }
    }
    FormLine {
        text: row.line(),
        focused,
        cursor: column.filter(|_| focused),
    }
}

fn label(text: &str, focused: bool, theme: &Theme) -> Row {
    let mut row = Row::new(theme.unicode);
    row.text(if focused { mark(theme) } else { " " }, theme.focus);
    row.left(
        text,
        LABEL - 1,
        if focused { theme.focus } else { theme.dim },
    );
    row
}

fn mark(theme: &Theme) -> &'static str {
    if theme.unicode { "▌" } else { ">" }
}

/// Shows the part of a text around the cursor.
fn window(field: &TextField, room: usize) -> String {
    let skip = (field.cursor() + 1).saturating_sub(room);
    field.value().chars().skip(skip).take(room).collect()
}

fn typed_column(field: &TextField, room: usize) -> usize {
    let skip = (field.cursor() + 1).saturating_sub(room);
    let before: String = field
        .value()
        .chars()
        .take(field.cursor())
        .skip(skip)
        .collect();
    width(&before)
}

fn push_choice(row: &mut Row, choice: &Choice, room: usize, theme: &Theme) {
    let refusal = choice.refusal(choice.chosen);
    let all: usize = choice.options.iter().map(|option| width(option) + 5).sum();
    if all > room {
        // Too many to show: the chosen one, and that there are others on either side.
        let option = choice.options.get(choice.chosen).map_or("", String::as_str);
        let (left, right) = if theme.unicode {
            ("◂ ", " ▸")
        } else {
            ("< ", " >")
        };
        let style = if refusal.is_some() {
            theme.dim
        } else {
            theme.strong
        };
        row.text(left, theme.accent)
            .text(fit(option, room.saturating_sub(20), theme.unicode), style);
        row.text(right, theme.accent);
        row.text(
            format!("  {} of {}", choice.chosen + 1, choice.options.len()),
            theme.dim,
        );
        return;
    }
    for (index, option) in choice.options.iter().enumerate() {
        let chosen = index == choice.chosen;
        // What cannot be chosen is told by its mark too, and not by colour alone.
        let knob = match (chosen, choice.refusal(index).is_some(), theme.unicode) {
            (true, true, true) => "⊗ ",
            (false, true, true) => "✕ ",
            (true, false, true) => "◉ ",
            (false, false, true) => "○ ",
            (true, true, false) => "(X) ",
            (false, true, false) => "(x) ",
            (true, false, false) => "(*) ",
            (false, false, false) => "( ) ",
        };
        let style = match (chosen, choice.refusal(index)) {
            (true, None) => theme.strong,
            (_, Some(_)) => theme.track,
            (false, None) => theme.dim,
        };
        row.text(format!("{knob}{option}"), style).gap(3);
    }
}

fn push_switch(row: &mut Row, switch: &Switch, room: usize, theme: &Theme) {
    if let Some(reason) = &switch.refusal {
        let text = format!("[ ] {}: {reason}", switch.text);
        row.text(fit(&text, room, theme.unicode), theme.dim);
        return;
    }
    row.text(if switch.on { "[x] " } else { "[ ] " }, theme.text);
    row.text(
        fit(&switch.text, room.saturating_sub(4), theme.unicode),
        theme.text,
    );
}

fn label_of_typed(typed: &Typed, focused: bool, theme: &Theme) -> Row {
    let mut row = Row::new(theme.unicode);
    row.text(if focused { mark(theme) } else { " " }, theme.focus)
        .gap(1);
    row.text(TYPE, theme.text)
        .text(typed.expected.clone(), theme.strong);
    row.gap(4);
    row
}

fn push_typed(row: &mut Row, typed: &Typed, room: usize, theme: &Theme) {
    let is_number = typed.expected.chars().all(|c| c.is_ascii_digit());
    let (hint, style) = match typed.missing() {
        // How many digits a count has is no help.
        Some(1..) if is_number => ("to go on".to_owned(), theme.dim),
        Some(0) => ("that is it".to_owned(), theme.ok),
        Some(missing) if typed.field.value().is_empty() => {
            let letters = if missing == 1 { "letter" } else { "letters" };
            (format!("{missing} {letters}"), theme.dim)
        }
        Some(missing) => (format!("{missing} more"), theme.dim),
        None => ("this is not it".to_owned(), theme.critical),
    };
    let style_of_typed = if typed.missing().is_some() {
        theme.text
    } else {
        theme.critical
    };
    let shown = window(&typed.field, room);
    let most = width(&typed.expected).max(8).min(room);
    let rest = most.saturating_sub(width(&shown));
    let underline = Style::new().add_modifier(Modifier::UNDERLINED);
    row.text(shown, style_of_typed.patch(underline))
        .text(" ".repeat(rest), underline);
    row.gap(3).text(hint, style);
}
