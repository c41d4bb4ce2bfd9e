//! What tasks do to guests, step by step, with the log lines and the locks of the real server.
//!
//! Refuses to answer requests; `routes` does.

pub(super) mod snapshot;
