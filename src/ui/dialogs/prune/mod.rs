//! The retention plan: each snapshot with its verdict and the reason.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::dialogs::PruneDialog;
use crate::domain::operation::Operation;
use crate::domain::retention::{Row as PlanRow, Verdict};
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, cursor_mark, dialog, fit, hint_line, push_bar, width};

const AGE: usize = 6;

pub(super) fn draw(
    frame: &mut Frame<'_>,
    prune: &PruneDialog,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let screen = frame.area();
    let rows = screen.height.saturating_sub(4);
    let inner = dialog(
        frame,
        screen.width.saturating_sub(6).min(110),
        rows,
        "Prune plan",
        theme,
    );
    let columns = usize::from(inner.width);
    let Some(plan) = &prune.plan else {
        return draw_reading(frame, inner, prune, theme);
    };
    let text = plan.policy().to_string();
    put(
        frame,
        inner,
        0,
        Line::styled(fit(&text, columns, theme.unicode), theme.dim),
    );
    let height = usize::from(inner.height).saturating_sub(7);
    viewport.page = height;
    draw_rows(frame, inner, prune, height, theme);
    let summary = fit(&plan.summary().to_string(), columns, theme.unicode);
    put(
        frame,
        inner,
        inner.height.saturating_sub(4),
        Line::styled(summary, theme.strong),
    );
    put(
        frame,
        inner,
        inner.height.saturating_sub(3),
        problem(prune, columns, theme),
    );
    draw_keys(frame, inner, prune, theme);
}

fn put(frame: &mut Frame<'_>, inner: Rect, row: u16, line: Line<'static>) {
    if row < inner.height {
        frame.render_widget(
            line,
            Rect {
                y: inner.y + row,
                height: 1,
                ..inner
            },
        );
    }
}

fn draw_reading(frame: &mut Frame<'_>, inner: Rect, prune: &PruneDialog, theme: &Theme) {
    let (read, all) = prune.progress();
    let mut row = Row::new(theme.unicode);
    row.text(
        format!("reading the snapshots of {all} managed guests  "),
        theme.text,
    );
    push_bar(
        &mut row,
        read as f64 / all.max(1) as f64,
        20,
        theme.gauge,
        theme,
    );
    row.text(format!("  {read}"), theme.text);
    put(frame, inner, 1, row.line());
    let hint = hint_line(&[("Esc", "nothing")], usize::from(inner.width), theme);
    put(frame, inner, inner.height.saturating_sub(1), hint);
}

fn draw_rows(
    frame: &mut Frame<'_>,
    inner: Rect,
    prune: &PruneDialog,
    height: usize,
    theme: &Theme,
) {
    let rows = prune.rows();
    if rows.is_empty() {
        return put(
            frame,
            inner,
            2,
            Line::styled("The managed guests have no snapshots.", theme.dim),
        );
    }
    let columns = usize::from(inner.width);
    let longest =
        |text: fn(&PlanRow) -> String| rows.iter().map(|row| width(&text(row))).max().unwrap_or(0);
    let guest = longest(|row| row.guest().to_string()).clamp(8, (columns / 5).max(8));
    let name = longest(|row| row.name().to_string()).clamp(8, (columns / 3).max(8));
    // The rows stay around the cursor, which is kept in the middle where that is possible.
    let first = prune
        .row
        .saturating_sub(height / 2)
        .min(rows.len().saturating_sub(height));
    let mut last_guest = None;
    for (line, (index, row)) in rows.iter().enumerate().skip(first).take(height).enumerate() {
        let at_cursor = index == prune.row;
        let mut text = Row::new(theme.unicode);
        cursor_mark(&mut text, at_cursor, theme);
        let same = last_guest == Some(row.guest().vmid);
        last_guest = Some(row.guest().vmid);
        let title = if same {
            String::new()
        } else {
            row.guest().to_string()
        };
        text.left(&title, guest, theme.strong).gap(2);
        let deletes = row.verdict() == Verdict::Delete;
        let mark = match (deletes, row.is_editable()) {
            (true, _) => "[x] ",
            (false, true) => "[ ] ",
            (false, false) => "    ",
        };
        let style = if deletes { theme.critical } else { theme.text };
        text.text(mark, style)
            .left(&row.name().to_string(), name, style)
            .gap(2);
        let age = row.age().map_or_else(|| "?".to_owned(), format::span);
        text.right(&age, AGE, theme.text).gap(2);
        let verdict = if deletes { "delete" } else { "keep" };
        let room = columns.saturating_sub(text.used() + 8);
        text.left(&row.reason().to_string(), room, theme.dim)
            .gap(1)
            .right(verdict, 6, style);
        let style = if at_cursor {
            theme.cursor
        } else {
            Style::new()
        };
        put(
            frame,
            inner,
            2 + line as u16,
            text.fill(columns).line().style(style),
        );
    }
}

/// What stands in the way of the plan, or what it leaves out.
fn problem(prune: &PruneDialog, columns: usize, theme: &Theme) -> Line<'static> {
    if let (Err(objections), true) = (&prune.checked, prune.count() > 0)
        && let Some(objection) = objections.first()
    {
        return Line::styled(
            fit(&objection.reason, columns, theme.unicode),
            theme.critical,
        );
    }
    if prune.shows_calls {
        let calls = prune
            .checked
            .as_ref()
            .map(Operation::calls)
            .unwrap_or_default();
        let first = calls.first().map(ToString::to_string).unwrap_or_default();
        let more = calls.len().saturating_sub(1);
        return Line::styled(
            fit(
                &format!("{first}   and {more} more"),
                columns,
                theme.unicode,
            ),
            theme.dim,
        );
    }
    let unread = prune.unread().count();
    if let Some((guest, failure)) = prune.unread().next() {
        let text = format!("{unread} not read and not in the plan: {guest}: {failure}");
        return Line::styled(fit(&text, columns, theme.unicode), theme.warning);
    }
    Line::default()
}

fn draw_keys(frame: &mut Frame<'_>, inner: Rect, prune: &PruneDialog, theme: &Theme) {
    let count = prune.count();
    let mut row = Row::new(theme.unicode);
    if count > 0 {
        row.text("type ", theme.text)
            .text(count.to_string(), theme.strong);
        row.text(format!(" to delete {count}   "), theme.text);
        let right = count.to_string().starts_with(prune.typed.value());
        row.text(
            prune.typed.value().to_owned(),
            if right { theme.strong } else { theme.critical },
        );
        if prune.is_confirmed() {
            row.text("  that is it", theme.ok);
        }
        let x = row.used().min(usize::from(inner.width).saturating_sub(1)) as u16;
        if !prune.is_confirmed() {
            let y = inner.y + inner.height.saturating_sub(2);
            frame.set_cursor_position(ratatui::layout::Position { x: inner.x + x, y });
        }
    } else {
        row.text("nothing is to be deleted", theme.ok);
    }
    put(frame, inner, inner.height.saturating_sub(2), row.line());
    let enter = if prune.is_confirmed() && prune.checked.is_ok() {
        "execute"
    } else {
        "(not yet)"
    };
    let hints = [
        ("Enter", enter),
        ("Space", "keep or not"),
        ("j k", "move"),
        ("x", "calls"),
        ("Esc", "nothing"),
    ];
    let keys = hint_line(&hints, usize::from(inner.width), theme);
    put(frame, inner, inner.height.saturating_sub(1), keys);
}
