//! What guests and projects use over a window, from the server's history (SPEC §5.7).
//!
//! The way of a figure: a [`Period`] says from when until when is counted, [`next_frame`] which
//! history must be read for it, [`integrate`] adds it up, an [`Account`] says how sure that is, and
//! [`project_use`] sums accounts, disks ([`storage_use`]) and guests that are gone ([`Ledger`]) for
//! [`super::quota::assess`]. [`project_ahead`] looks to the end of the window. [`UsageReadings`] does
//! the latter half for all projects at once. Nothing here reads a server, a clock or a file.

mod account;
mod frames;
mod integral;
mod ledger;
mod ledger_document;
mod project;
mod projection;
mod readings;
mod standing;
mod storage;
mod window;
mod zone;

pub use account::{Account, Identity, Origin};
pub use frames::{MOST_READS, next_frame};
pub use integral::{Integral, Measured, integrate};
pub use ledger::{GoneGuest, Ledger, Living};
pub use project::{Coverage, Member, ProjectUse, project_use};
pub use projection::{Projection, project_ahead};
pub use readings::{LedgerEntry, UsageReadings};
pub use standing::ProjectStanding;
pub use storage::{
    ContentList, StorageContents, StorageUse, Unread, content_lists, hidden_owners, storage_use,
};
pub use window::Period;
pub use zone::Zone;

/// Where the figures of use come from: the config's `[quota] accounting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accounting {
    /// From the averages that the server keeps, over the window.
    #[default]
    History,
    /// From what each guest has used since it was started.
    SinceBoot,
}

impl Accounting {
    /// Returns the word of the config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::SinceBoot => "since-boot",
        }
    }
}
