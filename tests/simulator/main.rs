//! Speaks to the simulator over TLS as a stranger would and asserts what the recordings of a real server show.
//!
//! Refuses to look inside it except where a test prepares a world.

mod demo;
mod snapshots;
mod stranger;
mod tokens;
mod watching;
