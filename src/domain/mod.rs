//! Rules and values: what proxdeck knows about guests, snapshots, tasks and budgets.
//!
//! Nothing here reads a clock, a file or a socket; time comes in as an argument. Everything above
//! (client, operations, state, screen) speaks in these types, so a rule has exactly one home.

pub mod admission;
pub mod alert;
pub mod bracket;
pub mod chart;
pub mod console;
pub mod doctor;
pub mod enforcement;
pub mod failure;
pub mod fingerprint;
pub mod firewall;
pub mod forecast;
pub mod guest;
pub mod guest_config;
pub mod guest_name;
pub mod guest_status;
pub mod history;
pub mod id;
pub mod inventory;
pub mod json;
pub mod limits;
pub mod metrics;
pub mod network;
pub mod network_card;
pub mod node;
pub mod notification;
pub mod operation;
pub mod permission;
pub mod pins;
pub mod plan;
pub mod pool;
pub mod progress;
pub mod project;
pub mod quota;
pub mod rates;
pub mod request;
pub mod retention;
pub mod selection;
pub mod sign_in;
pub mod snapshot;
pub mod task;
pub mod template;
pub mod text;
pub mod throttle;
pub mod time;
pub mod token;
pub mod units;
pub mod usage;
pub mod volume;
