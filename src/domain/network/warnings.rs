//! What a person must know: switches that are off, cards left open, rules of others.

use super::action::CARD;
use super::arrange::Steps;
use super::current::Current;
use super::mark;
use super::plan::{ForeignRule, Warning};
use super::profile::NetworkProfile;
use crate::domain::firewall::{Direction, GuestFirewall, Policy, Rule};

/// Returns the rules that are not ours, with their positions.
pub(super) fn foreign(firewall: &GuestFirewall) -> Vec<ForeignRule> {
    let rules = firewall.rules.list.iter().enumerate();
    let foreign = rules.filter(|(_, rule)| mark::profile_of_rule(rule).is_none());
    foreign
        .map(|(position, rule)| ForeignRule {
            position,
            rule: rule.clone(),
        })
        .collect()
}

/// Says which switches are off, and which cards stay open whatever the rules say.
pub(super) fn switches(current: &Current) -> Vec<Warning> {
    let mut warnings = cluster_switch(current);
    if let Ok(firewall) = &current.firewall
        && !firewall.options.is_enabled()
    {
        warnings.push(Warning::GuestSwitchOff);
    }
    let open = current.open_cards();
    if open.iter().any(|card| card == CARD) {
        warnings.push(Warning::CardSwitchOff);
    }
    warnings.extend(other_open_cards(open));
    warnings
}

/// The same for a plan, which switches on what is its own to switch.
pub(super) fn switches_but_own(current: &Current, profile: &NetworkProfile) -> Vec<Warning> {
    let mut warnings = cluster_switch(current);
    if !profile.firewall {
        warnings.push(Warning::CardSwitchOff);
    }
    warnings.extend(other_open_cards(current.open_cards()));
    warnings
}

fn cluster_switch(current: &Current) -> Vec<Warning> {
    match current.cluster.is_enabled {
        Some(true) => Vec::new(),
        Some(false) => vec![Warning::ClusterSwitchOff],
        None => vec![Warning::ClusterSwitchUnknown],
    }
}

fn other_open_cards(open: Vec<String>) -> impl Iterator<Item = Warning> {
    let others = open.into_iter().filter(|card| card != CARD);
    others.map(Warning::OpenCard)
}

/// Points out rules of others that defeat the fence, or that the profile overrules.
///
/// `steps` are at their end, so that it is known what stands above what.
pub(super) fn of_foreign(
    profile: &NetworkProfile,
    current: &Current,
    before: &GuestFirewall,
    ours: &[Rule],
    steps: &Steps,
) -> Vec<Warning> {
    let list = &steps.firewall().rules.list;
    let at_the_end = steps.foreign_positions();
    let foreign = foreign(before).into_iter().zip(at_the_end);
    let mut warnings = Vec::new();
    for (ForeignRule { position, rule }, end) in foreign {
        if !rule.is_enabled || rule.is_broken || is_of_other_card(&rule) {
            continue;
        }
        let is_ours = |each: &&Rule| mark::profile_of_rule(each).is_some() && each.is_enabled;
        let blocks_below = list[end..].iter().filter(is_ours).any(blocks_out);
        let fences_out = profile.blocks_everything() || blocks_below;
        let fences_in = profile.allow_in.is_some();
        let words = rule.to_string();
        match opens(&rule, current, fences_in, fences_out) {
            Opens::Yes => warnings.push(Warning::Defeated {
                position,
                rule: words,
            }),
            Opens::Perhaps => warnings.push(Warning::PerhapsDefeated {
                position,
                rule: words,
            }),
            Opens::No => {
                let count = |rules: &[Rule]| {
                    let rules = rules.iter().filter(is_ours);
                    rules
                        .filter(|each| lets_through(each, &rule.direction))
                        .count()
                };
                let was_above = count(&before.rules.list[..position]);
                if blocks(&rule) && !ours.is_empty() && count(&list[..end]) > was_above {
                    warnings.push(Warning::Overruled {
                        position,
                        rule: words,
                    });
                }
            }
        }
    }
    warnings
}

/// Whether a rule of others lets through what a profile blocks.
enum Opens {
    Yes,
    No,
    Perhaps,
}

fn opens(rule: &Rule, current: &Current, fences_in: bool, fences_out: bool) -> Opens {
    let alone = |rule: &Rule| {
        (fences_in && lets_through(rule, &Direction::In))
            || (fences_out && lets_through(rule, &Direction::Out))
    };
    if rule.direction != Direction::Group {
        return if alone(rule) { Opens::Yes } else { Opens::No };
    }
    let Some(groups) = &current.cluster.groups else {
        return Opens::Perhaps;
    };
    let group = groups.iter().find(|group| group.name == rule.action);
    let mut rules = group.into_iter().flat_map(|group| &group.rules.list);
    if rules.any(|rule| rule.is_enabled && !rule.is_broken && alone(rule)) {
        Opens::Yes
    } else {
        Opens::No
    }
}

fn lets_through(rule: &Rule, direction: &Direction) -> bool {
    rule.direction == *direction && rule.action.raw() == Policy::Accept.word()
}

fn blocks_out(rule: &Rule) -> bool {
    rule.direction == Direction::Out && blocks(rule)
}

fn blocks(rule: &Rule) -> bool {
    rule.direction != Direction::Group
        && [Policy::Drop, Policy::Reject]
            .iter()
            .any(|policy| rule.action.raw() == policy.word())
}

fn is_of_other_card(rule: &Rule) -> bool {
    rule.interface
        .as_ref()
        .is_some_and(|card| card.raw() != CARD)
}
