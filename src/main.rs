//! proxdeck.
fn main() {}
