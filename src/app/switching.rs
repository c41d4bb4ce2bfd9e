//! Leaves the cluster that is shown for another one of the config.
//!
//! The other one is opened beside it first, so that whoever meets a server that cannot be reached
//! still has what they had. Then everything begins anew: nothing of one cluster stands in another's
//! frame.

use super::dialogs::{ClustersDialog, Dialog, Quit};
use super::effect::Effect;
use super::state::State;
use crate::domain::failure::Failure;

/// A cluster of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCluster {
    /// Its name.
    pub name: String,
    /// The hosts of its servers, in the order in which they are tried.
    pub hosts: Vec<String>,
}

impl State {
    /// Says why no other cluster can be shown, if so.
    pub(super) fn refuses_switching(&self) -> Option<String> {
        if self.clusters.len() > 1 {
            return None;
        }
        let only = &self.setting.cluster;
        Some(if self.setting.demo {
            "the demo has one cluster".to_owned()
        } else {
            format!("{only} is the only one; add another [clusters.NAME] to the config")
        })
    }

    pub(super) fn choose_cluster(&mut self) {
        let dialog = ClustersDialog::new(self.clusters.clone(), self.setting.cluster.clone());
        self.dialogs.push(Dialog::Clusters(Box::new(dialog)));
    }

    /// Goes to another cluster; work in hand is asked about first, as before leaving.
    pub(super) fn switch_to(&mut self, name: String, effects: &mut Vec<Effect>) {
        let at_work = self.jobs.titles();
        if at_work.is_empty() {
            self.open_cluster(name, effects);
        } else {
            let quit = Quit::new(at_work, Some(name));
            self.dialogs.push(Dialog::Quit(quit));
        }
    }

    /// Has another cluster opened; this one stays until that has worked.
    pub(super) fn open_cluster(&mut self, name: String, effects: &mut Vec<Effect>) {
        let switcher = self.switcher();
        switcher.wait(name.clone());
        self.opening = Some(name.clone());
        effects.push(Effect::OpenCluster(name));
    }

    /// Does what was waited for: opens the other cluster, or ends the program.
    pub(super) fn depart(&mut self, effects: &mut Vec<Effect>) {
        match self.bound_for.take() {
            Some(name) => {
                self.leaves_after_work = false;
                self.open_cluster(name, effects);
            }
            None => self.leave(effects),
        }
    }

    /// Takes note of a cluster that was opened, or of one that was not.
    pub(super) fn cluster_opened(
        &mut self,
        name: String,
        result: Result<(), Failure>,
        effects: &mut Vec<Effect>,
    ) {
        // Whoever closed the list meanwhile wants to stay.
        if self.opening.as_ref() != Some(&name) {
            return;
        }
        self.opening = None;
        match result {
            Ok(()) => {
                self.leaving = true;
                effects.push(Effect::Switch(name));
            }
            Err(failure) => self.switcher().refuse(name, failure),
        }
    }

    /// Forgets what was being opened when its list is closed.
    pub(super) fn stay_here(&mut self) {
        self.opening = None;
    }

    /// Returns the open list of clusters; where it is closed it is opened again.
    fn switcher(&mut self) -> &mut ClustersDialog {
        let is_switcher = |dialog: &Dialog| matches!(dialog, Dialog::Clusters(_));
        if !self.dialogs.iter().any(is_switcher) {
            self.choose_cluster();
        }
        let mut dialogs = self.dialogs.iter_mut();
        let Some(Dialog::Clusters(switcher)) = dialogs.find(|dialog| is_switcher(dialog)) else {
            unreachable!("it was opened above")
        };
        switcher
    }
}
