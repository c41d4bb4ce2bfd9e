//! What the projects use of their budgets, for commands that need it once.

use super::connect::Session;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use crate::domain::alert::ProjectUse;
use crate::domain::failure::Failure;
use crate::domain::quota;

/// What was read of the projects' use.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    projects: Vec<ProjectUse>,
    unread: Vec<(String, Failure)>,
}

impl Budgets {
    /// Reads what the projects use.
    pub(super) async fn read(
        _session: &Session,
        setup: &Setup,
        reading: &Reading,
        _output: &Output,
    ) -> Self {
        let projects = &setup.rules.projects;
        let used = projects.iter().map(|project| {
            let usage = quota::usage(project, projects.members(project, &reading.guests));
            ProjectUse {
                project: project.name().to_owned(),
                window: project.window,
                projected: usage.iter().map(|_| None).collect(),
                usage,
            }
        });
        Self {
            projects: used.collect(),
            unread: Vec::new(),
        }
    }

    /// Returns what each project uses, in the order of the config.
    pub(super) fn projects(&self) -> &[ProjectUse] {
        &self.projects
    }

    /// Returns what could not be read, and why.
    pub(super) fn unread(&self) -> &[(String, Failure)] {
        &self.unread
    }
}
