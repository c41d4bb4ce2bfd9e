//! Snapshots of one guest, their names and their tree.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::text::Text;

/// A snapshot as the server lists it.
///
/// Source: `/nodes/N/qemu/ID/snapshot` (API.md §6).
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Its name, unique in its guest; upper and lower case differ.
    pub name: Text,
    /// When it was taken, by the node's clock.
    pub taken: Option<DateTime<Utc>>,
    /// The snapshot it descends from.
    pub parent: Option<Text>,
    /// What its maker wrote.
    pub description: Text,
    /// Whether it holds the guest's memory.
    pub has_ram: bool,
    /// Set while it is unfinished: `prepare` or `delete`.
    pub unfinished: Option<Text>,
}

/// All snapshots of a guest, and where its present stands among them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotList {
    /// The snapshots, in the server's order, which is none.
    pub snapshots: Vec<Snapshot>,
    /// The snapshot from which the guest's present descends.
    pub current_parent: Option<Text>,
    /// The digest of the guest's configuration when the list was read.
    pub digest: Option<String>,
}

impl SnapshotList {
    /// Finds a snapshot by its exact name.
    pub fn find(&self, name: &str) -> Option<&Snapshot> {
        self.snapshots
            .iter()
            .find(|snapshot| snapshot.name.raw() == name)
    }

    /// Counts the snapshots of the longest line of descent.
    ///
    /// Each of them is a layer that a disk's data may have to be looked for in. A loop in the data
    /// is counted as if it were cut somewhere.
    pub fn depth(&self) -> usize {
        let parents: HashMap<&str, Option<&str>> = self
            .snapshots
            .iter()
            .map(|each| (each.name.raw(), each.parent.as_ref().map(Text::raw)))
            .collect();
        let mut depths: HashMap<&str, usize> = HashMap::new();
        let mut line = Vec::new();
        for snapshot in &self.snapshots {
            let mut step = Some(snapshot.name.raw());
            // Upwards to a snapshot whose depth is known; those on the way count nothing yet.
            while let Some((name, parent)) = step
                .filter(|name| !depths.contains_key(name))
                .and_then(|name| Some((name, *parents.get(name)?)))
            {
                depths.insert(name, 0);
                line.push(name);
                step = parent;
            }
            let mut depth = step.and_then(|name| depths.get(name)).copied().unwrap_or(0);
            while let Some(name) = line.pop() {
                depth += 1;
                depths.insert(name, depth);
            }
        }
        depths.into_values().max().unwrap_or(0)
    }

    /// Returns the rows of the tree, ancestors before descendants and older branches first.
    ///
    /// The line that leads to the present stays at depth 0 and ends with it; a side branch is one
    /// deeper. A loop or a missing parent in the data costs no row: each snapshot appears once.
    pub fn tree(&self) -> Vec<TreeRow<'_>> {
        TreeWalk::new(self).rows()
    }
}

/// One row of a guest's snapshot tree.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeRow<'a> {
    /// How many lines run beside this one on its left.
    pub depth: usize,
    /// Where the row stands in its line.
    pub joint: Joint,
    /// The snapshot, or the guest's present.
    pub node: TreeNode<'a>,
}

/// What hangs in a tree: a snapshot or the present.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TreeNode<'a> {
    /// A snapshot.
    Snapshot(&'a Snapshot),
    /// The guest as it is now.
    Present,
}

/// How a row hangs together with the one above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// It descends from nothing.
    Root,
    /// It descends from the row above in its line.
    Follows,
    /// It opens a side branch.
    Branches,
}

/// Walks the tree with an explicit stack, so that a chain of any length is safe.
struct TreeWalk<'a> {
    list: &'a SnapshotList,
    children: HashMap<&'a str, Vec<&'a Snapshot>>,
    /// The names on the way from a root to the present.
    main_line: HashSet<&'a str>,
    seen: HashSet<&'a str>,
    rows: Vec<TreeRow<'a>>,
}

impl<'a> TreeWalk<'a> {
    fn new(list: &'a SnapshotList) -> Self {
        let by_name: HashMap<&str, &Snapshot> = list
            .snapshots
            .iter()
            .map(|each| (each.name.raw(), each))
            .collect();
        let find = |name: &'a Option<Text>| {
            name.as_ref()
                .and_then(|name| by_name.get(name.raw()).copied())
        };
        let mut main_line = HashSet::new();
        let mut step = find(&list.current_parent);
        while let Some(snapshot) = step.filter(|snapshot| main_line.insert(snapshot.name.raw())) {
            step = find(&snapshot.parent);
        }
        Self {
            list,
            children: HashMap::new(),
            main_line,
            seen: HashSet::new(),
            rows: Vec::new(),
        }
    }

    fn rows(mut self) -> Vec<TreeRow<'a>> {
        let mut by_age: Vec<&Snapshot> = self.list.snapshots.iter().collect();
        by_age.sort_by_key(|snapshot| (snapshot.taken, &snapshot.name));
        let names: HashSet<&str> = by_age.iter().map(|snapshot| snapshot.name.raw()).collect();
        let mut roots = Vec::new();
        for &snapshot in &by_age {
            match &snapshot.parent {
                Some(parent) if names.contains(parent.raw()) => {
                    self.children
                        .entry(parent.raw())
                        .or_default()
                        .push(snapshot);
                }
                _ => roots.push(snapshot),
            }
        }
        // The root on the way to the present comes last, so that the present ends the list.
        roots.sort_by_key(|root| self.main_line.contains(root.name.raw()));
        for root in roots {
            self.walk(root);
        }
        // Snapshots in a loop hang from no root; they are shown as roots of their own.
        for snapshot in by_age {
            self.walk(snapshot);
        }
        if !self.rows.iter().any(|row| row.node == TreeNode::Present) {
            self.rows.push(TreeRow {
                depth: 0,
                joint: Joint::Root,
                node: TreeNode::Present,
            });
        }
        self.rows
    }

    fn walk(&mut self, root: &'a Snapshot) {
        let mut pending = vec![TreeRow {
            depth: 0,
            joint: Joint::Root,
            node: TreeNode::Snapshot(root),
        }];
        while let Some(row) = pending.pop() {
            let depth = row.depth;
            let snapshot = match row.node {
                TreeNode::Present => {
                    self.rows.push(row);
                    continue;
                }
                TreeNode::Snapshot(snapshot) => snapshot,
            };
            if !self.seen.insert(snapshot.name.raw()) {
                continue;
            }
            self.rows.push(row);
            let mut children = self
                .children
                .remove(snapshot.name.raw())
                .unwrap_or_default();
            // The heir goes on in this line: the present, what leads to it, or the youngest child.
            let heir = if self.list.current_parent.as_ref() == Some(&snapshot.name) {
                Some(TreeNode::Present)
            } else {
                let leads_on = children
                    .iter()
                    .position(|child| self.main_line.contains(child.name.raw()));
                let index = leads_on.or(children.len().checked_sub(1));
                index.map(|index| TreeNode::Snapshot(children.remove(index)))
            };
            // Popped from its end: first the side branches, oldest first, then the heir.
            pending.extend(heir.map(|node| TreeRow {
                depth,
                joint: Joint::Follows,
                node,
            }));
            pending.extend(children.into_iter().rev().map(|child| TreeRow {
                depth: depth + 1,
                joint: Joint::Branches,
                node: TreeNode::Snapshot(child),
            }));
        }
    }
}

/// A name for a new snapshot that the server will accept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotName(String);

impl SnapshotName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Suggests `av-YYYYMMDD-HHMM` in UTC, with `suffix` (as `-weekly`) behind it.
    ///
    /// A name that `taken` holds already gets the seconds appended.
    pub fn suggest(now: DateTime<Utc>, suffix: &str, taken: &SnapshotList) -> String {
        free(now, taken, |time| format!("av-{time}{suffix}"))
    }

    /// Suggests the same with `keep-` before it, which retention reads as a mark.
    pub fn suggest_kept(now: DateTime<Utc>, taken: &SnapshotList) -> String {
        free(now, taken, |time| format!("keep-av-{time}"))
    }
}

/// Makes a name with the time to the minute, or where the whole name is taken to the second.
fn free(now: DateTime<Utc>, taken: &SnapshotList, name: impl Fn(&str) -> String) -> String {
    let to_the_minute = name(&now.format("%Y%m%d-%H%M").to_string());
    if taken.find(&to_the_minute).is_none() {
        return to_the_minute;
    }
    name(&now.format("%Y%m%d-%H%M%S").to_string())
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Why a text cannot name a new snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSnapshotName {
    /// Nothing was typed.
    #[error("a snapshot needs a name")]
    Empty,
    /// One character only.
    #[error("a name has at least 2 characters")]
    TooShort,
    /// Longer than the server takes.
    #[error("a name has at most 40 characters, this one has {0}")]
    TooLong(usize),
    /// Begins with a digit or a sign.
    #[error("a name begins with a letter, not with {0:?}")]
    BeginsWith(char),
    /// Holds a character that the server refuses.
    #[error("{0:?} is not allowed in a name: letters, digits, `-` and `_` are")]
    Contains(char),
    /// The server keeps the word for itself.
    #[error("`{0}` is a reserved word of Proxmox VE")]
    Reserved(&'static str),
}

impl FromStr for SnapshotName {
    type Err = InvalidSnapshotName;

    /// Checks a name as it is typed (API.md §6; recordings 249–254).
    fn from_str(text: &str) -> Result<Self, InvalidSnapshotName> {
        let first = text.chars().next().ok_or(InvalidSnapshotName::Empty)?;
        if !first.is_ascii_alphabetic() {
            return Err(InvalidSnapshotName::BeginsWith(first));
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'))
        {
            return Err(InvalidSnapshotName::Contains(bad));
        }
        match text.len() {
            1 => return Err(InvalidSnapshotName::TooShort),
            2..=40 => {}
            length => return Err(InvalidSnapshotName::TooLong(length)),
        }
        if text == "current" {
            return Err(InvalidSnapshotName::Reserved("current"));
        }
        if text.eq_ignore_ascii_case("pending") {
            return Err(InvalidSnapshotName::Reserved("pending"));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn snapshot(name: &str, parent: Option<&str>, hour: i64) -> Snapshot {
        Snapshot {
            name: name.into(),
            taken: DateTime::from_timestamp(hour * 3600, 0),
            parent: parent.map(Text::from),
            description: Text::default(),
            has_ram: false,
            unfinished: None,
        }
    }

    fn list(current: Option<&str>, snapshots: &[(&str, Option<&str>, i64)]) -> SnapshotList {
        SnapshotList {
            snapshots: snapshots
                .iter()
                .map(|(name, parent, hour)| snapshot(name, *parent, *hour))
                .collect(),
            current_parent: current.map(Text::from),
            digest: None,
        }
    }

    fn drawn(list: &SnapshotList) -> Vec<String> {
        let rows = list.tree();
        rows.iter()
            .map(|row| {
                let name = match row.node {
                    TreeNode::Snapshot(snapshot) => snapshot.name.to_string(),
                    TreeNode::Present => "*".to_owned(),
                };
                let joint = match row.joint {
                    Joint::Root => "",
                    Joint::Follows => "-",
                    Joint::Branches => "+",
                };
                format!("{}{joint}{name}", " ".repeat(row.depth))
            })
            .collect()
    }

    #[test]
    fn a_chain_stays_in_one_line_and_ends_with_the_present() {
        let list = list(
            Some("c"),
            &[("c", Some("b"), 3), ("a", None, 1), ("b", Some("a"), 2)],
        );
        assert_eq!(drawn(&list), ["a", "-b", "-c", "-*"]);
    }

    #[test]
    fn the_line_to_the_present_is_straight_and_side_branches_are_deeper() {
        let list = list(
            Some("d"),
            &[
                ("a", None, 1),
                ("b", Some("a"), 2),
                ("x", Some("a"), 5),
                ("y", Some("x"), 6),
                ("d", Some("b"), 7),
            ],
        );
        assert_eq!(drawn(&list), ["a", " +x", " -y", "-b", "-d", "-*"]);
    }

    #[test]
    fn branches_that_left_from_the_present_s_parent_come_before_the_present() {
        let list = list(
            Some("a"),
            &[
                ("a", None, 1),
                ("x", Some("a"), 2),
                ("z", Some("x"), 3),
                ("y", Some("a"), 4),
            ],
        );
        assert_eq!(drawn(&list), ["a", " +x", " -z", " +y", "-*"]);
    }

    #[test]
    fn loops_self_parents_and_missing_parents_lose_no_snapshot() {
        let list = list(
            Some("gone"),
            &[
                ("a", Some("b"), 1),
                ("b", Some("a"), 2),
                ("c", Some("c"), 3),
                ("d", Some("nowhere"), 4),
            ],
        );
        assert_eq!(drawn(&list), ["d", "a", "-b", "c", "*"]);
    }

    #[test]
    fn the_longest_line_is_counted_whatever_the_order_and_a_loop_ends() {
        assert_eq!(SnapshotList::default().depth(), 0);
        let forked = [
            ("c", Some("b"), 3),
            ("a", None, 1),
            ("x", Some("a"), 2),
            ("b", Some("a"), 2),
            ("d", Some("gone"), 2),
        ];
        assert_eq!(list(Some("x"), &forked).depth(), 3);
        let loops = [("a", Some("b"), 1), ("b", Some("a"), 2)];
        assert_eq!(list(None, &loops).depth(), 2);
        assert_eq!(list(None, &[("s", Some("s"), 1)]).depth(), 1);
    }

    #[test]
    fn a_guest_without_snapshots_has_only_its_present() {
        assert_eq!(drawn(&SnapshotList::default()), ["*"]);
    }

    #[test]
    fn a_long_chain_is_walked_without_recursion() {
        let names: Vec<String> = (0..50_000).map(|number| format!("s{number}")).collect();
        let parents = std::iter::once(None).chain(names.iter().map(|name| Some(name.as_str())));
        let snapshots = names
            .iter()
            .zip(parents)
            .zip(0..)
            .map(|((name, parent), hour)| snapshot(name, parent, hour))
            .collect();
        let list = SnapshotList {
            snapshots,
            current_parent: Some("s49999".into()),
            digest: None,
        };
        assert_eq!(list.tree().len(), 50_001);
        assert_eq!(list.depth(), 50_000);
    }

    #[test]
    fn names_are_refused_for_the_reason_that_the_server_would_have() {
        use InvalidSnapshotName as Bad;
        let parse = |text: &str| text.parse::<SnapshotName>().map(|name| name.to_string());
        assert_eq!(parse("av-20261123-0900"), Ok("av-20261123-0900".into()));
        assert_eq!(parse("Current"), Ok("Current".into()));
        assert_eq!(parse(""), Err(Bad::Empty));
        assert_eq!(parse("a"), Err(Bad::TooShort));
        assert_eq!(parse(&"a".repeat(41)), Err(Bad::TooLong(41)));
        assert_eq!(parse("1x"), Err(Bad::BeginsWith('1')));
        assert_eq!(parse("a b"), Err(Bad::Contains(' ')));
        assert_eq!(parse("aé"), Err(Bad::Contains('é')));
        assert_eq!(parse("current"), Err(Bad::Reserved("current")));
        assert_eq!(parse("PENDING"), Err(Bad::Reserved("pending")));
    }

    #[test]
    fn a_suggested_name_never_collides_within_the_minute() {
        let now = DateTime::from_timestamp(1_795_424_445, 0).unwrap();
        assert_eq!(
            SnapshotName::suggest(now, "", &SnapshotList::default()),
            "av-20261123-0900"
        );
        let taken = list(None, &[("av-20261123-0900-weekly", None, 1)]);
        assert_eq!(
            SnapshotName::suggest(now, "-weekly", &taken),
            "av-20261123-090045-weekly"
        );
    }
}
