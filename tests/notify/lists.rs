//! Several channels at once: each on its own, each with a receipt, and no secret in the log.

use std::io;
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use proxdeck::domain::failure::FailureKind;
use proxdeck::notify::{Channel, Delivery, Notifier};
use tokio::sync::Barrier;
use tracing::level_filters::LevelFilter;

use crate::house::{command, notification, patient, webhook};
use crate::server::{Say, Server};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn log(name: &str) -> Channel {
    Channel {
        name: name.to_owned(),
        delivery: Delivery::Log,
    }
}

#[tokio::test]
async fn all_channels_are_told_at_once() {
    // Neither server answers before both were asked.
    let both = Say::Together(Arc::new(Barrier::new(2)));
    let servers = (
        Server::saying(std::slice::from_ref(&both)).await,
        Server::saying(std::slice::from_ref(&both)).await,
    );
    let channels = vec![
        webhook("a", &servers.0.hook()),
        webhook("b", &servers.1.hook()),
    ];
    let receipts = Notifier::with_pace(channels, patient())
        .tell(&notification(), &names(&["a", "b"]))
        .await;
    assert!(
        receipts.iter().all(|receipt| receipt.result.is_ok()),
        "{receipts:?}"
    );
}

#[tokio::test]
async fn one_channel_that_fails_keeps_nothing_from_the_others_and_only_recipients_are_told() {
    let server = Server::saying(&[Say::Status(200)]).await;
    let other = Server::saying(&[Say::Status(200)]).await;
    let channels = vec![
        webhook("other", &other.hook()),
        webhook("team", &server.hook()),
        command("page", &["/nowhere/page"]),
        log("quiet"),
    ];
    let recipients = names(&["page", "nobody", "quiet", "team"]);
    let receipts = Notifier::with_pace(channels, patient())
        .tell(&notification(), &recipients)
        .await;
    let told: Vec<(&str, bool)> = receipts
        .iter()
        .map(|receipt| (receipt.channel.as_str(), receipt.result.is_ok()))
        .collect();
    assert_eq!(
        told,
        [
            ("page", false),
            ("nobody", false),
            ("quiet", true),
            ("team", true)
        ]
    );
    assert_eq!(server.heard().len(), 1);
    assert_eq!(other.heard().len(), 0);
}

#[tokio::test]
async fn a_name_without_a_channel_is_reported_and_not_lost() {
    let receipts = Notifier::new(Vec::new())
        .tell(&notification(), &names(&["administrators"]))
        .await;
    let failure = receipts[0].result.clone().unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotDelivered);
    assert_eq!(
        failure.to_string(),
        "a notification was not delivered: administrators: there is no such channel"
    );
    assert_eq!(
        failure.advised(),
        "add [notify.administrators] to the config"
    );
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_says_who_was_told_what_and_why_somebody_was_not_and_no_secret() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(Mutex::new(lines.clone()))
        .finish();
    // With one subscriber alone, a line that another test's thread reaches first counts as one that nobody wants.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::saying(&[Say::Status(404)]).await;
    let channels = vec![log("demo"), webhook("team", &server.hook())];
    Notifier::with_pace(channels, patient())
        .tell(&notification(), &names(&["demo", "team"]))
        .await;
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = logged
        .lines()
        .filter_map(|line| line.split_once(" proxdeck::notify: "))
        .map(|(_, text)| text)
        .collect();
    assert_eq!(
        ours,
        [
            "told demo: lab: project alpha is at emergency, was ok; no new guests".to_owned(),
            format!(
                "a notification was not delivered: team: {} answered 404 Not Found",
                server.shown()
            )
        ]
    );
    assert!(!ours.concat().contains("hunter2"), "{logged}");
}
