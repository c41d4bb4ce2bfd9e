//! How a cluster is reached: addresses, who we are there, and whom we trust.
//!
//! There is no way to say "trust anybody": an address is always `https`, and a certificate is
//! checked against the system's roots, a CA file or pinned fingerprints.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::error::{InvalidSetting, quoted};
use crate::domain::network::{is_host_name, parse_port};

/// The port of a Proxmox server where none is written.
pub const DEFAULT_PORT: u16 = 8006;

/// The address of one server of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// Returns the name or address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the name or address, with the port where that is not the usual one.
    pub fn authority(&self) -> String {
        match (self.port, self.host.contains(':')) {
            (DEFAULT_PORT, _) => self.host.clone(),
            (port, true) => format!("[{}]:{port}", self.host),
            (port, false) => format!("{}:{port}", self.host),
        }
    }

    /// Reads an address as other tools accept it: bare, with a port, or as URL with the API's path.
    pub fn from_host(text: &str) -> Result<Self, InvalidSetting> {
        let text = text.trim().trim_end_matches('/');
        let text = text.strip_suffix("/api2/json").unwrap_or(text);
        if text.contains("://") {
            text.parse()
        } else if text.parse::<Ipv6Addr>().is_ok() {
            format!("https://[{text}]").parse()
        } else {
            format!("https://{text}").parse()
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "https://[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "https://{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let form = format!("write https://HOST:{DEFAULT_PORT}");
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(InvalidSetting::new(
                format!("{} is no URL", quoted_address(text)),
                form,
            ));
        };
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(InvalidSetting::new(
                format!("{} is not encrypted", quoted_address(text)),
                form,
            ));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(InvalidSetting::new(
                "an address holds no user and no password",
                "write them as user and password, or better token_id and token_secret_file",
            ));
        }
        if !matches!(path, "" | "/") {
            return Err(InvalidSetting::new(
                format!("{} goes on behind the server's address", quoted(text)),
                format!("write only https://{authority}"),
            ));
        }
        let (host, port) = split_port(authority).ok_or_else(|| {
            InvalidSetting::new(format!("{} is no address", quoted(text)), &*form)
        })?;
        let port = match port {
            None => DEFAULT_PORT,
            Some(digits) => parse_port(digits).ok_or_else(|| {
                InvalidSetting::new(
                    format!("{} has no usable port", quoted(text)),
                    "a port is a number from 1 to 65535",
                )
            })?,
        };
        if host.contains(':') || is_host_name(host) {
            Ok(Self {
                host: host.to_ascii_lowercase(),
                port,
            })
        } else {
            Err(InvalidSetting::new(
                format!("{} names no host", quoted(text)),
                form,
            ))
        }
    }
}

/// Repeats an address without what could be a password in it.
fn quoted_address(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => quoted(&format!("…@{host}")),
        None => quoted(text),
    }
}

/// Splits `host:port`, `[v6]:port` or either without port; the host comes without brackets.
pub(super) fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match authority.split_once(':') {
        None => Some((authority, None)),
        // More than one colon outside of brackets is an IPv6 address whose end nobody can tell.
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
    }
}

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

/// The SHA-256 fingerprint of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Wraps a digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Returns the digest.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(formatter, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let cure = "take the SHA-256 one that `pvenode cert info` prints: 32 pairs of hex digits";
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| !matches!(byte, b':' | b' '))
            .collect();
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(InvalidSetting::new(
                format!("{} is no fingerprint", quoted(text)),
                cure,
            ));
        }
        if digits.len() == 40 {
            return Err(InvalidSetting::new("this is a SHA-1 fingerprint", cure));
        }
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs
            .iter()
            .filter_map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        match <[u8; 32]>::try_from(bytes) {
            Ok(digest) if rest.is_empty() => Ok(Self(digest)),
            _ => Err(InvalidSetting::new(
                format!("this fingerprint has {} hex digits, not 64", digits.len()),
                cure,
            )),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn address(text: &str) -> Result<String, String> {
        text.parse::<Endpoint>()
            .map(|endpoint| endpoint.to_string())
            .map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn an_address_is_an_https_url_with_the_port_of_proxmox_as_default() {
        for (written, read) in [
            ("https://pve1.lab", "https://pve1.lab:8006"),
            ("HTTPS://PVE1.lab/", "https://pve1.lab:8006"),
            ("https://pve1:443", "https://pve1:443"),
            ("https://10.0.0.7:8006/", "https://10.0.0.7:8006"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]:8006"),
            ("https://[::1]:1234", "https://[::1]:1234"),
        ] {
            assert_eq!(address(written).as_deref(), Ok(read));
        }
    }

    #[test]
    fn an_unusable_address_says_what_to_write() {
        for (written, error) in [
            ("pve1", "`pve1` is no URL; write https://HOST:8006"),
            (
                "http://pve1:8006",
                "`http://pve1:8006` is not encrypted; write https://HOST:8006",
            ),
            (
                "https://",
                "`https://` names no host; write https://HOST:8006",
            ),
            (
                "https://pve1:8006/#v1:0",
                "`https://pve1:8006/#v1:0` goes on behind the server's address; write only https://pve1:8006",
            ),
            (
                "https://pve1:99999",
                "`https://pve1:99999` has no usable port; a port is a number from 1 to 65535",
            ),
            (
                "https://pve1:",
                "`https://pve1:` has no usable port; a port is a number from 1 to 65535",
            ),
            (
                "https://10.0.0.300",
                "`https://10.0.0.300` names no host; write https://HOST:8006",
            ),
            (
                "https://fe80::1",
                "`https://fe80::1` is no address; write https://HOST:8006",
            ),
            (
                "https://a b",
                "`https://a b` names no host; write https://HOST:8006",
            ),
        ] {
            assert_eq!(address(written), Err(error.to_owned()));
        }
    }

    #[test]
    fn the_usual_port_need_not_be_said() {
        for (written, short) in [
            ("https://pve1", "pve1"),
            ("https://pve1:8443", "pve1:8443"),
            ("https://[fe80::1]", "fe80::1"),
            ("https://[fe80::1]:8443", "[fe80::1]:8443"),
        ] {
            assert_eq!(written.parse::<Endpoint>().unwrap().authority(), short);
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        for written in ["https://root:hunter2@pve1", "ftp://root:hunter2@pve1"] {
            let error = address(written).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn hosts_as_other_tools_write_them_are_understood() {
        let from = |text: &str| Endpoint::from_host(text).map(|endpoint| endpoint.to_string());
        for text in [
            "pve1",
            "pve1:8006",
            "https://pve1",
            "https://pve1:8006/api2/json",
            "pve1/",
        ] {
            assert_eq!(from(text).as_deref(), Ok("https://pve1:8006"), "{text}");
        }
        assert_eq!(from("fe80::1").as_deref(), Ok("https://[fe80::1]:8006"));
        assert!(from("http://pve1").is_err());
    }

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

    #[test]
    fn a_fingerprint_is_read_in_any_common_notation() {
        let colons = (0..32)
            .map(|byte| format!("{byte:02X}"))
            .collect::<Vec<_>>()
            .join(":");
        let plain = colons.replace(':', "").to_lowercase();
        for text in [&colons, &plain, &colons.to_lowercase()] {
            let read: Fingerprint = text.parse().unwrap();
            assert_eq!(read.digest()[31], 31);
            assert_eq!(read.to_string(), colons);
        }
        let error = |text: &str| text.parse::<Fingerprint>().unwrap_err().to_string();
        assert!(error(&"AB:".repeat(20)).contains("SHA-1"));
        assert!(error(&"A".repeat(63)).contains("63 hex digits, not 64"));
        assert!(error("SHA256:xyz").contains("pvenode cert info"));
    }
}
