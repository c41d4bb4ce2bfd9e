//! A fault at every request of a clean run: whatever was struck, the report and the world agree.
//!
//! The requests come from the journal of a run without faults, so that none can be forgotten.

use futures_util::future::join_all;
use proxdeck::domain::operation::Outcome;
use proxdeck::simulator::{FaultKind, FaultRule};

use crate::stage::Stage;

const NAME: &str = "fresh";
const VMID: u32 = 102;

fn faults() -> Vec<FaultKind> {
    vec![
        FaultKind::ResetBefore,
        FaultKind::ResetAfter,
        FaultKind::Forbidden("/vms/102".to_owned(), "VM.Snapshot".to_owned()),
        FaultKind::Error("VM is locked (backup)".to_owned()),
        FaultKind::Error("got no worker upid - start worker failed".to_owned()),
        FaultKind::Unreachable,
        FaultKind::TimedOut,
        FaultKind::Truncated,
        FaultKind::Malformed,
        FaultKind::TaskFails(1, "simulated failure".to_owned()),
        FaultKind::TaskVanishes(1),
    ]
}

/// Runs it with one fault at the nth request; what was struck is described for the assertions.
async fn struck(kind: FaultKind, nth: u64) {
    let what = format!("{kind:?} at request {nth}");
    let stage = Stage::fast().await;
    let operation = stage.wish(VMID, NAME, "", false).await;
    let fault = stage.simulator.faults().add(FaultRule::new(kind).nth(nth));
    let (_, report) = stage.run(&operation).await;
    if stage.simulator.faults().remove(fault) == 0 {
        // There is one task, so a fault of the second strikes nothing.
        assert_eq!(report.outcome, Outcome::Done, "{what}: nothing was struck");
    }
    stage.rest().await;
    assert!(stage.writes().len() <= 1, "{what}: sent more than once");
    let snapshot = stage.snapshot(VMID, NAME);
    let is_there = snapshot
        .as_ref()
        .is_some_and(|snapshot| snapshot.snapstate.is_none());
    match &report.outcome {
        Outcome::Done | Outcome::Warnings(_) => {
            assert!(is_there, "{what}: said to be there, {snapshot:?}");
            assert!(
                report.product.is_some() && report.upid.is_some(),
                "{what}: {report:?}"
            );
        }
        Outcome::Failed(failure) => {
            assert!(
                !is_there,
                "{what}: said to have failed ({failure}), but it is there"
            );
            assert!(report.product.is_none(), "{what}: {report:?}");
        }
        Outcome::Unknown(failure) => {
            // Only the request that asks, after the look, can leave it open whether there is a task.
            let is_named = report.upid.is_some();
            assert!(is_named || nth == 2, "{what}: {failure} names no task");
            assert!(report.product.is_none(), "{what}: {report:?}");
        }
        Outcome::Stopped => panic!("{what}: nobody stopped it"),
    }
}

#[tokio::test]
async fn a_fault_at_any_request_leaves_report_and_world_agreed() {
    let stage = Stage::fast().await;
    let operation = stage.wish(VMID, NAME, "", false).await;
    let before = stage.simulator.journal().last_sequence();
    let (_, report) = stage.run(&operation).await;
    assert_eq!(report.outcome, Outcome::Done);
    let requests = stage.simulator.journal().since(before).len() as u64;
    assert!(
        requests >= 5,
        "look, ask, follow, read the log, look for it: {requests}"
    );
    // All at once, for most of each is waiting.
    let cases = faults()
        .into_iter()
        .flat_map(|kind| (1..=requests).map(move |nth| struck(kind.clone(), nth)));
    join_all(cases).await;
}
