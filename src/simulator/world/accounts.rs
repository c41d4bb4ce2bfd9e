//! The logins of a world, all from its seed: an operator, tokens, a second factor.
//!
//! Refuses to be secret: whoever knows the seed knows them.

use super::access::{ADMINISTRATOR, Access, Token, User, set};
use crate::simulator::load::scramble;
use crate::simulator::scenario::SecondFactorScenario;

/// What the accounts of a world are protected with, all from its seed.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Secrets {
    pub(in crate::simulator) password: String,
    pub(in crate::simulator) token: String,
    pub(in crate::simulator) limited_token: String,
    pub(in crate::simulator) second_factor_password: String,
    pub(in crate::simulator) totp: Vec<u8>,
    pub(in crate::simulator) recovery: Vec<String>,
    pub(in crate::simulator) signing_key: [u8; 32],
}

impl Secrets {
    /// Makes the secrets of a seed, with so many recovery keys.
    pub(in crate::simulator) fn from_seed(seed: u64, recovery_keys: usize) -> Self {
        let number = |salt: u64| scramble(scramble(seed) ^ scramble(salt));
        let bytes = |salt: u64| {
            let mut bytes = [0; 32];
            for (index, chunk) in (0u64..).zip(bytes.chunks_mut(8)) {
                chunk.copy_from_slice(&number(salt * 16 + index).to_be_bytes());
            }
            bytes
        };
        Self {
            password: format!("Deck-{:08x}", number(1) as u32),
            token: uuid(number(2), number(3)),
            limited_token: uuid(number(4), number(5)),
            second_factor_password: format!("Tfa-{:08x}", number(6) as u32),
            totp: bytes(7)[..20].to_vec(),
            // Four groups of four hexadecimal digits, as the real server makes them.
            recovery: (0..recovery_keys as u64)
                .map(|index| {
                    let digits = format!("{:016x}", number(1000 + index));
                    [0, 4, 8, 12].map(|at| &digits[at..at + 4]).join("-")
                })
                .collect(),
            signing_key: bytes(8),
        }
    }
}

/// Returns an identifier in the form of a UUID.
pub(super) fn uuid(high: u64, low: u64) -> String {
    let digits = format!("{high:016x}{low:016x}");
    format!(
        "{}-{}-4{}-a{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[13..16],
        &digits[17..20],
        &digits[20..]
    )
}

/// Everything but privileges that take a snapshot or touch a network.
fn limited_privileges() -> std::collections::BTreeSet<String> {
    let mut privileges = set(ADMINISTRATOR);
    for name in [
        "VM.Snapshot",
        "VM.Snapshot.Rollback",
        "SDN.Use",
        "Permissions.Modify",
        "Sys.Modify",
    ] {
        privileges.remove(name);
    }
    privileges
}

/// Makes the logins and grants them their roles; the operator's token ends at a moment, or never at 0.
pub(super) fn access(
    secrets: &Secrets,
    token_expires: i64,
    second_factor: &SecondFactorScenario,
) -> Access {
    let mut access = Access::with_special_roles();
    let user = |password: &str, comment: &str| User {
        password: password.to_owned(),
        enabled: true,
        comment: (!comment.is_empty()).then(|| comment.to_owned()),
        ..User::default()
    };
    let token = |secret: &str, separated, expires| Token {
        secret: secret.to_owned(),
        separated,
        expires,
        comment: None,
    };
    let mut hub = user(&secrets.password, "operators");
    hub.tokens
        .insert("deck".into(), token(&secrets.token, false, token_expires));
    hub.tokens
        .insert("watch".into(), token(&secrets.limited_token, true, 0));
    let mut oncall = user(&secrets.second_factor_password, "");
    oncall.totp = second_factor.totp.then(|| secrets.totp.clone());
    oncall.recovery = secrets.recovery.iter().cloned().enumerate().collect();
    oncall.security_key = second_factor.security_key;
    access.users.insert("hub@pve".into(), hub);
    access.users.insert("oncall@pve".into(), oncall);
    access
        .users
        .insert("root@pam".into(), user(&secrets.password, ""));
    access.users.insert(
        "retired@pve".into(),
        User {
            enabled: false,
            ..user(&secrets.password, "")
        },
    );
    access.add_role("DeckWatch", limited_privileges());
    access.grant("/", "hub@pve", "Administrator", true);
    access.grant("/", "hub@pve!watch", "DeckWatch", true);
    access.grant("/", "oncall@pve", "Administrator", true);
    access
}
