//! Asks a person for a password, without showing what is typed.

use std::io::{self, IsTerminal as _, Write as _};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::complaint::{Interrupted, Refusal};

/// The longest password that is taken, in characters.
const MAX_PASSWORD: usize = 4096;

/// Asks for the password of an account; without a terminal nobody can be asked.
pub(super) async fn ask(account: String) -> anyhow::Result<SecretString> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Refusal::new(
            "Config",
            format!("the password of {account} is not configured, and nobody can be asked for it"),
            "write password_file or password_command into the config, set PROXDECK_PASSWORD, \
             or better use an API token",
        )
        .into());
    }
    // Before the question: whoever answers at once would see the password on the screen. And here,
    // not where the keys are read: whoever no longer waits for them gives the terminal back.
    let _raw = RawInput::begin()?;
    write!(io::stderr(), "password of {account}: ")?;
    io::stderr().flush()?;
    tokio::task::spawn_blocking(type_in).await?
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

fn type_in() -> anyhow::Result<SecretString> {
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
            Step::More => {}
            Step::Done => return Ok(SecretString::from(typed.text.as_str())),
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

/// What was typed so far; its memory is wiped in the end.
struct Typed {
    text: Zeroizing<String>,
}

impl Default for Typed {
    fn default() -> Self {
        // Large enough never to move, which would leave a copy behind.
        Self {
            text: Zeroizing::new(String::with_capacity(4 * MAX_PASSWORD)),
        }
    }
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
            self.add(character);
        }
        Step::More
    }

    fn paste(&mut self, text: &str) -> Step {
        for character in text.chars() {
            if matches!(character, '\n' | '\r') {
                return Step::Done;
            }
            self.add(character);
        }
        Step::More
    }

    fn add(&mut self, character: char) {
        if self.text.len() < 4 * (MAX_PASSWORD - 1) {
            self.text.push(character);
        }
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
        assert_eq!(typed.text.as_str(), "Aü ");
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
        assert_eq!(typed.text.as_str(), "Aü b");
    }
}
