//! Reads the terminal and translates what it reports.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::time::Duration;

use crossterm::event::{Event as Terminal, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers};
use filedescriptor::{POLLERR, POLLHUP, POLLIN, poll, pollfd};
use tokio::sync::mpsc;

use crate::app::Event;
use crate::app::keymap::{Combo, KeyCode};

/// So long the rest of a key is waited for whose first bytes have come.
const REST_OF_A_KEY: Duration = Duration::from_millis(20);

/// Reads the terminal on a thread of its own, until it is gone.
///
/// crossterm reads a terminal that is gone for ever, without a pause (its issue 793). So it is asked
/// only once something has come, and never about a terminal that has hung up: the loop hears of that
/// at once, also when no signal tells and nothing changes on the screen, and this thread ends.
#[expect(
    clippy::disallowed_methods,
    reason = "reading blocks, and a thread that hangs in it cannot be waited for"
)]
pub(super) fn listen() -> mpsc::Receiver<io::Result<Terminal>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        if let Err(error) = read(&sender) {
            // Nobody listens any more once the program ends.
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

/// Passes on what is typed; returns when nobody listens, fails when the terminal is gone.
fn read(sender: &mpsc::Sender<io::Result<Terminal>>) -> io::Result<()> {
    // The same as crossterm's: what is typed, or the terminal itself where that is not it.
    let standard = io::stdin();
    let (_own, terminal) = if standard.is_terminal() {
        (None, standard.as_raw_fd())
    } else {
        let own = File::options().read(true).write(true).open("/dev/tty")?;
        let terminal = own.as_raw_fd();
        (Some(own), terminal)
    };
    loop {
        wait(terminal)?;
        while crossterm::event::poll(REST_OF_A_KEY)? {
            let event = crossterm::event::read()?;
            // A new size is told by its signal, which this thread may hear only with the next key.
            if matches!(event, Terminal::Resize(..)) {
                continue;
            }
            if sender.blocking_send(Ok(event)).is_err() {
                return Ok(());
            }
        }
    }
}

/// Waits until something was typed; fails when nothing ever will be.
fn wait(terminal: RawFd) -> io::Result<()> {
    let mut asked = [pollfd {
        fd: terminal,
        events: POLLIN,
        revents: 0,
    }];
    match poll(&mut asked, None) {
        Ok(_) if asked[0].revents & (POLLHUP | POLLERR) != 0 => Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the terminal is gone",
        )),
        Ok(_) => Ok(()),
        Err(filedescriptor::Error::Poll(error) | filedescriptor::Error::Io(error))
            if error.kind() == ErrorKind::Interrupted =>
        {
            Ok(())
        }
        Err(error) => Err(io::Error::other(error)),
    }
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
