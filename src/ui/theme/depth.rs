//! How many colours a terminal can show, and the nearest of them.

use ratatui::style::Color;

/// How many colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// Sixteen million.
    True,
    /// 256, by number.
    Indexed,
    /// The sixteen with names.
    Sixteen,
    /// None, by wish (`NO_COLOR`) or by nature.
    None,
}

impl ColorDepth {
    /// Judges by what the environment says about the terminal.
    pub fn detect(no_color: Option<&str>, color_term: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        if no_color.is_some_and(|value| !value.is_empty()) || term == "dumb" {
            return Self::None;
        }
        if matches!(color_term, Some("truecolor" | "24bit")) || term.ends_with("-direct") {
            return Self::True;
        }
        if term.contains("256color") {
            return Self::Indexed;
        }
        Self::Sixteen
    }

    pub(super) fn nearest(self, red: u8, green: u8, blue: u8) -> Option<Color> {
        match self {
            Self::True => Some(Color::Rgb(red, green, blue)),
            Self::Indexed => Some(Color::Indexed(nearest_indexed(red, green, blue))),
            Self::Sixteen => Some(nearest_named(red, green, blue)),
            Self::None => None,
        }
    }
}

/// Picks from the 6×6×6 cube or the grey ramp, whichever is nearer.
fn nearest_indexed(red: u8, green: u8, blue: u8) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |value: u8| {
        let nearest = STEPS
            .iter()
            .enumerate()
            .min_by_key(|(_, step)| step.abs_diff(value));
        nearest.map_or(0, |(index, _)| index)
    };
    let (r, g, b) = (step(red), step(green), step(blue));
    let cube_distance = distance((red, green, blue), (STEPS[r], STEPS[g], STEPS[b]));
    let mean = (u16::from(red) + u16::from(green) + u16::from(blue)) / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
    let level = 8 + 10 * grey;
    if distance((red, green, blue), (level, level, level)) < cube_distance {
        return 232 + grey;
    }
    (16 + 36 * r + 6 * g + b) as u8
}

fn nearest_named(red: u8, green: u8, blue: u8) -> Color {
    const NAMED: [(Color, (u8, u8, u8)); 15] = [
        (Color::Black, (0, 0, 0)),
        (Color::Red, (170, 0, 0)),
        (Color::Green, (0, 170, 0)),
        (Color::Yellow, (170, 120, 0)),
        (Color::Blue, (0, 0, 170)),
        (Color::Magenta, (170, 0, 170)),
        (Color::Cyan, (0, 170, 170)),
        (Color::Gray, (180, 180, 180)),
        (Color::DarkGray, (95, 95, 95)),
        (Color::LightRed, (255, 85, 85)),
        (Color::LightGreen, (85, 255, 85)),
        (Color::LightYellow, (255, 255, 85)),
        (Color::LightBlue, (100, 150, 255)),
        (Color::LightMagenta, (255, 85, 255)),
        (Color::LightCyan, (85, 255, 255)),
    ];
    let nearest = NAMED
        .iter()
        .min_by_key(|(_, named)| distance((red, green, blue), *named));
    nearest.map_or(Color::Reset, |(color, _)| *color)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    square(a.0, b.0) + square(a.1, b.1) + square(a.2, b.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_the_depth() {
        assert_eq!(
            ColorDepth::detect(Some("1"), Some("truecolor"), None),
            ColorDepth::None
        );
        assert_eq!(
            ColorDepth::detect(Some(""), Some("truecolor"), None),
            ColorDepth::True
        );
        assert_eq!(
            ColorDepth::detect(None, None, Some("xterm-256color")),
            ColorDepth::Indexed
        );
        assert_eq!(
            ColorDepth::detect(None, None, Some("linux")),
            ColorDepth::Sixteen
        );
        assert_eq!(
            ColorDepth::detect(None, None, Some("dumb")),
            ColorDepth::None
        );
    }

    #[test]
    fn the_nearest_colours_are_near() {
        assert_eq!(nearest_indexed(255, 0, 0), 196);
        assert_eq!(nearest_indexed(0x30, 0x36, 0x3d), 237);
        assert_eq!(nearest_named(0xff, 0x6b, 0x6b), Color::LightRed);
    }
}
