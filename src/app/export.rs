//! Plans that leave the program as files.

use super::dialogs::{Dialog, FailureText};
use super::effect::Effect;
use super::state::State;
use super::toasts::News;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::text::clean;

/// What the file of a plan is called before its cluster and its time.
const PREFIX: &str = "proxdeck-prune";

impl State {
    /// Lets the open plan be written into a file; looking is enough for that, so read-only may.
    pub(super) fn export_plan(&mut self, effects: &mut Vec<Effect>) {
        let Some(Dialog::Prune(plan)) = self.dialogs.last() else {
            return;
        };
        let cluster = &self.setting.cluster;
        let Some(document) = plan.document(cluster, self.now.wall) else {
            return;
        };
        match document.to_json() {
            Ok(text) => {
                let cluster: String = cluster.chars().map(plain).collect();
                let time = self.now.wall.format("%Y%m%d-%H%M%S");
                let name = format!("{PREFIX}-{cluster}-{time}.json");
                effects.push(Effect::Export { name, text });
            }
            Err(error) => {
                let failure = Failure::new(FailureKind::Internal, error.to_string());
                self.exported(Err(failure));
            }
        }
    }

    /// Tells where the file is; why there is none stays until it is read.
    pub(super) fn exported(&mut self, result: Result<(String, String), Failure>) {
        match result {
            // The name comes first: of the folder a narrow screen may lose the end.
            Ok((name, folder)) => {
                let (name, folder) = (clean(&name), clean(&folder));
                self.toasts
                    .tell(format!("exported: {name} in {folder}"), self.now.moment);
            }
            Err(failure) => {
                let title = "the plan was not exported".to_owned();
                if matches!(self.dialogs.last(), Some(Dialog::Prune(_))) {
                    // As a message it would offer keys that mean something else in the plan.
                    let text = FailureText::new(title, failure, Vec::new());
                    return self.dialogs.push(Dialog::Failure(Box::new(text)));
                }
                let news = News::Bad(format!("{title}: {failure}"), Box::new(failure), Vec::new());
                self.toasts.announce(news, self.now.moment);
            }
        }
    }
}

/// Replaces what a name of a file should not hold.
fn plain(character: char) -> char {
    if character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.') {
        character
    } else {
        '_'
    }
}
