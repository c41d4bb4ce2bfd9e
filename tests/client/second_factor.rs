//! The second factor: asked for once, given by a person, never guessed at.

use std::time::Duration;

use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::sign_in::{Given, SecondFactor, Wanted};
use proxdeck::proxmox::{Client, Credentials, Tuning};
use proxdeck::simulator::{Options, Scenario, Simulator};

use crate::house::{asked, client, connection, logins, password};

async fn server(totp: bool, recovery_keys: usize, security_key: bool) -> Simulator {
    let mut scenario = Scenario::small();
    scenario.second_factor.totp = totp;
    scenario.second_factor.recovery_keys = recovery_keys;
    scenario.second_factor.security_key = security_key;
    let options = Options {
        speed: 1000.0,
        ..Options::new(scenario)
    };
    Simulator::start(options).await.unwrap()
}

fn on_call(simulator: &Simulator) -> Credentials {
    let accounts = simulator.accounts();
    password(
        &accounts.second_factor_user,
        &accounts.second_factor_password,
    )
}

fn code(simulator: &Simulator) -> Given {
    let now = simulator.clock().seconds();
    let code = simulator.accounts().second_factor_code(now);
    Given::Code(SecondFactor::Totp, code.as_str().into())
}

fn wrong() -> Given {
    Given::Code(SecondFactor::Totp, "12 34 5x".into())
}

async fn challenged(client: &Client) -> proxdeck::domain::sign_in::Challenge {
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::SecondFactorRequired, "{error}");
    match client.wanted() {
        Some(Wanted::SecondFactor(challenge)) => challenge,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn pitfall_09_the_challenge_is_answered_and_the_session_renews_itself_without_another() {
    let simulator = server(true, 0, false).await;
    let tuning = Tuning {
        renew_after: Duration::ZERO,
        ..Tuning::default()
    };
    let client = Client::tuned(connection(&simulator, on_call(&simulator)), tuning).unwrap();
    let challenge = challenged(&client).await;
    assert_eq!(challenge.methods(), [SecondFactor::Totp]);
    client.sign_in(&code(&simulator)).await.unwrap();
    assert_eq!(client.wanted(), None);
    client.access().version().await.unwrap();
    client.cluster().resources().await.unwrap();
    let sent: Vec<Vec<String>> = simulator
        .journal()
        .entries()
        .iter()
        .filter(|entry| entry.path == "/access/ticket")
        .map(|entry| entry.form.iter().map(|(name, _)| name.clone()).collect())
        .collect();
    let plain = ["username", "password"];
    assert_eq!(sent[0], plain);
    assert_eq!(sent[1], ["username", "password", "tfa-challenge"]);
    assert!(sent[2..].iter().all(|form| form == &plain), "{sent:?}");
    assert!(sent.len() >= 4, "each call renewed the ticket: {sent:?}");
}

#[tokio::test]
async fn pitfall_09_a_wrong_code_is_told_and_no_other_is_tried_by_itself() {
    let simulator = server(true, 0, false).await;
    let client = client(&simulator, on_call(&simulator));
    challenged(&client).await;
    let error = client.sign_in(&wrong()).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::AuthenticationFailed);
    assert_eq!(error.text().raw().trim_end(), "authentication failure");
    let advice = Failure::from(error).advice;
    assert!(advice.contains("the next one"), "{advice}");
    let before = asked(&simulator).len();
    for _ in 0..5 {
        challenged(&client).await;
    }
    assert_eq!(asked(&simulator).len(), before, "nothing was sent");
    client.sign_in(&code(&simulator)).await.unwrap();
    client.access().version().await.unwrap();
}

#[tokio::test]
async fn pitfall_09_whoever_mistypes_again_and_again_has_to_wait_and_never_locks_the_account() {
    let simulator = server(true, 0, false).await;
    let client = client(&simulator, on_call(&simulator));
    challenged(&client).await;
    for _ in 0..3 {
        client.sign_in(&wrong()).await.unwrap_err();
    }
    assert!(client.pause() > Duration::from_secs(5));
    let before = logins(&simulator);
    let error = client.sign_in(&code(&simulator)).await.unwrap_err();
    assert!(
        error.to_string().contains("the next login is tried in"),
        "{error}"
    );
    assert_eq!(logins(&simulator), before, "not even a right one is sent");
}

#[tokio::test]
async fn a_recovery_key_is_good_once() {
    let simulator = server(true, 2, false).await;
    let key = simulator.accounts().recovery_keys[0].clone();
    let given = Given::Code(SecondFactor::Recovery, key.as_str().into());
    let first = client(&simulator, on_call(&simulator));
    assert_eq!(challenged(&first).await.recovery, Some(2));
    first.sign_in(&given).await.unwrap();
    first.access().version().await.unwrap();
    let second = client(&simulator, on_call(&simulator));
    assert_eq!(challenged(&second).await.recovery, Some(1));
    let error = second.sign_in(&given).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::AuthenticationFailed, "{error}");
}

#[tokio::test]
async fn what_only_a_browser_can_answer_is_named_with_what_helps() {
    let simulator = server(false, 0, true).await;
    let client = client(&simulator, on_call(&simulator));
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::SecondFactorRequired);
    assert!(error.to_string().contains("webauthn"), "{error}");
    assert_eq!(client.wanted(), None, "nothing can be typed");
    let failure = Failure::from(error);
    assert!(failure.advised().contains("API token"), "{failure:?}");
    let other = server(true, 0, true).await;
    let client = crate::house::client(&other, on_call(&other));
    assert_eq!(challenged(&client).await.unsupported, ["webauthn"]);
}

#[tokio::test]
async fn a_password_that_nobody_gave_yet_is_asked_for_and_nothing_is_sent() {
    let simulator = server(true, 0, false).await;
    let accounts = simulator.accounts().clone();
    let user = accounts.user.clone();
    let client = client(&simulator, Credentials::Asked { user });
    assert_eq!(client.wanted(), Some(Wanted::Password));
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::PasswordNeeded, "{error}");
    assert!(simulator.journal().is_empty());
    let wrong = Given::Password("wrong".into());
    let error = client.sign_in(&wrong).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::AuthenticationFailed, "{error}");
    assert_eq!(client.wanted(), Some(Wanted::Password));
    client.access().version().await.unwrap_err();
    assert_eq!(logins(&simulator), 1, "a wrong one is forgotten");
    let right = Given::Password(accounts.password.as_str().into());
    client.sign_in(&right).await.unwrap();
    client.access().version().await.unwrap();
    assert!(!format!("{right:?} {client:?}").contains(&accounts.password));
}
