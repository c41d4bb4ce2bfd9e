//! Figures that every run of the tests shows.

use std::io::Write as _;

/// Writes a line past the capture of the tests' output: what `println` prints is shown of failed tests only.
pub(crate) fn tell(line: &str) {
    // Nobody misses a figure whose reader is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
