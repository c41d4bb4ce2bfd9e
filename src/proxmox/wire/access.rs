//! Users, their tokens, and pools, as sent.

use serde::Deserialize;

use super::lenient::{Rows, list, scalar};

/// A row of `/access/users`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) userid: Option<String>,
    /// Sent only to those who ask for everything, and `null` where there are none.
    #[serde(default, deserialize_with = "list")]
    pub(crate) tokens: Option<Rows<TokenRow>>,
}

/// A token of a user.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) tokenid: Option<String>,
    /// Seconds since 1970; 0 is never.
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) expire: Option<u64>,
}

/// A pool: a row of `/pools`, or the answer of the older `/pools/POOL`, which does not repeat the name.
#[derive(Debug, Deserialize)]
pub(crate) struct PoolRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) poolid: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) comment: Option<String>,
}
