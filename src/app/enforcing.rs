//! The enforcement plan on the screen: made from what is known, and carried out when confirmed.

use std::collections::BTreeMap;

use super::dialogs::{Dialog, EnforceDialog, GuestDetail};
use super::state::State;
use crate::domain::enforcement::{EnforcementPlan, Member, ProjectCase, plan};
use crate::domain::id::Vmid;
use crate::domain::inventory::{Resources, SeenGuest};
use crate::domain::project::{Project, Window};
use crate::domain::quota::since_boot;
use crate::domain::usage::{Accounting, ProjectStanding, UsageReadings};

/// What the snapshots before the shutdowns need to know of a guest.
pub(super) type Details = BTreeMap<Vmid, GuestDetail>;

impl State {
    /// Opens the plan; the throttles are read anew for it.
    pub(super) fn open_enforcement(&mut self) {
        self.throttles.outdate();
        let read_only = self.setting.read_only;
        let dialog = EnforceDialog::new(self.now.moment, read_only);
        self.dialogs.push(Dialog::Enforce(Box::new(dialog)));
    }

    /// Makes the plan from what is known now.
    pub(super) fn enforcement_plan(
        &self,
        resources: &Resources,
        details: &Details,
    ) -> EnforcementPlan {
        let rules = &self.setting.rules;
        let guests = resources.guests.iter().map(|seen| &seen.guest);
        let divided = rules.projects.divide(guests);
        let readings = self.usage_readings(resources);
        let cases: Vec<ProjectCase<'_>> = divided
            .into_iter()
            .map(|(project, members)| ProjectCase {
                project,
                standing: self.judged(project),
                throttle: self.throttles.judged(project),
                members: members
                    .into_iter()
                    .filter_map(|guest| resources.guest(guest.vmid))
                    .map(|seen| self.member(seen, &readings, details))
                    .collect(),
            })
            .collect();
        plan(
            &cases,
            &rules.enforcement,
            Some(resources),
            self.server_time(),
        )
    }

    /// Returns how a project stands, or why nobody can tell.
    fn judged(&self, project: &Project) -> Result<&ProjectStanding, String> {
        let standing = self
            .usage
            .project(project.name())
            .ok_or_else(|| "its use is not known".to_owned())?;
        let by_month = standing.window == Window::Month;
        let counts = self.setting.rules.accounting == Accounting::History;
        if by_month && counts && self.quota_zone().known().is_none() {
            return Err(
                "nobody knows when its month begins: write timezone = \"Europe/Berlin\" or the like \
                 in [quota]"
                    .to_owned(),
            );
        }
        if standing.unread > 0 {
            return Err(format!(
                "{} of its {} guests are not read yet",
                standing.unread, standing.guests
            ));
        }
        Ok(standing)
    }

    fn member<'a>(
        &'a self,
        seen: &'a SeenGuest,
        readings: &UsageReadings,
        details: &'a Details,
    ) -> Member<'a> {
        let guest = &seen.guest;
        let detail = details.get(&guest.vmid);
        let mut running = self.known_tasks().iter();
        let task =
            running.find(|task| task.state.is_running() && task.upid.vmid() == Some(guest.vmid));
        Member {
            vouched: !self.is_stale(seen),
            used: Some(match self.setting.rules.accounting {
                Accounting::History => readings.used_by(guest),
                Accounting::SinceBoot => since_boot(guest),
            }),
            task: task.map(|task| task.upid.kind()),
            config: detail.and_then(|detail| detail.config.value()),
            refuses_snapshots: detail.and_then(GuestDetail::refusal),
            ..Member::new(guest, self.setting.rules.selection.manages(guest))
        }
    }
}
