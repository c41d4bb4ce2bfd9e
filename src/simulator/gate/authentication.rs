//! Who is asking: tickets, anti-forgery tokens, API tokens and the second factor.
//!
//! Refuses to decide what they may do.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;

use super::answer::Failure;
use crate::simulator::Core;
use crate::simulator::world::World;
use crate::simulator::world::access::User;

/// How long tickets live.
const TICKET_SECONDS: i64 = 2 * 60 * 60;
/// How far in the future a ticket may have been made.
const SKEW_SECONDS: i64 = 5 * 60;
/// So many wrong codes in a row lock the authenticator (API.md §2).
pub(in crate::simulator) const MOST_WRONG_CODES: u32 = 8;
/// How long a code of the second factor lasts.
const STEP_SECONDS: i64 = 30;

/// Somebody whose credentials were right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulator) struct Caller {
    /// A user or a full token id.
    pub(in crate::simulator) who: String,
}

impl Caller {
    /// Returns the user without a token.
    pub(in crate::simulator) fn user(&self) -> &str {
        self.who.split_once('!').map_or(&self.who, |(user, _)| user)
    }

    pub(in crate::simulator) fn is_token(&self) -> bool {
        self.who.contains('!')
    }

    /// Tells whether root-only options are open: for root itself, never for its tokens.
    pub(in crate::simulator) fn is_root(&self) -> bool {
        self.who == "root@pam"
    }
}

/// What came with a request.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Credentials {
    pub(in crate::simulator) cookie: Option<String>,
    pub(in crate::simulator) authorization: Option<String>,
    pub(in crate::simulator) csrf: Option<String>,
}

/// Finds out who is asking.
pub(in crate::simulator) fn authenticate(
    core: &Core,
    world: &World,
    credentials: &Credentials,
    writes: bool,
) -> Result<Caller, Failure> {
    let failed = || Failure::unauthorized("Authentication failed!");
    let authorization = credentials.authorization.as_deref().unwrap_or("");
    let ticket = credentials.cookie.clone().or_else(|| {
        authorization
            .strip_prefix("PVEAuthCookie=")
            .map(|text| crate::simulator::server::decode(text, false))
    });
    if let Some(ticket) = ticket {
        let user = verify_ticket(core, &ticket, "PVE").ok_or_else(failed)?;
        if user.starts_with("!tfa!")
            || !world
                .access
                .users
                .get(&user)
                .is_some_and(|user| user.enabled)
        {
            return Err(failed());
        }
        if writes
            && !credentials
                .csrf
                .as_deref()
                .is_some_and(|csrf| verify_csrf(core, csrf, &user))
        {
            return Err(Failure::unauthorized(
                "Permission denied - invalid csrf token",
            ));
        }
        return Ok(Caller { who: user });
    }
    let Some(token) = authorization.strip_prefix("PVEAPIToken=") else {
        return Err(Failure::unauthorized("No ticket"));
    };
    let (id, secret) = token.split_once('=').ok_or_else(failed)?;
    let known = world.access.token(id).ok_or_else(failed)?;
    let owner = id
        .split_once('!')
        .and_then(|(user, _)| world.access.users.get(user));
    let expired = known.expires != 0 && known.expires < core.clock.seconds();
    if known.secret != secret || expired || !owner.is_some_and(|user| user.enabled) {
        return Err(failed());
    }
    Ok(Caller { who: id.to_owned() })
}

/// Makes a ticket: `PVE:USER:HEXTIME::SIGNATURE`.
pub(in crate::simulator) fn make_ticket(core: &Core, user: &str) -> String {
    let plain = format!("PVE:{user}:{:08X}", core.clock.seconds());
    let signature = base64::engine::general_purpose::STANDARD.encode(sign(core, &plain).repeat(6));
    format!("{plain}::{signature}")
}

/// Makes the token that writes need beside a ticket.
pub(in crate::simulator) fn make_csrf(core: &Core, user: &str) -> String {
    let time = format!("{:08X}", core.clock.seconds());
    let signature = sign(core, &format!("csrf:{time}:{user}"));
    format!(
        "{time}:{}",
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(signature)
    )
}

/// Returns the user of a sound ticket: right signature, not older than two hours, not from the future.
pub(in crate::simulator) fn verify_ticket(core: &Core, ticket: &str, kind: &str) -> Option<String> {
    let (plain, signature) = ticket.split_once("::")?;
    let expected = base64::engine::general_purpose::STANDARD.encode(sign(core, plain).repeat(6));
    let (head, time) = plain.rsplit_once(':')?;
    let user = head.strip_prefix(kind)?.strip_prefix(':')?;
    let age = core.clock.seconds() - i64::from_str_radix(time, 16).ok()?;
    (expected == signature && (-SKEW_SECONDS..=TICKET_SECONDS).contains(&age))
        .then(|| user.to_owned())
}

fn verify_csrf(core: &Core, token: &str, user: &str) -> bool {
    let Some((time, signature)) = token.split_once(':') else {
        return false;
    };
    let expected = sign(core, &format!("csrf:{time}:{user}"));
    let Ok(made) = i64::from_str_radix(time, 16) else {
        return false;
    };
    let age = core.clock.seconds() - made;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(expected) == signature
        && (-SKEW_SECONDS..=TICKET_SECONDS).contains(&age)
}

fn sign(core: &Core, text: &str) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "an HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(&core.secrets.signing_key).expect("any key fits");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Makes the half ticket that asks for a second factor.
pub(in crate::simulator) fn make_challenge(core: &Core, name: &str, user: &User) -> String {
    // Only the first of these kinds is recorded; the others are as proxmox-tfa writes them, assumed.
    let mut kinds = Vec::new();
    if user.totp.is_some() && user.wrong_codes < MOST_WRONG_CODES {
        kinds.push("\"totp\":true".to_owned());
    }
    if !user.recovery.is_empty() {
        let left: Vec<String> = user.recovery.keys().map(ToString::to_string).collect();
        kinds.push(format!("\"recovery\":[{}]", left.join(",")));
    }
    if user.security_key {
        kinds.push("\"webauthn\":{\"publicKey\":{\"challenge\":\"AAAA\"}}".to_owned());
    }
    let offer = format!("{{{}}}", kinds.join(",")).replace(':', "%3A");
    // The user is signed but not shown: the real server ties the challenge to the user name that comes with it.
    let plain = format!("PVE:!tfa!{offer}:{:08X}", core.clock.seconds());
    let signature = sign(core, &format!("{plain}:{name}")).repeat(6);
    format!(
        "{plain}::{}",
        base64::engine::general_purpose::STANDARD.encode(signature)
    )
}

/// Tells whether a half ticket belongs to a user and is still good.
pub(in crate::simulator) fn verify_challenge(core: &Core, challenge: &str, user: &str) -> bool {
    let Some((plain, signature)) = challenge.split_once("::") else {
        return false;
    };
    let expected = sign(core, &format!("{plain}:{user}")).repeat(6);
    let made = plain
        .rsplit_once(':')
        .and_then(|(_, time)| i64::from_str_radix(time, 16).ok());
    let young = made.is_some_and(|made| {
        (-SKEW_SECONDS..=TICKET_SECONDS).contains(&(core.clock.seconds() - made))
    });
    young && base64::engine::general_purpose::STANDARD.encode(expected) == signature
}

/// Returns the six digits of a second factor at a moment (RFC 6238 with SHA-1).
pub(in crate::simulator) fn one_time_code(secret: &[u8], seconds: i64) -> String {
    #[expect(clippy::expect_used, reason = "an HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("any key fits");
    mac.update(&(seconds.max(0) as u64 / STEP_SECONDS as u64).to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let start = usize::from(hash[hash.len() - 1] & 15);
    let number = u32::from_be_bytes([
        hash[start] & 127,
        hash[start + 1],
        hash[start + 2],
        hash[start + 3],
    ]);
    format!("{:06}", number % 1_000_000)
}

/// Tells whether a code is right now, or was one step ago or will be one step ahead.
pub(in crate::simulator) fn code_is_right(secret: &[u8], code: &str, seconds: i64) -> bool {
    [-STEP_SECONDS, 0, STEP_SECONDS]
        .iter()
        .any(|step| one_time_code(secret, seconds + step) == code)
}

/// Writes bytes in base 32, as authenticator apps want their secrets.
pub(in crate::simulator) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0; 5];
        block[..chunk.len()].copy_from_slice(chunk);
        let bits = block
            .iter()
            .fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in 0..(chunk.len() * 8).div_ceil(5) {
            text.push(LETTERS[(bits >> (35 - 5 * place)) as usize & 31] as char);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_standard() {
        // Test vector of RFC 6238, cut to six digits.
        assert_eq!(one_time_code(b"12345678901234567890", 59), "287082");
        assert_eq!(
            one_time_code(b"12345678901234567890", 1_111_111_109),
            "081804"
        );
        assert_eq!(
            base32(b"12345678901234567890"),
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        );
    }
}
