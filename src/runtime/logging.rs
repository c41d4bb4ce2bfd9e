//! The program's own log: a file a day in the state folder, for after something went wrong.
//!
//! Lines come from this program at the level asked for, from the libraries only as warnings: their
//! finer levels could show what was sent. Nothing is written to the terminal. A line that finds no room on the disk is
//! lost, and that some are is told once.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

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

/// Why lines are lost, until somebody was told; there is one log in a process.
static LOST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps the log open; dropping it writes out what is still on its way.
#[derive(Debug)]
pub struct Log {
    _worker: WorkerGuard,
}

/// Reads a level as `PROXDECK_LOG` gives it.
pub fn level(word: &str) -> Option<LevelFilter> {
    word.trim().parse().ok()
}

/// Returns why lines of the log are lost, once.
pub fn lost() -> Option<String> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Writes lines, and notes why the first could not be written after one that could.
#[derive(Debug)]
struct Noting<W> {
    file: W,
    fails: bool,
}

impl<W: Write> Noting<W> {
    fn note<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &written {
            if !self.fails {
                let reason = format!("lines of the log are lost: {error}");
                *LOST.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
            }
            self.fails = true;
        } else {
            self.fails = false;
        }
        written
    }
}

impl<W: Write> Write for Noting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = self.file.write(line);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
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
        .finish(Noting { file, fails: false });
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

    /// A disk that is full for some writes.
    struct Full(std::ops::Range<usize>, usize);

    impl Write for Full {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.0.contains(&self.1) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn that_lines_are_lost_is_told_once_for_each_time_the_disk_fills_up() {
        let mut log = Noting {
            file: Full(2..5, 0),
            fails: false,
        };
        let told = [(); 6].map(|()| {
            let _ = log.write(b"a line\n");
            lost().is_some()
        });
        assert_eq!(told, [false, true, false, false, false, false]);
        log.file = Full(0..9, 0);
        let _ = log.write(b"a line\n");
        assert!(lost().unwrap().starts_with("lines of the log are lost: "));
    }
}
