//! What fences a guest in as it is, by what its own firewall says.

use super::plan::Warning;
use super::way_back::WayBack;

/// What fences a guest in, and what does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Reality {
    /// The profile, and whether the guest is as it says.
    pub fence: Fence,
    /// The cards whose traffic passes no firewall; a guest with one is not fenced.
    pub open_cards: Vec<String>,
    /// Which switches are off, and what else makes the fence worth less.
    pub warnings: Vec<Warning>,
    /// A trial that is under way or was left behind.
    pub way_back: Option<WayBack>,
}

/// The profile that a guest's rules name, and whether the guest is as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fence {
    /// No rule is ours.
    None,
    /// The guest is as this profile says, but for the addresses of names.
    Kept(String),
    /// The guest was fenced by this profile and differs from it now, in each of these.
    Drifted {
        /// The profile.
        profile: String,
        /// What differs, a few words each.
        differences: Vec<String>,
    },
    /// Its rules name a profile that the config does not have, or several.
    Strange(Vec<String>),
    /// It cannot be said, for this reason.
    Unknown(String),
}
