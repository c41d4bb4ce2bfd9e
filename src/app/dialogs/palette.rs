//! The command palette: every action of the place, found by its words.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::keymap::{BINDINGS, Binding, Combo, Context};

/// The palette.
#[derive(Debug, Clone, PartialEq)]
pub struct Palette {
    /// The place whose actions are offered.
    pub of: Context,
    /// What is typed.
    pub field: TextField,
    /// The actions that match, the best first.
    pub matches: Vec<Action>,
    /// The row of the cursor.
    pub row: usize,
}

impl Palette {
    pub(in crate::app) fn new(of: Context) -> Self {
        let mut palette = Self {
            of,
            field: TextField::default(),
            matches: Vec::new(),
            row: 0,
        };
        palette.find();
        palette
    }

    fn find(&mut self) {
        let offered: Vec<&Binding> = BINDINGS
            .iter()
            .filter(|binding| {
                binding
                    .contexts
                    .iter()
                    .any(|place| *place == self.of || *place == Context::Anywhere)
            })
            // Moving about is done with keys, not with words.
            .filter(|binding| {
                !matches!(
                    binding.action,
                    Action::Move(_) | Action::Palette | Action::Interrupt
                )
            })
            .collect();
        let texts: Vec<String> = offered
            .iter()
            .map(|binding| format!("{} {}", binding.action.name(), binding.help))
            .collect();
        let pattern = Pattern::parse(
            self.field.value(),
            CaseMatching::Ignore,
            Normalization::Smart,
        );
        let mut matcher = Matcher::new(Config::DEFAULT);
        let indexed: Vec<Indexed<'_>> = texts
            .iter()
            .zip(&offered)
            .map(|(text, binding)| Indexed(text, binding))
            .collect();
        let found = pattern.match_list(indexed, &mut matcher);
        self.matches = found
            .into_iter()
            .map(|(Indexed(_, binding), _)| binding.action)
            .collect();
        self.row = 0;
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        let types = self.field.types(combo);
        if types {
            self.find();
        }
        types
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.field.paste(text);
        self.find();
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        if let Action::Move(motion) = action {
            let last = self.matches.len().saturating_sub(1);
            self.row = self.row.saturating_add_signed(motion.rows(10)).min(last);
        } else if action == Action::Form(FormKey::Submit)
            && let Some(chosen) = self.matches.get(self.row)
        {
            return Reply::Act(*chosen);
        }
        Reply::Stay
    }
}

struct Indexed<'a>(&'a str, &'static Binding);

impl AsRef<str> for Indexed<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_actions_and_nothing_typed_offers_all() {
        let mut palette = Palette::new(Context::Guests);
        assert!(palette.matches.len() > 8);
        for character in "zoom".chars() {
            palette.types(Combo::char(character));
        }
        assert_eq!(
            palette.act(Action::Form(FormKey::Submit)),
            Reply::Act(Action::Zoom)
        );
    }
}
