//! Passwords, tickets, tokens: who gets in, how often they ask, and what happens to those who do not.

use std::time::Duration;

use futures_util::future::join_all;
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::simulator::{FaultKind, FaultRule};

use crate::house::{
    always_renewing, asked, by_password, by_token, client, guest, listening_to, logins, password,
    small, snapshot, token, writes,
};
use crate::teller::{Say, Teller};

#[tokio::test]
async fn pitfall_08_one_login_serves_all_who_wait_for_it() {
    let simulator = small().await;
    let client = by_password(&simulator);
    let answers = join_all((0..30).map(|_| async { client.access().version().await })).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(logins(&simulator), 1);
    client.cluster().resources().await.unwrap();
    assert_eq!(logins(&simulator), 1, "the ticket is used again");
}

#[tokio::test]
async fn pitfall_08_a_ticket_that_ended_is_replaced_once_for_all() {
    let simulator = small().await;
    let client = by_password(&simulator);
    client.access().version().await.unwrap();
    simulator.clock().set_offset(chrono::Duration::hours(3));
    let answers = join_all((0..30).map(|_| async { client.access().version().await })).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(logins(&simulator), 2);
}

#[tokio::test]
async fn pitfall_08_a_write_that_met_an_ended_ticket_is_done_once() {
    let simulator = small().await;
    let client = by_password(&simulator);
    client.access().version().await.unwrap();
    simulator.clock().set_offset(chrono::Duration::hours(3));
    simulator.journal().clear();
    let name = "later".parse().unwrap();
    client
        .guests()
        .snapshot(&guest(102), snapshot(&name))
        .await
        .unwrap();
    let statuses: Vec<(String, Option<u16>)> = writes(&simulator)
        .into_iter()
        .map(|entry| (entry.path, entry.status))
        .collect();
    let path = "/nodes/pve1/qemu/102/snapshot".to_owned();
    assert_eq!(
        statuses,
        [
            (path.clone(), Some(401)),
            ("/access/ticket".to_owned(), Some(200)),
            (path, Some(200)),
        ]
    );
    assert_eq!(simulator.world().tasks().len(), 1);
}

#[tokio::test]
async fn writes_by_password_carry_what_the_server_wants_against_forgery() {
    let simulator = small().await;
    let name = "mine".parse().unwrap();
    let upid = by_password(&simulator)
        .guests()
        .snapshot(&guest(102), snapshot(&name))
        .await
        .unwrap();
    assert_eq!(upid.node().as_str(), "pve1");
    assert_eq!(
        writes(&simulator).last().unwrap().user.as_deref(),
        Some("hub@pve")
    );
}

#[tokio::test]
async fn a_server_that_never_accepts_its_own_tickets_is_not_asked_for_ever() {
    let simulator = small().await;
    let client = by_password(&simulator);
    simulator
        .faults()
        .add(FaultRule::new(FaultKind::Unauthorized).path("/version"));
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::AuthenticationFailed);
    assert!(asked(&simulator).len() <= 4, "{:?}", asked(&simulator));
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_not_again_at_once() {
    let simulator = small().await;
    let client = client(&simulator, password("hub@pve", "wrong"));
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::AuthenticationFailed);
    assert_eq!(asked(&simulator), ["POST /access/ticket"]);
    let answers = join_all((0..10).map(|_| async { client.access().version().await })).await;
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), FailureKind::AuthenticationFailed);
        assert!(
            error.to_string().contains("the next login is tried in"),
            "{error}"
        );
    }
    assert_eq!(
        simulator.journal().len(),
        1,
        "those did not reach the server"
    );
}

#[tokio::test]
async fn a_server_that_refuses_its_own_tickets_is_left_alone_for_a_while() {
    let simulator = small().await;
    let accounts = simulator.accounts();
    let client = client(&simulator, password(&accounts.user, &accounts.password));
    let refusing = FaultRule::new(FaultKind::Unauthorized).path("/version");
    simulator.faults().add(refusing);
    for _ in 0..10 {
        let error = client.access().version().await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::AuthenticationFailed, "{error}");
    }
    let login = ["POST /access/ticket", "GET /version"];
    assert_eq!(
        asked(&simulator),
        [login, login].concat(),
        "one renewal, then silence"
    );
}

#[tokio::test]
async fn a_wrong_token_is_tried_once_and_not_again_at_once() {
    let simulator = small().await;
    let client = client(&simulator, token("hub@pve!deck", "wrong"));
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::AuthenticationFailed);
    assert_eq!(asked(&simulator), ["GET /version"]);
    let error = client.cluster().resources().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::AuthenticationFailed);
    assert_eq!(
        simulator.journal().len(),
        1,
        "the second call did not reach the server"
    );
}

/// A dashboard reads several things at once; all of them are refused when a token ends.
#[tokio::test]
async fn readings_refused_together_count_as_one_failed_login() {
    for credentials in [token("hub@pve!deck", "wrong"), password("hub@pve", "wrong")] {
        let simulator = small().await;
        // All of them are on their way before the first is refused.
        let slow = FaultRule::new(FaultKind::Latency(Duration::from_millis(200)));
        simulator.faults().add(slow);
        let client = client(&simulator, credentials);
        let answers = join_all((0..6).map(|_| async { client.access().version().await })).await;
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        let error = client.access().version().await.unwrap_err();
        let said = error.to_string();
        let (_, rest) = said.split_once("the next login is tried in ").unwrap();
        let seconds: u64 = rest.trim_end_matches(" s").parse().unwrap();
        assert!(seconds <= 10, "{said}");
    }
}

/// While the machine slept the ticket ended, but the password still works.
#[tokio::test]
async fn a_renewal_that_was_refused_does_not_hold_up_whom_the_password_lets_in() {
    let simulator = small().await;
    let client = always_renewing(&simulator);
    client.access().version().await.unwrap();
    let renewal = FaultRule::new(FaultKind::Unauthorized).path("/access/ticket");
    let refused = simulator.faults().add(renewal.times(1));
    let answers = join_all((0..10).map(|_| async { client.access().version().await })).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(simulator.faults().strikes(refused), 1);
}

/// The password was right once; whoever is told that it is wrong looks in the wrong place.
#[tokio::test]
async fn a_session_that_cannot_be_renewed_has_expired() {
    for renews_early in [true, false] {
        let simulator = small().await;
        let client = if renews_early {
            always_renewing(&simulator)
        } else {
            by_password(&simulator)
        };
        client.access().version().await.unwrap();
        simulator.clock().set_offset(chrono::Duration::hours(3));
        let refusing = FaultRule::new(FaultKind::Unauthorized).path("/access/ticket");
        simulator.faults().add(refusing);
        for call in 0..3 {
            let error = client.access().version().await.unwrap_err();
            assert_eq!(error.kind(), FailureKind::SessionExpired, "{call}: {error}");
        }
        let failure = Failure::from(client.access().version().await.unwrap_err());
        assert!(failure.kind.advice().contains("sign in anew"), "{failure}");
    }
}

#[tokio::test]
async fn a_session_whose_new_tickets_are_refused_has_expired() {
    let simulator = small().await;
    let client = by_password(&simulator);
    client.access().version().await.unwrap();
    let refusing = FaultRule::new(FaultKind::Unauthorized).path("/version");
    simulator.faults().add(refusing);
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::SessionExpired, "{error}");
}

/// What was lost is the login's answer; the write itself was never sent.
#[tokio::test]
async fn a_write_whose_login_was_lost_is_known_not_to_be_done() {
    for fault in [
        FaultKind::ResetBefore,
        FaultKind::ResetAfter,
        FaultKind::TimedOut,
        FaultKind::Truncated,
        FaultKind::Malformed,
    ] {
        let simulator = small().await;
        let client = always_renewing(&simulator);
        client.access().version().await.unwrap();
        let what = format!("{fault:?}");
        let login = FaultRule::new(fault).path("/access/ticket");
        simulator.faults().add(login);
        let name = "never".parse().unwrap();
        let asked = client.guests().snapshot(&guest(102), snapshot(&name)).await;
        let error = asked.unwrap_err();
        assert!(!error.outcome_unknown(), "{what}: {error:?}");
        let sent = writes(&simulator);
        assert!(
            sent.iter().all(|entry| entry.path == "/access/ticket"),
            "{what}: {sent:?}"
        );
    }
}

#[tokio::test]
async fn pitfall_10_a_token_never_logs_in() {
    let simulator = small().await;
    let client = by_token(&simulator);
    client.cluster().resources().await.unwrap();
    let name = "token".parse().unwrap();
    client
        .guests()
        .snapshot(&guest(102), snapshot(&name))
        .await
        .unwrap();
    assert_eq!(logins(&simulator), 0);
}

#[tokio::test]
async fn pitfall_09_a_half_ticket_is_no_session() {
    let simulator = small().await;
    let accounts = simulator.accounts();
    let credentials = password(
        &accounts.second_factor_user,
        &accounts.second_factor_password,
    );
    let client = client(&simulator, credentials);
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::SecondFactorRequired);
    assert!(
        error.to_string().contains("signs in with a second factor"),
        "{error}"
    );
    assert_eq!(
        asked(&simulator),
        ["POST /access/ticket"],
        "the half ticket was not used"
    );
}

/// The login works as far as it goes, so nothing would slow a dashboard down that asks every two seconds.
#[tokio::test]
async fn pitfall_09_a_login_that_wants_a_second_factor_is_not_repeated_at_once() {
    let simulator = small().await;
    let accounts = simulator.accounts();
    let credentials = password(
        &accounts.second_factor_user,
        &accounts.second_factor_password,
    );
    let client = client(&simulator, credentials);
    for _ in 0..5 {
        let error = client.access().version().await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::SecondFactorRequired, "{error}");
    }
    assert_eq!(logins(&simulator), 1);
}

#[tokio::test]
async fn a_login_answer_without_a_ticket_is_no_session() {
    for answer in ["{\"username\":\"hub@pve\"}", "null", "{}"] {
        let teller = Teller::start(move |_| Say::data(answer)).await;
        let client = listening_to(&teller, password("hub@pve", "secret"));
        let error = client.access().version().await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Malformed, "{answer}: {error}");
        assert_eq!(teller.heard().len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_server_whose_clock_is_set_by_hours_refuses_its_old_tickets_and_nobody_notices() {
    for skew in [5 * 3600, -5 * 3600] {
        let simulator = small().await;
        let client = by_password(&simulator);
        client.access().version().await.unwrap();
        let clock = FaultRule::new(FaultKind::ClockSkew(skew));
        simulator.faults().add(clock);
        let name = "later".parse().unwrap();
        let asked = client.guests().snapshot(&guest(102), snapshot(&name)).await;
        assert!(asked.is_ok(), "{skew}: {asked:?}");
        client.access().version().await.unwrap();
        assert_eq!(logins(&simulator), 2, "{skew}");
        assert_eq!(simulator.world().tasks().len(), 1, "{skew}");
    }
}
