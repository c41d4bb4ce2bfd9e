//! New guests by property: whatever a template is like, its copy becomes what was wished, and stays so.

use proptest::prelude::*;
use proxdeck::domain::forecast::{NewGuests, forecast};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::network_card::NetworkCard;
use proxdeck::domain::operation::{ConfigChange, CreateGuest, Operation};
use proxdeck::domain::project::{Quota, Resource, Window};
use proxdeck::domain::quota::{Amount, Certainty, ResourceUsage};
use proxdeck::domain::request::{CreateContext, CreateRequest};
use proxdeck::domain::template::CardProfile;
use proxdeck::domain::text::Text;

use super::creation_world::{config, request, stamp, template};
use super::worlds::now;

/// Options as a template's owner may have left them, odd ones included.
fn any_config() -> impl Strategy<Value = GuestConfig> {
    let number = |range: std::ops::Range<u32>| range.prop_map(|number| number.to_string());
    let some = |key: &'static str, value: BoxedStrategy<String>| {
        proptest::option::of(value)
            .prop_map(move |value| value.map(|value| (key.to_owned(), value)))
    };
    let words = |words: &'static [&'static str]| {
        proptest::sample::select(words)
            .prop_map(str::to_owned)
            .boxed()
    };
    let options = vec![
        some("cores", number(1..9).boxed()).boxed(),
        some("sockets", number(1..4).boxed()).boxed(),
        some("vcpus", number(1..9).boxed()).boxed(),
        some("memory", number(16..9000).boxed()).boxed(),
        some("balloon", number(0..9000).boxed()).boxed(),
        some(
            "tags",
            words(&["", " ", "a", "a;b", "b,a", "autovibe", "Autovibe;x"]),
        )
        .boxed(),
        some("protection", words(&["0", "1"])).boxed(),
        some("onboot", words(&["0", "1"])).boxed(),
        some("net0", a_card().boxed()).boxed(),
        some("name", words(&["tmpl"])).boxed(),
    ];
    options.prop_map(|options| {
        let options = options.into_iter().flatten();
        GuestConfig::new(options.map(|(key, value)| (key, Text::new(value))), None)
    })
}

fn a_card() -> impl Strategy<Value = String> {
    let rest = prop_oneof![
        "bridge=vmbr[0-2]",
        "tag=[1-9]",
        "firewall=(0|1|on|yes)",
        "queues=[1-4]",
        "trunks=1;2",
        "[a-z]{1,6}",
        "mystery=[a-z=]{0,4}",
    ];
    (
        prop_oneof![
            "virtio=BC:24:11:[0-9A-F]{2}:00:01",
            "virtio",
            "e1000=BC:24:11:00:00:01"
        ],
        proptest::collection::vec(rest, 0..5),
    )
        .prop_map(|(model, rest)| {
            let parts = std::iter::once(model).chain(rest);
            parts.collect::<Vec<String>>().join(",")
        })
}

fn any_wish() -> impl Strategy<Value = CreateRequest> {
    (
        proptest::option::of(1_u32..64),
        proptest::option::of(16_u32..9000),
        proptest::option::of(proptest::sample::select(vec!["autovibe", "Ours", "a"])),
        proptest::option::of((any::<bool>(), 0_u32..3)),
    )
        .prop_map(|(cores, memory, tag, profile)| CreateRequest {
            cores: cores.map(|cores| cores.to_string()).unwrap_or_default(),
            memory: memory
                .map(|memory| format!("{memory}MiB"))
                .unwrap_or_default(),
            disk: String::new(),
            tag: tag.map(str::to_owned),
            profile: profile.map(|(firewall, number)| CardProfile {
                name: "api".into(),
                bridge: format!("vmbr{number}"),
                firewall,
            }),
            ..request()
        })
}

fn creation(request: &CreateRequest) -> CreateGuest {
    let source = template();
    let context = CreateContext {
        source: Some(&source),
        ..CreateContext::default()
    };
    let Operation::CreateGuest(create) = request.check(&context, &stamp()).unwrap() else {
        panic!("several of {request:?}");
    };
    *create
}

/// Does to a configuration what the server does.
fn applied(config: &GuestConfig, change: &ConfigChange) -> GuestConfig {
    let kept = config
        .options()
        .filter(|(key, _)| !change.delete.contains(key))
        .map(|(key, value)| (key.to_owned(), value.clone()));
    let set = change
        .set
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Text::new(value.clone())));
    GuestConfig::new(kept.chain(set), None)
}

fn raw<'a>(config: &'a GuestConfig, key: &str) -> Option<&'a str> {
    config.get(key).map(Text::raw)
}

proptest! {
    #[test]
    fn pitfall_29_a_card_is_written_as_it_was_read(value in "[a-zA-Z0-9:=;,._ -]{0,40}") {
        prop_assert_eq!(NetworkCard::parse(&value).to_string(), value);
    }

    #[test]
    fn what_was_changed_once_is_not_changed_again(wish in any_wish(), before in any_config()) {
        let create = creation(&wish);
        let change = create.changes(&before);
        let after = applied(&before, &change);
        prop_assert!(create.changes(&after).is_empty(), "{change:?} left {:?}", create.changes(&after));
        let twice = change.set.iter().filter(|(key, _)| change.delete.contains(key)).count();
        prop_assert_eq!(twice, 0, "set and deleted");
    }

    #[test]
    fn pitfall_22_a_copy_is_as_wished_whatever_its_template_was_like(
        wish in any_wish(),
        before in any_config(),
    ) {
        let after = applied(&before, &creation(&wish).changes(&before));
        if wish.cores.is_empty() {
            prop_assert_eq!(raw(&after, "cores"), raw(&before, "cores"));
        } else {
            let cores: u32 = raw(&after, "cores").unwrap_or("1").parse().unwrap();
            let sockets: u32 = raw(&after, "sockets").unwrap_or("1").parse().unwrap();
            prop_assert_eq!((cores * sockets).to_string(), wish.cores.clone());
            prop_assert_eq!(raw(&after, "vcpus"), None);
        }
        if let Some(memory) = wish.memory.strip_suffix("MiB") {
            prop_assert_eq!(raw(&after, "memory"), Some(memory));
            let most: u32 = memory.parse().unwrap();
            let balloon: u32 = raw(&after, "balloon").unwrap_or("0").parse().unwrap();
            prop_assert!(balloon <= most);
            if raw(&before, "balloon") == Some("0") {
                prop_assert_eq!(raw(&after, "balloon"), Some("0"));
            }
        }
        let tags = raw(&after, "tags").unwrap_or("").trim();
        prop_assert_eq!(tags, wish.tag.clone().unwrap_or_default().to_lowercase());
        for key in ["protection", "onboot"] {
            prop_assert!(!matches!(raw(&after, key), Some("1")));
        }
        prop_assert_eq!(raw(&after, "name"), raw(&before, "name"));
        let Some(profile) = &wish.profile else {
            prop_assert_eq!(raw(&after, "net0"), raw(&before, "net0"));
            return Ok(());
        };
        let card = NetworkCard::parse(raw(&after, "net0").unwrap());
        prop_assert_eq!(card.get("bridge"), Some(profile.bridge.as_str()));
        prop_assert_eq!(card.has_firewall(), profile.firewall);
        let old = raw(&before, "net0").unwrap_or("virtio");
        for part in old.split(',') {
            let is_ours = ["bridge=", "firewall="].iter().any(|key| part.starts_with(key));
            prop_assert!(is_ours || card.to_string().split(',').any(|kept| kept == part));
        }
    }

    #[test]
    fn new_guests_only_ever_add_to_a_budget(
        used in 0.0_f64..1000.0,
        quota in 1.0_f64..1000.0,
        count in 1_u32..50,
        cores in proptest::option::of(1.0_f64..64.0),
        memory in proptest::option::of(1_u64..(1 << 36)),
        disks in proptest::option::of(1_u64..(1 << 42)),
        window in proptest::sample::select(vec![Window::Month, Window::Days30, Window::Days7, Window::Hours24]),
    ) {
        let resources = [
            Resource::CpuHours,
            Resource::MemoryGbHours,
            Resource::StorageGb,
            Resource::NetworkGb,
        ];
        let usage = resources.map(|resource| {
            let used = Amount::new(used, Certainty::Exact);
            ResourceUsage::new(resource, used, Quota::at_most(quota).unwrap())
        });
        let guests = NewGuests { count, cores, memory, disks };
        let rows = forecast(&usage, window, &guests, now(), chrono_tz::Tz::UTC);
        prop_assert_eq!(rows.len(), 4);
        for row in &rows {
            prop_assert!(row.then.used.value() >= row.now.used.value());
            prop_assert!(row.then.tier >= row.now.tier || row.then.used.certainty() == Certainty::AtLeast);
            let unknown = match row.now.resource {
                Resource::CpuHours => cores.is_none(),
                Resource::MemoryGbHours => memory.is_none(),
                Resource::StorageGb => disks.is_none(),
                Resource::NetworkGb => false,
            };
            prop_assert_eq!(row.then.used.certainty() == Certainty::AtLeast, unknown);
        }
        let network = rows.iter().find(|row| row.now.resource == Resource::NetworkGb).unwrap();
        prop_assert_eq!(network.then.used.value(), network.now.used.value(), "traffic is not guessed");
    }
}

#[test]
fn a_balloon_larger_than_the_memory_shrinks_with_it_and_one_that_is_off_stays_off() {
    let create = creation(&request());
    let change = |balloon| create.changes(&config(&[("memory", "8192"), ("balloon", balloon)]));
    let of = |change: ConfigChange| {
        let mut set = change.set.into_iter();
        set.find(|(key, _)| *key == "balloon")
            .map(|(_, value)| value)
    };
    assert_eq!(of(change("8192")).as_deref(), Some("4096"));
    assert_eq!(of(change("1024")), None);
    assert_eq!(of(change("0")), None);
}
