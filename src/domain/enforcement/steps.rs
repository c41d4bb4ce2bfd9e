//! The plan as a value: steps in order, each with its reason, and the guests that are left alone.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::guest::{GuestRef, Status};
use crate::domain::notification::TierChange;
use crate::domain::project::Project;
use crate::domain::quota::{ResourceUsage, Tier};
use crate::domain::text::Text;
use crate::domain::throttle::{Found, Marker};

/// What is to be done, project by project.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a plan does nothing until it is executed"]
pub struct EnforcementPlan {
    pub(super) time: DateTime<Utc>,
    pub(super) projects: Vec<ProjectPlan>,
}

impl EnforcementPlan {
    /// Returns when it was made, by the server's clock.
    pub const fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// Returns the projects in the order of the config, those without steps too.
    pub fn projects(&self) -> &[ProjectPlan] {
        &self.projects
    }

    /// Iterates over all steps with their projects, in the order in which they are taken.
    pub fn steps(&self) -> impl Iterator<Item = (&ProjectPlan, &Step)> {
        let of = |project| move |step| (project, step);
        self.projects
            .iter()
            .flat_map(move |project| project.steps.iter().map(of(project)))
    }

    /// Iterates over the guests that are shut down.
    pub fn shutdowns(&self) -> impl Iterator<Item = &Shutdown> {
        self.steps().filter_map(|(_, step)| match &step.action {
            Action::Shutdown(shutdown) => Some(shutdown),
            Action::Warn | Action::Throttle(_) | Action::Unthrottle | Action::Notify(_) => None,
        })
    }

    /// Counts the steps that change something or tell somebody; a warning only stands there.
    pub fn len(&self) -> usize {
        let is_deed = |step: &Step| !matches!(step.action, Action::Warn);
        self.steps().filter(|(_, step)| is_deed(step)).count()
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is to be done about one project.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectPlan {
    pub(super) project: Project,
    pub(super) usage: Vec<ResourceUsage>,
    pub(super) tier: Option<Tier>,
    pub(super) found: Option<Found>,
    pub(super) change: Option<TierChange>,
    pub(super) steps: Vec<Step>,
    pub(super) left_alone: Vec<LeftAlone>,
    pub(super) notes: Vec<String>,
}

impl ProjectPlan {
    /// Returns the project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Returns its use beside its budget, as the plan saw it.
    pub fn usage(&self) -> &[ResourceUsage] {
        &self.usage
    }

    /// Returns the tier of its use, where it was judged.
    pub const fn tier(&self) -> Option<Tier> {
        self.tier
    }

    /// Returns the throttle as the plan saw it, where it could be read.
    pub const fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// Returns what people are told, where there is something new to tell.
    pub const fn change(&self) -> Option<TierChange> {
        self.change
    }

    /// Returns the steps in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the guests that an emergency would concern and that are left alone.
    pub fn left_alone(&self) -> &[LeftAlone] {
        &self.left_alone
    }

    /// Returns what a person should know, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn step(&mut self, action: Action, reason: impl Into<String>) {
        let reason = reason.into();
        self.steps.push(Step { action, reason });
    }
}

/// One step and why it is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Why, in a few words.
    pub reason: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Nothing but a line in the log; the alert stands by itself.
    Warn,
    /// Writes the throttle into the pool's comment, in the place of one that is there.
    Throttle(Marker),
    /// Takes the throttle out of the pool's comment.
    Unthrottle,
    /// Shuts a guest down.
    Shutdown(Shutdown),
    /// Tells these channels of the new tier and of what was done.
    Notify(Vec<String>),
}

impl Action {
    /// Returns the word under which `--json` and the audit log name it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Throttle(_) => "throttle",
            Self::Unthrottle => "unthrottle",
            Self::Shutdown(_) => "shutdown",
            Self::Notify(_) => "notify",
        }
    }

    /// Returns the guest, where it is about one.
    pub const fn guest(&self) -> Option<&GuestRef> {
        match self {
            Self::Shutdown(shutdown) => Some(&shutdown.guest),
            Self::Warn | Self::Throttle(_) | Self::Unthrottle | Self::Notify(_) => None,
        }
    }
}

/// The shutdown of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shutdown {
    /// The guest.
    pub guest: GuestRef,
    /// Which snapshot is taken first.
    pub snapshot: SnapshotFirst,
    /// Whether high availability manages it, which is then only asked.
    pub ha_managed: bool,
    /// A process that began after this is not the one that the plan is about.
    pub began_before: DateTime<Utc>,
}

/// The snapshot before a shutdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotFirst {
    /// One with memory.
    Ram,
    /// One of the disks alone.
    Disks,
    /// None, for this reason.
    None(String),
}

impl fmt::Display for SnapshotFirst {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ram => formatter.write_str("snapshot with RAM first"),
            Self::Disks => formatter.write_str("snapshot first"),
            Self::None(reason) => write!(formatter, "no snapshot: {reason}"),
        }
    }
}

/// A guest of a project in an emergency that is not shut down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// The guest.
    pub guest: GuestRef,
    /// Why.
    pub why: Why,
}

/// Why a guest is left alone in an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is a template.
    Template,
    /// It does not run, but does this.
    NotRunning(Status),
    /// Its node does not answer for it.
    Silent,
    /// The config's selection does not pick it.
    Unmanaged,
    /// It carries this critical tag.
    Critical(Text),
    /// It carries this lock.
    Locked(Text),
    /// A task of this type works on it.
    AtWork(String),
    /// High availability was asked already, and takes its time.
    Requested,
    /// Somebody started it at this time, after the emergency was marked.
    Restarted(DateTime<Utc>),
    /// Whether somebody started it after the emergency was marked is not known.
    UnknownStart,
    /// So many others are shut down before it, and a plan shuts down no more.
    BeyondLimit(usize),
}

impl Why {
    /// Tells whether the guest goes on running although the emergency means it.
    pub const fn is_spared(&self) -> bool {
        match self {
            Self::Template | Self::NotRunning(_) => false,
            Self::Silent
            | Self::Unmanaged
            | Self::Critical(_)
            | Self::Locked(_)
            | Self::AtWork(_)
            | Self::Requested
            | Self::Restarted(_)
            | Self::UnknownStart
            | Self::BeyondLimit(_) => true,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template => formatter.write_str("a template"),
            Self::NotRunning(status) => write!(formatter, "not running but {status}"),
            Self::Silent => formatter.write_str("its node does not answer"),
            Self::Unmanaged => formatter.write_str("not managed"),
            Self::Critical(tag) => write!(formatter, "critical (tag {tag})"),
            Self::Locked(lock) => write!(formatter, "locked ({lock})"),
            Self::AtWork(task) => write!(formatter, "a task of it is running ({task})"),
            Self::Requested => formatter.write_str("its shutdown is requested already"),
            Self::Restarted(time) => write!(
                formatter,
                "restarted at {}, after the emergency was marked",
                time.to_rfc3339_opts(SecondsFormat::Secs, true)
            ),
            Self::UnknownStart => formatter
                .write_str("whether it was restarted after the emergency was marked is not known"),
            Self::BeyondLimit(most) => {
                write!(formatter, "beyond the {most} shutdowns of one run")
            }
        }
    }
}
