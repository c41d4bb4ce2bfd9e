//! Who is meant: the selection of managed guests and the patterns of overrides.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use proxdeck::domain::guest::Guest;
use proxdeck::domain::selection::{InvalidSelection, Pattern, Selection};
use proxdeck::domain::text::Text;
use rstest::rstest;

use super::worlds::{guest, pooled, tagged};

fn selection(tags: &[&str], pools: &[&str], vmids: &[u64]) -> Result<Selection, InvalidSelection> {
    let owned = |words: &[&str]| -> Vec<String> { words.iter().map(|&word| word.into()).collect() };
    Selection::new(false, &owned(tags), &owned(pools), vmids)
}

fn nameless(number: u64) -> Guest {
    Guest {
        name: None,
        ..guest(number)
    }
}

fn named(number: u64, name: &str) -> Guest {
    Guest {
        name: Some(Text::from(name)),
        ..guest(number)
    }
}

#[test]
fn without_entries_nothing_is_managed_and_that_is_told_apart_from_an_empty_match() {
    let selection = selection(&[], &[], &[]).unwrap();
    assert_eq!(selection, Selection::Unconfigured);
    assert!(!selection.is_configured());
    assert!(!selection.manages(&tagged(104, &["autovibe"])));
    assert_eq!(selection.tag_of_new_guests(), None);
}

#[test]
fn all_must_be_written_out_and_then_means_all() {
    let all = Selection::new(true, &[], &[], &[]).unwrap();
    assert!(all.is_configured());
    assert!(all.manages(&nameless(100)));
}

#[test]
fn beside_all_the_tags_still_name_the_tag_of_new_guests() {
    let all = Selection::new(true, &["autovibe".into(), "x".into()], &[], &[]).unwrap();
    assert!(all.manages(&guest(104)));
    assert_eq!(all.tag_of_new_guests(), Some("autovibe"));
}

#[test]
fn any_entry_is_enough() {
    let selection = selection(&["autovibe", "hub"], &["alpha"], &[131]).unwrap();
    assert!(selection.manages(&tagged(104, &["build", "hub"])));
    assert!(selection.manages(&pooled(105, "alpha")));
    assert!(selection.manages(&guest(131)));
    assert!(!selection.manages(&guest(132)));
    assert!(!selection.manages(&pooled(133, "beta")));
    assert_eq!(selection.tag_of_new_guests(), Some("autovibe"));
}

#[test]
fn a_tag_counts_as_a_whole_and_in_any_case() {
    let selection = selection(&["autovibe"], &[], &[]).unwrap();
    assert!(selection.manages(&tagged(104, &["AutoVibe"])));
    assert!(!selection.manages(&tagged(104, &["autovibe2"])));
    assert!(!selection.manages(&tagged(104, &["autovibe\u{200b}"])));
    assert!(!selection.manages(&tagged(104, &[""])));
}

#[test]
fn a_nested_pool_is_only_meant_when_it_is_written_or_matched() {
    let outer = selection(&[], &["lab"], &[]).unwrap();
    assert!(outer.manages(&pooled(104, "lab")));
    assert!(!outer.manages(&pooled(104, "lab/inner")));
    assert!(!outer.manages(&pooled(104, "Lab")));
    let nested = selection(&[], &["lab/*"], &[]).unwrap();
    assert!(nested.manages(&pooled(104, "lab/inner/most")));
    assert!(!nested.manages(&pooled(104, "lab")));
    assert!(!nested.manages(&guest(104)));
}

#[test]
fn entries_that_no_guest_can_have_are_refused() {
    for bad in ["", "auto*", "two words", "a;b"] {
        assert!(selection(&[bad], &[], &[]).is_err(), "{bad:?}");
    }
    for bad in ["", "a b", "pool\n"] {
        assert!(selection(&[], &[bad], &[]).is_err(), "{bad:?}");
    }
    let refused = selection(&[], &[], &[99]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "99 is no guest id: a number from 100 to 999999999 is expected"
    );
}

#[rstest]
#[case::a_tag_matches_as_a_whole("tag:service", tagged(104, &["a", "service"]), true)]
#[case::a_tag_matches_in_capitals("tag:Service", tagged(104, &["service"]), true)]
#[case::a_tag_does_not_match_a_part("tag:serv", tagged(104, &["service"]), false)]
#[case::a_star_ends_a_tag("tag:serv*", tagged(104, &["service"]), true)]
#[case::a_star_may_stand_for_nothing("tag:service*", tagged(104, &["service"]), true)]
#[case::a_question_mark_stands_for_one("tag:tier?", tagged(104, &["tier1"]), true)]
#[case::a_question_mark_does_not_stand_for_none("tag:tier?", tagged(104, &["tier"]), false)]
#[case::a_guest_without_tags_matches_no_tag("tag:*", guest(104), false)]
#[case::a_pool_matches_exactly("pool:lab", pooled(104, "lab"), true)]
#[case::a_pool_does_not_match_its_inner_ones("pool:lab", pooled(104, "lab/x"), false)]
#[case::a_star_crosses_the_slashes_of_pools("pool:lab/*", pooled(104, "lab/x/y"), true)]
#[case::pools_differ_by_case("pool:Lab", pooled(104, "lab"), false)]
#[case::a_guest_without_a_pool_matches_no_pool("pool:*", guest(104), false)]
#[case::a_number_matches("vmid:104", guest(104), true)]
#[case::a_number_does_not_match_its_beginning("vmid:104", guest(1041), false)]
#[case::a_number_may_hold_wildcards("vmid:10?", guest(104), true)]
#[case::a_name_matches_with_a_star_inside("name:agent-*-4", named(104, "agent-build-4"), true)]
#[case::a_star_tries_again_further_on("name:*-b", named(104, "a-b-c-b"), true)]
#[case::a_name_matches_in_capitals("name:AGENT-*", named(104, "agent-1"), true)]
#[case::an_unknown_name_matches_nothing("name:*", nameless(104), false)]
#[case::an_empty_name_matches_nothing("name:*", named(104, ""), false)]
#[case::a_dot_is_a_dot("name:a.b", named(104, "axb"), false)]
#[case::blanks_around_the_words_do_not_matter(" tag : service ", tagged(104, &["service"]), true)]
fn one_pattern(#[case] pattern: &str, #[case] guest: Guest, #[case] expected: bool) {
    let pattern: Pattern = pattern.parse().unwrap();
    assert_eq!(pattern.matches(&guest), expected);
}

#[rstest]
#[case::no_colon("service", "does not say what it matches: tag:, pool:, vmid: or name:")]
#[case::an_unknown_word("node:pve1", "\"node\" in \"node:pve1\" is unknown")]
#[case::a_word_in_capitals("TAG:x", "is unknown")]
#[case::nothing_behind_the_colon("tag:", "ends where its value should begin")]
#[case::only_blanks_behind_the_colon("name:  ", "ends where its value should begin")]
#[case::a_tag_with_a_blank("tag:a b", "can match nothing: a tag has letters")]
#[case::a_number_too_small("vmid:99", "can match nothing: a guest id is a number from 100")]
#[case::a_number_with_a_zero_before("vmid:0104", "can match nothing")]
#[case::a_number_that_is_none("vmid:abc", "can match nothing")]
#[case::a_pool_with_a_colon("pool:a:b", "can match nothing: a pool has letters")]
#[case::a_name_with_a_blank("name:a b", "can match nothing: a name has no blanks")]
fn one_bad_pattern(#[case] text: &str, #[case] part: &str) {
    let message = text.parse::<Pattern>().unwrap_err().to_string();
    assert!(message.contains(part), "{message}");
}

#[test]
fn a_pattern_is_written_as_it_was_read() {
    for text in ["tag:service", "pool:lab/*", "vmid:104", "name:agent-?"] {
        assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
    }
}

#[test]
fn a_pattern_of_many_stars_costs_no_exponential_time() {
    let pattern: Pattern = format!("name:{}b", "*a".repeat(30)).parse().unwrap();
    assert!(!pattern.matches(&named(104, &"a".repeat(5_000))));
}

/// Matches by the definition, without any cleverness.
fn by_definition(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| by_definition(rest, &text[skip..])),
        Some((wanted, rest)) => text.split_first().is_some_and(|(first, others)| {
            (*wanted == '?' || wanted == first) && by_definition(rest, others)
        }),
    }
}

proptest! {
    #[test]
    fn wildcards_match_as_defined(pattern in "[ab*?]{1,6}", text in "[ab]{1,8}") {
        let parsed: Pattern = format!("name:{pattern}").parse().unwrap();
        let (pattern, letters): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        prop_assert_eq!(parsed.matches(&named(104, &text)), by_definition(&pattern, &letters));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = text.parse::<Pattern>();
    }
}
