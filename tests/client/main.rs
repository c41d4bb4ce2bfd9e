//! The public client as somebody else's program would use it, against the simulator over TLS and against servers that misbehave.
//!
//! What a pitfall of the API asks of a client is a test named after it. It refuses to look into the client: what
//! was sent is read from the other end.
#![cfg(test)]

mod certificates;
mod connections;
mod errors;
mod failover;
mod firewalls;
mod house;
mod metrics;
mod requests;
mod second_factor;
mod secrets;
mod signing_in;
mod silent_nodes;
mod teller;
mod upkeep;
