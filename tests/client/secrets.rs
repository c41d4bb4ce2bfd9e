//! Nothing that opens a door is ever printed: not in `Debug`, not in errors, not in the log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use proxdeck::domain::failure::Failure;
use proxdeck::proxmox::{Connection, Credentials, Error};
use tracing_subscriber::fmt::MakeWriter;

use crate::house::{
    by_password, by_token, client, guest, password, pinned, small, snapshot, token,
};

const SECRET: &str = "correct-horse-battery";

fn everything_about(error: Error) -> String {
    let shown = format!("{error} {error:?}");
    let failure = Failure::from(error);
    format!("{shown} {failure} {failure:?}")
}

#[tokio::test]
async fn credentials_and_clients_show_the_account_alone() {
    let simulator = small().await;
    for credentials in [token("hub@pve!deck", SECRET), password("hub@pve", SECRET)] {
        let connection = Connection {
            endpoints: vec![simulator.url()],
            trust: pinned(&simulator),
            credentials: credentials.clone(),
        };
        let client = client(&simulator, credentials.clone());
        let shown = format!("{credentials:?} {credentials:#?} {connection:?} {client:?}");
        assert!(shown.contains("hub@pve"), "{shown}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[tokio::test]
async fn refused_logins_do_not_repeat_what_was_tried() {
    let simulator = small().await;
    for credentials in [token("hub@pve!deck", SECRET), password("hub@pve", SECRET)] {
        let client = client(&simulator, credentials);
        for _ in 0..2 {
            let shown = everything_about(client.access().version().await.unwrap_err());
            assert!(!shown.contains(SECRET), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_no_header_can_carry_is_not_shown_either() {
    let simulator = small().await;
    let client = client(&simulator, token("hub@pve!deck", &format!("{SECRET}\n")));
    let shown = everything_about(client.access().version().await.unwrap_err());
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(simulator.journal().is_empty());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_most_talkative_log_keeps_them_too() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // With one subscriber alone, a line that another test's thread reaches first counts as one that nobody wants.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    tracing::info!("the log listens");
    let simulator = small().await;
    let accounts = simulator.accounts().clone();
    for client in [by_token(&simulator), by_password(&simulator)] {
        client.access().version().await.unwrap();
        let name = "logged".parse().unwrap();
        client
            .guests()
            .snapshot(&guest(102), snapshot(&name))
            .await
            .unwrap();
    }
    let wrong = Credentials::Password {
        user: "hub@pve".to_owned(),
        password: SECRET.to_owned().into(),
    };
    client(&simulator, wrong)
        .access()
        .version()
        .await
        .unwrap_err();
    drop(guard);
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("the log listens"));
    let ticket = "PVE:hub";
    for secret in [
        &accounts.password,
        &accounts.token_secret,
        SECRET,
        ticket,
        "PVEAPIToken=",
    ] {
        assert!(!log.contains(secret), "{secret} in the log:\n{log}");
    }
}
