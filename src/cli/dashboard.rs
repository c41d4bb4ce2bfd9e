//! The dashboard, started with what the command line and the config say.

use std::time::Duration;

use anyhow::bail;

use super::{Common, Exit, demo};
use crate::app::keymap::Keymap;
use crate::app::state::{Rules, Setting};
use crate::proxmox::Client;
use crate::runtime::{self, Dashboard};
use crate::ui::{ColorDepth, Theme};

const DEFAULT_THEME: &str = "dark";

pub(super) async fn run(common: &Common, theme: Option<&str>) -> anyhow::Result<Exit> {
    if !common.demo {
        bail!("only --demo works so far");
    }
    let theme = Theme::load(theme.unwrap_or(DEFAULT_THEME), ColorDepth::True, true)?;
    let (simulator, connection) = demo::start().await?;
    let client = Client::new(connection)?;
    let setting = Setting {
        cluster: "demo".to_owned(),
        endpoint: client.endpoint().to_owned(),
        account: client.account().to_owned(),
        read_only: common.read_only,
        demo: true,
        keymap: Keymap::default(),
        rules: Rules::default(),
    };
    runtime::run(Dashboard {
        setting,
        client,
        interval: Duration::from_secs(2),
        theme,
    })
    .await?;
    drop(simulator);
    Ok(Exit::Done)
}
