//! Any form: its preview, its fields, what is wrong with them, and what Enter would do.

mod budget;
mod fields;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use self::budget::budget_lines;
use self::fields::item_lines;
use crate::app::dialogs::{Form, Input, Preview, Weight};
use crate::domain::operation::Operation;
use crate::domain::request::{Field, Objection};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, dialog, hint_line, line_at, line_from_bottom, wrapped};

pub(super) const LABEL: usize = 14;
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
fn whole_objection(form: &Form) -> Option<&Objection> {
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
