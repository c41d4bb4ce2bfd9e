//! A small world with a client, a log and an eye on everything that is sent.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use proxdeck::domain::guest::Guest;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::inventory::{Resources, SeenGuest};
use proxdeck::domain::network::NetworkProfile;
use proxdeck::domain::operation::{Call, Operation, Report, Update};
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::domain::task::Upid;
use proxdeck::domain::time::Moment;
use proxdeck::notify::Notifier;
use proxdeck::operations::{AuditLog, Reporter, Resolver, WriteAccess, run};
use proxdeck::proxmox::{Client, Connection, Credentials, Trust, Tuning};
use proxdeck::simulator::{Entry, GuestView, Options, Scenario, Simulator};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Longer than anything here should ever take; reached only by what hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// A running simulator and whoever works on it.
pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) client: Client,
    pub(crate) stop: CancellationToken,
    pub(crate) keep: CancellationToken,
    /// The network profiles that operations are told of, if of any.
    pub(crate) profiles: Option<Vec<NetworkProfile>>,
    pub(crate) resolver: Option<Resolver>,
    notifier: Option<Notifier>,
    access: WriteAccess,
    log: PathBuf,
    _folder: TempDir,
}

/// What came of a run.
pub(crate) struct Played {
    pub(crate) report: Report,
    pub(crate) steps: Vec<String>,
    pub(crate) fractions: Vec<f64>,
}

impl Stage {
    /// Starts the small world, signed in with the token that may do everything.
    pub(crate) async fn new() -> Self {
        Self::of(Scenario::small()).await
    }

    /// Starts a world.
    pub(crate) async fn of(scenario: Scenario) -> Self {
        let simulator = Simulator::start(Options::new(scenario)).await.unwrap();
        let client = client_of(&simulator, Tuning::default());
        let folder = TempDir::new().unwrap();
        let log = folder.path().join("audit.log");
        let access = WriteAccess::Logged(AuditLog::open(&log, "lab").unwrap());
        Self {
            simulator,
            client,
            stop: CancellationToken::new(),
            keep: CancellationToken::new(),
            profiles: None,
            resolver: None,
            notifier: None,
            access,
            log,
            _folder: folder,
        }
    }

    /// Starts the small world with work that takes long enough to be met under way.
    pub(crate) async fn unhurried() -> Self {
        let mut scenario = Scenario::small();
        scenario.speed = 10.0;
        Self::of(scenario).await
    }

    /// Starts the small world with a second node, to which guests may move.
    pub(crate) async fn with_two_nodes() -> Self {
        let mut scenario = Scenario::small();
        let mut second = scenario.nodes[0].clone();
        second.name = "pve2".into();
        scenario.nodes.push(second);
        Self::of(scenario).await
    }

    /// Signs in with the password, and anew before every request.
    pub(crate) fn renew_always(&mut self) {
        let accounts = self.simulator.accounts();
        let connection = Connection {
            endpoints: vec![self.simulator.url()],
            trust: Trust::Pins(vec![self.simulator.fingerprint().parse().unwrap()]),
            credentials: Credentials::Password {
                user: accounts.user.clone(),
                password: accounts.password.clone().into(),
            },
        };
        self.client = Client::tuned(
            connection,
            Tuning {
                renew_after: Duration::ZERO,
                ..Tuning::default()
            },
        )
        .unwrap();
    }

    /// Signs in once more with the token that may do everything.
    pub(crate) fn sign_in_anew(&mut self) {
        self.tune(Tuning::default());
    }

    /// Signs in once more, with other waits.
    pub(crate) fn tune(&mut self, tuning: Tuning) {
        self.client = client_of(&self.simulator, tuning);
    }

    /// Signs in with the token that may take no snapshots.
    pub(crate) fn limit(&mut self) {
        let accounts = self.simulator.accounts();
        let (id, secret) = (
            accounts.limited_token_id.clone(),
            accounts.limited_token_secret.clone(),
        );
        self.client = client(&self.simulator, &id, &secret, Tuning::default());
    }

    /// Names who is told of what operations do.
    pub(crate) fn set_notifier(&mut self, notifier: Notifier) {
        self.notifier = Some(notifier);
    }

    /// Replaces where changes are written down.
    pub(crate) fn set_access(&mut self, access: WriteAccess) {
        self.access = access;
    }

    pub(crate) async fn guest(&self, vmid: u64) -> Guest {
        let rows = self.client.cluster().resources().await.unwrap();
        let vmid = Vmid::new(vmid).unwrap();
        let found = rows.guests.into_iter().find(|guest| guest.vmid == vmid);
        found.unwrap()
    }

    pub(crate) async fn resources(&self) -> Resources {
        let rows = self.client.cluster().resources().await.unwrap();
        let guests = rows.guests.into_iter().map(|guest| SeenGuest {
            guest,
            seen: Moment::default(),
            vouched: true,
        });
        Resources {
            guests: guests.collect(),
            nodes: rows.nodes,
            storages: rows.storages,
            rejected: rows.rejected,
        }
    }

    pub(crate) async fn snapshots(&self, guest: &Guest) -> SnapshotList {
        let guests = self.client.guests();
        guests.snapshots(&guest.to_ref()).await.unwrap()
    }

    /// Runs an operation to its end.
    pub(crate) async fn play(&self, operation: &Operation) -> Played {
        let (sender, mut updates) = mpsc::channel(64);
        let mut reporter = Reporter::new(sender)
            .with_stop(self.stop.clone())
            .with_keep(self.keep.clone())
            .with_resolver(match &self.resolver {
                Some(resolver) => resolver.clone(),
                None => Resolver::table(self.simulator.hosts()),
            });
        if let Some(profiles) = &self.profiles {
            reporter = reporter.with_profiles(profiles.clone());
        }
        if let Some(notifier) = &self.notifier {
            reporter = reporter.with_notifier(notifier.clone());
        }
        let work = async {
            run(&self.client, operation, &reporter, &self.access).await;
            drop(reporter);
        };
        let watch = async {
            let (mut steps, mut fractions, mut reports) = (Vec::new(), Vec::new(), Vec::new());
            while let Some(update) = updates.recv().await {
                assert!(reports.is_empty(), "nothing follows the end: {update:?}");
                match update {
                    Update::Step(step) => steps.push(step),
                    Update::Progress { fraction, .. } => fractions.extend(fraction),
                    Update::Accepted(_) => {}
                    Update::Ended(report) => reports.push(*report),
                }
            }
            assert_eq!(reports.len(), 1, "an operation ends once");
            Played {
                report: reports.remove(0),
                steps,
                fractions,
            }
        };
        let both = async { tokio::join!(work, watch).1 };
        tokio::time::timeout(DEADLINE, both).await.unwrap()
    }

    /// Runs an operation only until the server has accepted it, and returns the task.
    pub(crate) async fn leave_once_accepted(&self, operation: &Operation) -> Upid {
        let (sender, mut updates) = mpsc::channel(64);
        let reporter = Reporter::new(sender);
        let work = run(&self.client, operation, &reporter, &self.access);
        let watch = async {
            loop {
                if let Some(Update::Accepted(upid)) = updates.recv().await {
                    return upid;
                }
            }
        };
        let either = async {
            tokio::select! {
                () = work => panic!("it ended"),
                upid = watch => upid,
            }
        };
        tokio::time::timeout(DEADLINE, either).await.unwrap()
    }

    /// Forgets what was sent so far.
    pub(crate) fn forget(&self) {
        self.simulator.journal().clear();
    }

    /// Forgets what was written down so far.
    pub(crate) fn forget_log(&self) {
        std::fs::write(&self.log, "").unwrap();
    }

    /// Returns the writes that were sent, in the form in which they are announced.
    pub(crate) fn writes(&self) -> Vec<String> {
        let entries = self.simulator.journal().entries();
        let writes = entries.iter().filter(|entry| entry.method != "GET");
        writes.map(written).collect()
    }

    /// Counts the writes that the server accepted.
    pub(crate) fn accepted(&self) -> usize {
        let entries = self.simulator.journal().entries();
        let accepted = |entry: &&Entry| entry.method != "GET" && entry.status == Some(200);
        entries.iter().filter(accepted).count()
    }

    /// Returns the lines of the audit log.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = self.log_text();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns the audit log as it stands in its file.
    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Returns the outcomes of the audit log's lines.
    pub(crate) fn logged(&self) -> Vec<String> {
        let lines = self.log();
        let outcomes = lines.iter().map(|line| line["outcome"].as_str().unwrap());
        outcomes.map(str::to_owned).collect()
    }

    pub(crate) fn view(&self, vmid: u32) -> GuestView {
        self.simulator.world().guest(vmid).unwrap()
    }

    /// Returns the names of a guest's snapshots, oldest first.
    pub(crate) fn names(&self, vmid: u32) -> Vec<String> {
        let snapshots = self.view(vmid).snapshots;
        snapshots.into_iter().map(|each| each.name).collect()
    }

    /// Tells whether a guest has a whole snapshot of this name: what a task left unfinished is none.
    pub(crate) fn has_whole(&self, vmid: u32, name: &str) -> bool {
        let snapshots = self.view(vmid).snapshots;
        snapshots
            .iter()
            .any(|each| each.name == name && each.snapstate.is_none())
    }
}

/// Signs in to a simulator with the token that may do everything.
pub(crate) fn client_of(simulator: &Simulator, tuning: Tuning) -> Client {
    let accounts = simulator.accounts();
    client(
        simulator,
        &accounts.token_id,
        &accounts.token_secret,
        tuning,
    )
}

fn client(simulator: &Simulator, id: &str, secret: &str, tuning: Tuning) -> Client {
    let connection = Connection {
        endpoints: vec![simulator.url()],
        trust: Trust::Pins(vec![simulator.fingerprint().parse().unwrap()]),
        credentials: Credentials::Token {
            id: id.to_owned(),
            secret: secret.to_owned().into(),
        },
    };
    Client::tuned(connection, tuning).unwrap()
}

/// Writes a request as calls are written.
pub(crate) fn written(entry: &Entry) -> String {
    let mut text = format!("{} {}", entry.method, entry.path);
    for (name, value) in entry.query.iter().chain(&entry.form) {
        write!(text, "  {name}={}", value.replace('\n', "\\n")).unwrap();
    }
    text
}

/// Returns what an operation announces.
pub(crate) fn announced(operation: &Operation) -> Vec<String> {
    operation.calls().iter().map(Call::to_string).collect()
}

/// Waits until something is true of the world.
pub(crate) async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let wait = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait)
        .await
        .unwrap_or_else(|_| panic!("never came: {what}"));
}
