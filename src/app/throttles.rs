//! The throttles in the pools' comments, as far as they are read.

use std::time::Duration;

use super::detail;
use super::effect::{Effect, Query, Ticket};
use super::remote::Remote;
use super::state::State;
use crate::domain::admission::made_since;
use crate::domain::alert::ThrottledProject;
use crate::domain::failure::Failure;
use crate::domain::pool::Pool;
use crate::domain::project::Project;
use crate::domain::throttle::{Found, find};
use crate::domain::time::Moment;

/// Pools are read again after so long: one question for all of them.
const LIVE: Duration = Duration::from_mins(5);

/// What the pools' comments say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Throttles(Remote<Vec<Pool>>);

impl Throttles {
    /// Returns the throttle of a project; absent while its pool's comment is not known.
    pub fn of(&self, project: &Project) -> Option<Found> {
        let pools = self.0.value()?;
        let pool = pools
            .iter()
            .find(|pool| pool.name == *project.marker_pool())?;
        let comment = pool.comment.as_ref().map_or("", |comment| comment.raw());
        Some(find(comment))
    }

    /// Returns the throttle of a project, or why it is not known, for the enforcement plan.
    pub(super) fn judged(&self, project: &Project) -> Result<Found, String> {
        if let Some(failure) = self.0.failure() {
            return Err(failure.to_string());
        }
        self.of(project)
            .ok_or_else(|| "the account is not shown this pool".to_owned())
    }

    /// Tells whether they were read after a moment, or cannot be.
    pub(super) fn is_settled_since(&self, moment: Moment) -> bool {
        let answered = self.0.answer().is_some_and(|answer| answer.read >= moment);
        let failed = self.0.dated_failure();
        answered || failed.is_some_and(|failure| failure.read >= moment)
    }

    /// Notes that a throttle has changed.
    pub(super) fn outdate(&mut self) {
        self.0.outdate();
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: Result<Vec<Pool>, Failure>,
    ) {
        self.0.settle(ticket, now, result);
    }
}

impl State {
    /// Returns the projects whose throttle is known, with the guests that were made under it.
    pub(super) fn throttled_projects(&self) -> Vec<ThrottledProject> {
        let Some(resources) = self.inventory.resources.value() else {
            return Vec::new();
        };
        let guests = resources.guests.iter().map(|seen| &seen.guest);
        let divided = self.setting.rules.projects.divide(guests).into_iter();
        divided
            .filter_map(|(project, members)| {
                let found = self.throttles.of(project)?;
                let born = members.into_iter().map(|guest| {
                    // What was made from here was made with the throttle overridden.
                    let origin = self.usage.origin(guest.vmid);
                    let birth = origin.filter(|origin| !origin.ours);
                    (guest.to_ref(), birth.and_then(|origin| origin.birth))
                });
                let made_since = match found.marker() {
                    Some(marker) => made_since(marker, born),
                    None => Vec::new(),
                };
                Some(ThrottledProject {
                    project: project.name().to_owned(),
                    pool: project.marker_pool().clone(),
                    found,
                    made_since,
                })
            })
            .collect()
    }

    /// Asks for the pools, where any project has one and it is time.
    pub(super) fn ask_for_pools(&mut self, effects: &mut Vec<Effect>) {
        let has_projects = self.setting.rules.projects.iter().next().is_some();
        if has_projects && detail::is_due(&self.throttles.0, self.now.moment, LIVE) {
            let ticket = self.next_ticket();
            self.throttles.0.ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Pools));
        }
    }
}
