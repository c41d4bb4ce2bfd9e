//! What a person chose on the screen and finds again at the next start.
//!
//! Only how things look is here; nothing that decides about a guest.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The order of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortOrder {
    /// The column's name.
    pub column: String,
    /// Whether the largest comes first.
    #[serde(default)]
    pub reverse: bool,
}

/// The choices; each is optional, and one that makes no sense counts as not made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// The theme's name; the config and `--theme` win over it.
    #[serde(
        deserialize_with = "leniently",
        skip_serializing_if = "Option::is_none"
    )]
    pub theme: Option<String>,
    /// The cluster that was shown last.
    #[serde(
        deserialize_with = "leniently",
        skip_serializing_if = "Option::is_none"
    )]
    pub cluster: Option<String>,
    /// The view that was open, by its number.
    #[serde(
        deserialize_with = "leniently",
        skip_serializing_if = "Option::is_none"
    )]
    pub view: Option<u8>,
    /// The order of the table of guests.
    #[serde(
        deserialize_with = "leniently",
        skip_serializing_if = "Option::is_none"
    )]
    pub sort: Option<SortOrder>,
    /// The span of the history graphs, by its name.
    #[serde(
        deserialize_with = "leniently",
        skip_serializing_if = "Option::is_none"
    )]
    pub history: Option<String>,
    /// Whether a pane filled the screen.
    #[serde(
        deserialize_with = "leniently",
        skip_serializing_if = "Option::is_none"
    )]
    pub zoom: Option<bool>,
    /// What another version keeps here; it is written back as it was.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// Takes a value of the wrong type for none.
fn leniently<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}
