//! One write of a network plan, and what it does to the firewall that it meets.

use super::host::Cidr;
use crate::domain::firewall::{AddressSet, GuestFirewall, Member, Policy, Rule};
use crate::domain::guest::GuestRef;
use crate::domain::network_card::NetworkCard;
use crate::domain::operation::Call;
use crate::domain::text::Text;

/// The card that a profile fences.
pub(in crate::domain) const CARD: &str = "net0";

/// One write of a network plan.
///
/// Positions are those at its turn, when everything before it in the plan is done and nothing else
/// has changed; [`Action::apply_to`] says how the firewall looks then.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Makes an empty set.
    MakeSet {
        /// Its name.
        name: String,
        /// Its comment, by which it is ours.
        comment: String,
    },
    /// Puts an address or network into a set that does not hold it.
    AddMember {
        /// The set.
        set: String,
        /// The address or network.
        cidr: Cidr,
        /// What is written about it.
        comment: Option<String>,
    },
    /// Writes another comment about an address in a set.
    RewriteMember {
        /// The set.
        set: String,
        /// The address.
        cidr: Cidr,
        /// What is written about it.
        comment: String,
    },
    /// Takes a member out of a set.
    RemoveMember {
        /// The set.
        set: String,
        /// The member as the server writes it.
        member: Text,
    },
    /// Puts a rule before all others, with its switch as the rule says.
    InsertRule(Box<Rule>),
    /// Moves a rule down so that it stands at `to` afterwards.
    MoveRule {
        /// Where it stands before.
        from: usize,
        /// Where it stands afterwards; never less than `from`.
        to: usize,
    },
    /// Makes a rule count.
    EnableRule {
        /// Where it stands.
        position: usize,
    },
    /// Removes a rule.
    DeleteRule {
        /// Where it stands.
        position: usize,
    },
    /// Changes options, all in one call.
    ChangeOptions(OptionsChange),
    /// Writes the first network card, `net0`, with the digest of the configuration (PITFALLS 29).
    SetCard {
        /// Its value before, which must still stand there.
        before: NetworkCard,
        /// Its whole new value.
        after: NetworkCard,
    },
    /// Removes a set with everything in it.
    DeleteSet {
        /// Its name.
        name: String,
    },
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Setting<T> {
    /// It stays as it is.
    #[default]
    Stays,
    /// It gets a value.
    Set(T),
    /// It is unset, so that the server's default holds.
    Unset,
}

impl<T: Copy> Setting<T> {
    /// Returns the value afterwards.
    pub fn applied_to(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Stays => before,
            Self::Set(value) => Some(value),
            Self::Unset => None,
        }
    }
}

/// A change of a guest's firewall options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OptionsChange {
    /// The guest's own switch.
    pub enable: Setting<bool>,
    /// What happens to traffic to the guest.
    pub policy_in: Setting<Policy>,
    /// What happens to traffic from the guest.
    pub policy_out: Setting<Policy>,
    /// Whether it may ask for an address.
    pub dhcp: Setting<bool>,
}

impl OptionsChange {
    /// Tells whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the options that get a value, in the words of the API.
    pub fn set(&self) -> Vec<(&'static str, &'static str)> {
        let flag = |setting| match setting {
            Setting::Set(value) => Some(if value { "1" } else { "0" }),
            Setting::Stays | Setting::Unset => None,
        };
        let policy = |setting| match setting {
            Setting::Set(value) => Some(Policy::word(value)),
            Setting::Stays | Setting::Unset => None,
        };
        let all = [
            ("enable", flag(self.enable)),
            ("policy_in", policy(self.policy_in)),
            ("policy_out", policy(self.policy_out)),
            ("dhcp", flag(self.dhcp)),
        ];
        let set = all
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        set.collect()
    }

    /// Returns the options that are unset.
    pub fn unset(&self) -> Vec<&'static str> {
        let all = [
            ("enable", self.enable == Setting::Unset),
            ("policy_in", self.policy_in == Setting::Unset),
            ("policy_out", self.policy_out == Setting::Unset),
            ("dhcp", self.dhcp == Setting::Unset),
        ];
        let unset = all.into_iter().filter(|(_, is_unset)| *is_unset);
        unset.map(|(key, _)| key).collect()
    }
}

impl Action {
    /// Returns the write that it sends; digests are added by whoever sends it.
    pub fn call(&self, guest: &GuestRef) -> Call {
        let sets = "/firewall/ipset";
        match self {
            Self::MakeSet { name, comment } => Call::on(guest, "POST", sets)
                .with("name", name)
                .with("comment", comment),
            Self::AddMember { set, cidr, comment } => {
                Call::on(guest, "POST", &format!("{sets}/{set}"))
                    .with("cidr", cidr)
                    .with_some("comment", comment.as_ref())
            }
            Self::RewriteMember { set, cidr, comment } => {
                let member = in_path(&cidr.to_string());
                Call::on(guest, "PUT", &format!("{sets}/{set}/{member}")).with("comment", comment)
            }
            Self::RemoveMember { set, member } => {
                let member = in_path(member.raw());
                Call::on(guest, "DELETE", &format!("{sets}/{set}/{member}"))
            }
            Self::InsertRule(rule) => rule_call(guest, rule),
            Self::MoveRule { from, to } => {
                // The server puts it before the rule that stands at `moveto` now (API.md §9).
                Call::on(guest, "PUT", &format!("/firewall/rules/{from}")).with("moveto", to + 1)
            }
            Self::EnableRule { position } => {
                Call::on(guest, "PUT", &format!("/firewall/rules/{position}")).with("enable", 1)
            }
            Self::DeleteRule { position } => {
                Call::on(guest, "DELETE", &format!("/firewall/rules/{position}"))
            }
            Self::ChangeOptions(change) => {
                let unset = change.unset();
                let mut call = Call::on(guest, "PUT", "/firewall/options");
                call.parameters = change
                    .set()
                    .into_iter()
                    .map(|(key, value)| (key, value.to_owned()))
                    .collect();
                call.with_some("delete", (!unset.is_empty()).then(|| unset.join(",")))
            }
            Self::SetCard { after, .. } => Call::on(guest, "PUT", "/config").with(CARD, after),
            Self::DeleteSet { name } => {
                Call::on(guest, "DELETE", &format!("{sets}/{name}")).with("force", 1)
            }
        }
    }

    /// Does to a firewall what the write does on the server; a card is no part of it.
    ///
    /// What is not there is not touched, so that a firewall that somebody else changed only differs
    /// from what is expected.
    pub fn apply_to(&self, firewall: &mut GuestFirewall) {
        let rules = &mut firewall.rules.list;
        match self {
            Self::MakeSet { name, comment } => firewall.sets.push(AddressSet {
                name: name.as_str().into(),
                comment: Some(comment.as_str().into()),
                members: Vec::new(),
            }),
            Self::AddMember { set, cidr, comment } => {
                let member = Member {
                    cidr: cidr.to_string().into(),
                    is_excluded: false,
                    comment: comment.as_deref().map(Text::from),
                };
                members(firewall, set).for_each(|members| members.push(member.clone()));
            }
            Self::RewriteMember { set, cidr, comment } => {
                let cidr = cidr.to_string();
                let all = members(firewall, set).flatten();
                all.filter(|member| member.cidr.raw() == cidr)
                    .for_each(|member| member.comment = Some(comment.as_str().into()));
            }
            Self::RemoveMember { set, member } => {
                members(firewall, set)
                    .for_each(|members| members.retain(|each| each.cidr != *member));
            }
            Self::InsertRule(rule) => rules.insert(0, (**rule).clone()),
            Self::MoveRule { from, to } if from < to && *to < rules.len() => {
                rules[*from..=*to].rotate_left(1);
            }
            Self::EnableRule { position } => {
                if let Some(rule) = rules.get_mut(*position) {
                    rule.is_enabled = true;
                }
            }
            Self::DeleteRule { position } if *position < rules.len() => {
                rules.remove(*position);
            }
            Self::ChangeOptions(change) => {
                let options = &mut firewall.options;
                options.enable = change.enable.applied_to(options.enable);
                options.policy_in = change.policy_in.applied_to(options.policy_in);
                options.policy_out = change.policy_out.applied_to(options.policy_out);
                options.dhcp = change.dhcp.applied_to(options.dhcp);
            }
            Self::DeleteSet { name } => firewall.sets.retain(|set| set.name.raw() != name),
            Self::MoveRule { .. } | Self::DeleteRule { .. } | Self::SetCard { .. } => {}
        }
    }
}

fn members<'a>(
    firewall: &'a mut GuestFirewall,
    set: &'a str,
) -> impl Iterator<Item = &'a mut Vec<Member>> {
    let sets = firewall.sets.iter_mut();
    sets.filter(move |each| each.name.raw() == set)
        .map(|each| &mut each.members)
}

/// Writes a rule as it is sent; its switch is always named, for without it the rule is off.
fn rule_call(guest: &GuestRef, rule: &Rule) -> Call {
    let call = Call::on(guest, "POST", "/firewall/rules")
        .with("type", &rule.direction)
        .with("action", rule.action.raw())
        .with("enable", u8::from(rule.is_enabled));
    let fields = rule.fields().into_iter();
    fields.fold(call, |call, (key, value)| {
        call.with_some(key, value.map(Text::raw))
    })
}

/// Writes a member as part of a path: whatever could end a segment is percent-encoded.
fn in_path(member: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_".contains(&byte);
    member
        .bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
