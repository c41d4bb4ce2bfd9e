//! People are told over real sockets and by real programs: servers that fail, hang or know better, programs that misbehave.
//!
//! It refuses to look into the deliverer: what arrived is read from the other end.
#![cfg(test)]
#![expect(
    clippy::unwrap_used,
    reason = "what a test prepares must succeed, in its helpers too"
)]

#[cfg(unix)]
mod commands;
mod house;
mod lists;
mod server;
mod webhooks;
