//! What makes a guest less safe when an older configuration comes back.
//!
//! Only what is sure is named: a value that both configurations tell. Nothing here forbids anything.

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::enforcement::CriticalTags;
use crate::domain::guest_config::{GuestConfig, is_numbered};
use crate::domain::network::CARD;
use crate::domain::network_card::NetworkCard;
use crate::domain::text::Text;

/// Something about a returning configuration that makes the guest less safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Danger {
    /// A network card comes back that the firewall does not filter.
    Unfenced {
        /// The card, as `net0`.
        card: String,
    },
    /// A tag goes for which enforcement spared the guest.
    CriticalTag(Text),
    /// A network card comes back in another network.
    OtherBridge {
        /// The card, as `net0`.
        card: String,
        /// Its bridge now.
        now: Text,
        /// Its bridge afterwards.
        then: Text,
    },
    /// A network card comes back in another VLAN; absent: in none.
    OtherVlan {
        /// The card, as `net0`.
        card: String,
        /// Its VLAN now.
        now: Option<Text>,
        /// Its VLAN afterwards.
        then: Option<Text>,
        /// Whether a network profile may be what fences it, which changes no VLAN.
        is_fenced: bool,
    },
}

impl Danger {
    /// Tells whether a protection is lost, and not only something moved.
    pub fn is_loss(&self) -> bool {
        match self {
            Self::Unfenced { .. } | Self::CriticalTag(_) => true,
            Self::OtherBridge { .. } | Self::OtherVlan { .. } => false,
        }
    }
}

impl fmt::Display for Danger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfenced { card } => {
                write!(
                    formatter,
                    "{card} goes without firewall=1: the guest is not fenced"
                )
            }
            Self::CriticalTag(tag) => write!(
                formatter,
                "the tag {tag} goes: enforcement may shut the guest down"
            ),
            Self::OtherBridge { card, now, then } => {
                write!(formatter, "{card} moves from bridge {now} to {then}")
            }
            Self::OtherVlan {
                card,
                now,
                then,
                is_fenced,
            } => {
                let named = |vlan: &Option<Text>| match vlan {
                    Some(vlan) => format!("VLAN {vlan}"),
                    None => "no VLAN".to_owned(),
                };
                let (now, then) = (named(now), named(then));
                write!(formatter, "{card} moves from {now} to {then}")?;
                if *is_fenced {
                    formatter.write_str(", which no network profile changes")?;
                }
                Ok(())
            }
        }
    }
}

/// Compares what protects the guest now with what will; losses come first.
pub(super) fn dangers(
    present: &GuestConfig,
    frozen: &GuestConfig,
    critical: &CriticalTags,
) -> Vec<Danger> {
    let cards: Vec<(&str, &Text)> = frozen
        .options()
        .filter(|(key, _)| is_numbered(key, "net"))
        .collect();
    let unfenced = cards.iter().filter_map(|(card, then)| {
        // One that is open today already is no news.
        let is_open_now = present.get(card).is_some_and(|now| !is_fenced(now));
        let card = (*card).to_owned();
        (!is_fenced(then) && !is_open_now).then_some(Danger::Unfenced { card })
    });
    let kept: BTreeSet<String> = tags(frozen).map(str::to_ascii_lowercase).collect();
    let dropped = tags(present)
        .filter(|tag| critical.contains(tag) && !kept.contains(&tag.to_ascii_lowercase()))
        .map(|tag| Danger::CriticalTag(tag.into()));
    let moved = cards
        .iter()
        .filter_map(|(card, then)| Some((*card, parsed(present.get(card)?), parsed(then))))
        .flat_map(|(card, now, then)| {
            [
                other_bridge(card, &now, &then),
                other_vlan(card, &now, &then),
            ]
        })
        .flatten();
    unfenced.chain(dropped).chain(moved).collect()
}

/// Tells whether the first card stays behind the firewall and comes back on another bridge.
pub(super) fn moves_fence(present: &GuestConfig, frozen: &GuestConfig) -> bool {
    let cards = present.get(CARD).zip(frozen.get(CARD));
    cards.is_some_and(|(now, then)| {
        let (now, then) = (parsed(now), parsed(then));
        now.has_firewall() && then.has_firewall() && other_bridge(CARD, &now, &then).is_some()
    })
}

fn other_bridge(card: &str, now: &NetworkCard, then: &NetworkCard) -> Option<Danger> {
    let (now, then) = (now.get("bridge")?, then.get("bridge")?);
    (now != then).then(|| Danger::OtherBridge {
        card: card.to_owned(),
        now: now.into(),
        then: then.into(),
    })
}

fn other_vlan(card: &str, now: &NetworkCard, then: &NetworkCard) -> Option<Danger> {
    let is_fenced = card == CARD && then.has_firewall();
    let (now, then) = (now.get("tag"), then.get("tag"));
    (now != then).then(|| Danger::OtherVlan {
        card: card.to_owned(),
        now: now.map(Text::from),
        then: then.map(Text::from),
        is_fenced,
    })
}

fn is_fenced(card: &Text) -> bool {
    parsed(card).has_firewall()
}

fn parsed(card: &Text) -> NetworkCard {
    NetworkCard::parse(card.raw())
}

fn tags(config: &GuestConfig) -> impl Iterator<Item = &str> {
    let tags = config.get("tags").map_or("", Text::raw);
    tags.split([';', ',', ' ']).filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::samples::config;
    use super::*;

    fn told(now: &[(&str, &str)], then: &[(&str, &str)]) -> Vec<String> {
        let critical = CriticalTags::default();
        let dangers = dangers(&config(now), &config(then), &critical);
        dangers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn losses_come_first_and_each_card_speaks_for_itself() {
        let now = [
            ("net0", "virtio=AA,bridge=vmbr1,firewall=1"),
            ("net1", "virtio=BB,bridge=vmbr1,firewall=1"),
            ("net10", "virtio=CC,bridge=vmbr1"),
            ("tags", "web;Critical"),
        ];
        let then = [
            ("net0", "virtio=AA,bridge=vmbr0,firewall=0"),
            ("net1", "virtio=BB,firewall=1,bridge=vmbr0"),
            ("net10", "virtio=CC,bridge=vmbr1,queues=2"),
            ("net2", "virtio=DD,bridge=vmbr1"),
            ("tags", "web"),
        ];
        assert_eq!(
            told(&now, &then),
            [
                "net0 goes without firewall=1: the guest is not fenced",
                "net2 goes without firewall=1: the guest is not fenced",
                "the tag Critical goes: enforcement may shut the guest down",
                "net0 moves from bridge vmbr1 to vmbr0",
                "net1 moves from bridge vmbr1 to vmbr0",
            ]
        );
    }

    #[test]
    fn another_vlan_is_named_and_that_no_profile_brings_the_old_one_back() {
        let now = [
            ("net0", "virtio=AA,bridge=vmbr1,firewall=1,tag=5"),
            ("net1", "virtio=BB,bridge=vmbr1"),
        ];
        let then = [
            ("net0", "virtio=AA,bridge=vmbr0,firewall=on"),
            ("net1", "virtio=BB,bridge=vmbr1,tag=7"),
        ];
        assert_eq!(
            told(&now, &then),
            [
                "net0 moves from bridge vmbr1 to vmbr0",
                "net0 moves from VLAN 5 to no VLAN, which no network profile changes",
                "net1 moves from no VLAN to VLAN 7",
            ]
        );
        assert!(moves_fence(&config(&now), &config(&then)));
        assert!(!moves_fence(&config(&now), &config(&now)));
        assert!(!moves_fence(&config(&now[1..]), &config(&then)));
    }

    #[test]
    fn what_protects_as_before_or_better_is_no_danger() {
        let open = [("net0", "virtio=AA,bridge=vmbr0"), ("tags", "web")];
        let fenced = [
            ("net0", "virtio=AA,bridge=vmbr0,firewall=1"),
            ("tags", "critical web"),
        ];
        assert_eq!(told(&open, &fenced), [] as [&str; 0]);
        assert_eq!(told(&open, &open), [] as [&str; 0]);
        let without_card = [("tags", "WEB,CRITICAL")];
        assert_eq!(told(&fenced, &without_card), [] as [&str; 0]);
    }
}
