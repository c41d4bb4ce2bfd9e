//! The challenge inside a half ticket (API.md §2, PITFALLS 9).
//!
//! A login that wants a second factor is answered with `PVE:!tfa!{JSON}:TIME::SIGNATURE`, in whose
//! JSON the colons are escaped. It opens nothing; all that it is good for is to be sent back.

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use serde_json::Value;

use crate::domain::sign_in::Challenge;
use crate::domain::text::clean;

/// What stands before the JSON in every half ticket.
const PREFIX: &str = "PVE:!tfa!";
/// No server offers more kinds than a handful; a bound for what is shown.
const MOST_KINDS: usize = 8;

/// A challenge that waits for its answer.
pub(crate) struct Pending {
    /// The half ticket, sent back with the answer.
    pub(crate) ticket: SecretString,
    /// What it offers.
    pub(crate) offered: Challenge,
}

impl Pending {
    /// Reads what a half ticket offers; one that cannot be read offers nothing.
    pub(crate) fn of(ticket: String) -> Self {
        let offered = offered(&ticket).unwrap_or_default();
        Self {
            ticket: ticket.into(),
            offered,
        }
    }
}

fn offered(ticket: &str) -> Option<Challenge> {
    let (json, _) = ticket.strip_prefix(PREFIX)?.split_once(':')?;
    let json = percent_decode_str(json).decode_utf8().ok()?;
    let Value::Object(kinds) = serde_json::from_str(&json).ok()? else {
        return None;
    };
    let mut challenge = Challenge::default();
    for (kind, value) in kinds.iter().filter(|(_, value)| is_offered(value)) {
        match kind.as_str() {
            "totp" => challenge.totp = true,
            "recovery" => challenge.recovery = Some(keys_left(value)),
            _ if challenge.unsupported.len() < MOST_KINDS => {
                challenge.unsupported.push(clean(kind));
            }
            _ => {}
        }
    }
    Some(challenge)
}

/// Tells whether a kind is there at all: flags come as numbers too, and lists may be empty.
fn is_offered(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0" | "unavailable"),
        Value::Array(list) => !list.is_empty(),
        Value::Object(_) => true,
    }
}

/// Counts recovery keys; servers before 7.3 say only that there are some (proxmox-tfa).
fn keys_left(value: &Value) -> usize {
    value.as_array().map_or(1, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Challenge {
        let json = json.replace(':', "%3A");
        Pending::of(format!("PVE:!tfa!{json}:6B046033::SIGNATURE")).offered
    }

    #[test]
    fn pitfall_09_the_challenge_is_read_out_of_the_half_ticket() {
        // As recorded.
        let ticket = "PVE:!tfa!{\"totp\"%3Atrue}:6B046033::SIGNATURE";
        let challenge = Pending::of(ticket.to_owned()).offered;
        let totp = Challenge {
            totp: true,
            ..Challenge::default()
        };
        assert_eq!(challenge, totp);
        let challenge =
            read(r#"{"totp":1,"recovery":[0,3,9],"webauthn":{"publicKey":{}},"yubico":true}"#);
        assert!(challenge.totp);
        assert_eq!(challenge.recovery, Some(3));
        assert_eq!(challenge.unsupported, ["webauthn", "yubico"]);
    }

    #[test]
    fn what_is_not_offered_or_cannot_be_read_is_not_asked_for() {
        for json in [
            r#"{"totp":false,"recovery":[],"u2f":null,"yubico":0}"#,
            r#"{"recovery":"unavailable"}"#,
            "[]",
            "{",
            "",
        ] {
            assert_eq!(read(json), Challenge::default(), "{json}");
        }
        assert_eq!(read(r#"{"recovery":"available"}"#).recovery, Some(1));
        assert_eq!(
            Pending::of("PVE:hub@pve:6B::X".into()).offered,
            Challenge::default()
        );
    }

    #[test]
    fn a_kind_s_name_is_shown_without_what_it_could_do_to_a_terminal() {
        let challenge = read("{\"\\u001b[31mweb\":true}");
        assert!(
            !challenge.unsupported[0].contains('\u{1b}'),
            "{challenge:?}"
        );
    }
}
