//! Speaks to the simulator over TLS as a stranger would and asserts what the recordings of a real server show.
//!
//! Refuses to look inside it except where a test prepares a world.

mod clones;
mod configs;
mod demo;
mod faults;
mod power;
mod rollback;
mod snapshots;
mod stranger;
mod tickets;
mod tokens;
mod watching;
mod wire;
