//! Reads the terminal and translates what it reports.

use std::io;

use crossterm::event::{Event as Terminal, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use crate::app::Event;
use crate::app::keymap::{Combo, KeyCode};

/// Reads the terminal on a thread of its own.
///
/// crossterm reads a terminal that is gone for ever, without a pause and whatever time-out it is
/// given (its issue 793). On its own thread it hinders nobody: the loop still hears the signal
/// that tells of the loss, or fails to draw the next frame, and ends.
#[expect(
    clippy::disallowed_methods,
    reason = "reading blocks, and a thread that hangs in it cannot be waited for"
)]
pub(super) fn listen() -> mpsc::Receiver<io::Result<Terminal>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        loop {
            let event = crossterm::event::read();
            let fails = event.is_err();
            if sender.blocking_send(event).is_err() || fails {
                return;
            }
        }
    });
    receiver
}

/// Translates an event of the terminal; what has no meaning here is nothing.
pub(super) fn translate(event: Terminal) -> Option<Event> {
    match event {
        Terminal::Key(key) if key.kind != KeyEventKind::Release => combo(key).map(Event::Key),
        Terminal::Paste(text) => Some(Event::Paste(text)),
        Terminal::Resize(..) => Some(Event::Resize),
        Terminal::Key(_) | Terminal::Mouse(_) | Terminal::FocusGained | Terminal::FocusLost => None,
    }
}

fn combo(event: KeyEvent) -> Option<Combo> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    let shift = event.modifiers.contains(KeyModifiers::SHIFT);
    let key = match event.code {
        // Some terminals report the letter of Ctrl-C in upper case.
        Code::Char(character) if ctrl => KeyCode::Char(character.to_ascii_lowercase()),
        Code::Char(character) => KeyCode::Char(character),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab if shift => KeyCode::BackTab,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::F(number) => KeyCode::Function(number),
        Code::Insert
        | Code::Null
        | Code::CapsLock
        | Code::ScrollLock
        | Code::NumLock
        | Code::PrintScreen
        | Code::Pause
        | Code::Menu
        | Code::KeypadBegin
        | Code::Media(_)
        | Code::Modifier(_) => return None,
    };
    Some(Combo { key, ctrl, alt })
}
