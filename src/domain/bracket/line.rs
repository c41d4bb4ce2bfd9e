//! The line by which the snapshots of one bracket are known again.

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::id::Vmid;

/// What the line begins with.
const PREFIX: &str = "proxdeck: bracket ";
/// What other programs may write as a nonce.
const NONCE_LENGTH: std::ops::RangeInclusive<usize> = 4..=32;

/// A word that tells a bracket from every other of the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// Makes a nonce of random bits, which are not drawn here.
    ///
    /// It only has to differ from those of brackets with the same name, and a person may have to
    /// type it; so half of the bits are enough.
    pub fn new(random: u64) -> Self {
        Self(format!("{:08x}", random >> 32))
    }

    /// Returns the word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(text: &str) -> Option<Self> {
        let is_nonce = NONCE_LENGTH.contains(&text.len())
            && text
                .chars()
                .all(|character| character.is_ascii_alphanumeric());
        is_nonce.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// The line in a snapshot's description: `proxdeck: bracket NONCE 104,109,110`.
///
/// Behind the nonce stand all guests that belong to the bracket, so that whoever finds one of its
/// snapshots sees which others are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BracketLine {
    nonce: Nonce,
    vmids: BTreeSet<Vmid>,
}

impl BracketLine {
    /// Makes the line of a bracket of these guests.
    pub fn new(nonce: Nonce, vmids: BTreeSet<Vmid>) -> Self {
        Self { nonce, vmids }
    }

    /// Finds the line in a description, whatever stands around it.
    ///
    /// Without the guests it is a line too, and what makes no sense among them is left out. Where
    /// several lines contradict each other the snapshot belongs to no bracket.
    pub fn find(description: &str) -> Option<Self> {
        let mut lines = description.lines().filter_map(Self::read);
        let mut found = lines.next()?;
        for line in lines {
            if line.nonce != found.nonce {
                return None;
            }
            found.vmids.extend(line.vmids);
        }
        Some(found)
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.trim().strip_prefix(PREFIX)?.split_whitespace();
        let nonce = Nonce::read(words.next()?)?;
        let vmids = words.next().unwrap_or_default().split(',');
        Some(Self {
            nonce,
            vmids: vmids.filter_map(|vmid| vmid.parse().ok()).collect(),
        })
    }

    /// Returns what tells the bracket from others of the same name.
    pub fn nonce(&self) -> &Nonce {
        &self.nonce
    }

    /// Iterates over the guests that belong to the bracket, as far as the line says.
    pub fn vmids(&self) -> impl Iterator<Item = Vmid> {
        self.vmids.iter().copied()
    }
}

impl fmt::Display for BracketLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{}", self.nonce)?;
        for (index, vmid) in self.vmids.iter().enumerate() {
            let before = if index == 0 { ' ' } else { ',' };
            write!(formatter, "{before}{vmid}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(vmids: &[u64]) -> BracketLine {
        let vmids = vmids.iter().filter_map(|vmid| Vmid::new(*vmid)).collect();
        BracketLine::new(Nonce::new(0x7f3a_91c2_dead_beef), vmids)
    }

    #[test]
    fn the_line_is_found_again_whatever_surrounds_it() {
        let text = "proxdeck: bracket 7f3a91c2 104,109,110";
        assert_eq!(line(&[110, 104, 109]).to_string(), text);
        for description in [
            text.to_owned(),
            format!("before the upgrade\r\n  {text}  \r\n#keep"),
            format!("{text}\n{text}"),
            "proxdeck: bracket 7f3a91c2 104,,x,109,7,110 and more".to_owned(),
        ] {
            let found = BracketLine::find(&description);
            assert_eq!(found, Some(line(&[104, 109, 110])), "{description:?}");
        }
        let bare = BracketLine::find("proxdeck: bracket 7f3a91c2");
        assert_eq!(bare, Some(line(&[])), "written before there were lists");
    }

    #[test]
    fn what_is_no_line_or_contradicts_itself_is_none() {
        for description in [
            "",
            "proxdeck: bracket",
            "proxdeck: bracket ",
            "proxdeck: bracket abc",
            "proxdeck: bracket 7f3a\u{200b}91c2",
            "proxdeck: bracket 7f3a-91c2",
            "Proxdeck: bracket 7f3a91c2",
            "see proxdeck: bracket 7f3a91c2",
            "proxdeck: bracket 7f3a91c2\nproxdeck: bracket 00000000",
            &format!("proxdeck: bracket {}", "a".repeat(33)),
        ] {
            assert_eq!(BracketLine::find(description), None, "{description:?}");
        }
    }
}
