//! The one place that touches the world: terminal, clocks, tasks, signals.
//!
//! It turns what happens into [`Event`](crate::app::Event)s, hands them to the state, performs the
//! effects, and draws. It decides nothing.

pub mod cadence;
mod clipboard;
mod clock;
mod clusters;
mod event_loop;
mod input;
pub mod logging;
mod painter;
pub mod panics;
mod perform;
mod questions;
mod refresh;
mod remembered;
mod signals;
mod terminal;

pub use clock::Clock;
pub use clusters::Clusters;
pub use event_loop::{Dashboard, drive, run};
pub use questions::answer;
pub use remembered::Remembered;
pub(crate) use signals::{Ending, let_writes_fail};
pub use terminal::{Surface, Terminal};
