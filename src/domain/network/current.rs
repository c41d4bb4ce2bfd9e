//! A guest's cards and firewall as they were read, with what could not be read.

use crate::domain::firewall::{ClusterFirewall, GuestFirewall};
use crate::domain::guest_config::{GuestConfig, is_numbered};
use crate::domain::network_card::NetworkCard;

/// A guest's cards and firewall as they were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// The guest's configuration with what is pending, or why it could not be read.
    pub config: Result<GuestConfig, String>,
    /// The guest's firewall, or why it could not be read.
    pub firewall: Result<GuestFirewall, String>,
    /// The datacenter's; what may not be read is absent.
    pub cluster: ClusterFirewall,
}

impl Current {
    /// Returns the guest's cards by their keys, as `net0`, in the order of their numbers.
    pub fn cards(&self) -> Vec<(String, NetworkCard)> {
        let Ok(config) = &self.config else {
            return Vec::new();
        };
        let mut cards: Vec<(String, NetworkCard)> = config
            .options()
            .filter(|(key, _)| is_numbered(key, "net"))
            .map(|(key, value)| (key.to_owned(), NetworkCard::parse(value.raw())))
            .collect();
        cards.sort_by_key(|(key, _)| key[3..].parse::<u32>().unwrap_or(u32::MAX));
        cards
    }

    /// Returns the cards whose traffic passes no firewall.
    pub fn open_cards(&self) -> Vec<String> {
        let cards = self.cards().into_iter();
        cards
            .filter(|(_, card)| !card.has_firewall())
            .map(|(key, _)| key)
            .collect()
    }
}
