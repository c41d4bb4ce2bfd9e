//! Which guests of a project use most, found once for each reading and never for a frame.

use crate::domain::guest::{Guest, GuestRef};
use crate::domain::project::Resource;
use crate::domain::quota::Amount;
use crate::domain::time::Moment;
use crate::domain::usage::Account;

/// So many guests are named that use most.
const HEAVIEST: usize = 4;

/// What is known of the guests of a project.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Members {
    oldest: Option<Moment>,
    /// Those that use most of each resource, in the order of [`Resource::ALL`].
    heaviest: [Vec<(GuestRef, Amount)>; Resource::ALL.len()],
}

impl Members {
    /// Looks at accounts, each with the moment in which it was read.
    pub(super) fn of<'a>(read: impl IntoIterator<Item = (&'a Guest, &'a Account, Moment)>) -> Self {
        let mut oldest: Option<Moment> = None;
        let mut ranks = Resource::ALL.map(|_| Vec::<(f64, &Guest, Amount)>::new());
        for (guest, account, at) in read {
            oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
            for (resource, rank) in Resource::ALL.into_iter().zip(&mut ranks) {
                let used = account.used.amount(resource);
                if let Some(value) = used.value().filter(|value| *value > 0.0) {
                    let place = rank.partition_point(|(other, ..)| *other >= value);
                    if place < HEAVIEST {
                        rank.insert(place, (value, guest, used));
                        rank.truncate(HEAVIEST);
                    }
                }
            }
        }
        let named = |rank: Vec<(f64, &Guest, Amount)>| {
            let named = rank.into_iter();
            named
                .map(|(_, guest, used)| (guest.to_ref(), used))
                .collect()
        };
        Self {
            oldest,
            heaviest: ranks.map(named),
        }
    }

    /// Returns when the oldest of their accounts was read.
    pub fn oldest(&self) -> Option<Moment> {
        self.oldest
    }

    /// Returns those that use most of a resource, the heaviest first.
    pub fn heaviest(&self, resource: Resource) -> &[(GuestRef, Amount)] {
        let place = Resource::ALL.iter().position(|each| *each == resource);
        place.map_or(&[], |place| &self.heaviest[place])
    }
}
