//! Frames as a terminal of a certain size shows them, compared with reviewed pictures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod brackets;
mod destroying;
mod detail;
mod paper;
