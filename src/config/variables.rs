//! What the environment says about the config: our own variables, and those of other tools.

use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;

use super::account::{TokenId, UserId};
use super::address::Endpoint;
use super::connection::Trust;
use super::environment::Environment;
use super::error::{InvalidSetting, Problem, Source, nearest, quoted};
use super::secrets::{self, SecretSource};
use super::settings::clusters::ConnectionKeys;
use crate::domain::fingerprint::Fingerprint;

/// The variables that begin with our name and mean something.
const OUR_VARIABLES: [&str; 14] = [
    "PROXDECK_CA_FILE",
    "PROXDECK_CLUSTER",
    "PROXDECK_CONFIG",
    "PROXDECK_CONTRACT_DIR",
    "PROXDECK_ENDPOINT",
    "PROXDECK_ENDPOINTS",
    "PROXDECK_FINGERPRINT",
    "PROXDECK_FINGERPRINTS",
    "PROXDECK_LOG",
    "PROXDECK_PASSWORD",
    "PROXDECK_REQUIRE_CONTRACT",
    "PROXDECK_TOKEN_ID",
    "PROXDECK_TOKEN_SECRET",
    "PROXDECK_USER",
];

/// The variables, read with their problems gathered.
pub(super) struct Variables<'a> {
    pub(super) environment: &'a Environment,
    pub(super) used: Vec<&'static str>,
    pub(super) problems: Vec<Problem>,
    pub(super) ignored_verification: bool,
}

impl<'a> Variables<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            used: Vec::new(),
            problems: Vec::new(),
            ignored_verification: false,
        }
    }

    pub(super) fn reject(
        &mut self,
        name: &str,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) {
        let source = Source::Variable(name.to_owned());
        self.problems.push(Problem::new(source, message, cure));
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<&'a str> {
        if self.environment.is_unreadable(name) {
            self.reject(name, "is not UTF-8", "set it again, or unset it");
            return None;
        }
        let text = self.environment.get(name)?;
        self.used.push(name);
        Some(text)
    }

    fn checked<T>(&mut self, name: &str, result: Result<T, InvalidSetting>) -> Option<T> {
        result
            .map_err(|invalid| self.reject(name, invalid.message, invalid.cure))
            .ok()
    }

    fn parsed<T: FromStr<Err: Into<InvalidSetting>>>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        self.checked(name, text.trim().parse().map_err(Into::into))
    }

    /// Reads a list under either of two names, separated by commas or blanks.
    fn list<T: FromStr<Err: Into<InvalidSetting>>>(
        &mut self,
        one: &'static str,
        many: &'static str,
    ) -> Option<Vec<T>> {
        let (name, text) = match (self.text(one), self.text(many)) {
            (Some(_), Some(_)) => {
                self.reject(many, format!("is set beside {one}"), "unset one of them");
                return None;
            }
            (Some(text), None) => (one, text),
            (None, Some(text)) => (many, text),
            (None, None) => return None,
        };
        let read: Result<Vec<T>, _> = text
            .split([',', ' ', '\t', '\n'])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().map_err(Into::into))
            .collect();
        self.checked(name, read).filter(|list| !list.is_empty())
    }

    fn secret(&mut self, name: &'static str) -> Option<SecretSource> {
        let text = self.text(name)?;
        if let Err(reason) = secrets::check(text) {
            self.reject(name, reason, "set it again, on one line");
            return None;
        }
        Some(SecretSource::Variable {
            name,
            secret: SecretString::from(text),
        })
    }

    pub(super) fn our_keys(&mut self) -> ConnectionKeys {
        let pins = self.list::<Fingerprint>("PROXDECK_FINGERPRINT", "PROXDECK_FINGERPRINTS");
        let ca_file = self.text("PROXDECK_CA_FILE").map(PathBuf::from);
        let trust = match (pins, ca_file) {
            (Some(_), Some(_)) => {
                self.reject(
                    "PROXDECK_CA_FILE",
                    "is set beside a fingerprint",
                    "unset one of them",
                );
                None
            }
            (pins, ca_file) => pins.map(Trust::Pins).or(ca_file.map(Trust::CaFile)),
        };
        let keys = ConnectionKeys {
            endpoints: self.list::<Endpoint>("PROXDECK_ENDPOINT", "PROXDECK_ENDPOINTS"),
            token_id: self.parsed("PROXDECK_TOKEN_ID"),
            token_secret: self.secret("PROXDECK_TOKEN_SECRET"),
            user: self.parsed("PROXDECK_USER"),
            password: self.secret("PROXDECK_PASSWORD"),
            trust,
        };
        if keys.token_id.is_some() && keys.user.is_some() {
            self.reject(
                "PROXDECK_USER",
                "is set beside PROXDECK_TOKEN_ID",
                "unset one of them: a connection has one account",
            );
        }
        keys
    }

    /// Reads the names that other tools use; a token may be named in full or with `PROXMOX_USER`.
    pub(super) fn keys_of_other_tools(&mut self) -> ConnectionKeys {
        let Some(host) = self.text("PROXMOX_HOST") else {
            return ConnectionKeys::default();
        };
        let endpoint = self.checked("PROXMOX_HOST", Endpoint::from_host(host));
        let user: Option<UserId> = self.parsed("PROXMOX_USER");
        let token_id = self.text("PROXMOX_TOKEN_ID").and_then(|text| {
            let read = match &user {
                Some(user) if !text.contains(['!', '@']) => TokenId::of_user(user.clone(), text),
                _ => text.parse(),
            };
            self.checked("PROXMOX_TOKEN_ID", read)
        });
        if let Some(verify) = self.environment.get("PROXMOX_VERIFY_SSL") {
            let off = ["0", "false", "no", "off"];
            self.ignored_verification = off.iter().any(|word| verify.eq_ignore_ascii_case(word));
        }
        ConnectionKeys {
            endpoints: endpoint.map(|endpoint| vec![endpoint]),
            // With a token the user is only whose token it is.
            user: user.filter(|_| token_id.is_none()),
            token_id,
            token_secret: self.secret("PROXMOX_TOKEN_SECRET"),
            password: self.secret("PROXMOX_PASSWORD"),
            trust: None,
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .environment
            .names_with("PROXDECK_")
            .filter(|name| !OUR_VARIABLES.contains(name))
            .map(|name| match nearest(name, OUR_VARIABLES) {
                Some(meant) => format!("{} means nothing; did you mean {meant}?", quoted(name)),
                None => format!("{} means nothing here", quoted(name)),
            })
            .collect();
        if self.ignored_verification {
            notes.push(
                "PROXMOX_VERIFY_SSL is not obeyed: a server is always checked; pin its certificate \
                 with PROXDECK_FINGERPRINT"
                    .to_owned(),
            );
        }
        notes
    }
}
