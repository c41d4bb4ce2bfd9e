//! A guest's network card as its configuration writes it: `net0` and its like.
//!
//! A card is changed one key at a time: whatever else stands there, known or not, stays as it is and
//! in its place (PITFALLS 29).

use std::fmt;

/// A network card: the value of `netN`, as `virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,firewall=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkCard {
    parts: Vec<(String, Option<String>)>,
}

impl NetworkCard {
    /// Reads a card; whatever stands between commas is kept.
    pub fn parse(value: &str) -> Self {
        let parts = value.split(',').map(|part| match part.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (part.to_owned(), None),
        });
        Self {
            parts: parts.collect(),
        }
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.parts
            .iter()
            .find(|(name, _)| name == key)
            .and_then(|(_, value)| value.as_deref())
    }

    /// Tells whether its traffic passes the firewall.
    pub fn has_firewall(&self) -> bool {
        // Inside such a value `on`, `yes` and `true` are as good as 1 (API.md §1).
        self.get("firewall")
            .is_some_and(|value| matches!(value, "1" | "on" | "yes" | "true"))
    }

    /// Leaves open which hardware address it has; for cards of guests that do not exist yet.
    #[must_use]
    pub fn with_own_address(mut self) -> Self {
        for (_, value) in &mut self.parts {
            if value.as_deref().is_some_and(is_hardware_address) {
                *value = Some("(its own)".to_owned());
            }
        }
        self
    }

    /// Takes a key away.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.parts.retain(|(name, _)| name != key);
        self
    }

    /// Gives a key a value, in its place or behind all others.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        let value = Some(value.to_owned());
        match self.parts.iter_mut().find(|(name, _)| name == key) {
            Some(part) => part.1 = value,
            None => self.parts.push((key.to_owned(), value)),
        }
        self
    }
}

fn is_hardware_address(value: &str) -> bool {
    let mut bytes = 0;
    value.split(':').all(|byte| {
        bytes += 1;
        byte.len() == 2 && byte.chars().all(|c| c.is_ascii_hexdigit())
    }) && bytes == 6
}

impl fmt::Display for NetworkCard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.parts.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match value {
                Some(value) => write!(formatter, "{comma}{key}={value}")?,
                None => write!(formatter, "{comma}{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitfall_29_a_card_keeps_its_address_and_every_key_that_is_not_changed() {
        let value = "virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,tag=5,queues=4,mystery=x,flag";
        let card = NetworkCard::parse(value);
        assert_eq!(card.to_string(), value);
        assert!(!card.has_firewall());
        let fenced = card.with("bridge", "vmbr1").with("firewall", "1");
        assert_eq!(
            fenced.to_string(),
            "virtio=BC:24:11:AA:BB:CC,bridge=vmbr1,tag=5,queues=4,mystery=x,flag,firewall=1"
        );
        assert!(fenced.has_firewall());
        assert_eq!(fenced.get("bridge"), Some("vmbr1"));
        assert_eq!(
            fenced.with_own_address().to_string(),
            "virtio=(its own),bridge=vmbr1,tag=5,queues=4,mystery=x,flag,firewall=1"
        );
    }
}
