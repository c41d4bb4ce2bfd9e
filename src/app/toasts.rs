//! Short messages; good news passes, bad news stays until it is dismissed.

use std::time::Duration;

use crate::domain::failure::Failure;
use crate::domain::operation::HalfMade;
use crate::domain::time::Moment;

/// How long good news is shown.
const LIFETIME: Duration = Duration::from_secs(8);
/// How many messages wait at most; the oldest good news goes first.
const MOST: usize = 20;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    /// What it says, in one line.
    pub text: String,
    /// What kind of news it is.
    pub tone: Tone,
    at: Moment,
}

/// What kind of news a message is.
#[derive(Debug, Clone, PartialEq)]
pub enum Tone {
    /// Something worked.
    Good,
    /// A key did nothing, and why.
    Notice,
    /// Something failed, and may have left guests behind; such a message stays.
    Bad(Box<Failure>, Vec<HalfMade>),
}

/// The end of an operation, to be told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum News {
    /// It went well.
    Good(String),
    /// It did not, or nobody knows; these guests are left that are not what was wanted.
    Bad(String, Box<Failure>, Vec<HalfMade>),
}

impl Toast {
    fn is_bad(&self) -> bool {
        matches!(self.tone, Tone::Bad(..))
    }
}

/// The messages on show, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Toasts(Vec<Toast>);

impl Toasts {
    /// Tells the end of an operation.
    pub(super) fn announce(&mut self, news: News, now: Moment) {
        match news {
            News::Good(text) => self.tell(text, now),
            News::Bad(text, failure, left) => self.push(text, Tone::Bad(failure, left), now),
        }
    }

    /// Tells good news.
    pub(super) fn tell(&mut self, text: impl Into<String>, now: Moment) {
        self.push(text.into(), Tone::Good, now);
    }

    /// Tells why a key did nothing; the last such message is enough.
    pub(super) fn notice(&mut self, text: impl Into<String>, now: Moment) {
        self.0.retain(|toast| toast.tone != Tone::Notice);
        self.push(text.into(), Tone::Notice, now);
    }

    fn push(&mut self, text: String, tone: Tone, at: Moment) {
        if self.0.len() == MOST {
            let passing = self.0.iter().position(|toast| !toast.is_bad()).unwrap_or(0);
            self.0.remove(passing);
        }
        self.0.push(Toast { text, tone, at });
    }

    /// Lets good news pass.
    pub(super) fn age(&mut self, now: Moment) {
        self.0
            .retain(|toast| toast.is_bad() || now.since(toast.at) < LIFETIME);
    }

    /// Takes the message on show away.
    pub(super) fn dismiss(&mut self) -> Option<Toast> {
        let top = self.top_index()?;
        Some(self.0.remove(top))
    }

    /// Takes the newest failure away, to show it whole.
    pub(super) fn take_failure(&mut self) -> Option<(String, Failure, Vec<HalfMade>)> {
        let newest = self.0.iter().rposition(Toast::is_bad)?;
        match self.0.remove(newest) {
            Toast {
                text,
                tone: Tone::Bad(failure, left),
                ..
            } => Some((text, *failure, left)),
            Toast { .. } => None,
        }
    }

    /// Returns the message to show: the newest notice, else the newest failure, else the newest.
    pub fn top(&self) -> Option<&Toast> {
        self.0.get(self.top_index()?)
    }

    fn top_index(&self) -> Option<usize> {
        // A notice answers the key that was just pressed, and passes by itself.
        let notice = self.0.iter().rposition(|toast| toast.tone == Tone::Notice);
        notice
            .or_else(|| self.0.iter().rposition(Toast::is_bad))
            .or_else(|| self.0.len().checked_sub(1))
    }

    /// Returns how many messages there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::FailureKind;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    fn bad(why: &str) -> News {
        News::Bad(
            "failed".into(),
            Box::new(Failure::new(FailureKind::Server, why)),
            Vec::new(),
        )
    }

    #[test]
    fn good_news_passes_and_bad_news_stays_until_it_is_dismissed() {
        let mut toasts = Toasts::default();
        toasts.announce(bad("no space"), at(0));
        toasts.tell("done", at(1));
        assert_eq!(toasts.top().unwrap().text, "failed");
        toasts.notice("locked", at(2));
        assert_eq!(
            toasts.top().unwrap().text,
            "locked",
            "the answer to the last key comes first"
        );
        toasts.age(at(3600));
        assert_eq!(
            (toasts.len(), toasts.top().unwrap().text.as_str()),
            (1, "failed")
        );
        assert!(toasts.dismiss().is_some());
        assert!(toasts.is_empty());
    }

    #[test]
    fn too_many_messages_cost_the_oldest_good_news_first() {
        let mut toasts = Toasts::default();
        toasts.announce(bad(""), at(0));
        for _ in 0..100 {
            toasts.tell("done", at(0));
        }
        assert_eq!(toasts.len(), MOST);
        assert_eq!(toasts.take_failure().unwrap().0, "failed");
    }
}
