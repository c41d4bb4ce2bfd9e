//! The settings of a file, typed and checked; the grammar of the config is this folder.
//!
//! A value here is a plain, checked one: numbers within bounds, names that exist, texts of the right
//! form. What a rule makes of it is decided in `domain`, whose types are built from these fields by
//! whoever wires the program; nothing here plans, counts or compares guests.

pub mod catalogue;
pub mod clusters;
pub mod network;
pub mod notify;
pub mod projects;
pub mod rules;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::document::{Entry, Findings, Section, parse, shown_name};
use super::error::{ConfigError, InvalidSetting, Problem, listed, nearest, quoted};
use super::secrets::SecretSource;
use crate::domain::network::NetworkProfile;
use crate::domain::template::Template;
use clusters::Cluster;
use notify::{Channel, Delivery};
use projects::{Project, Quota};
use rules::{Enforcement, Limits, Retention, Selection};

/// The port at which a name server answers.
const DNS_PORT: u16 = 53;

/// A bound that may be absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// No bound at all.
    Unlimited,
    /// This much and no more.
    At(f64),
}

/// An action that gets other keys than its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOverride {
    /// The action's name, for the key table to find.
    pub action: String,
    /// The keys as written, for the key table to read; none takes the action its keys away.
    pub keys: Vec<String>,
    /// The line of the file, for what the key table has to say about it.
    pub line: usize,
}

/// All that a config file can say; a cluster may have got keys from the environment on top.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The name server for the names in network profiles; without one the system's.
    pub resolver: Option<SocketAddr>,
    /// The name of the colour theme.
    pub theme: Option<String>,
    /// Whether a new alert rings the terminal's bell.
    pub bell: bool,
    /// The clusters, in the order of the file.
    pub clusters: Vec<Cluster>,
    /// Which guests are managed.
    pub selection: Selection,
    /// What a guest may use.
    pub limits: Limits,
    /// How long snapshots are kept.
    pub retention: Retention,
    /// The budgets, in the order of the file: the first that matches a guest has it.
    pub projects: Vec<Project>,
    /// How usage is counted.
    pub quota: Quota,
    /// What happens when a budget is exceeded.
    pub enforcement: Enforcement,
    /// The templates that new guests are made from.
    pub templates: Vec<Template>,
    /// The fences around guests.
    pub network_profiles: Vec<NetworkProfile>,
    /// Whom to tell, and how.
    pub notify: Vec<Channel>,
    /// The keys that the user changed.
    pub keys: Vec<KeyOverride>,
}

impl Settings {
    /// Reads the text of a config file; `home` is what a leading `~/` stands for.
    pub fn parse(text: &str, file: &Path, home: Option<&Path>) -> Result<Self, ConfigError> {
        let (settings, problems) = Self::parse_leniently(text, file, home);
        ConfigError::unless_empty(problems, settings)
    }

    /// Tells whether somebody who reads the file learns a secret.
    pub fn holds_secrets(&self) -> bool {
        let inline =
            |source: &Option<SecretSource>| matches!(source, Some(SecretSource::Inline(_)));
        let clusters = self
            .clusters
            .iter()
            .any(|cluster| inline(&cluster.keys.token_secret) || inline(&cluster.keys.password));
        let channels = self.notify.iter().any(|channel| {
            matches!(&channel.delivery, Delivery::Webhook(webhook) if webhook.has_password())
        });
        clusters || channels
    }

    /// Reads what can be read, and returns beside it all that is wrong.
    pub(super) fn parse_leniently(
        text: &str,
        file: &Path,
        home: Option<&Path>,
    ) -> (Self, Vec<Problem>) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut findings = Findings::new(text, file, home);
        let empty = toml::de::DeTable::new();
        let table = parse(text, &mut findings);
        let table = table.as_ref().map_or(&empty, |table| table.get_ref());
        let mut top = Section::new("", table, 0);
        let settings = Self::read(&mut top, &mut findings);
        top.finish(&mut findings);
        (settings, findings.into_problems())
    }

    fn read(top: &mut Section<'_>, findings: &mut Findings<'_>) -> Self {
        let settings = Self {
            resolver: top
                .take("resolver")
                .and_then(|entry| read_resolver(&entry, findings)),
            theme: top
                .take("theme")
                .and_then(|entry| entry.text(findings, "the name of a theme"))
                .map(str::to_owned),
            bell: top
                .take("bell")
                .and_then(|entry| entry.flag(findings))
                .unwrap_or(true),
            clusters: read_named(top, "clusters", findings, |name, section, findings| {
                Some(clusters::read(name, section, findings))
            }),
            selection: top
                .take_section("selection", findings)
                .map(|section| rules::read_selection(section, findings))
                .unwrap_or_default(),
            limits: top
                .take_section("limits", findings)
                .map(|section| rules::read_limits(section, findings))
                .unwrap_or_default(),
            retention: top
                .take_section("retention", findings)
                .map(|section| rules::read_retention(section, findings))
                .unwrap_or_default(),
            projects: Vec::new(),
            quota: top
                .take_section("quota", findings)
                .map(|section| projects::read_quota(section, findings))
                .unwrap_or_default(),
            enforcement: top
                .take_section("enforcement", findings)
                .map(|section| rules::read_enforcement(section, findings))
                .unwrap_or_default(),
            templates: Vec::new(),
            network_profiles: read_named(top, "network_profiles", findings, network::read),
            notify: read_named(top, "notify", findings, |name, section, findings| {
                Some(notify::read(name, section, findings))
            }),
            keys: top
                .take_section("keys", findings)
                .map(|section| read_keys(section, findings))
                .unwrap_or_default(),
        };
        // These name profiles and channels, which therefore have to be known first.
        let profiles = names(&settings.network_profiles, |profile| &profile.name);
        let channels = names(&settings.notify, |channel| &channel.name);
        let templates = read_named(top, "templates", findings, |name, section, findings| {
            catalogue::read(name, section, &profiles, findings)
        });
        let projects = read_named(top, "projects", findings, |name, section, findings| {
            projects::read(name, section, &channels, findings)
        });
        projects::refuse_shared_uuids(&projects, findings);
        Self {
            templates,
            projects: projects.into_iter().map(|(project, _)| project).collect(),
            ..settings
        }
    }
}

fn names<T>(items: &[T], name: impl Fn(&T) -> &String) -> Vec<String> {
    items.iter().map(|item| name(item).clone()).collect()
}

/// Reads a table whose keys are names: `[clusters.lab]`, `[projects.alpha]` and so on.
fn read_named<T>(
    top: &mut Section<'_>,
    key: &'static str,
    findings: &mut Findings<'_>,
    mut read: impl FnMut(String, Section<'_>, &mut Findings<'_>) -> Option<T>,
) -> Vec<T> {
    let Some(mut outer) = top.take_section(key, findings) else {
        return Vec::new();
    };
    let mut items = Vec::new();
    for entry in outer.take_named() {
        let name = entry.key();
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fits) {
            findings.report(
                entry.offset(),
                format!("{} cannot be a name in [{key}]", quoted(name)),
                "a name has 1 to 64 letters, digits, `-`, `_` or `.`",
            );
            continue;
        }
        if let Some(section) = entry.section(findings) {
            items.extend(read(name.to_owned(), section, findings));
        }
    }
    items
}

/// Reports a name that nothing in another part of the file has.
fn require_known(
    entry: &Entry<'_>,
    name: &str,
    known: &[String],
    table: &str,
    findings: &mut Findings<'_>,
) {
    if known.iter().any(|known| known == name) {
        return;
    }
    let shown = shown_name(name);
    let cure = match nearest(name, known.iter().map(String::as_str)) {
        Some(known) => format!("did you mean `{known}`?"),
        None if known.is_empty() => format!("add a section [{table}.{shown}]"),
        None => format!("known are {}", listed(known.iter().map(String::as_str))),
    };
    entry.reject(
        findings,
        format_args!("names {}, and there is no [{table}.{shown}]", quoted(name)),
        cure,
    );
}

fn read_resolver(entry: &Entry<'_>, findings: &mut Findings<'_>) -> Option<SocketAddr> {
    let expected = "the address of a name server, as 10.0.0.53";
    let text = entry.text(findings, expected)?;
    let read = text
        .parse::<IpAddr>()
        .map(|address| SocketAddr::new(address, DNS_PORT))
        .or_else(|_| text.parse::<SocketAddr>())
        .map_err(|_| {
            InvalidSetting::new(format!("{} is no address", quoted(text)), {
                format!("write {expected} or 10.0.0.53:5353")
            })
        });
    entry.checked(findings, read)
}

fn read_keys(mut section: Section<'_>, findings: &mut Findings<'_>) -> Vec<KeyOverride> {
    let mut overrides = Vec::new();
    for entry in section.take_named() {
        let keys = if entry.is_list() {
            let items = entry.items(findings, "a key or a list of keys");
            items
                .iter()
                .filter_map(|item| item.text(findings, "a key, as \"ctrl-s\""))
                .map(str::to_owned)
                .collect()
        } else {
            let key = entry.text(findings, "a key, as \"ctrl-s\", or a list of keys");
            key.map(str::to_owned).into_iter().collect()
        };
        overrides.push(KeyOverride {
            action: entry.key().to_owned(),
            keys,
            line: findings.line(entry.offset()),
        });
    }
    overrides
}
