//! What a guest does and did, read over the wire.

use proxdeck::domain::chart::Channel;
use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::history::Span;

use crate::house::{by_token, guest, small};

#[tokio::test]
async fn a_running_guest_s_present_is_read_from_its_node() {
    let simulator = small().await;
    let status = by_token(&simulator)
        .guests()
        .current(&guest(101))
        .await
        .unwrap();
    assert!(status.uptime.is_some_and(|uptime| uptime.as_secs() > 0));
    assert!(status.counters.disk_read.is_some());
    assert!(!status.drives.is_empty() && !status.cards.is_empty());
    assert!(status.memory.unwrap() > 0);
}

#[tokio::test]
async fn pitfall_19_history_is_read_over_every_span_as_rates() {
    let simulator = small().await;
    let client = by_token(&simulator);
    for span in Span::ALL {
        let series = client.guests().history(&guest(101), span).await.unwrap();
        let newest = series.end().unwrap();
        let sample = series
            .samples()
            .iter()
            .find(|sample| sample.until == newest)
            .unwrap();
        let cpu = Channel::Cpu.of(&sample.averages).unwrap();
        assert!((0.0..2.0).contains(&cpu), "{span:?}: {cpu}");
        // A counter of five hours would be far beyond what this guest moves in a second.
        assert!(Channel::Network.of(&sample.averages).unwrap() < 1e8);
    }
}

#[tokio::test]
async fn a_guest_without_a_history_file_fails_in_the_server_s_words() {
    let simulator = small().await;
    let error = by_token(&simulator)
        .guests()
        .history(&guest(999), Span::Hour)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Server);
    assert!(error.text().to_string().starts_with("RRD error"));
}
