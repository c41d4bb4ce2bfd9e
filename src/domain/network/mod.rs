//! Network profiles: what they say, what they change about a guest, and what would pass.
//!
//! Everything here is decided from what was read: a profile, the addresses of its names, a guest's
//! cards and firewall, the datacenter's firewall. Nothing is resolved, read or written here.

mod action;
mod arrange;
mod current;
mod draft;
mod fit;
mod foresight;
mod goal;
mod host;
mod macros;
mod mark;
mod passage;
mod plan;
mod planning;
mod profile;
mod reality;
mod record;
mod resolved;
mod sets;
mod warnings;
mod way_back;

pub(in crate::domain) use action::CARD;
pub use action::{Action, OptionsChange, Setting};
pub use current::Current;
pub use foresight::{Foreseen, calls, own_profile};
pub use host::{Cidr, InvalidCidr, is_host_name, parse_port};
pub use mark::profile_of_rule;
pub use passage::{Packet, Passage, Protocol, Verdict, Way, passage};
pub use plan::{Change, Deed, ForeignRule, NetworkPlan, Role, Warning};
pub use planning::{keep, plan, plan_trial, put_back};
pub use profile::{Bridge, Destination, Hosts, InvalidProfile, NetworkProfile};
pub use reality::{Fence, Reality};
pub use resolved::Resolved;
pub use way_back::WayBack;
