//! A client for Proxmox VE.
//!
//! It speaks the server's real dialect: reason phrases instead of bodies, numbers as strings,
//! 500 for everything (`API.md`). A [`Client`] is a cheap clone over one connection pool and one
//! session; every call returns domain values or an [`Error`] with a kind and the server's words.
//! Reads are repeated when a connection breaks, and go on at the cluster's next server; writes never
//! are, unless they certainly were not sent.
//!
//! ```
//! use proxdeck::proxmox::{Client, Connection, Credentials, Trust};
//! use proxdeck::simulator::{Options, Scenario, Simulator};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let server = Simulator::start(Options::new(Scenario::small())).await?;
//! let accounts = server.accounts();
//! let client = Client::new(Connection {
//!     endpoints: vec![server.url()],
//!     trust: Trust::Pins(vec![server.fingerprint().parse()?]),
//!     credentials: Credentials::Token { id: accounts.token_id.clone(), secret: accounts.token_secret.clone().into() },
//! })?;
//! let resources = client.cluster().resources().await?;
//! assert!(!resources.guests.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod auth;
mod breaker;
mod client;
mod convert;
mod convert_access;
mod convert_firewall;
mod convert_metrics;
mod convert_nodes;
pub mod endpoints;
mod error;
mod meter;
mod room;
mod second_factor;
mod session;
mod tls;
mod transport;
mod wire;

pub use auth::Credentials;
pub use client::{Client, Connection, Tuning};
pub use convert::ResourceRows;
pub use error::{Error, kind_of_task_end};
pub use meter::{Cost, Tally};
pub use tls::Trust;

pub use crate::domain::fingerprint::{Fingerprint, InvalidFingerprint};
