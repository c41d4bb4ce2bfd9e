//! People are told over real sockets and by real programs: servers that fail, hang or know better, programs that misbehave.
//!
//! It refuses to look into the deliverer: what arrived is read from the other end.
#![cfg(test)]

#[cfg(unix)]
mod commands;
mod house;
mod lists;
mod server;
mod webhooks;
