//! The names of accounts: users, and the API tokens that users have.

use std::fmt;
use std::str::FromStr;

use super::error::{InvalidSetting, quoted};

/// An account as `user@realm`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserId(String);

impl UserId {
    /// Returns `user@realm`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for UserId {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        if text.contains('!') {
            return Err(InvalidSetting::new(
                "an account has no `!`; that is an API token",
                "write it as token_id",
            ));
        }
        if is_account(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSetting::new(
                format!("{} is no account", quoted(text)),
                "write user@realm, as root@pam or hub@pve",
            ))
        }
    }
}

/// An API token as `user@realm!name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenId {
    user: UserId,
    name: String,
}

impl TokenId {
    /// Makes the id of a user's token.
    pub fn of_user(user: UserId, name: &str) -> Result<Self, InvalidSetting> {
        if is_identifier(name) {
            Ok(Self {
                user,
                name: name.to_owned(),
            })
        } else {
            Err(malformed_token_id())
        }
    }

    /// Returns whose token it is.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Returns the token's own name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}!{}", self.user, self.name)
    }
}

impl FromStr for TokenId {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        // A whole `PVEAPIToken=user@realm!name=secret` may have been pasted: nothing of it is repeated.
        if text.contains('=') {
            return Err(InvalidSetting::new(
                "a token id holds no `=`; what stands behind it is the secret",
                "write user@realm!name here and the secret as token_secret_file or token_secret",
            ));
        }
        match text.split_once('!') {
            Some((user, name)) if is_account(user) && is_identifier(name) => Ok(Self {
                user: UserId(user.to_owned()),
                name: name.to_owned(),
            }),
            _ => Err(malformed_token_id()),
        }
    }
}

fn malformed_token_id() -> InvalidSetting {
    // The text is not repeated: a secret in the wrong place looks just like this.
    InvalidSetting::new(
        "this is no token id",
        "write user@realm!name, as hub@pve!deck",
    )
}

fn is_account(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(user, realm)| {
        !user.is_empty()
            && text.len() <= 128
            && !user
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || matches!(c, ':' | '/' | '!' | '='))
            && is_identifier(realm)
    })
}

/// Tells whether Proxmox takes a text as realm or name of a token.
fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 64
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_token_id_names_user_realm_and_token() {
        let id: TokenId = "hub@pve!deck".parse().unwrap();
        assert_eq!((id.user().as_str(), id.name()), ("hub@pve", "deck"));
        assert_eq!(id.to_string(), "hub@pve!deck");
        for text in [
            "hub@pve",
            "hub!deck",
            "@pve!deck",
            "hub@pve!",
            "hub@pve!1",
            "h b@pve!d",
        ] {
            assert!(text.parse::<TokenId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pasted_token_with_its_secret_is_refused_and_not_repeated() {
        let error = "PVEAPIToken=hub@pve!deck=8a1f"
            .parse::<TokenId>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("token_secret_file"), "{error}");
        assert!(!error.contains("8a1f"), "{error}");
    }

    #[test]
    fn an_account_without_realm_or_with_a_token_is_refused() {
        assert_eq!("hub@pve".parse::<UserId>().unwrap().as_str(), "hub@pve");
        assert_eq!(
            "someone@example.org@ad".parse::<UserId>().unwrap().as_str(),
            "someone@example.org@ad"
        );
        let error = |text: &str| text.parse::<UserId>().unwrap_err().to_string();
        assert_eq!(
            error("root"),
            "`root` is no account; write user@realm, as root@pam or hub@pve"
        );
        assert!(error("hub@pve!deck").contains("write it as token_id"));
    }
}
