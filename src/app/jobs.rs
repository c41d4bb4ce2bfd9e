//! Operations at work, and how the last ones ended.

use std::time::Duration;

use crate::domain::guest::GuestRef;
use crate::domain::operation::{Operation, Report, Update};
use crate::domain::task::Upid;
use crate::domain::text::Text;
use crate::domain::time::Moment;

/// How many ended jobs are remembered.
const REMEMBERED: usize = 50;
/// Without progress for so long, a snapshot most likely waits for the guest's agent (SPEC §5.4).
const SILENCE: Duration = Duration::from_secs(60);

/// Names a job of this run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct JobId(u64);

/// One operation, from its start to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What it does, as `snapshot 104 agent-build-4`.
    pub title: String,
    /// Whether it tries something that is put back unless it is kept.
    pub is_trial: bool,
    /// The guests that it concerns.
    pub guests: Vec<GuestRef>,
    /// When it began.
    pub began: Moment,
    /// The server's task, once there is one.
    pub upid: Option<Upid>,
    /// The share that is done, where the server tells.
    pub fraction: Option<f64>,
    /// What it said last.
    pub line: Text,
    /// When it last said something new.
    pub moved: Moment,
    /// How it ended.
    pub end: Option<(Moment, Report)>,
}

impl Job {
    /// Tells whether it said nothing new for a minute.
    pub fn is_silent(&self, now: Moment) -> bool {
        self.end.is_none() && now.since(self.moved) >= SILENCE
    }

    fn concerns(&self, guest: &GuestRef) -> bool {
        self.guests.iter().any(|each| each.vmid == guest.vmid)
    }

    fn take(&mut self, update: Update, now: Moment) {
        match update {
            Update::Accepted(upid) => self.upid = Some(upid),
            Update::Step(what) => {
                self.line = what.into();
                self.fraction = None;
                self.moved = now;
            }
            Update::Progress { fraction, line } => {
                if self.line != line || self.fraction != fraction {
                    self.moved = now;
                }
                self.fraction = fraction;
                self.line = line;
            }
            Update::Ended(report) => self.end = Some((now, *report)),
        }
    }
}

/// The jobs of this run of the program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Jobs {
    started: u64,
    jobs: Vec<Job>,
}

impl Jobs {
    /// Notes the start of an operation.
    pub(super) fn start(&mut self, operation: &Operation, now: Moment) -> JobId {
        self.started += 1;
        let id = JobId(self.started);
        self.jobs.push(Job {
            id,
            title: operation.title(),
            is_trial: operation.is_trial(),
            guests: operation.guests().into_iter().cloned().collect(),
            began: now,
            upid: None,
            fraction: None,
            line: Text::default(),
            moved: now,
            end: None,
        });
        id
    }

    /// Takes in an update; returns the job when it has just ended.
    pub(super) fn take(&mut self, id: JobId, update: Update, now: Moment) -> Option<&Job> {
        let index = self
            .jobs
            .iter()
            .position(|job| job.id == id && job.end.is_none())?;
        self.jobs[index].take(update, now);
        self.jobs[index].end.as_ref()?;
        let mut ended = self.jobs.iter().filter(|job| job.end.is_some()).count();
        self.jobs.retain(|job| {
            let forget = job.end.is_some() && ended > REMEMBERED;
            ended -= usize::from(forget);
            !forget
        });
        self.jobs.iter().find(|job| job.id == id)
    }

    /// Returns the jobs at work, oldest first.
    pub fn running(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.end.is_none())
    }

    /// Returns the titles of the jobs at work, oldest first.
    pub(super) fn titles(&self) -> Vec<String> {
        self.running().map(|job| job.title.clone()).collect()
    }

    /// Finds the latest job on a guest, at work or ended.
    pub fn latest_on(&self, guest: &GuestRef) -> Option<&Job> {
        self.jobs.iter().rfind(|job| job.concerns(guest))
    }

    /// Finds the job that runs as a certain task.
    pub fn of_task(&self, upid: &Upid) -> Option<&Job> {
        self.running().find(|job| job.upid.as_ref() == Some(upid))
    }

    /// Finds the job at work on a guest.
    pub fn on(&self, guest: &GuestRef) -> Option<&Job> {
        self.running().find(|job| job.concerns(guest))
    }
}
