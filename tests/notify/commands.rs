//! Programs that are given a notification: those that take it, and those that fail, hang or do not listen.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::notify::Pace;

use crate::house::{PATIENCE, command, long_notification, notification, patient, tell};

/// Runs a script, which finds a path in `$1`.
async fn told(script: &str, path: &str) -> Result<(), String> {
    let channel = command("page", &["sh", "-c", script, "sh", path]);
    tell(channel, patient(), &notification()).await
}

#[tokio::test]
async fn a_program_gets_exactly_the_payload_and_its_words_go_through_no_shell() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("$HOME; `id`");
    let path = file.to_str().unwrap();
    assert_eq!(told("cat > \"$1\"; echo noise", path).await, Ok(()));
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        notification().to_json().unwrap()
    );
    let words = ["sh", "-c", "cat > \"$1\"", "sh", path];
    let told = tell(command("page", &words), patient(), &long_notification()).await;
    assert_eq!(told, Ok(()));
    let json = long_notification().to_json().unwrap();
    assert!(
        std::fs::read_to_string(&file).unwrap() == json,
        "the payload was altered"
    );
}

#[tokio::test]
async fn a_failing_program_is_quoted_with_the_first_line_of_its_complaint() {
    let script = "echo hunter2; echo 'no route\x1b[2J' >&2; echo more >&2; exit 3";
    assert_eq!(
        told(script, "hunter2").await,
        Err(
            "a notification was not delivered: page: `sh` failed (exit status: 3); it said: no route␛[2J; \
             look at [notify.page]: try it in a terminal, with JSON on its standard input"
                .to_owned()
        )
    );
    let error = told("exit 1", "").await.unwrap_err();
    assert!(error.contains("it said nothing"), "{error}");
}

#[tokio::test]
async fn a_program_that_talks_without_end_is_neither_blocked_nor_repeated() {
    let script = "seq 1 100000; echo x$(seq 1 100000) >&2; exit 1";
    let error = told(script, "").await.unwrap_err();
    assert!(error.contains("it said: x1 2 3"), "{error}");
    assert!(error.len() < 500, "{error}");
}

#[tokio::test]
async fn a_program_that_does_not_read_is_none_the_worse_for_it() {
    for script in ["exit 0", "exec 0<&-; exit 0", "head -c 1 > /dev/null"] {
        let channel = command("page", &["sh", "-c", script]);
        let told = tell(channel, patient(), &long_notification()).await;
        assert_eq!(told, Ok(()), "{script}");
    }
}

#[tokio::test]
async fn a_process_left_in_the_background_does_not_hold_the_delivery_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("go");
    let path = file.to_str().unwrap();
    // It keeps both pipes open, and goes on until the test has seen that nobody waits for it.
    let script =
        "{ while ! test -e \"$1\"; do sleep 0.1; done; echo done > \"$1.done\"; } & exit 0";
    let result = tokio::time::timeout(PATIENCE, told(script, path)).await;
    assert_eq!(result.unwrap(), Ok(()));
    std::fs::write(&file, "").unwrap();
    let done = folder.path().join("go.done");
    let lives_on = async {
        while !done.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, lives_on)
        .await
        .expect("what a program leaves behind goes on");
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    // Its reader sees the end when the last process that holds it is gone.
    let reading = tokio::task::spawn_blocking({
        let pipe = pipe.clone();
        move || std::fs::read(pipe)
    });
    let script = "echo stuck >&2; exec 3> \"$1\"; echo begun >&3; sleep 200 & wait";
    let channel = command("page", &["sh", "-c", script, "sh", pipe.to_str().unwrap()]);
    let pace = Pace {
        command: Duration::from_secs(3),
        ..patient()
    };
    let error = tell(channel, pace, &notification()).await.unwrap_err();
    assert!(
        error.contains("page: `sh` did not end within 3 s; it said: stuck; "),
        "{error}"
    );
    let read = tokio::time::timeout(PATIENCE, reading).await;
    assert_eq!(read.unwrap().unwrap().unwrap(), b"begun\n");
}

#[tokio::test]
async fn a_program_that_is_missing_is_named_without_its_arguments() {
    let channel = command("page", &["/nowhere/page", "hunter2"]);
    assert_eq!(
        format!("{:?}", channel.delivery),
        "Command(Command(\"/nowhere/page\"))"
    );
    let error = tell(channel, patient(), &notification()).await.unwrap_err();
    assert!(
        error.contains("page: `/nowhere/page` cannot be started: No such file"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
}
