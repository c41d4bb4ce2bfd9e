//! One reading of the cluster's guests, for commands that need it once.

use chrono::{DateTime, Utc};

use super::connect::Session;
use crate::domain::guest::Guest;
use crate::domain::inventory::{Node, Resources, Storage};
use crate::domain::time::Moment;
use crate::proxmox::{Client, Error};
use crate::runtime::Clock;

/// What the cluster said, and when.
#[derive(Debug)]
pub(super) struct Reading {
    /// The guests in the order of their numbers.
    pub(super) guests: Vec<Guest>,
    /// The nodes in the order of their names.
    pub(super) nodes: Vec<Node>,
    /// The storages, a shared one once.
    pub(super) storages: Vec<Storage>,
    /// How many rows made no sense and were left out.
    pub(super) rejected: usize,
    /// The calendar when the answer had come.
    pub(super) time: DateTime<Utc>,
    read: Moment,
    clock: Clock,
}

impl Reading {
    /// Asks the cluster for all its guests.
    pub(super) async fn take(session: &Session) -> Result<Self, Error> {
        let clock = Clock::start();
        let rows = session.client.cluster().resources().await?;
        let mut guests = rows.guests;
        guests.sort_by_key(|guest| guest.vmid);
        guests.dedup_by_key(|guest| guest.vmid);
        let now = clock.now();
        Ok(Self {
            guests,
            nodes: rows.nodes,
            storages: rows.storages,
            rejected: rows.rejected,
            time: now.wall,
            read: now.moment,
            clock,
        })
    }

    /// Returns the same as the checks of a wish want it.
    pub(super) fn resources(&self) -> Resources {
        Resources {
            guests: Resources::dated(self.guests.clone(), None, self.read),
            nodes: self.nodes.clone(),
            storages: self.storages.clone(),
            rejected: self.rejected,
        }
    }

    /// Returns the server's calendar when the answer had come.
    pub(super) fn server_time(&self, client: &Client) -> DateTime<Utc> {
        let skew = client.cost().clock_skew.unwrap_or_default();
        self.time.checked_add_signed(skew).unwrap_or(self.time)
    }

    /// Returns how many seconds ago the answer came.
    pub(super) fn age_seconds(&self) -> u64 {
        self.clock.moment().since(self.read).as_secs()
    }
}
