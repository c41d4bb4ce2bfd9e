//! How a guest's console is reached.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::dialogs::ConsoleDialog;
use crate::ui::theme::Theme;
use crate::ui::widgets::{
    Row, cursor_mark, dialog, hint_line, line_from_bottom, reading_width, width, wrapped,
};

/// The width of the cursor's mark and the name of a way.
const NAME: usize = 12;

pub(super) fn draw(frame: &mut Frame<'_>, shown: &ConsoleDialog, theme: &Theme) {
    let columns = reading_width(frame.area());
    let inside = usize::from(columns).saturating_sub(4);
    let console = &shown.console;
    let web = shown.lacking.as_ref().map_or_else(
        || "in a browser that is signed in there".to_owned(),
        |needs| format!("in a browser that is signed in there; this account {needs}"),
    );
    let remarks = [
        web,
        "as root, where the node's name is known".to_owned(),
        format!("as root on {}; {}", console.node, console.remark),
    ];
    let mut lines = vec![Line::default()];
    for ((index, (name, text)), remark) in console.ways().into_iter().enumerate().zip(remarks) {
        let is_chosen = index == shown.cursor;
        let style = if is_chosen { theme.strong } else { theme.text };
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, is_chosen, theme);
        row.gap(1).left(name, NAME - 2, theme.dim);
        let pieces = pieces(text, inside.saturating_sub(NAME));
        lines.extend(beside(row, pieces, style, theme));
        let remark = wrapped(&remark, inside.saturating_sub(NAME));
        lines.extend(beside(Row::new(theme.unicode), remark, theme.dim, theme));
        lines.push(Line::default());
    }
    if console.is_off {
        let text = "It does not run; it has a console once it does.";
        lines.push(Line::styled(text, theme.warning));
    } else {
        lines.pop();
    }
    let rows = u16::try_from(lines.len() + 4).unwrap_or(u16::MAX);
    let title = format!("Console of {}", shown.guest);
    let inner = dialog(frame, columns, rows, &title, theme);
    let body = Rect {
        height: inner.height.saturating_sub(2),
        ..inner
    };
    frame.render_widget(Paragraph::new(lines), body);
    let hints = [("y", "copy"), ("j k", "choose"), ("Esc", "close")];
    let bottom = line_from_bottom(inner, 0);
    frame.render_widget(hint_line(&hints, usize::from(inner.width), theme), bottom);
}

/// Cuts an address or a command into lines, behind an `&` where it can; none of it may be lost.
fn pieces(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    for part in text.split_inclusive('&') {
        let used = lines.last().map_or(0, |line| width(line));
        if used > 0 && used + width(part) > columns {
            lines.push(String::new());
        }
        for letter in part.chars() {
            if lines.last().is_some_and(|line| width(line) >= columns) {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(letter);
            }
        }
    }
    lines
}

/// Writes lines into the second column, the first one behind what begins it.
fn beside(first: Row, texts: Vec<String>, style: Style, theme: &Theme) -> Vec<Line<'static>> {
    let mut first = Some(first);
    let lines = texts.into_iter().map(|text| {
        let mut row = first.take().unwrap_or_else(|| Row::new(theme.unicode));
        row.fill(NAME).text(text, style);
        row.line()
    });
    lines.collect()
}
