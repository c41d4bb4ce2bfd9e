//! A record of every request, for tests that ask "what did the client really send?".
//!
//! It refuses to keep secrets: passwords, one-time codes and tokens are blanked before they are stored.

use std::sync::{Mutex, PoisonError};

/// One request as it arrived and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Number of the request, counted from 1 and never reused.
    pub sequence: u64,
    /// HTTP method.
    pub method: String,
    /// Percent-decoded path below `/api2/json`.
    pub path: String,
    /// Query parameters in the order sent.
    pub query: Vec<(String, String)>,
    /// Body parameters in the order sent.
    pub form: Vec<(String, String)>,
    /// Who was authenticated: a user or a full token id.
    pub user: Option<String>,
    /// Status answered; `None` while the request is served or when its connection was cut instead.
    pub status: Option<u16>,
}

/// Keeps every request since the start or the last `clear`.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    list: Vec<Entry>,
}

const SECRETS: [&str; 7] = [
    "password",
    "otp",
    "tfa-challenge",
    "cipassword",
    "confirmation-password",
    "vncticket",
    "value",
];

impl Journal {
    /// Returns all entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.since(0)
    }

    /// Returns the entries whose sequence number is above `sequence`, oldest first.
    pub fn since(&self, sequence: u64) -> Vec<Entry> {
        self.with(|entries| {
            entries
                .list
                .iter()
                .filter(|entry| entry.sequence > sequence)
                .cloned()
                .collect()
        })
    }

    /// Returns how many entries are kept.
    pub fn len(&self) -> usize {
        self.with(|entries| entries.list.len())
    }

    /// Tells whether no entry is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the sequence number of the newest request, 0 before the first.
    pub fn last_sequence(&self) -> u64 {
        self.with(|entries| entries.last)
    }

    /// Forgets all entries; sequence numbers go on.
    pub fn clear(&self) {
        self.with(|entries| entries.list.clear());
    }

    pub(super) fn open(&self, method: &str, path: &str, query: &[(String, String)]) -> u64 {
        self.with(|entries| {
            entries.last += 1;
            entries.list.push(Entry {
                sequence: entries.last,
                method: method.to_owned(),
                path: path.to_owned(),
                query: without_secrets(query),
                form: Vec::new(),
                user: None,
                status: None,
            });
            entries.last
        })
    }

    pub(super) fn describe(&self, sequence: u64, form: &[(String, String)]) {
        self.change(sequence, |entry| entry.form = without_secrets(form));
    }

    pub(super) fn identify(&self, sequence: u64, user: Option<String>) {
        self.change(sequence, |entry| entry.user = user);
    }

    pub(super) fn answered(&self, sequence: u64, status: u16) {
        self.change(sequence, |entry| entry.status = Some(status));
    }

    fn change(&self, sequence: u64, change: impl FnOnce(&mut Entry)) {
        self.with(|entries| {
            if let Ok(index) = entries
                .list
                .binary_search_by_key(&sequence, |entry| entry.sequence)
            {
                change(&mut entries.list[index]);
            }
        });
    }

    fn with<R>(&self, look: impl FnOnce(&mut Entries) -> R) -> R {
        look(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn without_secrets(pairs: &[(String, String)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| {
            let hidden = SECRETS.contains(&name.as_str());
            (
                name.clone(),
                if hidden {
                    "***".to_owned()
                } else {
                    value.clone()
                },
            )
        })
        .collect()
}
