//! A server that answers each call of the client with given bytes; shared with the fuzz targets.

use std::sync::{Arc, Mutex};

use proxdeck::domain::failure::Failure;
use proxdeck::proxmox::{Client, Connection, Credentials, Fingerprint, Trust};
use tokio::runtime::{Builder, Runtime};

use crate::calls::{CALLS, Values};
use crate::entries::shown;
use crate::teller::{Say, Teller, written};

/// A client and what it is told; all of it runs on the thread that asks.
pub(crate) struct Told {
    runtime: Runtime,
    said: Arc<Mutex<Vec<u8>>>,
    client: Client,
    values: Values,
    _teller: Teller,
}

impl Told {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let next = Arc::clone(&said);
        let teller = runtime.block_on(Teller::start(move |_| {
            let body = next.lock().unwrap();
            Say::Bytes(written(
                "200 OK",
                &[("Content-Type", "application/json;charset=UTF-8")],
                &*body,
            ))
        }));
        let client = Client::new(Connection {
            endpoints: vec![teller.url()],
            trust: Trust::Pins(vec![Fingerprint::new(teller.fingerprint())]),
            credentials: Credentials::Token {
                id: "hub@pve!deck".to_owned(),
                secret: "secret".to_owned().into(),
            },
        });
        Self {
            runtime,
            said,
            client: client.unwrap(),
            values: Values::sample(),
            _teller: teller,
        }
    }

    /// Makes the call that the first byte names, and answers with the others.
    ///
    /// Returns whether the client made something of the answer; panics if what it says of it is not clean.
    pub(crate) fn answer(&self, bytes: &[u8]) -> bool {
        let (first, body) = bytes.split_first().unwrap_or((&0, &[]));
        body.clone_into(&mut self.said.lock().unwrap());
        let call = &CALLS[usize::from(*first) % CALLS.len()];
        let Some(answering) = (call.make)(self.client.clone(), &self.values) else {
            return false;
        };
        match self.runtime.block_on(answering) {
            Ok(_) => true,
            Err(error) => {
                shown(&error.to_string());
                shown(&Failure::from(error).to_string());
                false
            }
        }
    }
}
