//! The state as a function: events in, state and effects out, with no server and no terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on panics, and looks for one kind of effect among all"
)]

mod bracketing;
mod destroying;
mod detail;
mod dialogs;
mod privileges;
mod pruning;
mod random;
mod reading;
mod rolling_back;
mod watching;
mod world;
