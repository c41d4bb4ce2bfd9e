//! Which snapshots may go, and why each of the others stays (SPEC §5.5).
//!
//! [`plan`] gives every snapshot exactly one row with a verdict and its reason. In doubt a snapshot
//! is kept: only what is clearly dated, unmarked and too old is ever proposed for deletion. Nothing
//! here deletes, reads a clock, or asks whether the guest is managed.

mod judge;
mod lineage;
mod plan;
mod policy;
mod reason;

pub use judge::{GuestSnapshots, judge, plan};
pub use lineage::credible_age;
pub use plan::{GuestDeletions, NotEditable, RetentionPlan, Row, Summary};
pub use policy::{Class, DAY, InvalidMark, Mark, OWN_MARK, Policy};
pub use reason::{Doubt, Group, Reason, Verdict};
