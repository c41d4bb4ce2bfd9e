//! What tasks do to guests, step by step, with the log lines and the locks of the real server.
//!
//! Refuses to answer requests; `routes` does.

pub(super) mod copy;
pub(super) mod existence;
pub(super) mod power;
pub(super) mod snapshot;
