//! The program's own log: a file a day in the state folder, for after something went wrong.
//!
//! Lines come from this program at the level asked for, from the libraries only as warnings: their
//! finer levels could show what was sent. Nothing is written to the terminal.

use std::io;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How many days of logs are kept.
const KEPT_FILES: usize = 7;
/// So many lines may wait for the disk; room is taken for all of them from the start.
const WAITING_LINES: usize = 4_096;

/// The words that set the level, for whoever wrote another one.
pub const LEVELS: &str = "off, error, warn, info, debug or trace";

/// Keeps the log open; dropping it writes out what is still on its way.
#[derive(Debug)]
pub struct Log {
    _worker: WorkerGuard,
}

/// Reads a level as `PROXDECK_LOG` gives it.
pub fn level(word: &str) -> Option<LevelFilter> {
    word.trim().parse().ok()
}

/// Opens the log in a folder that exists.
///
/// Fails when the folder cannot be written, or when the process has a log already.
pub fn start(folder: &Path, level: LevelFilter) -> io::Result<Log> {
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("proxdeck")
        .filename_suffix("log")
        .max_log_files(KEPT_FILES)
        .build(folder)
        .map_err(io::Error::other)?;
    // A full disk must not hold up a key press; lines that find no room are dropped.
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .finish(file);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false);
    let wanted = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    tracing_subscriber::registry()
        .with(wanted)
        .with(lines)
        .try_init()
        .map_err(io::Error::other)?;
    Ok(Log { _worker: worker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_word_and_nothing_else_is_taken_for_one() {
        assert_eq!(level("debug"), Some(LevelFilter::DEBUG));
        assert_eq!(level(" Off "), Some(LevelFilter::OFF));
        assert_eq!(level("hyper=trace"), None);
        assert_eq!(level("loud"), None);
    }
}
