//! Ordered steps with their reasons: the value that is printed, shown and executed.

use std::fmt;

use super::guest::GuestRef;
use super::operation::{Call, deletion};
use super::retention::RetentionPlan;
use super::snapshot::Snapshot;

/// What will be done, guest by guest.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "a plan does nothing until it is executed"]
pub struct Plan {
    groups: Vec<Group>,
}

/// What will be done to one guest, one step after another.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The guest.
    pub guest: GuestRef,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

/// One step and why it is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub action: StepAction,
    /// Why, in a few words.
    pub reason: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepAction {
    /// Deletes a snapshot, which is as it was when the plan was made.
    DeleteSnapshot(Snapshot),
}

impl Step {
    /// Returns the write that it will send.
    pub fn call(&self, guest: &GuestRef) -> Call {
        match &self.action {
            StepAction::DeleteSnapshot(snapshot) => deletion(guest, snapshot),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            StepAction::DeleteSnapshot(snapshot) => {
                write!(formatter, "delete {}: {}", snapshot.name, self.reason)
            }
        }
    }
}

impl Plan {
    /// Makes a plan of what an edited retention plan deletes, within a guest the oldest first.
    pub(super) fn of_deletions(retention: &RetentionPlan) -> Self {
        let groups = retention.deletions().into_iter().map(|deletions| Group {
            guest: deletions.guest.clone(),
            steps: deletions
                .rows
                .into_iter()
                .map(|row| Step {
                    action: StepAction::DeleteSnapshot(row.snapshot().clone()),
                    reason: row.reason().to_string(),
                })
                .collect(),
        });
        Self {
            groups: groups.collect(),
        }
    }

    /// Returns the guests with their steps.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Counts the steps.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.steps.len()).sum()
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
