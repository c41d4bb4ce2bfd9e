//! The configuration: from a file, the environment and flags to checked values.
//!
//! [`load`](load::load) is the one way in. It reads, merges and checks everything at once and reports every
//! mistake with its place and its cure; nothing here talks to a server, and no other part of the
//! program reads a variable of the environment.

pub mod account;
pub mod address;
pub mod alert_memory;
pub mod channel_memory;
pub mod connection;
mod document;
pub mod enforcement_memory;
pub mod environment;
pub mod error;
pub mod load;
pub mod new_file;
pub mod paths;
pub mod secrets;
pub mod settings;
pub mod starter;
pub mod state_file;
pub mod usage_ledger;
mod variables;
