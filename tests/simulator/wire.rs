//! HTTP itself: what the proxy daemon takes, what it refuses, how it answers.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stranger::{Stranger, send, small};

#[tokio::test]
async fn bodies_that_are_refused() {
    let stranger = small().await;
    let path = "/nodes/pve1/qemu/101/snapshot/s2ram";
    let answer = send(
        stranger
            .request(Method::DELETE, path)
            .form(&[("force", "1")]),
    )
    .await;
    assert_eq!(answer.status, 501, "{}", answer.reason);
    let answer = send(stranger.request(Method::GET, "/version").body("x")).await;
    assert_eq!(answer.status, 501, "{}", answer.reason);
    let request = stranger
        .request(Method::PUT, "/nodes/pve1/qemu/101/config")
        .header("Content-Type", "text/plain");
    assert_eq!(send(request.body("description=x")).await.status, 506);
    let large = "x".repeat(513 * 1024);
    let answer = stranger
        .put("/nodes/pve1/qemu/101/config", &[("description", &large)])
        .await;
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (501, "for data too large")
    );
}

#[tokio::test]
async fn json_bodies_know_true_and_forms_do_not() {
    let stranger = small().await;
    let path = "/nodes/pve1/qemu/102/config";
    let request = stranger
        .request(Method::PUT, path)
        .header("Content-Type", "application/json");
    assert!(
        send(request.body(r#"{"onboot": true, "description": "json"}"#))
            .await
            .data()
            .is_null()
    );
    assert_eq!(stranger.get(path).await.data()["onboot"], 1);
    let answer = stranger.put(path, &[("onboot", "true")]).await;
    assert_eq!(
        answer.error("onboot"),
        "type check ('boolean') failed - got 'true'"
    );
}

#[tokio::test]
async fn parameters_in_the_query_win() {
    let stranger = small().await;
    let answer = stranger
        .put("/pools?poolid=lab", &[("comment", "via query")])
        .await;
    assert!(answer.data().is_null());
    assert_eq!(
        stranger.simulator.world().pool_comment("lab").as_deref(),
        Some("via query")
    );
    let answer = stranger.get("/nodes/pve1/qemu/101/config?vmid=102").await;
    assert_eq!(
        answer.error("vmid"),
        "duplicate parameter (already defined in URI)"
    );
}

#[tokio::test]
async fn large_answers_are_compressed_when_asked() {
    let stranger = small().await;
    let client = reqwest::Client::builder()
        .danger_accept_invalid_certs(true)
        .gzip(false)
        .build()
        .unwrap();
    let raw = async |path: &str| {
        let url = format!("{}/api2/json{path}", stranger.simulator.url());
        let request = client
            .get(url)
            .header("Authorization", &stranger.authorization);
        request
            .header("Accept-Encoding", "gzip, deflate")
            .send()
            .await
            .unwrap()
    };
    let packed = raw("/cluster/resources").await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(packed.bytes().await.unwrap().len() < 2000);
    assert!(
        !raw("/version")
            .await
            .headers()
            .contains_key("content-encoding")
    );
    let decoded = stranger.get("/cluster/resources").await;
    assert!(decoded.text.len() > 2000);
}

#[tokio::test]
async fn plain_http_is_sent_elsewhere() {
    let stranger = small().await;
    let mut stream = tokio::net::TcpStream::connect(stranger.simulator.address())
        .await
        .unwrap();
    stream
        .write_all(b"GET /api2/json/version HTTP/1.1\r\nHost: lab:8006\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 301 "), "{text}");
    assert!(
        text.contains("Location: https://lab:8006/api2/json/version\r\n"),
        "{text}"
    );
}

#[tokio::test]
async fn the_date_follows_the_calendar() {
    let stranger = small().await;
    stranger
        .simulator
        .clock()
        .set_offset(chrono::Duration::days(400));
    let answer = stranger.get("/version").await;
    let date =
        chrono::DateTime::parse_from_rfc2822(answer.headers["date"].to_str().unwrap()).unwrap();
    assert!((date.timestamp() - stranger.simulator.clock().seconds()).abs() < 60);
}

#[tokio::test]
async fn errors_close_the_connection_and_the_hundredth_answer_too() {
    let stranger = small().await;
    assert_eq!(stranger.get("/nosuch").await.headers["connection"], "close");
    let fresh = Stranger {
        client: crate::stranger::client(),
        ..stranger
    };
    for number in 1..=100 {
        let answer = fresh.get("/version").await;
        let expected = if number == 100 { "close" } else { "Keep-Alive" };
        assert_eq!(answer.headers["connection"], expected, "answer {number}");
    }
}
