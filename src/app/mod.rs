//! What the dashboard knows and decides: events go in, a new state and effects come out.
//!
//! Nothing here waits, draws or speaks to a server. [`State::update`] is a plain function of the
//! state, an [`Event`] and the time; the runtime performs the [`Effect`]s that it returns.

pub mod action;
pub mod availability;
mod brackets;
pub mod catalogue;
mod changes;
pub mod detail;
pub mod dialogs;
pub mod effect;
pub mod event;
pub mod filter;
pub mod guests;
pub mod jobs;
pub mod keymap;
mod keys;
pub mod nodes;
mod outcomes;
mod privileges;
pub mod remote;
pub mod snapshots;
pub mod state;
pub mod tasks;
pub mod toasts;
mod update;
pub mod verdicts;

pub use action::Action;
pub use effect::{Answer, Effect, Query, Ticket};
pub use event::Event;
pub use state::State;
