//! Which snapshots may go, and why each of the others stays (SPEC §5.5).
//!
//! [`plan`] gives every snapshot exactly one row with a verdict and its reason. In doubt a snapshot
//! is kept: only what is clearly dated, unmarked and too old is ever proposed for deletion. A plan can
//! be written as a [`PlanDocument`], read back as a [`PlanFile`] and applied to what is there then.
//! Nothing here deletes, reads a clock or a file, or decides which guests are managed.

mod differences;
mod document;
mod judge;
mod lineage;
mod plan;
mod plan_file;
mod policy;
mod reason;

pub use differences::{Changed, Difference};
pub use document::{PLAN_SCHEMA, PlanDocument};
pub use judge::{GuestSnapshots, judge, plan};
pub use lineage::credible_age;
pub use plan::{GuestDeletions, NotEditable, RetentionPlan, Row, Summary};
pub use plan_file::{GuestNow, NotAPlan, PlanFile};
pub use policy::{Class, DAY, InvalidMark, Mark, OWN_MARK, Policy};
pub use reason::{Doubt, Group, Reason, Verdict};
