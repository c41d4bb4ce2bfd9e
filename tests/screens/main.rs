//! Frames as a terminal of a certain size shows them, compared with reviewed pictures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on says so by panicking, and looks for one kind among all"
)]

mod alerts;
mod all_snapshots;
mod brackets;
mod console;
mod creating;
mod destroying;
mod detail;
mod dialogs;
mod enforcing;
mod guests;
mod header;
mod networks;
mod paper;
mod pins;
mod plain;
mod projects;
mod prune;
mod signing_in;
mod sizes;
mod switching;
mod world;
