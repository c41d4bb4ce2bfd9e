//! The marks by which rules, sets and addresses are known as ours.

use crate::domain::firewall::Rule;
use crate::domain::text::Text;

/// What the comment of everything that is ours begins with; the profile's name follows.
const PREFIX: &str = "proxdeck:";

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
    name.strip_prefix("proxdeck-").is_some() && name.len() <= 64 && name.chars().all(fits)
}
