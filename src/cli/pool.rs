//! The pool that a new guest joins, as `--project` names it.

use super::complaint::Refusal;
use crate::domain::project::{Membership, NO_PROJECT, Projects};
use crate::domain::request::PoolChoice;
use crate::domain::text::clean;

/// Chooses the pool that a new guest joins; without a project that of its source.
pub(super) fn of_project(
    project: Option<&str>,
    projects: &Projects,
) -> Result<PoolChoice, Refusal> {
    let Some(name) = project else {
        return Ok(PoolChoice::OfSource);
    };
    if name == NO_PROJECT {
        return Ok(PoolChoice::None);
    }
    let project = projects.find(name).ok_or_else(|| {
        Refusal::new(
            "UnknownProject",
            format!("the config has no project {}", clean(name)),
            "`proxdeck quota` shows the projects; --project none is for a guest without one",
        )
    })?;
    match &project.membership {
        Membership::Pool(pool) => Ok(PoolChoice::Named(pool.clone())),
        Membership::Match { .. } => Err(Refusal::new(
            "Refused",
            format!(
                "project {} finds its guests by `match`; it has no pool that a guest could join",
                project.name()
            ),
            "leave --project out, or write --project none",
        )),
    }
}
