//! Which nodes leave questions unanswered, so that not every question about them is waited for.
//!
//! A node that hangs holds every request that is forwarded to it for half a minute and longer, while
//! the cluster goes on calling it online. After two such requests in a row it is left alone for a
//! while, and its reads fail at once; then one read finds out whether it answers again. Writes are
//! never held back: whether one is sent is the operator's decision alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use crate::domain::failure::FailureKind;

/// So many long silences in a row are enough.
const SILENCES: u32 = 2;
/// So long a node is left alone at first; after each silence more, twice as long.
const FIRST_REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(300);

/// The nodes that were silent lately.
#[derive(Debug)]
pub(crate) struct Breakers {
    /// A failure that took less than this held nothing up.
    long: Duration,
    nodes: Mutex<BTreeMap<String, Silence>>,
}

#[derive(Debug, Clone, Copy)]
struct Silence {
    times: u32,
    rest: Duration,
    /// Since when it is left alone; absent before it was silent often enough.
    since: Option<Instant>,
}

impl Breakers {
    /// Makes those of a connection; a failure within `long` is no silence.
    pub(crate) fn new(long: Duration) -> Self {
        Self {
            long,
            nodes: Mutex::default(),
        }
    }

    /// Tells whether a node may be asked; if not, fails with how long it is left alone.
    ///
    /// The first who may ask again finds out for all others, who wait for another rest meanwhile.
    pub(crate) fn admit(&self, node: &str, now: Instant) -> Result<(), Error> {
        let mut nodes = self.nodes();
        let Some(silence) = nodes.get_mut(node) else {
            return Ok(());
        };
        let Some(since) = silence.since else {
            return Ok(());
        };
        let until = since + silence.rest;
        if now >= until {
            silence.since = Some(now);
            return Ok(());
        }
        let left = until.saturating_duration_since(now).as_secs() + 1;
        let times = silence.times;
        let text = format!(
            "node {node} left {times} questions in a row unanswered; it is asked again in {left} s"
        );
        Err(Error::unsent(FailureKind::NodeUnreachable, text))
    }

    /// Notes how a question to a node ended, which was asked at `begun`.
    pub(crate) fn note(&self, node: &str, failure: Option<&Error>, begun: Instant, now: Instant) {
        let kind = failure.map(Error::kind);
        let is_silent = matches!(
            kind,
            Some(FailureKind::NodeUnreachable | FailureKind::Interrupted)
        );
        let mut nodes = self.nodes();
        if !is_silent {
            // Whether it agrees or refuses: it answers. Of a server that cannot be reached nothing is known.
            if kind != Some(FailureKind::Unreachable) {
                nodes.remove(node);
            }
            return;
        }
        if now.saturating_duration_since(begun) < self.long {
            return;
        }
        let silence = nodes.entry(node.to_owned()).or_insert(Silence {
            times: 0,
            rest: FIRST_REST,
            since: None,
        });
        match silence.since {
            // Asked before it was left alone, which tells nothing new.
            Some(since) if begun < since => return,
            Some(_) => silence.rest = (silence.rest * 2).min(LONGEST_REST),
            None => {}
        }
        silence.times += 1;
        silence.since = (silence.times >= SILENCES).then_some(now);
    }

    /// Returns which nodes are left alone now, and for how long yet.
    pub(crate) fn resting(&self, now: Instant) -> BTreeMap<String, Duration> {
        let nodes = self.nodes();
        let resting = nodes.iter().filter_map(|(node, silence)| {
            let left = (silence.since? + silence.rest).saturating_duration_since(now);
            (!left.is_zero()).then(|| (node.clone(), left))
        });
        resting.collect()
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<String, Silence>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the node that has to answer a read, if one of the cluster's has.
///
/// What every node knows is answered by the one that is asked, whatever node the path names
/// (API.md §1): it tells nothing of that node, and need not wait for it.
pub(crate) fn node_of(path: &str) -> Option<&str> {
    let (node, call) = path.strip_prefix("/nodes/")?.split_once('/')?;
    let mut words = call.split('/');
    let is_known_everywhere = match (words.next()?, words.nth(1), words.next()) {
        ("rrddata", None, None) | ("qemu" | "lxc", Some("rrddata"), None) => true,
        ("qemu" | "lxc", Some("firewall"), Some(part)) => part != "options",
        _ => false,
    };
    (!node.is_empty() && !call.is_empty() && !is_known_everywhere).then_some(node)
}

#[cfg(test)]
mod tests {
    use super::super::meter::monotonic;
    use super::*;

    /// A node, and the seconds since the beginning.
    struct Watched {
        breakers: Breakers,
        start: Instant,
    }

    impl Watched {
        fn new() -> Self {
            Self {
                breakers: Breakers::new(Duration::from_secs(5)),
                start: monotonic(),
            }
        }

        fn at(&self, second: u64) -> Instant {
            self.start + Duration::from_secs(second)
        }

        fn may_ask(&self, second: u64) -> bool {
            self.breakers.admit("pve4", self.at(second)).is_ok()
        }

        fn silent(&self, from: u64, to: u64) {
            let error = Error::unsent(FailureKind::NodeUnreachable, "");
            self.ended(Some(&error), from, to);
        }

        fn ended(&self, failure: Option<&Error>, from: u64, to: u64) {
            let (begun, now) = (self.at(from), self.at(to));
            self.breakers.note("pve4", failure, begun, now);
        }
    }

    #[test]
    fn after_two_long_silences_it_is_left_alone_and_then_asked_once() {
        let node = Watched::new();
        node.silent(0, 30);
        assert!(node.may_ask(30), "once happens");
        node.silent(30, 60);
        assert!(!node.may_ask(60) && !node.may_ask(89));
        assert!(node.may_ask(90), "one finds out");
        assert!(!node.may_ask(91), "the others wait for that one");
        node.ended(None, 90, 91);
        assert!(node.may_ask(91) && node.may_ask(91));
    }

    #[test]
    fn each_silence_more_doubles_the_rest_up_to_five_minutes() {
        let node = Watched::new();
        node.silent(0, 30);
        node.silent(0, 30);
        let mut now = 60;
        for rest in [60, 120, 240, 300, 300] {
            assert!(node.may_ask(now));
            node.silent(now, now + 30);
            assert!(!node.may_ask(now + 30 + rest - 1), "{rest}");
            now += 30 + rest;
        }
    }

    #[test]
    fn what_was_asked_before_it_was_left_alone_tells_nothing_new() {
        let node = Watched::new();
        node.silent(0, 30);
        node.silent(1, 31);
        node.silent(2, 32);
        assert!(node.may_ask(61));
    }

    #[test]
    fn a_quick_failure_and_a_refusal_hold_nothing_up() {
        let node = Watched::new();
        for second in 0..9 {
            node.silent(second, second + 1);
        }
        assert!(node.may_ask(9));
        node.silent(10, 40);
        let refused = Error::unsent(FailureKind::Forbidden, "");
        node.ended(Some(&refused), 40, 70);
        node.silent(70, 100);
        assert!(node.may_ask(100), "no two in a row");
    }

    #[test]
    fn other_nodes_are_asked_as_ever() {
        let node = Watched::new();
        node.silent(0, 30);
        node.silent(0, 30);
        let told = node.breakers.admit("pve4", node.at(31)).unwrap_err();
        let text = told.text().to_string();
        assert!(text.contains("pve4") && text.contains("30 s"), "{text}");
        assert!(node.breakers.admit("pve3", node.at(31)).is_ok());
        assert_eq!(node_of("/nodes/pve4/qemu/104/snapshot"), Some("pve4"));
        for path in ["/nodes", "/nodes/", "/nodes/pve4", "/cluster/resources"] {
            assert_eq!(node_of(path), None, "{path}");
        }
    }

    #[test]
    fn what_every_node_knows_tells_nothing_of_the_one_in_the_path() {
        for known in [
            "/nodes/pve4/rrddata",
            "/nodes/pve4/qemu/104/rrddata",
            "/nodes/pve4/lxc/105/firewall/rules",
            "/nodes/pve4/qemu/104/firewall/ipset/proxdeck-a-443",
            "/nodes/pve4/qemu/104/firewall/aliases",
        ] {
            assert_eq!(node_of(known), None, "{known}");
        }
        for its_own in [
            "/nodes/pve4/qemu/104/firewall/options",
            "/nodes/pve4/qemu/104/config",
            "/nodes/pve4/storage/local/rrddata",
            "/nodes/pve4/storage/local/content",
            "/nodes/pve4/tasks",
        ] {
            assert_eq!(node_of(its_own), Some("pve4"), "{its_own}");
        }
    }

    #[test]
    fn it_tells_who_is_left_alone_and_for_how_long() {
        let node = Watched::new();
        node.silent(0, 30);
        assert!(node.breakers.resting(node.at(30)).is_empty());
        node.silent(0, 31);
        let left = |second| node.breakers.resting(node.at(second)).get("pve4").copied();
        assert_eq!(left(41), Some(Duration::from_secs(20)));
        assert_eq!(left(61), None, "it may be asked");
        assert!(node.may_ask(61));
        assert_eq!(left(61), Some(FIRST_REST), "one finds out");
    }
}
