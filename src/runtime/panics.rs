//! What happens when something in this program breaks.
//!
//! A break in one answer or one job is its failure, and the dashboard goes on; one in the dashboard itself ends the
//! program, after the terminal was given back. Either is written into the log with its place. Nothing is swallowed.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::path::PathBuf;

use futures_util::FutureExt as _;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::text::{Text, clean};

/// Has a panic of this thread told in words for people, and every panic written into the log.
///
/// `log` is the folder of the log, where one is written.
pub fn explain(log: Option<PathBuf>) {
    let own = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        self::log(panic);
        if std::thread::current().id() != own {
            return;
        }
        let log = match &log {
            Some(folder) => format!(
                "the log says more: {}",
                clean(&folder.display().to_string())
            ),
            None => "no log was written".to_owned(),
        };
        // Where nobody can be told any more, nobody is.
        let _ = writeln!(
            std::io::stderr().lock(),
            "proxdeck broke: {}\nthis is a mistake in proxdeck, not in the cluster; {log}\n\
             tasks that the server has begun go on there",
            describe(panic)
        );
    }));
}

/// Writes a panic into the log, with the way that led there where the environment asks for it.
pub(super) fn log(panic: &PanicHookInfo<'_>) {
    tracing::error!("broke: {}", describe(panic));
    let way = Backtrace::capture();
    if way.status() == BacktraceStatus::Captured {
        tracing::error!("{way}");
    }
}

/// Says what broke and where.
fn describe(panic: &PanicHookInfo<'_>) -> String {
    let what = message(panic.payload());
    match panic.location() {
        Some(place) => format!("{what}, at {}", clean(&place.to_string())),
        None => what,
    }
}

/// Returns the words of a panic as they may be shown.
fn message(payload: &(dyn Any + Send)) -> String {
    let words = payload.downcast_ref::<&str>().copied();
    let words = words.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let words = Text::from(words.unwrap_or("without a word"));
    words.lines().join(" ")
}

/// Makes the failure of something that broke.
pub(super) fn failure(payload: &(dyn Any + Send)) -> Failure {
    Failure::new(FailureKind::Internal, message(payload))
        .with_advice("this is a mistake in proxdeck; its log says where it happened")
}

/// Does some work; where it breaks, that is its failure.
pub(super) async fn caught<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    caught_as(work, |failure| failure).await
}

/// Does some work; where it breaks, that is its error.
pub(super) async fn caught_as<T, E>(
    work: impl Future<Output = Result<T, E>>,
    broken: impl FnOnce(Failure) -> E,
) -> Result<T, E> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(payload) => Err(broken(failure(&*payload))),
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[tokio::test]
    async fn what_breaks_is_a_failure_in_its_own_words_shown_as_all_text_is() {
        let number = 7;
        let broken: Result<(), Failure> =
            caught(async { panic!("no {number}\n\u{1b}[31mred") }).await;
        let failure = broken.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        let words = failure.message.to_string();
        assert!(
            words.starts_with("no 7 ") && words.ends_with("red"),
            "{words}"
        );
        assert_eq!(clean(&words), words);
        assert!(failure.advised().contains("log"), "{failure:?}");
        let whole = caught(async { Ok(7) }).await;
        assert_eq!(whole, Ok(7));
    }
}
