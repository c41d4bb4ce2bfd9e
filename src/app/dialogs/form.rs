//! Forms: fields that are walked through, a preview, and a confirmation where something is lost.
//!
//! What a form is about and how it is checked stands in the file of each purpose; this file knows
//! only fields and keys.

use super::{Reply, TextField};
use crate::app::action::FormKey;
use crate::app::keymap::Combo;
use crate::domain::forecast::Forecast;
use crate::domain::operation::Operation;
use crate::domain::request::{Field, Objection};

/// A form on screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// What it is about.
    pub title: String,
    /// What will happen, and what will be lost.
    pub preview: Vec<Preview>,
    /// The fields, in the order of Tab.
    pub items: Vec<Item>,
    /// The index of the field that has the keys.
    pub focus: usize,
    /// What Enter does.
    pub verb: &'static str,
    /// What Esc does.
    pub refusal: &'static str,
    /// Whether the API calls are shown.
    pub shows_calls: bool,
    /// What the project's budget will look like, where a guest is made.
    pub budget: Option<Budget>,
    /// What the form describes, or why it cannot be done.
    pub checked: Result<Operation, Vec<Objection>>,
}

/// A project's budget as it will be.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The project.
    pub project: String,
    /// Its bounded resources, now and then.
    pub rows: Vec<Forecast>,
}

/// A line of the preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The word before it; empty for a further line about the same.
    pub label: &'static str,
    /// What it says.
    pub text: String,
    /// How much it matters.
    pub weight: Weight,
}

/// How much a line of a preview matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It is good to know.
    Plain,
    /// It should be read.
    Warning,
    /// Something is lost or interrupted.
    Loss,
}

impl Preview {
    pub(super) fn new(label: &'static str, text: impl Into<String>, weight: Weight) -> Self {
        Self {
            label,
            text: text.into(),
            weight,
        }
    }
}

/// A field with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Which field of the request it fills in; objections name it.
    pub field: Field,
    /// The word before it.
    pub label: &'static str,
    /// What an empty text stands for; empty where that needs no word.
    pub hint: &'static str,
    /// What is filled in.
    pub input: Input,
}

/// What can be filled in.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A text.
    Text(TextField),
    /// One of several.
    Choice(Choice),
    /// Yes or no.
    Switch(Switch),
    /// A text that must be typed to go on.
    Typed(Typed),
    /// A choice between leaving it and doing it; leaving it comes first.
    Consent(Consent),
}

/// One of several alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The alternatives.
    pub options: Vec<String>,
    /// Why an alternative cannot be, if so; what is missing here can be.
    pub refusals: Vec<Option<String>>,
    /// The index of the chosen one.
    pub chosen: usize,
}

impl Choice {
    pub(super) fn new(options: Vec<String>) -> Self {
        Self {
            options,
            refusals: Vec::new(),
            chosen: 0,
        }
    }

    /// Returns why an alternative cannot be, if so.
    pub fn refusal(&self, index: usize) -> Option<&str> {
        self.refusals.get(index)?.as_deref()
    }

    fn step(&mut self, steps: usize) {
        if !self.options.is_empty() {
            self.chosen = (self.chosen + steps) % self.options.len();
        }
    }
}

/// Yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// What is switched on.
    pub text: String,
    /// Whether it is on.
    pub on: bool,
    /// Why it cannot be on, if so.
    pub refusal: Option<String>,
    /// Whether it is on as soon as it can be.
    wanted: bool,
}

impl Switch {
    pub(super) fn new(text: impl Into<String>, on: bool) -> Self {
        Self {
            text: text.into(),
            on,
            refusal: None,
            wanted: on,
        }
    }

    /// Forbids the switch for a reason, or allows it; then it is as it was left.
    pub(super) fn forbid(&mut self, refusal: Option<String>) {
        self.on = self.wanted && refusal.is_none();
        self.refusal = refusal;
    }

    fn toggle(&mut self) {
        if self.refusal.is_none() {
            self.on = !self.on;
            self.wanted = self.on;
        }
    }
}

/// A text that must be typed exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    /// What must be typed.
    pub expected: String,
    /// What is typed.
    pub field: TextField,
}

impl Typed {
    /// Tells whether it is typed completely.
    pub fn is_complete(&self) -> bool {
        self.field.value() == self.expected
    }

    /// Returns how many characters are missing; nothing when what is typed is wrong.
    pub fn missing(&self) -> Option<usize> {
        let rest = self.expected.strip_prefix(self.field.value())?;
        Some(rest.chars().count())
    }
}

/// A choice between leaving something and doing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The word for leaving it.
    pub keep: &'static str,
    /// The word for doing it.
    pub act: &'static str,
    /// Whether doing it is chosen.
    pub given: bool,
}

impl Form {
    pub(super) fn new(title: String, items: Vec<Item>, verb: &'static str) -> Self {
        Self {
            title,
            preview: Vec::new(),
            items,
            focus: 0,
            verb,
            refusal: "nothing",
            shows_calls: false,
            budget: None,
            checked: Err(Vec::new()),
        }
    }

    /// Returns the input of a field.
    pub fn input(&self, field: Field) -> Option<&Input> {
        self.items
            .iter()
            .find(|item| item.field == field)
            .map(|item| &item.input)
    }

    fn input_mut(&mut self, field: Field) -> Option<&mut Input> {
        self.items
            .iter_mut()
            .find(|item| item.field == field)
            .map(|item| &mut item.input)
    }

    pub(super) fn text(&self, field: Field) -> &str {
        match self.input(field) {
            Some(Input::Text(text)) => text.value(),
            Some(Input::Choice(_) | Input::Switch(_) | Input::Typed(_) | Input::Consent(_))
            | None => "",
        }
    }

    pub(super) fn set_text(&mut self, field: Field, text: String) {
        if let Some(Input::Text(input)) = self.input_mut(field) {
            *input = TextField::new(text);
        }
    }

    pub(super) fn chosen(&self, field: Field) -> usize {
        match self.input(field) {
            Some(Input::Choice(choice)) => choice.chosen,
            Some(Input::Text(_) | Input::Switch(_) | Input::Typed(_) | Input::Consent(_))
            | None => 0,
        }
    }

    pub(super) fn choose_at(&mut self, field: Field, index: usize) {
        if let Some(Input::Choice(choice)) = self.input_mut(field)
            && index < choice.options.len()
        {
            choice.chosen = index;
        }
    }

    /// Says at each alternative of a field why it cannot be, if so.
    pub(super) fn dim(&mut self, field: Field, refusals: Vec<Option<String>>) {
        if let Some(Input::Choice(choice)) = self.input_mut(field) {
            choice.refusals = refusals;
        }
    }

    /// Puts a field behind another one; the field that has the keys keeps them.
    pub(super) fn insert_after(&mut self, field: Field, item: Item) {
        let place = self.items.iter().position(|item| item.field == field);
        let place = place.map_or(self.items.len(), |index| index + 1);
        if self.focus >= place {
            self.focus += 1;
        }
        self.items.insert(place, item);
    }

    /// Takes a field out; where it had the keys, the one before it gets them.
    pub(super) fn remove(&mut self, field: Field) {
        let Some(place) = self.items.iter().position(|item| item.field == field) else {
            return;
        };
        self.items.remove(place);
        if self.focus >= place {
            self.focus = self.focus.saturating_sub(1);
        }
    }

    pub(super) fn is_on(&self, field: Field) -> bool {
        matches!(self.input(field), Some(Input::Switch(switch)) if switch.on)
    }

    pub(super) fn forbid(&mut self, field: Field, refusal: Option<String>) {
        if let Some(Input::Switch(switch)) = self.input_mut(field) {
            switch.forbid(refusal);
        }
    }

    /// Returns what must be typed to confirm, if something must.
    pub(super) fn expected(&self) -> Option<&str> {
        self.items.iter().find_map(|item| match &item.input {
            Input::Typed(typed) => Some(typed.expected.as_str()),
            Input::Text(_) | Input::Choice(_) | Input::Switch(_) | Input::Consent(_) => None,
        })
    }

    /// Changes what must be typed to confirm; what was typed for something else is forgotten.
    pub(super) fn expect(&mut self, expected: &str) {
        for item in &mut self.items {
            if let Input::Typed(typed) = &mut item.input
                && typed.expected != expected
            {
                *typed = Typed {
                    expected: expected.to_owned(),
                    field: TextField::default(),
                };
            }
        }
    }

    /// Tells whether everything that must be confirmed is.
    pub fn is_confirmed(&self) -> bool {
        self.items.iter().all(|item| match &item.input {
            Input::Typed(typed) => typed.is_complete(),
            Input::Consent(consent) => consent.given,
            Input::Text(_) | Input::Choice(_) | Input::Switch(_) => true,
        })
    }

    /// Tells whether Enter would carry it out.
    pub fn is_ready(&self) -> bool {
        self.checked.is_ok() && self.is_confirmed()
    }

    /// Returns why a field is not as it should be.
    pub fn objection(&self, field: Field) -> Option<&Objection> {
        self.objections()
            .iter()
            .find(|objection| objection.field == field)
    }

    /// Returns the objections to fields that are not on this form.
    pub fn other_objections(&self) -> impl Iterator<Item = &Objection> {
        self.objections()
            .iter()
            .filter(|objection| self.input(objection.field).is_none())
    }

    fn objections(&self) -> &[Objection] {
        self.checked.as_ref().err().map_or(&[], Vec::as_slice)
    }

    fn editor(&mut self) -> Option<&mut TextField> {
        match &mut self.items.get_mut(self.focus)?.input {
            Input::Text(text) => Some(text),
            Input::Typed(typed) => Some(&mut typed.field),
            Input::Choice(_) | Input::Switch(_) | Input::Consent(_) => None,
        }
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        self.editor().is_some_and(|text| text.types(combo))
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        // What is typed to confirm is typed by a person, not by a clipboard.
        if let Some(Item {
            input: Input::Text(text),
            ..
        }) = self.items.get_mut(self.focus)
        {
            text.paste(pasted);
        }
    }

    /// Does what a key asks; returns which field was changed by it, if one was.
    pub(super) fn act(&mut self, key: FormKey) -> (Reply, Option<Field>) {
        let count = self.items.len().max(1);
        match key {
            FormKey::NextField => self.focus = (self.focus + 1) % count,
            FormKey::PreviousField => self.focus = (self.focus + count - 1) % count,
            FormKey::NextChoice | FormKey::Toggle => return (Reply::Stay, self.choose(1)),
            FormKey::PreviousChoice => return (Reply::Stay, self.choose(usize::MAX)),
            FormKey::Calls => self.shows_calls = !self.shows_calls,
            FormKey::Submit => {
                if self.is_confirmed()
                    && let Ok(operation) = &self.checked
                {
                    return (Reply::Run(operation.clone()), None);
                }
                // With a choice still on its first side, Enter does what that side says.
                let keeps =
                    |item: &Item| matches!(&item.input, Input::Consent(consent) if !consent.given);
                if self.items.get(self.focus).is_some_and(keeps) {
                    return (Reply::Close, None);
                }
            }
        }
        (Reply::Stay, None)
    }

    /// Chooses the next alternative, or with `usize::MAX` the previous one.
    fn choose(&mut self, steps: usize) -> Option<Field> {
        let item = self.items.get_mut(self.focus)?;
        match &mut item.input {
            Input::Choice(choice) => {
                let back = choice.options.len().saturating_sub(1);
                choice.step(if steps == usize::MAX { back } else { steps });
            }
            Input::Switch(switch) => switch.toggle(),
            Input::Consent(consent) => consent.given = !consent.given,
            Input::Text(_) | Input::Typed(_) => return None,
        }
        Some(item.field)
    }
}

impl Item {
    pub(super) fn text(field: Field, label: &'static str, text: impl Into<String>) -> Self {
        Self {
            field,
            label,
            hint: "",
            input: Input::Text(TextField::new(text)),
        }
    }

    /// Says what the text stands for while it is empty.
    pub(super) fn hinting(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    pub(super) fn choice(field: Field, label: &'static str, options: Vec<String>) -> Self {
        Self {
            field,
            label,
            hint: "",
            input: Input::Choice(Choice::new(options)),
        }
    }

    pub(super) fn switch(field: Field, label: &'static str, switch: Switch) -> Self {
        Self {
            field,
            label,
            hint: "",
            input: Input::Switch(switch),
        }
    }

    pub(super) fn consent(keep: &'static str, act: &'static str) -> Self {
        let consent = Consent {
            keep,
            act,
            given: false,
        };
        Self {
            field: Field::Whole,
            label: "",
            hint: "",
            input: Input::Consent(consent),
        }
    }

    pub(super) fn typed(expected: String) -> Self {
        let typed = Typed {
            expected,
            field: TextField::default(),
        };
        Self {
            field: Field::Whole,
            label: "",
            hint: "",
            input: Input::Typed(typed),
        }
    }
}
