//! Brackets on screen: the list of them, and the forms that take, restore and drop one.

mod create;
mod drop;
mod list;
mod restore;
mod wanted;

pub(super) use create::CreateBracketPurpose;
pub(super) use drop::DropBracketPurpose;
pub use list::{BracketVerb, BracketsDialog};
pub(super) use restore::RestoreBracketPurpose;
use wanted::WantedLists;
