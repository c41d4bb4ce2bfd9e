//! The dashboard, started with what the command line and the config say.

use std::sync::Arc;
use std::time::Duration;

use super::channels;
use super::complaint::Complaint;
use super::connect::Session;
use super::setup::Setup;
use super::{Exit, interruptible};
use crate::app::state::Setting;
use crate::app::switching::KnownCluster;
use crate::config::address::Endpoint;
use crate::domain::failure::{Failure, FailureKind};
use crate::notify::Notifier;
use crate::proxmox::Client;
use crate::runtime::{self, Clusters, Dashboard, Ending, Remembered};

/// So long a cluster may take to answer before the one that is shown stays.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens the dashboard and stays until it is left.
///
/// `unlogged` says why no log is written, if so.
pub(super) async fn run(setup: Setup, unlogged: Option<String>) -> anyhow::Result<Exit> {
    let setup = Arc::new(setup);
    // A command that prints the secret may take its time.
    let mut ending = Ending::listen()?;
    let session = interruptible(&mut ending, Session::prepare(&setup, None)).await?;
    let mut dashboard = dashboard(&setup, &session)?;
    // Where nothing can be kept, that is said already, and the first of several messages is the reason of the others.
    if setup.keeps_nothing().is_none() {
        dashboard.notes.extend(unlogged);
    }
    runtime::run(dashboard).await?;
    Ok(Exit::Done)
}

/// Says what the dashboard of a cluster is started with.
fn dashboard(setup: &Arc<Setup>, session: &Session) -> anyhow::Result<Dashboard> {
    let client = session.client.clone();
    let setting = Setting {
        seed: rand::random(),
        cluster: session.cluster.clone(),
        endpoint: client.endpoint().to_owned(),
        account: client.account().to_owned(),
        read_only: setup.read_only,
        demo: setup.demo,
        bell: setup.loaded.settings.bell,
        operator: setup.operator(client.account()),
        keymap: setup.keymap()?,
        rules: setup.rules.clone(),
    };
    let (access, note) = setup.write_access(&session.cluster);
    Ok(Dashboard {
        setting,
        client,
        interval: session.refresh,
        theme: setup.theme()?,
        access,
        // Where a person stands is where the file is looked for.
        exports: std::env::current_dir().unwrap_or_else(|_| ".".into()),
        resolver: session.resolver.clone(),
        notifier: Notifier::new(channels::of(&setup.loaded.settings)),
        remembered: Remembered {
            alerts: setup.alert_memory(&session.cluster),
            channels: setup.channel_memory(&session.cluster),
            ledger: setup.usage_ledger(&session.cluster),
        },
        notes: setup.keeps_nothing().or(note).into_iter().collect(),
        clusters: clusters(setup),
    })
}

/// Lists the clusters of the config, each with the way to open it.
fn clusters(setup: &Arc<Setup>) -> Clusters {
    let configured = setup.loaded.settings.clusters.iter();
    let known = configured.map(|cluster| KnownCluster {
        name: cluster.name.clone(),
        hosts: cluster
            .keys
            .endpoints
            .iter()
            .flatten()
            .map(Endpoint::authority)
            .collect(),
    });
    let setup = Arc::clone(setup);
    Clusters::new(known.collect(), move |name| open(Arc::clone(&setup), name))
}

/// Opens another cluster; what keeps it from being watched at all is a failure.
async fn open(setup: Arc<Setup>, name: String) -> Result<Dashboard, Failure> {
    let session = Session::prepare(&setup, Some(&name)).await;
    let session = session.map_err(|error| failure_of(&error))?;
    try_out(&session.client).await?;
    dashboard(&setup, &session).map_err(|error| failure_of(&error))
}

/// Asks the cheapest question; a login that a person has to complete is no failure.
async fn try_out(client: &Client) -> Result<(), Failure> {
    match tokio::time::timeout(PATIENCE, client.access().version()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) if client.wanted().is_some() => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => {
            let text = format!("no answer within {} s", PATIENCE.as_secs());
            Err(Failure::new(FailureKind::Interrupted, text))
        }
    }
}

/// Tells what is wrong with the config of a cluster in the words of the command line.
fn failure_of(error: &anyhow::Error) -> Failure {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    let complaint = Complaint::of(error);
    let advice = complaint.remarks().join("; ");
    Failure::new(FailureKind::Refused, complaint.message()).with_advice(advice)
}
