//! `proxdeck network apply`: a profile for good, on trial, or what a trial left behind put back.

use std::io::{self, BufRead as _, IsTerminal as _};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::super::carried::{Carried, End, Ended};
use super::super::change::{self, Change};
use super::super::complaint::Refusal;
use super::super::output::Output;
use super::super::setup::Setup;
use super::super::{Exit, confirm, interruptible};
use super::look::{self, Look};
use super::{Wanted, plan};
use crate::domain::network::{NetworkPlan, NetworkProfile, Role};
use crate::domain::operation::{Operation, Outcome, Report};
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
        let Some(_) = self.check(&look, &shown).await? else {
            let carried = Carried {
                ended: as_wanted(&shown),
                interrupted: false,
            };
            return Ok(self.report(&carried, &look, output));
        };
        if !self.yes {
            self.confirm(&shown, output, &mut ending).await?;
            // A person may take their time; addresses and times are to be those of the write.
            let reading = look.again(setup, output);
            interruptible(&mut ending, reading).await?;
        }
        let planning = self.plans(&look, profile);
        let plans = interruptible(&mut ending, planning).await?;
        require_same(&shown, &plans)?;
        let Some(operation) = self.check(&look, &plans).await? else {
            return Ok(Exit::Done);
        };
        let is_batch = matches!(operation, Operation::Batch(_));
        let keep = CancellationToken::new();
        if self.trial.is_some() {
            self.listen(&keep, output);
        }
        let changes = vec![Change::of(operation)?];
        let (session, ending) = (&look.session, &mut ending);
        let mut carried =
            change::carry_out_or_keep(session, setup, output, ending, "network", changes, &keep)
                .await;
        let notes = if is_batch {
            carried.spread()
        } else {
            Vec::new()
        };
        carried.ended.extend(as_wanted(&plans));
        let exit = self.report(&carried, &look, output);
        for note in notes {
            output.note(note);
        }
        Ok(exit)
    }

    fn report(&self, carried: &Carried, look: &Look, output: &Output) -> Exit {
        let schema = self.json.then_some("proxdeck.network-apply/1");
        carried.print(schema, &look.session.cluster, look.reading.time, output);
        carried.exit()
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

    /// Checks the plans against the guests, and what the account may do; nothing where none has a step.
    async fn check(&self, look: &Look, plans: &[NetworkPlan]) -> anyhow::Result<Option<Operation>> {
        let wanted = plans.iter().filter(|plan| !is_idle(plan)).cloned();
        let request = BatchNetworkRequest {
            plans: wanted.collect(),
        };
        if request.plans.is_empty() {
            return Ok(None);
        }
        let operation = request
            .check(|vmid| look.guest(vmid))
            .map_err(|objections| {
                let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
                change::refused(&reasons)
            })?;
        let permissions = look.session.client.access().permissions().await?;
        let change = Change::of(operation.clone())?;
        let client = &look.session.client;
        change::require_privileges(client, &[change], permissions).await?;
        Ok(Some(operation))
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
        drop(tokio::task::spawn_blocking(move || {
            let is_word = |line: io::Result<String>| line.is_ok_and(|line| line.trim() == KEEP);
            if io::stdin().lock().lines().any(is_word) {
                keep.cancel();
            }
        }));
    }
}

/// Tells whether a guest is as the profile says already.
fn is_idle(plan: &NetworkPlan) -> bool {
    plan.is_empty() && plan.objections().is_empty()
}

/// Says of each guest that is as the profile says already that it is.
fn as_wanted(plans: &[NetworkPlan]) -> Vec<Ended> {
    let idle = plans.iter().filter(|plan| is_idle(plan));
    let ended = idle.map(|plan| {
        let report = Report::new(Outcome::Done).with_note("there was nothing to change");
        Ended {
            guest: plan.guest().clone(),
            subject: String::new(),
            operation: "network",
            end: End::Reported(Box::new(report)),
        }
    });
    ended.collect()
}

/// Refuses when something else would be done than what was shown; addresses of names may move on.
fn require_same(shown: &[NetworkPlan], plans: &[NetworkPlan]) -> Result<(), Refusal> {
    let words = |plan: &NetworkPlan| {
        let steps = plan.steps().iter();
        let own = steps.filter(|change| change.role != Role::Refreshes);
        own.map(ToString::to_string).collect::<Vec<_>>()
    };
    let mut pairs = shown.iter().zip(plans);
    match pairs.find(|(before, now)| words(before) != words(now)) {
        None => Ok(()),
        Some((before, _)) => Err(Refusal::new(
            "Changed",
            format!("{} changed since the plan was shown", before.guest()),
            "nothing was changed; look at the new plan",
        )),
    }
}
