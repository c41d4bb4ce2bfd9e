//! Values that are read one by one in the background, each dated for itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::detail;
use super::effect::Ticket;
use super::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::time::{Dated, Moment};

/// Remote values of one kind, by what they are about.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings<K, V> {
    known: BTreeMap<K, Remote<V>>,
    /// What is asked for now: every event wants to know how many, of thousands that are known.
    awaited: BTreeMap<Ticket, K>,
    lifetime: Duration,
}

impl<K: Ord + Clone, V> Readings<K, V> {
    /// Makes room for values that are good for so long.
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            known: BTreeMap::new(),
            awaited: BTreeMap::new(),
            lifetime,
        }
    }

    /// Returns what is known of one.
    pub fn of(&self, key: &K) -> Option<&Remote<V>> {
        self.known.get(key)
    }

    /// Returns every value that was read, with its date.
    pub fn answers(&self) -> impl Iterator<Item = (&K, &Dated<V>)> {
        self.known
            .iter()
            .filter_map(|(key, remote)| Some((key, remote.answer()?)))
    }

    /// Returns why some could not be read.
    pub fn failures(&self) -> impl Iterator<Item = (&K, &Failure)> {
        self.known
            .iter()
            .filter_map(|(key, remote)| Some((key, remote.failure()?)))
    }

    /// Names one that is to be asked for now: what was never read first, then the oldest.
    pub(super) fn due(&self, wanted: impl IntoIterator<Item = K>, now: Moment) -> Option<K> {
        let mut first: Option<(Option<Moment>, K)> = None;
        for key in wanted {
            let read = match self.known.get(&key) {
                Some(remote) if !detail::is_due(remote, now, self.lifetime) => continue,
                Some(remote) => remote.answer().map(|answer| answer.read),
                None => None,
            };
            if read.is_none() {
                return Some(key);
            }
            if first.as_ref().is_none_or(|(best, _)| read < *best) {
                first = Some((read, key));
            }
        }
        first.map(|(_, key)| key)
    }

    /// Notes that one is asked for.
    pub(super) fn ask(&mut self, key: K, ticket: Ticket) {
        self.awaited.retain(|_, other| *other != key);
        self.awaited.insert(ticket, key.clone());
        self.known.entry(key).or_default().ask(ticket);
    }

    /// Returns what a question is about, if it was one of these.
    pub(super) fn asked_by(&self, ticket: Ticket) -> Option<&K> {
        self.awaited.get(&ticket)
    }

    /// Has all of them read again as soon as the budget allows.
    pub(super) fn outdate(&mut self) {
        self.known.values_mut().for_each(Remote::outdate);
    }

    /// Has one of them read again as soon as the budget allows.
    pub(super) fn outdate_one(&mut self, key: &K) {
        if let Some(remote) = self.known.get_mut(key) {
            remote.outdate();
        }
    }

    /// Takes in the result of a question, if it was one of these, and tells which.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: Result<V, Failure>,
    ) -> Option<K> {
        let key = self.awaited.remove(&ticket)?;
        self.known.get_mut(&key)?.settle(ticket, now, result);
        Some(key)
    }

    /// Counts the answers that are awaited.
    pub(super) fn flying(&self) -> usize {
        self.awaited.len()
    }

    /// Forgets what nobody asks about any more.
    pub(super) fn retain(&mut self, exists: impl Fn(&K) -> bool) {
        self.known.retain(|key, _| exists(key));
        self.awaited.retain(|_, key| exists(key));
    }
}
