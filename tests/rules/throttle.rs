//! The throttle in a pool's comment: its grammar, its place, and what strangers write around it.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proxdeck::domain::project::Resource;
use proxdeck::domain::throttle::{Found, MarkedTier, Marker, find, lift, set};

const LINE: &str = "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours,network_gb tier=emergency]";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn marker() -> Marker {
    Marker::new(
        time("2026-11-27T09:00:00.75Z"),
        [Resource::NetworkGb, Resource::CpuHours, Resource::NetworkGb],
        MarkedTier::Emergency,
    )
    .unwrap()
}

fn is_malformed(comment: &str) -> bool {
    matches!(find(comment), Found::Malformed(_))
}

#[test]
fn a_throttle_is_one_line_with_its_time_its_resources_and_its_tier() {
    assert_eq!(marker().to_string(), LINE);
    let Found::One(read) = find(LINE) else {
        panic!("not found in {LINE}");
    };
    assert_eq!(read, marker());
    assert_eq!(read.since(), time("2026-11-27T09:00:00Z"));
    assert_eq!(read.resources(), [Resource::CpuHours, Resource::NetworkGb]);
    assert_eq!(read.tier(), MarkedTier::Emergency);
}

#[test]
fn a_throttle_for_nothing_cannot_be_made() {
    assert_eq!(
        Marker::new(time("2026-11-27T09:00:00Z"), [], MarkedTier::Throttle),
        None
    );
}

#[test]
fn a_comment_without_the_line_throttles_nobody() {
    for comment in [
        "",
        "\n",
        "the pool of alpha",
        "proxdeck throttled",
        "[proxdeck]",
        "[Proxdeck throttled 2026-11-27T09:00:00Z cpu_hours tier=throttle]",
    ] {
        assert_eq!(find(comment), Found::None, "{comment:?}");
        assert!(!find(comment).is_throttled());
    }
}

#[test]
fn a_throttle_in_the_middle_of_a_line_is_prose() {
    for comment in [
        format!("see {LINE}"),
        format!("one\nlike this: {LINE}\nthree"),
        format!("one\r{LINE}"),
        format!("\u{200b}{LINE}"),
    ] {
        assert_eq!(find(&comment), Found::None, "{comment:?}");
        assert_eq!(lift(&comment), comment);
    }
}

#[test]
fn a_throttle_stands_wherever_its_line_is_however_lines_end() {
    for comment in [
        format!("one\n{LINE}\nthree"),
        format!("one\r\n{LINE}\r\nthree\r\n"),
        format!("  {LINE}\t"),
        format!("{LINE}\n"),
    ] {
        assert_eq!(find(&comment), Found::One(marker()), "{comment:?}");
    }
}

#[test]
fn a_line_that_begins_like_a_throttle_and_cannot_be_read_binds_and_says_why() {
    for line in [
        "[proxdeck throttled",
        "[proxdeck throttled]",
        "[proxdeck throttled ]",
        "[proxdeck throttledly]",
        "[proxdeck throttled yesterday cpu_hours tier=throttle]",
        "[proxdeck throttled 2026-11-27T09:00:00+01:00 cpu_hours tier=throttle]",
        "[proxdeck throttled 2026-11-31T09:00:00Z cpu_hours tier=throttle]",
        "[proxdeck throttled 2026-11-27T09:00:00Z  tier=throttle]",
        "[proxdeck throttled 2026-11-27T09:00:00Z tier=throttle]",
        "[proxdeck throttled 2026-11-27T09:00:00Z gpu_hours tier=throttle]",
        "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours,gpu_hours tier=throttle]",
        "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours, tier=throttle]",
        "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours]",
        "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours tier=warn]",
        "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours tier=throttle by=me]",
        "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours tier=throttle] (ask Eve)",
        "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours tier=throttle\u{1b}[31m]",
    ] {
        let comment = format!("one\n{line}\nthree");
        assert!(is_malformed(&comment), "{line:?}");
        assert!(find(&comment).is_throttled());
        assert_eq!(lift(&comment), "one\nthree");
        assert_eq!(set(&comment, &marker()), format!("one\n{LINE}\nthree"));
    }
}

#[test]
fn two_throttles_bind_and_say_so_and_become_one_when_written() {
    let comment = format!("{LINE}\nbetween\n{LINE}\nafter");
    let Found::Malformed(reason) = find(&comment) else {
        panic!("two are taken for one");
    };
    assert_eq!(reason, "the comment holds more than one throttle");
    assert_eq!(set(&comment, &marker()), format!("{LINE}\nbetween\nafter"));
    assert_eq!(lift(&comment), "between\nafter");
}

#[test]
fn why_a_throttle_cannot_be_read_is_said_in_few_clean_words() {
    let hostile = format!(
        "[proxdeck throttled \u{1b}[2J\u{202e}{}",
        "x".repeat(1 << 20)
    );
    let Found::Malformed(reason) = find(&hostile) else {
        panic!("taken for something else");
    };
    assert!(reason.len() < 400, "{}", reason.len());
    assert!(!reason.contains(['\u{1b}', '\u{202e}']), "{reason}");
}

#[test]
fn a_huge_comment_is_searched_and_kept() {
    let comment = format!("{}\n{}", "c".repeat(1 << 20), "\n".repeat(1 << 16));
    let throttled = set(&comment, &marker());
    assert_eq!(find(&throttled), Found::One(marker()));
    assert!(lift(&throttled) == comment, "it changed");
}

/// Text in which lines, throttles and their parts are likely.
fn comment() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just(" ".to_owned()),
        Just(LINE.to_owned()),
        Just("[proxdeck throttled".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn any_marker() -> impl Strategy<Value = Marker> {
    let resources = prop::sample::subsequence(Resource::ALL.to_vec(), 1..=4);
    let tier = prop_oneof![Just(MarkedTier::Throttle), Just(MarkedTier::Emergency)];
    (0_i64..250_000_000_000, resources, tier).prop_map(|(second, resources, tier)| {
        let since = DateTime::from_timestamp(second, 0).unwrap();
        Marker::new(since, resources, tier).unwrap()
    })
}

proptest! {
    #[test]
    fn a_throttle_that_was_written_is_found(comment in comment(), marker in any_marker()) {
        let written = set(&comment, &marker);
        prop_assert_eq!(find(&written), Found::One(marker.clone()));
        prop_assert_eq!(set(&written, &marker), written);
    }

    #[test]
    fn lifting_leaves_none(comment in comment()) {
        prop_assert_eq!(find(&lift(&comment)), Found::None);
    }

    #[test]
    fn what_others_wrote_comes_back_byte_for_byte(comment in comment(), marker in any_marker()) {
        let others = lift(&comment);
        prop_assert_eq!(lift(&set(&others, &marker)), others);
    }

    #[test]
    fn writing_over_a_throttle_keeps_what_others_wrote(
        before in comment(), after in comment(), marker in any_marker()
    ) {
        let (before, after) = (lift(&before).replace('[', ""), lift(&after).replace('[', ""));
        let comment = format!("{before}\n{LINE}\n{after}");
        prop_assert_eq!(set(&comment, &marker), format!("{before}\n{marker}\n{after}"));
    }
}
