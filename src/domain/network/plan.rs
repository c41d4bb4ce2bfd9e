//! What a profile changes about a guest, call by call, and what a person must know about it.

use std::collections::BTreeSet;
use std::fmt;

use super::action::{Action, CARD};
use super::arrange::RECORD;
use super::current::Current;
use super::way_back::WayBack;
use crate::domain::firewall::{GuestFirewall, Policy, Rule};
use crate::domain::guest::GuestRef;
use crate::domain::operation::Call;
use crate::domain::request::Objection;

/// What is done to a guest's network, step by step.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a plan does nothing until it is executed"]
pub struct NetworkPlan {
    pub(super) guest: GuestRef,
    pub(super) profile: String,
    pub(super) deed: Deed,
    pub(super) changes: Vec<Change>,
    pub(super) foreign: Vec<ForeignRule>,
    pub(super) warnings: Vec<Warning>,
    pub(super) objections: Vec<Objection>,
    pub(super) base: GuestFirewall,
}

/// What a network plan is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// The profile is applied for good; a trial that was under way is confirmed by it.
    Apply,
    /// The profile is applied until the trial ends, when this is put back.
    Try(Box<WayBack>),
    /// What a trial changed is put back.
    PutBack,
    /// What a trial changed stays, and its way back is given up.
    Keep,
}

/// One step of a network plan: what differs, and the write that mends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The write.
    pub action: Action,
    /// What it is about, as `policy_out` or `rule 3`.
    pub subject: String,
    /// How it is before; absent where there is nothing.
    pub before: Option<String>,
    /// How it is afterwards; absent where there is nothing left.
    pub after: Option<String>,
    /// What it does for the plan.
    pub role: Role,
}

/// What a step does for its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It mends a difference.
    Mends,
    /// It finishes what a step before it began, as moving a new rule to its place.
    Follows,
    /// It brings the addresses of names up to date, which is no drift.
    Refreshes,
}

impl Change {
    /// Returns the write that it sends.
    pub fn call(&self, guest: &GuestRef) -> Call {
        self.action.call(guest)
    }
}

impl fmt::Display for Change {
    /// Writes `policy_out: ACCEPT → DROP`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.subject)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(formatter, "{before} → {after}"),
            (None, Some(after)) => write!(formatter, "new: {after}"),
            (Some(before), None) => write!(formatter, "gone: {before}"),
            (None, None) => formatter.write_str("removed"),
        }
    }
}

/// A rule that is not ours; it is left alone.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignRule {
    /// Where it stands now.
    pub position: usize,
    /// The rule.
    pub rule: Rule,
}

/// What a person must know about a network plan, or about a guest as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The datacenter's firewall is off: nothing is enforced anywhere.
    ClusterSwitchOff,
    /// Whether the datacenter's firewall is on may not be read.
    ClusterSwitchUnknown,
    /// The guest's own firewall is off.
    GuestSwitchOff,
    /// The first card passes no firewall.
    CardSwitchOff,
    /// Another card passes no firewall: the guest is not fenced.
    OpenCard(String),
    /// A foreign rule lets through what the profile blocks.
    Defeated {
        /// Where it stands now.
        position: usize,
        /// The rule in words.
        rule: String,
    },
    /// A foreign rule may let through what the profile blocks; what it says cannot be read.
    PerhapsDefeated {
        /// Where it stands now.
        position: usize,
        /// The rule in words.
        rule: String,
    },
    /// A foreign rule blocks something, and rules of the profile before it let it through.
    Overruled {
        /// Where it stands now.
        position: usize,
        /// The rule in words.
        rule: String,
    },
    /// The profile leaves the outgoing policy as it is, and that one lets nothing through.
    PolicyOutStays(Policy),
    /// What came in over the first card is dropped, for another card depends on the policy.
    InboundCloses,
    /// A set of ours stays, for a foreign rule uses it.
    SetStays(String),
    /// A trial is under way, or was left behind.
    TrialUnderWay(Box<WayBack>),
}

impl Warning {
    /// Tells whether the guest is less fenced than it looks; such warnings are red.
    pub fn is_grave(&self) -> bool {
        match self {
            Self::ClusterSwitchOff
            | Self::GuestSwitchOff
            | Self::CardSwitchOff
            | Self::OpenCard(_)
            | Self::Defeated { .. } => true,
            Self::ClusterSwitchUnknown
            | Self::PerhapsDefeated { .. }
            | Self::Overruled { .. }
            | Self::PolicyOutStays(_)
            | Self::InboundCloses
            | Self::SetStays(_)
            | Self::TrialUnderWay(_) => false,
        }
    }
}

impl Warning {
    /// Tells whether it is about a rule that is not ours.
    pub(super) fn is_about_foreign_rules(&self) -> bool {
        match self {
            Self::Defeated { .. } | Self::PerhapsDefeated { .. } => true,
            Self::ClusterSwitchOff
            | Self::ClusterSwitchUnknown
            | Self::GuestSwitchOff
            | Self::CardSwitchOff
            | Self::OpenCard(_)
            | Self::Overruled { .. }
            | Self::PolicyOutStays(_)
            | Self::InboundCloses
            | Self::SetStays(_)
            | Self::TrialUnderWay(_) => false,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterSwitchOff => formatter
                .write_str("the datacenter's firewall is switched off: nothing is enforced"),
            Self::ClusterSwitchUnknown => formatter.write_str(
                "whether the datacenter's firewall is on cannot be read (needs Sys.Audit on /); \
                 if it is off, nothing is enforced",
            ),
            Self::GuestSwitchOff => {
                formatter.write_str("the guest's firewall is switched off: nothing is enforced")
            }
            Self::CardSwitchOff => {
                formatter.write_str("net0 has no firewall=1: nothing is enforced on it")
            }
            Self::OpenCard(card) => write!(formatter, "not fenced: {card} has no firewall=1"),
            Self::Defeated { position, rule } => write!(
                formatter,
                "rule {position} is not ours and defeats the fence: {rule}"
            ),
            Self::PerhapsDefeated { position, rule } => write!(
                formatter,
                "rule {position} is not ours and may defeat the fence, its rules cannot be judged: {rule}"
            ),
            Self::Overruled { position, rule } => write!(
                formatter,
                "rule {position} is not ours, and the profile lets through what it blocks: {rule}"
            ),
            Self::PolicyOutStays(policy) => write!(
                formatter,
                "the outgoing policy is {} and stays so: only what rules allow gets out",
                policy.word()
            ),
            Self::InboundCloses => formatter.write_str(
                "what came in over net0 will be dropped: the incoming policy stays, for another card \
                 depends on it; write allow_in to let something in",
            ),
            Self::SetStays(name) => {
                write!(formatter, "the set {name} stays: a rule that is not ours uses it")
            }
            Self::TrialUnderWay(way_back) => write!(
                formatter,
                "a trial of {} runs until {}; what it changed can be put back",
                way_back.profile(),
                way_back.ends().format("%Y-%m-%d %H:%M:%SZ")
            ),
        }
    }
}

impl NetworkPlan {
    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Returns the guest's firewall as it was when the plan was made.
    ///
    /// Whoever executes the plan makes sure that it still is.
    pub fn base(&self) -> &GuestFirewall {
        &self.base
    }

    /// Returns the profile's name.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Returns what the plan is for.
    pub fn deed(&self) -> &Deed {
        &self.deed
    }

    /// Returns every step in the order of execution, refreshes among them.
    pub fn steps(&self) -> &[Change] {
        &self.changes
    }

    /// Iterates over what differs from the profile: the drift.
    pub fn differences(&self) -> impl Iterator<Item = &Change> {
        let changes = self.changes.iter();
        changes.filter(|change| change.role == Role::Mends)
    }

    /// Iterates over what only brings addresses up to date.
    pub fn refreshes(&self) -> impl Iterator<Item = &Change> {
        let changes = self.changes.iter();
        changes.filter(|change| change.role == Role::Refreshes)
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns how a guest is when everything is done to it as it is now.
    #[must_use]
    pub fn after(&self, now: &Current) -> Current {
        let mut then = now.clone();
        for change in &self.changes {
            if let Ok(firewall) = &mut then.firewall {
                change.action.apply_to(firewall);
            }
            if let (Action::SetCard { after, .. }, Ok(config)) = (&change.action, &mut then.config)
            {
                *config = config.with(CARD, after.to_string().as_str());
            }
        }
        then
    }

    /// Counts what it changes, as `net0, 2 options, 5 rules, 1 set`; empty where it changes nothing.
    pub fn extent(&self) -> String {
        let (mut card, mut options, mut rules) = (false, 0, 0);
        let mut sets = BTreeSet::new();
        for change in self
            .changes
            .iter()
            .filter(|change| change.subject != RECORD)
        {
            match &change.action {
                Action::MakeSet { name: set, .. }
                | Action::DeleteSet { name: set }
                | Action::AddMember { set, .. }
                | Action::RewriteMember { set, .. }
                | Action::RemoveMember { set, .. } => {
                    sets.insert(set.as_str());
                }
                Action::InsertRule(_) | Action::DeleteRule { .. } => rules += 1,
                // The rule was counted when it was inserted.
                Action::MoveRule { .. } | Action::EnableRule { .. } => {}
                Action::ChangeOptions(change) => {
                    options += change.set().len() + change.unset().len();
                }
                Action::SetCard { .. } => card = true,
            }
        }
        let counted = [(options, "option"), (rules, "rule"), (sets.len(), "set")];
        let counted = counted.into_iter().filter(|(count, _)| *count > 0);
        let counted = counted.map(|(count, word)| match count {
            1 => format!("1 {word}"),
            many => format!("{many} {word}s"),
        });
        let card = card.then(|| CARD.to_owned());
        card.into_iter()
            .chain(counted)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Returns the writes in order.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.changes.iter();
        calls.map(|change| change.call(&self.guest)).collect()
    }

    /// Returns the rules that are not ours, which are left alone.
    pub fn foreign(&self) -> &[ForeignRule] {
        &self.foreign
    }

    /// Returns what a person must know.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns why it cannot be executed; as long as there is a reason, nothing is.
    pub fn objections(&self) -> &[Objection] {
        &self.objections
    }
}
