//! What a frame sends to the terminal: one write of what changed, and nothing where nothing did.

use std::io::{self, Write};

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Draws on a terminal behind a line that may be slow.
#[derive(Debug)]
pub(super) struct Painter<W: Write> {
    /// What the frame has to send so far.
    waiting: Vec<u8>,
    out: W,
    cursor: Cursor,
}

/// What the terminal's cursor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// Nobody knows.
    Unknown,
    Hidden,
    Shown(Position),
}

impl<W: Write> Painter<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            waiting: Vec::new(),
            out,
            cursor: Cursor::Unknown,
        }
    }

    /// Forgets where the cursor is, after somebody else had the terminal.
    pub(super) fn forget_cursor(&mut self) {
        self.cursor = Cursor::Unknown;
    }

    fn paint(&mut self) -> CrosstermBackend<&mut Vec<u8>> {
        CrosstermBackend::new(&mut self.waiting)
    }
}

impl<W: Write> Backend for Painter<W> {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, cells: I) -> io::Result<()> {
        let mut cells = cells.peekable();
        if cells.peek().is_none() {
            return Ok(());
        }
        self.paint().draw(cells)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor == Cursor::Hidden {
            return Ok(());
        }
        self.cursor = Cursor::Hidden;
        self.paint().hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        match self.cursor {
            Cursor::Shown(_) => Ok(()),
            Cursor::Hidden | Cursor::Unknown => self.paint().show_cursor(),
        }
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.paint().get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        // Whatever was drawn has moved it.
        if self.waiting.is_empty() && self.cursor == Cursor::Shown(position) {
            return Ok(());
        }
        self.cursor = Cursor::Shown(position);
        self.paint().set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.paint().clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.paint().clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        CrosstermBackend::new(io::sink()).size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.paint().window_size()
    }

    /// Sends everything in one piece, which the terminal shows at once.
    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        queue!(self.waiting, EndSynchronizedUpdate)?;
        let mut update = Vec::with_capacity(self.waiting.len() + 16);
        queue!(update, BeginSynchronizedUpdate)?;
        update.append(&mut self.waiting);
        self.out.write_all(&update)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::text::Line;

    use super::*;

    /// Draws a text and returns what was sent for it.
    fn draw(terminal: &mut Terminal<Painter<Vec<u8>>>, text: &str, cursor: Option<u16>) -> String {
        let drawn = terminal.draw(|frame| {
            frame.render_widget(Line::from(text), frame.area());
            if let Some(column) = cursor {
                frame.set_cursor_position((column, 0));
            }
        });
        drawn.unwrap();
        let sent = std::mem::take(&mut terminal.backend_mut().out);
        String::from_utf8(sent).unwrap()
    }

    fn terminal() -> Terminal<Painter<Vec<u8>>> {
        let area = ratatui::layout::Rect::new(0, 0, 20, 2);
        let options = ratatui::TerminalOptions {
            viewport: ratatui::Viewport::Fixed(area),
        };
        Terminal::with_options(Painter::new(Vec::new()), options).unwrap()
    }

    #[test]
    fn a_frame_is_one_update_and_an_equal_one_is_nothing() {
        let mut terminal = terminal();
        let first = draw(&mut terminal, "pve1", None);
        assert!(first.starts_with("\x1b[?2026h") && first.ends_with("\x1b[?2026l"));
        assert!(
            first.contains("pve1") && first.contains("\x1b[?25l"),
            "{first:?}"
        );
        assert_eq!(draw(&mut terminal, "pve1", None), "");
        let changed = draw(&mut terminal, "pve2", None);
        assert!(
            changed.contains('2') && !changed.contains("pve"),
            "{changed:?}"
        );
        assert!(
            !changed.contains("\x1b[?25l"),
            "the cursor is hidden already"
        );
    }

    #[test]
    fn the_cursor_returns_to_its_place_after_something_was_drawn() {
        let mut terminal = terminal();
        draw(&mut terminal, "/a", Some(2));
        assert_eq!(draw(&mut terminal, "/a", Some(2)), "");
        let moved = draw(&mut terminal, "/a", Some(1));
        assert!(moved.contains("\x1b[1;2H"), "{moved:?}");
        let typed = draw(&mut terminal, "/ab", Some(1));
        assert!(typed.contains("\x1b[1;2H"), "{typed:?}");
        let hidden = draw(&mut terminal, "/ab", None);
        assert!(hidden.contains("\x1b[?25l"), "{hidden:?}");
        let shown = draw(&mut terminal, "/ab", Some(1));
        assert!(shown.contains("\x1b[?25h"), "{shown:?}");
    }
}
