//! The full text of a failure.

use super::Reply;
use crate::app::action::Action;
use crate::domain::failure::Failure;
use crate::domain::operation::HalfMade;

/// A failure to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureText {
    /// What failed.
    pub title: String,
    /// What kind of thing it is.
    pub heading: &'static str,
    /// Why.
    pub failure: Failure,
    /// The guests that are left and not what was wanted.
    pub left: Vec<HalfMade>,
    /// How many lines are scrolled away.
    pub scroll: usize,
}

impl FailureText {
    pub(in crate::app) fn new(title: String, failure: Failure, left: Vec<HalfMade>) -> Self {
        Self {
            title,
            heading: failure.kind.headline(),
            failure,
            left,
            scroll: 0,
        }
    }

    /// Replaces the name of the failure's kind, where it is none.
    #[must_use]
    pub(in crate::app) fn headed(mut self, heading: &'static str) -> Self {
        self.heading = heading;
        self
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        if let Action::Move(motion) = action {
            self.scroll = self.scroll.saturating_add_signed(motion.rows(10)).min(500);
        } else if action == Action::Copy {
            let failure = &self.failure;
            let mut text = format!("{}\n{}: {}", self.title, self.heading, failure.message);
            let details = failure.details.iter().map(ToString::to_string);
            let advice = Some(failure.advised().to_owned()).filter(|advice| !advice.is_empty());
            for line in advice.into_iter().chain(details) {
                text.push('\n');
                text.push_str(&line);
            }
            return Reply::Copy(text);
        } else if action == Action::CleanUp
            && let Some(left) = self.left.first()
        {
            return Reply::CleanUp(Box::new(left.clone()));
        } else if action == Action::Quit {
            return Reply::Close;
        }
        Reply::Stay
    }
}
