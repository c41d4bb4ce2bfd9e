//! `proxdeck bracket restore`: the guests of a bracket go back to it together.

use std::collections::BTreeSet;

use super::change::{self, Work};
use super::view::View;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::target::{self, Target};
use crate::cli::{Exit, confirm, interruptible};
use crate::domain::bracket::Bracket;
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::operation::Operation;
use crate::domain::request::{RestoreBracketRequest, RestoreLosses};
use crate::runtime::Ending;
use crate::ui::format;

/// Roll the guests of a bracket back to it, whereby what came after is lost
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The bracket; where several have the name, as NAME@NONCE
    #[arg(value_name = "NAME")]
    name: String,

    /// Only these of its guests, as 104 or 104=agent-build-4; without any, all
    #[arg(value_name = "VMID")]
    targets: Vec<Target>,

    /// Let guests run without their fence for a moment, where RAM resumes before that is up again
    #[arg(long)]
    unfenced: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A checked roll-back of several guests, and what it costs.
struct Prepared {
    view: View,
    bracket: Bracket,
    operation: Operation,
    losses: RestoreLosses,
}

impl Restore {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        let mut ending = Ending::listen()?;
        let prepare = self.prepare(setup, output);
        let Prepared {
            view,
            bracket,
            operation,
            losses,
        } = interruptible(&mut ending, prepare).await?;
        change::tell_skipped(&operation, output);
        for line in told(&losses) {
            output.note(line);
        }
        let question = format!(
            "roll back to bracket {}: {}",
            bracket.full_name(),
            change::names(&operation).join(", ")
        );
        let word = bracket.name.to_string();
        confirm::require(self.yes, &question, &word, output, &mut ending).await?;
        confirm::require_unfenced(self.unfenced, &operation, output, &mut ending).await?;
        let work = Work {
            view: &view,
            operation,
            word: "rollback",
            json: self.json,
        };
        Ok(work.carry_out(setup, output, &mut ending).await)
    }

    /// Finds the bracket, reads what its guests would lose, and checks everything.
    async fn prepare(&self, setup: &Setup, output: &Output) -> anyhow::Result<Prepared> {
        let mut view = View::take(setup, output).await?;
        let bracket = view.find(&self.name)?;
        let named = target::find_all(&self.targets, &view.reading.guests)?;
        let named: BTreeSet<Vmid> = named.iter().map(|guest| guest.vmid).collect();
        let request = RestoreBracketRequest {
            only: (!named.is_empty()).then_some(named),
            bracket,
            // Whoever may be asked is asked, once all else is checked.
            unfenced: true,
        };
        let members = request.wanted();
        let guests: Vec<GuestRef> = members.map(|member| member.guest.clone()).collect();
        let snapshot = request.bracket.name.snapshot().to_string();
        view.read_configs(&guests, Some(&snapshot), setup, output)
            .await;
        let operation = change::checked(request.check(&view))?;
        change::require_privileges(&operation, &view).await?;
        let now = view.session.client.server_time();
        let losses = request.losses(&view, now.unwrap_or(view.reading.time));
        Ok(Prepared {
            bracket: request.bracket,
            view,
            operation,
            losses,
        })
    }
}

/// Says what the roll-back costs, a line each.
fn told(losses: &RestoreLosses) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((time, vmid)) = losses.longest {
        let time = format::span(time);
        lines.push(match losses.guests {
            1 => format!("what happened in the last {time} is lost"),
            _ => format!("up to {time} are lost, of {vmid}"),
        });
    }
    for guest in &losses.undated {
        lines.push(format!("{guest}: nobody knows how much time is lost"));
    }
    if !losses.stopped.is_empty() {
        lines.push(format!(
            "stopped at once, without a shutdown: {} of {}",
            losses.stopped.len(),
            losses.guests
        ));
    }
    let afterwards = [
        (losses.resume, "resume from their memory"),
        (losses.start, "are started again"),
        (losses.stay_off, "stay off"),
    ];
    let afterwards = afterwards.iter().filter(|(count, _)| *count > 0);
    let afterwards: Vec<String> = afterwards
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !afterwards.is_empty() {
        lines.push(format!("afterwards {}", afterwards.join(", ")));
    }
    for vmid in &losses.gone {
        lines.push(format!("{vmid} belongs to it and is no guest any more"));
    }
    for (guest, danger) in &losses.dangers {
        lines.push(format!("{guest}: {danger}"));
    }
    for (guest, fence) in &losses.fences {
        lines.push(format!("{guest}: {fence}"));
    }
    for (guest, branches) in &losses.branches {
        let names: Vec<String> = branches.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "{guest}: these snapshots stay, on a side branch: {}",
            names.join(", ")
        ));
    }
    for (guest, options) in &losses.changed {
        lines.push(format!(
            "{guest}: options of its configuration go back: {options}"
        ));
    }
    for guest in &losses.uncompared {
        lines.push(format!(
            "{guest}: how its configuration changes is not known"
        ));
    }
    lines
}
