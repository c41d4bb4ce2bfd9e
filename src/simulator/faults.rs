//! Things that go wrong, on purpose: by kind, by matcher and by rate, from the command line or from a test.
//!
//! Refuses to be random without the seed: a rate draws from a stream that always rolls the same.
//!
#![doc = include_str!("faults.md")]

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::gate::answer::Failure;
use super::load::scramble;
use super::workers::Ending;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// The answer comes so much later.
    Latency(Duration),
    /// The request is taken and never answered.
    Stall,
    /// The connection is refused before anything was said; matchers do not apply.
    Refused,
    /// The connection is cut before the request took effect.
    ResetBefore,
    /// The connection is cut after the request took effect.
    ResetAfter,
    /// 401 `Authentication failed!`.
    Unauthorized,
    /// 403 with this path and privilege.
    Forbidden(String, String),
    /// 500 with this text, such as `VM is locked (backup)`.
    Error(String),
    /// 595, at once.
    Unreachable,
    /// 596, at once.
    TimedOut,
    /// The answer's body ends in the middle, well-formed as HTTP.
    Truncated,
    /// The answer's body is no JSON.
    Malformed,
    /// The answer's values are such as no honest server sends.
    Hostile,
    /// This node goes away: 595 for everything that it should execute.
    NodeOffline(String),
    /// This node falls silent: 596 for everything that it should execute.
    NodeHanging(String),
    /// A task fails at this step with this text; matchers look at the task's type and subject.
    TaskFails(u32, String),
    /// A task ends at this step without a last line: `unexpected status`.
    TaskVanishes(u32),
    /// The cluster has no quorum: it answers, and changes nothing.
    QuorumLost,
    /// The server shows another certificate, signed by another authority.
    CertificateSwapped,
    /// The server's clock is so many seconds ahead.
    ClockSkew(i64),
}

/// When and how often something goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    kind: FaultKind,
    method: Option<String>,
    path: Option<String>,
    nth: Option<u64>,
    times: Option<u64>,
    rate: f64,
}

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultId(u64);

impl FaultRule {
    /// Makes a rule that strikes every time.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            method: None,
            path: None,
            nth: None,
            times: None,
            rate: 1.0,
        }
    }

    /// Strikes only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Strikes only where the decoded path (for tasks: `TYPE:ID`) contains this.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Strikes only the nth match, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Strikes so many times and then no more.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes a fraction of the matches.
    #[must_use]
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }

    fn is_about_tasks(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::TaskFails(..) | FaultKind::TaskVanishes(_)
        )
    }

    fn is_about_connections(&self) -> bool {
        self.kind == FaultKind::Refused
    }
}

/// Says why a fault could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultSyntax(String);

impl FromStr for FaultRule {
    type Err = FaultSyntax;

    /// Reads `KIND=RATE`; latency and clock skew take `KIND=MILLISECONDS` and `KIND=SECONDS`, nodes `KIND=NODE`.
    fn from_str(text: &str) -> Result<Self, FaultSyntax> {
        let (word, value) = text.split_once('=').unwrap_or((text, "1"));
        let wrong =
            |what: &str| FaultSyntax(format!("'{value}' is no {what} for the fault '{word}'"));
        let whole = || value.parse::<i64>().map_err(|_| wrong("whole number"));
        let kind = match word {
            "latency" => {
                let pause = u64::try_from(whole()?).map_err(|_| wrong("number of milliseconds"))?;
                return Ok(Self::new(FaultKind::Latency(Duration::from_millis(pause))));
            }
            "clock-skew" => return Ok(Self::new(FaultKind::ClockSkew(whole()?))),
            "node-offline" => return Ok(Self::new(FaultKind::NodeOffline(value.to_owned()))),
            "node-hanging" => return Ok(Self::new(FaultKind::NodeHanging(value.to_owned()))),
            "stall" => FaultKind::Stall,
            "refused" => FaultKind::Refused,
            "reset-before" => FaultKind::ResetBefore,
            "reset-after" => FaultKind::ResetAfter,
            "401" => FaultKind::Unauthorized,
            "403" => FaultKind::Forbidden("/".into(), "Sys.Audit".into()),
            "500" => FaultKind::Error("VM is locked (backup)".into()),
            "595" => FaultKind::Unreachable,
            "596" => FaultKind::TimedOut,
            "truncated" => FaultKind::Truncated,
            "malformed" => FaultKind::Malformed,
            "hostile" => FaultKind::Hostile,
            "task-fails" => FaultKind::TaskFails(1, "simulated failure".into()),
            "task-vanishes" => FaultKind::TaskVanishes(1),
            "quorum-lost" => FaultKind::QuorumLost,
            "certificate-swapped" => FaultKind::CertificateSwapped,
            _ => {
                return Err(FaultSyntax(format!(
                    "'{word}' is no fault; there are: latency stall refused reset-before reset-after 401 403 500 595 \
                     596 truncated malformed hostile node-offline node-hanging task-fails task-vanishes \
                     quorum-lost certificate-swapped clock-skew"
                )));
            }
        };
        let rate: f64 = value.parse().map_err(|_| wrong("rate"))?;
        if !(0.0..=1.0).contains(&rate) {
            return Err(wrong("rate between 0 and 1"));
        }
        Ok(Self::new(kind).rate(rate))
    }
}

/// What strikes one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    Wait(Duration),
    Stall,
    ResetBefore,
    ResetAfter,
    Refuse(Failure),
    Truncate,
    Malform,
    /// With the seed of what is sent instead.
    Twist(u64),
}

/// What strikes one task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskFault {
    pub(super) step: u32,
    pub(super) ending: Ending,
}

#[derive(Debug)]
struct Entry {
    id: FaultId,
    rule: FaultRule,
    matches: u64,
    strikes: u64,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    entries: Mutex<Vec<Entry>>,
    last: AtomicU64,
    stream: AtomicU64,
}

impl Faults {
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        let faults = Self {
            stream: AtomicU64::new(scramble(seed)),
            ..Self::default()
        };
        for rule in rules {
            faults.add(rule);
        }
        faults
    }

    /// Adds a rule.
    pub fn add(&self, rule: FaultRule) -> FaultId {
        let id = FaultId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        self.with(|entries| {
            entries.push(Entry {
                id,
                rule,
                matches: 0,
                strikes: 0,
            });
        });
        id
    }

    /// Removes a rule and tells how often it struck.
    pub fn remove(&self, id: FaultId) -> u64 {
        self.with(|entries| {
            let place = entries.iter().position(|entry| entry.id == id);
            place.map_or(0, |place| entries.remove(place).strikes)
        })
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    /// Tells how often a rule struck so far.
    pub fn strikes(&self, id: FaultId) -> u64 {
        self.with(|entries| {
            entries
                .iter()
                .find(|entry| entry.id == id)
                .map_or(0, |entry| entry.strikes)
        })
    }

    pub(super) fn for_request(&self, method: &str, path: &str) -> Vec<Trouble> {
        self.struck(|rule| {
            !rule.is_about_tasks()
                && !rule.is_about_connections()
                && rule.method.as_deref().is_none_or(|wanted| wanted == method)
                && rule.path.as_deref().is_none_or(|part| path.contains(part))
        })
        .into_iter()
        .filter_map(|kind| {
            if kind == FaultKind::Hostile {
                return Some(Trouble::Twist(self.draw()));
            }
            trouble(kind)
        })
        .collect()
    }

    pub(super) fn for_connection(&self) -> bool {
        !self.struck(FaultRule::is_about_connections).is_empty()
    }

    pub(super) fn for_task(&self, kind: &str, id: &str) -> Option<TaskFault> {
        let subject = format!("{kind}:{id}");
        let struck = self.struck(|rule| {
            rule.is_about_tasks()
                && rule
                    .path
                    .as_deref()
                    .is_none_or(|part| subject.contains(part))
        });
        struck.into_iter().find_map(|kind| {
            if let FaultKind::TaskFails(step, text) = kind {
                let ending = Ending::Error(text);
                return Some(TaskFault { step, ending });
            }
            if let FaultKind::TaskVanishes(step) = kind {
                let ending = Ending::Vanished;
                return Some(TaskFault { step, ending });
            }
            None
        })
    }

    /// Returns the condition that faults force upon a node.
    pub(super) fn node_condition(&self, node: &str) -> Option<super::scenario::NodeCondition> {
        self.with(|entries| {
            let forced = |kind: FaultKind| entries.iter().any(|entry| entry.rule.kind == kind);
            if forced(FaultKind::NodeOffline(node.to_owned())) {
                Some(super::scenario::NodeCondition::Offline)
            } else if forced(FaultKind::NodeHanging(node.to_owned())) {
                Some(super::scenario::NodeCondition::Silent)
            } else {
                None
            }
        })
    }

    pub(super) fn certificate_is_swapped(&self) -> bool {
        self.is_in_force(&FaultKind::CertificateSwapped)
    }

    pub(super) fn quorum_is_lost(&self) -> bool {
        self.is_in_force(&FaultKind::QuorumLost)
    }

    fn is_in_force(&self, kind: &FaultKind) -> bool {
        self.with(|entries| entries.iter().any(|entry| entry.rule.kind == *kind))
    }

    pub(super) fn clock_skew(&self) -> i64 {
        self.with(|entries| {
            entries
                .iter()
                .find_map(|entry| {
                    if let FaultKind::ClockSkew(skew) = entry.rule.kind {
                        Some(skew)
                    } else {
                        None
                    }
                })
                .unwrap_or(0)
        })
    }

    fn struck(&self, matches: impl Fn(&FaultRule) -> bool) -> Vec<FaultKind> {
        self.with(|entries| {
            let mut struck = Vec::new();
            for entry in entries.iter_mut().filter(|entry| matches(&entry.rule)) {
                entry.matches += 1;
                let wanted = entry.rule.nth.is_none_or(|nth| nth == entry.matches)
                    && entry.rule.times.is_none_or(|times| entry.strikes < times);
                if wanted && self.roll() < entry.rule.rate {
                    entry.strikes += 1;
                    struck.push(entry.rule.kind.clone());
                }
            }
            struck
        })
    }

    fn roll(&self) -> f64 {
        (self.draw() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn draw(&self) -> u64 {
        scramble(self.stream.fetch_add(0x9E37, Ordering::Relaxed))
    }

    fn with<R>(&self, look: impl FnOnce(&mut Vec<Entry>) -> R) -> R {
        look(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn trouble(kind: FaultKind) -> Option<Trouble> {
    Some(match kind {
        FaultKind::Latency(pause) => Trouble::Wait(pause),
        FaultKind::Stall => Trouble::Stall,
        FaultKind::ResetBefore => Trouble::ResetBefore,
        FaultKind::ResetAfter => Trouble::ResetAfter,
        FaultKind::Unauthorized => Trouble::Refuse(Failure::unauthorized("Authentication failed!")),
        FaultKind::Forbidden(path, privilege) => {
            Trouble::Refuse(Failure::forbidden(&path, &privilege))
        }
        FaultKind::Error(message) => Trouble::Refuse(Failure::internal(message)),
        FaultKind::Unreachable => Trouble::Refuse(Failure::proxy(595, "Connection refused", 0.0)),
        FaultKind::TimedOut => Trouble::Refuse(Failure::proxy(596, "Connection timed out", 0.0)),
        FaultKind::Truncated => Trouble::Truncate,
        FaultKind::Malformed => Trouble::Malform,
        // Each strike needs a seed of its own, which the caller has.
        FaultKind::Hostile
        | FaultKind::Refused
        | FaultKind::NodeOffline(_)
        | FaultKind::NodeHanging(_)
        | FaultKind::TaskFails(..)
        | FaultKind::TaskVanishes(_)
        | FaultKind::QuorumLost
        | FaultKind::CertificateSwapped
        | FaultKind::ClockSkew(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_count() {
        let faults = Faults::new(Vec::new(), 1);
        let rule = FaultRule::new(FaultKind::Stall)
            .method("POST")
            .path("/snapshot")
            .nth(2);
        let id = faults.add(rule);
        assert!(
            faults
                .for_request("GET", "/nodes/a/qemu/1/snapshot")
                .is_empty()
        );
        assert!(
            faults
                .for_request("POST", "/nodes/a/qemu/1/snapshot")
                .is_empty()
        );
        assert_eq!(
            faults.for_request("POST", "/nodes/a/qemu/1/snapshot"),
            [Trouble::Stall]
        );
        assert!(
            faults
                .for_request("POST", "/nodes/a/qemu/1/snapshot")
                .is_empty()
        );
        assert_eq!(faults.remove(id), 1);
    }

    #[test]
    fn rates_are_kept_and_repeatable() {
        let count = |seed| {
            let faults = Faults::new(vec![FaultRule::new(FaultKind::Malformed).rate(0.25)], seed);
            (0..1000)
                .filter(|_| !faults.for_request("GET", "/version").is_empty())
                .count()
        };
        assert_eq!(count(7), count(7));
        assert!((200..300).contains(&count(7)), "{}", count(7));
    }

    #[test]
    fn the_command_line_form() {
        assert_eq!(
            "stall=0.5".parse::<FaultRule>().unwrap(),
            FaultRule::new(FaultKind::Stall).rate(0.5)
        );
        assert_eq!(
            "latency=250".parse::<FaultRule>().unwrap(),
            FaultRule::new(FaultKind::Latency(Duration::from_millis(250)))
        );
        assert!("stall=7".parse::<FaultRule>().is_err());
        assert!(
            "earthquake=1"
                .parse::<FaultRule>()
                .unwrap_err()
                .to_string()
                .contains("there are")
        );
    }
}
