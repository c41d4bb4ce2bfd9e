//! Which histories are read for a period, on either generation of servers.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pretty_assertions::assert_eq;
use proxdeck::domain::history::{Averages, Series, Span};
use proxdeck::domain::project::Window;
use proxdeck::domain::usage::{MOST_READS, Period, integrate, next_frame};
use rstest::rstest;

use super::worlds::{Server, at, busy_row};

/// Reads frame after frame, as the client would.
fn read(
    server: Server,
    period: &Period,
    row: impl Fn(DateTime<Utc>) -> Averages,
) -> Vec<(Span, Series)> {
    let mut read: Vec<(Span, Series)> = Vec::new();
    loop {
        let known: Vec<(Span, &Series)> =
            read.iter().map(|(span, series)| (*span, series)).collect();
        let Some(span) = next_frame(&known, period, period.until) else {
            return read;
        };
        assert!(read.iter().all(|(each, _)| *each != span), "{span:?} twice");
        read.push((span, server.frame(span, period.until, &row)));
        assert!(read.len() <= MOST_READS);
    }
}

fn names(read: &[(Span, Series)]) -> String {
    let names: Vec<&str> = read.iter().map(|(span, _)| span.as_str()).collect();
    names.join(" ")
}

#[rstest]
#[case(Server::Nine, Window::Hours24, "2026-11-20T12:34:00Z", "day")]
#[case(Server::Nine, Window::Days7, "2026-11-20T12:34:00Z", "week")]
#[case(Server::Nine, Window::Days30, "2026-11-20T12:34:00Z", "month")]
#[case(Server::Nine, Window::Month, "2026-11-01T00:40:00Z", "hour")]
#[case(Server::Nine, Window::Month, "2026-11-01T12:34:00Z", "day")]
#[case(Server::Nine, Window::Month, "2026-11-02T12:34:00Z", "week")]
#[case(Server::Nine, Window::Month, "2026-11-02T12:59:00Z", "week day")]
#[case(Server::Nine, Window::Month, "2026-11-20T12:34:00Z", "month")]
#[case(Server::Nine, Window::Month, "2026-10-31T04:00:00Z", "month")]
#[case(Server::Nine, Window::Month, "2026-10-31T12:34:00Z", "month year")]
#[case(Server::Eight, Window::Hours24, "2026-11-20T12:34:00Z", "day")]
#[case(Server::Eight, Window::Hours24, "2026-11-20T12:29:00Z", "day hour")]
#[case(Server::Eight, Window::Days7, "2026-11-20T12:34:00Z", "week")]
#[case(Server::Eight, Window::Days7, "2026-11-20T14:34:00Z", "week day")]
#[case(Server::Eight, Window::Days30, "2026-11-20T11:34:00Z", "month day")]
#[case(Server::Eight, Window::Month, "2026-11-02T11:29:00Z", "week day hour")]
#[case(Server::Eight, Window::Month, "2026-10-31T23:34:00Z", "month day")]
fn pitfall_19_no_more_is_read_than_the_period_needs(
    #[case] server: Server,
    #[case] window: Window,
    #[case] now: &str,
    #[case] expected: &str,
) {
    let period = Period::of(window, at(now), Tz::UTC);
    let read = read(server, &period, |_| busy_row());
    assert_eq!(names(&read), expected);
    // What is read knows 98 % of the period: a hundredth may be missing at either end.
    let series: Vec<&Series> = read.iter().map(|(_, series)| series).collect();
    let integral = integrate(&series, period.from, period.until);
    let share = integral.cpu_hours.covered.as_secs_f64() / period.elapsed().as_secs_f64();
    assert!(share >= 0.98, "{share}");
}

#[test]
fn a_guest_of_a_silent_node_is_looked_for_and_then_left_alone() {
    let period = Period::of(Window::Month, at("2026-10-31T23:34:00Z"), Tz::UTC);
    for server in [Server::Eight, Server::Nine] {
        let read = read(server, &period, |_| Averages::default());
        assert!(read.len() <= MOST_READS, "{}", names(&read));
    }
    let empty = Series::default();
    let spans = [Span::Month, Span::Year, Span::Day, Span::Hour];
    for count in 0..4 {
        let known: Vec<(Span, &Series)> =
            spans[..count].iter().map(|span| (*span, &empty)).collect();
        assert_eq!(
            next_frame(&known, &period, period.until),
            Some(spans[count])
        );
    }
    let known = spans.map(|span| (span, &empty));
    assert_eq!(next_frame(&known, &period, period.until), None);
}

#[test]
fn a_guest_that_came_lately_is_read_as_finely_as_its_own_time_allows() {
    let now = at("2026-11-20T12:34:00Z");
    let period = Period::of(Window::Month, now, Tz::UTC);
    let young = period.since(Some(now - TimeDelta::hours(5)));
    assert_eq!(names(&read(Server::Nine, &young, |_| busy_row())), "day");
    let unborn = period.since(Some(now + TimeDelta::hours(5)));
    assert_eq!(next_frame(&[], &unborn, now), None);
}

#[test]
fn the_present_may_move_on_while_thousands_of_guests_are_read() {
    let now = at("2026-11-20T12:34:00Z");
    let period = Period::of(Window::Hours24, now, Tz::UTC);
    assert_eq!(
        next_frame(&[], &period, now + TimeDelta::minutes(10)),
        Some(Span::Day)
    );
}
