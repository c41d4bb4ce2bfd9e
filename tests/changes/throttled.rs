//! New guests in a throttled project: refused right before the copy, or overridden and written down.

use chrono::DateTime;
use proxdeck::domain::admission::JoinedProject;
use proxdeck::domain::operation::{Operation, Outcome, Report, Stamp};
use proxdeck::domain::project::{Membership, Project};
use proxdeck::domain::request::{CreateContext, CreateRequest};
use proxdeck::operations::read_throttle;
use proxdeck::simulator::{FaultKind, FaultRule};

use crate::creating::{guests_called, wish, world};
use crate::stage::Stage;

const THROTTLE: &str = "by ops\n[proxdeck throttled 2026-11-27T08:10:31Z cpu_hours tier=throttle]";
const REASON: &str =
    "lab is throttled since 2026-11-27 08:10Z: cpu_hours over its quota (tier throttle)";

fn comment(stage: &Stage, comment: &str) {
    stage
        .simulator
        .edit(|world| world.set_pool_comment("lab", Some(comment)).unwrap());
}

/// Checks the usual wish for guests of the project, whose throttle is read for it.
async fn in_project(stage: &Stage, change: impl FnOnce(&mut CreateRequest)) -> Operation {
    let source = stage.guest(100).await;
    let guests = stage.client.guests();
    let config = guests.config(&source.to_ref()).await.unwrap();
    let project = Project::new("lab", Membership::Pool("lab".parse().unwrap())).unwrap();
    let throttle = read_throttle(&stage.client, project.marker_pool()).await;
    let project = JoinedProject::new(&project, throttle);
    let mut request = wish(stage).await;
    change(&mut request);
    let context = CreateContext {
        source: Some(&source),
        config: Some(&config),
        project: Some(&project),
        ..CreateContext::default()
    };
    let stamp = Stamp::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap(), 42);
    request.check(&context, &stamp).unwrap()
}

fn reason(report: &Report) -> String {
    report.outcome.failure().unwrap().message.to_string()
}

#[tokio::test]
async fn a_free_project_is_looked_at_once_more_and_takes_the_guest() {
    let stage = Stage::of(world()).await;
    let operation = in_project(&stage, |_| {}).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let entries = stage.simulator.journal().entries();
    let looked = entries.iter().position(|entry| entry.path == "/pools");
    let copied = entries.iter().position(|entry| entry.method == "POST");
    assert_eq!(looked.unwrap() + 1, copied.unwrap(), "{entries:?}");
    assert!(
        stage
            .log()
            .iter()
            .all(|line| line.get("overridden").is_none())
    );
}

#[tokio::test]
async fn a_throttle_set_since_the_check_refuses_and_nothing_is_made() {
    let stage = Stage::of(world()).await;
    let single = in_project(&stage, |_| {}).await;
    let several = in_project(&stage, |wish| wish.count = "2".into()).await;
    comment(&stage, THROTTLE);
    stage.forget();
    let report = stage.play(&single).await.report;
    assert_eq!(reason(&report), format!("{REASON}; nothing was made"));
    assert_eq!(stage.writes(), [] as [&str; 0]);
    assert_eq!(report.product, None);
    let line = stage.log().pop().unwrap();
    assert!(line["error"].as_str().unwrap().contains(REASON), "{line}");
    stage.play(&several).await;
    assert_eq!(stage.writes(), [] as [&str; 0]);
    assert_eq!(guests_called(&stage, "agent"), []);
}

#[tokio::test]
async fn a_lost_answer_to_the_last_look_refuses_and_says_so() {
    let faults = [
        FaultKind::ResetBefore,
        FaultKind::Forbidden("/pool/lab".into(), "Pool.Audit".into()),
    ];
    for fault in faults {
        let stage = Stage::of(world()).await;
        let operation = in_project(&stage, |_| {}).await;
        stage.forget();
        let rule = FaultRule::new(fault).path("/pools").times(9);
        stage.simulator.faults().add(rule);
        let report = stage.play(&operation).await.report;
        let reason = reason(&report);
        let begin =
            "whether lab is throttled is unknown: the comment of pool lab could not be read";
        assert!(reason.starts_with(begin), "{reason}");
        assert!(reason.ends_with("nothing was made"), "{reason}");
        assert_eq!(stage.writes(), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn an_overridden_throttle_is_written_down_and_reported() {
    let stage = Stage::of(world()).await;
    comment(&stage, THROTTLE);
    let operation = in_project(&stage, |wish| wish.overrides_throttle = true).await;
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let note = format!("throttle overridden: {REASON}");
    assert!(report.notes.contains(&note), "{:?}", report.notes);
    let lines = stage.log();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert_eq!(line["overridden"], REASON, "{line}");
    }
}

#[tokio::test]
async fn each_of_several_overriding_guests_says_so_in_the_log_and_the_report_once() {
    let stage = Stage::of(world()).await;
    comment(&stage, THROTTLE);
    let operation = in_project(&stage, |wish| {
        wish.overrides_throttle = true;
        wish.count = "2".into();
    })
    .await;
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let notes = report.notes.iter();
    assert_eq!(notes.filter(|note| note.contains(REASON)).count(), 1);
    let begun: Vec<_> = stage
        .log()
        .into_iter()
        .filter(|line| line["outcome"] == "started")
        .collect();
    assert_eq!(begun.len(), 3);
    assert!(begun.iter().all(|line| line["overridden"] == REASON));
}
