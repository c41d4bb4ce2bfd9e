//! Resource pools as the server lists them.

use super::id::PoolName;
use super::text::Text;

/// A pool and what somebody wrote about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name; a nested one's with its parents'.
    pub name: PoolName,
    /// Its comment as sent, of any length and of several lines; absent where there is none.
    pub comment: Option<Text>,
}
