//! What several changes do to a bracket, and how to go on when not all of them went well.

use super::report::{Fate, Outcome, Part};
use crate::domain::bracket::{BracketName, Nonce};
use crate::domain::id::Vmid;

/// What several changes do to a bracket.
#[derive(Debug, Clone, PartialEq)]
pub struct BracketDeed {
    /// What is done.
    pub kind: BracketKind,
    /// The bracket's name.
    pub name: BracketName,
    /// What tells it from others of that name.
    pub nonce: Nonce,
}

/// What is done to a bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BracketKind {
    /// Its snapshots are taken, or those that are missing.
    Create {
        /// All guests that belong to it.
        guests: Vec<Vmid>,
        /// Whether memory is saved.
        ram: bool,
    },
    /// Its guests go back to it.
    Restore,
    /// Its snapshots are deleted.
    Drop,
}

impl BracketDeed {
    /// Returns the word under which `--json` and the audit log name it.
    pub(super) const fn word(&self) -> &'static str {
        match self.kind {
            BracketKind::Create { .. } => "bracket-create",
            BracketKind::Restore => "bracket-restore",
            BracketKind::Drop => "bracket-drop",
        }
    }

    /// Returns what it does to so many guests, as a title.
    pub(super) fn title(&self, guests: usize) -> String {
        let name = &self.name;
        let guests = match guests {
            1 => "1 guest".to_owned(),
            count => format!("{count} guests"),
        };
        match self.kind {
            BracketKind::Create { .. } => format!("bracket {name} of {guests}"),
            BracketKind::Restore => format!("roll back {guests} to bracket {name}"),
            BracketKind::Drop => format!("drop bracket {name} of {guests}"),
        }
    }

    /// Says what was not done, and which command does the rest; nothing when all was done.
    ///
    /// Who went back already is not asked to go back again: that would throw away what has happened
    /// there since.
    pub fn way_on(&self, parts: &[Part]) -> Vec<String> {
        let numbers = |wanted: fn(&Fate) -> bool| {
            let parts = parts.iter().filter(|part| wanted(&part.fate));
            let numbers: Vec<String> = parts.map(|part| part.guest.vmid.to_string()).collect();
            numbers
        };
        let open = numbers(is_open);
        let unknown = numbers(|fate| matches!(fate, Fate::Ended(Outcome::Unknown(_))));
        let full_name = format!("{}@{}", self.name, self.nonce);
        let mut lines = Vec::new();
        match &self.kind {
            BracketKind::Create { guests, ram } if !open.is_empty() || !unknown.is_empty() => {
                let guests: Vec<String> = guests.iter().map(ToString::to_string).collect();
                let ram = if *ram { " --ram" } else { "" };
                lines.push(format!(
                    "the bracket is incomplete; this takes what is missing: \
                     proxdeck bracket create {} {}{ram}",
                    self.name,
                    guests.join(" ")
                ));
            }
            BracketKind::Restore => {
                if !open.is_empty() {
                    lines.push(format!(
                        "not rolled back: {}; this rolls back these alone: \
                         proxdeck bracket restore {full_name} {}",
                        open.join(", "),
                        open.join(" ")
                    ));
                }
                if !unknown.is_empty() {
                    lines.push(format!(
                        "nobody knows whether these went back, look before you do it again: {}",
                        unknown.join(", ")
                    ));
                }
            }
            BracketKind::Drop if !numbers(|fate| !is_done(fate)).is_empty() => {
                lines.push(format!(
                    "not all was dropped; this drops what is left: proxdeck bracket drop {full_name}"
                ));
            }
            BracketKind::Create { .. } | BracketKind::Drop => {}
        }
        lines
    }
}

fn is_done(fate: &Fate) -> bool {
    match fate {
        Fate::Ended(outcome) => outcome.is_success(),
        Fate::Skipped(_) | Fate::NotTried(_) => false,
    }
}

/// Tells whether something was wanted of a guest and certainly not done.
fn is_open(fate: &Fate) -> bool {
    match fate {
        Fate::Ended(Outcome::Failed(_) | Outcome::Stopped) | Fate::NotTried(_) => true,
        // Who was left out from the start was said so before.
        Fate::Ended(Outcome::Done | Outcome::Warnings(_) | Outcome::Unknown(_))
        | Fate::Skipped(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::failure::{Failure, FailureKind};
    use crate::domain::guest::GuestRef;
    use crate::domain::id::GuestKind;

    fn part(vmid: u64, fate: Fate) -> Part {
        Part {
            guest: GuestRef {
                vmid: Vmid::new(vmid).unwrap(),
                kind: GuestKind::Qemu,
                node: "pve1".parse().unwrap(),
                name: None,
            },
            subject: "".into(),
            fate,
            upid: None,
            made: None,
            trial: None,
        }
    }

    fn parts() -> Vec<Part> {
        let failure = || Box::new(Failure::new(FailureKind::TaskFailed, ""));
        vec![
            part(104, Fate::Ended(Outcome::Done)),
            part(109, Fate::Ended(Outcome::Failed(failure()))),
            part(110, Fate::Ended(Outcome::Unknown(failure()))),
            part(111, Fate::NotTried("asked to stop".into())),
            part(112, Fate::Skipped("it has none".into())),
        ]
    }

    fn deed(kind: BracketKind) -> BracketDeed {
        BracketDeed {
            kind,
            name: BracketName::of_typed("x").unwrap(),
            nonce: Nonce::new(0x7f3a_91c2 << 32),
        }
    }

    #[test]
    fn the_way_on_leaves_alone_what_is_done() {
        let guests = [104, 109, 110, 111].map(|vmid| Vmid::new(vmid).unwrap());
        let guests = guests.to_vec();
        assert_eq!(
            deed(BracketKind::Create { guests, ram: true }).way_on(&parts()),
            ["the bracket is incomplete; this takes what is missing: \
              proxdeck bracket create x 104 109 110 111 --ram"]
        );
        assert_eq!(
            deed(BracketKind::Restore).way_on(&parts()),
            [
                "not rolled back: 109, 111; this rolls back these alone: \
                 proxdeck bracket restore x@7f3a91c2 109 111",
                "nobody knows whether these went back, look before you do it again: 110",
            ]
        );
        assert_eq!(
            deed(BracketKind::Drop).way_on(&parts()),
            ["not all was dropped; this drops what is left: proxdeck bracket drop x@7f3a91c2"]
        );
    }

    #[test]
    fn where_all_was_done_nothing_is_left_to_say() {
        let guests = Vec::new();
        for kind in [
            BracketKind::Create { guests, ram: false },
            BracketKind::Restore,
            BracketKind::Drop,
        ] {
            assert_eq!(deed(kind).way_on(&parts()[..1]), [""; 0]);
        }
    }
}
