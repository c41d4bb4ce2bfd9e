//! Fingerprints of certificates, as they are pinned and shown.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 fingerprint of a certificate.
///
/// Written as 32 hexadecimal pairs; colons, blanks and case do not matter when read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Wraps a SHA-256 digest of a certificate's DER form.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(formatter, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A text that is no SHA-256 fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 fingerprint has 32 hexadecimal pairs, as AB:CD:…")]
pub enum InvalidFingerprint {
    /// It holds something else than pairs of digits.
    NotHexadecimal(String),
    /// It is one of the older kind.
    Sha1,
    /// It has so many digits.
    Length(usize),
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| *c != ':' && !c.is_ascii_whitespace())
            .map(|c| c.to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()
            .ok_or_else(|| InvalidFingerprint::NotHexadecimal(text.to_owned()))?;
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        match <[u8; 32]>::try_from(bytes) {
            Ok(digest) if rest.is_empty() => Ok(Self(digest)),
            _ if digits.len() == 40 => Err(InvalidFingerprint::Sha1),
            _ => Err(InvalidFingerprint::Length(digits.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_in_any_common_notation() {
        let colons: Vec<String> = (0..32).map(|byte| format!("{byte:02X}")).collect();
        let colons = colons.join(":");
        let plain = colons.replace(':', "").to_lowercase();
        let blanks = format!(" {} ", colons.replace(':', " "));
        for text in [&colons, &plain, &colons.to_lowercase(), &blanks] {
            let read: Fingerprint = text.parse().unwrap();
            assert_eq!(read.to_string(), colons);
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "AB:CD",
            "zz",
            &"AB".repeat(33),
            &"AB".repeat(20),
            &"A".repeat(63),
            &"Ä".repeat(32),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
