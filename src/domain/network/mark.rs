//! The marks by which rules, sets and addresses are known as ours.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::firewall::{AddressSet, Rule};
use crate::domain::text::Text;

/// What the comment of everything that is ours begins with; the profile's name follows.
const PREFIX: &str = "proxdeck:";
/// What the name of every set of ours begins with.
const SET_PREFIX: &str = "proxdeck-";
/// The longest name that a set may have.
const MOST_NAME: usize = 64;

/// Returns the comment that makes a rule or set one of a profile.
pub(super) fn of(profile: &str) -> String {
    format!("{PREFIX}{profile}")
}

/// Returns the profile to which a comment says that something belongs.
fn profile_in(comment: Option<&Text>) -> Option<&str> {
    let word = comment?.raw().split_whitespace().next()?;
    word.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

/// Returns the profile to which a rule belongs; rules of others belong to none.
pub fn profile_of_rule(rule: &Rule) -> Option<&str> {
    profile_in(rule.comment.as_ref())
}

/// Tells whether a name can be that of a set of ours.
pub(super) fn is_set_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    name.starts_with(SET_PREFIX) && name.len() <= MOST_NAME && name.chars().all(fits)
}

/// Returns the profile to which a set belongs.
pub(super) fn profile_of_set(set: &AddressSet) -> Option<&str> {
    profile_in(set.comment.as_ref()).filter(|_| is_set_name(set.name.raw()))
}

/// When an address was seen last, and for which name: the comment of a member of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) time: DateTime<Utc>,
    pub(super) name: String,
}

impl Seen {
    /// Reads `2026-11-27T12:00:00Z api.github.com`.
    pub(super) fn read(comment: Option<&Text>) -> Option<Self> {
        let (time, name) = comment?.raw().split_once(' ')?;
        Some(Self {
            time: DateTime::parse_from_rfc3339(time).ok()?.to_utc(),
            name: name.to_owned(),
        })
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = self.time.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(formatter, "{time} {}", self.name)
    }
}

/// Names the set of a profile's hosts on one port: `proxdeck-PROFILE-443`.
///
/// The server takes 2 to 64 of `[A-Za-z0-9_-]`; a profile whose name does not fit is shortened, and
/// told from others by a hash.
pub(super) fn set_name(profile: &str, suffix: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let room = MOST_NAME - SET_PREFIX.len() - 1 - suffix.len();
    if profile.len() <= room && profile.chars().all(fits) {
        return format!("{SET_PREFIX}{profile}-{suffix}");
    }
    let hash = hash(profile);
    let plain = profile.chars().map(|c| if fits(c) { c } else { '-' });
    let short: String = plain.take(room - 1 - hash.len()).collect();
    format!("{SET_PREFIX}{short}-{hash}-{suffix}")
}

/// Tells whether a set of ours is one of what is blocked.
pub(super) fn is_block_set(name: &str) -> bool {
    let mut parts = name.rsplit('-');
    let port = parts.next().unwrap_or_default();
    let is_port = port == "all" || port.bytes().all(|byte| byte.is_ascii_digit());
    is_port && parts.next() == Some("block")
}

/// Hashes a name (FNV-1a); it only has to tell a few profiles apart.
fn hash(name: &str) -> String {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}")
}

/// Tells whether a rule's source or destination speaks of a set of the guest.
pub(super) fn speaks_of(rule: &Rule, set: &str) -> bool {
    let ends = [&rule.source, &rule.destination];
    ends.into_iter().flatten().any(|addresses| {
        addresses.raw().split(',').any(|part| {
            let name = part.trim().strip_prefix('+');
            name.is_some_and(|name| name.strip_prefix("guest/").unwrap_or(name) == set)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sets_are_such_as_the_server_takes_and_differ_between_profiles() {
        assert_eq!(set_name("api_access", "443"), "proxdeck-api_access-443");
        let long = "x".repeat(64);
        let other = format!("{}y", "x".repeat(63));
        let names = [
            set_name(&long, "block-65535"),
            set_name(&other, "block-65535"),
            set_name("büro.1", "in-all"),
            set_name("büro-1", "in-all"),
        ];
        for name in &names {
            assert!(is_set_name(name), "{name}");
            assert!(name.ends_with("-65535") || name.ends_with("-all"));
        }
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len());
    }

    #[test]
    fn marks_are_read_from_whatever_stands_in_a_comment() {
        let profile = |comment: &str| profile_in(Some(&comment.into())).map(str::to_owned);
        assert_eq!(profile("proxdeck:api"), Some("api".to_owned()));
        assert_eq!(profile(" proxdeck:api more"), Some("api".to_owned()));
        for foreign in [
            "",
            "proxdeck:",
            "proxdeck: api",
            "my proxdeck:api",
            "Proxdeck:api",
        ] {
            assert_eq!(profile(foreign), None, "{foreign}");
        }
    }
}
