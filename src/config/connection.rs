//! How a cluster is reached: where, who we are there, and whom we trust.
//!
//! There is no way to say "trust anybody": an address is always `https`, and a certificate is
//! checked against the system's roots, a CA file or pinned fingerprints.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::account::{TokenId, UserId};
use super::address::Endpoint;
use super::error::{InvalidSetting, quoted};
use crate::domain::fingerprint::{Fingerprint, InvalidFingerprint};

/// Whom we trust to be the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Whoever the system's roots vouch for.
    System,
    /// Whoever the certificates of a file vouch for.
    CaFile(PathBuf),
    /// Exactly these certificates.
    Pins(Vec<Fingerprint>),
}

/// Who we are, with what proves it.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// An API token.
    Token {
        /// Which token.
        id: TokenId,
        /// Its secret.
        secret: SecretString,
    },
    /// An account with a password.
    Password {
        /// Which account.
        user: UserId,
        /// Its password; without one a person is asked.
        password: Option<SecretString>,
    },
}

/// Everything that a client needs in order to reach one cluster.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The cluster's name in the config.
    pub name: String,
    /// Its servers, in the order in which they are tried; never empty.
    pub endpoints: Vec<Endpoint>,
    /// Who we are there.
    pub credentials: Credentials,
    /// Whom we trust to be the server.
    pub trust: Trust,
    /// The pause between two refreshes.
    pub refresh: Duration,
}

impl From<InvalidFingerprint> for InvalidSetting {
    fn from(invalid: InvalidFingerprint) -> Self {
        let message = match &invalid {
            InvalidFingerprint::NotHexadecimal(text) => {
                format!("{} is no fingerprint", quoted(text))
            }
            InvalidFingerprint::Sha1 => "this is a SHA-1 fingerprint".to_owned(),
            InvalidFingerprint::Length(digits) => {
                format!("this fingerprint has {digits} hex digits, not 64")
            }
        };
        let cure = "take the SHA-256 one that `pvenode cert info` prints: 32 pairs of hex digits";
        Self::new(message, cure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_fingerprint_says_where_to_take_one_from() {
        let error = |text: &str| {
            let invalid = text.parse::<Fingerprint>().unwrap_err();
            InvalidSetting::from(invalid).to_string()
        };
        assert!(error(&"AB:".repeat(20)).contains("SHA-1"));
        assert!(error(&"A".repeat(63)).contains("63 hex digits, not 64"));
        assert!(error("SHA256:xyz").contains("pvenode cert info"));
    }
}
