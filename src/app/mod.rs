//! What the dashboard knows and decides: events go in, a new state and effects come out.
//!
//! Nothing here waits, draws or speaks to a server. [`State::update`] is a plain function of the
//! state, an [`Event`] and the time; the runtime performs the [`Effect`]s that it returns.

pub mod action;
pub mod alerts;
mod all_snapshots;
pub mod availability;
mod background;
mod brackets;
pub mod catalogue;
pub mod census;
mod changes;
pub mod detail;
pub mod dialogs;
pub mod disk_sizes;
pub mod effect;
mod enforcing;
pub mod event;
mod export;
pub mod filter;
pub mod guests;
pub mod heaviest;
pub mod jobs;
pub mod keymap;
mod keys;
pub mod lacking;
pub mod limit_watch;
pub mod networks;
pub mod nodes;
mod outcomes;
mod privileges;
pub mod profiles;
pub mod projects;
pub mod reading_queue;
pub mod readings;
pub mod remote;
mod resting;
mod signing_in;
pub mod snapshot_debt;
pub mod snapshot_filter;
pub mod snapshot_lists;
pub mod snapshot_table;
pub mod snapshots;
pub mod state;
pub mod switching;
pub mod tasks;
pub mod throttles;
pub mod toasts;
mod update;
pub mod usage;

pub use action::Action;
pub use effect::{Answer, Effect, Query, Ticket};
pub use event::{Event, Spent};
pub use state::State;
