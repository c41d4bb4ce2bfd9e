//! Answers that no honest server gives: values of the wrong type and size, names that would paint a terminal, lists
//! without end, JSON that nests too deep or breaks off.
//!
//! Refuses to be random without a seed: the same answer and the same seed come out the same.

use serde_json::{Map, Value, json};

use super::load::scramble;

/// How deep an answer nests that is all brackets; no reader should follow.
const DEPTH: usize = 20_000;
/// How many rows a list may have that is made long.
const ROWS: usize = 5_000;
/// How much an answer that is made long may weigh.
const WEIGHT: usize = 4 << 20;

/// Texts that should do nothing to whoever shows them.
const TEXTS: [&str; 22] = [
    "",
    " ",
    "\u{1b}[31;5mred\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;aGVsbG8=\u{7}",
    "\u{9b}2J",
    "\u{8}\u{8}\u{8}gone",
    "line\r\nline\n\nline\ttab",
    "nul\0nul",
    "\u{202e}desrever\u{202c}",
    "\u{200f}\u{2066}isolated",
    "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "日本語の長い名前日本語の長い名前",
    "👩‍👩‍👧‍👦👩‍👩‍👧‍👦",
    "\u{feff}\u{200b}\u{2060}",
    "../../../etc/passwd",
    "%s%n%x",
    "'; drop table guests; --",
    "UPID:pve1:::::::",
    "UPID:pve1:FFFFFFFF:FFFFFFFFFFFFFFFF:FFFFFFFFFFFFFFFF:qmstart:4294967296:root@pam:",
    "virtio=,bridge==,,=",
    "[proxdeck throttled 9999-99-99T99:99:99Z cpu tier=]",
];

/// Numbers as JSON that a reader may choke on.
const NUMBERS: [&str; 18] = [
    "0",
    "-0",
    "-1",
    "1e-320",
    "0.1",
    "99",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e18",
    "1e308",
    "1e309",
    "-1e309",
    "123456789012345678901234567890",
];

/// Numbers travel through a value as texts with this before them, and lose it when they are written.
const MARK: &str = "\u{e000}number:";

/// Makes a hostile answer of an honest one.
pub(super) fn twist(body: &str, seed: u64) -> String {
    let mut malice = Malice(seed);
    match malice.below(24) {
        0 => cut(body, malice.below(body.len().max(1))),
        1 => format!("{{\"data\":{}", "[".repeat(DEPTH)),
        2 => format!("{{\"data\":{}", "{\"a\":".repeat(DEPTH)),
        3 => "\u{1b}[2J<html>\u{1b}]0;gateway\u{7}".to_owned(),
        4 => String::new(),
        _ => match serde_json::from_str::<Value>(body) {
            Ok(mut value) => {
                if malice.below(12) == 0 {
                    lengthen(&mut value, body.len());
                }
                // From a single bad value to hardly a good one.
                let one_in = [2, 4, 10, 30, 100][malice.below(5)];
                malice.spoil(&mut value, one_in, 0);
                write(&value)
            }
            Err(_) => cut(body, body.len() / 2),
        },
    }
}

/// A stream of bad ideas.
struct Malice(u64);

impl Malice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37);
        usize::try_from(scramble(self.0) % end.max(1) as u64).unwrap_or(0)
    }

    fn text(&mut self) -> String {
        match self.below(TEXTS.len() + 2) {
            0 => "x".repeat(10_000),
            1 => TEXTS.concat(),
            place => TEXTS[place - 2].to_owned(),
        }
    }

    fn number(&mut self) -> Value {
        let number = NUMBERS[self.below(NUMBERS.len())];
        // Real servers send some numbers as texts, too.
        let mark = if self.below(3) == 0 { "" } else { MARK };
        json!(format!("{mark}{number}"))
    }

    fn anything(&mut self) -> Value {
        match self.below(8) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!([]),
            3 => json!({}),
            4 => json!([[self.text()], {"vmid": [1]}]),
            5 | 6 => self.number(),
            _ => json!(self.text()),
        }
    }

    /// Spoils one value in so many, wherever it stands below the envelope.
    fn spoil(&mut self, value: &mut Value, one_in: usize, depth: usize) {
        if depth > 0 && self.below(one_in) == 0 {
            // Mostly what it was, as a worse one of its kind.
            let alike = self.below(4) > 0;
            *value = if alike && value.is_number() {
                self.number()
            } else if alike && value.is_string() {
                json!(self.text())
            } else {
                self.anything()
            };
            return;
        }
        match value {
            Value::Array(rows) => {
                for row in rows {
                    self.spoil(row, one_in, depth + 1);
                }
            }
            Value::Object(fields) => self.spoil_fields(fields, one_in, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn spoil_fields(&mut self, fields: &mut Map<String, Value>, one_in: usize, depth: usize) {
        for (_, value) in fields.iter_mut() {
            self.spoil(value, one_in, depth + 1);
        }
        if depth == 0 {
            return;
        }
        if self.below(one_in * 4) == 0
            && let Some(name) = fields.keys().nth(self.below(fields.len())).cloned()
        {
            fields.remove(&name);
        }
        if self.below(one_in * 4) == 0 {
            let (name, value) = (self.text(), self.anything());
            fields.insert(name, value);
        }
        if self.below(one_in * 4) == 0
            && let Some(name) = fields.keys().nth(self.below(fields.len())).cloned()
            && let Some(value) = fields.remove(&name)
        {
            fields.insert(format!("{name}{}", self.text()), value);
        }
    }
}

/// Repeats the rows of a list.
fn lengthen(value: &mut Value, weight: usize) {
    if let Some(rows) = value["data"].as_array_mut().filter(|rows| !rows.is_empty()) {
        let most = ROWS.min(WEIGHT / weight.max(1) * rows.len());
        let rest: Vec<Value> = rows.iter().cycle().take(most).cloned().collect();
        rows.extend(rest);
    }
}

fn cut(body: &str, mut at: usize) -> String {
    while !body.is_char_boundary(at) {
        at -= 1;
    }
    body[..at].to_owned()
}

/// Writes a value with the numbers that no value can hold.
fn write(value: &Value) -> String {
    let text = value.to_string();
    let quoted = format!("\"{MARK}");
    let mut parts = text.split(&quoted);
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('"').unwrap_or((part, ""));
        written.push_str(number);
        written.push_str(rest);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    const HONEST: &str =
        r#"{"data":[{"vmid":101,"name":"web","cpu":0.5,"id":"qemu/101"},{"vmid":102}]}"#;

    #[test]
    fn the_same_seed_twists_alike_and_seeds_differ() {
        let twisted: Vec<String> = (0..200).map(|seed| twist(HONEST, scramble(seed))).collect();
        let again: Vec<String> = (0..200).map(|seed| twist(HONEST, scramble(seed))).collect();
        assert_eq!(twisted, again);
        let different: std::collections::BTreeSet<&String> = twisted.iter().collect();
        // So short an answer comes through whole now and then.
        assert!(different.len() > 50, "{}", different.len());
    }

    #[test]
    fn numbers_beyond_all_measure_are_written_bare() {
        let value = json!({ "data": [format!("{MARK}1e309"), format!("{MARK}-0"), "text"] });
        assert_eq!(write(&value), r#"{"data":[1e309,-0,"text"]}"#);
    }

    #[test]
    fn an_answer_that_is_no_json_is_cut() {
        assert!((0..50).all(|seed| twist("täxt", scramble(seed)) != "täxt"));
    }
}
