//! What is kept on this machine: by two at once, on a full disk, and where nothing can be.

use proxdeck::simulator::Scenario;

use crate::harness::{Cluster, ENTER, ESCAPE, Home, Screen, Shown};

/// Every running guest is over this one from the start.
const LIMITS: &str = "[limits]\nmax_runtime_hours = 0.01\nsustain_seconds = 1\n";

/// Takes the alert of a guest in hand, with a note.
fn acknowledge(screen: &Screen, guest: &str, note: &str) {
    screen.press("2");
    screen.wait_for(guest);
    screen.press("g");
    for _ in 0..20 {
        if screen.look(|shown| {
            let text = shown.text();
            text.lines()
                .any(|line| line.contains('▌') && line.contains(guest))
        }) {
            break;
        }
        let before = screen.look(Shown::text);
        screen.press("j");
        screen.wait_until("the next alert", |shown| shown.text() != before);
    }
    screen.press("a");
    screen.wait_for("Acknowledge");
    screen.press(note);
    screen.wait_for(note);
    screen.press(ENTER);
    screen.wait_until_gone("Acknowledge");
}

#[test]
fn two_dashboards_on_the_same_files_keep_what_the_other_has_written() {
    let cluster = Cluster::start(Scenario::small(), LIMITS);
    let (first, second) = (cluster.open((120, 40)), cluster.open((120, 40)));
    acknowledge(&first, "web-1", "on my desk");
    acknowledge(&second, "ct-1", "ticket 4711");
    for (screen, steps, guest) in [(&first, "j", "101 web-1"), (&second, "jj", "102 db-1")] {
        screen.press("1g");
        screen.press(steps);
        screen.wait_for(&format!("Snapshots of {guest}"));
        screen.press("s");
        screen.wait_for("Enter take it");
        screen.press(ENTER);
        screen.wait_for(&format!("snapshot {guest} done"));
        screen.press("q");
        assert_eq!(screen.exit_code(), 0);
    }
    let lines = cluster.home.audited();
    assert_eq!(lines.len(), 4, "{lines:?}");
    let alerts = cluster.home.state("alerts.json");
    for note in ["on my desk", "ticket 4711"] {
        assert!(alerts.contains(note), "{note} in {alerts}");
    }
    // Of the four that stand, one of either is in hand.
    let third = cluster.open((120, 40));
    third.wait_for("△ 2");
    third.press("q");
    assert_eq!(third.exit_code(), 0);
}

/// Writes files of an earlier run, which nothing may harm.
fn earlier(home: &Home) -> [(&'static str, String); 3] {
    let folder = home.path("state/proxdeck");
    std::fs::create_dir_all(folder.join("logs")).unwrap();
    let files = [
        ("alerts.json", "{\"far\": {}}\n".to_owned()),
        ("usage.json", "{}\n".to_owned()),
        (
            "audit.jsonl",
            "{\"action\":\"snapshot\",\"outcome\":\"done\"}\n".to_owned(),
        ),
    ];
    for (name, text) in &files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    files
}

#[test]
fn on_a_full_disk_the_dashboard_goes_on_tells_what_is_lost_and_harms_no_file() {
    let cluster = Cluster::start(Scenario::small(), LIMITS);
    let files = earlier(&cluster.home);
    // No file may grow at all, as on a disk without room; beyond a limit the system sends a deadly signal too.
    let script = "ulimit -f 0; exec \"$DECK\"";
    let screen = Screen::start_in_shell(&cluster.home, (120, 40), script);
    screen.wait_for("web-1");
    // The two come in any order; the later one is shown, and behind it the other.
    let troubles = [
        "alerts cannot be remembered: File too large",
        "lines of the log are lost: File too large",
    ];
    screen.wait_until("a trouble", |shown| {
        troubles.iter().any(|each| shown.contains(each))
    });
    screen.press("2");
    let mut told = std::collections::BTreeSet::new();
    while told.len() < troubles.len() {
        screen.wait_until("a trouble", |shown| {
            troubles.iter().any(|each| shown.contains(each))
        });
        let found = screen.look(|shown| troubles.into_iter().find(|each| shown.contains(each)));
        let found = found.unwrap();
        told.insert(found);
        screen.press(ESCAPE);
        screen.wait_until_gone(found);
    }
    screen.press("1g");
    screen.press("j");
    screen.wait_for("Snapshots of 101");
    screen.press("s");
    screen.wait_for("Enter take it");
    screen.press(ENTER);
    screen.wait_for("could not be written");
    screen.press(ESCAPE);
    screen.wait_until_gone("could not be written");
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
    for (name, text) in files {
        assert_eq!(cluster.home.state(name), text, "{name}");
    }
    let names = std::fs::read_dir(cluster.home.path("state/proxdeck")).unwrap();
    let left: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "half-written files stay: {left:?}");
}

#[test]
fn where_no_file_can_be_made_the_dashboard_watches_and_says_that_nothing_is_kept() {
    let cluster = Cluster::start(Scenario::small(), LIMITS);
    // A folder below a file can be made by nobody, not even by root.
    std::fs::remove_dir(cluster.home.path("state")).unwrap();
    std::fs::write(cluster.home.path("state"), "a file").unwrap();
    for arguments in [&[][..], &["--read-only"]] {
        let screen = Screen::start_at(&cluster.home, (120, 40), arguments);
        screen.wait_for("web-1");
        screen.wait_for("nothing can be kept in");
        screen.press(ENTER);
        screen.wait_for("no audit log");
        screen.press(ESCAPE);
        screen.wait_until_gone("no audit log");
        screen.press("q");
        assert_eq!(screen.exit_code(), 0);
        screen.assert_given_back();
    }
}

#[test]
fn a_home_that_is_not_there_keeps_nobody_from_watching() {
    let cluster = Cluster::start(Scenario::small(), "");
    let config = cluster.home.path("config/proxdeck/config.toml");
    let script = format!(
        "unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME; export HOME=/proc/nobody; \
         exec \"$DECK\" --config '{}'",
        config.display()
    );
    let screen = Screen::start_in_shell(&cluster.home, (120, 40), &script);
    screen.wait_for("web-1");
    screen.wait_for("nothing can be kept in /proc/nobody");
    screen.press(ESCAPE);
    screen.wait_until_gone("nothing can be kept");
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}
