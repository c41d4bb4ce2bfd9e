//! Every operation on the simulator: what is sent, what the world is afterwards, what is reported
//! and what is written down, without faults and with one at every request.

#![expect(
    clippy::unwrap_used,
    reason = "a stage that cannot be set up is a failed test"
)]

#[path = "../counts/mod.rs"]
mod counts;
#[expect(
    dead_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "the scenarios ask more of a dashboard, whose tasks end with the test"
)]
#[path = "../scenarios/harness.rs"]
mod harness;
mod stage;
mod strangers;

mod bracketing;
mod creating;
mod creating_faults;
mod creating_together;
mod destroying;
mod enforcing;
mod faults;
mod logs;
mod making;
mod marking;
mod networking;
mod powering;
mod promises;
mod pruning;
mod rolling_back;
mod sampling;
mod schedules;
mod snapshots;
mod throttled;
