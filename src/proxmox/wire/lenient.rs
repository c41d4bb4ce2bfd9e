//! Lenient decoding: numbers that come as strings, flags that come as numbers, fields that come
//! as nothing.
//!
//! Proxmox answers are made by Perl, which forgets the difference (API.md §1, PITFALLS 7). A field
//! of the wrong type is an absent field here, never the end of a list of a thousand rows.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// A value that can be made of whatever scalar the server chose to send.
pub(crate) trait FromScalar<'de>: Sized {
    /// Makes it of a whole number.
    fn from_u64(number: u64) -> Option<Self>;
    /// Makes it of a number.
    fn from_f64(number: f64) -> Option<Self>;
    /// Makes it of a string.
    fn from_text(text: &str) -> Option<Self>;
    /// Makes it of a string that lives as long as the answer.
    fn from_answer(text: &'de str) -> Option<Self> {
        Self::from_text(text)
    }
}

impl FromScalar<'_> for u64 {
    fn from_u64(number: u64) -> Option<Self> {
        Some(number)
    }

    fn from_f64(number: f64) -> Option<Self> {
        // Above 2^53 a float no longer holds every whole number; such sizes do not exist.
        (0.0..=9_007_199_254_740_992.0)
            .contains(&number)
            .then_some(number as u64)
    }

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        text.parse()
            .ok()
            .or_else(|| f64::from_text(text).and_then(Self::from_f64))
    }
}

impl FromScalar<'_> for f64 {
    fn from_u64(number: u64) -> Option<Self> {
        Some(number as f64)
    }

    fn from_f64(number: f64) -> Option<Self> {
        number.is_finite().then_some(number)
    }

    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok().and_then(Self::from_f64)
    }
}

impl FromScalar<'_> for bool {
    fn from_u64(number: u64) -> Option<Self> {
        Some(number != 0)
    }

    fn from_f64(number: f64) -> Option<Self> {
        Some(number != 0.0)
    }

    fn from_text(text: &str) -> Option<Self> {
        match text.trim() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" | "" => Some(false),
            _ => None,
        }
    }
}

impl FromScalar<'_> for String {
    fn from_u64(number: u64) -> Option<Self> {
        Some(number.to_string())
    }

    fn from_f64(number: f64) -> Option<Self> {
        Some(number.to_string())
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// A text of a long list, copied only where it holds escapes.
impl<'de> FromScalar<'de> for Cow<'de, str> {
    fn from_u64(number: u64) -> Option<Self> {
        String::from_u64(number).map(Cow::Owned)
    }

    fn from_f64(number: f64) -> Option<Self> {
        String::from_f64(number).map(Cow::Owned)
    }

    fn from_text(text: &str) -> Option<Self> {
        String::from_text(text).map(Cow::Owned)
    }

    fn from_answer(text: &'de str) -> Option<Self> {
        Some(Cow::Borrowed(text))
    }
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<'de, T: FromScalar<'de>> Visitor<'de> for ScalarVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(T::from_u64(u64::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(T::from_u64(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(match u64::try_from(value) {
            Ok(value) => T::from_u64(value),
            Err(_) => T::from_f64(value as f64),
        })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(T::from_f64(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(T::from_text(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(T::from_answer(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Decodes a scalar of any type; what does not fit is absent.
pub(crate) fn scalar<'de, D: Deserializer<'de>, T: FromScalar<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(ScalarVisitor(PhantomData))
}

/// Decodes a flag; absent and unreadable are `false`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(scalar(deserializer)?.unwrap_or(false))
}

/// An answer that is one scalar; what does not fit is absent.
#[derive(Debug)]
pub(crate) struct Scalar<T>(pub(crate) Option<T>);

impl<'de, T: FromScalar<'de>> Deserialize<'de> for Scalar<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar(deserializer).map(Self)
    }
}

/// Decodes an object within an answer; anything else is absent.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Row::deserialize(deserializer).map(|Row(object)| object)
}

/// Decodes a list of objects within an answer; anything else is absent.
pub(crate) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<Rows<T>>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value
        .is_array()
        .then(|| serde_json::from_value(value).ok())
        .flatten())
}

/// A list of objects in which what is no object is counted and left out.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    /// The rows that are objects.
    pub(crate) rows: Vec<T>,
    /// How many entries were not.
    pub(crate) rejected: usize,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Rows {
            rows: Vec::new(),
            rejected: 0,
        };
        each_row(deserializer, |row| match row {
            Some(row) => list.rows.push(row),
            None => list.rejected += 1,
        })?;
        Ok(list)
    }
}

/// Hands on each entry of a list as it is read; what is no object is nothing.
pub(crate) fn each_row<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    take: impl FnMut(Option<T>),
) -> Result<(), D::Error> {
    struct ListVisitor<T, F>(F, PhantomData<T>);

    impl<'de, T: Deserialize<'de>, F: FnMut(Option<T>)> Visitor<'de> for ListVisitor<T, F> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(Row(row)) = seq.next_element()? {
                (self.0)(row);
            }
            Ok(())
        }
    }

    deserializer.deserialize_seq(ListVisitor(take, PhantomData))
}

/// Hands on each entry of an object as it is read.
pub(crate) fn each_entry<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    take: impl FnMut(Cow<'de, str>, T),
) -> Result<(), D::Error> {
    struct EntryVisitor<T, F>(F, PhantomData<T>);

    impl<'de, T: Deserialize<'de>, F: FnMut(Cow<'de, str>, T)> Visitor<'de> for EntryVisitor<T, F> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(Scalar(name)) = map.next_key()? {
                let value = map.next_value()?;
                if let Some(name) = name {
                    (self.0)(name, value);
                }
            }
            Ok(())
        }
    }

    deserializer.deserialize_map(EntryVisitor(take, PhantomData))
}

/// An object, or nothing where something else was sent.
pub(super) struct Row<T>(pub(super) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Row<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for RowVisitor<T> {
            type Value = Row<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|row| Row(Some(row)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Row(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Row(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Row(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Row(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Row(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Row(None))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Row(None))
            }
        }

        deserializer.deserialize_any(RowVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "scalar")]
        number: Option<u64>,
        #[serde(default, deserialize_with = "scalar")]
        fraction: Option<f64>,
        #[serde(default, deserialize_with = "flag")]
        flag: bool,
        #[serde(default, deserialize_with = "scalar")]
        text: Option<String>,
    }

    fn number(json: &str) -> Option<u64> {
        serde_json::from_str::<Sample>(&format!("{{\"number\":{json}}}"))
            .unwrap()
            .number
    }

    #[test]
    fn pitfall_07_numbers_are_read_in_every_spelling() {
        assert_eq!(number("100"), Some(100));
        assert_eq!(number("\"100\""), Some(100));
        assert_eq!(number("100.0"), Some(100));
        assert_eq!(number("\" 100 \""), Some(100));
        assert_eq!(number("\"1e3\""), Some(1000));
        assert_eq!(number("true"), Some(1));
        for nothing in [
            "null",
            "\"\"",
            "\"abc\"",
            "-1",
            "-0.5",
            "1e300",
            "\"NaN\"",
            "\"inf\"",
            "[1]",
            "{\"a\":[1]}",
        ] {
            assert_eq!(number(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn pitfall_07_flags_and_texts_are_read_in_every_spelling() {
        let read = |json: &str| serde_json::from_str::<Sample>(json).unwrap();
        for on in ["1", "true", "\"1\"", "\"on\"", "1.0"] {
            assert!(read(&format!("{{\"flag\":{on}}}")).flag, "{on}");
        }
        for off in ["0", "false", "\"0\"", "\"\"", "null", "[]", "\"maybe\""] {
            assert!(!read(&format!("{{\"flag\":{off}}}")).flag, "{off}");
        }
        assert_eq!(read("{\"text\":12}").text.as_deref(), Some("12"));
        assert_eq!(read("{\"text\":null}").text, None);
        assert_eq!(read("{\"fraction\":\"0.10\"}").fraction, Some(0.1));
        assert_eq!(read("{\"fraction\":\"-NaN\"}").fraction, None);
    }

    #[test]
    fn a_row_of_the_wrong_type_costs_only_itself() {
        let json = r#"[{"number":1}, 7, null, "x", [{"number":2}], true, -1, 1.5, {"number":"3","new":{"deep":[1,2]}}]"#;
        let list: Rows<Sample> = serde_json::from_str(json).unwrap();
        let numbers: Vec<_> = list.rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers, [Some(1), Some(3)]);
        assert_eq!(list.rejected, 7);
    }

    #[test]
    fn what_is_no_list_is_no_empty_list() {
        for json in ["null", "{}", "7", "\"\""] {
            assert!(
                serde_json::from_str::<Rows<Sample>>(json).is_err(),
                "{json}"
            );
        }
    }
}
