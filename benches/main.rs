//! What things cost: `cargo bench`, or `cargo bench -- decode` for some of it.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a measurement that cannot go on says so by panicking"
)]

mod decode;
mod draw;
mod fleet;
mod refresh;
mod retention;
mod usage;

fn main() {
    divan::main();
}
