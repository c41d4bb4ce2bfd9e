//! What a form that makes guests knows of the throttles of the projects that they may join.

use std::collections::BTreeMap;

use super::form::{Form, Input, Item, Preview, Switch, Weight};
use super::purpose::ask;
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::domain::admission::{JoinedProject, Throttle};
use crate::domain::failure::Failure;
use crate::domain::id::PoolName;
use crate::domain::project::Project;
use crate::domain::request::Field;
use crate::domain::text::Text;
use crate::domain::time::Moment;

/// What is said while a throttle is not overridden.
const NOT_OVERRIDDEN: &str = "no new guests unless this is switched on";

/// The comments of the pools that hold throttles, each read once while the form is open.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Throttles {
    comments: BTreeMap<PoolName, Remote<Option<Text>>>,
}

impl Throttles {
    /// Says what is known of a project; what is not known yet is asked for next.
    pub(super) fn of(&mut self, project: Option<&Project>) -> Option<JoinedProject> {
        let project = project?;
        let pool = project.marker_pool().clone();
        let comment = self.comments.entry(pool).or_default();
        let throttle = match (comment.value(), comment.failure()) {
            (_, Some(failure)) => Throttle::Unreadable(failure.clone()),
            (Some(comment), None) => Throttle::of(Ok(comment.as_ref())),
            (None, None) => Throttle::Unread,
        };
        Some(JoinedProject::new(project, throttle))
    }

    pub(super) fn questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        self.comments
            .iter_mut()
            .filter(|(_, comment)| comment.is_open() && !comment.is_pending())
            .map(|(pool, comment)| ask(comment, Query::PoolComment(pool.clone()), next))
            .collect()
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<Option<Text>, Failure>,
    ) {
        for comment in self.comments.values_mut() {
            comment.settle(ticket, now, result.clone());
        }
    }
}

/// Offers to override a throttle where there is one; tells whether that is chosen.
///
/// What was chosen for one project counts for no other.
pub(super) fn offer_override(form: &mut Form, project: Option<&JoinedProject>) -> bool {
    let Some(project) = project.filter(|project| project.can_be_overridden()) else {
        form.remove(Field::Throttle);
        return false;
    };
    let text = format!("override that of {}, which is logged", project.name);
    let is_offered =
        matches!(form.input(Field::Throttle), Some(Input::Switch(switch)) if switch.text == text);
    if !is_offered {
        form.remove(Field::Throttle);
        let item = Item::switch(Field::Throttle, "throttle", Switch::new(text, false));
        form.insert_after(Field::Pool, item);
    }
    form.is_on(Field::Throttle)
}

/// Says in the preview what stands in the way of new guests, and at the field what is missing.
pub(super) fn tell(form: &mut Form, project: Option<&JoinedProject>) {
    let Some(project) = project.filter(|project| project.can_be_overridden()) else {
        return;
    };
    let reason = project.refusal();
    form.preview
        .extend(reason.map(|reason| Preview::new("throttle", reason, Weight::Warning)));
    if let Err(objections) = &mut form.checked {
        for objection in objections {
            if objection.field == Field::Throttle {
                // The reason stands above.
                NOT_OVERRIDDEN.clone_into(&mut objection.reason);
            }
        }
    }
}
