//! Sizes and spans as scenario files write them: `4GiB`, `26h`.
//!
//! Refuses units it does not know instead of guessing.

use serde::{Deserialize, Deserializer};

/// A number of bytes, written `512MiB`, `4GiB`, `1.5TiB` or as a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Size(pub u64);

/// A span of time in seconds, written `90s`, `15m`, `26h`, `42d` or as a plain number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Span(pub f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

const SIZES: [(&str, f64); 5] = [
    ("TiB", 1_099_511_627_776.0),
    ("GiB", 1_073_741_824.0),
    ("MiB", 1_048_576.0),
    ("KiB", 1024.0),
    ("B", 1.0),
];
const SPANS: [(&str, f64); 4] = [("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];

fn read(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    units.iter().find_map(|(unit, factor)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number * factor)
    })
}

impl Size {
    /// Reads a size such as `4GiB`.
    pub fn parse(text: &str) -> Option<Self> {
        read(text, &SIZES).map(|bytes| Self(bytes as u64))
    }

    /// Makes a size of whole gibibytes.
    pub const fn gibibytes(count: u64) -> Self {
        Self(count << 30)
    }
}

impl Span {
    /// Reads a span such as `26h` or `30d6h`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut seconds = 0.0;
        while !rest.is_empty() {
            let end = rest.find(|letter: char| letter.is_ascii_alphabetic())? + 1;
            seconds += read(&rest[..end], &SPANS)?;
            rest = rest[end..].trim_start();
        }
        (!text.trim().is_empty()).then_some(Self(seconds))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes as u64)),
            Written::Text(text) => Self::parse(&text).ok_or_else(|| {
                serde::de::Error::custom(format!("'{text}' is no size: write 512MiB or 4GiB"))
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(seconds) => Ok(Self(seconds)),
            Written::Text(text) => Self::parse(&text).ok_or_else(|| {
                serde::de::Error::custom(format!("'{text}' is no span: write 15m, 26h or 42d"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        assert_eq!(Size::parse("4GiB"), Some(Size::gibibytes(4)));
        assert_eq!(Size::parse("1.5 KiB"), Some(Size(1536)));
        assert_eq!(Size::parse("4GB"), None);
        assert_eq!(Span::parse("26h"), Some(Span(93_600.0)));
        assert_eq!(Span::parse("30d6h"), Some(Span(2_613_600.0)));
        assert_eq!(Span::parse("26"), None);
    }
}
