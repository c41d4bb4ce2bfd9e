//! The steps of each change, run on the simulator: what they send, what they leave behind, and what they say about it.
//!
//! The world afterwards and the report must agree, whatever goes wrong on the way.
#![cfg(test)]

mod resolver;
mod snapshot;
mod stage;
mod trouble;
