//! Which faults meet which requests.
//!
//! All of them at all requests would be thousands of worlds. What is taken instead is the same in every run:
//! every fault meets the first and the last write and the last request, every write loses its answer,
//! and every request meets two faults. `PROXDECK_FAULTS=all` takes them all, and `PROXDECK_SEED` others.

use std::collections::BTreeSet;

use proxdeck::simulator::FaultKind;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng as _, SeedableRng as _};

/// A request of a clean run: its method, a part of its path, and which of its like it is.
pub(crate) type Request = (String, String, u64);

/// So many faults meet each request at least.
const EACH: usize = 2;

/// How the faults are spread over the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    Whole,
    Seeded(u64),
}

impl Coverage {
    /// Reads what the tester wishes.
    pub(crate) fn wished() -> Self {
        let named = |wanted: &str| {
            let mut variables = std::env::vars_os();
            let (_, value) = variables.find(|(name, _)| name == wanted)?;
            value.into_string().ok()
        };
        if named("PROXDECK_FAULTS").is_some_and(|wish| wish == "all") {
            return Self::Whole;
        }
        let seed = named("PROXDECK_SEED").map_or(1, |seed| seed.parse().unwrap());
        Self::Seeded(seed)
    }
}

/// Returns pairs of indices into the requests and the faults, each once and in order.
pub(crate) fn cells(
    coverage: Coverage,
    name: &str,
    requests: &[Request],
    kinds: &[FaultKind],
) -> Vec<(usize, usize)> {
    let every = 0..kinds.len();
    let Coverage::Seeded(seed) = coverage else {
        let all =
            (0..requests.len()).flat_map(|request| every.clone().map(move |it| (request, it)));
        return all.collect();
    };
    let mut random = StdRng::seed_from_u64(name.bytes().fold(seed, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    }));
    let is_write = |request: &Request| request.0 != "GET";
    let mut cells = BTreeSet::new();
    let corners = [
        requests.iter().position(is_write),
        requests.iter().rposition(is_write),
        requests.len().checked_sub(1),
    ];
    for corner in corners.into_iter().flatten() {
        cells.extend(every.clone().map(|kind| (corner, kind)));
    }
    // Walking through a shuffled list, every fault comes as often as any other.
    let mut order: Vec<usize> = every.collect();
    order.shuffle(&mut random);
    let mut walk = order.iter().copied().cycle();
    let lost = |taken: bool| {
        let is_lost = move |kind: &FaultKind| {
            if taken {
                matches!(kind, FaultKind::ResetAfter | FaultKind::Malformed)
            } else {
                matches!(kind, FaultKind::ResetBefore | FaultKind::TimedOut)
            }
        };
        let found = (0..kinds.len()).filter(|index| is_lost(&kinds[*index]));
        found.collect::<Vec<_>>()
    };
    for (index, request) in requests.iter().enumerate() {
        cells.extend(walk.by_ref().take(EACH).map(|kind| (index, kind)));
        if is_write(request) {
            for taken in [false, true] {
                let choice = lost(taken);
                cells.insert((index, choice[random.random_range(0..choice.len())]));
            }
        }
    }
    cells.into_iter().collect()
}

fn example() -> Vec<Request> {
    let methods = ["GET", "POST", "GET", "PUT", "GET", "DELETE", "GET", "GET"];
    let requests = methods.iter().enumerate();
    requests
        .map(|(index, method)| ((*method).to_owned(), format!("/{index}"), 1))
        .collect()
}

fn kinds() -> Vec<FaultKind> {
    vec![
        FaultKind::ResetBefore,
        FaultKind::ResetAfter,
        FaultKind::Unauthorized,
        FaultKind::Unreachable,
        FaultKind::TimedOut,
        FaultKind::Truncated,
        FaultKind::Malformed,
    ]
}

#[test]
fn a_sample_is_the_same_in_every_run_and_leaves_no_request_out() {
    let (requests, kinds) = (example(), kinds());
    let of = |seed| cells(Coverage::Seeded(seed), "x", &requests, &kinds);
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    for seed in 0..50 {
        let cells = of(seed);
        for request in 0..requests.len() {
            let met = cells.iter().filter(|cell| cell.0 == request).count();
            assert!(met >= EACH, "{cells:?}");
        }
        for corner in [1, 5, 7] {
            let met = cells.iter().filter(|cell| cell.0 == corner).count();
            assert_eq!(met, kinds.len(), "{cells:?}");
        }
        // The middle write loses its answer before and after it took effect.
        let meets = |any: [usize; 2]| {
            cells
                .iter()
                .any(|cell| cell.0 == 3 && any.contains(&cell.1))
        };
        assert!(meets([0, 4]) && meets([1, 6]), "{cells:?}");
    }
    let whole = cells(Coverage::Whole, "x", &requests, &kinds);
    assert_eq!(whole.len(), requests.len() * kinds.len());
}
