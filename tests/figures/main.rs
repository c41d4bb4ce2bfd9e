//! What a large fleet may cost, counted and not timed: the same on every machine.

#[path = "../../benches/fleet.rs"]
mod fleet;
mod frames;
mod requests;
