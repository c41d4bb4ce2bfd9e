//! The projects with their budgets, and where the cursor is.

use super::effect::Effect;
use super::state::{Pane, State};
use crate::domain::project::Resource;
use crate::domain::quota::ResourceUsage;
use crate::domain::usage::{ProjectStanding, Projection};

/// A line of the view: a project and one resource of its budget; none for a project without budget.
#[derive(Debug, Clone, Copy)]
pub struct ProjectRow<'a> {
    /// The project.
    pub standing: &'a ProjectStanding,
    /// Its use of a resource that has a quota, and what that will come to.
    pub resource: Option<(&'a ResourceUsage, &'a Projection)>,
    /// Whether it is the project's first line.
    pub is_first: bool,
}

/// The cursor among the projects.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProjectPane {
    cursor: Option<(String, Option<Resource>)>,
    row: usize,
}

impl ProjectPane {
    /// Returns the row of the cursor.
    pub fn cursor_row(&self, rows: &[ProjectRow<'_>]) -> Option<usize> {
        let wanted = |row: &ProjectRow<'_>| {
            self.cursor.as_ref().is_some_and(|(project, resource)| {
                row.standing.project == *project && *resource == resource_of(row)
            })
        };
        let found = rows.iter().position(wanted);
        found.or_else(|| rows.len().checked_sub(1).map(|last| self.row.min(last)))
    }

    /// Puts the cursor on a project's resource.
    pub(super) fn select(&mut self, project: String, resource: Resource) {
        self.cursor = Some((project, Some(resource)));
    }
}

fn resource_of(row: &ProjectRow<'_>) -> Option<Resource> {
    row.resource.map(|(usage, _)| usage.resource)
}

/// Makes the lines of all projects, in the order of the config.
pub fn rows(standings: &[ProjectStanding]) -> Vec<ProjectRow<'_>> {
    let mut rows = Vec::new();
    for standing in standings {
        let bounded = standing
            .usage
            .iter()
            .zip(&standing.ahead)
            .filter(|(usage, _)| usage.quota.bound().is_some());
        let before = rows.len();
        rows.extend(bounded.map(|(usage, ahead)| ProjectRow {
            standing,
            resource: Some((usage, ahead)),
            is_first: false,
        }));
        if rows.len() == before {
            rows.push(ProjectRow {
                standing,
                resource: None,
                is_first: false,
            });
        }
        if let Some(first) = rows.get_mut(before) {
            first.is_first = true;
        }
    }
    rows
}

impl State {
    /// Returns the line under the cursor.
    pub fn selected_project(&self) -> Option<&ProjectStanding> {
        let rows = rows(self.usage.standings());
        let row = rows.get(self.projects.cursor_row(&rows)?)?;
        Some(row.standing)
    }

    pub(super) fn move_among_projects(&mut self, moved: isize) {
        let rows = rows(self.usage.standings());
        let Some(row) = self.projects.cursor_row(&rows) else {
            return;
        };
        let row = row.saturating_add_signed(moved).min(rows.len() - 1);
        let cursor = rows
            .get(row)
            .map(|row| (row.standing.project.clone(), resource_of(row)));
        self.projects = ProjectPane { cursor, row };
    }

    /// Shows the guests of the project under the cursor.
    pub(super) fn open_project(&mut self, effects: &mut Vec<Effect>) {
        let Some(project) = self.selected_project() else {
            return;
        };
        let filter = format!("project:{}", project.project);
        self.guests.set_filter(&filter);
        self.focus = Pane::Guests;
        self.zoomed = false;
        self.rows_changed(effects);
    }
}
