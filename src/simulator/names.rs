//! A name server for the names of the world: UDP on loopback, addresses only.
//!
//! Refuses to know anything but the scenario's `[hosts]`; whatever else is asked has no such name.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::UdpSocket;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Longer questions are no questions; a name has at most 255 bytes.
const LARGEST: usize = 512;
const HEADER: usize = 12;
const NO_SUCH_NAME: u8 = 3;
const NOT_IMPLEMENTED: u8 = 4;

/// A name server; it ends when this is dropped.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    _guard: DropGuard,
}

impl NameServer {
    /// Starts one on a free port of loopback.
    pub async fn start(hosts: BTreeMap<String, Vec<IpAddr>>) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        TaskTracker::new().spawn(async move {
            stop.run_until_cancelled(serve(&socket, &hosts)).await;
        });
        Ok(Self {
            address,
            _guard: guard,
        })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(socket: &UdpSocket, hosts: &BTreeMap<String, Vec<IpAddr>>) {
    let mut buffer = [0; LARGEST];
    loop {
        // What cannot be received or answered is as good as lost on the way.
        if let Ok((length, asker)) = socket.recv_from(&mut buffer).await
            && let Some(answer) = answer(&buffer[..length], hosts)
        {
            let _ = socket.send_to(&answer, asker).await;
        }
    }
}

/// Answers a question; nothing where it is none.
fn answer(question: &[u8], hosts: &BTreeMap<String, Vec<IpAddr>>) -> Option<Vec<u8>> {
    let (name, end) = name(question)?;
    let kind = u16::from_be_bytes(question.get(end..end + 2)?.try_into().ok()?);
    let question_end = end + 4;
    let found = hosts.get(&name);
    let records: Vec<Vec<u8>> = found
        .into_iter()
        .flatten()
        .filter_map(|address| match (kind, address) {
            (1, IpAddr::V4(address)) => Some(address.octets().to_vec()),
            (28, IpAddr::V6(address)) => Some(address.octets().to_vec()),
            _ => None,
        })
        .collect();
    let is_query = question[2] & 0xf8 == 0;
    let code = match found {
        _ if !is_query => NOT_IMPLEMENTED,
        None => NO_SUCH_NAME,
        Some(_) => 0,
    };
    let mut answer = question.get(..question_end)?.to_vec();
    // An answer with authority, as wished with recursion; one question, and no further sections.
    answer[2] = 0x84 | (question[2] & 0x01);
    answer[3] = 0x80 | code;
    answer[4..HEADER].copy_from_slice(&[0, 1, 0, u8::try_from(records.len()).ok()?, 0, 0, 0, 0]);
    for record in records {
        // The name is the one at the question's place; class IN, a minute to live.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60, 0, u8::try_from(record.len()).ok()?]);
        answer.extend(record);
    }
    Some(answer)
}

/// Reads the name that is asked for, in lower case, and where it ends.
fn name(question: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut place = HEADER;
    loop {
        let length = usize::from(*question.get(place)?);
        place += 1;
        if length == 0 {
            return Some((labels.join("."), place));
        }
        // Longer labels are pointers, which no question has.
        let label = question
            .get(place..place + length)
            .filter(|_| length < 64)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        place += length;
    }
}
