//! Makes sure that a person wants what destroys or interrupts.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::complaint::{Interrupted, Refusal};
use super::output::Output;

/// Asks for a word to be typed, unless `--yes` said it already; without a terminal it is refused.
///
/// Neither a bare Enter nor `y` is an answer.
pub(super) fn require(
    yes: bool,
    question: &str,
    word: &str,
    output: &Output,
) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = format!("{question}: nobody can be asked without a terminal");
        return Err(Refusal::new("NotConfirmed", message, "add --yes to do it").into());
    }
    output.note(format_args!("{question}. Type {word} to go on:"));
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    if typed.trim() == word {
        Ok(())
    } else {
        Err(Interrupted.into())
    }
}
