//! Every call of the client, with what the server calls it: to be put to recorded, simulated and hostile answers.
//!
//! A test makes sure that none is missing.

use std::collections::BTreeMap;
use std::pin::Pin;

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
use proxdeck::proxmox::{Client, Error};
use serde_json::Value;

/// What a call understood of a success: how many rows, where it is a list; 1 where something else makes sense.
pub(crate) type Understood = Result<Option<usize>, Error>;
pub(crate) type Answering = Pin<Box<dyn Future<Output = Understood> + Send>>;

/// A call of the client: the function that makes it, and what the server calls it.
pub(crate) struct Call {
    /// File and function below `src/proxmox/endpoints`.
    pub(crate) function: &'static str,
    pub(crate) method: &'static str,
    pub(crate) template: &'static str,
    /// Makes the call with the values of a recorded path; nothing where the client has no words for such a path.
    pub(crate) make: fn(Client, &Values) -> Option<Answering>,
    /// Tells whether a row of the recorded list is one that the client counts.
    pub(crate) counts: fn(&Value) -> bool,
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
pub(crate) const ANSWERED_BY_REFUSALS: [&str; 1] = ["cluster::is_free"];

/// Every call of the client; a test makes sure that none is missing.
pub(crate) const CALLS: &[Call] = &[
    call!(
        "access::version",
        "GET",
        "/version",
        any,
        (client, values) => {
            let version = client.access().version().await?;
            Ok(Some(usize::from(version.starts_with(|c: char| c.is_ascii_digit()))))
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
                // Every row of a real server makes sense: one that does not counts against all.
                Some(rows.guests.len().saturating_sub(rows.rejected))
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
            let whole = volumes.iter().filter(|volume| volume.owner.is_some() && volume.size.is_some());
            Ok(Some(whole.count()))
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
pub(crate) struct Values(pub(crate) BTreeMap<String, String>);

impl Values {
    pub(crate) fn of(template: &str, path: &str) -> Option<Self> {
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

    pub(crate) fn sample() -> Self {
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

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
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

    pub(crate) fn upid(&self) -> Option<Upid> {
        let upid: Upid = self.get("upid")?.parse().ok()?;
        // A task is asked for on its own node.
        (Some(upid.node().as_str()) == self.get("node")).then_some(upid)
    }
}

pub(crate) fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
