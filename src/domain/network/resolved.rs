//! What names of hosts resolved to, and when.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

/// What names of hosts resolved to, all asked at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    time: DateTime<Utc>,
    names: BTreeMap<String, Result<Vec<IpAddr>, String>>,
}

impl Resolved {
    /// Makes the answers of one time, by the server's clock; without names nothing is known.
    pub fn new(time: DateTime<Utc>) -> Self {
        Self {
            time,
            names: BTreeMap::new(),
        }
    }

    /// Adds what came of a name: its addresses of both families, or why there is no answer.
    #[must_use]
    pub fn with(mut self, name: &str, answer: Result<Vec<IpAddr>, String>) -> Self {
        let answer = answer.map(|addresses| {
            // Filters of name servers answer with nowhere, and some with IPv4 in disguise.
            let addresses = addresses.into_iter().map(|address| address.to_canonical());
            let mut real: Vec<IpAddr> = addresses.filter(|each| !each.is_unspecified()).collect();
            real.sort_unstable();
            real.dedup();
            real
        });
        self.names.insert(name.to_ascii_lowercase(), answer);
        self
    }

    /// Returns when the names were asked for.
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// Tells whether a name was asked for, whatever came of it.
    pub fn knows(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Returns the addresses of a name, in their order and each once, or why there are none.
    ///
    /// # Errors
    ///
    /// A name that was not asked for, has no answer or no address is told of in words.
    pub fn addresses(&self, name: &str) -> Result<&[IpAddr], String> {
        match self.names.get(name) {
            None => Err(format!("{name} was not resolved")),
            Some(Err(reason)) => Err(format!("{name} does not resolve: {reason}")),
            Some(Ok(addresses)) if addresses.is_empty() => {
                Err(format!("{name} resolves to no address"))
            }
            Some(Ok(addresses)) => Ok(addresses),
        }
    }
}
