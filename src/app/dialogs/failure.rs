//! The full text of a failure.

use super::Reply;
use crate::app::action::Action;
use crate::domain::failure::Failure;

/// A failure to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureText {
    /// What failed.
    pub title: String,
    /// Why.
    pub failure: Failure,
    /// How many lines are scrolled away.
    pub scroll: usize,
}

impl FailureText {
    pub(in crate::app) fn new(title: String, failure: Failure) -> Self {
        Self {
            title,
            failure,
            scroll: 0,
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        if let Action::Move(motion) = action {
            self.scroll = self.scroll.saturating_add_signed(motion.rows(10)).min(500);
        } else if action == Action::Copy {
            let failure = &self.failure;
            let mut text = format!("{}\n{failure}", self.title);
            let details = failure.details.iter().map(ToString::to_string);
            let advice = Some(failure.advised().to_owned()).filter(|advice| !advice.is_empty());
            for line in advice.into_iter().chain(details) {
                text.push('\n');
                text.push_str(&line);
            }
            return Reply::Copy(text);
        } else if action == Action::Quit {
            return Reply::Close;
        }
        Reply::Stay
    }
}
