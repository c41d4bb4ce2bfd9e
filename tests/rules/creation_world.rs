//! A template and its cluster, and a wish for guests from it.

use chrono::DateTime;
use pretty_assertions::assert_eq;
use proxdeck::domain::admission::JoinedProject;
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::inventory::{Node, NodeState, Resources, SeenGuest, Storage};
use proxdeck::domain::network::Foreseen;
use proxdeck::domain::operation::{Call, Operation, Stamp};
use proxdeck::domain::request::{CreateContext, CreateRequest, Field};
use proxdeck::domain::template::Template;
use proxdeck::domain::text::Text;
use proxdeck::domain::time::Moment;

use super::worlds::guest;

const GIB: u64 = 1 << 30;

/// What a case may change: the wish, the template as it is now, its configuration, the cluster, the
/// project that the guests join, and what will fence them in.
pub(crate) struct World {
    pub(crate) request: CreateRequest,
    pub(crate) source: Option<Guest>,
    pub(crate) options: Option<Vec<(&'static str, String)>>,
    pub(crate) resources: Option<Resources>,
    pub(crate) project: Option<JoinedProject>,
    pub(crate) fence: Option<Foreseen>,
}

pub(crate) fn config(options: &[(&str, &str)]) -> GuestConfig {
    let options = options.iter();
    GuestConfig::new(
        options.map(|(key, value)| ((*key).to_owned(), Text::from(*value))),
        None,
    )
}

pub(crate) fn template() -> Guest {
    Guest {
        template: true,
        status: Status::Stopped,
        ..guest(100)
    }
}

pub(crate) fn request() -> CreateRequest {
    CreateRequest {
        template: Template {
            name: "agent".into(),
            vmid: template().vmid,
            cores: None,
            memory: None,
            disk: None,
            network: None,
            software: Vec::new(),
        },
        source: Some(template().to_ref()),
        name: "agent-9".into(),
        count: "1".into(),
        pool: None,
        cores: "2".into(),
        memory: "4GiB".into(),
        disk: "20GiB".into(),
        profile: None,
        target: None,
        storage: None,
        kind: None,
        tag: Some("autovibe".into()),
        start: true,
        overrides_throttle: false,
    }
}

fn node(name: &str, state: NodeState) -> Node {
    Node {
        name: name.parse().unwrap(),
        state,
        cpu: None,
        max_cpu: Some(8.0),
        memory: None,
        max_memory: Some(32 * GIB),
        disk: None,
        max_disk: None,
        uptime: None,
    }
}

/// A storage of pve1 with 100 GiB, of which so many are free.
fn storage(name: &str, plugin: &str, free: u64) -> Storage {
    Storage {
        name: name.parse().unwrap(),
        node: "pve1".parse().unwrap(),
        shared: false,
        plugin: Some(plugin.into()),
        content: Some("images,rootdir".into()),
        available: true,
        used: Some((100 - free) * GIB),
        size: Some(100 * GIB),
    }
}

fn resources() -> Resources {
    let shared = |storage| Storage {
        shared: true,
        ..storage
    };
    Resources {
        guests: vec![SeenGuest {
            guest: template(),
            seen: Moment::default(),
            vouched: true,
        }],
        nodes: vec![
            node("pve1", NodeState::Online),
            node("pve2", NodeState::Online),
            node("pve3", NodeState::Offline),
            node("pve4", NodeState::Unknown),
        ],
        storages: vec![
            storage("thin", "lvmthin", 50),
            storage("thick", "lvm", 50),
            shared(storage("nfs", "nfs", 50)),
            Storage {
                content: Some("iso,vztmpl".into()),
                ..storage("isos", "dir", 50)
            },
            Storage {
                available: false,
                ..storage("gone", "nfs", 50)
            },
        ],
        rejected: 0,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let options = [
            ("boot", "order=scsi0;net0"),
            ("cores", "1"),
            ("memory", "2048"),
            ("scsi0", "thin:base-100-disk-0,size=8G"),
            ("template", "1"),
        ];
        let options = options.map(|(key, value)| (key, value.to_owned()));
        Self {
            request: request(),
            source: Some(template()),
            options: Some(options.to_vec()),
            resources: Some(resources()),
            project: None,
            fence: None,
        }
    }

    pub(crate) fn changed(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world
    }

    pub(crate) fn set(&mut self, key: &'static str, value: &str) {
        let options = self.options.as_mut().unwrap();
        options.retain(|(known, _)| *known != key);
        options.push((key, value.to_owned()));
    }

    pub(crate) fn check(&self) -> Result<Operation, Vec<(Field, String)>> {
        let config = self.options.as_ref().map(|options| {
            let options = options.iter();
            let options: Vec<(&str, &str)> = options.map(|(key, it)| (*key, &**it)).collect();
            config(&options)
        });
        let context = CreateContext {
            source: self.source.as_ref(),
            config: config.as_ref(),
            resources: self.resources.as_ref(),
            project: self.project.as_ref(),
            fence: self.fence.as_ref(),
        };
        self.request.check(&context, &stamp()).map_err(|all| {
            let all = all.into_iter();
            all.map(|objection| (objection.field, objection.reason))
                .collect()
        })
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.check().unwrap().calls()
    }
}

pub(crate) fn stamp() -> Stamp {
    Stamp::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap(), 7)
}

/// A change of the world, the field that is objected to, and what is said.
pub(crate) type Case = (fn(&mut World), Field, &'static str);

pub(crate) fn refused(cases: &[Case]) {
    for (change, field, reason) in cases {
        let world = World::changed(change);
        assert_eq!(world.check(), Err(vec![(*field, (*reason).to_owned())]));
    }
}

pub(crate) fn allowed(cases: &[fn(&mut World)]) {
    for (index, change) in cases.iter().enumerate() {
        let checked = World::changed(change).check();
        assert!(checked.is_ok(), "case {index}: {checked:?}");
    }
}
