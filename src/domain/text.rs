//! Text from strangers: names, tags, descriptions and log lines as a server sent them.
//!
//! [`Text`] keeps what was sent for writing it back, and can only be *displayed* in its clean
//! form. A forgotten call therefore never lets an escape sequence reach a terminal, a log or a table.

use std::fmt;

/// How many combining marks may pile up on one character before the rest is dropped.
const MAX_COMBINING: usize = 2;

/// A string that somebody else wrote.
///
/// `Display` yields one clean line; [`Text::raw`] yields the bytes as sent, for requests only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(String);

impl Text {
    /// Wraps a string as it was received.
    pub fn new(raw: impl Into<String>) -> Self {
        Self(raw.into())
    }

    /// Returns the string as it was sent, for sending it back.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Tells whether nothing visible is in it.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Returns the first line, cleaned, cut at the first line break.
    pub fn first_line(&self) -> String {
        clean(self.0.trim().lines().next().unwrap_or_default())
    }

    /// Returns every line, cleaned.
    pub fn lines(&self) -> Vec<String> {
        self.0.lines().map(clean).collect()
    }
}

impl From<&str> for Text {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for Text {
    fn from(raw: String) -> Self {
        Self::new(raw)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` honours width and precision, which tables of the command line rely on.
        formatter.pad(&clean(self.0.trim()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// Makes a string safe for one line of a terminal.
///
/// Line breaks and tabs become blanks, other control characters their visible picture (`␛`),
/// direction overrides `�`; invisible characters and piled-up combining marks are dropped.
pub fn clean(raw: &str) -> String {
    let mut clean = String::with_capacity(raw.len());
    let mut cleaner = Cleaner::default();
    clean.extend(raw.chars().filter_map(|character| cleaner.show(character)));
    clean
}

/// Says of one character after the other how it is shown.
#[derive(Default)]
pub(super) struct Cleaner {
    combining: usize,
}

impl Cleaner {
    /// Returns what stands for the next character, nothing where it is dropped.
    pub(super) fn show(&mut self, character: char) -> Option<char> {
        // What is dropped does not part the marks around it.
        if is_invisible(character) {
            return None;
        }
        if is_combining(character) {
            self.combining += 1;
            return (self.combining <= MAX_COMBINING).then_some(character);
        }
        self.combining = 0;
        Some(match character {
            '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            // The control pictures stand in the order of the characters they show.
            '\0'..='\u{1f}' => char::from_u32(0x2400 + character as u32).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}' => '\u{fffd}',
            _ if changes_direction(character) => '\u{fffd}',
            _ => character,
        })
    }
}

fn changes_direction(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}'
        // Variation selectors change the width of an emoji, and terminals disagree by how much.
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_combining(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_is_shown_and_not_obeyed() {
        assert_eq!(Text::new("a\x1b[31mred\x07").to_string(), "a␛[31mred␇");
    }

    #[test]
    fn direction_overrides_and_invisible_characters_cannot_disguise_a_name() {
        assert_eq!(Text::new("web\u{202e}1-bd").to_string(), "web\u{fffd}1-bd");
        assert_eq!(Text::new("ad\u{200b}min\u{feff}").to_string(), "admin");
    }

    #[test]
    fn combining_marks_do_not_pile_up() {
        let zalgo = format!("e{}x", "\u{301}".repeat(40));
        assert_eq!(Text::new(zalgo).to_string(), "e\u{301}\u{301}x");
        // What is dropped between them does not let them.
        let zalgo = format!("e{}x", "\u{301}\u{200b}".repeat(40));
        assert_eq!(Text::new(zalgo).to_string(), "e\u{301}\u{301}x");
    }

    #[test]
    fn several_lines_become_one_and_can_be_read_apart() {
        let text = Text::new("first\nsecond\tpart\n");
        assert_eq!(text.to_string(), "first second part");
        assert_eq!(text.first_line(), "first");
        assert_eq!(text.lines(), ["first", "second part"]);
        assert_eq!(text.raw(), "first\nsecond\tpart\n");
    }
}
