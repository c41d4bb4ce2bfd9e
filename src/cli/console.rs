//! `proxdeck console`: how to reach a guest's console; nothing is opened or changed.

use super::Exit;
use super::connect::Session;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::target::Target;
use crate::domain::console;

/// Say how to reach a guest's console: web address, ssh and terminal command
#[derive(Debug, clap::Args)]
pub(super) struct Console {
    /// The guest, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID")]
    target: Target,
}

impl Console {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guest = self.target.find(&reading.guests)?;
        let endpoint = session.client.endpoint();
        let console = console::Console::of(guest, endpoint, reading.nodes.len());
        output.line(format_args!("web       {}", console.web));
        output.line(format_args!("ssh       {}", console.ssh));
        output.line(format_args!(
            "terminal  {}   (on {}; {})",
            console.terminal, console.node, console.remark
        ));
        if console.is_off {
            output.note(format_args!(
                "guest {} is stopped; it has a console once it runs",
                guest.to_ref()
            ));
        }
        Ok(Exit::Done)
    }
}
