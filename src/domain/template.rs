//! The catalogue: templates, and what a guest made from each of them gets (SPEC §4).
//!
//! What of an entry is true on the cluster is not known here; `request::create_guest` looks.

use super::guest_config::GuestConfig;
use super::id::Vmid;
use super::network_card::NetworkCard;
use super::units::Size;

/// An entry of the catalogue: the config's `[templates.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name in the config.
    pub name: String,
    /// The number that the template has on the cluster.
    pub vmid: Vmid,
    /// The cores of a new guest; absent: the template's.
    pub cores: Option<u32>,
    /// The memory of a new guest, whole MiB; absent: the template's.
    pub memory: Option<Size>,
    /// The boot disk of a new guest, whole MiB; absent: the template's.
    pub disk: Option<Size>,
    /// The name of the network profile that a new guest gets.
    pub network: Option<String>,
    /// What is installed, for people to read.
    pub software: Vec<String>,
}

/// What a network profile says about a guest's first card: the config's `[network_profiles.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardProfile {
    /// The profile's name in the config.
    pub name: String,
    /// The bridge to which the card is connected.
    pub bridge: String,
    /// Whether the card's traffic passes the firewall.
    pub firewall: bool,
}

impl CardProfile {
    /// Returns the first card as the profile wants it; nothing where it is so already.
    pub fn card_for(&self, config: &GuestConfig) -> Option<NetworkCard> {
        let before = config.get("net0").map(|value| value.raw().to_owned());
        let card = NetworkCard::parse(before.as_deref().unwrap_or("virtio"));
        let wanted = card.clone().with("bridge", &self.bridge);
        let wanted = if card.has_firewall() == self.firewall {
            wanted
        } else {
            wanted.with("firewall", if self.firewall { "1" } else { "0" })
        };
        (before.is_none() || wanted != card).then_some(wanted)
    }
}
