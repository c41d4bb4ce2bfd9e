//! How a guest that went back to a snapshot is fenced in again.

use std::fmt;

use crate::domain::network::{Foreseen, calls};

/// How a guest whose card comes back otherwise is fenced in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refence {
    /// By what.
    pub by: RefencedBy,
    /// The bridge to which it brings the first card; absent where that is on it already.
    pub bridge: Option<NewBridge>,
    /// What the guest does until then.
    pub meanwhile: Meanwhile,
    /// Whether high availability may start it before that, which no order of ours keeps it from.
    pub may_be_started: bool,
}

/// What fences a guest in again that went back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefencedBy {
    /// A profile, with so many calls.
    Profile(String, usize),
    /// The profile that its own rules name, if they do; nobody looked.
    ItsOwn,
    /// Nothing: its rules name no profile.
    Nothing,
    /// Nobody knows, for this reason.
    Unknown(String),
}

/// To which bridge a profile brings a card that came back on another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewBridge {
    /// To this one.
    Named(String),
    /// To the one that the profile says; nobody looked.
    OfProfile,
}

/// What a guest does between its return and its fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// It runs: its memory resumes at once.
    Runs,
    /// It waits for its start.
    Waits,
    /// It is off, and stays so.
    IsOff,
}

impl RefencedBy {
    pub(super) fn of(foreseen: Option<&Foreseen>) -> Self {
        match foreseen {
            None | Some(Foreseen::Awaited) => Self::ItsOwn,
            Some(Foreseen::Nothing) => Self::Nothing,
            Some(Foreseen::Unknown(reason)) => Self::Unknown(reason.clone()),
            Some(Foreseen::Planned(plan)) => {
                Self::Profile(plan.profile().to_owned(), plan.steps().len())
            }
        }
    }
}

impl Refence {
    /// Tells whether the guest is without its fence for a while, or for good.
    pub fn is_loss(&self) -> bool {
        match self.by {
            RefencedBy::Profile(..) | RefencedBy::ItsOwn => {
                self.meanwhile == Meanwhile::Runs || self.may_be_started
            }
            RefencedBy::Nothing | RefencedBy::Unknown(_) => true,
        }
    }

    fn write_bridge(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bridge {
            None => Ok(()),
            Some(NewBridge::Named(name)) => write!(formatter, "; that moves net0 to {name}"),
            Some(NewBridge::OfProfile) => {
                formatter.write_str("; that moves net0 to the profile's bridge")
            }
        }
    }

    fn write_haste(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.may_be_started {
            formatter.write_str("; high availability may start it before that")
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Refence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, calls) = match &self.by {
            RefencedBy::Profile(name, count) => (
                format!("network profile {name}"),
                format!(" ({})", calls(*count)),
            ),
            RefencedBy::ItsOwn => (
                "the network profile that its rules name, if any,".to_owned(),
                String::new(),
            ),
            RefencedBy::Nothing => {
                return formatter
                    .write_str("its rules name no network profile: it comes back without a fence");
            }
            RefencedBy::Unknown(reason) => {
                write!(formatter, "what fences it in again is not known: {reason}")?;
                return formatter.write_str(match self.meanwhile {
                    Meanwhile::Runs => "; it runs without its fence meanwhile",
                    Meanwhile::Waits => "; it is not started without its fence",
                    Meanwhile::IsOff => "",
                });
            }
        };
        match self.meanwhile {
            Meanwhile::Runs => {
                write!(
                    formatter,
                    "it resumes at once and runs without its fence until {what} is applied again{calls}"
                )?;
                return self.write_bridge(formatter);
            }
            Meanwhile::Waits => {
                write!(formatter, "{what} is applied again before its start{calls}")?;
            }
            Meanwhile::IsOff => {
                write!(formatter, "{what} is applied again once it is back{calls}")?;
            }
        }
        self.write_bridge(formatter)?;
        self.write_haste(formatter)
    }
}
