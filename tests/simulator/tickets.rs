//! Logging in with a password: tickets, anti-forgery tokens, expiry, renewal, the second factor.

use proxdeck::simulator::{Options, Scenario};
use reqwest::Method;
use serde_json::Value;

use crate::stranger::{Answer, Stranger, send, small};

async fn login(stranger: &Stranger, form: &[(&str, &str)]) -> Answer {
    send(
        stranger
            .client
            .post(format!(
                "{}/api2/json/access/ticket",
                stranger.simulator.url()
            ))
            .form(form),
    )
    .await
}

fn with_ticket(
    stranger: &Stranger,
    method: Method,
    path: &str,
    ticket: &str,
    csrf: Option<&str>,
) -> reqwest::RequestBuilder {
    let encoded = percent_encoding::utf8_percent_encode(ticket, percent_encoding::NON_ALPHANUMERIC);
    let request = stranger
        .client
        .request(
            method,
            format!("{}/api2/json{path}", stranger.simulator.url()),
        )
        .header("Cookie", format!("PVEAuthCookie={encoded}"));
    match csrf {
        Some(csrf) => request.header("CSRFPreventionToken", csrf),
        None => request,
    }
}

fn text<'a>(data: &'a Value, key: &str) -> &'a str {
    data[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {data}"))
}

#[tokio::test]
async fn a_password_gives_a_ticket() {
    let stranger = small().await;
    let password = stranger.simulator.accounts().password.clone();
    let answer = login(
        &stranger,
        &[("username", "hub@pve"), ("password", &password)],
    )
    .await;
    let both: Vec<&str> = answer
        .headers
        .get_all("connection")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert_eq!(
        both.join(", "),
        "close, Keep-Alive",
        "login answers carry both"
    );
    let data = answer.data();
    assert!(text(&data, "ticket").starts_with("PVE:hub@pve:"));
    assert_eq!(text(&data, "username"), "hub@pve");
    assert_eq!(text(&data, "clustername"), "small");
    assert_eq!(data["cap"]["vms"]["VM.Snapshot"], 1);
    assert_eq!(data["cap"]["dc"]["Sys.Audit"], 1);
    let ticket = text(&data, "ticket");
    let answer = send(with_ticket(
        &stranger,
        Method::GET,
        "/version",
        ticket,
        None,
    ))
    .await;
    assert_eq!(answer.status, 200);
    let parts = [
        ("username", "hub"),
        ("realm", "pve"),
        ("password", password.as_str()),
    ];
    assert_eq!(login(&stranger, &parts).await.status, 200);
}

#[tokio::test]
async fn every_failed_login_says_the_same() {
    let stranger = small().await;
    for form in [
        [("username", "hub@pve"), ("password", "wrong")],
        [("username", "nobody@pve"), ("password", "wrong")],
        [("username", "hub@nosuch"), ("password", "wrong")],
        [("username", "hub"), ("password", "wrong")],
        [("username", "retired@pve"), ("password", "wrong")],
    ] {
        let answer = login(&stranger, &form).await;
        assert_eq!(
            (answer.status, answer.reason.as_str()),
            (401, "authentication failure")
        );
        assert_eq!(answer.json()["message"], "authentication failure\n");
    }
    let extra = [("username", "hub@pve"), ("password", "x"), ("bogus", "1")];
    assert!(
        login(&stranger, &extra)
            .await
            .error("bogus")
            .starts_with("property is not defined in schema")
    );
}

#[tokio::test]
async fn writes_need_the_token_beside_the_ticket() {
    let stranger = small().await;
    let password = stranger.simulator.accounts().password.clone();
    let data = login(
        &stranger,
        &[("username", "hub@pve"), ("password", &password)],
    )
    .await
    .data();
    let (ticket, csrf) = (text(&data, "ticket"), text(&data, "CSRFPreventionToken"));
    let path = "/nodes/pve1/qemu/102/status/start";
    for wrong in [None, Some("6B046023:nonsense")] {
        let answer = send(with_ticket(&stranger, Method::POST, path, ticket, wrong)).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, ""));
        assert_eq!(answer.reason, "Permission denied - invalid csrf token");
    }
    let answer = send(with_ticket(
        &stranger,
        Method::POST,
        path,
        ticket,
        Some(csrf),
    ))
    .await;
    assert!(
        answer
            .data()
            .as_str()
            .unwrap()
            .contains(":qmstart:102:hub@pve:")
    );
}

#[tokio::test]
async fn tickets_end_after_two_hours_and_renew_themselves() {
    let stranger = small().await;
    let password = stranger.simulator.accounts().password.clone();
    let first = login(
        &stranger,
        &[("username", "hub@pve"), ("password", &password)],
    )
    .await
    .data();
    let ticket = text(&first, "ticket");
    let works = async |ticket: &str| {
        send(with_ticket(
            &stranger,
            Method::GET,
            "/version",
            ticket,
            None,
        ))
        .await
        .status
    };
    stranger
        .simulator
        .clock()
        .set_offset(chrono::Duration::minutes(119));
    assert_eq!(works(ticket).await, 200);
    let renewed = login(&stranger, &[("username", "hub@pve"), ("password", ticket)])
        .await
        .data();
    stranger
        .simulator
        .clock()
        .set_offset(chrono::Duration::minutes(125));
    assert_eq!(works(ticket).await, 401);
    assert_eq!(
        login(&stranger, &[("username", "hub@pve"), ("password", ticket)])
            .await
            .status,
        401
    );
    assert_eq!(works(text(&renewed, "ticket")).await, 200);
    stranger
        .simulator
        .clock()
        .set_offset(chrono::Duration::minutes(-30));
    assert_eq!(
        works(ticket).await,
        401,
        "tickets from the future are refused"
    );
    assert_eq!(works(&ticket.replace("hub@pve", "root@pam")).await, 401);
}

#[tokio::test]
async fn the_second_factor_is_asked_for_and_checked() {
    let stranger = small().await;
    let accounts = stranger.simulator.accounts().clone();
    let user = accounts.second_factor_user.as_str();
    let first = [
        ("username", user),
        ("password", accounts.second_factor_password.as_str()),
    ];
    let data = login(&stranger, &first).await.data();
    assert_eq!(data["NeedTFA"], 1);
    assert!(data.get("cap").is_none());
    let challenge = text(&data, "ticket").to_owned();
    assert!(
        challenge.starts_with("PVE:!tfa!{\"totp\"%3Atrue}:"),
        "{challenge}"
    );
    let answer = send(with_ticket(
        &stranger,
        Method::GET,
        "/version",
        &challenge,
        None,
    ))
    .await;
    assert_eq!(answer.status, 401, "a half ticket opens nothing");
    let wrong = [
        ("username", user),
        ("tfa-challenge", challenge.as_str()),
        ("password", "totp:000000"),
    ];
    assert_eq!(login(&stranger, &wrong).await.status, 401);
    let code = format!(
        "totp:{}",
        accounts.second_factor_code(stranger.simulator.clock().seconds())
    );
    let right = [
        ("username", user),
        ("tfa-challenge", challenge.as_str()),
        ("password", code.as_str()),
    ];
    let data = login(&stranger, &right).await.data();
    let ticket = text(&data, "ticket").to_owned();
    assert_eq!(
        send(with_ticket(
            &stranger,
            Method::GET,
            "/version",
            &ticket,
            None
        ))
        .await
        .status,
        200
    );
    let renewed = login(&stranger, &[("username", user), ("password", &ticket)])
        .await
        .data();
    assert!(
        renewed.get("NeedTFA").is_none(),
        "renewal asks for no second factor"
    );
}

#[tokio::test]
async fn eight_wrong_codes_lock_the_authenticator_and_a_recovery_key_frees_it_once() {
    let mut scenario = Scenario::small();
    scenario.second_factor.recovery_keys = 2;
    let stranger = Stranger::with(Options {
        speed: 1000.0,
        ..Options::new(scenario)
    })
    .await;
    let accounts = stranger.simulator.accounts().clone();
    let user = accounts.second_factor_user.as_str();
    let challenge = async || {
        let first = [
            ("username", user),
            ("password", accounts.second_factor_password.as_str()),
        ];
        let data = login(&stranger, &first).await.data();
        text(&data, "ticket").to_owned()
    };
    let answer = async |challenge: &str, password: &str| {
        let form = [
            ("username", user),
            ("tfa-challenge", challenge),
            ("password", password),
        ];
        login(&stranger, &form).await.status
    };
    let first = challenge().await;
    assert!(
        first.starts_with("PVE:!tfa!{\"totp\"%3Atrue,\"recovery\"%3A[0,1]}:"),
        "{first}"
    );
    for _ in 0..8 {
        assert_eq!(answer(&first, "totp:000000").await, 401);
    }
    let now = stranger.simulator.clock().seconds();
    let right = format!("totp:{}", accounts.second_factor_code(now));
    assert_eq!(answer(&first, &right).await, 401, "it is locked");
    assert!(!challenge().await.contains("totp"));
    let key = format!("recovery:{}", accounts.recovery_keys[0]);
    assert_eq!(answer(&first, &key).await, 200);
    assert_eq!(answer(&first, &key).await, 401, "a key is good once");
    assert_eq!(answer(&first, &right).await, 200);
}

#[tokio::test]
async fn some_calls_need_no_login_and_some_no_token() {
    let stranger = small().await;
    let url = format!("{}/api2/json/access/domains", stranger.simulator.url());
    assert_eq!(
        send(stranger.client.get(url)).await.data()[1]["realm"],
        "pve"
    );
    let form = [("userid", "hub@pve"), ("password", "long-enough")];
    let answer = stranger.put("/access/password", &form).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer
            .reason
            .ends_with("not available with API token, need proper ticket."),
        "{}",
        answer.reason
    );
}

#[tokio::test]
async fn tokens_can_be_made_and_dropped() {
    let stranger = small().await;
    let path = "/access/users/hub@pve/token/tmp1";
    let made = stranger.post(path, &[("privsep", "0")]).await.data();
    assert_eq!(made["full-tokenid"], "hub@pve!tmp1");
    assert_eq!(
        stranger.post(path, &[]).await.error("tokenid"),
        "Token already exists."
    );
    let tokens = stranger.get("/access/users/hub@pve/token").await.data();
    assert!(
        tokens
            .as_array()
            .unwrap()
            .iter()
            .any(|token| token["tokenid"] == "tmp1" && token["privsep"] == 0)
    );
    assert!(stranger.delete(path).await.data().is_null());
}
