//! Asks for the addresses of host names: the system, one name server, or a table.
//!
//! Beside the server's calls this is the only way in which an operation looks at the world, so that
//! tests and the demo can answer in its place. Every question is bounded, and "there is no such
//! name" is told from "nobody answered": the one is a mistake in a profile, the other may pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

use crate::domain::network::Resolved;

/// How long one name may take altogether.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long a name server may take for one question before it is asked again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a question that nobody answered is asked again.
const REPEATS: usize = 1;
/// How many names are asked for at a time.
const AT_ONCE: usize = 8;

/// Knows the addresses of host names; cloning shares what it works with.
#[derive(Clone)]
pub struct Resolver {
    source: Source,
    patience: Duration,
}

#[derive(Clone)]
enum Source {
    System,
    Server(SocketAddr, Box<TokioResolver>),
    Table(Arc<BTreeMap<String, Vec<IpAddr>>>),
    /// A name server that could not be made ready, with the reason.
    Unusable(String),
}

/// Why a name has no addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    /// Whoever should know says that there is no such name.
    NoSuchName,
    /// Nobody answered in time.
    NoAnswer(String),
    /// The answer was no answer, in these words.
    Other(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchName => formatter.write_str("there is no such name"),
            Self::NoAnswer(who) => write!(formatter, "no answer in time from {who}"),
            Self::Other(words) => formatter.write_str(words),
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Resolver({})", self.name())
    }
}

impl Resolver {
    /// Makes a resolver that asks as every other program of this machine does.
    pub fn system() -> Self {
        Self::of(Source::System)
    }

    /// Makes a resolver that asks one name server; nothing is sent before the first question.
    pub fn server(address: SocketAddr) -> Self {
        Self::of(match ask_only(address) {
            Ok(resolver) => Source::Server(address, Box::new(resolver)),
            Err(error) => Source::Unusable(format!("{address} cannot be asked: {error}")),
        })
    }

    /// Makes a resolver that knows these names and no others.
    pub fn table(hosts: BTreeMap<String, Vec<IpAddr>>) -> Self {
        let hosts = hosts.into_iter();
        let hosts = hosts.map(|(name, addresses)| (name.to_ascii_lowercase(), addresses));
        Self::of(Source::Table(Arc::new(hosts.collect())))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            patience: PATIENCE,
        }
    }

    /// Gives up on a name after another time than 6 s.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns who is asked, for people.
    pub fn name(&self) -> String {
        match &self.source {
            Source::System => "the system's resolver".to_owned(),
            Source::Server(address, _) => address.to_string(),
            Source::Table(_) => "the world's table of hosts".to_owned(),
            Source::Unusable(reason) => reason.clone(),
        }
    }

    /// Asks for all addresses of both families of each name, several names at a time.
    ///
    /// Never fails as a whole: what came of each name stands in the answer. `now` is what the
    /// server's clock shows, by which addresses in sets are dated.
    pub async fn resolve<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        now: DateTime<Utc>,
    ) -> Resolved {
        let names: BTreeSet<String> = names.into_iter().map(str::to_ascii_lowercase).collect();
        let answers = stream::iter(names).map(|name| async move {
            let answer = match tokio::time::timeout(self.patience, self.ask(&name)).await {
                Ok(answer) => answer,
                Err(_) => Err(Problem::NoAnswer(self.name())),
            };
            (name, answer.map_err(|problem| problem.to_string()))
        });
        let answers = answers.buffer_unordered(AT_ONCE);
        let known = Resolved::new(now);
        answers
            .fold(known, async |known, (name, answer)| {
                known.with(&name, answer)
            })
            .await
    }

    async fn ask(&self, name: &str) -> Result<Vec<IpAddr>, Problem> {
        match &self.source {
            Source::System => {
                let found = tokio::net::lookup_host((name, 0)).await;
                let found = found.map_err(|error| Problem::Other(error.to_string()))?;
                Ok(found.map(|address| address.ip()).collect())
            }
            Source::Server(address, resolver) => ask_server(*address, resolver, name).await,
            Source::Table(hosts) => {
                let name = name.trim_end_matches('.');
                hosts.get(name).cloned().ok_or(Problem::NoSuchName)
            }
            Source::Unusable(reason) => Err(Problem::Other(reason.clone())),
        }
    }
}

/// Makes a resolver that asks one server by UDP, and by TCP where an answer does not fit.
fn ask_only(address: SocketAddr) -> Result<TokioResolver, NetError> {
    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = address.port();
        connection
    });
    let server = NameServerConfig::new(address.ip(), true, connections.into());
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let provider = TokioRuntimeProvider::default();
    let mut builder = TokioResolver::builder_with_config(config, provider);
    let options = builder.options_mut();
    options.timeout = ANSWER_TIMEOUT;
    options.attempts = REPEATS;
    // What the config names is asked, and not what this machine happens to think.
    options.use_hosts_file = ResolveHosts::Never;
    // An apply wants what holds now.
    options.cache_size = 0;
    builder.build()
}

/// Asks for both families; half an answer would let addresses come and go, so it is none.
async fn ask_server(
    address: SocketAddr,
    resolver: &TokioResolver,
    name: &str,
) -> Result<Vec<IpAddr>, Problem> {
    // With a dot at its end a name is whole, and no search list is tried.
    let whole = format!("{}.", name.trim_end_matches('.'));
    let ask = async |kind| match resolver.lookup(whole.as_str(), kind).await {
        Ok(lookup) => Ok(Some(addresses(lookup.answers()))),
        Err(error) if error.is_nx_domain() => Ok(None),
        Err(error) if error.is_no_records_found() => Ok(Some(Vec::new())),
        Err(NetError::Timeout) => Err(Problem::NoAnswer(address.to_string())),
        Err(error) => Err(Problem::Other(format!("{address} says: {error}"))),
    };
    let (old, new) = tokio::join!(ask(RecordType::A), ask(RecordType::AAAA));
    match (old?, new?) {
        (None, None) => Err(Problem::NoSuchName),
        (old, new) => Ok([old, new].into_iter().flatten().flatten().collect()),
    }
}

fn addresses(records: &[hickory_resolver::proto::rr::Record]) -> Vec<IpAddr> {
    let data = records.iter().map(|record| &record.data);
    data.filter_map(RData::ip_addr).collect()
}
