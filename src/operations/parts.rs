//! What came of the parts of a change, and one outcome made of many.

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::operation::{Fate, Outcome, Part, Report, Tally};
use crate::domain::text::Text;

/// Names a part and what its own report says came of it.
pub(super) fn part_of(guest: &GuestRef, subject: impl Into<Text>, report: &Report) -> Part {
    Part {
        guest: guest.clone(),
        subject: subject.into(),
        fate: Fate::Ended(report.outcome.clone()),
        upid: report.upid.clone(),
        made: None,
        trial: report.trial().cloned(),
    }
}

/// What is said of parts that did not all go well.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// When one of them failed.
    pub(super) failed: &'static str,
    /// When of one of them nobody knows.
    pub(super) unknown: &'static str,
}

/// Makes one outcome of many: what went wrong weighs more than what went well.
pub(super) fn sum_up(report: &Report, words: Words) -> Outcome {
    let parts = report.parts.iter();
    let named: Vec<(String, &Fate)> = parts
        .map(|part| (format!("{} of {}", part.subject, part.guest), &part.fate))
        .collect();
    sum_up_fates(&named, words)
}

/// Makes one outcome of many fates, each with what it is about.
pub(super) fn sum_up_fates(named: &[(String, &Fate)], words: Words) -> Outcome {
    let tally = Tally::of(named.iter().map(|(_, fate)| *fate));
    let failures = || {
        named.iter().filter_map(|(name, fate)| match fate {
            Fate::Ended(outcome) => outcome
                .failure()
                .map(|failure| format!("{name}: {failure}")),
            Fate::Skipped(_) | Fate::NotTried(_) => None,
        })
    };
    let failure = |what: &str| {
        let mut failure = Failure::new(FailureKind::TaskFailed, format!("{what}: {tally}"));
        failure.details.extend(failures().map(Into::into));
        Box::new(failure)
    };
    if tally.failed > 0 {
        return Outcome::Failed(failure(words.failed));
    }
    if tally.unknown > 0 {
        return Outcome::Unknown(failure(words.unknown));
    }
    if tally.not_tried > 0 {
        return Outcome::Stopped;
    }
    let warnings: u32 = named
        .iter()
        .map(|(_, fate)| match fate {
            Fate::Ended(Outcome::Warnings(count)) => *count,
            Fate::Ended(_) | Fate::Skipped(_) | Fate::NotTried(_) => 0,
        })
        .sum();
    if warnings > 0 {
        Outcome::Warnings(warnings)
    } else {
        Outcome::Done
    }
}
