//! The dashboard, started with what the command line and the config say.

use super::channels;
use super::connect::Session;
use super::setup::Setup;
use super::{Exit, interruptible};
use crate::app::state::Setting;
use crate::notify::Notifier;
use crate::runtime::{self, Dashboard, Ending, Remembered};

/// Opens the dashboard and stays until it is left.
pub(super) async fn run(setup: &Setup) -> anyhow::Result<Exit> {
    let keymap = setup.keymap()?;
    let theme = setup.theme()?;
    // A command that prints the secret may take its time.
    let mut ending = Ending::listen()?;
    let session = interruptible(&mut ending, Session::prepare(setup)).await?;
    let setting = Setting {
        seed: rand::random(),
        cluster: session.cluster.clone(),
        endpoint: session.client.endpoint().to_owned(),
        account: session.client.account().to_owned(),
        read_only: setup.read_only,
        demo: setup.demo,
        bell: setup.loaded.settings.bell,
        operator: setup.operator(session.client.account()),
        keymap,
        rules: setup.rules.clone(),
    };
    let (access, note) = setup.write_access(&session.cluster);
    runtime::run(Dashboard {
        setting,
        client: session.client.clone(),
        interval: session.refresh,
        theme,
        access,
        // Where a person stands is where the file is looked for.
        exports: std::env::current_dir().unwrap_or_else(|_| ".".into()),
        notifier: Notifier::new(channels::of(&setup.loaded.settings)),
        remembered: Remembered {
            alerts: setup.alert_memory(&session.cluster),
            channels: setup.channel_memory(&session.cluster),
            ledger: setup.usage_ledger(&session.cluster),
        },
        notes: note.into_iter().collect(),
    })
    .await?;
    Ok(Exit::Done)
}
