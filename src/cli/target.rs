//! Guests as they are named on the command line: `104`, or `104=agent-build-4` to be sure.

use std::str::FromStr;

use super::complaint::Refusal;
use crate::domain::guest::Guest;
use crate::domain::id::{InvalidId, Vmid};
use crate::domain::text::clean;

/// A guest as named: its number, and what its name is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    vmid: Vmid,
    name: Option<String>,
}

impl FromStr for Target {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (vmid, name) = match text.split_once('=') {
            Some((vmid, name)) => (vmid, Some(name.to_owned())),
            None => (text, None),
        };
        Ok(Self {
            vmid: vmid.parse()?,
            name,
        })
    }
}

impl Target {
    /// Refuses a number alone: what nobody confirms by hand names its guest twice.
    ///
    /// A name was also given when it only says that there is none.
    pub(super) fn require_name(&self) -> Result<(), Refusal> {
        if self.name.is_some() {
            return Ok(());
        }
        Err(Refusal::new(
            "Usage",
            "with --yes the guest's name has to be written behind its number",
            "write VMID=NAME; a guest without a name is VMID=",
        ))
    }

    /// Finds the guest, and makes sure that it has the name that was given.
    ///
    /// `104=` says that the guest has no name.
    pub(super) fn find<'a>(&self, guests: &'a [Guest]) -> Result<&'a Guest, Refusal> {
        let vmid = self.vmid;
        let guest = guests
            .iter()
            .find(|guest| guest.vmid == vmid)
            .ok_or_else(|| {
                Refusal::new(
                    "UnknownGuest",
                    format!("there is no guest {vmid}, or this account may not see it"),
                    "`proxdeck list` shows every guest with its number",
                )
            })?;
        let Some(said) = &self.name else {
            return Ok(guest);
        };
        let advice = format!("write {vmid} alone, or its name as `proxdeck list {vmid}` shows it");
        match &guest.name {
            Some(name) if name.raw() == said || name.to_string() == *said => Ok(guest),
            Some(_) | None if said.is_empty() && guest.to_ref().is_nameless() => Ok(guest),
            Some(name) => Err(Refusal::new(
                "WrongName",
                format!("guest {vmid} is called {name}, not {}", shown(said)),
                advice,
            )),
            None => Err(Refusal::new(
                "WrongName",
                format!(
                    "the name of guest {vmid} is not known, so it cannot be {}",
                    shown(said)
                ),
                advice,
            )),
        }
    }
}

fn shown(name: &str) -> String {
    match clean(name).as_str() {
        "" => "nameless".to_owned(),
        name => name.to_owned(),
    }
}

/// Finds all guests named, each once, in the order in which they were named.
pub(super) fn find_all<'a>(
    targets: &[Target],
    guests: &'a [Guest],
) -> Result<Vec<&'a Guest>, Refusal> {
    let mut found: Vec<&Guest> = Vec::with_capacity(targets.len());
    for target in targets {
        let guest = target.find(guests)?;
        if found.iter().any(|earlier| earlier.vmid == guest.vmid) {
            return Err(Refusal::new(
                "Usage",
                format!("guest {} is named twice", guest.vmid),
                "name each guest once",
            ));
        }
        found.push(guest);
    }
    Ok(found)
}
