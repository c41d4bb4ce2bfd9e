//! Every call of the client is answered as no honest server does, again and again.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use proxdeck::proxmox::{Client, Connection, Credentials, Trust};
use proxdeck::simulator::{FaultKind, FaultRule, Options, Scenario, Simulator};

use crate::DEADLINE;
use crate::calls::{CALLS, Values};
use crate::entries::shown;
use crate::inputs::{Numbers, hostile, huge};
use crate::told::Told;
use crate::{seed, tell};

/// How often each call is made.
const ROUNDS: usize = 12;

pub(crate) fn client_of(simulator: &Simulator) -> Client {
    let accounts = simulator.accounts();
    Client::new(Connection {
        endpoints: vec![simulator.url()],
        trust: Trust::Pins(vec![simulator.fingerprint().parse().unwrap()]),
        credentials: Credentials::Token {
            id: accounts.token_id.clone(),
            secret: accounts.token_secret.clone().into(),
        },
    })
    .unwrap()
}

#[tokio::test]
async fn every_call_understands_or_refuses_hostile_answers() {
    let options = Options {
        speed: 1000.0,
        ..Options::new(Scenario {
            seed: seed(),
            ..Scenario::small()
        })
    };
    let simulator = Simulator::start(options).await.unwrap();
    simulator.faults().add(FaultRule::new(FaultKind::Hostile));
    let client = client_of(&simulator);
    let values = Values::sample();
    let (mut understood, mut refused) = (0, 0);
    for call in CALLS {
        for _ in 0..ROUNDS {
            let Some(answering) = (call.make)(client.clone(), &values) else {
                panic!("{} has no words for the sample", call.function);
            };
            let outcome =
                tokio::time::timeout(DEADLINE, AssertUnwindSafe(answering).catch_unwind());
            let Ok(outcome) = outcome.await else {
                panic!("{} hangs", call.function);
            };
            let Ok(outcome) = outcome else {
                panic!("{} panicked", call.function);
            };
            match outcome {
                Ok(_) => understood += 1,
                Err(error) => {
                    shown(&error.to_string());
                    let failure = proxdeck::domain::failure::Failure::from(error);
                    shown(&failure.to_string());
                    refused += 1;
                }
            }
        }
    }
    tell(format_args!(
        "{} hostile answers to {} calls: {understood} understood, {refused} refused",
        understood + refused,
        CALLS.len()
    ));
    assert!(understood > 0 && refused > 0);
    simulator.shutdown().await;
}

/// Bodies as they come, not even UTF-8, to calls one after another.
#[test]
fn bytes_for_bodies_are_understood_or_refused() {
    let honest = [
        r#"{"data":[{"vmid":101,"type":"qemu","id":"qemu/101","node":"pve1","name":"web-1","status":"running","cpu":0.5}]}"#,
        r#"{"data":[{"name":"one","snaptime":1795800000,"parent":"zero","vmstate":1},{"name":"current","parent":"one"}]}"#,
        r#"{"data":[{"n":1,"t":"TASK OK"}],"total":1}"#,
        r#"{"data":"UPID:pve1:00001234:00005678:6720A000:qmsnapshot:101:hub@pve!deck:"}"#,
        r#"{"data":{"digest":"0123","net0":"virtio=BC:24:11:AA:BB:CC,bridge=vmbr0","memory":"2048"}}"#,
        r#"{"data":null}"#,
    ];
    let mut numbers = Numbers::new(0xB0D1 ^ seed());
    let made = (0..1500).map(|_| hostile(&honest, &mut numbers));
    let (mut understood, mut refused) = (0, 0);
    let told = Told::new();
    for (index, body) in huge().chain(made).enumerate() {
        let call = u8::try_from(index % 256).unwrap();
        let bytes = [&[call][..], &body].concat();
        if told.answer(&bytes) {
            understood += 1;
        } else {
            refused += 1;
        }
    }
    tell(format_args!(
        "{} bodies: {understood} understood, {refused} refused",
        understood + refused
    ));
}
