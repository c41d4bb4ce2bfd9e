//! The plans themselves: apply a profile, try it, put a trial back, keep what was tried.
//!
//! Each begins with what is there now and changes only what differs, so that a plan that was cut
//! short is finished by making it again, and one that was finished is empty when it is made again.

use chrono::{DateTime, Utc};

use super::action::{Action, CARD, OptionsChange, Setting};
use super::arrange::{Steps, Wanted};
use super::current::Current;
use super::goal::{self, Goal};
use super::mark;
use super::plan::{Change, Deed, NetworkPlan, Role, Warning};
use super::profile::NetworkProfile;
use super::resolved::Resolved;
use super::sets::{self, SetDifference};
use super::warnings;
use super::way_back::{FormerCard, FormerMember, FormerOptions, FormerRule, WayBack};
use crate::domain::firewall::{GuestFirewall, Options, Policy};
use crate::domain::guest::GuestRef;
use crate::domain::id::GuestKind;
use crate::domain::network_card::NetworkCard;
use crate::domain::request::{Field, Objection};

/// Plans what brings a guest to what a profile says; nothing where it is so already.
///
/// A trial that is under way is confirmed by it. Names without an address, sets of others under our
/// names and what could not be read are objections, and nothing is planned then.
pub fn plan(
    guest: &GuestRef,
    profile: &NetworkProfile,
    resolved: &Resolved,
    current: &Current,
) -> NetworkPlan {
    let draft = Draft::of(guest.kind, profile, Some(resolved), current);
    draft.into_plan(guest, profile, current, Deed::Apply)
}

/// Plans a profile on trial: the same, but what was there before is recorded first.
///
/// Sets that no rule speaks of any more stay until the trial is confirmed. `began` and `ends` are by the server's clock.
pub fn plan_trial(
    guest: &GuestRef,
    profile: &NetworkProfile,
    resolved: &Resolved,
    current: &Current,
    (began, ends): (DateTime<Utc>, DateTime<Utc>),
) -> NetworkPlan {
    let mut draft = Draft::of(guest.kind, profile, Some(resolved), current);
    let Some(parts) = &mut draft.parts else {
        return draft.into_plan(guest, profile, current, Deed::Apply);
    };
    let under_way = WayBack::find(&parts.firewall.rules);
    if under_way.is_some() {
        let reason = "a trial is under way: keep it or put it back before the next one";
        draft
            .objections
            .push(Objection::new(Field::Network, reason));
    }
    if parts.sets.iter().any(SetPlan::loses_for_good) {
        let reason = "a set of ours holds an exclusion or alias, which no trial could put back: apply without a trial";
        draft
            .objections
            .push(Objection::new(Field::Network, reason));
    }
    let way_back = WayBack {
        profile: profile.name.clone(),
        began,
        ends,
        options: FormerOptions::from(&parts.firewall.options),
        card: FormerCard::of(&parts.card.0),
        rules: FormerRule::all(&parts.firewall.rules),
        made_sets: parts.made_sets(),
        added: parts.added(),
        removed: parts.removed(),
    };
    parts.record = way_back.rule();
    if parts.record.is_none() {
        let reason = "what would have to be put back is too much for a trial: apply without one";
        draft
            .objections
            .push(Objection::new(Field::Network, reason));
    }
    draft.into_plan(guest, profile, current, Deed::Try(Box::new(way_back)))
}

/// Plans to put back what a trial changed; `None` where no trial is recorded.
pub fn put_back(guest: &GuestRef, current: &Current) -> Option<NetworkPlan> {
    let firewall = current.firewall.as_ref().ok()?;
    let way_back = WayBack::find(&firewall.rules)?;
    let mut plan = NetworkPlan {
        guest: guest.clone(),
        profile: way_back.profile.clone(),
        deed: Deed::PutBack,
        changes: Vec::new(),
        foreign: warnings::foreign(firewall),
        warnings: warnings::switches(current),
        objections: Vec::new(),
    };
    let card = match first_card(current) {
        Ok(card) => card,
        Err(reason) => {
            plan.objections.push(Objection::new(Field::Network, reason));
            return Some(plan);
        }
    };
    let wanted = way_back.rules.iter().map(|former| Wanted {
        rule: former.rule.clone(),
        foreign_above: Some(former.foreign_above),
    });
    let mut steps = Steps::new(firewall, wanted.collect());
    let growing: Vec<&str> = way_back.removed.iter().map(|it| it.set.as_str()).collect();
    steps.close_growing(&growing);
    for former in &way_back.removed {
        former.put_back(&mut steps);
    }
    way_back.take_out(&mut steps, false);
    steps.arrange();
    change_options(&mut steps, way_back.options.change(&firewall.options));
    change_card(&mut steps, &card, way_back.card.put_on(&card));
    steps.delete_old();
    way_back.take_out(&mut steps, true);
    plan.warnings.extend(delete_unused(&mut steps, |name| {
        way_back.made_sets.iter().any(|made| made == name)
    }));
    steps.delete_records();
    plan.changes = steps.into_changes();
    Some(plan)
}

/// Plans to keep what a trial changed; `None` where no trial is recorded.
///
/// What only applying the profile once more mends, as addresses that are gone, is left to that.
pub fn keep(guest: &GuestRef, current: &Current) -> Option<NetworkPlan> {
    let firewall = current.firewall.as_ref().ok()?;
    let way_back = WayBack::find(&firewall.rules)?;
    let mut steps = Steps::new(firewall, Vec::new());
    let set_stays = delete_unused(&mut steps, |_| true);
    steps.delete_records();
    let mut warnings = warnings::switches(current);
    warnings.extend(set_stays);
    Some(NetworkPlan {
        guest: guest.clone(),
        profile: way_back.profile,
        deed: Deed::Keep,
        changes: steps.into_changes(),
        foreign: warnings::foreign(firewall),
        warnings,
        objections: Vec::new(),
    })
}

/// What a profile changes, before it is said what for.
pub(super) struct Draft<'a> {
    parts: Option<Parts<'a>>,
    warnings: Vec<Warning>,
    objections: Vec<Objection>,
}

struct Parts<'a> {
    firewall: &'a GuestFirewall,
    goal: Goal,
    sets: Vec<SetPlan>,
    options: OptionsChange,
    card: (NetworkCard, NetworkCard),
    record: Option<crate::domain::firewall::Rule>,
}

impl<'a> Draft<'a> {
    /// Compares what a profile wants with what is there; without `resolved` addresses are not looked at.
    pub(super) fn of(
        kind: GuestKind,
        profile: &NetworkProfile,
        resolved: Option<&Resolved>,
        current: &'a Current,
    ) -> Self {
        let mut draft = Self {
            parts: None,
            warnings: warnings::switches_but_own(current, profile),
            objections: Vec::new(),
        };
        if kind == GuestKind::Lxc {
            draft.object("network profiles are for virtual machines, this is a container");
            return draft;
        }
        let goal = Goal::of(profile, resolved);
        for reason in &goal.unresolved {
            draft.object(reason);
        }
        let card = first_card(current)
            .map_err(|reason| draft.object(&reason))
            .ok();
        let firewall = match &current.firewall {
            Ok(firewall) => firewall,
            Err(reason) => {
                draft.object(&format!("the guest's firewall could not be read: {reason}"));
                return draft;
            }
        };
        draft.clashes(&goal, firewall);
        let Some(card) = card else {
            return draft;
        };
        let others_fenced = current.open_cards().len() < current.cards().len()
            && current
                .cards()
                .iter()
                .any(|(key, card)| key != CARD && card.has_firewall());
        let options = goal::options(profile, &firewall.options, &card, others_fenced);
        if options.inbound_closes {
            draft.warnings.push(Warning::InboundCloses);
        }
        if !profile.blocks_everything() && firewall.options.policy_out() != Policy::Accept {
            let policy = firewall.options.policy_out();
            draft.warnings.push(Warning::PolicyOutStays(policy));
        }
        let time = resolved.map(Resolved::time);
        let sets = goal.sets.iter().map(|set| SetPlan {
            name: set.name.clone(),
            blocks: set.blocks,
            difference: SetDifference::of(firewall, set, time),
        });
        draft.parts = Some(Parts {
            firewall,
            sets: sets.collect(),
            goal,
            options: options.change,
            card: (card.clone(), goal::card(profile, &card)),
            record: None,
        });
        draft
    }

    fn object(&mut self, reason: &str) {
        self.objections.push(Objection::new(Field::Network, reason));
    }

    /// Objects to sets and aliases of others that have our names.
    fn clashes(&mut self, goal: &Goal, firewall: &GuestFirewall) {
        for name in goal.sets.iter().map(|set| set.name.as_str()) {
            let foreign_set =
                sets::find(firewall, name).is_some_and(|set| mark::profile_of_set(set).is_none());
            let mut aliases = firewall.aliases.iter();
            let alias = aliases.any(|alias| alias.name.raw().eq_ignore_ascii_case(name));
            for (what, clashes) in [("a set", foreign_set), ("an alias", alias)] {
                if clashes {
                    self.object(&format!(
                        "{what} {name} is there and not ours: rename or remove it in the guest's firewall"
                    ));
                }
            }
        }
    }

    /// Returns the steps that mend a guest and what is said about them.
    pub(super) fn into_plan(
        mut self,
        guest: &GuestRef,
        profile: &NetworkProfile,
        current: &Current,
        deed: Deed,
    ) -> NetworkPlan {
        let mut changes = Vec::new();
        let mut foreign = Vec::new();
        if let Some(parts) = self.parts {
            foreign = warnings::foreign(parts.firewall);
            if !matches!(deed, Deed::Try(_)) {
                let under_way = WayBack::find(&parts.firewall.rules);
                let warning = under_way.map(|it| Warning::TrialUnderWay(Box::new(it)));
                self.warnings.extend(warning);
            }
            let written = parts.write(profile, current, &deed);
            self.warnings.extend(written.1);
            changes = written.0;
            // With nothing to change there is nothing to put back.
            if matches!(deed, Deed::Try(_)) && changes.len() == 1 {
                changes.clear();
            }
        }
        if !self.objections.is_empty() {
            changes.clear();
        }
        NetworkPlan {
            guest: guest.clone(),
            profile: profile.name.clone(),
            deed,
            changes,
            foreign,
            warnings: self.warnings,
            objections: self.objections,
        }
    }
}

/// A set that a profile wants, and what it lacks and has too much.
struct SetPlan {
    name: String,
    blocks: bool,
    difference: SetDifference,
}

impl SetPlan {
    fn loses_for_good(&self) -> bool {
        self.difference.loses_for_good()
    }
}

impl Parts<'_> {
    fn made_sets(&self) -> Vec<String> {
        let made = self.sets.iter().filter(|set| set.difference.is_new());
        made.map(|set| set.name.clone()).collect()
    }

    fn added(&self) -> Vec<(String, String)> {
        let of = |set: &SetPlan| -> Vec<(String, String)> {
            let added = set.difference.added();
            added
                .map(|cidr| (set.name.clone(), cidr.to_string()))
                .collect()
        };
        self.sets.iter().flat_map(of).collect()
    }

    fn removed(&self) -> Vec<FormerMember> {
        let of = |set: &SetPlan| -> Vec<FormerMember> {
            let removed = set.difference.removed();
            let former = removed.map(|member| FormerMember {
                set: set.name.clone(),
                cidr: member.cidr.raw().to_owned(),
                comment: member.comment.as_ref().map(|it| it.raw().to_owned()),
            });
            former.collect()
        };
        self.sets.iter().flat_map(of).collect()
    }

    /// Writes sets, rules, options and card, and then removes what is too much (SPEC §5.9).
    ///
    /// A set that lets through loses what it has too much before new rules speak of it, one that
    /// blocks only after the old ones are gone.
    fn write(
        self,
        profile: &NetworkProfile,
        current: &Current,
        deed: &Deed,
    ) -> (Vec<Change>, Vec<Warning>) {
        let mut steps = Steps::new(self.firewall, self.goal.wanted());
        if let Some(record) = self.record {
            steps.record(record);
        }
        let growing = self.sets.iter().filter(|set| set.difference.grows());
        let growing: Vec<&str> = growing.map(|set| set.name.as_str()).collect();
        steps.close_growing(&growing);
        for set in &self.sets {
            set.difference.fill(&mut steps, &set.name, &profile.name);
            if !set.blocks {
                set.difference.thin_out(&mut steps, &set.name);
            }
        }
        steps.arrange();
        change_options(&mut steps, self.options);
        change_card(&mut steps, &self.card.0, self.card.1);
        steps.delete_old();
        for set in self.sets.iter().filter(|set| set.blocks) {
            set.difference.thin_out(&mut steps, &set.name);
        }
        let mut warnings =
            warnings::of_foreign(profile, current, self.firewall, &self.goal.rules, &steps);
        if !matches!(deed, Deed::Try(_)) {
            let wanted: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
            warnings.extend(delete_unused(&mut steps, |name| !wanted.contains(&name)));
            steps.delete_records();
        }
        (steps.into_changes(), warnings)
    }
}

/// Removes sets of ours of which no rule speaks any more; says which ones a foreign rule keeps.
fn delete_unused(steps: &mut Steps, unwanted: impl Fn(&str) -> bool) -> Vec<Warning> {
    let firewall = steps.firewall().clone();
    let mut stays = Vec::new();
    for set in &firewall.sets {
        if mark::profile_of_set(set).is_none() || !unwanted(set.name.raw()) {
            continue;
        }
        let mut rules = firewall.rules.list.iter();
        match rules.find(|rule| mark::speaks_of(rule, set.name.raw())) {
            None => sets::delete(steps, set),
            Some(rule) if mark::profile_of_rule(rule).is_some() => {}
            Some(_) => stays.push(Warning::SetStays(set.name.to_string())),
        }
    }
    stays
}

fn change_options(steps: &mut Steps, change: OptionsChange) {
    if change.is_empty() {
        return;
    }
    let before = words(&steps.firewall().options, change);
    let action = Action::ChangeOptions(change);
    let mut changed = GuestFirewall {
        options: steps.firewall().options.clone(),
        ..GuestFirewall::default()
    };
    action.apply_to(&mut changed);
    let after = words(&changed.options, change);
    steps.push(action, Role::Mends, "options", Some(before), Some(after));
}

/// Writes the options that a change is about, `enable 1, policy_out DROP`; unset ones as `default`.
fn words(options: &Options, change: OptionsChange) -> String {
    let flag = |value: Option<bool>| value.map_or("default", |on| if on { "1" } else { "0" });
    let policy = |value: Option<Policy>| value.map_or("default", Policy::word);
    let parts = [
        (
            "enable",
            flag(options.enable),
            change.enable != Setting::Stays,
        ),
        (
            "policy_in",
            policy(options.policy_in),
            change.policy_in != Setting::Stays,
        ),
        (
            "policy_out",
            policy(options.policy_out),
            change.policy_out != Setting::Stays,
        ),
        ("dhcp", flag(options.dhcp), change.dhcp != Setting::Stays),
    ];
    let parts = parts.into_iter().filter(|(_, _, differs)| *differs);
    let parts: Vec<String> = parts
        .map(|(key, value, _)| format!("{key} {value}"))
        .collect();
    parts.join(", ")
}

fn change_card(steps: &mut Steps, before: &NetworkCard, after: NetworkCard) {
    if *before == after {
        return;
    }
    let words = (Some(before.to_string()), Some(after.to_string()));
    let action = Action::SetCard {
        before: before.clone(),
        after,
    };
    steps.push(action, Role::Mends, CARD, words.0, words.1);
}

/// Returns the first card, or says why a profile cannot be put on it.
fn first_card(current: &Current) -> Result<NetworkCard, String> {
    if let Err(reason) = &current.config {
        return Err(format!(
            "the guest's configuration could not be read: {reason}"
        ));
    }
    let cards = current.cards().into_iter();
    let mut first = cards.filter(|(key, _)| key == CARD);
    let card = first.next().map(|(_, card)| card);
    card.ok_or_else(|| "the guest has no net0: add a network card first".to_owned())
}
