//! `[notify.NAME]`: whom to tell about budgets and emergencies, and how.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};

use crate::config::address::split_port;
use crate::config::document::{Entry, Findings, Section};
use crate::config::error::{InvalidSetting, quoted};
use crate::domain::network::{is_host_name, parse_port};

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The name by which projects refer to it.
    pub name: String,
    /// How a message gets there.
    pub delivery: Delivery,
}

/// How a message gets to somebody.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// As JSON, posted to an address.
    Webhook(Webhook),
    /// As JSON on the standard input of a program; its words, no shell.
    Command(Vec<String>),
    /// As a line in the log: a demo tells nobody.
    Log,
}

/// The address of a web hook.
///
/// Whoever knows it may post there, so it is treated as a secret: only scheme and host are shown.
#[derive(Clone)]
pub struct Webhook {
    url: SecretString,
    shown: String,
    has_password: bool,
}

impl Webhook {
    /// Returns the whole address, for the request.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// Tells whether a user or password stands in the address.
    pub fn has_password(&self) -> bool {
        self.has_password
    }
}

impl FromStr for Webhook {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let invalid = |message: &str| InvalidSetting::new(message, "write it as https://HOST/PATH");
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(invalid("this is no URL"));
        };
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "https" | "http") {
            return Err(invalid("this is no web address"));
        }
        if text.contains(char::is_whitespace) {
            return Err(invalid("an address holds no blanks"));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        let (password, address) = match authority.rsplit_once('@') {
            Some((_, address)) => (true, address),
            None => (false, authority),
        };
        let (host, port) =
            split_port(address).ok_or_else(|| invalid("the address names no host"))?;
        if port.is_some_and(|port| parse_port(port).is_none()) {
            return Err(invalid("the address has no usable port"));
        }
        if !host.contains(':') && !is_host_name(host) {
            return Err(invalid("the address names no host"));
        }
        Ok(Self {
            url: SecretString::from(text),
            shown: format!("{scheme}://{address}"),
            has_password: password,
        })
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Webhook({self})")
    }
}

impl PartialEq for Webhook {
    fn eq(&self, other: &Self) -> bool {
        self.url.expose_secret() == other.url.expose_secret()
    }
}

pub(super) fn read(name: String, mut section: Section<'_>, findings: &mut Findings<'_>) -> Channel {
    let webhook = section.take("webhook");
    let command = section.take("command");
    let delivery = match (&webhook, &command) {
        (Some(webhook), None) => webhook
            .parsed(findings, "an address, as \"https://hooks.example/alpha\"")
            .map(Delivery::Webhook),
        (None, Some(command)) => read_command(command, findings).map(Delivery::Command),
        (webhook, _) => {
            let count = if webhook.is_some() { "both" } else { "neither" };
            findings.report(
                section.offset(),
                format!("[{}] has {count} of webhook and command", section.name()),
                "write exactly one of them",
            );
            None
        }
    };
    section.finish(findings);
    // A channel that cannot be read still exists: whoever names it is not at fault.
    Channel {
        name,
        delivery: delivery.unwrap_or(Delivery::Log),
    }
}

/// Reads a program with its arguments, as a list of words.
pub(super) fn read_command(entry: &Entry<'_>, findings: &mut Findings<'_>) -> Option<Vec<String>> {
    let expected = "a list of words, as [\"pass\", \"show\", \"pve/deck\"]";
    let items = entry.items(findings, expected);
    let mut words = Vec::new();
    for (index, item) in items.iter().enumerate() {
        // An argument may well be empty, a program may not.
        if index > 0 && item.is_word("") {
            words.push(String::new());
            continue;
        }
        words.extend(item.text(findings, "a word in quotes").map(str::to_owned));
    }
    if entry.is_list() && items.is_empty() {
        entry.reject(findings, "is empty", format!("write {expected}"));
    }
    if let [program] = words.as_slice()
        && program.contains(' ')
        && !program.starts_with('/')
    {
        entry.reject(
            findings,
            format_args!(
                "is one word with blanks, {}",
                quoted(program.split(' ').next().unwrap_or_default())
            ),
            format!("no shell reads it; write {expected}"),
        );
        return None;
    }
    (words.len() == items.len() && !words.is_empty()).then_some(words)
}
