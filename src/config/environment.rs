//! The variables of the environment, read once.
//!
//! Everything else gets the snapshot as an argument, so that a test builds its own and no setting
//! can change its meaning while the program runs. The values are not shown in `Debug`: some are secrets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// The variables as they were when the program started.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment {
    values: BTreeMap<String, OsString>,
}

impl Environment {
    /// Reads the variables of this process.
    ///
    /// A variable whose name is not Unicode cannot be one of ours and is left out.
    pub fn of_process() -> Self {
        // `vars_os` instead of the banned calls: it neither panics on odd bytes nor reads one at a time.
        let values = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self { values }
    }

    /// Returns a variable's text; an empty one counts as not set, as everywhere in shells.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .and_then(|value| value.to_str())
            .filter(|value| !value.is_empty())
    }

    /// Tells whether a variable is set to something that is no Unicode text.
    pub fn is_unreadable(&self, name: &str) -> bool {
        self.values
            .get(name)
            .is_some_and(|value| value.to_str().is_none())
    }

    /// Returns the names that begin with `prefix`, in alphabetical order.
    pub fn names_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.values
            .keys()
            .map(String::as_str)
            .filter(move |name| name.starts_with(prefix))
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self {
            values: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set_and_values_stay_out_of_debug() {
        let environment =
            Environment::from_iter([("PROXDECK_USER", ""), ("PROXDECK_PASSWORD", "hunter2")]);
        assert_eq!(environment.get("PROXDECK_USER"), None);
        assert_eq!(environment.get("PROXDECK_PASSWORD"), Some("hunter2"));
        assert!(!format!("{environment:?}").contains("hunter2"));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_of_odd_bytes_is_known_to_be_unreadable() {
        use std::os::unix::ffi::OsStringExt as _;
        let environment =
            Environment::from_iter([("PROXDECK_USER", OsString::from_vec(vec![0xff, 0x40]))]);
        assert_eq!(environment.get("PROXDECK_USER"), None);
        assert!(environment.is_unreadable("PROXDECK_USER"));
    }

    #[test]
    fn the_process_has_variables() {
        assert!(
            Environment::of_process()
                .names_with("CARGO")
                .next()
                .is_some()
        );
    }
}
