//! Speaks to the simulator over TLS as a stranger would and asserts what the recordings of a real server show.
//!
//! Refuses to look inside it except where a test prepares a world.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a failed assumption is a failed test"
)]

mod clones;
mod configs;
mod demo;
mod destroying;
mod faults;
mod firewalls;
mod power;
mod rights;
mod rollback;
mod snapshots;
mod stranger;
mod tickets;
mod tokens;
mod upkeep;
mod watching;
mod wire;
