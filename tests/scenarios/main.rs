//! Key scripts through the true loop, against the simulator, with the screen read as text.
//!
//! Nothing is faked but the terminal: keys go in as the terminal would report them, the client
//! speaks TLS to a simulator, and what a person would see is waited for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on says so by panicking, and its tasks end with it"
)]

mod alerts;
mod all_snapshots;
mod brackets;
mod changes;
mod clocks;
mod console;
mod creating;
mod enforcing;
mod filtering;
mod harness;
mod networks;
mod pruning;
mod refreshing;
mod rights;
mod signing_in;
mod snapshots;
mod switching;
