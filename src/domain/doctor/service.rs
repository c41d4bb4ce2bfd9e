//! The server, the account at it, and whom to tell: version, clock, login, notifications.

use chrono::{DateTime, TimeDelta, Utc};

use super::role::Release;
use super::{Finding, Health};
use crate::domain::alert::ENDS_SOON;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::NodeName;
use crate::domain::node::{Certificate, NodeTime};
use crate::domain::notification::ADMINISTRATORS;
use crate::domain::request::MOST_CLOCK_SKEW;
use crate::domain::text::clean;
use crate::domain::token::TokenExpiry;

/// A clock that is out by so much is worth a word, though nothing depends on it yet.
const NOTABLE_SKEW: TimeDelta = TimeDelta::seconds(30);

/// Judges the server's version, as `9.1.4`.
pub fn version(text: &str) -> Finding {
    // Older ones write `7.4-3`.
    let mut numbers = text.split(['.', '-']).map(|part| part.parse::<u64>().ok());
    let (Some(Some(major)), minor) = (numbers.next(), numbers.next().flatten()) else {
        let why = "the server does not say which version it is";
        return Finding::unknown("version", "", why, "");
    };
    let minor = minor.unwrap_or(0);
    let detail = format!("Proxmox VE {}", clean(text));
    if (major, minor) < (7, 4) {
        let detail = format!("{detail}: proxdeck knows 7.4 to 9");
        return Finding::bad(Health::Fail, "version", "", detail, "upgrade the cluster");
    }
    if major > 9 {
        let detail = format!("{detail}: proxdeck knows 7.4 to 9, and takes it for a 9");
        let fix = "look for a newer proxdeck";
        return Finding::bad(Health::Warn, "version", "", detail, fix);
    }
    if Release::of(major) == Release::Seven {
        let detail = format!("{detail}: no longer maintained");
        return Finding::bad(Health::Warn, "version", "", detail, "upgrade the cluster");
    }
    Finding::ok("version", "", detail)
}

/// Judges how far this machine's clock is from the server's.
pub fn clock(server: Option<DateTime<Utc>>, here: DateTime<Utc>) -> Finding {
    let Some(server) = server else {
        let why = "the server does not say what time it is";
        return Finding::unknown("clock", "", why, "");
    };
    let skew = (here - server).abs();
    let seconds = skew.num_seconds();
    if skew <= NOTABLE_SKEW {
        let detail = format!("within {seconds} s of the server's");
        return Finding::ok("clock", "", detail);
    }
    let which = if here > server { "ahead of" } else { "behind" };
    let detail = format!("this machine's clock is {seconds} s {which} the server's");
    let fix = "set the clock of whichever is wrong (timedatectl, chronyc tracking)";
    if skew <= MOST_CLOCK_SKEW {
        return Finding::bad(Health::Warn, "clock", "", detail, fix);
    }
    let detail = format!("{detail}: prune and enforce refuse");
    Finding::bad(Health::Fail, "clock", "", detail, fix)
}

/// Judges whether the server let the account in.
pub fn login(account: &str, result: Result<(), &Failure>) -> Finding {
    match result {
        Ok(()) => {
            let by = if account.contains('!') {
                "API token"
            } else {
                "password"
            };
            Finding::ok("login", account, format!("signed in with {by}"))
        }
        Err(failure) => {
            let is_refused = matches!(
                failure.kind,
                FailureKind::AuthenticationFailed
                    | FailureKind::SecondFactorRequired
                    | FailureKind::SessionExpired
                    | FailureKind::Forbidden
            );
            let health = if is_refused {
                Health::Fail
            } else {
                Health::Unknown
            };
            let detail = failure.to_string();
            Finding::bad(health, "login", account, detail, failure.advised())
        }
    }
}

/// Judges when the API token in use ends; nothing where a password is used.
pub fn token(
    expiry: Result<Option<TokenExpiry>, &Failure>,
    account: &str,
    now: DateTime<Utc>,
) -> Option<Finding> {
    let end = match expiry {
        Ok(None) => return None,
        Ok(Some(TokenExpiry::Never)) => {
            return Some(Finding::ok("token", account, "it has no end"));
        }
        Ok(Some(TokenExpiry::At(end))) => end,
        Err(failure) => {
            let why = format!("when it ends cannot be read: {failure}");
            let fix =
                "give the account Sys.Audit on /access/groups, or look with pveum user token list";
            return Some(Finding::unknown("token", account, why, fix));
        }
    };
    let days = (end - now).num_days();
    let detail = format!("it ends on {} (in {days} days)", end.format("%Y-%m-%d"));
    Some(if end - now <= ENDS_SOON {
        let fix = "make a new one, or give it a later end: pveum user token modify";
        Finding::bad(Health::Warn, "token", account, detail, fix)
    } else {
        Finding::ok("token", account, detail)
    })
}

/// Judges when the certificate that a node shows ends.
pub fn certificate(
    node: &NodeName,
    shown: Result<Option<&Certificate>, &Failure>,
    now: DateTime<Utc>,
) -> Finding {
    let subject = node.as_str();
    let shown = match shown {
        Ok(shown) => shown,
        Err(failure) => {
            let why = format!("its certificate cannot be read: {failure}");
            return Finding::unknown("certificate", subject, why, "");
        }
    };
    let Some((shown, end)) = shown.and_then(|shown| Some((shown, shown.not_after?))) else {
        let why = "it does not say when its certificate ends";
        return Finding::unknown("certificate", subject, why, "");
    };
    let days = (end - now).num_days();
    let print = shown.fingerprint.as_ref();
    let print = print.map_or_else(String::new, |print| format!(", SHA-256 {print}"));
    let detail = format!("ends on {} (in {days} days){print}", end.format("%Y-%m-%d"));
    if end - now > ENDS_SOON {
        return Finding::ok("certificate", subject, detail);
    }
    let fix = "renew it (pvenode acme cert renew, or pvecm updatecerts --force); a pinned fingerprint changes with it";
    Finding::bad(Health::Warn, "certificate", subject, detail, fix)
}

/// Judges whether it is known where months begin.
pub fn zone(time: Result<&NodeTime, &Failure>) -> Finding {
    let fix = "set timezone in [quota] of the config, or give the account Sys.Audit on /nodes";
    let read = match time {
        Ok(time) => time.zone.as_ref(),
        Err(failure) => {
            let why = format!(
                "the cluster's cannot be read, and the config names none: enforce refuses months ({failure})"
            );
            return Finding::bad(Health::Warn, "timezone", "", why, fix);
        }
    };
    let Some(zone) = read else {
        let why = "the node names none, nor does the config: enforce refuses months";
        return Finding::bad(Health::Warn, "timezone", "", why, fix);
    };
    Finding::ok("timezone", "", format!("months begin in {zone}"))
}

/// Judges whether the emergencies of the projects reach anybody; nothing where there are none.
///
/// `channels` are the names of the config's `[notify.…]` sections.
pub fn notifications(projects: usize, channels: &[&str]) -> Option<Finding> {
    if projects == 0 {
        return None;
    }
    let subject = ADMINISTRATORS;
    Some(if channels.contains(&subject) {
        Finding::ok("notify", subject, "they are told of emergencies")
    } else {
        Finding::bad(
            Health::Warn,
            "notify",
            subject,
            "projects have budgets, and nobody is told of their emergencies",
            format!("add a section [notify.{subject}] with webhook or command to the config"),
        )
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_424_445 + seconds, 0).unwrap()
    }

    #[test]
    fn a_clock_that_is_out_is_warned_of_before_plans_refuse() {
        let health = |skew| clock(Some(at(0)), at(skew)).health;
        assert_eq!([0, 30, -30].map(health), [Health::Ok; 3]);
        assert_eq!([31, -300].map(health), [Health::Warn; 2]);
        assert_eq!([301, -86_400].map(health), [Health::Fail; 2]);
        assert!(clock(Some(at(0)), at(301)).detail.contains("ahead of"));
        assert_eq!(clock(None, at(0)).health, Health::Unknown);
    }

    #[test]
    fn versions_are_told_from_those_that_nobody_tried() {
        for (text, health) in [
            ("9.1.4", Health::Ok),
            ("8.4", Health::Ok),
            ("7.4-3", Health::Warn),
            ("7.4.17", Health::Warn),
            ("6.4", Health::Fail),
            ("10.0.1", Health::Warn),
            ("", Health::Unknown),
            ("soon", Health::Unknown),
        ] {
            assert_eq!(version(text).health, health, "{text}");
        }
    }

    #[test]
    fn tokens_that_end_soon_are_warned_of() {
        let judge = |days: i64| {
            let end = TokenExpiry::At(at(days * 86_400));
            token(Ok(Some(end)), "hub@pve!deck", at(0)).unwrap().health
        };
        assert_eq!(
            [1, 14, 15].map(judge),
            [Health::Warn, Health::Warn, Health::Ok]
        );
        assert_eq!(token(Ok(None), "hub@pve", at(0)), None);
    }

    #[test]
    fn a_refused_login_is_a_fault_and_a_lost_connection_is_not() {
        let health = |kind| login("hub@pve", Err(&Failure::new(kind, "x"))).health;
        assert_eq!(health(FailureKind::AuthenticationFailed), Health::Fail);
        assert_eq!(health(FailureKind::Interrupted), Health::Unknown);
    }

    #[test]
    fn budgets_without_administrators_are_pointed_out() {
        assert_eq!(notifications(0, &[]), None);
        assert_eq!(notifications(2, &["ops"]).unwrap().health, Health::Warn);
        let told = notifications(2, &["administrators"]).unwrap();
        assert_eq!(told.health, Health::Ok);
    }
}
