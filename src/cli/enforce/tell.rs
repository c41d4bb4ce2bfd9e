//! The plan and what came of it, for people and for programs.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::is_idle;
use crate::cli::document::Document;
use crate::cli::execute::Watched;
use crate::cli::output::Output;
use crate::cli::table::{Side, Table};
use crate::domain::enforcement::{Action, EnforcementPlan, ProjectPlan, Step};
use crate::domain::operation::{Enforced, Product};
use crate::domain::task::Upid;
use crate::domain::text::Text;

/// A project that `--auto` may not act on, and why.
pub(super) struct Held {
    plan: ProjectPlan,
    reason: String,
}

impl Held {
    pub(super) fn new(plan: &ProjectPlan, reason: String) -> Self {
        Self {
            plan: plan.clone(),
            reason,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.plan.project().name()
    }

    /// Tells whether there is nothing that could be held back.
    pub(super) fn is_idle(&self) -> bool {
        is_idle(&self.plan)
    }
}

/// A step as `proxdeck.enforce/1` shows it; `null` does not apply.
#[derive(Debug, Serialize)]
struct Row<'a> {
    project: &'a str,
    action: &'static str,
    vmid: Option<u32>,
    name: Option<&'a str>,
    node: Option<&'a str>,
    reason: &'a str,
    /// What came of it; absent where nothing was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upid: Option<&'a str>,
    /// Why it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    /// How many steps change something or tell somebody.
    steps: usize,
    shutdowns: usize,
    left_alone: Vec<LeftAloneRow<'a>>,
    /// The projects that may not be acted on with nobody looking.
    held_back: Vec<NoteRow<'a>>,
    notes: Vec<NoteRow<'a>>,
}

#[derive(Debug, Serialize)]
struct LeftAloneRow<'a> {
    project: &'a str,
    vmid: u32,
    name: Option<&'a str>,
    node: &'a str,
    reason: String,
}

#[derive(Debug, Serialize)]
struct NoteRow<'a> {
    /// Absent where it is about all of them.
    project: Option<&'a str>,
    reason: &'a str,
}

/// The plan, what is held back, and what came of it.
pub(super) struct Told<'a> {
    plan: &'a EnforcementPlan,
    held: Vec<Held>,
    /// What came of the steps, in their order.
    enforced: Vec<Enforced>,
    /// What else a person should know of the execution.
    notes: Vec<String>,
    /// The tasks that go on although nobody watches.
    left: Vec<Upid>,
    was_left: bool,
}

impl<'a> Told<'a> {
    pub(super) fn new(plan: &'a EnforcementPlan, held: Vec<Held>) -> Self {
        Self {
            plan,
            held,
            enforced: Vec::new(),
            notes: Vec::new(),
            left: Vec::new(),
            was_left: false,
        }
    }

    /// Takes in what came of the plan.
    pub(super) fn carried(&mut self, watched: &Watched) {
        match watched {
            Watched::Ended(report) | Watched::Stopped(report) => {
                if let Some(Product::Enforced(enforced)) = &report.product {
                    self.enforced.clone_from(enforced);
                } else {
                    // Refused as a whole, as nothing that was begun is.
                    let failure = report.outcome.failure();
                    self.notes.extend(failure.map(ToString::to_string));
                }
                self.notes.extend(report.notes.iter().cloned());
            }
            Watched::Left(tasks) => {
                self.left.clone_from(tasks);
                self.was_left = true;
            }
        }
    }

    fn projects(&self) -> impl Iterator<Item = &ProjectPlan> {
        let held = self.held.iter().map(|held| &held.plan);
        self.plan.projects().iter().chain(held)
    }

    fn steps(&self) -> impl Iterator<Item = (&ProjectPlan, &Step)> {
        let of = |project| move |step| (project, step);
        self.projects()
            .flat_map(move |project| project.steps().iter().map(of(project)))
    }

    /// Tells whether the plan says something and does nothing.
    pub(super) fn only_warns(&self) -> bool {
        self.plan.is_empty() && self.plan.steps().count() > 0
    }

    /// Prints the plan for people.
    pub(super) fn tell(&self, output: &Output) {
        let mut table = Table::new([
            ("PROJECT", Side::Left),
            ("ACTION", Side::Left),
            ("VMID", Side::Right),
            ("NAME", Side::Left),
            ("REASON", Side::Left),
        ]);
        let mut is_empty = true;
        for (project, step) in self.steps() {
            is_empty = false;
            let guest = step.action.guest();
            let name = guest.map(|guest| guest.name.as_ref().map(ToString::to_string));
            table.push([
                project.project().name().to_owned(),
                step.action.as_str().to_owned(),
                guest.map_or_else(|| "-".to_owned(), |guest| guest.vmid.to_string()),
                name.map_or_else(
                    || "-".to_owned(),
                    |name| name.unwrap_or_else(|| "?".to_owned()),
                ),
                reason(step),
            ]);
        }
        if is_empty {
            output
                .line("nothing to do: no project is over its quota, and none is throttled for it");
        } else {
            output.line(table);
        }
        for project in self.projects() {
            let name = project.project().name();
            for left in project.left_alone() {
                output.line(format_args!(
                    "{name}: {} is left alone: {}",
                    left.guest, left.why
                ));
            }
            for note in project.notes() {
                output.note(format_args!("{name}: {note}"));
            }
        }
        for held in &self.held {
            output.note(format_args!(
                "{}: not acted on: {}",
                held.name(),
                held.reason
            ));
        }
    }

    /// Says for people what came of each step: what was done on stdout, what was not on stderr.
    pub(super) fn tell_carried(&self, output: &Output) {
        for step in &self.enforced {
            let what = match &step.guest {
                Some(guest) => format!("{}: {} {guest}", step.project, step.action),
                None => format!("{}: {}", step.project, step.action),
            };
            if step.fate.is_well() {
                output.line(format_args!("{what} {}", step.word()));
            } else {
                let why = step.fate.why().unwrap_or_default();
                output.note(format_args!("proxdeck: {what} {}: {why}", step.word()));
            }
        }
        for note in &self.notes {
            output.note(note);
        }
        if self.was_left {
            output.note("proxdeck: interrupted; what the server had begun goes on there");
            for upid in &self.left {
                output.note(format_args!("  {upid}"));
            }
        }
    }

    /// Prints everything as one document.
    pub(super) fn print(
        &self,
        cluster: &str,
        time: DateTime<Utc>,
        notes: &[String],
        output: &Output,
    ) {
        let acting = self.plan.steps().count();
        let reasons: Vec<String> = self.steps().map(|(_, step)| reason(step)).collect();
        let rows: Vec<Row<'_>> = self
            .steps()
            .zip(&reasons)
            .enumerate()
            .map(|(index, ((project, step), reason))| {
                let guest = step.action.guest();
                // What is held back stands behind what is done.
                let enforced = self.enforced.get(index);
                Row {
                    project: project.project().name(),
                    action: step.action.as_str(),
                    vmid: guest.map(|guest| guest.vmid.get()),
                    name: guest.and_then(|guest| Some(guest.name.as_ref()?.raw())),
                    node: guest.map(|guest| guest.node.as_str()),
                    reason,
                    outcome: match enforced {
                        Some(enforced) => Some(enforced.word()),
                        // Nobody watched to its end.
                        None => (self.was_left && index < acting).then_some("unknown"),
                    },
                    upid: enforced.and_then(|step| Some(step.upid.as_ref()?.as_str())),
                    error: enforced.and_then(|step| step.fate.why()),
                }
            })
            .collect();
        let summary = self.summary(notes);
        output.document(&Document::new(
            "proxdeck.enforce/1",
            cluster,
            time,
            &rows,
            summary,
        ));
    }

    fn summary<'b>(&'b self, notes: &'b [String]) -> Summary<'b> {
        let of_projects = self.projects().flat_map(|project| {
            let name = Some(project.project().name());
            project.notes().iter().map(move |note| (name, note))
        });
        let general = notes.iter().chain(&self.notes).map(|note| (None, note));
        Summary {
            steps: self.plan.len(),
            shutdowns: self.plan.shutdowns().count(),
            left_alone: self
                .projects()
                .flat_map(|project| {
                    let name = project.project().name();
                    project.left_alone().iter().map(move |left| LeftAloneRow {
                        project: name,
                        vmid: left.guest.vmid.get(),
                        name: left.guest.name.as_ref().map(Text::raw),
                        node: left.guest.node.as_str(),
                        reason: left.why.to_string(),
                    })
                })
                .collect(),
            held_back: self
                .held
                .iter()
                .map(|held| NoteRow {
                    project: Some(held.name()),
                    reason: &held.reason,
                })
                .collect(),
            notes: of_projects
                .chain(general)
                .map(|(project, reason)| NoteRow { project, reason })
                .collect(),
        }
    }
}

/// Says why a step is taken, and who is told.
fn reason(step: &Step) -> String {
    match &step.action {
        Action::Notify(channels) => format!("{}: {}", channels.join(", "), step.reason),
        Action::Warn | Action::Throttle(_) | Action::Unthrottle | Action::Shutdown(_) => {
            step.reason.clone()
        }
    }
}
