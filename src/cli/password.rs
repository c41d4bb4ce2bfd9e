//! Asks a person at the terminal for a password or a second factor.

use std::io::{self, IsTerminal as _, Write as _};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::complaint::{Interrupted, Refusal};
use crate::domain::sign_in::{Challenge, SecondFactor, Secret};

/// Tells whether anybody can be asked.
pub(super) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for the password of an account; without a terminal nobody can be asked.
pub(super) async fn ask(account: &str) -> anyhow::Result<Secret> {
    if !somebody_is_there() {
        return Err(Refusal::new(
            "Config",
            format!("the password of {account} is not configured, and nobody can be asked for it"),
            "write password_file or password_command into the config, set PROXDECK_PASSWORD, \
             or better use an API token",
        )
        .into());
    }
    question(format!("password of {account}: "), Echo::Nothing).await
}

/// Asks for a second factor: first for its kind where there is a choice, then for itself.
pub(super) async fn ask_second_factor(
    account: &str,
    challenge: &Challenge,
) -> anyhow::Result<(SecondFactor, Secret)> {
    if let Some(regret) = challenge.regret() {
        writeln!(io::stderr(), "proxdeck: {regret}")?;
    }
    let methods = challenge.methods();
    let method = if let [only] = methods.as_slice() {
        *only
    } else {
        let text = format!("second factor of {account}: 1 code, 2 recovery key [1]: ");
        let chosen = question(text, Echo::All).await?;
        match chosen.expose().trim() {
            "2" => SecondFactor::Recovery,
            _ => SecondFactor::Totp,
        }
    };
    let left = match (method, challenge.recovery) {
        (SecondFactor::Recovery, Some(left)) if left <= 3 => format!(" ({left} left)"),
        _ => String::new(),
    };
    // A code is over in half a minute, and has to be read off another screen; a key is like a password.
    let echo = match method {
        SecondFactor::Totp => Echo::All,
        SecondFactor::Recovery => Echo::Nothing,
    };
    let text = format!("{} of {account}{left}: ", method.as_str());
    Ok((method, question(text, echo).await?))
}

/// What is shown of what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    Nothing,
    All,
}

async fn question(text: String, echo: Echo) -> anyhow::Result<Secret> {
    // Before the question: whoever answers at once would see the password on the screen. And here,
    // not where the keys are read: whoever no longer waits for them gives the terminal back.
    let _raw = RawInput::begin()?;
    write!(io::stderr(), "{text}")?;
    io::stderr().flush()?;
    tokio::task::spawn_blocking(move || type_in(&text, echo)).await?
}

/// Raw input for as long as it lives.
struct RawInput;

impl RawInput {
    fn begin() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for RawInput {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
        let _ = writeln!(io::stderr());
    }
}

fn type_in(question: &str, echo: Echo) -> anyhow::Result<Secret> {
    let mut typed = Typed::default();
    loop {
        let step = match read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => typed.press(key),
            Event::Paste(text) => typed.paste(&text),
            Event::Key(_)
            | Event::Mouse(_)
            | Event::Resize(..)
            | Event::FocusGained
            | Event::FocusLost => Step::More,
        };
        match step {
            Step::More if echo == Echo::All => {
                let clear = "\u{1b}[K";
                write!(io::stderr(), "\r{question}{}{clear}", typed.text.expose())?;
                io::stderr().flush()?;
            }
            Step::More => {}
            Step::Done => return Ok(typed.text),
            Step::GiveUp => return Err(Interrupted.into()),
        }
    }
}

/// What a key does to the question.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    More,
    Done,
    GiveUp,
}

/// What was typed so far.
#[derive(Default)]
struct Typed {
    text: Secret,
}

impl Typed {
    fn press(&mut self, key: KeyEvent) -> Step {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        // An Enter pressed before the input was raw has become a line feed, which reads as Ctrl-J.
        if key.code == KeyCode::Enter || (ctrl && key.code == KeyCode::Char('j')) {
            return Step::Done;
        }
        if key.code == KeyCode::Esc || (ctrl && matches!(key.code, KeyCode::Char('c' | 'd'))) {
            return Step::GiveUp;
        }
        if key.code == KeyCode::Backspace {
            self.text.pop();
        } else if ctrl && key.code == KeyCode::Char('u') {
            self.text.clear();
        } else if let KeyCode::Char(character) = key.code
            && !ctrl
        {
            self.text.push(character);
        }
        Step::More
    }

    fn paste(&mut self, text: &str) -> Step {
        for character in text.chars() {
            if matches!(character, '\n' | '\r') {
                return Step::Done;
            }
            self.text.push(character);
        }
        Step::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_typed_corrected_and_given_up() {
        let press =
            |typed: &mut Typed, code, modifiers| typed.press(KeyEvent::new(code, modifiers));
        let mut typed = Typed::default();
        for character in "wrong".chars() {
            press(&mut typed, KeyCode::Char(character), KeyModifiers::NONE);
        }
        press(&mut typed, KeyCode::Char('u'), KeyModifiers::CONTROL);
        press(&mut typed, KeyCode::Char('A'), KeyModifiers::SHIFT);
        press(&mut typed, KeyCode::Char('x'), KeyModifiers::NONE);
        press(&mut typed, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(typed.paste("ü "), Step::More);
        assert_eq!(typed.text.expose(), "Aü ");
        assert_eq!(
            press(&mut typed, KeyCode::Enter, KeyModifiers::NONE),
            Step::Done
        );
        assert_eq!(
            press(&mut typed, KeyCode::Char('j'), KeyModifiers::CONTROL),
            Step::Done
        );
        assert_eq!(
            press(&mut typed, KeyCode::Char('c'), KeyModifiers::CONTROL),
            Step::GiveUp
        );
        assert_eq!(typed.paste("b\nignored"), Step::Done);
        assert_eq!(typed.text.expose(), "Aü b");
    }
}
