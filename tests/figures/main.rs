//! What a large fleet may cost, counted and not timed: the same on every machine.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on panics, and looks for some kinds of question among all"
)]

mod days;
#[path = "../../benches/fleet.rs"]
mod fleet;
mod frames;
mod requests;
