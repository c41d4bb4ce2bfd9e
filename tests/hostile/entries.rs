//! Whatever takes text or bytes from strangers, each as a function over any bytes.
//!
//! A function returns if all is well and panics if not: the text was misread, or what would be shown of it could move a
//! cursor. The bounded run beside this file and the fuzz targets call the same functions. It refuses to judge answers of
//! a server, which need one.

use std::path::Path;

use chrono::DateTime;
use proxdeck::app::filter::Filter;
use proxdeck::app::keymap::{Combo, Keymap};
use proxdeck::app::snapshot_filter::SnapshotFilter;
use proxdeck::config::settings::Settings;
use proxdeck::domain::alert::{Acknowledgement, AlertBook, Changes, Memory};
use proxdeck::domain::doctor;
use proxdeck::domain::firewall::{Direction, Rule, Rules};
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::GuestKind;
use proxdeck::domain::network::{Cidr, WayBack, is_host_name, parse_port, profile_of_rule};
use proxdeck::domain::network_card::NetworkCard;
use proxdeck::domain::permission::path_of_bridge;
use proxdeck::domain::progress::{LineProgress, read_line};
use proxdeck::domain::project::Window;
use proxdeck::domain::retention::PlanFile;
use proxdeck::domain::snapshot::SnapshotName;
use proxdeck::domain::task::{TaskState, Upid};
use proxdeck::domain::text::{Text, clean};
use proxdeck::domain::throttle;
use proxdeck::domain::units::Size;
use proxdeck::domain::usage::{Ledger, Period};

/// One such function, with honest texts to begin with.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) takes: fn(&[u8]),
    /// What the bounded run changes into something hostile.
    pub(crate) honest: &'static [&'static str],
}

pub(crate) const ENTRIES: [Entry; 9] = [
    Entry {
        name: "upid",
        takes: upid,
        honest: &[
            "UPID:pve1:000036F6:0003AF31:6B045F84:qmdelsnapshot:101:admin@pve!ci:",
            "UPID:pve-2:00000001:1A2B3C4D5:6720A000:vzdump::root@pam:",
        ],
    },
    Entry {
        name: "config",
        takes: config,
        honest: &[
            include_str!("../../config.example.toml"),
            "[clusters.lab]\nendpoints = [\"https://pve1:8006\"]\nuser = \"ops@pve\"\n[limits]\ncpu_percent = 90\n",
            "[[limits.override]]\nmatch = \"tag:x*\"\nmax_runtime_hours = \"unlimited\"\n[keys]\nquit = [\"Ctrl-q\"]\n",
        ],
    },
    Entry {
        name: "keys",
        takes: keys,
        honest: &[
            "Ctrl-p",
            "Shift-Tab",
            "F12\nEnter\nAlt-x",
            "quit\nq\nEsc",
            "Space",
            "ü",
        ],
    },
    Entry {
        name: "filter",
        takes: filter,
        honest: &[
            "build tag:autovibe node:pve1",
            "status:run pool:alpha project:beta 'exact ^start end$ !not",
            "verdict:delete web",
        ],
    },
    Entry {
        name: "card",
        takes: card,
        honest: &[
            "virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,firewall=1,tag=5,rate=10,queues=4,mtu=1,link_down=1,trunks=1;2",
            "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:CC,ip=dhcp,type=veth",
        ],
    },
    Entry {
        name: "disk",
        takes: disk,
        honest: &[
            "local-lvm:vm-101-disk-0,discard=on,iothread=1,size=32G",
            "vmstore:101/vm-101-disk-0.qcow2,size=1152921504606846976",
            "none,media=cdrom",
            "order=scsi0;ide2;net0",
        ],
    },
    Entry {
        name: "task_log",
        takes: task_log,
        honest: &[
            "create full clone of drive scsi0 (local:101/vm-101-disk-0.qcow2)\ntransferred 1.5 GiB of 20.0 GiB (7.50%)\n\
             TASK OK",
            "INFO:  42% (8.4 GiB of 20.0 GiB) in 3s, read: 2.8 GiB/s\n1.50 GiB in 3s\nTASK ERROR: timeout\nWARNINGS: 3",
        ],
    },
    Entry {
        name: "comment",
        takes: comment,
        honest: &[
            "build and test agents\n[proxdeck throttled 2026-11-01T10:00:00Z cpu,memory tier=throttle]\nmore",
            "proxdeck:api_access",
            "proxdeck:api_access trial until 2026-11-01T10:00:00Z",
            "{\"schema\":\"proxdeck.prune/1\",\"cluster\":\"lab\",\"time\":\"2026-11-01T10:00:00Z\",\"rows\":[]}",
            "9.1.4",
            "10.0.0.0/8",
            "2001:db8::1",
            "4GiB",
            "api.example.org:443",
        ],
    },
    Entry {
        name: "state",
        takes: state,
        honest: &[
            r#"{"version":1,"kept":{"alpha":[[1795362120,1795438920]]},"guests":[{"vmid":104,"kind":"qemu","name":"a",
            "project":"alpha","from":1795362120,"until":1795438920,"cpu_hours":[24.0,"="],"memory_gb_hours":[1.5,"~"],
            "network_gb":[0.1,">"]}]}"#,
            r#"{"offline:pve2":{"since":"2026-11-23T12:00:00Z","seen":"2026-11-23T13:00:00Z","acknowledgement":{"by":"ops",
            "note":"mine","at":"2026-11-23T13:00:00Z","level":2},"released":"2026-11-23T12:30:00Z"}}"#,
        ],
    },
];

/// Asserts that a text does nothing to a terminal but stand there.
pub(crate) fn shown(text: &str) {
    for line in text.split('\n') {
        assert_eq!(clean(line), line, "this would be shown as it came");
    }
}

fn read(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn upid(bytes: &[u8]) {
    let text = read(bytes);
    match text.parse::<Upid>() {
        Ok(upid) => {
            assert_eq!(upid.as_str(), text);
            let _ = (upid.vmid(), upid.started());
            for part in [upid.node().as_str(), upid.kind(), upid.id(), upid.user()] {
                shown(part);
            }
            shown(&upid.to_string());
        }
        Err(error) => shown(&error.to_string()),
    }
}

pub(crate) fn config(bytes: &[u8]) {
    if let Err(error) = Settings::parse(&read(bytes), Path::new("config.toml"), None) {
        shown(&error.to_string());
    }
}

pub(crate) fn keys(bytes: &[u8]) {
    let text = read(bytes);
    let mut lines = text.lines();
    let action = lines.next().unwrap_or_default().to_owned();
    let keys: Vec<String> = lines.map(str::to_owned).collect();
    for key in keys.iter().chain([&action, &text]) {
        match key.parse::<Combo>() {
            Ok(combo) => {
                shown(&combo.to_string());
                assert_eq!(
                    combo.to_string().parse::<Combo>(),
                    Ok(combo),
                    "written and read again"
                );
            }
            Err(error) => shown(&error.to_string()),
        }
    }
    let changes = [(action, keys.clone()), ("quit".to_owned(), keys)];
    for change in changes {
        if let Err(errors) = Keymap::new(&[change]) {
            for error in errors {
                shown(&error.to_string());
            }
        }
    }
}

pub(crate) fn filter(bytes: &[u8]) {
    let text = read(bytes);
    let guests = guests(&text);
    let filter = Filter::parse(&text);
    let mut left: Vec<&Guest> = guests.iter().collect();
    filter.retain(&mut left, |_| Some("alpha"));
    assert!(left.len() <= guests.len());
    if let Some(mistake) = filter.mistake(&guests) {
        shown(&mistake.to_string());
    }
    let snapshots = SnapshotFilter::parse(&text);
    assert_eq!(snapshots.text(), filter.text());
}

/// Guests whose names are part of the filter.
fn guests(text: &str) -> Vec<Guest> {
    let words = text.split_whitespace().take(8).chain(["web-1", "日本"]);
    let named = (100..).zip(words).map(|(vmid, name): (u32, &str)| Guest {
        vmid: vmid.to_string().parse().unwrap(),
        kind: GuestKind::Qemu,
        node: "pve1".parse().unwrap(),
        name: Some(name.into()),
        status: Status::from_word(name),
        template: false,
        lock: Some(name.into()),
        tags: vec![name.into()],
        pool: name.parse().ok(),
        ha_state: None,
        figures: Figures::default(),
    });
    named
        .inspect(|guest| shown(&guest.to_ref().to_string()))
        .collect()
}

pub(crate) fn card(bytes: &[u8]) {
    let text = read(bytes);
    let card = NetworkCard::parse(&text);
    assert_eq!(
        card.to_string(),
        text,
        "what is not changed is written back"
    );
    let changed = card.clone().with("bridge", "vmbr1").with("firewall", "1");
    assert_eq!(changed.get("bridge"), Some("vmbr1"));
    assert!(changed.has_firewall());
    let again = NetworkCard::parse(&changed.to_string());
    assert_eq!(again, changed);
    assert_eq!(changed.without("bridge").get("bridge"), None);
    for bridge in ["vmbr0", card.get("bridge").unwrap_or_default()] {
        if let Some(path) = path_of_bridge(bridge, card.get("tag")) {
            shown(&path);
        }
    }
    shown(&Text::from(card.with_own_address().to_string()).to_string());
}

pub(crate) fn disk(bytes: &[u8]) {
    let text = read(bytes);
    let option = |key: &str| (key.to_owned(), Text::from(text.as_str()));
    let keys = [
        "boot",
        "bootdisk",
        "scsi0",
        "scsi1",
        "ide2",
        "rootfs",
        "mp0",
        "unused0",
        "efidisk0",
        "description",
    ];
    let config = GuestConfig::new(keys.map(option), None);
    for drive in config.drives() {
        let _ = drive.size;
        shown(&drive.key);
    }
    let _ = (
        config.boot_drive(),
        config.unused_volumes(),
        config.storages(),
        config.disk_size(),
    );
    if let Ok(size) = text.parse::<Size>() {
        shown(&size.to_string());
        shown(&size.for_disk());
    }
}

pub(crate) fn task_log(bytes: &[u8]) {
    let text = read(bytes);
    for line in text.lines() {
        match read_line(line) {
            Some(LineProgress::Fraction(share)) => assert!((0.0..=1.0).contains(&share), "{share}"),
            Some(LineProgress::DriveBegins(_) | LineProgress::Written(_)) | None => {}
        }
        shown(&Text::from(line).to_string());
        shown(&TaskState::from_exit(line).to_string());
    }
    let log = Text::from(text);
    for line in log.lines() {
        shown(&line);
    }
    shown(&log.first_line());
}

pub(crate) fn comment(bytes: &[u8]) {
    let text = read(bytes);
    match throttle::find(&text) {
        throttle::Found::One(marker) => {
            let again = throttle::set(&text, &marker);
            assert_eq!(throttle::find(&again), throttle::Found::One(marker));
        }
        throttle::Found::Malformed(why) => shown(&why),
        throttle::Found::None => assert_eq!(throttle::lift(&text), text),
    }
    assert_eq!(
        throttle::find(&throttle::lift(&text)),
        throttle::Found::None
    );
    let rule = Rule {
        destination: Some(text.as_str().into()),
        comment: Some(text.as_str().into()),
        ..Rule::new(Direction::Out, "ACCEPT")
    };
    let _ = profile_of_rule(&rule);
    shown(&rule.to_string());
    let rules = Rules {
        list: vec![rule],
        digest: None,
    };
    if let Some(way) = WayBack::find(&rules) {
        let _ = (way.began(), way.ends());
    }
    if let Err(error) = PlanFile::parse(bytes) {
        shown(&error.to_string());
    }
    if let Ok(cidr) = text.parse::<Cidr>() {
        assert_eq!(cidr.to_string().parse::<Cidr>().ok(), Some(cidr));
    }
    if let Err(error) = text.parse::<SnapshotName>() {
        shown(&error.to_string());
    }
    let _ = (is_host_name(&text), parse_port(&text));
    shown(&doctor::version(&text).detail);
}

/// What an earlier run, another version or a broken disk may have left in the state folder.
pub(crate) fn state(bytes: &[u8]) {
    let now = DateTime::from_timestamp(1_795_440_000, 0).unwrap();
    if let Ok(ledger) = serde_json::from_slice::<Ledger>(bytes) {
        for window in [Window::Month, Window::Days30, Window::Hours24] {
            let period = Period::of(window, now, chrono_tz::Tz::UTC);
            for gone in ledger.gone("alpha", &period, &[]) {
                shown(&gone.identity.name.unwrap_or_default().to_string());
            }
            let _ = ledger.covers("alpha", &period);
        }
        let mut again = ledger;
        again.record(now, "alpha", [], 0);
        assert!(
            serde_json::to_vec(&again).is_ok(),
            "what was kept is written again"
        );
    }
    if let Ok(mut memory) = serde_json::from_slice::<Memory>(bytes) {
        for known in memory.values() {
            let _ = known.acknowledgement.as_ref().map(Acknowledgement::until);
        }
        let mut book = AlertBook::with_memory(memory.clone());
        book.learn(memory.clone());
        Changes::default().write_into(&mut memory, now);
        assert!(
            serde_json::to_vec(&memory).is_ok(),
            "what was kept is written again"
        );
    }
}
