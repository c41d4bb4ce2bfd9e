//! Makes sure that a person wants what destroys or interrupts.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::complaint::{Interrupted, Refusal};
use super::interruptible;
use super::output::Output;
use crate::runtime::Ending;

/// Asks for a word to be typed, unless `--yes` said it already; without a terminal it is refused.
///
/// Neither a bare Enter nor `y` is an answer. Whoever ends the program instead is not waited for.
pub(super) async fn require(
    yes: bool,
    question: &str,
    word: &str,
    output: &Output,
    ending: &mut Ending,
) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = format!("{question}: nobody can be asked without a terminal");
        return Err(Refusal::new("NotConfirmed", message, "add --yes to do it").into());
    }
    output.note(format_args!("{question}. Type {word} to go on:"));
    // The reading cannot be ended; a program that leaves does not wait for it.
    let reading = tokio::task::spawn_blocking(read_line);
    let typed = interruptible(ending, async { Ok(reading.await??) }).await?;
    if typed.trim() == word {
        Ok(())
    } else {
        Err(Interrupted.into())
    }
}

fn read_line() -> io::Result<String> {
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    Ok(typed)
}
