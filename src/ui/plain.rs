//! A frame for terminals that show nothing but ASCII.
//!
//! Where a twin needs more than one column the drawing chooses it; here every other character gets
//! one of one column, whoever wrote it. Bytes of UTF-8 on a terminal that does not read it would
//! be more than ugly: some of them are control characters there.

use ratatui::buffer::Buffer;

/// Replaces everything in a frame that is not ASCII.
pub(super) fn replace(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let mut letters = cell.symbol().chars();
        let first = letters.next().unwrap_or(' ');
        // What is made of several characters is a letter of some language.
        let twin = letters.next().map_or(twin(first), |_| '?');
        cell.set_char(twin);
    }
}

/// Returns the ASCII character that stands for another one.
const fn twin(glyph: char) -> char {
    match glyph {
        '●' | '\u{2800}'..='\u{28ff}' => '*',
        // The half block is the cursor's mark; bars are made of other blocks without Unicode.
        '▌' | '→' | '▸' | '≥' => '>',
        '◆' => '@',
        '○' => 'o',
        '◐' | '…' => '~',
        '■' | '▁'..='▐' | '▒' => '#',
        '▲' => '!',
        '△' | '·' | '–' | '—' | '─' | '−' => '-',
        '✓' | '├' | '└' | '┌' | '┐' | '┘' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╯' | '╰' => {
            '+'
        }
        '✗' | '✕' | '×' | '⊗' => 'x',
        '←' | '◂' | '≤' => '<',
        '↑' | '⇡' => '^',
        '↓' | '⇣' => 'v',
        '│' | '┃' => '|',
        '‘' | '’' => '\'',
        '“' | '”' | '„' => '"',
        '\u{a0}' => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn replaced(text: &str) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        buffer.set_string(0, 0, text, Style::new());
        replace(&mut buffer);
        let line: String = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        line.trim_end().to_owned()
    }

    #[test]
    fn glyphs_have_twins_and_the_letters_of_strangers_a_question_mark() {
        assert_eq!(replaced("2 · read 1s ago"), "2 - read 1s ago");
        assert_eq!(replaced("id ↑ ▌● 104 → …"), "id ^ >* 104 > ~");
        assert_eq!(replaced("näme ü"), "n?me ?");
    }

    #[test]
    fn wide_letters_keep_their_columns() {
        assert_eq!(replaced("日本 x"), "? ?  x");
        assert_eq!(replaced("e\u{301}x"), "?x");
    }
}
