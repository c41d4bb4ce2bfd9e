//! Webhooks: what is posted, when it is tried again, and what is said where it does not arrive.

use std::sync::Arc;
use std::time::Duration;

use pretty_assertions::assert_eq;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use proxdeck::notify::Pace;

use crate::house::{long_notification, notification, patient, tell, webhook};
use crate::server::{Say, Server};

async fn told(server: &Server) -> Result<(), String> {
    tell(webhook("team", &server.hook()), patient(), &notification()).await
}

#[tokio::test]
async fn the_payload_is_posted_as_json_with_the_user_of_the_address() {
    let server = Server::saying(&[Say::Status(204)]).await;
    assert_eq!(told(&server).await, Ok(()));
    let [heard] = <[_; 1]>::try_from(server.heard()).unwrap();
    assert_eq!(heard.call, "POST /hunter2?key=hunter2");
    assert_eq!(heard.body, notification().to_json().unwrap());
    assert_eq!(heard.header("content-type"), Some("application/json"));
    assert_eq!(
        heard.header("user-agent"),
        Some(concat!("proxdeck/", env!("CARGO_PKG_VERSION")))
    );
    // me:hunter2
    assert_eq!(
        heard.header("authorization"),
        Some("Basic bWU6aHVudGVyMg==")
    );
}

#[tokio::test]
async fn a_long_payload_arrives_whole() {
    let server = Server::saying(&[Say::Status(200)]).await;
    let channel = webhook("team", &server.hook());
    assert_eq!(tell(channel, patient(), &long_notification()).await, Ok(()));
    let json = long_notification().to_json().unwrap();
    assert!(server.heard()[0].body == json, "the payload was altered");
}

#[tokio::test]
async fn a_server_that_fails_for_a_moment_is_asked_again_and_takes_the_message_once() {
    for passing in [500, 503, 429] {
        let server = Server::saying(&[Say::Status(passing), Say::Status(200)]).await;
        assert_eq!(told(&server).await, Ok(()), "{passing}");
        let heard = server.heard();
        assert_eq!(heard.len(), 2, "{passing}");
        assert_eq!(heard[0].body, heard[1].body);
    }
}

#[tokio::test]
async fn a_server_that_fails_for_ever_is_asked_three_times() {
    let server = Server::saying(&[Say::Status(500)]).await;
    assert_eq!(
        told(&server).await,
        Err(format!(
            "a notification was not delivered: team: {} answered 500 Internal Server Error; tried 3 times; \
             look at [notify.team]: the receiver itself failed; its own log tells why",
            server.shown()
        ))
    );
    assert_eq!(server.heard().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_final() {
    for status in [400, 401, 404, 410] {
        let server = Server::saying(&[Say::Status(status), Say::Status(200)]).await;
        let error = told(&server).await.unwrap_err();
        let expected = format!("{} answered {status} ", server.shown());
        assert!(error.contains(&expected), "{error}");
        assert!(!error.contains("tried"), "{error}");
        assert_eq!(server.heard().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_be_it_to_the_same_host_or_to_another() {
    let elsewhere = Server::saying(&[Say::Status(200)]).await;
    for status in [301, 302, 303, 307, 308] {
        for to in ["/new".to_owned(), elsewhere.hook()] {
            let server = Server::saying(&[Say::Moved(status, to), Say::Status(200)]).await;
            let error = told(&server).await.unwrap_err();
            assert!(error.contains("no redirect is followed"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
            assert_eq!(server.heard().len(), 1);
        }
    }
    assert_eq!(elsewhere.heard().len(), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_a_success_like_any_other() {
    let server = Server::saying(&[Say::Endlessly]).await;
    assert_eq!(told(&server).await, Ok(()));
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = Server::saying(&[Say::Nothing]).await;
    let pace = Pace {
        request: Duration::from_millis(500),
        ..patient()
    };
    let error = tell(webhook("team", &server.hook()), pace, &notification())
        .await
        .unwrap_err();
    let expected = format!(
        "a notification was not delivered: team: {}: no answer within 0.5 s; tried 3 times; look at [notify.team]: ",
        server.shown()
    );
    assert!(error.starts_with(&expected), "{error}");
}

#[tokio::test]
async fn where_nobody_listens_the_error_says_so_without_the_secret() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let hook = format!("http://me:hunter2@{address}/hunter2?key=hunter2");
    let error = tell(webhook("team", &hook), patient(), &notification())
        .await
        .unwrap_err();
    let expected = format!("team: http://{address}: no connection: ");
    assert!(error.contains(&expected), "{error}");
    assert!(error.contains("refused"), "{error}");
    assert!(error.contains("tried 3 times"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn an_address_that_is_none_is_no_reason_to_repeat_it() {
    for address in [
        "hunter2",
        "https://hunter2:hunter2@:x/hunter2",
        "http://[hunter2]/",
    ] {
        let error = tell(webhook("team", address), patient(), &notification())
            .await
            .unwrap_err();
        assert_eq!(
            error,
            "a notification was not delivered: team: the address cannot be used; \
             look at [notify.team]: write it as https://HOST/PATH"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_the_system_does_not_trust_gets_no_message() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("https://{}/hunter2", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    TaskTracker::new().spawn(stop.run_until_cancelled_owned(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shaken = acceptor.accept(stream).await;
            assert!(shaken.is_err(), "the handshake came to its end");
        }
    }));
    let error = tell(webhook("team", &hook), patient(), &notification())
        .await
        .unwrap_err();
    assert!(error.contains("certificate: "), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_webhook_is_shown_by_scheme_and_host_alone() {
    let channel = webhook(
        "team",
        "https://me:hunter2@hooks.example:8443/hunter2?hunter2#hunter2",
    );
    assert_eq!(
        format!("{:?}", channel.delivery),
        "Webhook(Webhook(https://hooks.example:8443))"
    );
}
