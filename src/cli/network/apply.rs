//! `proxdeck network apply`: a profile for good, on trial, or what a trial left behind put back.

use std::io::{self, BufRead as _, IsTerminal as _};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::super::change::{self, Change};
use super::super::output::Output;
use super::super::setup::Setup;
use super::super::{Exit, confirm, interruptible};
use super::look::{self, Look};
use super::{Wanted, plan};
use crate::domain::network::{Action, NetworkPlan, NetworkProfile};
use crate::domain::operation::Operation;
use crate::domain::request::BatchNetworkRequest;
use crate::runtime::Ending;

/// The word that keeps what is on trial.
const KEEP: &str = "keep";

#[derive(Debug, clap::Args)]
pub(super) struct Apply {
    #[command(flatten)]
    wanted: Wanted,

    /// Put everything back after so many seconds, unless it is kept: typed here, or applied by another proxdeck
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(5..=86_400))]
    trial: Option<u32>,

    /// Put back what a trial has left behind, instead of applying the profile
    #[arg(long, conflicts_with = "trial")]
    put_back: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

impl Apply {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        let profile = look::profile_of(&self.wanted.profile, setup)?;
        let mut ending = Ending::listen()?;
        let looking = Look::take(&self.wanted.targets, setup, output);
        let mut look = interruptible(&mut ending, looking).await?;
        let planning = self.plans(&look, profile);
        let shown = interruptible(&mut ending, planning).await?;
        if !self.json {
            plan::tell(&shown, &look, output);
        }
        self.check(&look, &shown).await?;
        if shown.iter().all(NetworkPlan::is_empty) {
            return self.done_already(&look, output);
        }
        if !self.yes {
            self.confirm(&shown, output, &mut ending).await?;
            // A person may take their time; addresses and times are to be those of the write.
            let reading = look.again(setup, output);
            interruptible(&mut ending, reading).await?;
        }
        let planning = self.plans(&look, profile);
        let plans = interruptible(&mut ending, planning).await?;
        require_same(&shown, &plans)?;
        let operation = self.check(&look, &plans).await?;
        let keep = CancellationToken::new();
        if self.trial.is_some() {
            self.listen(&keep, output);
        }
        let changes = vec![Change::of(operation)?];
        let (session, ending) = (&look.session, &mut ending);
        let mut carried = change::carry_out_or_keep(
            session, setup, output, ending, "network", changes, &keep,
        )
        .await;
        let notes = if plans.len() > 1 {
            carried.spread()
        } else {
            Vec::new()
        };
        let schema = self.json.then_some("proxdeck.network-apply/1");
        carried.print(schema, &session.cluster, look.reading.time, output);
        for note in notes {
            output.note(note);
        }
        Ok(carried.exit())
    }

    async fn plans(
        &self,
        look: &Look,
        profile: &NetworkProfile,
    ) -> anyhow::Result<Vec<NetworkPlan>> {
        if self.put_back {
            return Ok(look.ways_back()?);
        }
        let resolved = look.resolve(profile).await;
        Ok(match self.trial {
            None => look.plans(profile, &resolved),
            Some(seconds) => {
                let length = TimeDelta::seconds(seconds.into());
                look.trials(profile, &resolved, length)
            }
        })
    }

    /// Checks the plans against the guests, and what the account may do.
    async fn check(&self, look: &Look, plans: &[NetworkPlan]) -> anyhow::Result<Operation> {
        let request = BatchNetworkRequest {
            plans: plans.to_vec(),
        };
        let operation = request.check(|vmid| look.guest(vmid)).map_err(|objections| {
            let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
            change::refused(&reasons)
        })?;
        let permissions = look.session.client.access().permissions().await?;
        let change = Change::of(operation.clone())?;
        change::require_privileges(&[change], &permissions)?;
        Ok(operation)
    }

    async fn confirm(
        &self,
        plans: &[NetworkPlan],
        output: &Output,
        ending: &mut Ending,
    ) -> anyhow::Result<()> {
        let names: Vec<String> = plans.iter().map(|plan| plan.guest().to_string()).collect();
        let deed = match self.trial {
            None if self.put_back => "put back a trial of".to_owned(),
            None => format!("apply {} to", self.wanted.profile),
            Some(seconds) => format!("try {} for {seconds} s on", self.wanted.profile),
        };
        let (question, word) = match names.as_slice() {
            [only] => (format!("{deed} {only}"), plans[0].guest().vmid.to_string()),
            several => (
                format!("{deed} {} guests: {}", several.len(), several.join(", ")),
                several.len().to_string(),
            ),
        };
        confirm::require(false, &question, &word, output, ending).await
    }

    /// Listens for the word that keeps a trial; nobody without a terminal can say it.
    fn listen(&self, keep: &CancellationToken, output: &Output) {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            let profile = &self.wanted.profile;
            output.note(format_args!(
                "nobody can be asked here: it is put back unless `proxdeck network apply VMID {profile}` \
                 is run meanwhile"
            ));
            return;
        }
        output.note(format_args!("Type {KEEP} to keep it:"));
        let keep = keep.clone();
        // The reading cannot be ended; a program that leaves does not wait for it.
        let _ = tokio::task::spawn_blocking(move || {
            let is_word = |line: io::Result<String>| line.is_ok_and(|line| line.trim() == KEEP);
            if io::stdin().lock().lines().any(is_word) {
                keep.cancel();
            }
        });
    }
}
