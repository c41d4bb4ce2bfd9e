//! A small world, a client in it, and somebody who listens to what an operation reports.

use std::time::Duration;

use proxdeck::domain::guest::Guest;
use proxdeck::domain::operation::{Call, Operation, Report, Update};
use proxdeck::domain::request::SnapshotRequest;
use proxdeck::operations::{self, Reporter, WriteAccess};
use proxdeck::proxmox::{Client, Connection, Credentials, Trust};
use proxdeck::simulator::{Entry, Options, Scenario, Simulator, SnapshotView};
use tokio::sync::mpsc;

/// A generous deadline for whatever must happen at some point.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) client: Client,
}

impl Stage {
    /// A world in which work takes next to no time.
    pub(crate) async fn fast() -> Self {
        Self::at_speed(1000.0).await
    }

    pub(crate) async fn at_speed(speed: f64) -> Self {
        let options = Options {
            speed,
            ..Options::new(Scenario::small())
        };
        let simulator = Simulator::start(options).await.unwrap();
        let accounts = simulator.accounts();
        let client = Client::new(Connection {
            endpoints: vec![simulator.url()],
            trust: Trust::Pins(vec![simulator.fingerprint().parse().unwrap()]),
            credentials: Credentials::Token {
                id: accounts.token_id.clone(),
                secret: accounts.token_secret.clone().into(),
            },
        })
        .unwrap();
        Self { simulator, client }
    }

    pub(crate) async fn guest(&self, vmid: u32) -> Guest {
        let resources = self.client.cluster().resources().await.unwrap();
        let mut guests = resources.guests.into_iter();
        guests.find(|guest| guest.vmid.get() == vmid).unwrap()
    }

    /// Checks a wish for a snapshot as a form does that has not seen the list.
    pub(crate) async fn wish(
        &self,
        vmid: u32,
        name: &str,
        description: &str,
        ram: bool,
    ) -> Operation {
        let guest = self.guest(vmid).await;
        let request = SnapshotRequest {
            guest: guest.to_ref(),
            name: name.to_owned(),
            description: description.to_owned(),
            ram,
        };
        request.check(Some(&guest), None).unwrap()
    }

    /// Runs an operation and returns everything that it told, its end apart.
    pub(crate) async fn run(&self, operation: &Operation) -> (Vec<Update>, Report) {
        let (sender, mut receiver) = mpsc::channel(4);
        let listening = async {
            let mut updates = Vec::new();
            while let Some(update) = receiver.recv().await {
                updates.push(update);
            }
            updates
        };
        let running = async {
            // The reporter goes with the operation, so that the listening ends.
            let reporter = Reporter::new(sender);
            operations::run(&self.client, operation, &reporter, &WriteAccess::Unlogged).await;
        };
        let both = async { tokio::join!(running, listening) };
        let ((), mut updates) = tokio::time::timeout(DEADLINE, both)
            .await
            .expect("operations end");
        let Some(Update::Ended(report)) = updates.pop() else {
            panic!("the last word is the end: {updates:?}");
        };
        let ends = updates
            .iter()
            .filter(|update| matches!(update, Update::Ended(_)))
            .count();
        assert_eq!(ends, 0, "there is one end: {updates:?}");
        (updates, *report)
    }

    /// Waits until a condition holds in the world.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Simulator) -> bool) {
        let waiting = async {
            while !holds(&self.simulator) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(DEADLINE, waiting).await;
        assert!(waited.is_ok(), "waited in vain for {what}");
    }

    /// Waits until no task runs any more.
    pub(crate) async fn rest(&self) {
        self.until("all tasks to end", |simulator| {
            let world = simulator.world();
            world.tasks().iter().all(|task| task.status.is_some())
        })
        .await;
    }

    pub(crate) fn snapshot(&self, vmid: u32, name: &str) -> Option<SnapshotView> {
        let guest = self.simulator.world().guest(vmid)?;
        guest
            .snapshots
            .into_iter()
            .find(|snapshot| snapshot.name == name)
    }

    pub(crate) fn writes(&self) -> Vec<Entry> {
        let mut entries = self.simulator.journal().entries();
        entries.retain(|entry| entry.method != "GET");
        entries
    }

    /// Asserts that what was announced is what was sent, in this order and nothing else.
    pub(crate) fn assert_sent(&self, announced: &[Call]) {
        let sent: Vec<String> = self.writes().iter().map(told).collect();
        let announced: Vec<String> = announced.iter().map(ToString::to_string).collect();
        assert_eq!(sent, announced);
    }
}

/// Writes down what was sent as an announced call is written.
fn told(entry: &Entry) -> String {
    let mut words = vec![format!("{} {}", entry.method, entry.path)];
    let parameters = entry.form.iter().chain(&entry.query);
    words.extend(parameters.map(|(name, value)| format!("{name}={value}")));
    words.join("  ")
}
