//! What a guest does and did, read over the wire.

use proxdeck::domain::chart::Channel;
use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::history::Span;
use proxdeck::domain::id::GuestKind;

use crate::house::{by_token, guest, listening_to, small, token};
use crate::teller::{Say, Teller};

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

#[tokio::test]
async fn the_last_half_hour_of_every_guest_comes_in_one_answer() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let metrics = client.cluster().metrics_history(None).await.unwrap();
    let points = metrics.of(GuestKind::Qemu, guest(101).vmid);
    assert!(points.len() > 100, "{}", points.len());
    assert!(points.is_sorted_by_key(|point| point.at));
    let newest = points.last().unwrap();
    assert!(newest.cpu.is_some_and(|cpu| (0.0..2.0).contains(&cpu)));
    assert_eq!(newest.max_cpu, Some(2.0));
    assert!(newest.memory.is_some() && newest.uptime.is_some());
    let stopped = metrics.of(GuestKind::Qemu, guest(102).vmid);
    let last = stopped.last().unwrap();
    assert_eq!((last.cpu, last.memory), (None, None), "it does not run");

    let begin = points[points.len() - 3].at;
    let part = client.cluster().metrics_history(Some(begin)).await.unwrap();
    let oldest = part.iter().filter_map(|(_, _, points)| points.first());
    assert!(oldest.map(|point| point.at).min().unwrap() > begin);
}

#[tokio::test]
async fn who_may_not_read_the_export_is_told_what_it_needs() {
    let body = r#"{"data":null,"message":"Permission check failed (/, Sys.Audit)\n"}"#;
    let refusal = "403 Permission check failed (/, Sys.Audit)";
    let teller = Teller::start(move |_| Say::answer(refusal, body)).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let error = client.cluster().metrics_history(None).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Forbidden);
    let target = &teller.heard()[0].target;
    assert_eq!(target, "/api2/json/cluster/metrics/export?history=1");
}
