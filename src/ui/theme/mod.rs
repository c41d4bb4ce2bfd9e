//! Colours by what they mean; no other file of the screen names a colour.

mod depth;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

pub use depth::ColorDepth;

/// The themes that come with the program, by name.
const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../../assets/themes/dark.toml")),
    ("light", include_str!("../../../assets/themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../../assets/themes/high-contrast.toml"),
    ),
];

/// The colours of a theme file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Palette {
    text: String,
    dim: String,
    strong: String,
    accent: String,
    ok: String,
    warning: String,
    critical: String,
    stale: String,
    border: String,
    focus: String,
    cursor: String,
    gauge: String,
    track: String,
    badge: String,
}

/// The styles of the screen, one for each role.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// What matters less: labels, units, hints.
    pub dim: Style,
    /// What is to be read first.
    pub strong: Style,
    /// Names of keys and links.
    pub accent: Style,
    /// Well.
    pub ok: Style,
    /// To be looked at.
    pub warning: Style,
    /// To be acted on.
    pub critical: Style,
    /// No longer known to be true.
    pub stale: Style,
    /// The frame of a pane.
    pub border: Style,
    /// The frame of the pane that has the keys.
    pub focus: Style,
    /// The row under the cursor.
    pub cursor: Style,
    /// The filled part of a bar.
    pub gauge: Style,
    /// The empty part of a bar.
    pub track: Style,
    /// A badge such as DEMO.
    pub badge: Style,
    /// Whether lines and bars may use more than ASCII.
    pub unicode: bool,
}

/// Why a theme cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// No theme has this name.
    #[error("there is no theme `{0}`; there are: {1}")]
    Unknown(String, String),
    /// The theme's file cannot be read.
    #[error("the theme `{0}` is damaged: {1}")]
    Damaged(String, String),
}

impl Theme {
    /// Loads a theme by its name, for a terminal of a certain colour depth.
    pub fn load(name: &str, depth: ColorDepth, unicode: bool) -> Result<Self, ThemeError> {
        let names = || {
            BUILT_IN
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (_, file) = BUILT_IN
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| ThemeError::Unknown(name.to_owned(), names()))?;
        let damaged = |why: String| ThemeError::Damaged(name.to_owned(), why);
        let palette: Palette = toml::from_str(file).map_err(|error| damaged(error.to_string()))?;
        Self::of(&palette, depth, unicode).map_err(damaged)
    }

    fn of(palette: &Palette, depth: ColorDepth, unicode: bool) -> Result<Self, String> {
        let color = |text: &str| depth.color(text);
        let fore = |text: &str| {
            color(text).map(|color| color.map_or_else(Style::new, |color| Style::new().fg(color)))
        };
        // Without colour the cursor row and the bars are told apart by attributes.
        let plain = depth == ColorDepth::None;
        let attribute = |style: Style, modifier| {
            if plain {
                style.add_modifier(modifier)
            } else {
                style
            }
        };
        Ok(Self {
            text: fore(&palette.text)?,
            dim: attribute(fore(&palette.dim)?, Modifier::DIM),
            strong: fore(&palette.strong)?.add_modifier(Modifier::BOLD),
            accent: attribute(fore(&palette.accent)?, Modifier::BOLD),
            ok: fore(&palette.ok)?,
            warning: fore(&palette.warning)?.add_modifier(Modifier::BOLD),
            critical: attribute(
                fore(&palette.critical)?.add_modifier(Modifier::BOLD),
                Modifier::REVERSED,
            ),
            stale: fore(&palette.stale)?.add_modifier(Modifier::ITALIC),
            border: attribute(fore(&palette.border)?, Modifier::DIM),
            focus: attribute(fore(&palette.focus)?, Modifier::BOLD),
            cursor: match color(&palette.cursor)? {
                Some(color) => Style::new().bg(color),
                None => Style::new().add_modifier(Modifier::REVERSED),
            },
            gauge: fore(&palette.gauge)?,
            track: attribute(fore(&palette.track)?, Modifier::DIM),
            badge: attribute(
                fore(&palette.badge)?.add_modifier(Modifier::BOLD),
                Modifier::REVERSED,
            ),
            unicode,
        })
    }

    /// Returns the style of a bar that is filled to `fraction`.
    pub fn level(&self, fraction: f64) -> Style {
        match fraction {
            full if full >= 0.9 => self.critical.remove_modifier(Modifier::REVERSED),
            high if high >= 0.75 => self.warning.remove_modifier(Modifier::BOLD),
            _ => self.gauge,
        }
    }
}

/// Reads `#RRGGBB`.
fn hex(text: &str) -> Option<(u8, u8, u8)> {
    let digits = text
        .strip_prefix('#')
        .filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some((byte(0)?, byte(2)?, byte(4)?))
}

impl ColorDepth {
    fn color(self, text: &str) -> Result<Option<Color>, String> {
        if text == "none" {
            return Ok(None);
        }
        let (red, green, blue) =
            hex(text).ok_or_else(|| format!("{text:?} is no colour: #RRGGBB or none"))?;
        Ok(self.nearest(red, green, blue))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_loads_at_every_depth() {
        for (name, _) in BUILT_IN {
            for depth in [
                ColorDepth::True,
                ColorDepth::Indexed,
                ColorDepth::Sixteen,
                ColorDepth::None,
            ] {
                assert!(Theme::load(name, depth, true).is_ok(), "{name} {depth:?}");
            }
        }
    }

    #[test]
    fn an_unknown_theme_names_those_that_exist() {
        let error = Theme::load("drak", ColorDepth::True, true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no theme `drak`; there are: dark, light, high-contrast"
        );
    }

    #[test]
    fn without_colour_nothing_names_a_colour() {
        let theme = Theme::load("dark", ColorDepth::None, false).unwrap();
        for style in [
            theme.critical,
            theme.warning,
            theme.cursor,
            theme.gauge,
            theme.badge,
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert_ne!(
            theme.critical, theme.text,
            "what is critical stands out all the same"
        );
    }
}
