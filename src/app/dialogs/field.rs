//! A line of text under the cursor.

use tui_input::{Input, InputRequest};

use crate::app::keymap::{Combo, KeyCode};

/// An editable line of text.
#[derive(Debug, Clone, Default)]
pub struct TextField(Input);

impl PartialEq for TextField {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value() && self.cursor() == other.cursor()
    }
}

impl TextField {
    /// Makes a field that holds `text`, with the cursor behind it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Input::new(text.into()))
    }

    /// Returns the text.
    pub fn value(&self) -> &str {
        self.0.value()
    }

    /// Returns the cursor's place, in characters.
    pub fn cursor(&self) -> usize {
        self.0.cursor()
    }

    /// Edits a count: takes digits and their correction, so that letters keep their own meaning.
    pub(super) fn types_digit(&mut self, combo: Combo) -> bool {
        let is_digit = |character: char| character.is_ascii_digit();
        let edits =
            combo.typed().is_some_and(is_digit) || combo == Combo::plain(KeyCode::Backspace);
        edits && self.types(combo)
    }

    /// Edits with a key; tells whether the key is one for editing.
    pub fn types(&mut self, combo: Combo) -> bool {
        let request = match (combo.key, combo.ctrl, combo.alt) {
            (KeyCode::Char(character), false, false) => InputRequest::InsertChar(character),
            (KeyCode::Backspace, false, false) | (KeyCode::Char('h'), true, false) => {
                InputRequest::DeletePrevChar
            }
            (KeyCode::Delete, false, false) | (KeyCode::Char('d'), true, false) => {
                InputRequest::DeleteNextChar
            }
            (KeyCode::Left, false, false) => InputRequest::GoToPrevChar,
            (KeyCode::Right, false, false) => InputRequest::GoToNextChar,
            (KeyCode::Left, true, false) | (KeyCode::Char('b'), false, true) => {
                InputRequest::GoToPrevWord
            }
            (KeyCode::Right, true, false) | (KeyCode::Char('f'), false, true) => {
                InputRequest::GoToNextWord
            }
            (KeyCode::Home, false, false) | (KeyCode::Char('a'), true, false) => {
                InputRequest::GoToStart
            }
            (KeyCode::End, false, false) | (KeyCode::Char('e'), true, false) => {
                InputRequest::GoToEnd
            }
            (KeyCode::Char('w'), true, false) | (KeyCode::Backspace, _, _) => {
                InputRequest::DeletePrevWord
            }
            (KeyCode::Char('u'), true, false) => InputRequest::DeleteLine,
            (KeyCode::Char('k'), true, false) => InputRequest::DeleteTillEnd,
            _ => return false,
        };
        self.0.handle(request);
        true
    }

    /// Inserts text at the cursor; line breaks become blanks and control characters are left out.
    pub fn paste(&mut self, text: &str) {
        for character in text.chars() {
            let character = if matches!(character, '\n' | '\t') {
                ' '
            } else {
                character
            };
            if !character.is_control() {
                self.0.handle(InputRequest::InsertChar(character));
            }
        }
    }
}
