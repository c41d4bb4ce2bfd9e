//! Keys as people write them: `j`, `Ctrl-p`, `Shift-Tab`, `F5`.

use std::fmt;
use std::str::FromStr;

use crate::domain::text::clean;

/// A key together with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Combo {
    /// The key.
    pub key: KeyCode,
    /// Whether Ctrl is held.
    pub ctrl: bool,
    /// Whether Alt is held.
    pub alt: bool,
}

/// A key of the keyboard, as a terminal reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyCode {
    /// A character, with the effect of Shift in it.
    Char(char),
    /// The Enter key.
    Enter,
    /// The Escape key.
    Esc,
    /// The Tab key.
    Tab,
    /// Tab with Shift.
    BackTab,
    /// The Backspace key.
    Backspace,
    /// The Delete key.
    Delete,
    /// The Up arrow.
    Up,
    /// The Down arrow.
    Down,
    /// The Left arrow.
    Left,
    /// The Right arrow.
    Right,
    /// The Home key.
    Home,
    /// The End key.
    End,
    /// The Page Up key.
    PageUp,
    /// The Page Down key.
    PageDown,
    /// A function key.
    Function(u8),
}

impl Combo {
    /// Makes a key without modifiers.
    pub const fn plain(key: KeyCode) -> Self {
        Self {
            key,
            ctrl: false,
            alt: false,
        }
    }

    /// Makes a character without modifiers.
    pub const fn char(character: char) -> Self {
        Self::plain(KeyCode::Char(character))
    }

    /// Makes a character with Ctrl.
    pub const fn ctrl(character: char) -> Self {
        Self {
            key: KeyCode::Char(character),
            ctrl: true,
            alt: false,
        }
    }

    /// Returns the character that this key would type into a text.
    pub fn typed(self) -> Option<char> {
        let KeyCode::Char(character) = self.key else {
            return None;
        };
        (!self.ctrl && !self.alt).then_some(character)
    }
}

const NAMES: &[(&str, KeyCode)] = &[
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Space", KeyCode::Char(' ')),
];

impl fmt::Display for Combo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            formatter.write_str("Ctrl-")?;
        }
        if self.alt {
            formatter.write_str("Alt-")?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, key)| *key == self.key) {
            return formatter.write_str(name);
        }
        if let KeyCode::Function(number) = self.key {
            return write!(formatter, "F{number}");
        }
        // Every other key has a name above.
        let KeyCode::Char(character) = self.key else {
            return Ok(());
        };
        write!(formatter, "{character}")
    }
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no key: a character, Enter, Esc, Tab, Space, PgUp, F1… is expected, with Ctrl- or Alt- before it"
)]
pub struct InvalidCombo(String);

impl FromStr for Combo {
    type Err = InvalidCombo;

    fn from_str(text: &str) -> Result<Self, InvalidCombo> {
        let mut rest = text;
        let (mut ctrl, mut alt) = (false, false);
        loop {
            // A lone `-` behind the modifier is the key itself: `Ctrl--`.
            match rest.split_once('-') {
                Some((word, after))
                    if word.eq_ignore_ascii_case("Ctrl") && !after.is_empty() && !ctrl =>
                {
                    (ctrl, rest) = (true, after);
                }
                Some((word, after))
                    if word.eq_ignore_ascii_case("Alt") && !after.is_empty() && !alt =>
                {
                    (alt, rest) = (true, after);
                }
                _ => break,
            }
        }
        let invalid = || InvalidCombo(text.to_owned());
        let named = NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(rest))
            .map(|(_, key)| *key);
        let mut characters = rest.chars();
        let key = match (named, characters.next(), characters.as_str()) {
            (Some(key), ..) => key,
            (None, Some(character), "") if clean(rest) == rest => KeyCode::Char(character),
            (None, Some('F' | 'f'), digits) => match digits.parse() {
                Ok(number @ 1..=24) => KeyCode::Function(number),
                _ => return Err(invalid()),
            },
            _ => return Err(invalid()),
        };
        Ok(Self { key, ctrl, alt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in [
            "j",
            "G",
            "Ctrl-p",
            "Alt-x",
            "Ctrl-Alt-Delete",
            "Space",
            "Shift-Tab",
            "F5",
            "PgDn",
            "-",
            "Ctrl--",
            "/",
        ] {
            assert_eq!(text.parse::<Combo>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn names_of_keys_and_modifiers_may_be_written_small() {
        for (small, text) in [
            ("ctrl-s", "Ctrl-s"),
            ("alt-enter", "Alt-Enter"),
            ("f5", "F5"),
        ] {
            assert_eq!(small.parse::<Combo>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "Ctrl-",
            "Hyper-x",
            "jj",
            "F0",
            "F99",
            "Ctrl-Ctrl-x",
            "\u{1b}",
        ] {
            assert!(text.parse::<Combo>().is_err(), "{text:?}");
        }
    }
}
