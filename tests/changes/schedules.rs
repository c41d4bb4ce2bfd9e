//! Several faults at once, at random: which, how often and at what is the seed's.
//!
//! What [`crate::faults`] proves of one fault at one known request must hold of any that meet: the world,
//! the report and the audit log agree, no write is sent twice, every operation ends, and once the faults
//! stop the cluster is read as ever. `PROXDECK_SEEDS=FROM..TO` tries others than the usual ones.

use std::ops::Range;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use proxdeck::simulator::{FaultKind, FaultRule};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng as _, SeedableRng as _};

use crate::counts::tell;
use crate::faults::{AT_ONCE, OPERATIONS, judge, kinds, rest, stage_of};
use crate::stage::Played;

/// The usual seeds.
const SEEDS: Range<u64> = 0..300;
/// Longer than any operation takes whose faults stop.
const ENDS_WITHIN: Duration = Duration::from_secs(100);
/// Whoever cannot read the cluster for so long after the last fault has not recovered.
const RECOVERS_WITHIN: Duration = Duration::from_secs(100);

/// Makes the rules of a seed.
///
/// Each strikes a few times at the most: faults that never stop are another matter.
fn schedule(random: &mut StdRng) -> Vec<FaultRule> {
    let mut kinds = kinds();
    kinds.extend([
        FaultKind::Refused,
        FaultKind::TaskFails(0, "it does not work".into()),
        FaultKind::TaskFails(1, "it does not work any more".into()),
        FaultKind::TaskVanishes(1),
    ]);
    let count = random.random_range(1..=4);
    let rules = kinds.choose_multiple(random, count).cloned();
    let kinds: Vec<FaultKind> = rules.collect();
    let rules = kinds.into_iter().map(|kind| {
        // After three refused logins the client takes long pauses, lest it lock the account.
        let most = if kind == FaultKind::Unauthorized {
            2
        } else {
            4
        };
        let rule = FaultRule::new(kind)
            .rate(random.random_range(0.05..0.6))
            .times(random.random_range(1..=most));
        match random.random_range(0..4) {
            0 => rule.method("GET"),
            1 => rule.method("POST"),
            _ => rule,
        }
    });
    rules.collect()
}

/// Lets an operation meet the faults of a seed; returns how often they struck.
async fn with_seed(seed: u64) -> u64 {
    let mut random = StdRng::seed_from_u64(seed);
    let name = OPERATIONS[seed as usize % OPERATIONS.len()];
    let rules = schedule(&mut random);
    let case = format!("{name}, seed {seed}, {rules:?}");
    let (stage, operation) = stage_of(name).await;
    let faults = stage.simulator.faults();
    let ids: Vec<_> = rules.into_iter().map(|rule| faults.add(rule)).collect();
    let played = tokio::time::timeout(ENDS_WITHIN, stage.play(&operation)).await;
    let Ok(Played { report, .. }) = played else {
        panic!("{case}: it never ended");
    };
    let strikes = ids.into_iter().map(|id| faults.strikes(id)).sum();
    faults.clear();
    rest(&stage).await;
    judge(name, &stage, &report, &case);
    if strikes == 0 {
        assert!(report.outcome.is_success(), "{case}: {report:?}");
    }
    let recovered = async {
        while stage.client.cluster().resources().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let recovered = tokio::time::timeout(RECOVERS_WITHIN, recovered).await;
    assert!(recovered.is_ok(), "{case}: never read again");
    strikes
}

/// Reads which seeds the tester wishes.
fn seeds() -> Range<u64> {
    let mut variables = std::env::vars_os();
    let wished = variables.find(|(name, _)| name == "PROXDECK_SEEDS");
    let Some(wished) = wished.and_then(|(_, value)| value.into_string().ok()) else {
        return SEEDS;
    };
    let (from, to) = wished.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_faults_meet_all_accounts_agree_and_nothing_is_sent_twice() {
    let seeds = seeds();
    let strikes: Vec<u64> = stream::iter(seeds.clone())
        .map(with_seed)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let struck = strikes.iter().filter(|count| **count > 0).count();
    tell(&format!(
        "random faults: {} schedules (seeds {seeds:?}), {struck} struck, {} faults in all",
        strikes.len(),
        strikes.iter().sum::<u64>()
    ));
    assert!(struck * 2 > strikes.len(), "{struck} struck");
}
