//! The state as a function: events in, state and effects out, with no server and no terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod detail;
mod dialogs;
mod random;
mod watching;
mod world;
