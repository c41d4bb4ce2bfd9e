//! One step of a network plan: what it needs to be true, the write, and the proof.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::Context;
use super::super::lookup::find_meant;
use super::read::read;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::firewall::{AddressSet, GuestFirewall, Member, Options, Rule};
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::network::{Action, NetworkPlan};
use crate::domain::network_card::NetworkCard;
use crate::domain::operation::Outcome;
use crate::proxmox::Error;

/// The card that a profile fences.
const CARD: &str = "net0";
/// How often a write is tried that the server says it has not done.
const TRIES: u32 = 5;

/// A guest whose firewall is changed, and how it is expected to be now.
pub(super) struct Turn<'a> {
    pub(super) context: Context<'a>,
    pub(super) guest: GuestRef,
    expected: GuestFirewall,
}

/// What came of sending a write.
enum Sent {
    /// The server has done it.
    Done,
    /// It was not sent, because this is not as the steps before have left it.
    Changed(&'static str),
    /// The server refused, or its answer was lost.
    Not(Error),
}

impl From<Error> for Sent {
    fn from(error: Error) -> Self {
        Self::Not(error)
    }
}

impl<'a> Turn<'a> {
    pub(super) fn new(context: Context<'a>, guest: GuestRef, expected: GuestFirewall) -> Self {
        Self {
            context,
            guest,
            expected,
        }
    }

    /// Takes a step; what did not end well is said by an outcome.
    ///
    /// A write is sent again only when the server says that it was not done.
    pub(super) async fn take(&mut self, action: &Action) -> Result<(), Outcome> {
        let mut after = self.expected.clone();
        action.apply_to(&mut after);
        let mut has_moved = false;
        for turn in 1.. {
            let error = match self.send(action).await {
                Sent::Done => break,
                Sent::Changed(what) => return Err(self.changed(what)),
                Sent::Not(error) => error,
            };
            if error.outcome_unknown() {
                let step = "the answer was lost; reading again";
                self.context.reporter.step(step).await;
                self.settle(action, &after, error).await?;
                break;
            }
            let kind = error.kind();
            let was_not_done = matches!(kind, FailureKind::Busy | FailureKind::Conflict);
            if was_not_done && turn < TRIES {
                let pause = Duration::from_secs(u64::from(turn));
                let step = format!(
                    "it was in use and nothing was done; asking again in {} s",
                    pause.as_secs()
                );
                self.context.reporter.step(step).await;
                tokio::time::sleep(pause).await;
            } else if kind == FailureKind::NoSuchGuest && !has_moved {
                has_moved = true;
                let found = find_meant(self.context.client, &self.guest).await;
                self.guest = found.map_err(failed)?.0;
            } else if matches!(kind, FailureKind::Rejected | FailureKind::Server)
                && self.holds(action, &after).await.unwrap_or(false)
            {
                // A member that another has added or taken out meanwhile is as wanted.
                break;
            } else {
                return Err(failed(error));
            }
        }
        self.expected = after;
        Ok(())
    }

    /// Reads once more what a write is about and sends it, once.
    async fn send(&self, action: &Action) -> Sent {
        match self.try_to_send(action).await {
            Ok(sent) => sent,
            Err(error) => Sent::Not(error),
        }
    }

    async fn try_to_send(&self, action: &Action) -> Result<Sent, Error> {
        let (client, guest) = (self.context.client, &self.guest);
        let firewall = client.firewall();
        match action {
            Action::MakeSet { name, comment } => {
                firewall.create_set(guest, name, Some(comment)).await?;
            }
            Action::AddMember { set, cidr, comment } => {
                let (cidr, comment) = (cidr.to_string(), comment.as_deref());
                firewall.add_member(guest, set, &cidr, comment).await?;
            }
            Action::RewriteMember { set, cidr, comment } => {
                let cidr = cidr.to_string();
                firewall.describe_member(guest, set, &cidr, comment).await?;
            }
            Action::RemoveMember { set, member } => {
                firewall.delete_member(guest, set, member.raw()).await?;
            }
            Action::DeleteSet { name } => firewall.delete_set(guest, name).await?,
            Action::InsertRule(_)
            | Action::MoveRule { .. }
            | Action::EnableRule { .. }
            | Action::DeleteRule { .. } => return self.send_rule(action).await,
            Action::ChangeOptions(change) => {
                let now = firewall.options(guest).await?;
                if !same_options(&now, &self.expected.options) {
                    return Ok(Sent::Changed("the options"));
                }
                let digest = now.digest.as_deref();
                let (set, unset) = (change.set(), change.unset());
                firewall.set_options(guest, &set, &unset, digest).await?;
            }
            Action::SetCard { before, after } => {
                let config = client.guests().next_config(guest).await?;
                if card(&config).as_ref() != Some(before) {
                    return Ok(Sent::Changed("net0"));
                }
                let after = after.to_string();
                let options = [(CARD, after.as_str())];
                let guests = client.guests();
                guests
                    .set_config(guest, &options, &[], config.digest())
                    .await?;
            }
        }
        Ok(Sent::Done)
    }

    /// Sends a write about rules, whose positions hold for the list that was just read alone.
    async fn send_rule(&self, action: &Action) -> Result<Sent, Error> {
        let (firewall, guest) = (self.context.client.firewall(), &self.guest);
        let rules = firewall.rules(guest).await?;
        if !same_rules(&rules.list, &self.expected.rules.list) {
            return Ok(Sent::Changed("the list of rules"));
        }
        // Only an empty list has no digest, and in it there is no position to be wrong about.
        let digest = rules.digest.as_deref().unwrap_or_default();
        match action {
            Action::InsertRule(rule) => firewall.add_rule(guest, rule).await?,
            Action::MoveRule { from, to } => {
                firewall.move_rule(guest, *from, to + 1, digest).await?;
            }
            Action::EnableRule { position } => {
                firewall.enable_rule(guest, *position, digest).await?;
            }
            Action::DeleteRule { position } => {
                firewall.delete_rule(guest, *position, digest).await?;
            }
            Action::MakeSet { .. }
            | Action::AddMember { .. }
            | Action::RewriteMember { .. }
            | Action::RemoveMember { .. }
            | Action::DeleteSet { .. }
            | Action::ChangeOptions(_)
            | Action::SetCard { .. } => {}
        }
        Ok(Sent::Done)
    }

    /// Judges a write whose answer was lost by what is there; it is not sent again.
    async fn settle(
        &self,
        action: &Action,
        after: &GuestFirewall,
        lost: Error,
    ) -> Result<(), Outcome> {
        let what = match self.holds(action, after).await {
            Ok(true) => return Ok(()),
            Ok(false) => "read again, it was not as it should be; it was not sent again".to_owned(),
            Err(error) => format!("it could not be read to make sure: {error}"),
        };
        let mut failure = Failure::from(lost);
        failure.details.insert(0, what.into());
        Err(Outcome::Unknown(Box::new(failure)))
    }

    /// Reads what a write is about and tells whether it is as it should be afterwards.
    async fn holds(&self, action: &Action, after: &GuestFirewall) -> Result<bool, Error> {
        let (client, guest) = (self.context.client, &self.guest);
        let firewall = client.firewall();
        let wanted = |name: &str| after.sets.iter().find(|set| set.name.raw() == name);
        Ok(match action {
            Action::MakeSet { name, .. } | Action::DeleteSet { name } => {
                let sets = firewall.sets(guest).await?;
                let found = sets.iter().find(|set| set.name.raw() == name);
                let comment = |set: &AddressSet| set.comment.clone();
                found.map(comment) == wanted(name).map(comment)
            }
            Action::AddMember { set, .. }
            | Action::RewriteMember { set, .. }
            | Action::RemoveMember { set, .. } => {
                let members = firewall.members(guest, set).await?;
                wanted(set).is_some_and(|wanted| same_members(&members, &wanted.members))
            }
            Action::InsertRule(_)
            | Action::MoveRule { .. }
            | Action::EnableRule { .. }
            | Action::DeleteRule { .. } => {
                let rules = firewall.rules(guest).await?;
                same_rules(&rules.list, &after.rules.list)
            }
            Action::ChangeOptions(_) => {
                let options = firewall.options(guest).await?;
                same_options(&options, &after.options)
            }
            Action::SetCard { after, .. } => {
                let config = client.guests().next_config(guest).await?;
                card(&config).as_ref() == Some(after)
            }
        })
    }

    /// Reads everything once more and compares it with what the plan leads to.
    pub(super) async fn make_sure(&self, plan: &NetworkPlan) -> Outcome {
        self.context.reporter.step("making sure").await;
        let (config, firewall) = match read(self.context.client, &self.guest).await {
            Ok(seen) => seen,
            Err(error) => return super::super::unverified(error),
        };
        if let Some(what) = difference(&self.expected, &firewall) {
            return self.changed(what);
        }
        let mut steps = plan.steps().iter().rev();
        let wanted = steps.find_map(|step| {
            if let Action::SetCard { after, .. } = &step.action {
                Some(after)
            } else {
                None
            }
        });
        if wanted.is_some_and(|wanted| card(&config).as_ref() != Some(wanted)) {
            return self.changed(CARD);
        }
        Outcome::Done
    }

    fn changed(&self, what: &str) -> Outcome {
        let text = format!(
            "{what} of {} is not as the steps before have left it",
            self.guest
        );
        let failure = Failure::new(FailureKind::Conflict, text);
        let advice = "somebody else changes it too; look at it, and make the plan again";
        Outcome::Failed(Box::new(failure.with_advice(advice)))
    }
}

fn failed(error: Error) -> Outcome {
    Outcome::Failed(Box::new(error.into()))
}

fn card(config: &GuestConfig) -> Option<NetworkCard> {
    config
        .get(CARD)
        .map(|value| NetworkCard::parse(value.raw()))
}

/// Names the part in which two states of a firewall differ, as far as plans look at it.
pub(super) fn difference(wanted: &GuestFirewall, found: &GuestFirewall) -> Option<&'static str> {
    if !same_rules(&wanted.rules.list, &found.rules.list) {
        return Some("the list of rules");
    }
    if !same_options(&wanted.options, &found.options) {
        return Some("the options");
    }
    (!same_sets(&wanted.sets, &found.sets)).then_some("a set of addresses")
}

/// Compares rules; whether the server finds one broken follows from the sets, and not from the rule.
fn same_rules(these: &[Rule], those: &[Rule]) -> bool {
    let whole = |rule: &Rule| Rule {
        is_broken: false,
        ..rule.clone()
    };
    these.len() == those.len()
        && these
            .iter()
            .zip(those)
            .all(|(this, that)| whole(this) == whole(that))
}

/// Compares the options that plans change or build on.
fn same_options(these: &Options, those: &Options) -> bool {
    let looked_at = |options: &Options| {
        (
            options.enable,
            options.policy_in,
            options.policy_out,
            options.dhcp,
        )
    };
    looked_at(these) == looked_at(those)
}

fn same_sets(these: &[AddressSet], those: &[AddressSet]) -> bool {
    let by_name = |sets: &[AddressSet]| -> BTreeMap<String, AddressSet> {
        let sets = sets.iter();
        sets.map(|set| (set.name.raw().to_owned(), set.clone()))
            .collect()
    };
    let (these, those) = (by_name(these), by_name(those));
    these.len() == those.len()
        && these
            .iter()
            .zip(&those)
            .all(|((name, this), (other, that))| {
                name == other
                    && this.comment == that.comment
                    && same_members(&this.members, &that.members)
            })
}

/// Compares members, whose order means nothing.
fn same_members(these: &[Member], those: &[Member]) -> bool {
    let by_address = |members: &[Member]| -> BTreeMap<String, Member> {
        let members = members.iter();
        members
            .map(|member| (member.cidr.raw().to_owned(), member.clone()))
            .collect()
    };
    by_address(these) == by_address(those)
}
