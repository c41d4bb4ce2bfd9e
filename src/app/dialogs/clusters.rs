//! The list of configured clusters, to choose the one that is shown.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::keymap::Combo;
use crate::app::switching::KnownCluster;
use crate::domain::failure::Failure;

/// The switcher.
#[derive(Debug, Clone, PartialEq)]
pub struct ClustersDialog {
    /// Every configured cluster, in the order of the config.
    known: Vec<KnownCluster>,
    /// The name of the one that is shown.
    pub current: String,
    /// What is typed.
    pub field: TextField,
    /// The clusters that match, the best first.
    pub matches: Vec<KnownCluster>,
    /// The row of the cursor.
    pub row: usize,
    /// The name of the one that is being opened.
    pub opening: Option<String>,
    /// Which one could not be opened, and why.
    pub refusal: Option<(String, Failure)>,
}

impl ClustersDialog {
    pub(in crate::app) fn new(known: Vec<KnownCluster>, current: String) -> Self {
        let mut dialog = Self {
            known,
            current,
            field: TextField::default(),
            matches: Vec::new(),
            row: 0,
            opening: None,
            refusal: None,
        };
        dialog.find();
        // Whoever opens it wants another one than that which is shown.
        let other = |cluster: &KnownCluster| cluster.name != dialog.current;
        dialog.row = dialog.matches.iter().position(other).unwrap_or(0);
        dialog
    }

    /// Waits for a cluster that is being opened.
    pub(in crate::app) fn wait(&mut self, name: String) {
        self.opening = Some(name);
        self.refusal = None;
    }

    /// Says that a cluster could not be opened.
    pub(in crate::app) fn refuse(&mut self, name: String, failure: Failure) {
        self.opening = None;
        if let Some(row) = self.matches.iter().position(|known| known.name == name) {
            self.row = row;
        }
        self.refusal = Some((name, failure));
    }

    fn find(&mut self) {
        let typed = self.field.value();
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let texts = self.known.iter().map(|cluster| {
            let text = format!("{} {}", cluster.name, cluster.hosts.join(" "));
            Worded(text, cluster.clone())
        });
        let found = pattern.match_list(texts, &mut matcher);
        self.matches = found
            .into_iter()
            .map(|(Worded(_, known), _)| known)
            .collect();
        self.row = 0;
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        // While one is opened there is nothing to choose.
        if self.opening.is_some() {
            return false;
        }
        let types = self.field.types(combo);
        if types {
            self.find();
        }
        types
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.opening.is_none() {
            self.field.paste(text);
            self.find();
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        if self.opening.is_some() {
            return Reply::Stay;
        }
        if let Action::Move(motion) = action {
            let last = self.matches.len().saturating_sub(1);
            self.row = self.row.saturating_add_signed(motion.rows(10)).min(last);
        } else if action == Action::Form(FormKey::Submit)
            && let Some(chosen) = self.matches.get(self.row)
        {
            if chosen.name == self.current {
                return Reply::Close;
            }
            return Reply::Cluster(chosen.name.clone());
        }
        Reply::Stay
    }
}

struct Worded(String, KnownCluster);

impl AsRef<str> for Worded {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
