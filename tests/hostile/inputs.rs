//! Hostile inputs made of honest ones, the same for the same seed.

/// What is put into texts.
const PIECES: [&str; 38] = [
    "\u{1b}[31m",
    "\u{1b}]0;x\u{7}",
    "\u{9b}2J",
    "\0",
    "\r",
    "\n",
    "\t",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{301}\u{301}\u{301}\u{301}",
    "日本",
    "👩‍👧",
    "\u{fffd}",
    "ß",
    "İ",
    "=",
    "=,",
    ",,",
    ";",
    ":",
    "::",
    "\"",
    "'",
    "\\",
    "{",
    "[",
    "[[",
    "]",
    "}",
    "-1",
    "18446744073709551616",
    "1e309",
    "%",
    "9999-99-99T99:99:99Z",
];

/// A stream of numbers.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end`, 0 if that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (end.max(1) as u64)).unwrap()
    }
}

/// Changes one of several honest texts in a few places.
pub(crate) fn hostile(honest: &[&str], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = honest[numbers.below(honest.len())].as_bytes().to_vec();
    for _ in 0..=numbers.below(6) {
        let (from, until) = (
            numbers.below(bytes.len() + 1),
            numbers.below(bytes.len() + 1),
        );
        let (from, until) = (from.min(until), from.max(until));
        match numbers.below(8) {
            0 => drop(bytes.drain(from..until.min(from + 12))),
            1 => bytes.truncate(until),
            2 => {
                let again = bytes[from..until].to_vec();
                bytes.splice(from..from, again);
            }
            3 => {
                let other = honest[numbers.below(honest.len())].as_bytes();
                bytes.splice(
                    from..from,
                    other[numbers.below(other.len() + 1)..].iter().copied(),
                );
            }
            4 if !bytes.is_empty() => {
                let place = from.min(bytes.len() - 1);
                bytes[place] = u8::try_from(numbers.below(256)).unwrap();
            }
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())];
                bytes.splice(from..from, piece.bytes());
            }
        }
        // Doubling may not go on and on.
        bytes.truncate(64 << 10);
    }
    bytes
}

/// Inputs of a size that nobody writes by hand.
pub(crate) fn huge() -> impl Iterator<Item = Vec<u8>> {
    [
        "a", "[", "{a=", "\"", ",", "=", ":", "tag:", "\n", " ", "\u{301}", "日", "9", "x=1,",
        "scsi0;", "\u{1b}[",
    ]
    .into_iter()
    .map(|piece| piece.repeat((100 << 10) / piece.len()).into_bytes())
}
