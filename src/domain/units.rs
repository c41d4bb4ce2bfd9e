//! Sizes as the config writes them: `4GiB`, `500MB` or plain bytes.
//!
//! Decimal and binary units are never guessed for each other: `GB` is 10⁹ bytes, `GiB` is 2³⁰,
//! and a lone `G` is refused. How a screen rounds sizes is not decided here.

use std::fmt;
use std::str::FromStr;

/// The bytes of one GB, the unit of quotas (SPEC §5.7).
pub const GIGABYTE: u64 = 1_000_000_000;

/// Writes a share in whole percent, rounded down so that what is nearly full is not called full.
pub fn whole_percent(share: f64) -> String {
    // The small addition takes back what the binary fraction lost: 0.29 is 29 %.
    format!("{:.0}", (share * 100.0 + 1e-6).floor())
}

const MEBIBYTE: u64 = 1 << 20;
const PEBIBYTE: u64 = 1 << 50;

/// Digits behind the point beyond which a fraction says nothing about whole bytes.
const MAX_FRACTION_DIGITS: usize = 12;

/// The units from the largest to the smallest; of two that fit evenly the first is written.
const UNITS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", GIGABYTE),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
];

/// A number of bytes that a person wrote.
///
/// `Display` writes it exactly and as short as its units allow, so that reading it again yields
/// the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

impl Size {
    /// Wraps a number of bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Returns the number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Writes it as Proxmox takes the size of a disk: MiB as `20480M`, else plain bytes.
    pub fn for_disk(self) -> String {
        match self.mebibytes() {
            Some(mebibytes) => format!("{mebibytes}M"),
            None => self.0.to_string(),
        }
    }

    /// Returns the number of MiB, in which Proxmox counts memory and disks.
    ///
    /// What is not whole, nothing at all, and more than a pebibyte is no such number.
    pub const fn mebibytes(self) -> Option<u64> {
        let whole = self.0.is_multiple_of(MEBIBYTE) && self.0 > 0 && self.0 <= PEBIBYTE;
        if whole { Some(self.0 / MEBIBYTE) } else { None }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let even = UNITS
            .iter()
            .find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit));
        match even {
            Some((name, unit)) => formatter.pad(&format!("{}{name}", self.0 / unit)),
            None => formatter.pad(&self.0.to_string()),
        }
    }
}

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSize {
    /// Nothing was written.
    #[error("a size is missing; write it like 4GiB, 500MB or as plain bytes")]
    Empty,
    /// It does not begin with a number.
    #[error("{0:?} is no size: it begins with a number, like 4GiB, 500MB or plain bytes")]
    NoNumber(String),
    /// It is below zero.
    #[error("{0:?} is negative; a size is not")]
    Negative(String),
    /// Its unit is not one of ours.
    #[error(
        "{unit:?} in {text:?} is no unit: kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (powers of 1024) are"
    )]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// What stands where the unit should.
        unit: String,
    },
    /// Its unit could mean two things.
    #[error(
        "{unit:?} in {text:?} could mean {letter}B (powers of 1000) or {letter}iB (powers of 1024); write one of them"
    )]
    AmbiguousUnit {
        /// The whole text.
        text: String,
        /// The unit as written.
        unit: String,
        /// Its letter in capitals.
        letter: char,
    },
    /// It ends within a byte.
    #[error("{0:?} is no whole number of bytes")]
    PartOfAByte(String),
    /// It is beyond what can be counted.
    #[error("{0:?} is too large: 16 EiB and more cannot be counted")]
    TooLarge(String),
}

impl FromStr for Size {
    type Err = InvalidSize;

    /// Reads a number, a decimal fraction if any, and a unit in upper or lower case.
    ///
    /// What a fraction leaves below one byte is dropped: `0.1GiB` is 107374182 bytes.
    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(InvalidSize::Empty);
        }
        if trimmed.starts_with(['-', '\u{2212}']) {
            return Err(InvalidSize::Negative(text.to_owned()));
        }
        let end = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let (number, unit) = (&trimmed[..end], trimmed[end..].trim_start());
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return Err(InvalidSize::NoNumber(text.to_owned())),
            Some((whole, fraction)) => (whole, fraction),
            None => (number, ""),
        };
        if whole.is_empty() || fraction.contains('.') {
            return Err(InvalidSize::NoNumber(text.to_owned()));
        }
        let unit = unit_bytes(text, unit)?;
        if unit == 1 && fraction.chars().any(|digit| digit != '0') {
            return Err(InvalidSize::PartOfAByte(text.to_owned()));
        }
        let too_large = || InvalidSize::TooLarge(text.to_owned());
        let whole: u64 = whole.parse().map_err(|_| too_large())?;
        let whole = whole.checked_mul(unit).ok_or_else(too_large)?;
        whole
            .checked_add(part_of(unit, fraction))
            .map(Self)
            .ok_or_else(too_large)
    }
}

/// Returns how many bytes the unit stands for.
fn unit_bytes(text: &str, unit: &str) -> Result<u64, InvalidSize> {
    if unit.is_empty() || unit.eq_ignore_ascii_case("B") {
        return Ok(1);
    }
    if let Some((_, bytes)) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
    {
        return Ok(*bytes);
    }
    match unit.to_ascii_uppercase().as_str() {
        letter @ ("K" | "M" | "G" | "T") => Err(InvalidSize::AmbiguousUnit {
            text: text.to_owned(),
            unit: unit.to_owned(),
            letter: letter.chars().next().unwrap_or_default(),
        }),
        _ => Err(InvalidSize::UnknownUnit {
            text: text.to_owned(),
            unit: unit.to_owned(),
        }),
    }
}

/// Returns the bytes that the digits behind the point stand for, rounded down.
fn part_of(unit: u64, digits: &str) -> u64 {
    let mut scale: u128 = 1;
    let mut numerator: u128 = 0;
    for digit in digits.bytes().take(MAX_FRACTION_DIGITS) {
        scale *= 10;
        numerator = numerator * 10 + u128::from(digit.saturating_sub(b'0'));
    }
    // Smaller than the unit, therefore always within 64 bits.
    (u128::from(unit) * numerator / scale) as u64
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    fn bytes(text: &str) -> Result<u64, InvalidSize> {
        text.parse::<Size>().map(Size::bytes)
    }

    #[test]
    fn memory_and_disks_are_whole_mebibytes() {
        let mebibytes = |text: &str| text.parse::<Size>().unwrap().mebibytes();
        assert_eq!(mebibytes("4GiB"), Some(4096));
        assert_eq!(mebibytes("1.5GiB"), Some(1536));
        assert_eq!(mebibytes("1024TiB"), Some(1 << 30));
        for text in ["0", "4096", "0.3MiB", "4GB", "1025TiB"] {
            assert_eq!(mebibytes(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_the_config_writes_them() {
        for (text, expected) in [
            ("4GiB", 4 << 30),
            ("20GiB", 20 << 30),
            ("500MB", 500_000_000),
            ("1GB", GIGABYTE),
            ("2TB", 2_000_000_000_000),
            ("2TiB", 2 << 40),
            ("8kB", 8_000),
            ("8KiB", 8_192),
            ("1073741824", 1 << 30),
            ("0", 0),
            ("17B", 17),
            (" 4 gib ", 4 << 30),
            ("1.5GiB", 3 << 29),
            ("0.1GB", 100_000_000),
            ("0.1GiB", 107_374_182),
            ("3.0", 3),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_refused_size_says_what_is_wrong_and_how_it_is_written() {
        for (text, part) in [
            ("", "a size is missing"),
            ("   ", "a size is missing"),
            ("GiB", "begins with a number"),
            (".5GiB", "begins with a number"),
            ("1.GiB", "begins with a number"),
            ("1.2.3GiB", "begins with a number"),
            ("much", "begins with a number"),
            ("-1GiB", "is negative"),
            (
                "4G",
                "\"G\" in \"4G\" could mean GB (powers of 1000) or GiB",
            ),
            ("4m", "could mean MB"),
            ("4PiB", "\"PiB\" in \"4PiB\" is no unit"),
            ("1e3", "is no unit"),
            ("4 GiB of RAM", "is no unit"),
            ("0.5", "no whole number of bytes"),
            ("1.5B", "no whole number of bytes"),
            ("16777216TiB", "too large"),
            ("99999999999999999999", "too large"),
            ("18446744073709551615.9kB", "too large"),
        ] {
            let message = bytes(text).expect_err(text).to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn a_size_is_written_with_the_largest_unit_that_fits_evenly() {
        for (bytes, text) in [
            (4 << 30, "4GiB"),
            (500_000_000, "500MB"),
            (1536 << 20, "1536MiB"),
            (1, "1"),
            (0, "0"),
            (1_000, "1kB"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(Size::from_bytes(bytes).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_exactly(bytes: u64) {
            prop_assert_eq!(Size::from_bytes(bytes).to_string().parse(), Ok(Size::from_bytes(bytes)));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = text.parse::<Size>();
        }
    }
}
