//! A small simulated server, and clients that sign in to it.

use std::time::Duration;

use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::snapshot::SnapshotName;
use proxdeck::proxmox::endpoints::SnapshotSpec;
use proxdeck::proxmox::{Client, Connection, Credentials, Fingerprint, Trust, Tuning};
use proxdeck::simulator::{Entry, Options, Scenario, Simulator};

use crate::teller::Teller;

pub(crate) async fn small() -> Simulator {
    let options = Options {
        // Refused logins are made to wait 3 s; no test has to.
        speed: 1000.0,
        ..Options::new(Scenario::small())
    };
    Simulator::start(options).await.unwrap()
}

pub(crate) fn pinned(simulator: &Simulator) -> Trust {
    Trust::Pins(vec![simulator.fingerprint().parse().unwrap()])
}

pub(crate) fn token(id: &str, secret: &str) -> Credentials {
    Credentials::Token {
        id: id.to_owned(),
        secret: secret.to_owned().into(),
    }
}

pub(crate) fn password(user: &str, password: &str) -> Credentials {
    Credentials::Password {
        user: user.to_owned(),
        password: password.to_owned().into(),
    }
}

pub(crate) fn own_token(simulator: &Simulator) -> Credentials {
    let accounts = simulator.accounts();
    token(&accounts.token_id, &accounts.token_secret)
}

/// A client of the simulator with these credentials.
pub(crate) fn client(simulator: &Simulator, credentials: Credentials) -> Client {
    trusting(simulator, pinned(simulator), credentials)
}

pub(crate) fn by_token(simulator: &Simulator) -> Client {
    client(simulator, own_token(simulator))
}

pub(crate) fn by_password(simulator: &Simulator) -> Client {
    let accounts = simulator.accounts();
    client(simulator, password(&accounts.user, &accounts.password))
}

/// A client that renews its ticket before every request.
pub(crate) fn always_renewing(simulator: &Simulator) -> Client {
    let accounts = simulator.accounts();
    let credentials = password(&accounts.user, &accounts.password);
    let tuning = Tuning {
        renew_after: Duration::ZERO,
        ..Tuning::default()
    };
    Client::tuned(connection(simulator, credentials), tuning).unwrap()
}

/// How the simulator is reached with these credentials.
pub(crate) fn connection(simulator: &Simulator, credentials: Credentials) -> Connection {
    Connection {
        endpoints: vec![simulator.url()],
        trust: pinned(simulator),
        credentials,
    }
}

pub(crate) fn trusting(simulator: &Simulator, trust: Trust, credentials: Credentials) -> Client {
    Client::new(Connection {
        endpoints: vec![simulator.url()],
        trust,
        credentials,
    })
    .unwrap()
}

/// A client of a server that says what it is told.
pub(crate) fn listening_to(teller: &Teller, credentials: Credentials) -> Client {
    Client::new(Connection {
        endpoints: vec![teller.url()],
        trust: Trust::Pins(vec![Fingerprint::new(teller.fingerprint())]),
        credentials,
    })
    .unwrap()
}

pub(crate) fn guest(vmid: u32) -> GuestRef {
    GuestRef {
        vmid: Vmid::new(vmid.into()).unwrap(),
        kind: GuestKind::Qemu,
        node: "pve1".parse().unwrap(),
        name: None,
    }
}

pub(crate) fn snapshot(name: &SnapshotName) -> SnapshotSpec<'_> {
    SnapshotSpec {
        name,
        description: "",
        ram: false,
    }
}

/// What the simulator was asked: method and path of each request.
pub(crate) fn asked(simulator: &Simulator) -> Vec<String> {
    let entries = simulator.journal().entries();
    entries
        .iter()
        .map(|entry| format!("{} {}", entry.method, entry.path))
        .collect()
}

pub(crate) fn writes(simulator: &Simulator) -> Vec<Entry> {
    let mut entries = simulator.journal().entries();
    entries.retain(|entry| entry.method != "GET");
    entries
}

/// How many logins were tried.
pub(crate) fn logins(simulator: &Simulator) -> usize {
    let asked = asked(simulator);
    asked
        .iter()
        .filter(|call| *call == "POST /access/ticket")
        .count()
}
