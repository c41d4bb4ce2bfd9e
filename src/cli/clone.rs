//! `proxdeck clone`: make a copy of a guest, of its present or of one of its snapshots.
//!
//! Name, number, place and privileges are checked before the server is asked to copy anything.

use chrono::{DateTime, Utc};

use super::change::{self, Change};
use super::connect::Session;
use super::foresee;
use super::inventory::Reading;
use super::output::Output;
use super::pool;
use super::setup::Setup;
use super::snapshot::read::{self, Silent};
use super::target::Target;
use super::throttle;
use super::{Exit, half_made, interruptible};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_name::GuestName;
use crate::domain::id::{GuestKind, NodeName, StorageName, Vmid};
use crate::domain::operation::{CopyKind, Stamp};
use crate::domain::request::{
    CloneContext, CloneRequest, Features, PoolChoice, copied_along, critical_tags_copied,
};
use crate::domain::snapshot::SnapshotList;
use crate::proxmox::{Client, Error};
use crate::runtime::Ending;

/// Make a copy of a guest
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck clone 104\n  \
    proxdeck clone 104=agent-build-4 --name agent-build-9 --start\n  \
    proxdeck clone 104 --snapshot keep-before-upgrade --vmid 204 --project none")]
pub(super) struct CloneGuest {
    /// The guest, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID")]
    source: Target,

    /// Copy this snapshot of it, instead of its present
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Option<String>,

    /// Share the disks' unchanged blocks, of a template or of a snapshot that can
    #[arg(long)]
    linked: bool,

    /// The copy's number, instead of the next free one
    #[arg(long, value_name = "VMID")]
    vmid: Option<Vmid>,

    /// The copy's name, instead of the guest's with -copy behind it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The node for the copy, instead of the guest's; another one needs shared disks
    #[arg(long, value_name = "NODE")]
    target: Option<NodeName>,

    /// The storage for all its disks, instead of where the guest's are
    #[arg(long, value_name = "STORAGE")]
    storage: Option<StorageName>,

    /// The project whose pool it joins, by name or uuid, instead of the guest's pool; none: no pool
    #[arg(long, value_name = "PROJECT|none")]
    project: Option<String>,

    /// Start it when it is there
    #[arg(long)]
    start: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A copy of a guest, however it was asked for.
pub(super) struct Wanted<'a> {
    /// The command, as the document and its rows name it.
    pub(super) command: &'static str,
    pub(super) schema: &'static str,
    pub(super) source: &'a Target,
    pub(super) snapshot: Option<&'a str>,
    pub(super) kind: CopyKind,
    pub(super) vmid: Option<Vmid>,
    pub(super) name: Option<&'a str>,
    pub(super) target: Option<&'a NodeName>,
    pub(super) storage: Option<&'a StorageName>,
    pub(super) project: Option<&'a str>,
    pub(super) start: bool,
    pub(super) json: bool,
}

/// A checked clone, and what the copy takes over.
struct Prepared {
    session: Session,
    time: DateTime<Utc>,
    change: Change,
    along: Vec<String>,
}

impl CloneGuest {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let wanted = Wanted {
            command: "clone",
            schema: "proxdeck.clone/1",
            source: &self.source,
            snapshot: self.snapshot.as_deref(),
            kind: if self.linked {
                CopyKind::Linked
            } else {
                CopyKind::Full
            },
            vmid: self.vmid,
            name: self.name.as_deref(),
            target: self.target.as_ref(),
            storage: self.storage.as_ref(),
            project: self.project.as_deref(),
            start: self.start,
            json: self.json,
        };
        wanted.run(setup, output).await
    }
}

impl Wanted<'_> {
    /// Checks and makes the copy, and tells how it went.
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        let pool = pool::of_project(self.project, &setup.rules.projects)?;
        let mut ending = Ending::listen()?;
        let prepare = self.prepare(pool, setup, output);
        let Prepared {
            session,
            time,
            change,
            along,
        } = interruptible(&mut ending, prepare).await?;
        throttle::confirm_override(&change, self.json, output, &mut ending).await?;
        output.note(format_args!(
            "{}: copied along with the disks: {}",
            change.guest,
            along.join("; ")
        ));
        let changes = vec![change];
        let ending = &mut ending;
        let carried =
            change::carry_out(&session, setup, output, ending, self.command, changes).await;
        let unfinished = carried.half_made();
        let schema = self.json.then_some(self.schema);
        carried.print(schema, &session.cluster, time, output);
        half_made::offer(&session, setup, output, ending, &unfinished).await;
        Ok(carried.exit())
    }

    /// Finds the guest, reads what is needed, and checks everything; nothing is changed yet.
    async fn prepare(
        &self,
        pool: PoolChoice,
        setup: &Setup,
        output: &Output,
    ) -> anyhow::Result<Prepared> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let source = self.source.find(&reading.guests)?;
        change::require_answering(&[source])?;
        let client = &session.client;
        let permissions = client.access().permissions().await?;
        let list = self.snapshots(&session, source, setup, output).await?;
        let whom = source.to_ref();
        let (snapshot, config) = match (self.snapshot, &list) {
            (Some(name), Some(list)) => {
                let found = list.find(name);
                let snapshot = found.ok_or_else(|| read::unknown(source, name))?;
                let frozen = client.guests().snapshot_config(&whom, name).await?;
                (Some(snapshot.clone()), frozen)
            }
            _ => (None, client.guests().config(&whom).await?),
        };
        let features = self.features(client, &whom).await?;
        let name = self.name.map(str::to_owned);
        let request = CloneRequest {
            source: whom.clone(),
            snapshot,
            kind: self.kind,
            name: name.unwrap_or_else(|| GuestName::suggest_copy(source)),
            vmid: self.vmid.map(|vmid| vmid.to_string()).unwrap_or_default(),
            pool,
            target: self.target.cloned(),
            storage: self.storage.cloned(),
            description: String::new(),
            start: self.start,
            // Whoever is at the terminal is asked, once all else is checked.
            overrides_throttle: true,
        };
        let joins = request.joins(source, &setup.rules.projects);
        let project = throttle::look(client, joins).await;
        let resources = reading.resources();
        let fence = foresee::of_own(&session, &whom, &config).await;
        let context = CloneContext {
            source: Some(source),
            snapshots: list.as_ref(),
            config: Some(&config),
            features,
            resources: Some(&resources),
            project: project.as_ref(),
            fence: Some(&fence),
        };
        let now = client.server_time().unwrap_or(reading.time);
        let stamp = Stamp::new(now, rand::random());
        let operation = request
            .check(&context, &stamp)
            .map_err(|objections| change::refused(&change::objected(&whom, &objections)))?;
        let mut along = copied_along(Some(source), &config);
        let critical = critical_tags_copied(source, &setup.rules.enforcement.critical);
        if !critical.is_empty() {
            let tags = critical.join(", ");
            along.push(format!(
                "tag {tags}, for which enforcement will spare the copy"
            ));
        }
        let told = fence.told();
        along.extend(told.map(|told| format!("fence: {told}")));
        let subject = String::new();
        let change = Change::permitted(client, whom, subject, operation, permissions).await?;
        let time = reading.time;
        Ok(Prepared {
            session,
            time,
            change,
            along,
        })
    }

    /// Asks the server what it can do with the guest's disks.
    ///
    /// For a container, and for all else that is refused anyway, the answer does not matter.
    async fn features(&self, client: &Client, guest: &GuestRef) -> Result<Features, Error> {
        let mut features = Features::default();
        if guest.kind == GuestKind::Lxc {
            return Ok(features);
        }
        let guests = client.guests();
        match self.kind {
            CopyKind::Full => {
                features.copy = Some(guests.feature(guest, "copy", self.snapshot).await?);
            }
            CopyKind::Linked => {
                features.clone = Some(guests.feature(guest, "clone", self.snapshot).await?);
            }
        }
        Ok(features)
    }

    /// Reads the guest's snapshots where one of them is to be copied.
    async fn snapshots(
        &self,
        session: &Session,
        source: &Guest,
        setup: &Setup,
        output: &Output,
    ) -> anyhow::Result<Option<SnapshotList>> {
        if self.snapshot.is_none() {
            return Ok(None);
        }
        let lists = read::lists(&session.client, &[source], Silent::Asked, setup, output).await;
        match lists.unread.into_iter().next() {
            Some(unread) => Err(unread.into_complaint().into()),
            None => Ok(lists.read.into_iter().next().map(|(_, list)| list)),
        }
    }
}
