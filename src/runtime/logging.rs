//! The program's own log: a file a day in the state folder, for after something went wrong.
//!
//! Lines come from this program at the level asked for, from the libraries only as warnings: their
//! finer levels could show what was sent. Nothing is written to the terminal. A line that finds no room on the disk is
//! lost, and that some are is told once.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::clock::Clock;

/// What the files are called, around their date.
const PREFIX: &str = "proxdeck.";
const SUFFIX: &str = ".log";
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

/// A file a day; where the next one cannot be made, lines are lost and nothing is printed.
#[derive(Debug)]
struct Daily<F> {
    folder: PathBuf,
    day: NaiveDate,
    file: File,
    today: F,
}

impl<F: Fn() -> NaiveDate> Daily<F> {
    /// Opens the file of today, and lets go of those that are older than is kept.
    fn open(folder: &Path, today: F) -> io::Result<Self> {
        let day = today();
        let file = open(folder, day)?;
        forget_old(folder);
        Ok(Self {
            folder: folder.to_owned(),
            day,
            file,
            today,
        })
    }
}

impl<F: Fn() -> NaiveDate> Write for Daily<F> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let day = (self.today)();
        if day != self.day {
            self.file = open(&self.folder, day)?;
            self.day = day;
            forget_old(&self.folder);
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open(folder: &Path, day: NaiveDate) -> io::Result<File> {
    let name = format!("{PREFIX}{}{SUFFIX}", day.format("%Y-%m-%d"));
    let mut options = OpenOptions::new();
    options.append(true).create(true).open(folder.join(name))
}

/// Removes all but the newest files; what cannot be removed stays.
fn forget_old(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    // With the date in the name, the order of names is that of days.
    let mut logs: Vec<String> = names
        .filter(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
        .collect();
    logs.sort_unstable();
    let old = logs.len().saturating_sub(KEPT_FILES);
    for name in &logs[..old] {
        let _ = std::fs::remove_file(folder.join(name));
    }
}

/// Opens the log in a folder that exists.
///
/// Fails when the folder cannot be written, or when the process has a log already.
pub fn start(folder: &Path, level: LevelFilter) -> io::Result<Log> {
    let clock = Clock::start();
    let file = Daily::open(folder, move || clock.now().wall.date_naive())?;
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

    #[test]
    fn there_is_a_file_a_day_for_a_week_and_a_day_without_room_costs_its_lines_alone() {
        let folder = tempfile::tempdir().unwrap();
        let day = |number| NaiveDate::from_ymd_opt(2026, 11, number).unwrap();
        let date = std::cell::Cell::new(day(10));
        let mut log = Daily::open(folder.path(), || date.get()).unwrap();
        for number in 10..20 {
            date.set(day(number));
            // A folder in its place keeps the file of one day from being made.
            if number == 18 {
                std::fs::create_dir(folder.path().join("proxdeck.2026-11-18.log")).unwrap();
                assert!(log.write(b"lost\n").is_err());
                std::fs::remove_dir(folder.path().join("proxdeck.2026-11-18.log")).unwrap();
            }
            log.write_all(b"a line\n").unwrap();
        }
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = (13..20).map(|number| format!("proxdeck.2026-11-{number}.log"));
        assert_eq!(names, expected.collect::<Vec<_>>());
        let text = std::fs::read_to_string(folder.path().join(&names[5])).unwrap();
        assert_eq!(text, "a line\n");
    }
}
