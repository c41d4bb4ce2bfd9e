//! The filter language: fuzzy words, and prefixes that ask one thing exactly.
//!
//! `build tag:autovibe status:run` shows guests whose number or name matches `build` fuzzily, that
//! carry a tag beginning with `autovibe`, and whose status begins with `run`.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::domain::guest::Guest;
use crate::domain::text::clean;

/// The prefixes, for the hint beside the filter.
pub const PREFIXES: [&str; 5] = ["tag:", "node:", "status:", "pool:", "project:"];

/// The states that are known to exist: ours, and those of QEMU's own that shine through.
const STATES: [&str; 22] = [
    "running",
    "stopped",
    "paused",
    "suspended",
    "prelaunch",
    "io-error",
    "internal-error",
    "unknown",
    "locked",
    "template",
    "postmigrate",
    "inmigrate",
    "finish-migrate",
    "restore-vm",
    "save-vm",
    "shutdown",
    "watchdog",
    "guest-panicked",
    "debug",
    "colo",
    "preconfig",
    "crashed",
];

/// So many characters of a name are looked at: the score of more would leave what the matcher counts in.
const LOOKED_AT: usize = 1000;

/// Of the known states those that are named to somebody who asks for another.
const USUAL: usize = 10;

/// What a filter asks for that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A prefix that asks nothing; it is left out of the filter.
    #[error("there is no {}:, only {}", clean(.0), PREFIXES.join(" "))]
    UnknownPrefix(String),
    /// A state that neither a guest nor any that is known begins with.
    #[error("no status begins with {}: {}…", clean(.0), STATES[..USUAL].join(" "))]
    UnknownStatus(String),
}

/// What is asked about one property of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    Tag(String),
    Node(String),
    Status(String),
    Pool(String),
    Project(String),
}

/// A filter, ready to be put to guests.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
    questions: Vec<Question>,
    words: Option<Pattern>,
    unknown_prefix: Option<String>,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        // Everything else follows from the text.
        self.text == other.text
    }
}

impl Filter {
    /// Reads a filter as typed; every text is one.
    pub fn parse(text: &str) -> Self {
        let mut questions = Vec::new();
        let mut words = Vec::new();
        let mut unknown_prefix = None;
        for word in text.split_whitespace() {
            match word.split_once(':') {
                // A prefix whose value is still being typed asks nothing yet.
                Some(("tag" | "node" | "status" | "pool" | "project", "")) => {}
                Some(("tag", value)) => questions.push(Question::Tag(value.to_lowercase())),
                Some(("node", value)) => questions.push(Question::Node(value.to_lowercase())),
                Some(("status", value)) => questions.push(Question::Status(value.to_lowercase())),
                Some(("pool", value)) => questions.push(Question::Pool(value.to_lowercase())),
                Some(("project", value)) => questions.push(Question::Project(value.to_lowercase())),
                // No name holds a colon, so that this can only be meant as a prefix.
                Some((prefix, _)) => unknown_prefix = Some(prefix.to_owned()),
                None => words.push(word),
            }
        }
        let words = (!words.is_empty())
            .then(|| Pattern::parse(&words.join(" "), CaseMatching::Ignore, Normalization::Smart));
        Self {
            text: text.trim().to_owned(),
            questions,
            words,
            unknown_prefix,
        }
    }

    /// Says what is asked for that does not exist, if anything is.
    ///
    /// The set of states is open: one that nobody knows is right as soon as a guest is in it.
    pub fn mistake<'a>(&self, guests: impl IntoIterator<Item = &'a Guest>) -> Option<Mistake> {
        if let Some(prefix) = &self.unknown_prefix {
            return Some(Mistake::UnknownPrefix(prefix.clone()));
        }
        let is_known = |wanted: &str| STATES.iter().any(|state| begins(state, wanted));
        let wanted = self.questions.iter().find_map(|question| match question {
            Question::Status(wanted) if !is_known(wanted) => Some((question, wanted)),
            Question::Status(_)
            | Question::Tag(_)
            | Question::Node(_)
            | Question::Pool(_)
            | Question::Project(_) => None,
        });
        let (question, wanted) = wanted?;
        let is_there = guests
            .into_iter()
            .any(|guest| question.holds(guest, || None));
        (!is_there).then(|| Mistake::UnknownStatus(wanted.clone()))
    }

    /// Returns the filter as typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Tells whether every guest passes.
    pub fn is_empty(&self) -> bool {
        self.questions.is_empty() && self.words.is_none()
    }

    /// Keeps the guests that pass; `project_of` names the project that a guest counts towards.
    pub fn retain<'a>(
        &self,
        guests: &mut Vec<&'a Guest>,
        project_of: impl Fn(&'a Guest) -> Option<&'a str>,
    ) {
        guests.retain(|guest| self.admits(guest, || project_of(guest)));
        let Some(mut words) = self.words() else {
            return;
        };
        guests.retain(|guest| words.are_in(&guest.to_ref().to_string()));
    }

    /// Tells whether a guest has the properties that are asked for, whatever it is called.
    pub(super) fn admits<'a>(
        &self,
        guest: &Guest,
        project_of: impl Fn() -> Option<&'a str>,
    ) -> bool {
        self.questions
            .iter()
            .all(|question| question.holds(guest, &project_of))
    }

    /// Returns what looks for the words; absent when there are none.
    pub(super) fn words(&self) -> Option<Words<'_>> {
        let pattern = self.words.as_ref()?;
        Some(Words {
            pattern,
            matcher: Matcher::new(Config::DEFAULT),
            scratch: Vec::new(),
        })
    }
}

/// Looks for the words of a filter in many texts.
///
/// The matcher owns a large scratch memory, so it is made once for all of them.
pub(super) struct Words<'a> {
    pattern: &'a Pattern,
    matcher: Matcher,
    scratch: Vec<char>,
}

impl Words<'_> {
    /// Tells whether all words are in a text, fuzzily; of one without end the beginning is looked at.
    pub(super) fn are_in(&mut self, text: &str) -> bool {
        let end = text.char_indices().nth(LOOKED_AT).map(|(at, _)| at);
        let text = &text[..end.unwrap_or(text.len())];
        self.pattern
            .score(Utf32Str::new(text, &mut self.scratch), &mut self.matcher)
            .is_some()
    }
}

impl Question {
    fn holds<'a>(&self, guest: &Guest, project: impl FnOnce() -> Option<&'a str>) -> bool {
        match self {
            Self::Tag(wanted) => guest
                .tags
                .iter()
                .any(|tag| begins(&tag.to_string(), wanted)),
            Self::Node(wanted) => begins(guest.node.as_str(), wanted),
            Self::Status(wanted) => {
                begins(&guest.status.to_string(), wanted)
                    || guest
                        .lock
                        .as_ref()
                        .is_some_and(|_| begins("locked", wanted))
                    || (guest.template && begins("template", wanted))
            }
            Self::Pool(wanted) => guest
                .pool
                .as_ref()
                .is_some_and(|pool| begins(pool.as_str(), wanted)),
            Self::Project(wanted) => project().is_some_and(|project| begins(project, wanted)),
        }
    }
}

fn begins(text: &str, wanted: &str) -> bool {
    text.to_lowercase().starts_with(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::guest::{Figures, Status};
    use crate::domain::id::{GuestKind, PoolName, Vmid};

    fn guest(vmid: u64, name: &str, node: &str, tags: &[&str], pool: Option<&str>) -> Guest {
        Guest {
            vmid: Vmid::new(vmid).unwrap(),
            kind: GuestKind::Qemu,
            node: node.parse().unwrap(),
            name: Some(name.into()),
            status: Status::Running,
            template: false,
            lock: None,
            tags: tags.iter().map(|tag| (*tag).into()).collect(),
            pool: pool.map(|pool| pool.parse().unwrap()),
            ha_state: None,
            figures: Figures::default(),
        }
    }

    fn shown(text: &str) -> Vec<u32> {
        let all = [
            guest(
                104,
                "agent-build-4",
                "pve2",
                &["autovibe", "build"],
                Some("alpha"),
            ),
            guest(117, "agent-crawl-2", "pve1", &["autovibe"], Some("beta")),
            guest(131, "hub-main", "pve1", &["hub", "critical"], None),
        ];
        let mut guests: Vec<&Guest> = all.iter().collect();
        Filter::parse(text).retain(&mut guests, |guest| {
            guest.pool.as_ref().map(PoolName::as_str)
        });
        guests.iter().map(|guest| guest.vmid.get()).collect()
    }

    #[test]
    fn words_match_numbers_and_names_fuzzily_and_all_of_them_must() {
        assert_eq!(shown(""), [104, 117, 131]);
        assert_eq!(shown("bld"), [104]);
        assert_eq!(shown("agent"), [104, 117]);
        assert_eq!(shown("117"), [117]);
        assert_eq!(shown("AGENT crawl"), [117]);
        assert_eq!(shown("nothing-like-it"), [0_u32; 0]);
    }

    #[test]
    fn prefixes_ask_one_property() {
        assert_eq!(shown("tag:auto"), [104, 117]);
        assert_eq!(shown("tag:auto node:pve1"), [117]);
        assert_eq!(shown("pool:beta"), [117]);
        assert_eq!(shown("project:alpha"), [104]);
        assert_eq!(shown("status:run"), [104, 117, 131]);
        assert_eq!(shown("status:stopped"), [0_u32; 0]);
        assert_eq!(shown("node:PVE1 hub"), [131]);
    }

    #[test]
    fn what_does_not_exist_is_a_mistake_and_hides_nothing() {
        let all = [guest(104, "agent-build-4", "pve2", &[], None)];
        let mistake = |text: &str| Filter::parse(text).mistake(&all).map(|it| it.to_string());
        assert_eq!(
            mistake("build foo:bar").as_deref(),
            Some("there is no foo:, only tag: node: status: pool: project:")
        );
        assert_eq!(shown("foo:bar build"), [104]);
        assert!(
            mistake("status:bogus").is_some_and(|it| it.contains("begins with bogus: running"))
        );
        for text in [
            "",
            "build",
            "status:",
            "status:run",
            "status:postm",
            "status:LOCK",
            "pool:x",
        ] {
            assert_eq!(mistake(text), None, "{text}");
        }
        let mut odd = all.clone();
        odd[0].status = Status::Other("bogus-state".into());
        assert_eq!(Filter::parse("status:bogus").mistake(&odd), None);
    }

    #[test]
    fn an_unfinished_prefix_hides_nothing() {
        assert_eq!(shown("tag:"), [104, 117, 131]);
        assert!(Filter::parse("  ").is_empty());
    }
}
