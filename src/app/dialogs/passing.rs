//! "Would it pass?": a destination that is typed, judged as the guest is now and as it will be.

use std::net::IpAddr;

use crate::domain::network::{
    Current, Destination, Hosts, Packet, Passage, Protocol, Verdict, Way, passage,
};

/// The card that profiles fence.
const CARD: &str = "net0";
/// How a destination is written.
const FORM: &str = "write a host and a port, as api.github.com:443";

/// What is said about a destination.
#[derive(Debug, Clone, PartialEq)]
pub struct PassAnswer {
    /// As the guest is `now`, or `then`; empty where it is about the question itself.
    pub label: &'static str,
    /// The answer in words.
    pub text: String,
    /// The judgement, where there is one.
    pub verdict: Option<Verdict>,
}

impl PassAnswer {
    pub(super) fn about_question(text: impl Into<String>) -> Self {
        Self {
            label: "",
            text: text.into(),
            verdict: None,
        }
    }
}

/// Reads what was typed: the hosts, and the port.
pub(super) fn read(text: &str) -> Result<(Hosts, u16), PassAnswer> {
    let destination: Destination = text.parse().map_err(|_| PassAnswer::about_question(FORM))?;
    match destination.port() {
        Some(port) => Ok((destination.hosts().clone(), port)),
        None => Err(PassAnswer::about_question(FORM)),
    }
}

/// Judges a TCP connection to each address; addresses that fare alike are told of together.
pub(super) fn judge(
    label: &'static str,
    addresses: &[IpAddr],
    port: u16,
    current: &Current,
) -> Vec<PassAnswer> {
    let mut told: Vec<(Passage, Vec<String>)> = Vec::new();
    for address in addresses {
        let packet = Packet {
            way: Way::Out,
            peer: *address,
            protocol: Protocol::Tcp,
            port,
        };
        let judged = passage(current, CARD, &packet);
        let alike = told.iter_mut().find(|(other, _)| *other == judged);
        match alike {
            Some((_, those)) => those.push(address.to_string()),
            None => told.push((judged, vec![address.to_string()])),
        }
    }
    let is_split = told.len() > 1;
    let mut label = label;
    told.into_iter()
        .map(|(judged, those)| {
            let mut text = judged.to_string();
            if is_split {
                text = format!("{}: {text}", those.join(", "));
            }
            for caveat in &judged.caveats {
                text = format!("{text} ({caveat})");
            }
            PassAnswer {
                label: std::mem::take(&mut label),
                text,
                verdict: Some(judged.verdict),
            }
        })
        .collect()
}
