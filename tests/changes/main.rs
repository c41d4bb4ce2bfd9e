//! Every operation on the simulator: what is sent, what the world is afterwards, what is reported
//! and what is written down, without faults and with one at every request.

#![expect(
    clippy::unwrap_used,
    reason = "a stage that cannot be set up is a failed test"
)]

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
mod pruning;
mod rolling_back;
mod sampling;
mod schedules;
mod snapshots;
mod throttled;
