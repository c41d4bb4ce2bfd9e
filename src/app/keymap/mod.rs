//! THE key table: dispatch, footer, help, palette and README all read it.

mod combo;
mod table;

use std::collections::HashMap;

pub use combo::{Combo, InvalidCombo, KeyCode};
pub use table::{BINDINGS, Binding, Context};

use super::action::Action;
use crate::domain::text::clean;

/// The keys in force: the table with the user's changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    lookup: HashMap<(Context, Combo), Action>,
    keys: HashMap<(Context, Action), Vec<Combo>>,
}

/// Why a set of key changes cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// The config names an action that does not exist.
    #[error("there is no action `{}`", clean(.0))]
    UnknownAction(String),
    /// A key is written in a way that cannot be read.
    #[error("{}: {reason}", clean(.action))]
    InvalidKey {
        /// The action.
        action: String,
        /// What is wrong with its key.
        reason: InvalidCombo,
    },
    /// Two actions of one place share a key.
    #[error("`{combo}` would mean both `{first}` and `{second}`")]
    Conflict {
        /// The key.
        combo: Combo,
        /// One action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// Returns the word for an action that people know from the footer; the config's name where it has
/// none there.
pub fn word_of(action: Action) -> &'static str {
    let mut named = BINDINGS.iter().filter(|binding| binding.action == action);
    named
        .find(|binding| !binding.label.is_empty())
        .map_or(action.name(), |binding| binding.label)
}

impl Keymap {
    /// Builds the keys from the table and the user's changes, each an action and its new keys.
    pub fn new(changes: &[(String, Vec<String>)]) -> Result<Self, Vec<KeymapError>> {
        let mut errors = Vec::new();
        let mut changed: HashMap<Action, Vec<Combo>> = HashMap::new();
        for (name, keys) in changes {
            let Some(binding) = BINDINGS
                .iter()
                .find(|binding| binding.action.name() == name)
            else {
                errors.push(KeymapError::UnknownAction(name.clone()));
                continue;
            };
            // Without any key the action loses those that it has.
            let combos = changed.entry(binding.action).or_default();
            for key in keys {
                match key.parse() {
                    Ok(combo) => combos.push(combo),
                    Err(reason) => errors.push(KeymapError::InvalidKey {
                        action: name.clone(),
                        reason,
                    }),
                }
            }
        }
        let mut keymap = Self {
            lookup: HashMap::new(),
            keys: HashMap::new(),
        };
        for binding in BINDINGS {
            let default = || {
                binding
                    .keys
                    .iter()
                    .filter_map(|key| key.parse().ok())
                    .collect()
            };
            let combos: Vec<Combo> = changed
                .get(&binding.action)
                .cloned()
                .unwrap_or_else(default);
            for &context in binding.contexts {
                for &combo in &combos {
                    keymap.bind(context, combo, binding.action, &mut errors);
                }
                keymap
                    .keys
                    .entry((context, binding.action))
                    .or_default()
                    .extend(&combos);
            }
        }
        for action in changed.keys() {
            keymap.refuse_hiding(*action, &mut errors);
        }
        if errors.is_empty() {
            Ok(keymap)
        } else {
            Err(errors)
        }
    }

    /// Refuses a changed key that hides one that holds everywhere, or is hidden in some pane.
    ///
    /// The table itself may let a pane's key hide another; a change of the user's may not, because
    /// the hidden action would be lost there without a word.
    fn refuse_hiding(&self, changed: Action, errors: &mut Vec<KeymapError>) {
        for ((context, combo), action) in &self.lookup {
            let everywhere = self.lookup.get(&(Context::Anywhere, *combo));
            let Some(everywhere) = everywhere.filter(|_| context.is_pane()) else {
                continue;
            };
            if action == everywhere || (*action != changed && *everywhere != changed) {
                continue;
            }
            let conflict = KeymapError::Conflict {
                combo: *combo,
                first: action.name(),
                second: everywhere.name(),
            };
            // Several panes may have the key; it is one mistake.
            if !errors.contains(&conflict) {
                errors.push(conflict);
            }
        }
    }

    fn bind(
        &mut self,
        context: Context,
        combo: Combo,
        action: Action,
        errors: &mut Vec<KeymapError>,
    ) {
        if let Some(first) = self.lookup.insert((context, combo), action)
            && first != action
        {
            errors.push(KeymapError::Conflict {
                combo,
                first: first.name(),
                second: action.name(),
            });
        }
    }

    /// Finds what a key means in a place; what holds everywhere is asked after the place itself.
    pub fn action(&self, context: Context, combo: Combo) -> Option<Action> {
        let here = self.lookup.get(&(context, combo)).copied();
        here.or_else(|| {
            context
                .is_pane()
                .then(|| self.lookup.get(&(Context::Anywhere, combo)).copied())
                .flatten()
        })
    }

    /// Returns the keys of an action in a place, the first being the one to show.
    pub fn keys(&self, context: Context, action: Action) -> &[Combo] {
        let here = self.keys.get(&(context, action));
        let anywhere = || self.keys.get(&(Context::Anywhere, action));
        here.or_else(anywhere).map_or(&[], Vec::as_slice)
    }
}

impl Default for Keymap {
    fn default() -> Self {
        // A test asserts that the table alone has no errors.
        Self::new(&[]).unwrap_or(Self {
            lookup: HashMap::new(),
            keys: HashMap::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::app::action::Change;

    #[test]
    fn the_table_has_no_unreadable_key_and_no_key_with_two_meanings() {
        assert_eq!(Keymap::new(&[]).err(), None);
        for binding in BINDINGS {
            for key in binding.keys {
                assert!(key.parse::<Combo>().is_ok(), "{key}");
            }
        }
    }

    #[test]
    fn a_pane_s_own_key_hides_the_one_that_holds_everywhere() {
        let keymap = Keymap::default();
        assert_eq!(
            keymap.action(Context::Guests, Combo::char('q')),
            Some(Action::Quit)
        );
        assert_eq!(
            keymap.action(Context::Form, Combo::char('q')),
            None,
            "dialogs have their own keys only"
        );
    }

    #[test]
    fn users_may_change_keys_and_are_told_what_is_wrong() {
        let change =
            |name: &str, key: &str| Keymap::new(&[(name.to_owned(), vec![key.to_owned()])]);
        let keymap = change("snapshot", "F2").unwrap();
        assert_eq!(
            keymap.action(Context::Guests, "F2".parse().unwrap()),
            Some(Action::Change(Change::Snapshot))
        );
        assert_eq!(keymap.action(Context::Guests, Combo::char('s')), None);
        let none = Keymap::new(&[("snapshot".to_owned(), Vec::new())]).unwrap();
        assert_eq!(none.action(Context::Guests, Combo::char('s')), None);
        assert_eq!(
            change("snapshoot", "F2"),
            Err(vec![KeymapError::UnknownAction("snapshoot".into())])
        );
        assert!(matches!(
            change("snapshot", "Hyper-x").unwrap_err()[..],
            [KeymapError::InvalidKey { .. }]
        ));
        let conflict = change("snapshot", "q").unwrap_err();
        assert_eq!(
            conflict[0].to_string(),
            "`q` would mean both `snapshot` and `quit`"
        );
    }
}
