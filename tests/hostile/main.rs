//! Bounded runs of hostile input: whatever reads bytes of strangers neither panics nor hangs, and what it shows of them
//! moves no cursor.
//!
//! The number of inputs is printed in every run. The same functions stand behind the fuzz targets in `fuzz`, which look longer; what
//! they find becomes a case here. It refuses to be random: each run sees the same inputs, and `PROXDECK_SEED` others.
#![cfg(test)]

mod answers;
#[expect(
    dead_code,
    reason = "the contract holds each call against more than its answer"
)]
#[path = "../contract/calls.rs"]
mod calls;
#[cfg(unix)]
mod commands;
mod dashboard;
mod entries;
#[expect(
    dead_code,
    clippy::disallowed_methods,
    reason = "the scenarios ask more of a dashboard, whose tasks end with the test"
)]
#[path = "../scenarios/harness.rs"]
mod harness;
mod inputs;
#[expect(
    dead_code,
    reason = "the tests of the client make it misbehave; here it only says what it is given"
)]
#[path = "../client/teller.rs"]
mod teller;
mod told;

use std::io::Write as _;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use entries::{ENTRIES, Entry};
use inputs::{Numbers, hostile, huge};

/// Says how much was tried, past the capture of a test's output, so that every run tells.
pub(crate) fn tell(what: std::fmt::Arguments<'_>) {
    writeln!(std::io::stderr(), "{what}").unwrap();
}

/// Machines are slow and shared; whoever is no nearer to an end after so long hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// Which inputs are made: whoever looks for more than the usual ones names another number.
pub(crate) fn seed() -> u64 {
    let wished = std::env::vars_os().find(|(name, _)| name == "PROXDECK_SEED");
    wished.map_or(1, |(_, seed)| seed.to_str().unwrap().parse().unwrap())
}

/// How many inputs an entry is given beside the huge ones; a config is a long text.
fn share(entry: &Entry) -> usize {
    if entry.name == "config" { 250 } else { 3000 }
}

/// Gives an entry all its inputs; names the one that it panics at or never returns from.
fn put_to(entry: &'static Entry) -> Result<usize, String> {
    let present = Arc::new(Mutex::new(Vec::new()));
    let (ended, ends) = mpsc::channel();
    let at_work = Arc::clone(&present);
    let work = thread::Builder::new().spawn(move || {
        let mut numbers = Numbers::new(0x0DEC_0DE5 ^ seed());
        let honest = entry.honest.iter().map(|text| text.as_bytes().to_vec());
        let made = (0..share(entry)).map(|_| hostile(entry.honest, &mut numbers));
        let mut count = 0;
        for input in honest.chain(huge()).chain(made) {
            at_work.lock().unwrap().clone_from(&input);
            (entry.takes)(&input);
            count += 1;
        }
        let _ = ended.send(());
        count
    });
    let said = ends.recv_timeout(DEADLINE);
    let input = || {
        let bytes = present.lock().unwrap();
        let shown: String = String::from_utf8_lossy(&bytes).chars().take(2000).collect();
        format!("{} of {} bytes: {shown:?}", entry.name, bytes.len())
    };
    if said == Err(mpsc::RecvTimeoutError::Timeout) {
        return Err(format!("hangs at {}", input()));
    }
    let count = work.unwrap().join();
    count.map_err(|_| format!("panicked at {}", input()))
}

#[test]
fn hostile_texts_are_read_or_refused_and_shown_clean() {
    let mut all = 0;
    let mut complaints = Vec::new();
    for entry in &ENTRIES {
        match put_to(entry) {
            Ok(count) => {
                tell(format_args!("{:10} {count:6} inputs", entry.name));
                all += count;
            }
            Err(complaint) => complaints.push(complaint),
        }
    }
    tell(format_args!("{all} hostile texts"));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
