//! The list of brackets: name, age, guests, and whether each of them has it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::dialogs::BracketsDialog;
use crate::domain::bracket::{Bracket, Completeness};
use crate::domain::id::Vmid;
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, cursor_mark, dialog, fit, hint_line, line_at, push_bar, width};

const AGE: usize = 6;
const RAM: usize = 3;
const STATE: usize = 10;

pub(super) fn draw(
    frame: &mut Frame<'_>,
    list: &BracketsDialog,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let screen = frame.area();
    // Eight for the frame, the titles, what is said below, and the keys.
    let wanted = u16::try_from(list.brackets.len().max(2) + 8).unwrap_or(u16::MAX);
    let rows = wanted.min(screen.height.saturating_sub(4));
    let columns = screen.width.saturating_sub(6).min(110);
    let inner = dialog(frame, columns, rows, "Brackets", theme);
    let columns = usize::from(inner.width);
    let height = usize::from(inner.height).saturating_sub(6);
    viewport.page = height;
    draw_rows(frame, inner, list, state, height, theme);
    let below = inner.height.saturating_sub(4);
    if let Some(bracket) = list.brackets.get(list.row()) {
        put(frame, inner, below, guests_line(bracket, columns, theme));
    }
    put(frame, inner, below + 1, reading_line(list, columns, theme));
    let hints: &[(&str, &str)] = if list.brackets.is_empty() {
        &[("Esc", "close")]
    } else {
        &[
            ("Enter", "roll back"),
            ("d", "drop"),
            ("j k", "move"),
            ("Esc", "close"),
        ]
    };
    let keys = hint_line(hints, columns, theme);
    put(frame, inner, inner.height.saturating_sub(1), keys);
}

fn put(frame: &mut Frame<'_>, inner: Rect, row: u16, line: Line<'static>) {
    frame.render_widget(line, line_at(inner, usize::from(row)));
}

fn draw_rows(
    frame: &mut Frame<'_>,
    inner: Rect,
    list: &BracketsDialog,
    state: &State,
    height: usize,
    theme: &Theme,
) {
    let columns = usize::from(inner.width);
    if list.brackets.is_empty() {
        let text = if list.is_complete() {
            "No brackets. Mark guests with Space; b then takes one of them."
        } else {
            "No bracket so far."
        };
        let text = fit(text, columns, theme.unicode);
        return put(frame, inner, 1, Line::styled(text, theme.dim));
    }
    let names = list.brackets.iter().map(|it| width(&it.full_name()));
    let name = names.max().unwrap_or(0).clamp(8, (columns * 2 / 5).max(8));
    let mut titles = Row::new(theme.unicode);
    titles
        .gap(1)
        .left("BRACKET", name, theme.dim)
        .gap(2)
        .right("AGE", AGE, theme.dim)
        .gap(2)
        .left("RAM", RAM, theme.dim)
        .gap(2)
        .left("STATE", STATE, theme.dim)
        .gap(2)
        .text("GUESTS", theme.dim);
    put(frame, inner, 0, titles.line());
    let row = list.row();
    // The rows stay around the cursor, which is kept in the middle where that is possible.
    let first = row
        .saturating_sub(height / 2)
        .min(list.brackets.len().saturating_sub(height));
    let rows = list.brackets.iter().enumerate().skip(first).take(height);
    for (line, (index, bracket)) in rows.enumerate() {
        let at_cursor = index == row;
        let mut text = Row::new(theme.unicode);
        cursor_mark(&mut text, at_cursor, theme);
        let age = bracket
            .taken()
            .and_then(|taken| (state.server_time() - taken).to_std().ok());
        let age = age.map_or_else(|| "?".to_owned(), format::span);
        let ram = if bracket.has_ram() { "RAM" } else { "" };
        let (word, style) = completeness(bracket, theme);
        text.left(&bracket.full_name(), name, theme.strong)
            .gap(2)
            .right(&age, AGE, theme.text)
            .gap(2)
            .left(ram, RAM, theme.text)
            .gap(2)
            .left(word, STATE, style)
            .gap(2);
        let room = columns.saturating_sub(text.used());
        text.text(fit(&counts(bracket), room, theme.unicode), theme.text);
        let style = if at_cursor {
            theme.cursor
        } else {
            Style::new()
        };
        let text = text.fill(columns).line().style(style);
        put(frame, inner, 1 + line as u16, text);
    }
}

fn completeness(bracket: &Bracket, theme: &Theme) -> (&'static str, Style) {
    match bracket.completeness() {
        Completeness::Whole => ("whole", theme.ok),
        Completeness::Incomplete => ("incomplete", theme.warning),
        Completeness::Unknown => ("unknown", theme.stale),
    }
}

/// How many guests have it, and of how many.
fn counts(bracket: &Bracket) -> String {
    let (there, all) = (bracket.members.len(), bracket.vmids().len());
    let members = bracket.members.iter().map(|member| member.guest.vmid);
    let members = numbers(members);
    if there == all {
        format!("{all}: {members}")
    } else {
        format!("{there} of {all}: {members}")
    }
}

fn numbers(vmids: impl Iterator<Item = Vmid>) -> String {
    let numbers: Vec<String> = vmids.map(|vmid| vmid.to_string()).collect();
    numbers.join(" ")
}

/// The guests of the bracket under the cursor by name; who lacks it comes first.
fn guests_line(bracket: &Bracket, columns: usize, theme: &Theme) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    for (what, vmids, style) in [
        ("missing", &bracket.missing, theme.warning),
        ("unread", &bracket.unread, theme.stale),
    ] {
        if !vmids.is_empty() {
            let text = format!("{what} {}", numbers(vmids.iter().copied()));
            row.text(text, style).gap(2);
        }
    }
    let members = bracket.members.iter();
    let members: Vec<String> = members
        .map(|member| match &member.snapshot.unfinished {
            Some(state) => format!("{} unfinished ({state})", member.guest),
            None => member.guest.to_string(),
        })
        .collect();
    let room = columns.saturating_sub(row.used());
    row.text(fit(&members.join(", "), room, theme.unicode), theme.dim);
    row.line()
}

/// How far the looking is, or whom it could not see.
fn reading_line(list: &BracketsDialog, columns: usize, theme: &Theme) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    let (read, all) = list.progress;
    if !list.is_complete() {
        row.text(format!("looking at {all} guests  "), theme.text);
        let share = read as f64 / all.max(1) as f64;
        push_bar(&mut row, share, 20, theme.gauge, theme);
        row.text(format!("  {read}"), theme.text);
        return row.line();
    }
    if !list.unread.is_empty() {
        let unread = numbers(list.unread.iter().map(|guest| guest.vmid));
        let text = format!("not read, and perhaps of a bracket: {unread}");
        row.text(fit(&text, columns, theme.unicode), theme.warning);
    }
    row.line()
}
