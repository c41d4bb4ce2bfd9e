//! Running and recent tasks of the whole cluster.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::State;
use crate::app::state::Pane;
use crate::app::tasks::TaskPane;
use crate::domain::task::{Task, TaskState};
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, Table, cursor_mark, message, pane, push_bar, width};

pub(in crate::ui) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let source = &state.inventory.tasks;
    let running = state
        .known_tasks()
        .iter()
        .filter(|task| task.state.is_running())
        .count();
    let note = match (&source.answer, &source.failure) {
        (Some(_), Some(failure)) => {
            format!("could not be read again: {}", failure.value.kind.headline())
        }
        (Some(answer), None) => {
            let age = format::span(state.now.moment.since(answer.read));
            format!("{running} running · read {age:>3} ago")
        }
        (None, _) => String::new(),
    };
    let inner = pane(
        frame,
        area,
        "Tasks",
        &note,
        state.focus == Pane::Tasks,
        theme,
    );
    match (source.value(), &source.failure) {
        (None, Some(failure)) => {
            return message(
                frame,
                inner,
                &failure.value.to_string(),
                failure.value.advised(),
                theme,
            );
        }
        (None, None) => return message(frame, inner, "Reading…", "", theme),
        (Some(tasks), _) if tasks.is_empty() => {
            // A token without the privilege gets an empty list and no reason (PITFALLS 10).
            let advice = "An API token sees the cluster's tasks only with Sys.Audit on /.";
            return message(frame, inner, "No tasks.", advice, theme);
        }
        (Some(_), _) => {}
    }
    let ordered = TaskPane::ordered(state.known_tasks());
    let cursor = state.tasks.cursor_row(&ordered);
    let columns = Columns::fit(usize::from(inner.width), &ordered);
    let table = Table {
        inner,
        titles: columns.titles(theme),
        cursor,
        shows_cursor: true,
        offset: &mut viewport.tasks,
    };
    viewport.page = table.draw(frame, &ordered, theme, |task, at_cursor| {
        columns.line(task, state, at_cursor, theme)
    });
}

struct Columns {
    all: usize,
    subject: usize,
    user: usize,
    node: usize,
}

const START: usize = 11;
const TOOK: usize = 9;
const KIND: usize = 14;

impl Columns {
    fn fit(all: usize, tasks: &[&Task]) -> Self {
        let node = tasks
            .iter()
            .map(|task| width(task.upid.node().as_str()))
            .max()
            .unwrap_or(4)
            .clamp(4, 10);
        let free = all.saturating_sub(3 + START + 1 + TOOK + 2 + KIND + 1 + node + 2);
        // On a narrow screen the guest and the result are worth more than who asked.
        let user = if free < 60 { 0 } else { (free / 5).min(22) };
        Self {
            all,
            subject: ((free - user) * 2 / 5).clamp(6, 28),
            user,
            node,
        }
    }

    fn titles(&self, theme: &Theme) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        row.gap(3)
            .left("STARTED", START, theme.dim)
            .gap(1)
            .right("TOOK", TOOK, theme.dim)
            .gap(2);
        row.left("TASK", KIND, theme.dim)
            .gap(1)
            .left("ON", self.subject, theme.dim)
            .gap(1);
        row.left("NODE", self.node, theme.dim)
            .gap(1)
            .left(if self.user > 0 { "BY" } else { "" }, self.user, theme.dim)
            .gap(1)
            .text("RESULT", theme.dim);
        row.line()
    }

    fn line(&self, task: &Task, state: &State, at_cursor: bool, theme: &Theme) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, at_cursor, theme);
        let (glyph, ascii, style) = match &task.state {
            TaskState::Running => ("◐", "~", theme.accent),
            TaskState::Ok => ("✓", "+", theme.ok),
            TaskState::Warnings(_) => ("△", "-", theme.warning),
            TaskState::Interrupted(_) => ("○", "o", theme.warning),
            TaskState::Failed(_) => ("✗", "x", theme.critical),
            TaskState::Unexpected => ("◌", "?", theme.critical),
        };
        row.text(if theme.unicode { glyph } else { ascii }, style)
            .gap(1);
        let now = state.server_time();
        row.left(&format::ago(task.upid.started(), now), START, theme.text)
            .gap(1);
        let took = (task.ended.unwrap_or(now) - task.upid.started())
            .to_std()
            .unwrap_or_default();
        row.right(&format::elapsed(took), TOOK, theme.dim).gap(2);
        row.left(task.upid.kind(), KIND, theme.text).gap(1);
        row.left(&subject(task, state), self.subject, theme.strong)
            .gap(1);
        row.left(task.upid.node().as_str(), self.node, theme.dim)
            .gap(1);
        row.left(task.upid.user(), self.user, theme.dim).gap(1);
        let room = self.all.saturating_sub(row.used());
        match state.jobs.of_task(&task.upid).and_then(|job| job.fraction) {
            Some(fraction) => {
                row.right(&format::percent(fraction), 4, theme.text).gap(1);
                push_bar(
                    &mut row,
                    fraction,
                    room.saturating_sub(6).min(20),
                    theme.gauge,
                    theme,
                );
            }
            None => {
                row.left(&task.state.to_string(), room, style);
            }
        }
        row.fill(self.all).line()
    }
}

/// Names what a task works on; a guest with its name where it is known.
fn subject(task: &Task, state: &State) -> String {
    let guest = task
        .upid
        .vmid()
        .and_then(|vmid| state.inventory.resources.value()?.guest(vmid));
    guest.map_or_else(
        || task.upid.id().to_owned(),
        |seen| seen.guest.to_ref().to_string(),
    )
}
