//! A small Proxmox VE: a real HTTPS server on loopback with a seeded world behind it, for demos and tests.
//!
//! It shares no types with the client, so that a field misread the same way on both sides cannot cancel out. It refuses
//! to be smarter than the recordings of a real server; what no recording shows is marked in comments as assumed.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use proxdeck::simulator::{Options, Scenario, Simulator};
//!
//! let simulator = Simulator::start(Options::new(Scenario::small())).await?;
//! println!("{} {}", simulator.url(), simulator.fingerprint());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod certificate;
mod clock;
pub mod faults;
mod firewall;
mod gate;
mod hostile;
mod journal;
mod lifecycle;
mod load;
mod names;
mod routes;
mod sample;
pub mod scenario;
mod server;
mod storage;
mod workers;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use certificate::IdentityError;
pub use clock::Clock;
pub use faults::{FaultId, FaultKind, FaultRule, FaultSyntax, Faults};
pub use journal::{Entry, Journal};
pub use names::NameServer;
pub use scenario::{NodeCondition, Scenario, ScenarioError};
pub use world::{
    EditError, FirewallView, GuestView, Kind, RunState, SnapshotView, TaskView, World, WorldView,
};

use certificate::{Sessions, Wardrobe};
use gate::authentication;
use gate::catalogue::Catalogue;
use sample::Sampler;
use world::Secrets;

/// How to start a simulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The world to begin with.
    pub scenario: Scenario,
    /// How many times faster than a real cluster work runs.
    pub speed: f64,
    /// What goes wrong from the start.
    pub faults: Vec<FaultRule>,
}

impl Options {
    /// Returns the options of `--demo`.
    pub fn demo() -> Self {
        Self::new(Scenario::demo())
    }

    /// Returns the usual options for a scenario: a free port on loopback and the scenario's own speed.
    pub fn new(scenario: Scenario) -> Self {
        let speed = scenario.speed;
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            scenario,
            speed,
            faults: Vec::new(),
        }
    }
}

/// Says why a simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The certificate could not be made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Logins of a world, the same for the same seed.
#[derive(Clone)]
pub struct Accounts {
    /// An operator with all rights.
    pub user: String,
    /// The operator's password.
    pub password: String,
    /// A token with all of the operator's rights.
    pub token_id: String,
    /// Its secret.
    pub token_secret: String,
    /// A token without `VM.Snapshot` and `SDN.Use`.
    pub limited_token_id: String,
    /// Its secret.
    pub limited_token_secret: String,
    /// A user who has a second factor.
    pub second_factor_user: String,
    /// That user's password.
    pub second_factor_password: String,
    /// That user's recovery keys; each is good once.
    pub recovery_keys: Vec<String>,
    totp: Vec<u8>,
}

impl Accounts {
    fn of(secrets: &Secrets) -> Self {
        Self {
            user: "hub@pve".into(),
            password: secrets.password.clone(),
            token_id: "hub@pve!deck".into(),
            token_secret: secrets.token.clone(),
            limited_token_id: "hub@pve!watch".into(),
            limited_token_secret: secrets.limited_token.clone(),
            second_factor_user: "oncall@pve".into(),
            second_factor_password: secrets.second_factor_password.clone(),
            recovery_keys: secrets.recovery.clone(),
            totp: secrets.totp.clone(),
        }
    }

    /// Returns the second factor's secret in base 32, as authenticator apps want it.
    pub fn second_factor_secret(&self) -> String {
        authentication::base32(&self.totp)
    }

    /// Returns the second factor's code at a moment in seconds since 1970.
    pub fn second_factor_code(&self, seconds: i64) -> String {
        authentication::one_time_code(&self.totp, seconds)
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Accounts")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What all parts of a running simulator share.
struct Core {
    address: SocketAddr,
    clock: Clock,
    journal: Journal,
    faults: Faults,
    secrets: Secrets,
    accounts: Accounts,
    catalogue: &'static Catalogue,
    wardrobe: Arc<Wardrobe>,
    world: Mutex<World>,
    sampler: Sampler,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Core")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Core {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a node answers, faults considered.
    fn condition(&self, node: &world::Node) -> NodeCondition {
        self.faults
            .node_condition(&node.name)
            .unwrap_or(node.condition)
    }

    fn take_sample(&self) {
        self.sampler
            .take(&self.world, self.clock.now(), |node| self.condition(node));
    }
}

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    core: Arc<Core>,
    _stop: DropGuard,
}

impl Simulator {
    /// Builds the world and begins to serve it.
    #[expect(
        clippy::unused_async,
        reason = "it needs a runtime, and starting may come to wait"
    )]
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options {
            listen,
            scenario,
            speed,
            faults,
        } = options;
        let listener = bind(listen).map_err(|error| StartError::Listen(listen, error))?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Listen(listen, error))?;
        let names: Vec<String> = scenario
            .nodes
            .iter()
            .take(50)
            .map(|node| node.name.clone())
            .collect();
        let wardrobe = Arc::new(Wardrobe::new(scenario.seed, &names)?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(
                Arc::clone(&wardrobe) as Arc<dyn rustls::server::ResolvesServerCert>
            );
        tls.session_storage = Arc::new(Sessions::new(Arc::clone(&wardrobe)));
        let secrets = Secrets::from_seed(scenario.seed, scenario.second_factor.recovery_keys);
        let clock = Clock::new(speed);
        let world = World::build(&scenario, &secrets, clock.now());
        let core = Arc::new(Core {
            address,
            journal: Journal::default(),
            faults: Faults::new(faults, scenario.seed),
            accounts: Accounts::of(&secrets),
            secrets,
            catalogue: Catalogue::shared(),
            wardrobe,
            world: Mutex::new(world),
            sampler: Sampler::default(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            clock,
        });
        core.take_sample();
        core.tracker.spawn(broadcast(Arc::clone(&core)));
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
        core.tracker
            .spawn(server::listen(Arc::clone(&core), listener, acceptor));
        let stop = core.stop.clone().drop_guard();
        Ok(Self { core, _stop: stop })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.core.address
    }

    /// Returns its URL, such as `https://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        format!("https://{}", self.core.address)
    }

    /// Returns the SHA-256 of the certificate that it usually shows, as upper-case pairs joined by colons.
    pub fn fingerprint(&self) -> String {
        self.core.wardrobe.usual.fingerprint.clone()
    }

    /// Returns the SHA-256 of the certificate that it shows after a swap.
    pub fn swapped_fingerprint(&self) -> String {
        self.core.wardrobe.other.fingerprint.clone()
    }

    /// Returns the certificate of the private authority that signed its usual certificate.
    pub fn ca_pem(&self) -> String {
        self.core.wardrobe.usual.authority_pem.clone()
    }

    /// Returns its logins.
    pub fn accounts(&self) -> &Accounts {
        &self.core.accounts
    }

    /// Returns the record of requests.
    pub fn journal(&self) -> &Journal {
        &self.core.journal
    }

    /// Returns the faults in force, to add and remove some.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// Returns its clock.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// Peeks at the world.
    pub fn world(&self) -> WorldView {
        WorldView::of(&self.core.world())
    }

    /// Returns the names that the world's resolver knows, with their addresses.
    pub fn hosts(&self) -> std::collections::BTreeMap<String, Vec<std::net::IpAddr>> {
        self.core.world().hosts.clone()
    }

    /// Changes the world; a sample is taken at once, so that the change shows everywhere.
    pub fn edit(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.core.world());
        self.core.take_sample();
    }

    /// Takes a sample now, so that `/cluster/resources` shows what is.
    pub fn broadcast(&self) {
        self.core.take_sample();
    }

    /// Iterates over the calls that it serves, as (method, path template).
    pub fn calls(&self) -> Vec<(String, String)> {
        self.core
            .catalogue
            .names()
            .map(|(method, path)| (method.to_owned(), path.to_owned()))
            .collect()
    }

    /// Closes the listener and all connections and ends the tasks.
    pub async fn shutdown(self) {
        self.core.stop.cancel();
        self.core.tracker.close();
        self.core.tracker.wait().await;
    }
}

/// Listens in a way that lets the next process take the same address at once.
fn bind(address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let socket = if address.is_ipv4() {
        tokio::net::TcpSocket::new_v4()?
    } else {
        tokio::net::TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Takes a sample as often as nodes broadcast theirs.
async fn broadcast(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = tokio::time::sleep(core.clock.pace(sample::INTERVAL).max(sample::SHORTEST_PAUSE)) => {}
        }
        let own = Arc::clone(&core);
        // Thousands of guests take a moment; connections should not wait for it.
        if tokio::task::spawn_blocking(move || own.take_sample())
            .await
            .is_err()
        {
            return;
        }
    }
}
