//! Any form: its preview, its fields, what is wrong with them, and what Enter would do.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::dialogs::{
    Budget, Choice, Form, Input, Item, Preview, Switch, TextField, Typed, Weight,
};
use crate::domain::operation::Operation;
use crate::domain::quota::Certainty;
use crate::domain::request::Field;
use crate::ui::panes::budget::{amount, bar_style_of, resource_label, short, style_of};
use crate::ui::theme::Theme;
use crate::ui::widgets::{
    Row, dialog, fit, hint_line, line_at, line_from_bottom, push_growing_bar, width, wrapped,
};

pub(super) const LABEL: usize = 14;
/// The room for `~1234 → up to ~12345 of 12345`.
const FORECAST: usize = 30;
const COLUMNS: u16 = 90;

pub(super) fn draw(frame: &mut Frame<'_>, form: &Form, theme: &Theme) {
    let inside = usize::from(COLUMNS.min(frame.area().width)).saturating_sub(4);
    let height = usize::from(frame.area().height).saturating_sub(5);
    // Where not all has a place, the blank lines give way first, and then what the calls do not need.
    let densities = [Density::Airy, Density::Dense, Density::Calls];
    let lines = densities
        .into_iter()
        .filter(|density| form.shows_calls || *density != Density::Calls)
        .map(|density| lines(form, inside, density, theme))
        .reduce(|roomier, denser| {
            if roomier.len() > height {
                denser
            } else {
                roomier
            }
        })
        .unwrap_or_default();
    // One blank above, one before the keys, the keys, and two for the frame.
    let rows = u16::try_from(lines.len() + 5).unwrap_or(u16::MAX);
    let inner = dialog(frame, COLUMNS, rows, &form.title, theme);
    let room = usize::from(inner.height).saturating_sub(3);
    // On a low screen the field that has the keys stays in sight.
    let focused = lines.iter().position(|line| line.focused).unwrap_or(0);
    let first = (focused + 2)
        .saturating_sub(room)
        .min(lines.len().saturating_sub(room));
    let marks = if theme.unicode {
        ["▴ more", "▾ more"]
    } else {
        ["^ more", "v more"]
    };
    for (is_cut, mark, area) in [
        (first > 0, marks[0], line_at(inner, 0)),
        (
            first + room < lines.len(),
            marks[1],
            line_from_bottom(inner, 1),
        ),
    ] {
        if is_cut {
            let mut row = Row::new(theme.unicode);
            row.gap(LABEL).text(mark, theme.dim);
            frame.render_widget(row.line(), area);
        }
    }
    let body = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(3),
        ..inner
    };
    let shown: Vec<FormLine> = lines.into_iter().skip(first).take(room).collect();
    draw_items(frame, body, shown);
    draw_hints(frame, inner, form, &[], theme);
}

/// Draws what Enter, Tab and Esc do, in the last line of a dialog.
pub(super) fn draw_hints(
    frame: &mut Frame<'_>,
    inner: Rect,
    form: &Form,
    more: &[(&'static str, &'static str)],
    theme: &Theme,
) {
    let enter = match form.items.get(form.focus).map(|item| &item.input) {
        // On the side that leaves it, Enter leaves it.
        Some(Input::Consent(consent)) if !consent.given => consent.keep,
        _ if form.is_ready() => form.verb,
        _ => "(not yet)",
    };
    let mut hints = vec![("Enter", enter), ("Tab", "next")];
    hints.extend_from_slice(more);
    hints.extend([("Ctrl-x", "calls"), ("Esc", form.refusal)]);
    let bottom = line_from_bottom(inner, 0);
    frame.render_widget(hint_line(&hints, usize::from(inner.width), theme), bottom);
}

/// Makes the lines of a form's fields, with what is wrong with each, for a dialog with more above.
pub(super) fn item_rows(form: &Form, columns: usize, theme: &Theme) -> Vec<FormLine> {
    lines(form, columns, Density::Fields, theme)
}

/// Draws such lines from the top of a place on.
pub(super) fn draw_items(frame: &mut Frame<'_>, area: Rect, lines: Vec<FormLine>) {
    for (line, index) in lines.into_iter().zip(0..usize::from(area.height)) {
        let place = line_at(area, index);
        frame.render_widget(line.text, place);
        if let Some(column) = line.cursor {
            let x = column.min(usize::from(place.width).saturating_sub(1)) as u16;
            frame.set_cursor_position(Position {
                x: place.x + x,
                y: place.y,
            });
        }
    }
}

/// How much of a form is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Density {
    /// All of it, with blank lines between the fields.
    Airy,
    /// All of it.
    Dense,
    /// The field that has the keys, and the calls.
    Calls,
    /// The fields alone.
    Fields,
}

/// A line of the form.
pub(super) struct FormLine {
    text: Line<'static>,
    /// Whether it belongs to the field that has the keys.
    focused: bool,
    /// Where the text cursor is, in a field for text that has the keys.
    cursor: Option<usize>,
}

impl FormLine {
    fn plain(text: Line<'static>) -> Self {
        Self {
            text,
            focused: false,
            cursor: None,
        }
    }
}

fn lines(form: &Form, columns: usize, density: Density, theme: &Theme) -> Vec<FormLine> {
    let mut lines = Vec::new();
    if !matches!(density, Density::Calls | Density::Fields) {
        let preview = form.preview.iter();
        lines.extend(preview.flat_map(|preview| preview_lines(preview, columns, theme)));
        let budget = form.budget.iter();
        let bars = budget.flat_map(|budget| budget_lines(budget, columns, theme));
        lines.extend(bars.map(FormLine::plain));
        if !lines.is_empty() {
            lines.push(FormLine::plain(Line::default()));
        }
    }
    for (index, item) in form.items.iter().enumerate() {
        if density == Density::Calls && index != form.focus {
            continue;
        }
        lines.extend(item_lines(item, index == form.focus, columns, theme));
        let objection = form
            .objection(item.field)
            .filter(|_| item.field != Field::Whole);
        if let Some(objection) = objection {
            let text = wrapped(&objection.reason, columns.saturating_sub(LABEL));
            lines.extend(text.into_iter().map(|text| {
                let mut row = Row::new(theme.unicode);
                row.gap(LABEL).text(text, theme.critical);
                FormLine::plain(row.line())
            }));
        } else if density == Density::Airy {
            lines.push(FormLine::plain(Line::default()));
        }
    }
    for objection in form.other_objections().chain(whole_objection(form)) {
        let text = wrapped(&objection.reason, columns).into_iter();
        lines.extend(text.map(|text| FormLine::plain(Line::styled(text, theme.critical))));
    }
    if form.shows_calls && density != Density::Fields {
        lines.extend(call_lines(form, columns, theme));
    }
    lines
}

fn call_lines(form: &Form, columns: usize, theme: &Theme) -> Vec<FormLine> {
    let calls = form
        .checked
        .as_ref()
        .map(Operation::calls)
        .unwrap_or_default();
    let mut texts: Vec<String> = calls
        .iter()
        .map(ToString::to_string)
        .flat_map(|call| {
            let lines = wrapped(&call, columns.saturating_sub(2)).into_iter();
            let indent = |(index, line)| {
                if index == 0 {
                    line
                } else {
                    format!("  {line}")
                }
            };
            lines.enumerate().map(indent)
        })
        .collect();
    if texts.is_empty() {
        texts.push("the calls are known once everything is filled in".to_owned());
    }
    texts
        .into_iter()
        .map(|text| FormLine::plain(Line::styled(text, theme.dim)))
        .collect()
}

/// An objection to the whole, which forms with a confirmation have as a field without a name.
fn whole_objection(form: &Form) -> Option<&crate::domain::request::Objection> {
    form.objection(Field::Whole)
        .filter(|_| form.input(Field::Whole).is_some())
}

fn preview_lines(preview: &Preview, columns: usize, theme: &Theme) -> Vec<FormLine> {
    let style = match preview.weight {
        Weight::Plain => theme.text,
        Weight::Warning => theme.warning,
        Weight::Loss => theme.critical,
    };
    let mut lines = Vec::new();
    for (index, text) in wrapped(&preview.text, columns.saturating_sub(LABEL))
        .into_iter()
        .enumerate()
    {
        let mut row = Row::new(theme.unicode);
        row.gap(1)
            .left(
                if index == 0 { preview.label } else { "" },
                LABEL - 1,
                theme.dim,
            )
            .text(text, style);
        lines.push(FormLine::plain(row.line()));
    }
    lines
}

/// Draws a field: in one line, or in two where a long text is to be typed.
fn item_lines(item: &Item, focused: bool, columns: usize, theme: &Theme) -> Vec<FormLine> {
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

/// Draws what a project's budget will look like: a bar now, and how far it may grow.
fn budget_lines(budget: &Budget, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (index, row) in budget.rows.iter().enumerate() {
        let mut line = Row::new(theme.unicode);
        line.gap(1).left(
            if index == 0 { &budget.project } else { "" },
            LABEL - 1,
            theme.dim,
        );
        line.left(resource_label(row.now.resource), 10, theme.dim);
        let bar = columns
            .saturating_sub(LABEL + 10 + FORECAST + 1)
            .clamp(6, 30);
        push_growing_bar(
            &mut line,
            row.now.fraction.unwrap_or(0.0),
            row.then.fraction.unwrap_or(0.0),
            bar,
            (
                bar_style_of(row.now.tier, theme),
                bar_style_of(row.then.tier, theme),
            ),
            theme,
        );
        let bound = row.now.quota.bound().unwrap_or_default();
        let now = amount(row.now.used, theme.unicode);
        let then = amount(row.then.used, theme.unicode);
        let arrow = if theme.unicode { "→" } else { "->" };
        // A lower bound cannot be the most.
        let most = match row.then.used.certainty() {
            Certainty::Exact | Certainty::Estimated => "up to ",
            Certainty::AtLeast | Certainty::Unknown => "",
        };
        let text = if now == then {
            format!("{now} of {}", short(bound))
        } else {
            format!("{now} {arrow} {most}{then} of {}", short(bound))
        };
        let style = if row.worsens() {
            style_of(row.then.tier, theme)
        } else {
            theme.text
        };
        line.gap(1).right(&text, FORECAST, style);
        lines.push(line.line());
        if row.worsens() {
            let mut warning = Row::new(theme.unicode);
            let text = format!(
                "may take {} over its quota: {}",
                budget.project, row.then.tier
            );
            warning.gap(LABEL).text(
                fit(&text, columns.saturating_sub(LABEL), theme.unicode),
                style_of(row.then.tier, theme),
            );
            lines.push(warning.line());
        }
    }
    lines
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

const TYPE: &str = "type ";
/// The columns that the word beside a typed text needs, with the gap before it.
const HINT: usize = 17;

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
    let underline = Style::new().add_modifier(ratatui::style::Modifier::UNDERLINED);
    row.text(shown, style_of_typed.patch(underline))
        .text(" ".repeat(rest), underline);
    row.gap(3).text(hint, style);
}
