//! Which guest belongs to which project, and which projects can stand beside each other.

use pretty_assertions::assert_eq;
use proxdeck::domain::guest::Guest;
use proxdeck::domain::project::{
    InvalidMembership, InvalidProject, Membership, Project, Projects, Quota, Window,
};
use rstest::rstest;

use super::worlds::{guest, pooled, tagged};

fn in_pool(name: &str, pool: &str) -> Project {
    let membership = Membership::from_config(Some(pool), None, None).unwrap();
    Project::new(name, membership).unwrap()
}

fn matching(name: &str, pattern: &str, marker: &str) -> Project {
    let membership = Membership::from_config(None, Some(pattern), Some(marker)).unwrap();
    Project::new(name, membership).unwrap()
}

fn with_uuid(mut project: Project, uuid: &str) -> Project {
    project.uuid = Some(uuid.to_owned());
    project
}

#[test]
fn the_first_matching_project_counts_the_guest_and_the_others_are_told() {
    let projects = Projects::new(vec![
        in_pool("alpha", "alpha"),
        matching("services", "tag:service", "services"),
        matching("agents", "name:agent-*", "agents"),
    ])
    .unwrap();
    let guest = Guest {
        pool: Some("alpha".parse().unwrap()),
        ..tagged(104, &["service"])
    };
    let assignment = projects.assign(&guest);
    assert_eq!(assignment.project.map(Project::name), Some("alpha"));
    let others: Vec<&str> = assignment
        .also_claimed_by
        .iter()
        .map(|project| project.name())
        .collect();
    assert_eq!(others, ["services", "agents"]);
}

#[test]
fn a_guest_that_nobody_claims_belongs_to_no_project() {
    let projects = Projects::new(vec![in_pool("alpha", "alpha")]).unwrap();
    let assignment = projects.assign(&guest(104));
    assert_eq!(assignment.project, None);
    assert_eq!(assignment.also_claimed_by, Vec::<&Project>::new());
    assert_eq!(projects.assign(&pooled(105, "alpha/inner")).project, None);
}

#[test]
fn members_are_counted_by_the_first_project_only() {
    let projects = Projects::new(vec![
        in_pool("alpha", "alpha"),
        matching("agents", "name:agent-*", "agents"),
    ])
    .unwrap();
    let guests = [pooled(104, "alpha"), guest(105), pooled(106, "beta")];
    let numbers = |name: &str| -> Vec<u32> {
        let project = projects.find(name).unwrap();
        projects
            .members(project, &guests)
            .iter()
            .map(|guest| guest.vmid.get())
            .collect()
    };
    assert_eq!(numbers("alpha"), [104]);
    assert_eq!(numbers("agents"), [105, 106]);
}

#[test]
fn a_project_is_found_by_name_and_by_uuid() {
    let projects = Projects::new(vec![with_uuid(in_pool("alpha", "alpha"), "6f0c")]).unwrap();
    assert_eq!(projects.find("6f0c").map(Project::name), Some("alpha"));
    assert_eq!(projects.find("alpha").map(Project::name), Some("alpha"));
    assert_eq!(projects.find("none"), None);
    assert_eq!(projects.find(""), None);
    assert_eq!(projects.iter().count(), 1);
}

#[test]
fn a_name_or_uuid_that_names_two_projects_is_refused() {
    let twice = Projects::new(vec![in_pool("a", "p"), in_pool("a", "q")]);
    assert_eq!(twice, Err(InvalidProject::NameTwice("a".to_owned())));
    let as_uuid = Projects::new(vec![in_pool("a", "p"), with_uuid(in_pool("b", "q"), "a")]);
    assert_eq!(as_uuid, Err(InvalidProject::NameTwice("a".to_owned())));
    let own = Projects::new(vec![with_uuid(in_pool("a", "p"), "a")]);
    assert!(own.is_ok());
}

#[test]
fn two_projects_cannot_keep_their_throttles_in_one_comment() {
    let shared = Projects::new(vec![in_pool("a", "p"), matching("b", "tag:b", "p")]);
    assert_eq!(
        shared.unwrap_err().to_string(),
        "projects a and b share the pool p, whose comment holds one throttle"
    );
}

#[test]
fn the_throttle_stands_in_the_pool_or_in_the_marker_pool() {
    assert_eq!(in_pool("a", "p").marker_pool().as_str(), "p");
    assert_eq!(matching("b", "tag:b", "q").marker_pool().as_str(), "q");
}

#[rstest]
#[case::nothing("")]
#[case::the_word_for_no_project("none")]
#[case::two_words("my project")]
#[case::a_line_break("a\nb")]
#[case::an_escape("a\u{1b}b")]
fn a_name_that_nobody_could_type_is_refused(#[case] name: &str) {
    let membership = Membership::from_config(Some("p"), None, None).unwrap();
    assert!(Project::new(name, membership).is_err());
}

#[rstest]
#[case::both(Some("p"), Some("tag:x"), None, InvalidMembership::Both)]
#[case::neither(None, None, Some("p"), InvalidMembership::Neither)]
#[case::no_place_for_the_throttle(None, Some("tag:x"), None, InvalidMembership::NoMarkerPool)]
#[case::two_places_for_it(Some("p"), None, Some("q"), InvalidMembership::NeedlessMarkerPool)]
fn a_membership_that_does_not_fit_together_is_refused(
    #[case] pool: Option<&str>,
    #[case] pattern: Option<&str>,
    #[case] marker: Option<&str>,
    #[case] expected: InvalidMembership,
) {
    assert_eq!(
        Membership::from_config(pool, pattern, marker),
        Err(expected)
    );
}

#[test]
fn a_bad_pool_or_pattern_is_refused_in_its_own_words() {
    let bad = Membership::from_config(Some("a b"), None, None).unwrap_err();
    assert!(bad.to_string().contains("is no pool name"), "{bad}");
    let bad = Membership::from_config(None, Some("tagg:x"), Some("p")).unwrap_err();
    assert!(bad.to_string().contains("\"tagg\""), "{bad}");
}

#[test]
fn windows_are_read_and_written_in_the_words_of_the_config() {
    for text in ["month", "30d", "7d", "24h"] {
        assert_eq!(text.parse::<Window>().unwrap().to_string(), text);
    }
    for bad in ["", "Month", "31d", "7 d", "1w"] {
        let message = bad.parse::<Window>().unwrap_err().to_string();
        assert!(message.contains("month, 30d, 7d or 24h"), "{message}");
    }
    assert_eq!(Window::Month.sliding(), None);
    assert_eq!(Window::Days7.sliding().unwrap().as_secs(), 604_800);
}

#[test]
fn a_quota_is_zero_or_more() {
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(Quota::at_most(bad).is_err(), "{bad}");
    }
    assert_eq!(Quota::at_most(0.0).unwrap().bound(), Some(0.0));
    assert!(
        Quota::at_most(-0.0)
            .unwrap()
            .bound()
            .unwrap()
            .is_sign_positive()
    );
    assert_eq!(Quota::Unlimited.bound(), None);
}
