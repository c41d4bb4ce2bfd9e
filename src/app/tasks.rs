//! The list of tasks, and where the cursor is.

use crate::domain::task::{Task, Upid};

/// The pane's state; the cursor is a task, never a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskPane {
    cursor: Option<Upid>,
    row: usize,
}

impl TaskPane {
    /// Returns the tasks in the order in which they are shown: running ones first, then by start.
    pub fn ordered(tasks: &[Task]) -> Vec<&Task> {
        let mut ordered: Vec<&Task> = tasks.iter().collect();
        // The list comes newest first, and the sort is stable.
        ordered.sort_by_key(|task| !task.state.is_running());
        ordered
    }

    /// Returns the row of the cursor.
    pub fn cursor_row(&self, ordered: &[&Task]) -> Option<usize> {
        let found = ordered
            .iter()
            .position(|task| Some(&task.upid) == self.cursor.as_ref());
        found.or_else(|| ordered.len().checked_sub(1).map(|last| self.row.min(last)))
    }

    /// Returns the task under the cursor.
    pub fn selected<'a>(&self, tasks: &'a [Task]) -> Option<&'a Task> {
        let ordered = Self::ordered(tasks);
        ordered.get(self.cursor_row(&ordered)?).copied()
    }

    pub(super) fn move_by(&mut self, tasks: &[Task], rows: isize) {
        let ordered = Self::ordered(tasks);
        let Some(row) = self.cursor_row(&ordered) else {
            return;
        };
        self.row = row.saturating_add_signed(rows).min(ordered.len() - 1);
        self.cursor = ordered.get(self.row).map(|task| task.upid.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::task::TaskState;

    fn task(number: u32, running: bool) -> Task {
        Task {
            upid: format!(
                "UPID:pve1:0000{number:04X}:00000001:6B0460F{number:X}:qmstart:101:ops@pve:"
            )
            .parse()
            .unwrap(),
            ended: None,
            state: if running {
                TaskState::Running
            } else {
                TaskState::Ok
            },
        }
    }

    #[test]
    fn the_cursor_stays_on_its_task_when_others_come_and_end() {
        let mut pane = TaskPane::default();
        let before = [task(3, true), task(2, false), task(1, true)];
        pane.move_by(&before, 1);
        assert_eq!(
            pane.selected(&before).map(|task| &task.upid),
            Some(&before[2].upid),
            "running ones come first"
        );
        let after = [
            task(4, true),
            task(3, false),
            task(2, false),
            task(1, false),
        ];
        assert_eq!(
            pane.selected(&after).map(|task| &task.upid),
            Some(&after[3].upid)
        );
        assert_eq!(pane.selected(&[]), None);
    }
}
