//! `proxdeck bracket create`: the same-named snapshot of several guests, or what is missing of it.

use super::change::{self, Work};
use super::view::View;
use crate::cli::complaint::Refusal;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::snapshot::read::Unread;
use crate::cli::target::{self, Target};
use crate::cli::{Exit, interruptible};
use crate::domain::bracket::{BracketName, Nonce};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::operation::{Operation, Skipped};
use crate::domain::request::CreateBracketRequest;
use crate::runtime::Ending;

/// Take a snapshot br-NAME of each guest, or of those that lack it in an incomplete bracket
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// The bracket's name; its snapshots are called br-NAME
    #[arg(value_name = "NAME")]
    name: String,

    /// The guests, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID", required = true)]
    targets: Vec<Target>,

    /// Save the memory too, of the guests that have any
    #[arg(long)]
    ram: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

impl Create {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        BracketName::of_typed(&self.name).map_err(|error| {
            let advice = "choose another name; the snapshots are called br-NAME";
            Refusal::new("Usage", format!("NAME: {error}"), advice)
        })?;
        let mut ending = Ending::listen()?;
        let prepare = self.prepare(setup, output);
        let (view, operation) = interruptible(&mut ending, prepare).await?;
        let work = Work {
            view: &view,
            operation,
            word: "snapshot",
            json: self.json,
        };
        Ok(work.carry_out(setup, output, &mut ending).await)
    }

    /// Reads what is needed and checks everything; nothing is changed yet.
    async fn prepare(&self, setup: &Setup, output: &Output) -> anyhow::Result<(View, Operation)> {
        let mut view = View::take(setup, output).await?;
        let found = target::find_all(&self.targets, &view.reading.guests)?;
        crate::cli::change::require_answering(&found)?;
        let guests: Vec<GuestRef> = found.into_iter().map(Guest::to_ref).collect();
        let is_meant = |each: &Unread| guests.contains(each.guest());
        let unread = view.unread.iter().position(is_meant);
        if let Some(index) = unread {
            return Err(view.unread.remove(index).into_complaint().into());
        }
        if self.ram {
            view.read_configs(&guests, None, setup, output).await;
        }
        let request = CreateBracketRequest {
            guests,
            name: self.name.clone(),
            ram: self.ram,
            nonce: Nonce::new(rand::random()),
        };
        let operation = change::checked(request.check(&view))?;
        change::require_privileges(&operation, &view).await?;
        if !view.unread.is_empty() {
            let count = view.unread.len();
            output.note(format_args!(
                "whether the name is taken is unknown for guests that could not be read: {count}"
            ));
        }
        for Skipped { guest, reason } in request.without_ram(&view) {
            output.note(format_args!("{guest} without RAM: {reason}"));
        }
        if let Some(bracket) = request.completes(&view) {
            output.note(format_args!(
                "completing the bracket {}: {} of {} are there",
                bracket.full_name(),
                bracket.members.len(),
                bracket.vmids().len()
            ));
        }
        Ok((view, operation))
    }
}
