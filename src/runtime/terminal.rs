//! Owns the terminal: enters it, leaves it, whatever happens in between.

use std::io::{self, Stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::Frame;
use ratatui::layout::Rect;

use super::painter::Painter;
use super::{panics, signals};
use crate::domain::text::clean;

/// Has the terminal put its title aside, and take it up again (xterm's window operations); one that
/// knows neither ignores both.
const KEEP_TITLE: &str = "\x1b[22;2t";
const RESTORE_TITLE: &str = "\x1b[23;2t";

/// Whether the terminal is taken; giving it back twice would move the cursor back over what was said since.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Something to draw on: the terminal, or a test's screen.
pub trait Surface {
    /// Draws one frame.
    fn draw(&mut self, draw: &mut dyn FnMut(&mut Frame<'_>)) -> io::Result<()>;

    /// Draws everything anew with the next frame.
    fn forget(&mut self) -> io::Result<()>;

    /// Rings its bell.
    fn ring(&mut self);

    /// Gives it a title.
    fn title(&mut self, title: &str);

    /// Gives it back, stops the program until it is continued, and takes it again.
    fn suspend(&mut self) -> io::Result<()>;

    /// Gives it back for good.
    fn release(&mut self);
}

/// The terminal while the dashboard has it; dropping it gives it back.
#[derive(Debug)]
pub struct Terminal {
    screen: ratatui::Terminal<Painter<Stdout>>,
}

impl Terminal {
    /// Takes the terminal: raw input, the alternate screen, pastes as one event.
    pub fn enter() -> io::Result<Self> {
        restore_on_panic();
        let screen = ratatui::Terminal::new(Painter::new(io::stdout()))?;
        let mut terminal = Self { screen };
        terminal.take()?;
        Ok(terminal)
    }

    fn take(&mut self) -> io::Result<()> {
        // Set first: what fails half-way must be undone as well.
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(
            io::stdout(),
            Print(KEEP_TITLE),
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        self.screen.backend_mut().forget_cursor();
        self.forget()
    }
}

impl Surface for Terminal {
    fn draw(&mut self, draw: &mut dyn FnMut(&mut Frame<'_>)) -> io::Result<()> {
        self.screen.draw(|frame| draw(frame)).map(drop)
    }

    fn forget(&mut self) -> io::Result<()> {
        // Not by `clear`: that asks the terminal where its cursor is, and waits for an answer
        // that may never come.
        let size = self.screen.size()?;
        self.screen.resize(Rect::new(0, 0, size.width, size.height))
    }

    fn ring(&mut self) {
        // A terminal that takes no bell takes no frame either, and that will be told.
        let _ = execute!(io::stdout(), Print("\x07"));
    }

    fn title(&mut self, title: &str) {
        let _ = execute!(io::stdout(), SetTitle(clean(title)));
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.release();
        signals::stop_here()?;
        self.take()
    }

    fn release(&mut self) {
        restore();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.release();
    }
}

/// Gives the terminal back; a terminal that is gone is no error.
///
/// Leaving the alternate screen comes last: whoever sees the shell's screen has all the rest too.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = disable_raw_mode();
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        cursor::Show,
        LeaveAlternateScreen,
        Print(RESTORE_TITLE)
    );
}

/// Lets a panic of the drawing thread give the terminal back before anything is printed.
fn restore_on_panic() {
    let drawing = std::thread::current().id();
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == drawing {
            restore();
            print(panic);
        } else {
            // What broke is told as a failure of its own; printing would tear the screen.
            panics::log(panic);
        }
    }));
}
