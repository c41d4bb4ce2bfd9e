//! Makes sure that a person wants what destroys or interrupts.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::complaint::{Interrupted, Refusal};
use super::interruptible;
use super::output::Output;
use crate::domain::operation::Operation;
use crate::runtime::Ending;

/// What must be typed where guests run without their fence for a moment.
const UNFENCED: &str = "unfenced";

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
    ask(question, word, "add --yes to do it", output, ending).await
}

/// Asks whether guests may run without their fence for a moment, unless `--unfenced` said it already.
///
/// Whoever said yes to the loss of the present has not said yes to this (SPEC §5.4).
pub(super) async fn require_unfenced(
    unfenced: bool,
    operation: &Operation,
    output: &Output,
    ending: &mut Ending,
) -> anyhow::Result<()> {
    let guests = operation.resume_unfenced();
    if unfenced || guests.is_empty() {
        return Ok(());
    }
    let guests: Vec<String> = guests.into_iter().map(ToString::to_string).collect();
    let question = format!(
        "{}: the memory resumes at once, without a fence",
        guests.join(", ")
    );
    ask(
        &question,
        UNFENCED,
        "add --unfenced to allow it",
        output,
        ending,
    )
    .await
}

/// Asks for a word to be typed; without a terminal it is refused with what says the same.
async fn ask(
    question: &str,
    word: &str,
    advice: &str,
    output: &Output,
    ending: &mut Ending,
) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = format!("{question}: nobody can be asked without a terminal");
        return Err(Refusal::new("NotConfirmed", message, advice).into());
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
