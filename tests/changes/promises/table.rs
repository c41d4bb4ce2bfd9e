//! Writes the promises down, and keeps what is written the same as what is tested.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::writing::{Ending, Role, promise_of_follow, promise_of_write};
use super::{Fault, Place, Promise, faults, promise};
use crate::counts::tell;
use crate::faults::OPERATIONS;

const READING: [(&str, Place); 4] = [
    ("login", Place::Login),
    ("refresh", Place::Refresh),
    ("detail", Place::Detail),
    ("background", Place::Background),
];

/// The vocabulary, each word with what it says.
const WORDS: [(&str, &str); 16] = [
    (
        "unseen",
        "the answer comes in the end, and nothing shows that anything was wrong",
    ),
    (
        "dated",
        "what was read before stays, with its own date; the cause is named; it is asked again by itself, and \
             what comes then is new",
    ),
    (
        "down",
        "the inventory cannot be read either, so that nothing else is asked: everything stays, dated, until it can",
    ),
    (
        "aged",
        "the guests of the node stay as they were last seen, grey and aged, and are not asked about; everything \
             else goes on",
    ),
    ("told", "reading goes on, and an alert says what is wrong"),
    (
        "named",
        "nothing is shown but the cause; the login is tried again by itself, with longer and longer pauses",
    ),
    (
        "asked",
        "the password is asked for; the configured one is tried again after a pause only",
    ),
    (
        "clean",
        "whatever is made of it moves no cursor, breaks no frame, and is gone with the next honest answer",
    ),
    (
        "done",
        "carried out; what the server certainly did not begin is sent once more",
    ),
    (
        "found",
        "the answer was lost, what became of the change was looked up, and it is reported as done",
    ),
    (
        "unknown",
        "what became of it is looked up; as nothing proves it either way it is reported as unknown, and never sent again",
    ),
    ("refused", "nothing was changed, and the reason is named"),
    (
        "failed",
        "it was begun and failed; the reason and what is left of it are named",
    ),
    (
        "partly",
        "what it met is left as it was, with the reason; the other guests, or steps, are done",
    ),
    (
        "judged",
        "whatever the server says: what is reported agrees with what is there, or is reported as unknown",
    ),
    (
        "believed",
        "what the server says of its own task is believed, in clean text; no change is sent twice",
    ),
];

/// What stands where a fault cannot be.
const NOTHING: &str = "–";

/// A cell: its word, and why it stands there where that needs a reason.
type Cell = (&'static str, Option<&'static str>);

impl Promise {
    fn cell(self) -> Cell {
        let word = match self {
            Self::Unseen => "unseen",
            Self::Dated => "dated",
            Self::Down => "down",
            Self::Aged => "aged",
            Self::Told => "told",
            Self::Named => "named",
            Self::Asked => "asked",
            Self::Clean => "clean",
            Self::Nothing(why) => return (NOTHING, Some(why)),
        };
        (word, None)
    }
}

impl Ending {
    fn cell(self) -> Cell {
        let word = match self {
            Self::Done => "done",
            Self::Found => "found",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Partly => "partly",
            Self::Judged => "judged",
            Self::Believed => "believed",
            Self::Nothing(why) => return (NOTHING, Some(why)),
        };
        (word, None)
    }
}

/// A column: its title, and a cell for each fault.
type Column = (String, Vec<Cell>);

/// A table of promises: its columns, and how each cell is found.
struct Table {
    title: &'static str,
    text: &'static str,
    columns: Vec<Column>,
}

/// Returns the promises of a column.
fn column(cell: impl Fn(&Fault) -> Cell) -> Vec<Cell> {
    faults().iter().map(cell).collect()
}

/// Puts operations that promise the same into one column.
fn writes() -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for name in OPERATIONS {
        let (title, promises) = (
            title(name),
            column(|fault| promise_of_write(name, fault).cell()),
        );
        match columns.iter_mut().find(|column| column.1 == promises) {
            Some((titles, _)) => write!(titles, ", {title}").unwrap(),
            None => columns.push((title, promises)),
        }
    }
    columns
}

fn title(name: &str) -> String {
    match name {
        "keep" => "keep-mark".into(),
        "network" => "network apply".into(),
        "rollback" => "roll back".into(),
        other => other.replace('-', " "),
    }
}

fn tables() -> [Table; 3] {
    let reading = READING.map(|(title, place)| {
        let promises = column(|fault| promise(fault, place).cell());
        (title.to_owned(), promises)
    });
    let follow = [("how it stands", Role::Status), ("its log", Role::Log)].map(|(title, role)| {
        let promises = column(|fault| promise_of_follow(role, fault).cell());
        (title.to_owned(), promises)
    });
    [
        Table {
            title: "Where something is read",
            text: "The fault lasts until it is taken away. *login* is one with a configured password; *refresh* the reading \
                   of the whole inventory; *detail* the present, the history and the snapshots of the guest under the \
                   cursor; *background* the snapshots, the use and the firewall of another guest. An answer that is cut \
                   once only is asked for once more, and nobody sees it.",
            columns: reading.to_vec(),
        },
        Table {
            title: "Where something is changed",
            text: "The fault meets the first request that changes something, once; what concerns every connection, a node, \
                   the cluster or the task is there from the beginning. The account is an API token. The same holds for \
                   every other request: world, report and audit log agree, and no change is sent twice.",
            columns: writes(),
        },
        Table {
            title: "Where a task is followed",
            text: "The fault begins with the first look at the task of a change that was accepted, and ends after two.",
            columns: follow.to_vec(),
        },
    ]
}

impl Table {
    fn write(&self, to: &mut String) {
        write!(to, "\n# {}\n\n{}\n\n|", self.title, self.text).unwrap();
        for (title, _) in &self.columns {
            write!(to, " | {title}").unwrap();
        }
        write!(to, " |\n|---").unwrap();
        to.push_str(&"|---".repeat(self.columns.len()));
        to.push_str("|\n");
        for (row, fault) in faults().iter().enumerate() {
            write!(to, "| {}", fault.name).unwrap();
            for (_, promises) in &self.columns {
                write!(to, " | {}", promises[row].0).unwrap();
            }
            to.push_str(" |\n");
        }
    }
}

fn document() -> String {
    let mut text = String::from(
        "<!-- Made of what the tests hold the program to: PROXDECK_UPDATE_FAULTS=1 cargo test --test changes table -->\n\
         What is promised when something goes wrong. Each row is a fault that the simulator can have, each column a place \
         that it can meet, each cell a promise that a test holds the program to.\n",
    );
    let tables = tables();
    for table in &tables {
        table.write(&mut text);
    }
    text.push_str("\n# What the words say\n\n");
    for (word, meaning) in WORDS {
        writeln!(text, "* **{word}**: {meaning}.").unwrap();
    }
    let cells = tables.iter().flat_map(|table| &table.columns);
    let reasons: BTreeSet<&str> = cells
        .flat_map(|(_, promises)| promises)
        .filter_map(|(_, why)| *why)
        .collect();
    let reasons: Vec<&str> = reasons.into_iter().collect();
    writeln!(text, "* **{NOTHING}**: cannot be: {}.", reasons.join("; ")).unwrap();
    text
}

#[test]
fn the_table_of_promises_is_the_one_that_is_documented() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulator/faults.md");
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let document = document();
    if written == document {
        let writes = OPERATIONS.len();
        let rows = faults().len();
        let columns = READING.len() + writes + 2;
        tell(&format!(
            "promises: {rows} faults, {columns} places, {} cells documented",
            rows * columns
        ));
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says so")]
    let updates = std::env::var_os("PROXDECK_UPDATE_FAULTS").is_some();
    assert!(
        updates,
        "src/simulator/faults.md promises something else; run the tests once with PROXDECK_UPDATE_FAULTS=1\n{document}"
    );
    std::fs::write(file, document).unwrap();
}

#[test]
fn every_fault_of_the_command_line_is_a_row() {
    let refused = "earthquake".parse::<proxdeck::simulator::FaultRule>();
    let told = refused.unwrap_err().to_string();
    let (_, known) = told.split_once("there are: ").unwrap();
    let known: BTreeSet<&str> = known.split_whitespace().collect();
    let rows = faults();
    let words: BTreeSet<&str> = rows.iter().map(|fault| fault.word).collect();
    assert_eq!(words, known);
    let mut names = BTreeMap::new();
    for fault in &rows {
        *names.entry(fault.name).or_insert(0) += 1;
    }
    assert!(names.values().all(|count| *count == 1), "{names:?}");
}
