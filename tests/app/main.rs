//! The state as a function: events in, state and effects out, with no server and no terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on panics, and looks for one kind of effect among all"
)]

mod alerts;
mod all_snapshots;
mod bracketing;
mod creating;
mod destroying;
mod detail;
mod dialogs;
mod half_made;
mod index;
mod marked;
mod networks;
mod privileges;
mod pruning;
mod random;
mod reading;
mod resting;
mod rolling_back;
mod signing_in;
mod switching;
mod throttled;
mod unread;
mod watching;
mod words;
mod world;
