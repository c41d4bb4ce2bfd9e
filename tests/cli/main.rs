//! The command line as a person and a script meet it: the real binary against a real server.

#![expect(
    clippy::unwrap_used,
    reason = "what a test prepares must succeed, in its helpers too"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test waits for another process by the clock, and reads its terminal in a thread"
)]

mod agreement;
mod brackets;
mod budgets;
mod changes;
mod checking;
mod config;
mod creating;
mod demo;
mod destroying;
mod doctoring;
mod documents;
#[cfg(unix)]
mod enforcing;
#[cfg(unix)]
mod enforcing_alone;
#[cfg(unix)]
mod interruptions;
mod logs;
mod networks;
mod plans;
mod readme;
mod refusals;
#[cfg(unix)]
mod runaway;
#[cfg(unix)]
mod session;
mod simulate;
mod snapshots;
mod strangers;
mod streams;
#[cfg(unix)]
mod terminal;
mod throttled;
#[cfg(unix)]
mod trials;
mod world;
