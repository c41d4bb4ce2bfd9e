//! `quota`, `check` and `enforce` say the same of the same world, at the borders of every tier too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proxdeck::simulator::Scenario;
use rstest::rstest;
use serde_json::Value;

use crate::world::{Home, World};

/// Each command reads at its own moment, and up to a hundredth of a window is left out at its end until
/// finer rows are worth a question: two moments may fall on either side of that.
const DRIFT: f64 = 0.02;

/// What the three commands say of one world.
struct Said {
    quota: Value,
    check: Value,
    enforce: Value,
}

impl Said {
    fn by(home: &Home, world: &[&str]) -> Self {
        let document = |command: &str| {
            let arguments = [world, &[command, "--json"]].concat();
            home.run(&arguments).json()
        };
        Self {
            quota: document("quota"),
            check: document("check"),
            enforce: document("enforce"),
        }
    }

    /// Returns the rows of `quota` over their quotas, by project and resource.
    fn over(&self) -> BTreeMap<String, &Value> {
        let rows = rows(&self.quota).iter();
        let over =
            rows.filter(|row| ["warn", "throttle", "emergency"].contains(&word(row, "tier")));
        over.map(|row| {
            let key = format!("{} {}", word(row, "project"), word(row, "resource"));
            (key, row)
        })
        .collect()
    }

    /// Holds every project and resource in the three documents against each other.
    fn assert_agreed(&self) {
        let over = self.over();
        self.assert_alerts(&over);
        self.assert_steps(&over);
        self.assert_reasons(&over);
    }

    fn assert_alerts(&self, over: &BTreeMap<String, &Value>) {
        let alerts = rows(&self.check)
            .iter()
            .filter(|row| row["kind"] == "QuotaExceeded");
        let alerts: BTreeMap<&str, &Value> =
            alerts.map(|row| (word(row, "subject"), row)).collect();
        let keys: Vec<&str> = alerts.keys().copied().collect();
        assert_eq!(keys, over.keys().collect::<Vec<_>>(), "{}", self.check);
        for (key, row) in over {
            let (alert, tier) = (alerts[key.as_str()], word(row, "tier"));
            let is_critical = alert["severity"] == "critical";
            assert_eq!(is_critical, tier == "emergency", "{row} {alert}");
            let said = match tier {
                "warn" => "warning",
                tier => tier,
            };
            assert!(word(alert, "text").contains(said), "{row} {alert}");
            assert_eq!(alert["limit"], row["quota"], "{row} {alert}");
            let (used, value) = (number(row, "used"), number(alert, "value"));
            assert!((used - value).abs() <= used * DRIFT, "{row} {alert}");
        }
    }

    /// A project's steps follow from its worst resource.
    fn assert_steps(&self, over: &BTreeMap<String, &Value>) {
        let mut tiers: BTreeMap<&str, &str> = BTreeMap::new();
        for row in over.values() {
            let tier = tiers.entry(word(row, "project")).or_insert("warn");
            *tier = worse(tier, word(row, "tier"));
        }
        for project in self.quota["summary"]["projects"].as_array().unwrap() {
            let tier = word(project, "tier");
            let expected = tiers.get(word(project, "project"));
            let is_over = ["warn", "throttle", "emergency"].contains(&tier);
            assert_eq!(expected.copied(), is_over.then_some(tier), "{project}");
        }
        let mut steps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in rows(&self.enforce) {
            let of_project = steps.entry(word(row, "project")).or_default();
            of_project.push(word(row, "action"));
        }
        let projects = |of: Vec<&str>| of.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(
            projects(steps.keys().copied().collect()),
            projects(tiers.keys().copied().collect()),
            "{}",
            self.enforce
        );
        for (project, tier) in tiers {
            let (first, rest) = steps[project].split_first().unwrap();
            let is_shut = rest.contains(&"shutdown");
            match tier {
                "warn" => assert_eq!((*first, rest), ("warn", &[][..]), "{project}"),
                "throttle" => assert!(*first == "throttle" && !is_shut, "{project}: {rest:?}"),
                _ => assert!(*first == "throttle" && is_shut, "{project}: {rest:?}"),
            }
        }
    }

    /// The reason of a warning or a throttle names each resource over its quota, and how far.
    fn assert_reasons(&self, over: &BTreeMap<String, &Value>) {
        let mut named = BTreeSet::new();
        for row in rows(&self.enforce) {
            if !["warn", "throttle"].contains(&word(row, "action")) {
                continue;
            }
            for part in word(row, "reason").split(", ") {
                let resource = part.split(' ').next().unwrap();
                let key = format!("{} {resource}", word(row, "project"));
                let quota = over.get(&key).unwrap_or_else(|| panic!("{key}: {row}"));
                let percent = part.split_once("(+").map(|(_, rest)| {
                    let number = rest.split_once(" %").unwrap().0;
                    number.parse::<f64>().unwrap()
                });
                let excess = quota["excess"].as_f64().map(|excess| excess * 100.0);
                match (percent, excess) {
                    // Both are rounded, and of another moment: what is far over its quota goes on fast.
                    (Some(said), Some(excess)) => {
                        let most = 0.5 + (100.0 + excess) * DRIFT;
                        assert!((said - excess).abs() < most, "{row} {quota}");
                    }
                    (said, excess) => {
                        assert_eq!(said, excess, "no share of nothing: {row}");
                    }
                }
                named.insert(key);
            }
        }
        assert!(named.iter().eq(over.keys()), "{named:?}");
    }
}

fn worse<'a>(one: &'a str, other: &'a str) -> &'a str {
    let rank = |tier: &str| {
        ["warn", "throttle", "emergency"]
            .iter()
            .position(|it| *it == tier)
    };
    if rank(one) >= rank(other) { one } else { other }
}

fn rows(document: &Value) -> &[Value] {
    document["rows"]
        .as_array()
        .unwrap_or_else(|| panic!("{document}"))
}

fn word<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {row}"))
}

fn number(row: &Value, name: &str) -> f64 {
    row[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name}: {row}"))
}

#[test]
fn on_the_small_world_the_three_commands_agree() {
    let mut scenario = Scenario::small();
    let mut pool = scenario.pools[0].clone();
    "nobody".clone_into(&mut pool.name);
    scenario.pools.push(pool);
    let world = World::with(scenario, Vec::new());
    // Quotas so far from what is used that no minute changes a tier.
    let rules = "[selection]\nall = true\n\
        [projects.lab]\npool = \"lab\"\nwindow = \"7d\"\nstorage_gb = 20\ncpu_hours = 1\nnetwork_gb = 100000\n\
        [projects.prod]\npool = \"prod\"\nwindow = \"24h\"\nmemory_gb_hours = 0\nstorage_gb = 500\n\
        [projects.nobody]\nmatch = \"vmid:999\"\nmarker_pool = \"nobody\"\ncpu_hours = 0\nstorage_gb = 0\n";
    world.home.write_config(&world.config(rules));
    let said = Said::by(&world.home, &[]);
    said.assert_agreed();
    let over: Vec<String> = said.over().into_keys().collect();
    assert_eq!(
        over,
        ["lab cpu_hours", "lab storage_gb", "prod memory_gb_hours"]
    );
}

#[test]
fn in_the_demo_the_three_commands_agree() {
    let said = Said::by(&Home::new(), &["--demo"]);
    said.assert_agreed();
    assert!(!said.over().is_empty());
}

/// The use of each guest of the flat world, reckoned by hand.
///
/// | resource        | a day of it                                    |                  |
/// |-----------------|------------------------------------------------|------------------|
/// | cpu_hours       | 2 cores × 0.5 × 24 h                           | 24               |
/// | memory_gb_hours | 2 GiB × 0.5 = 1.073741824 GB, × 24 h           | 25.769803776     |
/// | storage_gb      | one disk of 33 GiB = 33 × 1.073741824 GB       | 35.433480192     |
/// | network_gb      | (0.6 + 0.4) MB a second × 86,400 s             | 86.4             |
const USED: [(&str, f64); 4] = [
    ("cpu_hours", 24.0),
    ("memory_gb_hours", 25.769_803_776),
    ("storage_gb", 35.433_480_192),
    ("network_gb", 86.4),
];

/// What flows misses the minute that is not written yet, and up to a row where the window begins.
const UNWRITTEN: f64 = 0.002;

/// A project at the border of a tier.
struct Border {
    name: &'static str,
    /// The severity of what is stored, to the digit: use = quota × (1 + severity).
    severity: f64,
    /// The severity of what flows, which is at most [`UNWRITTEN`] smaller and on the same side.
    flowing: f64,
    tier: &'static str,
    steps: &'static [&'static str],
}

const THROTTLED: &[&str] = &["throttle", "notify team"];

/// Every border from below and from above.
const BORDERS: [Border; 6] = [
    Border {
        name: "even",
        severity: 0.0,
        flowing: 0.0,
        tier: "ok",
        steps: &[],
    },
    Border {
        name: "above",
        severity: 0.000_1,
        flowing: 0.003,
        tier: "warn",
        steps: &["warn"],
    },
    Border {
        name: "warned",
        severity: 0.099_9,
        flowing: 0.099_9,
        tier: "warn",
        steps: &["warn"],
    },
    Border {
        name: "tenth",
        severity: 0.10,
        flowing: 0.103,
        tier: "throttle",
        steps: THROTTLED,
    },
    Border {
        name: "under",
        severity: 0.499_9,
        flowing: 0.499_9,
        tier: "throttle",
        steps: THROTTLED,
    },
    Border {
        name: "half",
        severity: 0.50,
        flowing: 0.504,
        tier: "emergency",
        steps: &["throttle", "shutdown", "notify administrators, team"],
    },
];

/// The projects without a border: a quota of nothing, and none.
const OTHERS: [&str; 2] = ["zero", "free"];

fn names() -> Vec<&'static str> {
    let borders = BORDERS.iter().map(|border| border.name);
    borders.chain(OTHERS).collect()
}

/// A world with a guest in each project, all alike; each has run for 30 hours.
fn flat() -> World {
    let pools: Vec<String> = names()
        .iter()
        .map(|name| format!("{{ name = \"{name}\" }}"))
        .collect();
    let mut text = format!(
        "seed = 7\nspeed = 1000.0\ncluster = \"flat\"\nnodes = [{{ name = \"pve1\" }}]\npools = [{}]\n\
        [[storages]]\nname = \"local-lvm\"\nkind = \"lvmthin\"\nsize = \"900GiB\"\n",
        pools.join(", ")
    );
    for (vmid, name) in (201..).zip(names()) {
        write!(text, "[[guests]]\nvmid = {vmid}\nname = \"{name}-1\"\nnode = \"pve1\"\npool = \"{name}\"\n\
            status = \"running\"\nup = \"30h\"\ncores = 2\nmemory = \"2GiB\"\ndisks = [\"local-lvm:33GiB\"]\n\
            load = {{ cpu = 0.5, memory = 0.5, network_in = 600000.0, network_out = 400000.0, lively = 0.0 }}\n").unwrap();
    }
    World::with(Scenario::from_toml(&text).unwrap(), Vec::new())
}

/// Writes the budgets; each quota is what makes the day's use as severe as it should be.
fn budgets(accounting: &str) -> String {
    let mut text = format!("[selection]\nall = true\n[quota]\naccounting = \"{accounting}\"\n");
    let mut project = |name: &str, quota: &dyn Fn(&str, f64) -> String| {
        write!(
            text,
            "[projects.{name}]\npool = \"{name}\"\nwindow = \"24h\"\nnotify = [\"team\"]\n"
        )
        .unwrap();
        for (resource, used) in USED {
            writeln!(text, "{resource} = {}", quota(resource, used)).unwrap();
        }
    };
    for border in &BORDERS {
        project(border.name, &|resource, used| {
            let severity = if resource == "storage_gb" {
                border.severity
            } else {
                border.flowing
            };
            format!("{:.12}", used / (1.0 + severity))
        });
    }
    project("zero", &|_, _| "0".to_owned());
    project("free", &|_, _| "\"unlimited\"".to_owned());
    text.push_str("[notify.team]\ncommand = [\"/bin/true\"]\n[notify.administrators]\ncommand = [\"/bin/true\"]\n");
    text
}

#[test]
fn at_the_borders_of_the_tiers_everything_is_as_reckoned_by_hand() {
    let world = flat();
    world.home.write_config(&world.config(&budgets("history")));
    world.vouch(&names());
    let said = Said::by(&world.home, &[]);
    said.assert_agreed();
    let tiers = BORDERS.iter().map(|border| (border.name, border.tier));
    let tiers = tiers.chain([("zero", "throttle")]);
    for (name, tier) in tiers {
        for (resource, expected) in USED {
            let mut all = rows(&said.quota).iter();
            let row = all
                .find(|row| row["project"] == name && row["resource"] == resource)
                .unwrap();
            let missing = (expected - number(row, "used")) / expected;
            let most = if resource == "storage_gb" {
                1e-7
            } else {
                UNWRITTEN
            };
            assert!((-1e-7..=most).contains(&missing), "{missing}: {row}");
            assert_eq!(word(row, "tier"), tier, "{row}");
            assert_eq!(row["estimated"], false, "{row}");
        }
    }
    let free = rows(&said.quota)
        .iter()
        .filter(|row| row["project"] == "free");
    for row in free {
        assert_eq!(word(row, "tier"), "unlimited", "{row}");
    }
    let steps = |name: &str| -> Vec<String> {
        let own = rows(&said.enforce)
            .iter()
            .filter(|row| row["project"] == name);
        let told = own.map(|row| match word(row, "action") {
            "notify" => format!("notify {}", word(row, "reason").split_once(':').unwrap().0),
            action => action.to_owned(),
        });
        told.collect()
    };
    for border in &BORDERS {
        assert_eq!(steps(border.name), border.steps, "{}", border.name);
    }
    assert_eq!(steps("zero"), THROTTLED);
    assert!(steps("free").is_empty());
}

#[rstest]
#[case::from_the_list_alone("since-boot")]
#[case::on_a_ledger_without_memory("history")]
fn figures_that_are_not_exact_are_agreed_on_as_well(#[case] accounting: &str) {
    let world = flat();
    world.home.write_config(&world.config(&budgets(accounting)));
    let said = Said::by(&world.home, &[]);
    said.assert_agreed();
    assert!(
        said.over()
            .values()
            .all(|row| row["estimated"] == true || row["resource"] == "storage_gb")
    );
}
