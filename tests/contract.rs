//! Holds the client against recorded answers of a real server and against the schema of its API.
//!
//! The folder is `PROXDECK_CONTRACT_DIR`, by default `../shared/pve` beside the crate: a schema and recorded
//! exchanges, whatever they are called. Where it is absent the tests say so and pass, unless
//! `PROXDECK_REQUIRE_CONTRACT=1`. Every recorded answer to a call that the client makes is sent to it again, to the
//! byte, by a server of the test; what the client asked is held against the schema. It refuses to name a recording:
//! new ones are found by their paths.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the tests of the client make it misbehave; here it only repeats"
)]
#[path = "client/teller.rs"]
mod teller;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::firewall::{Direction, Rule};
use proxdeck::domain::guest::{Figures, Guest, GuestRef, Status};
use proxdeck::domain::history::Span;
use proxdeck::domain::id::{GuestKind, NodeName, Vmid};
use proxdeck::domain::operation::{Operation, Power, PowerAction};
use proxdeck::domain::request::PowerRequest;
use proxdeck::domain::task::Upid;
use proxdeck::domain::units::Size;
use proxdeck::proxmox::endpoints::{CloneSpec, SnapshotSpec, TaskFilter};
use proxdeck::proxmox::{Client, Connection, Credentials, Error, Fingerprint, Trust};
use serde_json::Value;

use teller::{Heard, Say, Teller, written};

/// What a call understood of a success: how many rows, where it is a list.
type Understood = Result<Option<usize>, Error>;
type Answering = Pin<Box<dyn Future<Output = Understood> + Send>>;

/// A call of the client: the function that makes it, and what the server calls it.
struct Call {
    /// File and function below `src/proxmox/endpoints`.
    function: &'static str,
    method: &'static str,
    template: &'static str,
    /// Makes the call with the values of a recorded path; nothing where the client has no words for such a path.
    make: fn(Client, &Values) -> Option<Answering>,
    /// Tells whether a row of the recorded list is one that the client counts.
    counts: fn(&Value) -> bool,
}

const fn any(_: &Value) -> bool {
    true
}

fn is_guest(row: &Value) -> bool {
    row["type"] == "qemu" || row["type"] == "lxc"
}

fn is_line(row: &Value) -> bool {
    row["t"].is_string()
}

/// A call whose answer is either understood or not.
macro_rules! call {
    (
        $function:literal, $method:literal, $template:literal,
        ($client:ident, $values:ident $(, $name:ident = $value:expr)*) => $call:expr
    ) => {
        call!($function, $method, $template, any, ($client, $values $(, $name = $value)*) => {
            let answer = $call;
            answer.map(|_| None)
        })
    };
    // The same for a list, with the recorded rows that count and how many were understood.
    (
        $function:literal, $method:literal, $template:literal, $counts:expr,
        ($client:ident, $values:ident $(, $name:ident = $value:expr)*) => $body:block
    ) => {
        Call {
            function: $function,
            method: $method,
            template: $template,
            make: |$client, $values| {
                let _ = $values;
                $(let $name = $value;)*
                Some(Box::pin(async move { $body }))
            },
            counts: $counts,
        }
    };
}

/// Calls to which a refused parameter is an answer: whether an id is free is told by a 400.
const ANSWERED_BY_REFUSALS: [&str; 1] = ["cluster::is_free"];

/// Every call of the client; a test makes sure that none is missing.
const CALLS: &[Call] = &[
    call!(
        "access::version",
        "GET",
        "/version",
        any,
        (client, values) => {
            client.access().version().await.map(|version| {
                assert!(
                    version.starts_with(|c: char| c.is_ascii_digit()),
                    "{version}"
                );
                None
            })
        }
    ),
    call!(
        "access::listed_permissions",
        "GET",
        "/access/permissions",
        (client, values) => { client.access().listed_permissions().await }
    ),
    call!(
        "access::permissions_at",
        "GET",
        "/access/permissions",
        (client, values) => { client.access().permissions_at("/vms/104").await }
    ),
    call!(
        "access::token_expiry",
        "GET",
        "/access/users",
        (client, values) => {
            // No recorded account is the one of this test: that it is not listed is an answer too.
            match client.access().token_expiry().await {
                Err(error) if error.kind() == FailureKind::Forbidden && error.status().is_none() => Ok(None),
                answer => answer,
            }
        }
    ),
    call!(
        "cluster::resources",
        "GET",
        "/cluster/resources",
        is_guest,
        (client, values) => {
            client.cluster().resources().await.map(|rows| {
                assert_eq!(rows.rejected, 0, "every row of a real server makes sense");
                Some(rows.guests.len())
            })
        }
    ),
    call!(
        "cluster::metrics_history",
        "GET",
        "/cluster/metrics/export",
        (client, values) => {
            let since = DateTime::from_timestamp(1_763_900_000, 0);
            client.cluster().metrics_history(since).await
        }
    ),
    call!(
        "cluster::tasks",
        "GET",
        "/cluster/tasks",
        any,
        (client, values) => {
            client
                .cluster()
                .tasks()
                .await
                .map(|tasks| Some(tasks.len()))
        }
    ),
    call!(
        "cluster::next_id",
        "GET",
        "/cluster/nextid",
        (client, values) => client.cluster().next_id().await
    ),
    call!(
        "cluster::is_free",
        "GET",
        "/cluster/nextid",
        (client, values) => client.cluster().is_free(Vmid::new(900).unwrap()).await
    ),
    call!(
        "cluster::status",
        "GET",
        "/cluster/status",
        (client, values) => client.cluster().status().await
    ),
    call!(
        "firewall::options",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/firewall/options",
        (client, values, guest = values.guest()?) => client.firewall().options(&guest).await
    ),
    call!(
        "firewall::rules",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/firewall/rules",
        any,
        (client, values, guest = values.guest()?) => {
            client.firewall().rules(&guest).await.map(|rules| Some(rules.list.len()))
        }
    ),
    call!(
        "firewall::sets",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset",
        any,
        (client, values, guest = values.guest()?) => {
            client.firewall().sets(&guest).await.map(|sets| Some(sets.len()))
        }
    ),
    call!(
        "firewall::members",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}",
        any,
        (client, values, guest = values.guest()?, set = values.get("name")?.to_owned()) => {
            client.firewall().members(&guest, &set).await.map(|members| Some(members.len()))
        }
    ),
    call!(
        "firewall::aliases",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/firewall/aliases",
        any,
        (client, values, guest = values.guest()?) => {
            client.firewall().aliases(&guest).await.map(|aliases| Some(aliases.len()))
        }
    ),
    call!(
        "firewall::cluster_enabled",
        "GET",
        "/cluster/firewall/options",
        (client, values) => client.firewall().cluster_enabled().await
    ),
    call!(
        "firewall::cluster_sets",
        "GET",
        "/cluster/firewall/ipset",
        any,
        (client, values) => {
            client.firewall().cluster_sets().await.map(|sets| Some(sets.len()))
        }
    ),
    call!(
        "firewall::cluster_members",
        "GET",
        "/cluster/firewall/ipset/{name}",
        any,
        (client, values, set = values.get("name")?.to_owned()) => {
            client.firewall().cluster_members(&set).await.map(|members| Some(members.len()))
        }
    ),
    call!(
        "firewall::cluster_aliases",
        "GET",
        "/cluster/firewall/aliases",
        any,
        (client, values) => {
            client.firewall().cluster_aliases().await.map(|aliases| Some(aliases.len()))
        }
    ),
    call!(
        "firewall::groups",
        "GET",
        "/cluster/firewall/groups",
        any,
        (client, values) => {
            client.firewall().groups().await.map(|groups| Some(groups.len()))
        }
    ),
    call!(
        "firewall::group_rules",
        "GET",
        "/cluster/firewall/groups/{group}",
        any,
        (client, values, group = values.get("group")?.to_owned()) => {
            client.firewall().group_rules(&group).await.map(|rules| Some(rules.list.len()))
        }
    ),
    call!(
        "firewall::set_options",
        "PUT",
        "/nodes/{node}/{kind}/{vmid}/firewall/options",
        (client, values, guest = values.guest()?) => {
            let options = [("enable", "1"), ("policy_out", "DROP")];
            client.firewall().set_options(&guest, &options, &["policy_in"], Some("0123abcd")).await
        }
    ),
    call!(
        "firewall::add_rule",
        "POST",
        "/nodes/{node}/{kind}/{vmid}/firewall/rules",
        (client, values, guest = values.guest()?) => client.firewall().add_rule(&guest, &whole_rule()).await
    ),
    call!(
        "firewall::enable_rule",
        "PUT",
        "/nodes/{node}/{kind}/{vmid}/firewall/rules/{pos}",
        (client, values, guest = values.guest()?, pos = values.position()?) => client.firewall().enable_rule(&guest, pos, "0123abcd").await
    ),
    call!(
        "firewall::move_rule",
        "PUT",
        "/nodes/{node}/{kind}/{vmid}/firewall/rules/{pos}",
        (client, values, guest = values.guest()?, pos = values.position()?) => client.firewall().move_rule(&guest, pos, 3, "0123abcd").await
    ),
    call!(
        "firewall::delete_rule",
        "DELETE",
        "/nodes/{node}/{kind}/{vmid}/firewall/rules/{pos}",
        (client, values, guest = values.guest()?, pos = values.position()?) => client.firewall().delete_rule(&guest, pos, "0123abcd").await
    ),
    call!(
        "firewall::create_set",
        "POST",
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset",
        (client, values, guest = values.guest()?) => client.firewall().create_set(&guest, "peers", Some("why")).await
    ),
    call!(
        "firewall::delete_set",
        "DELETE",
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}",
        (client, values, guest = values.guest()?, set = values.get("name")?.to_owned()) => client.firewall().delete_set(&guest, &set).await
    ),
    call!(
        "firewall::add_member",
        "POST",
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}",
        (client, values, guest = values.guest()?, set = values.get("name")?.to_owned()) => {
            client.firewall().add_member(&guest, &set, "192.0.2.0/24", Some("why")).await
        }
    ),
    call!(
        "firewall::describe_member",
        "PUT",
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}/{cidr}",
        (client, values, guest = values.guest()?, set = values.get("name")?.to_owned(), cidr = values.get("cidr")?.to_owned()) => {
            client.firewall().describe_member(&guest, &set, &cidr, "why").await
        }
    ),
    call!(
        "firewall::delete_member",
        "DELETE",
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}/{cidr}",
        (client, values, guest = values.guest()?, set = values.get("name")?.to_owned(), cidr = values.get("cidr")?.to_owned()) => {
            client.firewall().delete_member(&guest, &set, &cidr).await
        }
    ),
    call!(
        "guests::state",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/status/current",
        (client, values, guest = values.guest()?) => client.guests().state(&guest).await
    ),
    call!(
        "guests::config",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/config",
        (client, values, guest = values.guest()?) => client.guests().config(&guest).await
    ),
    call!(
        "guests::next_config",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/config",
        (client, values, guest = values.guest()?) => client.guests().next_config(&guest).await
    ),
    call!(
        "guests::pending",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/pending",
        (client, values, guest = values.guest()?) => client.guests().pending(&guest).await
    ),
    call!(
        "guests::set_config",
        "PUT",
        "/nodes/{node}/{kind}/{vmid}/config",
        (client, values, guest = values.guest()?) => {
            let card = "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1";
            let options: &[(&str, &str)] = match guest.kind {
                GuestKind::Qemu => &[
                    ("cores", "2"),
                    ("sockets", "1"),
                    ("memory", "4096"),
                    ("balloon", "2048"),
                    ("tags", "a;b"),
                    ("net0", card),
                ],
                GuestKind::Lxc => &[("tags", "a;b")],
            };
            let delete = ["description", "protection", "onboot", "vcpus"];
            client.guests().set_config(&guest, options, &delete, Some("0123abcd")).await
        }
    ),
    call!(
        "guests::feature",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/feature",
        (client, values, guest = values.guest()?) => client.guests().feature(&guest, "snapshot", Some("one")).await
    ),
    call!(
        "guests::power",
        "POST",
        "/nodes/{node}/{kind}/{vmid}/status/{action}",
        (client, values, power = values.power()?, guest = values.guest()?) => {
            client.guests().power(&power, &guest).await
        }
    ),
    call!(
        "guests::start_up",
        "POST",
        "/nodes/{node}/{kind}/{vmid}/status/start",
        (client, values, guest = values.guest()?) => client.guests().start_up(&guest).await
    ),
    call!(
        "guests::clone",
        "POST",
        "/nodes/{node}/qemu/{vmid}/clone",
        any,
        (client, values, guest = values.guest()?) => {
            let (pool, node) = ("lab".parse().unwrap(), guest.node.clone());
            let spec = CloneSpec {
                vmid: Vmid::new(900).unwrap(),
                name: "copy",
                description: "why",
                full: true,
                snapshot: Some("one"),
                pool: Some(&pool),
                target: Some(&node),
                storage: Some(&"vmstore".parse().unwrap()),
            };
            client.guests().clone(&guest, spec).await.map(|_| None)
        }
    ),
    // Linked: `storage` and `format` go with full copies only (PITFALLS 23).
    call!(
        "guests::clone",
        "POST",
        "/nodes/{node}/qemu/{vmid}/clone",
        any,
        (client, values, guest = values.guest()?) => {
            let spec = CloneSpec {
                vmid: Vmid::new(900).unwrap(),
                name: "copy",
                description: "why",
                full: false,
                snapshot: None,
                pool: None,
                target: None,
                storage: None,
            };
            client.guests().clone(&guest, spec).await.map(|_| None)
        }
    ),
    call!(
        "guests::resize",
        "PUT",
        "/nodes/{node}/qemu/{vmid}/resize",
        (client, values, guest = values.guest()?) => {
            client.guests().resize(&guest, "scsi0", Size::from_bytes(20 << 30)).await
        }
    ),
    call!(
        "guests::destroy",
        "DELETE",
        "/nodes/{node}/{kind}/{vmid}",
        (client, values, guest = values.guest()?) => client.guests().destroy(&guest, true).await
    ),
    call!(
        "guests::snapshot_config",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}/config",
        (client, values, guest = values.guest()?, name = values.get("snapname")?.to_owned()) => {
            client.guests().snapshot_config(&guest, &name).await
        }
    ),
    call!(
        "guests::describe_snapshot",
        "PUT",
        "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}/config",
        (client, values, guest = values.guest()?, name = values.get("snapname")?.to_owned()) => {
            client.guests().describe_snapshot(&guest, &name, "why").await
        }
    ),
    call!(
        "guests::delete_snapshot",
        "DELETE",
        "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}",
        (client, values, guest = values.guest()?, name = values.get("snapname")?.to_owned()) => {
            client.guests().delete_snapshot(&guest, &name).await
        }
    ),
    call!(
        "guests::rollback",
        "POST",
        "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}/rollback",
        (client, values, guest = values.guest()?, name = values.get("snapname")?.to_owned()) => {
            client.guests().rollback(&guest, &name, true).await
        }
    ),
    call!(
        "guests::snapshots",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/snapshot",
        |row| row["name"] != "current",
        (client, values, guest = values.guest()?) => {
            let list = client.guests().snapshots(&guest).await?;
            Ok(Some(list.snapshots.len()))
        }
    ),
    call!(
        "guests::snapshot",
        "POST",
        "/nodes/{node}/{kind}/{vmid}/snapshot",
        any,
        (client, values, guest = values.guest()?) => {
            let spec = SnapshotSpec {
                name: &"before-upgrade".parse().unwrap(),
                description: "why",
                ram: true,
            };
            client.guests().snapshot(&guest, spec).await.map(|_| None)
        }
    ),
    call!(
        "metrics::current",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/status/current",
        (client, values, guest = values.guest()?) => client.guests().current(&guest).await
    ),
    call!(
        "metrics::history",
        "GET",
        "/nodes/{node}/{kind}/{vmid}/rrddata",
        (client, values, guest = values.guest()?) => client.guests().history(&guest, Span::Hour).await
    ),
    call!(
        "storage::images",
        "GET",
        "/nodes/{node}/storage/{storage}/content",
        any,
        (client, values, node = values.node()?, storage = values.get("storage")?.parse().ok()?) => {
            let vmid = Vmid::new(101).unwrap();
            client.storage().images(&node, &storage, vmid).await.map(|_| None)
        }
    ),
    call!(
        "storage::contents",
        "GET",
        "/nodes/{node}/storage/{storage}/content",
        any,
        (client, values, node = values.node()?, storage = values.get("storage")?.parse().ok()?) => {
            let volumes = client.storage().contents(&node, &storage).await?;
            assert!(
                volumes.iter().all(|volume| volume.owner.is_some() && volume.size.is_some()),
                "{volumes:?}"
            );
            Ok(Some(volumes.len()))
        }
    ),
    call!(
        "nodes::time",
        "GET",
        "/nodes/{node}/time",
        (client, values, node = values.node()?) => client.nodes().time(&node).await
    ),
    call!(
        "nodes::pins",
        "GET",
        "/nodes",
        (client, values) => { client.nodes().pins().await }
    ),
    call!(
        "nodes::bridges",
        "GET",
        "/nodes/{node}/network",
        (client, values, node = values.node()?) => { client.nodes().bridges(&node).await }
    ),
    call!(
        "nodes::certificates",
        "GET",
        "/nodes/{node}/certificates/info",
        any,
        (client, values, node = values.node()?) => {
            client.nodes().certificates(&node).await.map(|list| Some(list.len()))
        }
    ),
    call!(
        "pools::list",
        "GET",
        "/pools",
        any,
        (client, values) => { client.pools().list().await.map(|pools| Some(pools.len())) }
    ),
    call!(
        "pools::comment",
        "GET",
        "/pools",
        (client, values, pool = values.get("poolid")?.parse().ok()?) => {
            client.pools().comment(&pool).await
        }
    ),
    call!(
        "pools::set_comment",
        "PUT",
        "/pools",
        (client, values) => {
            let pool = "lab".parse().unwrap();
            client.pools().set_comment(&pool, "one\ntwo").await
        }
    ),
    call!(
        "tasks::state",
        "GET",
        "/nodes/{node}/tasks/{upid}/status",
        (client, values, upid = values.upid()?) => client.tasks().state(&upid).await
    ),
    call!(
        "tasks::log",
        "GET",
        "/nodes/{node}/tasks/{upid}/log",
        is_line,
        (client, values, upid = values.upid()?) => {
            client.tasks().log(&upid, 0).await.map(|lines| Some(lines.len()))
        }
    ),
    call!(
        "tasks::stop",
        "DELETE",
        "/nodes/{node}/tasks/{upid}",
        (client, values, upid = values.upid()?) => client.tasks().stop(&upid).await
    ),
    call!(
        "tasks::failed_since",
        "GET",
        "/nodes/{node}/tasks",
        (client, values, node = values.node()?) => {
            let since = DateTime::from_timestamp(1_763_900_000, 0).unwrap();
            client.tasks().failed_since(&node, since).await
        }
    ),
    call!(
        "tasks::of_node",
        "GET",
        "/nodes/{node}/tasks",
        any,
        (client, values, node = values.node()?) => {
            let filter = TaskFilter {
                vmid: Some(Vmid::new(101).unwrap()),
                since: Some(1_763_900_000),
                kind: Some("qmsnapshot"),
                ..TaskFilter::default()
            };
            let tasks = client.tasks().of_node(&node, &filter).await?;
            Ok(Some(tasks.len()))
        }
    ),
];

/// A rule that has every field.
fn whole_rule() -> Rule {
    Rule {
        direction: Direction::Out,
        action: "ACCEPT".into(),
        is_enabled: true,
        macro_name: Some("HTTPS".into()),
        protocol: Some("tcp".into()),
        source: Some("10.0.0.0/8".into()),
        destination: Some("+peers".into()),
        source_port: Some("1024:65535".into()),
        destination_port: Some("443".into()),
        interface: Some("net0".into()),
        icmp_type: Some("any".into()),
        log: Some("nolog".into()),
        comment: Some("why".into()),
        is_broken: false,
    }
}

/// The parts of a path that a template leaves open.
#[derive(Debug, Default)]
struct Values(BTreeMap<String, String>);

impl Values {
    fn of(template: &str, path: &str) -> Option<Self> {
        let (wanted, given): (Vec<&str>, Vec<&str>) =
            (template.split('/').collect(), path.split('/').collect());
        let mut values = Self::default();
        if wanted.len() != given.len() {
            return None;
        }
        for (part, word) in wanted.into_iter().zip(given) {
            match part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'))
            {
                Some("kind") if !matches!(word, "qemu" | "lxc") => return None,
                Some(name) => drop(values.0.insert(name.to_owned(), decoded(word))),
                None if part != word => return None,
                None => {}
            }
        }
        Some(values)
    }

    fn sample() -> Self {
        let upid = "UPID:pve1:00001234:00005678:6720A000:qmsnapshot:101:hub@pve!deck:";
        let values = [
            ("node", "pve1"),
            ("kind", "qemu"),
            ("vmid", "101"),
            ("storage", "vmstore"),
            ("snapname", "before-upgrade"),
            ("action", "shutdown"),
            ("poolid", "lab"),
            ("name", "peers"),
            ("cidr", "192.0.2.0/28"),
            ("group", "webservers"),
            ("pos", "2"),
            ("upid", upid),
        ];
        Self(
            values
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn node(&self) -> Option<NodeName> {
        self.get("node")?.parse().ok()
    }

    fn guest(&self) -> Option<GuestRef> {
        Some(GuestRef {
            vmid: Vmid::new(self.get("vmid")?.parse().ok()?)?,
            kind: self.kind(),
            node: self.node()?,
            name: None,
        })
    }

    fn position(&self) -> Option<usize> {
        self.get("pos")?.parse().ok()
    }

    /// Templates that leave the kind no choice are about virtual machines.
    fn kind(&self) -> GuestKind {
        match self.get("kind") {
            Some("lxc") => GuestKind::Lxc,
            Some(_) | None => GuestKind::Qemu,
        }
    }

    /// A power change as somebody may wish it of a guest in the right state.
    fn power(&self) -> Option<Power> {
        let wanted = self.get("action")?;
        let action = PowerAction::ALL
            .into_iter()
            .find(|action| action.as_str() == wanted)?;
        let guest = self.guest()?;
        let mut request = PowerRequest::new(guest.clone(), action);
        request.timeout_seconds = action.takes_timeout().then_some(60);
        request.overrule_shutdown = action == PowerAction::Stop;
        let states = [Status::Running, Status::Stopped, Status::Paused];
        let checked = states.into_iter().find_map(|status| {
            let guest = Guest {
                vmid: guest.vmid,
                kind: guest.kind,
                node: guest.node.clone(),
                name: None,
                status,
                template: false,
                lock: None,
                tags: Vec::new(),
                pool: None,
                ha_state: None,
                figures: Figures::default(),
            };
            request.check(Some(&guest)).ok()
        });
        let Operation::Power(power) = checked? else {
            panic!("a wish for power came out as something else");
        };
        Some(power)
    }

    fn upid(&self) -> Option<Upid> {
        let upid: Upid = self.get("upid")?.parse().ok()?;
        // A task is asked for on its own node.
        (Some(upid.node().as_str()) == self.get("node")).then_some(upid)
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

/// A recorded answer, with what was asked.
struct Recording {
    file: String,
    method: String,
    path: String,
    /// What was asked beside the path.
    query: BTreeMap<String, String>,
    status: u16,
    reason: String,
    headers: Vec<(String, String)>,
    raw: Vec<u8>,
    body: Value,
}

impl Recording {
    fn read(file: &Path, document: &Value) -> Option<Self> {
        let (request, response) = (&document["request"], &document["response"]);
        // Behind some answers stood no server but something that took its place.
        let note = document["note"].as_str().unwrap_or_default();
        if note.contains("stand-in") && response["status"] == 200 {
            return None;
        }
        let path = request["path"].as_str()?.strip_prefix("/api2/json")?;
        let raw = match (&response["raw_body"], &response["raw_body_hex"]) {
            (Value::String(text), _) => text.clone().into_bytes(),
            (_, Value::String(digits)) => bytes(digits)?,
            _ => return None,
        };
        let headers = response["headers"].as_array()?;
        Some(Self {
            file: file.file_name()?.to_str()?.to_owned(),
            method: request["method"].as_str()?.to_owned(),
            path: path.split('?').next()?.to_owned(),
            query: request["query"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            status: u16::try_from(response["status"].as_u64()?).ok()?,
            reason: response["reason"].as_str()?.to_owned(),
            headers: headers
                .iter()
                .filter_map(|header| {
                    Some((
                        header[0].as_str()?.to_owned(),
                        header[1].as_str()?.to_owned(),
                    ))
                })
                .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
                .collect(),
            // What came packed was not taken apart by whoever recorded it.
            body: if response["body"].is_null() {
                serde_json::from_slice(&raw).unwrap_or_default()
            } else {
                response["body"].clone()
            },
            raw,
        })
    }

    /// The answer as it came.
    fn say(&self) -> Say {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Say::Bytes(written(
            &format!("{} {}", self.status, self.reason),
            &headers,
            &self.raw,
        ))
    }

    /// The words that a person should read.
    fn text(&self) -> String {
        let message = self.body["message"].as_str().unwrap_or_default().trim_end();
        let words = if message.is_empty() {
            self.reason.trim_end()
        } else {
            message
        };
        words.to_owned()
    }

    /// The kind of failure that these words and this status are.
    fn kind(&self) -> FailureKind {
        let text = self.text();
        match self.status {
            400 => FailureKind::Rejected,
            401 => FailureKind::AuthenticationFailed,
            403 => FailureKind::Forbidden,
            501 => FailureKind::NotImplemented,
            595..=599 => FailureKind::NodeUnreachable,
            500 if text.ends_with(".conf' does not exist") => FailureKind::NoSuchGuest,
            500 if text.starts_with("unable to find configuration file for ") => {
                FailureKind::NoSuchGuest
            }
            500 if text.contains(" is locked (") => FailureKind::Locked,
            500 if text.contains("can't lock file") => FailureKind::Busy,
            500 if text.contains("checksum mismatch")
                || text.contains("modified configuration") =>
            {
                FailureKind::Conflict
            }
            500 => FailureKind::Server,
            status => panic!("{}: what is a {status}?", self.file),
        }
    }

    fn assert_understood(&self, call: &Call, outcome: Understood) {
        let file = &self.file;
        if self.status == 400 && ANSWERED_BY_REFUSALS.contains(&call.function) {
            assert!(outcome.is_ok(), "{file}: {outcome:?}");
            return;
        }
        if self.status == 200 {
            let rows = outcome.unwrap_or_else(|error| panic!("{file}: {error}"));
            let recorded = self.body["data"].as_array();
            if let (Some(rows), Some(recorded)) = (rows, recorded) {
                let wanted = recorded.iter().filter(|row| (call.counts)(row)).count();
                assert_eq!(
                    rows, wanted,
                    "{file}: rows that were understood and rows that came"
                );
            }
            return;
        }
        let error = outcome.expect_err(file);
        assert_eq!(error.status(), Some(self.status), "{file}");
        assert_eq!(error.kind(), self.kind(), "{file}: {error}");
        assert_eq!(error.text().raw().trim_end(), self.text(), "{file}");
        let fields: BTreeSet<&str> = error
            .fields()
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let recorded: BTreeSet<&str> = self.body["errors"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(fields, recorded, "{file}: refused parameters");
        let may_have_begun = self.method != "GET" && self.status > 595;
        assert_eq!(error.outcome_unknown(), may_have_begun, "{file}");
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// The recorded world: exchanges, and the schema's calls by method and path.
struct Contract {
    recordings: Vec<Recording>,
    schema: BTreeMap<(String, String), Value>,
}

impl Contract {
    /// Reads the folder; nothing where there is none and none is demanded.
    fn read() -> Option<Self> {
        let variable = |wanted: &str| {
            let found = std::env::vars_os().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value)
        };
        let folder = variable("PROXDECK_CONTRACT_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/pve"),
            PathBuf::from,
        );
        if !folder.is_dir() {
            let is_required =
                variable("PROXDECK_REQUIRE_CONTRACT").is_some_and(|value| value == "1");
            assert!(
                !is_required,
                "the contract is required, and {} is no folder",
                folder.display()
            );
            println!(
                "skipped: there is no folder {} to hold the client against",
                folder.display()
            );
            return None;
        }
        let mut contract = Self {
            recordings: Vec::new(),
            schema: BTreeMap::new(),
        };
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path
                    .extension()
                    .is_some_and(|extension| extension == "json")
                {
                    contract.add(
                        &path,
                        &serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
                    );
                }
            }
        }
        assert!(!contract.recordings.is_empty() && !contract.schema.is_empty());
        Some(contract)
    }

    fn add(&mut self, file: &Path, document: &Value) {
        for call in document["endpoints"].as_array().into_iter().flatten() {
            let text = |name: &str| call[name].as_str().unwrap().to_owned();
            self.schema
                .insert((text("method"), text("path")), call.clone());
        }
        self.recordings.extend(Recording::read(file, document));
    }

    /// Asserts that the schema has this call with these parameters.
    fn assert_known(&self, heard: &Heard, template: &str, values: &Values) {
        let (path, query) = heard.target.split_once('?').unwrap_or((&heard.target, ""));
        let path = path.strip_prefix("/api2/json").unwrap();
        assert!(
            Values::of(template, path).is_some(),
            "{} is not {template}",
            heard.target
        );
        // A container's firewall has the calls of a machine's, of which the schema has more.
        let kind = match values.get("kind") {
            Some(_) if template.contains("/firewall") => "qemu",
            kind => kind.unwrap_or_default(),
        };
        let named = template.replace("{kind}", kind);
        let call = (heard.method.clone(), named);
        let Some(schema) = self.schema.get(&call) else {
            // The schema is a part of the whole; a recorded success is as good a witness.
            let is_recorded = self.recordings.iter().any(|recording| {
                (recording.status, &recording.method) == (200, &call.0)
                    && Values::of(&call.1, &recording.path).is_some()
            });
            assert!(is_recorded, "neither schema nor recordings have {call:?}");
            return;
        };
        let sent: BTreeSet<String> = [query, heard.body.as_str()]
            .iter()
            .flat_map(|pairs| pairs.split('&'))
            .filter(|pair| !pair.is_empty())
            .map(|pair| decoded(pair.split('=').next().unwrap()))
            .collect();
        for parameter in &sent {
            // Of numbered options the schema has one with `[n]` for the number.
            let stem = parameter.trim_end_matches(|c: char| c.is_ascii_digit());
            let is_known = [parameter.clone(), format!("{stem}[n]")]
                .iter()
                .any(|name| !schema["parameters"][name].is_null());
            assert!(
                is_known,
                "{call:?} has no parameter {parameter:?} in the schema"
            );
        }
        for (name, parameter) in schema["parameters"].as_object().into_iter().flatten() {
            let is_given = sent.contains(name) || template.contains(&format!("{{{name}}}"));
            assert!(
                is_given || parameter["optional"] == 1,
                "{call:?} needs {name:?}"
            );
        }
    }
}

/// A server that repeats what it is given, and remembers what it was asked.
struct Replay {
    teller: Teller,
    next: Arc<Mutex<Say>>,
}

impl Replay {
    async fn start() -> Self {
        let next = Arc::new(Mutex::new(Say::HangUp));
        let said = Arc::clone(&next);
        Self {
            teller: Teller::start(move |_| said.lock().unwrap().clone()).await,
            next,
        }
    }

    /// A client that has seen nothing yet.
    fn client(&self, credentials: Credentials) -> Client {
        Client::new(Connection {
            endpoints: vec![self.teller.url()],
            trust: Trust::Pins(vec![Fingerprint::new(self.teller.fingerprint())]),
            credentials,
        })
        .unwrap()
    }

    /// Makes a call to which this is said; returns what came of it and the request.
    async fn ask(&self, call: &Call, values: &Values, say: Say) -> Option<(Understood, Heard)> {
        *self.next.lock().unwrap() = say;
        let before = self.teller.heard().len();
        let client = self.client(Credentials::Token {
            id: "hub@pve!deck".to_owned(),
            secret: "secret".to_owned().into(),
        });
        let outcome = (call.make)(client, values)?.await;
        let mut heard = self.teller.heard().split_off(before);
        assert_eq!(heard.len(), 1, "one call is one request: {heard:?}");
        Some((outcome, heard.remove(0)))
    }
}

#[tokio::test]
async fn the_client_understands_every_recorded_answer() {
    let Some(contract) = Contract::read() else {
        return;
    };
    let replay = Replay::start().await;
    for call in CALLS {
        let (mut successes, mut failures, mut foreign) = (0, 0, Vec::new());
        for recording in &contract.recordings {
            let Some(mut values) = Values::of(call.template, &recording.path) else {
                continue;
            };
            for (name, value) in &recording.query {
                values
                    .0
                    .entry(name.clone())
                    .or_insert_with(|| value.clone());
            }
            if recording.method != call.method {
                continue;
            }
            let Some((outcome, heard)) = replay.ask(call, &values, recording.say()).await else {
                foreign.push(recording.file.as_str());
                continue;
            };
            let asked = decoded(heard.target.split('?').next().unwrap());
            assert_eq!(asked, format!("/api2/json{}", decoded(&recording.path)));
            contract.assert_known(&heard, call.template, &values);
            recording.assert_understood(call, outcome);
            *(if recording.status == 200 {
                &mut successes
            } else {
                &mut failures
            }) += 1;
        }
        println!(
            "{:26} {successes:3} successes, {failures:3} failures  {} {}",
            call.function, call.method, call.template
        );
        if !foreign.is_empty() {
            println!(
                "{:26} the client has no words for what was asked in {foreign:?}",
                ""
            );
        }
        assert!(
            successes + failures > 0 || foreign.is_empty(),
            "no recorded answer could be put to {}, though there are some",
            call.function
        );
    }
}

/// The figures come as rows within an object, which the table cannot count.
#[tokio::test]
async fn every_exported_figure_of_a_guest_finds_its_point() {
    let Some(contract) = Contract::read() else {
        return;
    };
    let replay = Replay::start().await;
    let mut seen = 0;
    for recording in &contract.recordings {
        if recording.path != "/cluster/metrics/export" || recording.status != 200 {
            continue;
        }
        let rows = recording.body["data"]["data"].as_array().unwrap();
        let guests = rows.iter().filter(|row| {
            let id = row["id"].as_str().unwrap();
            id.starts_with("qemu/") || id.starts_with("lxc/")
        });
        let moments: BTreeSet<(&str, u64)> = guests
            .map(|row| {
                (
                    row["id"].as_str().unwrap(),
                    row["timestamp"].as_u64().unwrap(),
                )
            })
            .collect();
        *replay.next.lock().unwrap() = recording.say();
        let client = replay.client(Credentials::Token {
            id: "hub@pve!deck".to_owned(),
            secret: "secret".to_owned().into(),
        });
        let metrics = client.cluster().metrics_history(None).await.unwrap();
        let points: usize = metrics.iter().map(|(_, _, points)| points.len()).sum();
        assert_eq!(points, moments.len(), "{}", recording.file);
        seen += points;
    }
    assert!(seen > 0, "a contract without exported figures");
}

#[tokio::test]
async fn the_client_understands_every_recorded_login() {
    let Some(contract) = Contract::read() else {
        return;
    };
    let mut checked = 0;
    for recording in &contract.recordings {
        if (recording.method.as_str(), recording.path.as_str()) != ("POST", "/access/ticket") {
            continue;
        }
        let say = recording.say();
        let teller = Teller::start(move |heard| match heard.method.as_str() {
            "POST" => say.clone(),
            _ => Say::data("{\"version\":\"9.2\"}"),
        })
        .await;
        let replay = Replay {
            teller,
            next: Arc::new(Mutex::new(Say::HangUp)),
        };
        let client = replay.client(Credentials::Password {
            user: "hub@pve".to_owned(),
            password: "secret".to_owned().into(),
        });
        let outcome = client.access().version().await;
        let heard = replay.teller.heard();
        contract.assert_known(&heard[0], "/access/ticket", &Values::default());
        let file = &recording.file;
        if recording.status != 200 {
            let error = outcome.expect_err(file);
            assert_eq!(
                (error.kind(), error.text().raw().trim_end()),
                (recording.kind(), recording.text().as_str())
            );
            assert_eq!(
                heard.len(),
                1,
                "{file}: who was refused asks for nothing else"
            );
        } else if recording.body["data"]["NeedTFA"] == 1 {
            assert_eq!(
                outcome.expect_err(file).kind(),
                FailureKind::SecondFactorRequired,
                "{file}"
            );
            assert_eq!(heard.len(), 1, "{file}: half a ticket opens nothing");
        } else {
            outcome.expect(file);
            let ticket = recording.body["data"]["ticket"].as_str().unwrap();
            let cookie = heard[1].header("cookie").map(decoded);
            assert_eq!(cookie, Some(format!("PVEAuthCookie={ticket}")), "{file}");
        }
        checked += 1;
    }
    println!("{checked} logins");
    assert!(checked > 0, "a contract without a login");
}

#[tokio::test]
async fn every_call_of_the_client_is_in_the_schema() {
    let Some(contract) = Contract::read() else {
        return;
    };
    let replay = Replay::start().await;
    for call in CALLS {
        let kinds: &[&str] = if call.template.contains("{kind}") {
            &["qemu", "lxc"]
        } else {
            &["qemu"]
        };
        for &kind in kinds {
            let mut values = Values::sample();
            values.0.insert("kind".to_owned(), kind.to_owned());
            let refusal = Say::answer("500 no", "");
            let (_, heard) = replay.ask(call, &values, refusal).await.unwrap();
            assert_eq!(heard.method, call.method, "{}", call.function);
            contract.assert_known(&heard, call.template, &values);
        }
    }
}

/// A call that is not in the table would be held against nothing.
#[test]
fn every_call_of_the_client_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/proxmox/endpoints");
    let mut functions = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let area = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        functions.extend(
            source
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("pub async fn "))
                .map(|rest| format!("{area}::{}", rest.split(['(', '<']).next().unwrap())),
        );
    }
    let table: BTreeSet<String> = CALLS.iter().map(|call| call.function.to_owned()).collect();
    assert_eq!(
        functions, table,
        "left: the client's calls, right: CALLS in tests/contract.rs"
    );
}
