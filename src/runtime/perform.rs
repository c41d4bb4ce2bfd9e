//! Performs effects in tracked tasks and returns what comes of them as events.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clusters::Clusters;
use super::event_loop::{Dashboard, not_kept};
use super::panics::{self, caught};
use super::questions::answer;
use super::remembered::Remembered;
use crate::app::jobs::JobId;
use crate::app::{Event, Query, Ticket};
use crate::config::new_file::write_new;
use crate::domain::alert::Changes;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::inventory::Inventory;
use crate::domain::network::NetworkProfile;
use crate::domain::operation::{Operation, Outcome, Report, Told, Update};
use crate::domain::sign_in::Given;
use crate::domain::usage::LedgerEntry;
use crate::notify::Notifier;
use crate::operations::{self, Reporter, Resolver, WriteAccess};
use crate::proxmox::{Client, Error};

/// Starts work and keeps track of it.
#[derive(Debug, Clone)]
pub(super) struct Performer {
    pub(super) client: Client,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) tasks: TaskTracker,
    pub(super) cancelled: CancellationToken,
    pub(super) access: Arc<WriteAccess>,
    /// The folder of files that a person asks for.
    pub(super) exports: PathBuf,
    /// Who tells people elsewhere.
    pub(super) notifier: Notifier,
    /// What outlives the program.
    pub(super) remembered: Remembered,
    /// Who knows the addresses of names.
    pub(super) resolver: Resolver,
    /// The fences with which new guests are started.
    pub(super) profiles: Arc<[NetworkProfile]>,
    /// How the jobs at work are spoken to.
    pub(super) helm: Helm,
    /// What can be switched to.
    pub(super) clusters: Clusters,
    /// Where another cluster goes that was opened.
    pub(super) opened: mpsc::Sender<Opened>,
    /// What could not be remembered the last time.
    pub(super) unkept: Arc<Mutex<BTreeSet<&'static str>>>,
}

/// How the jobs at work are spoken to.
#[derive(Debug, Clone, Default)]
pub(super) struct Helm {
    /// How each job is asked to begin no further step.
    stops: HashMap<JobId, CancellationToken>,
    /// How each trial is asked to keep what it changed.
    keeps: HashMap<JobId, CancellationToken>,
    /// The trials at work, which put everything back before the program ends.
    trials: TaskTracker,
}

/// A cluster that was opened under a name, or why it was not.
pub(super) type Opened = (String, Result<Box<Dashboard>, Failure>);

impl Performer {
    /// Asks the server a question.
    pub(super) fn fetch(&self, ticket: Ticket, query: Query) {
        let Self {
            client,
            events,
            cancelled,
            resolver,
            ..
        } = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = cancelled.cancelled() => {}
                (spent, result) = answer(&client, &resolver, query) => {
                    let _ = events.send(Event::Spent(ticket, spent)).await;
                    let _ = events.send(Event::Fetched(ticket, result)).await;
                }
            }
        });
    }

    /// Frees what was known before, beside the keys: ten thousand guests take longer than a frame.
    pub(super) fn let_go(&self, past: Arc<Inventory>) {
        self.tasks.spawn_blocking(move || drop(past));
    }

    /// Opens another cluster beside this one.
    pub(super) fn open(&self, name: String) {
        let (opened, cancelled) = (self.opened.clone(), self.cancelled.clone());
        let opening = self.clusters.open(name.clone());
        self.tasks.spawn(async move {
            let result = match opening {
                None => Err(Failure::new(
                    FailureKind::Refused,
                    "there is no other cluster",
                )),
                Some(opening) => tokio::select! {
                    () = cancelled.cancelled() => return,
                    result = caught(opening) => result.map(Box::new),
                },
            };
            let _ = opened.send((name, result)).await;
        });
    }

    /// Signs in with what a person typed.
    pub(super) fn sign_in(&self, given: Given) {
        let Self {
            client,
            events,
            cancelled,
            ..
        } = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = cancelled.cancelled() => {}
                result = caught(failing(client.sign_in(&given))) => {
                    let event = Event::SignedIn {
                        result,
                        wanted: client.wanted(),
                        wait: client.pause(),
                    };
                    let _ = events.send(event).await;
                }
            }
        });
    }

    /// Writes a text into a new file; a slow disk keeps no key waiting.
    pub(super) fn export(&self, name: String, text: String) {
        let (folder, events) = (self.exports.clone(), self.events.clone());
        self.tasks.spawn(async move {
            let shown = folder.display().to_string();
            let written = tokio::task::spawn_blocking(move || write_new(&folder, &name, &text));
            let result = match written.await {
                Ok(result) => result,
                Err(panicked) => Err(panicked.into()),
            };
            let result = result
                .map(|path| {
                    let name = path.file_name().unwrap_or_default();
                    (name.to_string_lossy().into_owned(), shown.clone())
                })
                .map_err(|error| {
                    let kind = FailureKind::FileNotWritten;
                    let text = format!("{}, in {shown}", cause(&error));
                    Failure::new(kind, text).with_advice(kind.advice())
                });
            let _ = events.send(Event::Exported(result)).await;
        });
    }

    /// Writes down what changed among the alerts, and tells what others have written.
    pub(super) fn remember(&self, changes: Changes, server: DateTime<Utc>) {
        if let Some(memory) = self.remembered.alerts.clone() {
            self.write("alerts", move || {
                memory.write(&changes, server).map(Event::Remembered)
            });
        }
    }

    /// Notes how notify channels fared, and tells which failed the last time.
    pub(super) fn record_told(&self, told: Vec<Told>, server: DateTime<Utc>) {
        if let Some(channels) = self.remembered.channels.clone() {
            self.write("failing channels", move || {
                channels.update(&told, server).map(Event::Channels)
            });
        }
    }

    /// Notes in the ledger what guests have used, and tells what others have noted.
    pub(super) fn record_usage(&self, entries: Vec<LedgerEntry>, server: DateTime<Utc>) {
        if let Some(file) = self.remembered.ledger.clone() {
            self.write("what guests use", move || {
                let ledger = file.update(|ledger| {
                    for entry in &entries {
                        entry.record(ledger, server);
                    }
                })?;
                Ok(Event::Ledger(Box::new(ledger)))
            });
        }
    }

    /// Writes a file of what is remembered; a slow disk keeps no key waiting.
    ///
    /// What cannot be written is told once, until it can be again.
    fn write(&self, what: &'static str, work: impl FnOnce() -> io::Result<Event> + Send + 'static) {
        let (events, unkept) = (self.events.clone(), Arc::clone(&self.unkept));
        self.tasks.spawn(async move {
            let written = tokio::task::spawn_blocking(work).await;
            let reason = match &written {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(cause(error)),
                Err(broken) => Some(broken.to_string()),
            };
            let is_news = {
                let mut unkept = unkept.lock().unwrap_or_else(PoisonError::into_inner);
                if reason.is_some() {
                    unkept.insert(what)
                } else {
                    unkept.remove(what)
                }
            };
            let event = match (written, reason) {
                (Ok(Ok(event)), _) => event,
                (_, Some(reason)) if is_news => {
                    not_kept(format!("{what} cannot be remembered: {reason}"))
                }
                (_, Some(_) | None) => return,
            };
            let _ = events.send(event).await;
        });
    }

    /// Sends a tick after a while.
    pub(super) fn wake(&self, delay: Duration) {
        let Self {
            events, cancelled, ..
        } = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = cancelled.cancelled() => {}
                () = tokio::time::sleep(delay) => {
                    let _ = events.send(Event::Tick).await;
                }
            }
        });
    }

    /// Lets a job finish its running step and begin no other.
    pub(super) fn stop(&mut self, job: JobId) {
        if let Some(stop) = self.helm.stops.remove(&job) {
            stop.cancel();
        }
    }

    /// Lets a job keep what it tries.
    pub(super) fn keep(&mut self, job: JobId) {
        if let Some(keep) = self.helm.keeps.remove(&job) {
            keep.cancel();
        }
    }

    /// Ends every trial and waits, but not for ever, until what it changed is put back.
    pub(super) async fn end_trials(&mut self, patience: Duration) {
        for job in self.helm.keeps.keys() {
            if let Some(stop) = self.helm.stops.get(job) {
                stop.cancel();
            }
        }
        self.helm.trials.close();
        let _ = tokio::time::timeout(patience, self.helm.trials.wait()).await;
    }

    /// Runs an operation as a job; a panic in it becomes its failure.
    pub(super) fn run(&mut self, job: JobId, operation: Operation) {
        let (client, access) = (self.client.clone(), Arc::clone(&self.access));
        self.follow(job, operation.is_trial(), |reporter| async move {
            operations::run(&client, &operation, &reporter, &access).await;
        });
    }

    /// Does the work of a job, and passes on what it reports.
    fn follow<F>(
        &mut self,
        job: JobId,
        is_trial: bool,
        work: impl FnOnce(Reporter) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        // Those of jobs that ended are let go.
        self.helm.stops.retain(|_, stop| !stop.is_cancelled());
        self.helm.keeps.retain(|_, keep| !keep.is_cancelled());
        let stop = CancellationToken::new();
        self.helm.stops.insert(job, stop.clone());
        let keep = CancellationToken::new();
        if is_trial {
            self.helm.keeps.insert(job, keep.clone());
        }
        let helm_of_job = (stop.clone().drop_guard(), keep.clone().drop_guard());
        let Self {
            events,
            cancelled,
            notifier,
            resolver,
            profiles,
            helm,
            ..
        } = self.clone();
        let (updates, mut received) = mpsc::channel(32);
        let tracker = if is_trial {
            helm.trials
        } else {
            self.tasks.clone()
        };
        let work = tracker.spawn(async move {
            let reporter = Reporter::new(updates)
                .with_stop(stop)
                .with_keep(keep)
                .with_resolver(resolver)
                .with_profiles(profiles)
                .with_notifier(notifier);
            tokio::select! {
                // A trial is told to stop and puts back what it changed, however the program ends.
                () = cancelled.cancelled(), if !is_trial => {}
                () = work(reporter) => {}
            }
        });
        self.tasks.spawn(async move {
            // Dropped at the end, they tell that nobody needs to speak to the job any more.
            let _helm = helm_of_job;
            let mut ended = false;
            while let Some(update) = received.recv().await {
                ended |= matches!(update, Update::Ended(_));
                let _ = events.send(Event::Job(job, update)).await;
            }
            if let Err(error) = work.await
                && !ended
            {
                let failure = match error.try_into_panic() {
                    Ok(payload) => panics::failure(&*payload),
                    Err(error) => Failure::new(FailureKind::Internal, error.to_string()),
                };
                let report = Report::new(Outcome::Unknown(Box::new(failure)));
                let _ = events
                    .send(Event::Job(job, Update::Ended(Box::new(report))))
                    .await;
            }
        });
    }
}

/// Turns the client's errors into failures.
pub(super) async fn failing<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    work.await.map_err(Failure::from)
}

/// Returns what the system said, without the paths that were put around it.
fn cause(error: &io::Error) -> String {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::proxmox::{Connection, Credentials, Trust};

    fn performer(events: mpsc::Sender<Event>) -> Performer {
        let pin = ["AB"; 32].join(":");
        let client = Client::new(Connection {
            endpoints: vec!["https://127.0.0.1:1".into()],
            trust: Trust::Pins(vec![pin.parse().unwrap()]),
            credentials: Credentials::Token {
                id: "hub@pve!deck".into(),
                secret: String::from("secret").into(),
            },
        });
        Performer {
            client: client.unwrap(),
            events,
            tasks: TaskTracker::new(),
            cancelled: CancellationToken::new(),
            access: Arc::new(WriteAccess::Unlogged),
            exports: PathBuf::new(),
            notifier: Notifier::new(Vec::new()),
            remembered: Remembered::default(),
            resolver: Resolver::system(),
            profiles: Arc::default(),
            helm: Helm::default(),
            clusters: Clusters::default(),
            opened: mpsc::channel(1).0,
            unkept: Arc::default(),
        }
    }

    fn job() -> JobId {
        JobId::default()
    }

    #[tokio::test]
    async fn a_job_that_breaks_ends_as_a_failure_in_its_own_words() {
        for is_trial in [false, true] {
            let (events, mut happened) = mpsc::channel(8);
            let mut performer = performer(events);
            performer.follow(job(), is_trial, |reporter| async move {
                drop(reporter);
                panic!("no such step");
            });
            let Some(Event::Job(id, Update::Ended(report))) = happened.recv().await else {
                panic!("the job did not end");
            };
            assert_eq!(id, job());
            let Outcome::Unknown(failure) = report.outcome else {
                panic!("{:?}", report.outcome);
            };
            assert_eq!(failure.kind, FailureKind::Internal);
            assert_eq!(failure.message, "no such step".into());
        }
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_told_once_until_it_can_be_again() {
        let (events, mut happened) = mpsc::channel(8);
        let performer = performer(events);
        let full = || Err(io::ErrorKind::StorageFull.into());
        for result in [full, full, || Ok(Event::Tick), full] {
            performer.write("alerts", result);
            // One after another, as the disk takes them.
            performer.tasks.close();
            performer.tasks.wait().await;
            performer.tasks.reopen();
        }
        drop(performer);
        let mut told = Vec::new();
        while let Some(event) = happened.recv().await {
            told.push(if let Event::NotKept(failure) = event {
                failure.message.to_string()
            } else {
                format!("{event:?}")
            });
        }
        let lost = "alerts cannot be remembered: no storage space";
        assert_eq!(told, [lost, "Tick", lost]);
    }
}
