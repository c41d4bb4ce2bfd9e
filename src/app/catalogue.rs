//! The templates of the catalogue, what is true of them on the cluster, and where the cursor is.

use crate::domain::guest::Guest;
use crate::domain::inventory::Resources;
use crate::domain::request::refuses_template;
use crate::domain::template::Template;

/// The state of the list; the cursor is a name, never a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CataloguePane {
    cursor: Option<String>,
}

/// What the cluster has under the number of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Reality<'a> {
    /// The cluster was not read yet.
    Unread,
    /// No guest has the number, or the account may not see it.
    Missing,
    /// There is a guest, but guests cannot be made from it, for this reason.
    Unfit(&'a Guest, String),
    /// There is a template.
    Fit(&'a Guest),
}

impl CataloguePane {
    /// Returns the row of the cursor.
    pub fn row(&self, templates: &[Template]) -> usize {
        templates
            .iter()
            .position(|template| Some(&template.name) == self.cursor.as_ref())
            .unwrap_or(0)
    }

    pub(super) fn move_by(&mut self, templates: &[Template], rows: isize) {
        let last = templates.len().saturating_sub(1);
        let row = self.row(templates).saturating_add_signed(rows).min(last);
        self.cursor = templates.get(row).map(|template| template.name.clone());
    }
}

/// Looks what the cluster has under the number of a template.
pub fn reality<'a>(template: &Template, resources: Option<&'a Resources>) -> Reality<'a> {
    let Some(resources) = resources else {
        return Reality::Unread;
    };
    let Some(seen) = resources.guest(template.vmid) else {
        return Reality::Missing;
    };
    match refuses_template(&seen.guest) {
        Some(reason) => Reality::Unfit(&seen.guest, reason),
        None => Reality::Fit(&seen.guest),
    }
}
