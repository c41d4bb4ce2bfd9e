//! The writes that bring our rules into place among those of others.
//!
//! New rules come first and old ones go last, so that at no moment more passes than before and
//! after together: a new rule counts only once every one above it does, or where that makes no
//! difference, and an old one that blocks stays until all that replaces it is there.

use super::action::Action;
use super::mark;
use super::plan::{Change, Role};
use super::way_back::WayBack;
use crate::domain::firewall::{Direction, GuestFirewall, Policy, Rule};
use crate::domain::text::Text;

/// What the steps that write and remove the record of a trial are about.
pub(super) const RECORD: &str = "way back";

/// A rule that has to stand in the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) rule: Rule,
    /// How many rules of others stand above it; without a number as few as may be.
    pub(super) foreign_above: Option<usize>,
}

/// What a rule in the list is to the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Not ours.
    Foreign,
    /// Ours, and to go.
    Old,
    /// The record of a trial, which goes last of all.
    Record,
    /// The wanted rule of this number.
    Wanted(usize),
}

/// Writes one after another, and the firewall as it is after them.
pub(super) struct Steps {
    firewall: GuestFirewall,
    places: Vec<Place>,
    wanted: Vec<Wanted>,
    changes: Vec<Change>,
}

impl Steps {
    /// Begins with a firewall as it is; rules of ours that are as wanted, and in order, stay.
    pub(super) fn new(firewall: &GuestFirewall, wanted: Vec<Wanted>) -> Self {
        let mut steps = Self {
            firewall: firewall.clone(),
            places: firewall.rules.list.iter().map(place).collect(),
            wanted,
            changes: Vec::new(),
        };
        for (position, number) in steps.kept() {
            steps.places[position] = Place::Wanted(number);
        }
        steps
    }

    /// Pairs old rules with wanted ones: the most that stand in the wanted order.
    fn kept(&self) -> Vec<(usize, usize)> {
        let mut above = 0;
        let mut old: Vec<(usize, usize)> = Vec::new();
        for (position, place) in self.places.iter().enumerate() {
            match place {
                Place::Foreign => above += 1,
                Place::Old => old.push((position, above)),
                Place::Record | Place::Wanted(_) => {}
            }
        }
        let fits = |(position, above): (usize, usize), wanted: &Wanted| {
            let rule = &self.firewall.rules.list[position];
            let same = match wanted.foreign_above {
                None => is_same(rule, &wanted.rule),
                // What was there before is to be there again to the letter, and in its place.
                Some(wish) => {
                    let details =
                        rule.log == wanted.rule.log && rule.comment == wanted.rule.comment;
                    wish == above && details && is_same(rule, &wanted.rule)
                }
            };
            same && (wanted.rule.is_enabled || !rule.is_enabled)
        };
        // The longest common sequence, by the lengths of what is left of both.
        let (rows, columns) = (old.len(), self.wanted.len());
        let mut longest = vec![vec![0_u32; columns + 1]; rows + 1];
        for row in (0..rows).rev() {
            for column in (0..columns).rev() {
                longest[row][column] = if fits(old[row], &self.wanted[column]) {
                    longest[row + 1][column + 1] + 1
                } else {
                    longest[row + 1][column].max(longest[row][column + 1])
                };
            }
        }
        let mut kept = Vec::new();
        let (mut row, mut column) = (0, 0);
        while row < rows && column < columns {
            if fits(old[row], &self.wanted[column]) {
                kept.push((old[row].0, column));
                (row, column) = (row + 1, column + 1);
            } else if longest[row + 1][column] >= longest[row][column + 1] {
                row += 1;
            } else {
                column += 1;
            }
        }
        kept
    }

    /// Returns the firewall as it is after the steps so far.
    pub(super) fn firewall(&self) -> &GuestFirewall {
        &self.firewall
    }

    /// Returns the steps.
    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Adds a step that is not about a rule's place.
    pub(super) fn push(
        &mut self,
        action: Action,
        role: Role,
        subject: impl Into<String>,
        before: Option<String>,
        after: Option<String>,
    ) {
        action.apply_to(&mut self.firewall);
        self.changes.push(Change {
            action,
            subject: subject.into(),
            before,
            after,
            role,
        });
    }

    /// Records how to undo what follows, before anything else is written.
    pub(super) fn record(&mut self, rule: Rule) {
        self.insert(
            rule,
            Place::Record,
            "way back",
            "recorded in a disabled rule",
        );
    }

    fn insert(&mut self, rule: Rule, place: Place, subject: &str, after: &str) {
        self.places.insert(0, place);
        let action = Action::InsertRule(Box::new(rule));
        self.push(action, Role::Mends, subject, None, Some(after.to_owned()));
    }

    /// Removes old rules that let traffic through to sets which are about to grow.
    ///
    /// Such a rule was changed by somebody, and with the new addresses it might let more through
    /// than it ever did.
    pub(super) fn close_growing(&mut self, sets: &[&str]) {
        let list = &self.firewall.rules.list;
        let affected = |position: &usize| {
            let rule = &list[*position];
            self.places[*position] == Place::Old
                && rule.action.raw() == Policy::Accept.word()
                && sets.iter().any(|set| mark::speaks_of(rule, set))
        };
        let mut positions: Vec<usize> = (0..list.len()).filter(affected).collect();
        positions.reverse();
        for position in positions {
            self.delete(position);
        }
    }

    /// Adds what is wanted and not there, and switches on what is off.
    pub(super) fn arrange(&mut self) {
        let direct = accepts_come_first(&self.wanted);
        let mut added = vec![false; self.wanted.len()];
        for number in (0..self.wanted.len()).rev() {
            if self.places.contains(&Place::Wanted(number)) {
                continue;
            }
            added[number] = true;
            let to = self.place_of(number);
            let mut rule = self.wanted[number].rule.clone();
            let words = rule.to_string();
            // Before its place it must not count, for it would overrule what stands above that.
            rule.is_enabled &= to == 0 && direct;
            self.insert(rule, Place::Wanted(number), "rule", &words);
            if to > 0 {
                self.places[0..=to].rotate_left(1);
                let action = Action::MoveRule { from: 0, to };
                let places = (
                    Some("position 0".to_owned()),
                    Some(format!("position {to}")),
                );
                self.push(
                    action,
                    Role::Follows,
                    format!("rule {words}"),
                    places.0,
                    places.1,
                );
            }
        }
        for position in 0..self.places.len() {
            let Place::Wanted(number) = self.places[position] else {
                continue;
            };
            let rule = &self.firewall.rules.list[position];
            if self.wanted[number].rule.is_enabled && !rule.is_enabled {
                let role = if added[number] {
                    Role::Follows
                } else {
                    Role::Mends
                };
                let subject = format!("rule {}", self.wanted[number].rule);
                let action = Action::EnableRule { position };
                let (off, on) = (Some("disabled".to_owned()), Some("enabled".to_owned()));
                self.push(action, role, subject, off, on);
            }
        }
    }

    /// Says before which position a wanted rule has to be put.
    fn place_of(&self, number: usize) -> usize {
        let wanted = |place: &Place| match place {
            Place::Wanted(other) => Some(*other),
            Place::Foreign | Place::Old | Place::Record => None,
        };
        let places = &self.places;
        let behind = |place: &Place| wanted(place).is_some_and(|other| other > number);
        let before = |place: &Place| wanted(place).is_some_and(|other| other < number);
        let next = places.iter().position(behind);
        let after_last = places.iter().rposition(before).map_or(0, |last| last + 1);
        let wish = match self.wanted[number].foreign_above {
            None => next.unwrap_or(after_last),
            Some(above) => {
                let foreign = places.iter().enumerate();
                let mut foreign = foreign.filter(|(_, place)| **place == Place::Foreign);
                foreign.nth(above).map_or(places.len(), |(at, _)| at)
            }
        };
        let place = wish.min(next.unwrap_or(places.len())).max(after_last);
        // What goes anyway, or does not count, need not be passed.
        let passes = |place: &Place| matches!(place, Place::Foreign | Place::Wanted(_));
        if places[..place].iter().any(passes) {
            place
        } else {
            0
        }
    }

    /// Removes the rules of ours that are not wanted, from the highest position.
    pub(super) fn delete_old(&mut self) {
        self.delete_all(Place::Old);
    }

    /// Removes the records of trials.
    pub(super) fn delete_records(&mut self) {
        self.delete_all(Place::Record);
    }

    fn delete_all(&mut self, place: Place) {
        for position in (0..self.places.len()).rev() {
            if self.places[position] == place {
                self.delete(position);
            }
        }
    }

    fn delete(&mut self, position: usize) {
        let (subject, before) = match self.places.remove(position) {
            Place::Record => (RECORD, "recorded in a disabled rule".to_owned()),
            Place::Foreign | Place::Old | Place::Wanted(_) => {
                ("rule", self.firewall.rules.list[position].to_string())
            }
        };
        let action = Action::DeleteRule { position };
        self.push(action, Role::Mends, subject, Some(before), None);
    }

    /// Returns where the rules of others stand after the steps so far, in their order.
    pub(super) fn foreign_positions(&self) -> Vec<usize> {
        let places = self.places.iter().enumerate();
        let foreign = places.filter(|(_, place)| **place == Place::Foreign);
        foreign.map(|(position, _)| position).collect()
    }
}

fn place(rule: &Rule) -> Place {
    match mark::profile_of_rule(rule) {
        Some(_) if WayBack::is_record(rule) => Place::Record,
        Some(_) => Place::Old,
        None => Place::Foreign,
    }
}

/// Tells whether two rules of ours do the same, whether or not they count and are logged.
fn is_same(one: &Rule, other: &Rule) -> bool {
    let fields = |rule: &Rule| -> Vec<(&'static str, Option<Text>)> {
        let fields = rule.fields().into_iter();
        fields
            .filter(|(key, _)| !matches!(*key, "log" | "comment"))
            .map(|(key, value)| (key, value.cloned()))
            .collect()
    };
    one.direction == other.direction
        && one.action == other.action
        && mark::profile_of_rule(one) == mark::profile_of_rule(other)
        && fields(one) == fields(other)
}

/// Tells whether in either direction all that lets through stands above all that blocks.
///
/// Then it makes no difference which of the rules come to count first.
fn accepts_come_first(wanted: &[Wanted]) -> bool {
    [Direction::In, Direction::Out].iter().all(|direction| {
        let rules = wanted.iter().map(|each| &each.rule);
        let actions: Vec<bool> = rules
            .filter(|rule| rule.direction == *direction)
            .map(|rule| rule.action.raw() == Policy::Accept.word())
            .collect();
        actions.is_sorted_by(|first, second| first >= second)
    })
}
