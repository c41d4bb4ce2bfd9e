//! The audit log and the refusal to write.

use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::operation::Outcome;
use proxdeck::domain::request::SnapshotRequest;
use proxdeck::operations::{AuditLog, WriteAccess};
use proxdeck::simulator::Scenario;

use crate::snapshots::take;
use crate::stage::Stage;

#[tokio::test]
async fn a_line_tells_who_did_what_where_and_how_it_ended() {
    let stage = Stage::new().await;
    let report = stage
        .play(&take(&stage.guest(101).await, "pre", false))
        .await
        .report;
    let lines = stage.log();
    assert_eq!(lines.len(), 2);
    let begin = &lines[0];
    assert_eq!(begin["cluster"], "lab");
    assert_eq!(begin["account"], "hub@pve!deck");
    assert_eq!(begin["action"], "snapshot");
    assert_eq!(begin["targets"][0]["vmid"], 101);
    assert_eq!(begin["targets"][0]["name"], "web-1");
    assert_eq!(begin["outcome"], "started");
    assert_eq!(begin["calls"][0]["parameters"]["snapname"], "pre");
    let time = begin["time"].as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok());
    let end = &lines[1];
    assert_eq!(end["upid"], report.upid.unwrap().as_str());
    assert_eq!(end["outcome"], "done");
    let text = format!("{lines:?}");
    assert!(!text.contains(&stage.simulator.accounts().token_secret));
}

#[tokio::test]
async fn what_was_sent_is_logged_as_it_is_and_moves_nothing_where_the_log_is_read() {
    let stage = Stage::new().await;
    let guest = stage.guest(101).await;
    let description = "before\u{202e}the\u{200b} upgrade";
    let request = SnapshotRequest {
        guest: guest.to_ref(),
        name: "pre".into(),
        description: description.into(),
        ram: false,
    };
    stage
        .play(&request.check(Some(&guest), None).unwrap())
        .await;
    let call = &stage.log()[0]["calls"][0];
    assert_eq!(call["parameters"]["description"], description);
    let text = stage.log_text();
    assert!(
        text.contains("\\u202e") && text.contains("\\u200b"),
        "{text}"
    );
    assert!(!text.contains(['\u{202e}', '\u{200b}']), "{text:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_is_its_owner_s_alone_and_grows_by_appending() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("audit.log");
    for _ in 0..2 {
        let mut stage = Stage::new().await;
        let log = AuditLog::open(&path, "lab").unwrap();
        stage.set_access(WriteAccess::Logged(log));
        stage
            .play(&take(&stage.guest(101).await, "pre", false))
            .await;
    }
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 4);
}

#[tokio::test]
async fn a_change_that_nobody_watches_any_more_leaves_its_task_s_name() {
    let mut scenario = Scenario::small();
    // So slow that the task cannot end by itself.
    scenario.speed = 0.001;
    let stage = Stage::of(scenario).await;
    let operation = take(&stage.guest(101).await, "pre", false);
    let accepted = stage.leave_once_accepted(&operation).await;
    let lines = stage.log();
    assert_eq!(stage.logged(), ["started", "left"]);
    assert_eq!(lines[1]["upid"], accepted.as_str());
    assert_eq!(lines[1]["action"], "snapshot");
    assert_eq!(lines[1]["targets"][0]["vmid"], 101);
}

#[tokio::test]
async fn nothing_is_sent_when_nothing_may_be_written() {
    let mut stage = Stage::new().await;
    let operation = take(&stage.guest(101).await, "pre", false);
    stage.set_access(WriteAccess::ReadOnly);
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome.failure().unwrap().kind, FailureKind::Refused);
    assert!(stage.simulator.journal().is_empty());
    assert_eq!(stage.log().len(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_log_that_cannot_be_written_is_reported_and_stops_nothing() {
    let mut stage = Stage::new().await;
    let operation = take(&stage.guest(101).await, "pre", false);
    let full = AuditLog::open("/dev/full", "lab").unwrap();
    stage.set_access(WriteAccess::Logged(full));
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done);
    assert!(
        report.notes[0].starts_with("the audit log /dev/full could not be written"),
        "{report:?}"
    );
    assert_eq!(report.unlogged.as_ref(), report.notes.first());
}

/// A disk that was full for a while has taken half a line; what is written later is whole all the same.
#[tokio::test]
async fn a_torn_line_costs_no_other_line() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("audit.log");
    let (whole, torn) = ("{\"outcome\":\"done\"}", "{\"time\":\"2026-11-");
    std::fs::write(&path, format!("{whole}\n{torn}")).unwrap();
    let mut stage = Stage::new().await;
    stage.set_access(WriteAccess::Logged(AuditLog::open(&path, "lab").unwrap()));
    stage
        .play(&take(&stage.guest(101).await, "pre", false))
        .await;
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], [whole, torn], "what is there stays");
    let rest = lines[2..].iter();
    let outcomes: Vec<String> = rest
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["outcome"].to_string())
        .collect();
    assert_eq!(outcomes, ["\"started\"", "\"done\""]);
}
