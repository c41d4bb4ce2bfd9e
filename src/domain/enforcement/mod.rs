//! What is done about projects over their budgets: the plan, and whether it may act alone (SPEC §5.8).
//!
//! [`plan`] holds how each project stands against the throttle that its pool's comment holds, and
//! names the steps from the one to the other. Because the throttle remembers the tier that people
//! were last told, a plan that was carried out completely leaves none. [`may_act_alone`] decides
//! about plans that nobody looked at. Nothing here reads a server, a clock or a file.

mod alone;
mod case;
mod critical;
mod guests;
mod make;
mod steps;

pub use alone::{Sighting, may_act_alone, next_sighting};
pub use case::{EnforcementRules, Member, ProjectCase};
pub use critical::CriticalTags;
pub use make::plan;
pub use steps::{
    Action, EnforcementPlan, LeftAlone, ProjectPlan, Shutdown, SnapshotFirst, Step, Why,
};
