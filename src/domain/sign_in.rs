//! What a server wants to know before it lets an account in, and what a person answers.
//!
//! Nothing here shows a secret: neither when it is printed for a log nor in the state of the screen.

use std::fmt;

use secrecy::zeroize::Zeroizing;

/// The longest secret that is taken, in characters.
const LONGEST: usize = 4096;

/// Something typed that nobody else may see; its memory is wiped in the end.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Returns it for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Tells whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts its characters, so that a field can show as many dots.
    pub fn len(&self) -> usize {
        self.0.chars().count()
    }

    /// Adds a character; control characters and what is too long are left out.
    pub fn push(&mut self, character: char) {
        if !character.is_control() && self.0.len() < 4 * (LONGEST - 1) {
            self.0.push(character);
        }
    }

    /// Takes the last character away.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// Wipes what was typed.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Default for Secret {
    fn default() -> Self {
        // Large enough never to move, which would leave a copy behind.
        Self(Zeroizing::new(String::with_capacity(4 * LONGEST)))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        let mut secret = Self::default();
        text.chars().for_each(|character| secret.push(character));
        secret
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A second factor that can be given by typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    /// The code that an authenticator shows, a new one every half minute.
    Totp,
    /// One of the keys that were written down; each is good once.
    Recovery,
}

impl SecondFactor {
    /// Returns what is asked for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "code of the authenticator",
            Self::Recovery => "recovery key",
        }
    }

    /// Returns what helps where the server refuses one.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Totp => {
                "a code is good once and for half a minute: give the next one; if that is refused \
                 too, compare the clocks of the authenticator and the server"
            }
            Self::Recovery => "each key is good once: give another one of this account",
        }
    }

    /// Returns what the server wants to see before the answer.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Totp => "totp:",
            Self::Recovery => "recovery:",
        }
    }
}

/// Which second factors an account may answer with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// Whether a code of an authenticator is taken.
    pub totp: bool,
    /// How many recovery keys are left; absent where there are none at all, or none is said.
    pub recovery: Option<usize>,
    /// What else the server would take and this program cannot give, by the server's names.
    pub unsupported: Vec<String>,
}

impl Challenge {
    /// Returns what can be answered with here, the usual one first.
    pub fn methods(&self) -> Vec<SecondFactor> {
        let totp = self.totp.then_some(SecondFactor::Totp);
        let left = self.recovery.filter(|left| *left > 0);
        let recovery = left.map(|_| SecondFactor::Recovery);
        totp.into_iter().chain(recovery).collect()
    }

    /// Names what the server would take and this program cannot give; absent where there is nothing.
    pub fn regret(&self) -> Option<String> {
        let named = self.unsupported.join(", ");
        (!named.is_empty()).then(|| format!("{named} works in the web interface only"))
    }
}

/// What has to be given before the server is asked anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The account's password.
    Password,
    /// A second factor, beside the password that was right.
    SecondFactor(Challenge),
}

/// What a person gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// The account's password.
    Password(Secret),
    /// A second factor.
    Code(SecondFactor, Secret),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed_and_takes_no_control_characters() {
        let mut secret = Secret::from("hün\u{1b}ter\n2");
        assert_eq!(secret.expose(), "hünter2");
        assert_eq!(secret.len(), 7);
        let given = Given::Code(SecondFactor::Recovery, secret.clone());
        assert!(!format!("{given:?}").contains("hün"), "{given:?}");
        secret.pop();
        assert_eq!(secret, Secret::from("hünter"));
        secret.clear();
        assert!(secret.is_empty());
    }

    #[test]
    fn used_up_recovery_keys_are_not_offered_and_what_cannot_be_given_is_named() {
        let mut challenge = Challenge {
            totp: true,
            recovery: Some(0),
            unsupported: vec!["webauthn".into()],
        };
        assert_eq!(challenge.methods(), [SecondFactor::Totp]);
        let regret = challenge.regret().unwrap();
        assert_eq!(regret, "webauthn works in the web interface only");
        challenge.recovery = Some(3);
        assert_eq!(challenge.methods().len(), 2);
        assert_eq!(Challenge::default().regret(), None);
    }
}
