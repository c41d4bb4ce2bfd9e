//! Who hears of a project's change of tier, and what is said: one line for people, JSON for programs.

use chrono::{DateTime, Utc};
use pretty_assertions::assert_eq;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::notification::{
    ConcernedGuest, GuestOutcome, Notification, TierChange, recipients,
};
use proxdeck::domain::project::{Membership, Project, Quota, Resource};
use proxdeck::domain::quota::{Amount, Certainty, ResourceUsage, Tier};
use proxdeck::domain::text::Text;

fn project(notify: &[&str]) -> Project {
    let pool = Membership::Pool("alpha".parse().unwrap());
    let mut project = Project::new("alpha", pool).unwrap();
    project.notify = notify.iter().map(ToString::to_string).collect();
    project
}

fn noon() -> DateTime<Utc> {
    "2026-11-27T12:00:00.5Z".parse().unwrap()
}

fn usage(resource: Resource, used: f64, certainty: Certainty, quota: f64) -> ResourceUsage {
    let quota = Quota::at_most(quota).unwrap();
    ResourceUsage::new(resource, Amount::new(used, certainty), quota)
}

fn guest(vmid: u64, name: &str, outcome: GuestOutcome, reason: Option<&str>) -> ConcernedGuest {
    ConcernedGuest {
        vmid: Vmid::new(vmid).unwrap(),
        name: (!name.is_empty()).then(|| Text::from(name)),
        outcome,
        reason: reason.map(Text::from),
    }
}

#[test]
fn the_list_hears_of_throttles_and_their_end_and_administrators_of_emergencies() {
    use Tier::{Emergency, Ok, Throttle, Unknown, Unlimited, Warn};
    let list: &[&str] = &["team", "lead"];
    let everybody: &[&str] = &["administrators", "team", "lead"];
    let nobody: &[&str] = &[];
    for (from, to, told) in [
        (Ok, Warn, nobody),
        (Warn, Ok, nobody),
        (Unlimited, Warn, nobody),
        (Ok, Throttle, list),
        (Warn, Throttle, list),
        (Unknown, Throttle, list),
        (Throttle, Throttle, nobody),
        (Throttle, Emergency, everybody),
        (Ok, Emergency, everybody),
        (Emergency, Emergency, nobody),
        (Emergency, Throttle, list),
        (Throttle, Ok, list),
        (Throttle, Warn, list),
        (Throttle, Unlimited, list),
        (Emergency, Ok, list),
        (Throttle, Unknown, nobody),
        (Emergency, Unknown, nobody),
        (Unknown, Ok, nobody),
    ] {
        let change = TierChange { from, to };
        assert_eq!(recipients(change, &project(list)), told, "{from} to {to}");
    }
}

#[test]
fn nobody_is_told_twice_and_a_project_without_a_list_still_alarms_the_administrators() {
    let emergency = TierChange {
        from: Tier::Ok,
        to: Tier::Emergency,
    };
    let doubled = project(&["team", "administrators", "team"]);
    assert_eq!(recipients(emergency, &doubled), ["administrators", "team"]);
    assert_eq!(recipients(emergency, &project(&[])), ["administrators"]);
    let throttle = TierChange {
        from: Tier::Ok,
        to: Tier::Throttle,
    };
    assert_eq!(recipients(throttle, &project(&[])), [""; 0]);
}

#[test]
fn the_payload_is_as_documented() {
    let mut project = project(&[]);
    project.uuid = Some("6f0c2d1e-5a4b-4c3d-8e7f-0a1b2c3d4e5f".to_owned());
    let change = TierChange {
        from: Tier::Throttle,
        to: Tier::Emergency,
    };
    let usage = [
        usage(
            Resource::CpuHours,
            640.000_000_04,
            Certainty::Estimated,
            400.0,
        ),
        usage(Resource::MemoryGbHours, 10.0, Certainty::Exact, 2000.0),
        usage(Resource::StorageGb, 560.0, Certainty::AtLeast, 500.0),
        usage(Resource::NetworkGb, 1.5, Certainty::Exact, 0.0),
    ];
    let notification = Notification::new("lab", noon(), &project, change, &usage)
        .throttled(true)
        .with_guests([
            guest(101, "web", GuestOutcome::ShutDown, None),
            guest(
                102,
                "",
                GuestOutcome::Skipped,
                Some("it is locked (backup)"),
            ),
            guest(103, "db", GuestOutcome::ShutDown, None),
        ]);
    let json = notification.to_json().unwrap();
    assert_eq!(
        json.strip_suffix('\n').unwrap(),
        [
            r#"{"schema":"proxdeck.notification/1","cluster":"lab","time":"2026-11-27T12:00:00Z","kind":"quota","#,
            r#""project":"alpha","uuid":"6f0c2d1e-5a4b-4c3d-8e7f-0a1b2c3d4e5f","#,
            r#""tier":"emergency","previous_tier":"throttle","throttled":true,"resources":["#,
            r#"{"resource":"cpu_hours","unit":"core-hours","used":640.0,"quota":400.0,"excess":0.6,"#,
            r#""tier":"emergency","estimated":true,"lower_bound":false},"#,
            r#"{"resource":"storage_gb","unit":"GB","used":560.0,"quota":500.0,"excess":0.12,"#,
            r#""tier":"throttle","estimated":true,"lower_bound":true},"#,
            r#"{"resource":"network_gb","unit":"GB","used":1.5,"quota":0.0,"excess":null,"#,
            r#""tier":"throttle","estimated":false,"lower_bound":false}],"guests":["#,
            r#"{"vmid":101,"name":"web","outcome":"shut-down","reason":null},"#,
            r#"{"vmid":102,"name":null,"outcome":"skipped","reason":"it is locked (backup)"},"#,
            r#"{"vmid":103,"name":"db","outcome":"shut-down","reason":null}],"#,
            r#""message":"lab: project alpha is at emergency, was throttle: cpu_hours ~640 of 400 core-hours (+60 %), "#,
            "storage_gb ≥560 of 500 GB (+12 %), network_gb 1.5 of 0 GB; no new guests; ",
            r#"guests: 2 shut down, 1 skipped"}"#,
        ]
        .concat()
    );
}

#[test]
fn a_throttle_that_ends_is_told_as_such_and_what_is_unknown_as_unknown() {
    let change = TierChange {
        from: Tier::Throttle,
        to: Tier::Ok,
    };
    let within = [usage(Resource::CpuHours, 1.0, Certainty::Exact, 400.0)];
    let lifted = Notification::new("lab", noon(), &project(&[]), change, &within);
    assert_eq!(
        lifted.message(),
        "lab: project alpha is at ok, was throttle; whether new guests are allowed is not known"
    );
    assert_eq!(
        lifted.throttled(false).message(),
        "lab: project alpha is at ok, was throttle; new guests are allowed"
    );
}

#[test]
fn names_and_reasons_of_strangers_hold_no_control_characters_and_no_whole_logs() {
    let change = TierChange {
        from: Tier::Ok,
        to: Tier::Emergency,
    };
    let reason = format!("\u{1b}[2J\n{}", "x".repeat(100_000));
    let notification = Notification::new("la\u{7}b", noon(), &project(&[]), change, &[])
        .with_guests([guest(
            101,
            "w\u{202e}eb\r\n",
            GuestOutcome::Failed,
            Some(&reason),
        )]);
    let json = notification.to_json().unwrap();
    assert!(json.len() < 1000, "{} bytes", json.len());
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["cluster"], "la␇b");
    assert_eq!(value["guests"][0]["name"], "w\u{fffd}eb");
    let reason = value["guests"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("␛[2J xxx"), "{reason}");
}
