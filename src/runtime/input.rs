//! Translates what the terminal reports.

use crossterm::event::{Event as Terminal, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers};

use crate::app::Event;
use crate::app::keymap::{Combo, KeyCode};

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
