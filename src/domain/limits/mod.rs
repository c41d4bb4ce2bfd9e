//! The limits of a guest, and whether it breaks them.
//!
//! [`violations`] judges the present figures alone; [`LimitTracker`] adds how long and the way back
//! (sustain and hysteresis). Neither reads a clock, asks who is managed, or tells anybody.

use std::fmt;
use std::time::Duration;

mod tracker;

pub use tracker::{LimitTracker, Phase, StandingViolation};

use super::guest::{Figures, Guest, Status};
use super::id::GuestKind;
use super::selection::Pattern;

/// How far below its limit a share must fall before a violation clears, as a fraction (SPEC §5.6).
pub const HYSTERESIS: f64 = 0.05;

/// A limit that may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bound<T> {
    /// `"unlimited"`, or nothing at all.
    #[default]
    Unlimited,
    /// Everything above this is a violation.
    AtMost(T),
}

/// A limit in percent of what a guest may use; above zero, and finite.
///
/// More than 100 is allowed, because processor use may exceed all cores (PITFALLS 16).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

impl Percent {
    /// Checks a limit from the config.
    pub fn new(percent: f64) -> Result<Self, InvalidLimit> {
        if percent.is_finite() && percent > 0.0 {
            Ok(Self(percent))
        } else {
            Err(InvalidLimit::Percent(percent))
        }
    }

    /// Returns the limit as a fraction.
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }
}

/// A limit of running time; above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Runtime(Duration);

impl Runtime {
    /// Checks a limit in hours from the config.
    pub fn from_hours(hours: f64) -> Result<Self, InvalidLimit> {
        match Duration::try_from_secs_f64(hours * 3600.0) {
            Ok(time) if !time.is_zero() => Ok(Self(time)),
            Ok(_) | Err(_) => Err(InvalidLimit::Hours(hours)),
        }
    }

    /// Returns the limit as a time.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

/// Why a number cannot be a limit.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InvalidLimit {
    /// Not a share that can be exceeded.
    #[error("{0} is no limit in percent: a number above 0 or \"unlimited\" is expected")]
    Percent(f64),
    /// Not a time that can be exceeded.
    #[error("{0} is no limit in hours: a number above 0 or \"unlimited\" is expected")]
    Hours(f64),
}

/// The limits that hold for one guest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// Processor use, in percent of all its cores.
    pub cpu: Bound<Percent>,
    /// Memory, in percent of what it may use.
    pub memory: Bound<Percent>,
    /// How long its process may run.
    pub runtime: Bound<Runtime>,
}

/// What differs for the guests that a pattern matches: the config's `[[limits.override]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Which guests are meant.
    pub pattern: Pattern,
    /// Their limit of processor use; absent leaves it as it was.
    pub cpu: Option<Bound<Percent>>,
    /// Their limit of memory; absent leaves it as it was.
    pub memory: Option<Bound<Percent>>,
    /// Their limit of running time; absent leaves it as it was.
    pub runtime: Option<Bound<Runtime>>,
    /// How long they must exceed a limit before it counts; absent leaves it as it was.
    pub sustain: Option<Duration>,
}

/// The limits of all guests: the config's `[limits]` (SPEC §4).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    /// What holds where no override says otherwise.
    pub general: Bounds,
    /// How long a limit must be exceeded before it counts.
    pub sustain: Duration,
    /// The exceptions in the order of the config.
    pub overrides: Vec<Override>,
}

impl Limits {
    /// Returns what holds for a guest; for each value the last matching override that names it wins.
    pub fn bounds_of(&self, guest: &Guest) -> Bounds {
        let mut bounds = self.general;
        for each in &self.overrides {
            if each.pattern.matches(guest) {
                bounds.cpu = each.cpu.unwrap_or(bounds.cpu);
                bounds.memory = each.memory.unwrap_or(bounds.memory);
                bounds.runtime = each.runtime.unwrap_or(bounds.runtime);
            }
        }
        bounds
    }

    /// Returns how long a guest must exceed a limit before it counts; the last override that says so wins.
    pub fn sustain_of(&self, guest: &Guest) -> Duration {
        self.overrides
            .iter()
            .rev()
            .filter(|each| each.pattern.matches(guest))
            .find_map(|each| each.sustain)
            .unwrap_or(self.sustain)
    }
}

/// Which limit is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViolationKind {
    /// It uses too much of its cores.
    CpuExceeded,
    /// It uses too much of its memory.
    MemoryExceeded,
    /// It has run for too long.
    RuntimeExceeded,
}

impl ViolationKind {
    /// Every kind, in the order in which violations are listed.
    pub const ALL: [Self; 3] = [
        Self::CpuExceeded,
        Self::MemoryExceeded,
        Self::RuntimeExceeded,
    ];

    /// Returns the name under which `--json` reports it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CpuExceeded => "CpuExceeded",
            Self::MemoryExceeded => "MemoryExceeded",
            Self::RuntimeExceeded => "RuntimeExceeded",
        }
    }

    /// Returns the word that begins the sentence about it.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::CpuExceeded => "CPU",
            Self::MemoryExceeded => "memory",
            Self::RuntimeExceeded => "runtime",
        }
    }
}

/// How much a matter presses (SPEC §5.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody should look at it.
    Warning,
    /// Somebody should look at it now.
    Critical,
}

impl Severity {
    /// Returns the word under which `--json` reports it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A measured value or the limit that it is held against.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Measure {
    /// A fraction of what the guest may use; may exceed 1.
    Share(f64),
    /// A running time.
    Time(Duration),
}

impl Measure {
    /// Writes the measure with so many steps of detail; more than 2 change nothing.
    fn written(self, detail: usize) -> String {
        match self {
            // Rounded down, so that 99.9 % is not called full.
            Self::Share(share) => {
                let scale: f64 = [1.0, 10.0, 100.0][detail.min(2)];
                // The small addition takes back what the binary fraction lost: 0.29 is 29 %.
                let percent = (share * 100.0 * scale + 1e-6).floor() / scale;
                format!("{percent:.detail$} %")
            }
            Self::Time(time) => {
                let seconds = time.as_secs();
                let parts = [
                    (seconds / 3600, "h"),
                    (seconds / 60 % 60, "m"),
                    (seconds % 60, "s"),
                ];
                let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(2);
                let last = (first + detail).min(2);
                let written: Vec<String> = parts[first..=last]
                    .iter()
                    .map(|(count, unit)| format!("{count} {unit}"))
                    .collect();
                written.join(" ")
            }
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.written(0))
    }
}

/// A limit that a guest breaks by its present figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Violation {
    /// Which limit it is.
    pub kind: ViolationKind,
    /// What was measured.
    pub value: Measure,
    /// What is allowed.
    pub limit: Measure,
    /// Whether the value is the host's view of a guest that does not report its own (`~`).
    pub estimated: bool,
    /// How much it presses.
    pub severity: Severity,
}

impl fmt::Display for Violation {
    /// Writes `CPU 97 % > 90 %`, with more digits where value and limit would look alike.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = (0..2)
            .find(|&detail| self.value.written(detail) != self.limit.written(detail))
            .unwrap_or(2);
        formatter.pad(&format!(
            "{} {}{} > {}",
            self.kind.subject(),
            if self.estimated { "~" } else { "" },
            self.value.written(detail),
            self.limit.written(detail)
        ))
    }
}

/// Returns the limits that a guest breaks now, judged by its own figures.
///
/// Stopped guests, templates and guests of which nobody knows have none; a stale guest
/// ([`super::inventory::SeenGuest::is_stale`]) is for the caller to leave out. A figure that is
/// missing or makes no sense breaks nothing.
pub fn violations(guest: &Guest, limits: &Limits) -> Vec<Violation> {
    violations_in(guest, &guest.figures, limits)
}

/// Returns the limits that `figures` would break if they were the guest's; for replaying history.
pub fn violations_in(guest: &Guest, figures: &Figures, limits: &Limits) -> Vec<Violation> {
    if !has_process(guest) {
        return Vec::new();
    }
    let bounds = limits.bounds_of(guest);
    ViolationKind::ALL
        .into_iter()
        .filter_map(|kind| Reading::take(kind, guest, figures, &bounds))
        .filter(Reading::is_over)
        .map(Reading::into_violation)
        .collect()
}

/// Tells whether there is a process whose figures can break a limit.
fn has_process(guest: &Guest) -> bool {
    !guest.template
        && match guest.status {
            Status::Running
            | Status::Paused
            | Status::Prelaunch
            | Status::IoError
            | Status::InternalError
            | Status::Other(_) => true,
            Status::Stopped | Status::Suspended | Status::Unknown => false,
        }
}

/// One figure beside its limit, exceeded or not.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reading {
    kind: ViolationKind,
    value: Measure,
    limit: Measure,
    estimated: bool,
}

impl Reading {
    /// Reads a figure; nothing comes back where figure or limit is missing.
    fn take(
        kind: ViolationKind,
        guest: &Guest,
        figures: &Figures,
        bounds: &Bounds,
    ) -> Option<Self> {
        let share = |value: Option<f64>, bound: Bound<Percent>| match bound {
            Bound::Unlimited => None,
            Bound::AtMost(limit) => value
                .filter(|value| value.is_finite() && *value >= 0.0)
                .map(|value| (Measure::Share(value), Measure::Share(limit.fraction()))),
        };
        let (value, limit) = match kind {
            ViolationKind::CpuExceeded => share(figures.cpu, bounds.cpu)?,
            ViolationKind::MemoryExceeded => share(figures.memory_fraction(), bounds.memory)?,
            ViolationKind::RuntimeExceeded => match bounds.runtime {
                Bound::Unlimited => return None,
                Bound::AtMost(limit) => (
                    Measure::Time(figures.uptime?),
                    Measure::Time(limit.duration()),
                ),
            },
        };
        // A container's memory is counted by the kernel itself, whichever side looks at it.
        let estimated = kind == ViolationKind::MemoryExceeded
            && guest.kind == GuestKind::Qemu
            && figures.memory_is_host_view();
        Some(Self {
            kind,
            value,
            limit,
            estimated,
        })
    }

    fn is_over(&self) -> bool {
        self.value > self.limit
    }

    /// Tells whether the value fell far enough for a standing violation to clear.
    fn is_clear(&self) -> bool {
        match (self.value, self.limit) {
            (Measure::Share(value), Measure::Share(limit)) => {
                // Below a limit of 10 % there is no room for 5 points: half of it must do.
                // The small addition takes back what the binary fraction lost at the margin itself.
                value <= (limit - HYSTERESIS).max(limit / 2.0) + 1e-9
            }
            // A running time never falls but by a restart.
            _ => !self.is_over(),
        }
    }

    fn into_violation(self) -> Violation {
        let severity = match self.kind {
            ViolationKind::MemoryExceeded if self.estimated => Severity::Warning,
            ViolationKind::CpuExceeded | ViolationKind::MemoryExceeded => Severity::Critical,
            ViolationKind::RuntimeExceeded => Severity::Warning,
        };
        Violation {
            kind: self.kind,
            value: self.value,
            limit: self.limit,
            estimated: self.estimated,
            severity,
        }
    }
}
