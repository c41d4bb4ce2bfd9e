//! Starting, stopping and holding a guest.

use std::fmt;

use super::call::Call;
use crate::domain::guest::GuestRef;
use crate::domain::id::GuestKind;
use crate::domain::permission::Need;

/// What is done to a guest's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PowerAction {
    /// Starts it; a suspended guest resumes.
    Start,
    /// Asks its operating system to shut down.
    Shutdown,
    /// Takes its power away.
    Stop,
    /// Shuts it down and starts it again, which applies pending changes.
    Reboot,
    /// Presses its reset button.
    Reset,
    /// Halts its processors; its memory stays.
    Suspend,
    /// Lets a paused or suspended guest go on.
    Resume,
}

impl PowerAction {
    /// Every action, the gentle ones before the hard ones.
    pub const ALL: [Self; 7] = [
        Self::Start,
        Self::Shutdown,
        Self::Reboot,
        Self::Suspend,
        Self::Resume,
        Self::Reset,
        Self::Stop,
    ];

    /// Returns the word of the command line and of the API's path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Shutdown => "shutdown",
            Self::Stop => "stop",
            Self::Reboot => "reboot",
            Self::Reset => "reset",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
        }
    }

    /// Tells whether it cuts off what runs in the guest, so that it wants a confirmation.
    pub const fn interrupts(self) -> bool {
        match self {
            Self::Shutdown | Self::Stop | Self::Reboot | Self::Reset | Self::Suspend => true,
            Self::Start | Self::Resume => false,
        }
    }

    /// Tells whether a time limit means anything to it.
    pub const fn takes_timeout(self) -> bool {
        matches!(self, Self::Shutdown | Self::Reboot)
    }
}

impl fmt::Display for PowerAction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A change of a guest's power.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    guest: GuestRef,
    action: PowerAction,
    timeout_seconds: Option<u32>,
    overrules_shutdown: bool,
    ha_managed: bool,
}

impl Power {
    pub(in crate::domain) fn new(
        guest: GuestRef,
        action: PowerAction,
        timeout_seconds: Option<u32>,
        overrules_shutdown: bool,
        ha_managed: bool,
    ) -> Self {
        Self {
            guest,
            action,
            timeout_seconds: timeout_seconds.filter(|_| action.takes_timeout()),
            // The high-availability manager knows no such thing and refuses the parameter.
            overrules_shutdown: overrules_shutdown && action == PowerAction::Stop && !ha_managed,
            ha_managed,
        }
    }

    pub(super) fn call(&self) -> Call {
        Call::on(&self.guest, "POST", &format!("/status/{}", self.action))
            .with_some("timeout", self.timeout_seconds)
            .with_some("overrule-shutdown", self.overrules_shutdown.then_some(1))
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        vec![Need::on_guest("VM.PowerMgmt", self.guest.vmid)]
    }

    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Returns what is done.
    pub fn action(&self) -> PowerAction {
        self.action
    }

    /// Returns for how long a shutdown may take; absent: as long as the server grants.
    pub fn timeout_seconds(&self) -> Option<u32> {
        self.timeout_seconds
    }

    /// Tells whether a running shutdown is given up for it.
    pub fn overrules_shutdown(&self) -> bool {
        self.overrules_shutdown
    }

    /// Tells whether the cluster's high availability manages the guest: it is then only asked.
    pub fn is_ha_managed(&self) -> bool {
        self.ha_managed
    }

    /// Returns the types of the tasks that the server may make of it.
    pub fn task_kinds(&self) -> &'static [&'static str] {
        let is_qemu = self.guest.kind == GuestKind::Qemu;
        match self.action {
            PowerAction::Start if is_qemu => &["qmstart", "hastart"],
            PowerAction::Start => &["vzstart", "hastart"],
            PowerAction::Shutdown if is_qemu => &["qmshutdown", "hastop"],
            PowerAction::Shutdown => &["vzshutdown", "hastop"],
            PowerAction::Stop if is_qemu => &["qmstop", "hastop"],
            PowerAction::Stop => &["vzstop", "hastop"],
            PowerAction::Reboot if is_qemu => &["qmreboot"],
            PowerAction::Reboot => &["vzreboot"],
            PowerAction::Reset => &["qmreset"],
            PowerAction::Suspend if is_qemu => &["qmpause", "qmsuspend"],
            PowerAction::Suspend => &["vzsuspend"],
            PowerAction::Resume if is_qemu => &["qmresume"],
            PowerAction::Resume => &["vzresume"],
        }
    }
}
