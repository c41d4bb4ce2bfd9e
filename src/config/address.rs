//! The addresses of servers, as they are written and as they are asked.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

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
}
