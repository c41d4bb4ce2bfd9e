//! The snapshot tree of the selected guest.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::state::Pane;
use crate::domain::inventory::LinkState;
use crate::domain::retention::{Reason, Verdict, judge};
use crate::domain::snapshot::{Joint, Snapshot, SnapshotList, TreeNode, TreeRow};
use crate::ui::format;
use crate::ui::panes::all_snapshots::size;
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
        (None, None) if matches!(state.link.state, LinkState::Down { .. }) => {
            let text = "Not read yet: the link is down.";
            frame.render_widget(message(text, theme.stale), inner);
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
    let columns = Columns::fit(usize::from(inner.width));
    let guest = state.selected_guest().map(|seen| &seen.guest);
    let managed = guest.is_some_and(|guest| state.setting.rules.selection.manages(guest));
    let reasons = if managed && columns.reason > 0 {
        judge(list, &state.setting.rules.retention, state.server_time())
    } else {
        Vec::new()
    };
    let facts = |snapshot: &Snapshot| {
        let place = list
            .snapshots
            .iter()
            .position(|it| it.name == snapshot.name);
        let reason = place.and_then(|place| reasons.get(place));
        let bound = guest.and_then(|guest| state.disk_sizes.bound(guest, snapshot));
        (reason, size(bound, theme))
    };
    let table = Table {
        inner,
        titles: columns.titles(theme),
        cursor: Some(state.snapshots.cursor_row(list)),
        shows_cursor: focused,
        offset: &mut viewport.snapshots,
    };
    let page = table.draw(frame, &tree, theme, |row, at_cursor| {
        let (reason, size) = match row.node {
            TreeNode::Snapshot(snapshot) => facts(snapshot),
            TreeNode::Present => (None, String::new()),
        };
        columns.line(row, (reason, &size), at_cursor, state, theme)
    });
    if focused {
        viewport.page = page;
    }
}

/// The widths of the columns; one without a place has none.
struct Columns {
    all: usize,
    name: usize,
    size: usize,
    reason: usize,
}

/// From this width on there is a place for size and reason.
const ROOMY: usize = 100;

impl Columns {
    fn fit(all: usize) -> Self {
        let roomy = all >= ROOMY;
        let share = if roomy { all * 3 / 10 } else { all * 2 / 5 };
        Self {
            all,
            name: share.clamp(16, 48),
            size: if roomy { 7 } else { 0 },
            reason: if roomy { (all / 5).clamp(22, 36) } else { 0 },
        }
    }

    fn titles(&self, theme: &Theme) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        row.gap(2).left("NAME", self.name, theme.dim).gap(1);
        row.left("WHEN", 11, theme.dim).gap(1);
        row.left("RAM", 4, theme.dim);
        if self.reason > 0 {
            row.right("SIZE", self.size, theme.dim).gap(2);
            row.left("RETENTION", self.reason, theme.dim).gap(1);
        }
        let room = self.all.saturating_sub(row.used());
        row.left("DESCRIPTION", room, theme.dim);
        row.line()
    }

    fn line(
        &self,
        row: &TreeRow<'_>,
        (reason, size): (Option<&Reason>, &str),
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
                line.left(&format!("{rails}you are here"), self.name, theme.accent);
            }
            TreeNode::Snapshot(snapshot) => {
                line.left(&format!("{rails}{}", snapshot.name), self.name, theme.text)
                    .gap(1);
                let when = snapshot.taken.map_or_else(
                    || "?".to_owned(),
                    |taken| format::ago(taken, state.server_time()),
                );
                line.left(&when, 11, theme.text).gap(1);
                line.left(if snapshot.has_ram { "RAM" } else { "" }, 4, theme.accent);
                if self.reason > 0 {
                    line.right(size, self.size, theme.dim).gap(2);
                    self.reason(&mut line, reason, theme);
                }
                if let Some(unfinished) = &snapshot.unfinished {
                    line.text(format!("unfinished ({unfinished})  "), theme.warning);
                }
                let room = self.all.saturating_sub(line.used());
                line.left(&snapshot.description.to_string(), room, theme.dim);
            }
        }
        line.fill(self.all);
        line.line()
    }

    /// Says what retention makes of a snapshot, and why.
    fn reason(&self, line: &mut Row, reason: Option<&Reason>, theme: &Theme) {
        let (text, style) = match reason {
            None => (String::new(), theme.dim),
            Some(reason) => match reason.verdict() {
                Verdict::Keep => (reason.to_string(), theme.dim),
                Verdict::Delete => (format!("delete: {reason}"), theme.critical),
            },
        };
        line.left(&text, self.reason, style).gap(1);
    }
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
