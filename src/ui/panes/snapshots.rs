//! The snapshot tree of the selected guest.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::state::Pane;
use crate::domain::snapshot::{Joint, SnapshotList, TreeNode, TreeRow};
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, Table, cursor_mark, fit, pane};

pub(in crate::ui) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let focused = state.focus == Pane::Snapshots;
    let Some(seen) = state.selected_guest() else {
        pane(frame, area, "Snapshots", "", focused, theme);
        return;
    };
    let remote = state.snapshots.of(seen.guest.vmid);
    let list = remote.and_then(|remote| remote.value());
    let note = match remote {
        Some(remote) if remote.failure().is_some() && list.is_some() => {
            "could not be read again".to_owned()
        }
        Some(remote) => remote.answer().map_or_else(String::new, |answer| {
            let age = format::span(state.now.moment.since(answer.read));
            format!("{} · read {age:>3} ago", answer.value.snapshots.len())
        }),
        None => String::new(),
    };
    let title = format!("Snapshots of {}", seen.guest.to_ref());
    let inner = pane(frame, area, &title, &note, focused, theme);
    let message = |text: &str, style: Style| {
        Line::styled(fit(text, usize::from(inner.width), theme.unicode), style)
    };
    match (list, remote.and_then(|remote| remote.failure())) {
        (Some(list), _) => draw_tree(frame, inner, list, state, theme, viewport),
        (None, Some(failure)) => {
            frame.render_widget(message(&failure.to_string(), theme.warning), inner);
        }
        (None, None) => frame.render_widget(message("Reading…", theme.dim), inner),
    }
}

fn draw_tree(
    frame: &mut Frame<'_>,
    inner: Rect,
    list: &SnapshotList,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let focused = state.focus == Pane::Snapshots;
    let tree = list.tree();
    let columns = usize::from(inner.width);
    let name = (columns * 2 / 5).clamp(16, 48);
    let mut titles = Row::new(theme.unicode);
    titles
        .gap(2)
        .left("NAME", name, theme.dim)
        .gap(1)
        .left("WHEN", 11, theme.dim)
        .gap(1)
        .left("RAM", 4, theme.dim);
    titles.left(
        "DESCRIPTION",
        columns.saturating_sub(titles.used()),
        theme.dim,
    );
    let table = Table {
        inner,
        titles: titles.line(),
        cursor: Some(state.snapshots.cursor_row(list)),
        shows_cursor: focused,
        offset: &mut viewport.snapshots,
    };
    let page = table.draw(frame, &tree, theme, |row, at_cursor| {
        tree_line(row, columns, name, at_cursor, state, theme)
    });
    if focused {
        viewport.page = page;
    }
}

fn tree_line(
    row: &TreeRow<'_>,
    columns: usize,
    name: usize,
    at_cursor: bool,
    state: &State,
    theme: &Theme,
) -> Line<'static> {
    let mut line = Row::new(theme.unicode);
    cursor_mark(&mut line, at_cursor, theme);
    line.gap(1);
    let rails = rails(row, theme.unicode);
    match row.node {
        TreeNode::Present => {
            line.left(&format!("{rails}you are here"), name, theme.accent);
        }
        TreeNode::Snapshot(snapshot) => {
            line.left(&format!("{rails}{}", snapshot.name), name, theme.text)
                .gap(1);
            let when = snapshot.taken.map_or_else(
                || "?".to_owned(),
                |taken| format::ago(taken, state.now.wall),
            );
            line.left(&when, 11, theme.text).gap(1);
            line.left(if snapshot.has_ram { "RAM" } else { "" }, 4, theme.accent);
            if let Some(unfinished) = &snapshot.unfinished {
                line.text(format!("unfinished ({unfinished})  "), theme.warning);
            }
            let room = columns.saturating_sub(line.used());
            line.left(&snapshot.description.to_string(), room, theme.dim);
        }
    }
    line.fill(columns);
    line.line()
}

/// Draws the lines that run beside a row, and the knot at its own place.
fn rails(row: &TreeRow<'_>, unicode: bool) -> String {
    let (rail, branch, knot, present) = if unicode {
        ("│ ", "├─", "○ ", "● ")
    } else {
        ("| ", "+-", "o ", "* ")
    };
    let mut rails = String::new();
    // Nobody reads a tree deeper than this; the name is more useful than more rails.
    let depth = row.depth.min(12);
    let own = usize::from(row.joint == Joint::Branches && depth > 0);
    rails.push_str(&rail.repeat(depth - own));
    rails.push_str(&branch.repeat(own));
    rails.push_str(if row.node == TreeNode::Present {
        present
    } else {
        knot
    });
    rails
}
