//! The form that takes a snapshot.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::app::State;
use crate::app::dialogs::{SnapshotClass, SnapshotField, SnapshotForm, TextField};
use crate::domain::request::{Field, Objection};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, dialog, fit, hint_line, width};

const LABEL: usize = 14;

pub(super) fn draw(frame: &mut Frame<'_>, form: &SnapshotForm, state: &State, theme: &Theme) {
    let target = form.target();
    let title = format!("Snapshot of {target} on {}", target.node);
    let inner = dialog(frame, 88, 16, &title, theme);
    let columns = usize::from(inner.width);
    let mut y = inner.y + 1;
    let mut put = |frame: &mut Frame<'_>, line: Line<'static>, skip: u16| {
        if y < inner.bottom() {
            frame.render_widget(
                line,
                Rect {
                    y,
                    height: 1,
                    ..inner
                },
            );
        }
        y += 1 + skip;
        y - 1 - skip
    };
    let focused = |field| form.focus == field;
    let name = label("name", focused(SnapshotField::Name), theme);
    let line = put(frame, text_line(name, &form.name, columns, theme), 0);
    cursor(frame, inner, line, &form.name, focused(SnapshotField::Name));
    put(frame, objection(form, Field::Name, theme), 0);

    let mut classes = label("kept as", focused(SnapshotField::Class), theme);
    for class in SnapshotClass::ORDER {
        let chosen = class == form.class;
        let mark = match (chosen, theme.unicode) {
            (true, true) => "◉ ",
            (false, true) => "○ ",
            (true, false) => "(*) ",
            (false, false) => "( ) ",
        };
        classes
            .text(
                format!("{mark}{}", class.as_str()),
                if chosen { theme.strong } else { theme.dim },
            )
            .gap(3);
    }
    put(frame, classes.line(), 1);

    let description = label("description", focused(SnapshotField::Description), theme);
    let line = put(
        frame,
        text_line(description, &form.description, columns, theme),
        0,
    );
    cursor(
        frame,
        inner,
        line,
        &form.description,
        focused(SnapshotField::Description),
    );
    put(frame, objection(form, Field::Description, theme), 0);

    let mut ram = label("memory", focused(SnapshotField::Ram), theme);
    match &form.ram_refusal {
        Some(reason) => ram.text(format!("[ ] {reason}"), theme.track),
        None => ram
            .text(if form.ram { "[x]" } else { "[ ]" }, theme.text)
            .text(" save the RAM too", theme.text),
    };
    put(frame, ram.line(), 1);

    for text in whole_objections(form) {
        put(
            frame,
            Line::styled(fit(&text, columns, theme.unicode), theme.critical),
            0,
        );
    }
    if form.shows_calls {
        let calls = form
            .checked
            .as_ref()
            .map(crate::domain::operation::Operation::calls)
            .unwrap_or_default();
        for call in calls {
            put(
                frame,
                Line::styled(fit(&call.to_string(), columns, theme.unicode), theme.dim),
                0,
            );
        }
    }
    let _ = state;
    let enter = if form.checked.is_ok() {
        "take it"
    } else {
        "(not yet)"
    };
    let hints = [
        ("Enter", enter),
        ("Tab", "next"),
        ("Ctrl-x", "calls"),
        ("Esc", "nothing"),
    ];
    let bottom = Rect {
        y: inner.bottom().saturating_sub(1),
        height: 1,
        ..inner
    };
    frame.render_widget(hint_line(&hints, columns, theme), bottom);
}

fn label(text: &str, focused: bool, theme: &Theme) -> Row {
    let mut row = Row::new(theme.unicode);
    let mark = if theme.unicode { "▌" } else { ">" };
    row.text(if focused { mark } else { " " }, theme.focus);
    row.left(
        text,
        LABEL - 1,
        if focused { theme.focus } else { theme.dim },
    );
    row
}

fn text_line(mut row: Row, field: &TextField, columns: usize, theme: &Theme) -> Line<'static> {
    row.text(
        fit(field.value(), columns.saturating_sub(LABEL), theme.unicode),
        theme.text,
    );
    row.line()
}

fn cursor(frame: &mut Frame<'_>, inner: Rect, y: u16, field: &TextField, focused: bool) {
    if !focused {
        return;
    }
    let before: String = field.value().chars().take(field.cursor()).collect();
    let x = (LABEL + width(&before)).min(usize::from(inner.width).saturating_sub(1)) as u16;
    frame.set_cursor_position(Position { x: inner.x + x, y });
}

fn objections(form: &SnapshotForm) -> &[Objection] {
    form.checked.as_ref().err().map_or(&[], Vec::as_slice)
}

fn objection(form: &SnapshotForm, field: Field, theme: &Theme) -> Line<'static> {
    let reason = objections(form)
        .iter()
        .find(|objection| objection.field == field);
    let mut row = Row::new(theme.unicode);
    row.gap(LABEL).text(
        reason
            .map(|objection| objection.reason.clone())
            .unwrap_or_default(),
        theme.critical,
    );
    row.line()
}

fn whole_objections(form: &SnapshotForm) -> Vec<String> {
    let whole = objections(form)
        .iter()
        .filter(|objection| matches!(objection.field, Field::Whole | Field::Ram));
    whole.map(ToString::to_string).collect()
}
