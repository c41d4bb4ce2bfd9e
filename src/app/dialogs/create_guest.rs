//! The form that makes guests from a template of the catalogue.

use super::foresight::{self, Foresight};
use super::form::{Budget, Form, Item, Preview, Switch, Weight};
use super::offers::Offers;
use super::purpose::{FormDialog, Known, Purpose, ask};
use super::throttle::{self, Throttles};
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::app::state::Rules;
use crate::domain::failure::Failure;
use crate::domain::forecast::NewGuests;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::PoolName;
use crate::domain::inventory::Resources;
use crate::domain::network::{Foreseen, NetworkProfile};
use crate::domain::operation::{CopyKind, Stamp};
use crate::domain::project::Membership;
use crate::domain::request::{
    CreateContext, CreateRequest, Features, Field, Original, refuses_copy, refuses_node,
    refuses_storage, refuses_template,
};
use crate::domain::template::{CardProfile, Template};
use crate::domain::time::Moment;
use crate::domain::units::Size;

/// What is offered beside the fields, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CreatePurpose {
    entries: Vec<Entry>,
    /// The entry whose values the fields were filled with.
    filled: usize,
    /// Whether the kind of the copy was chosen by what that entry's disks can do.
    fitted: bool,
    pools: Vec<PoolName>,
    profiles: Vec<CardProfile>,
    offers: Offers,
    tag: Option<String>,
    stamp: Stamp,
    pub(super) throttles: Throttles,
    pub(super) foresight: Foresight,
}

/// An entry of the catalogue, the guest of its number, and that guest's configuration.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    template: Template,
    source: Option<GuestRef>,
    config: Remote<GuestConfig>,
}

/// The alternatives of [`Field::Copy`], in their order.
const COPIES: [CopyKind; 2] = [CopyKind::Linked, CopyKind::Full];

impl FormDialog {
    /// Opens the form that makes guests, filled with the values of the entry at `chosen`.
    ///
    /// Where a `project` is meant and new guests can join it, they do unless another is chosen.
    /// Nothing is opened where no guest of the cluster has the number of any template.
    pub(in crate::app) fn create_guest(
        rules: &Rules,
        resources: &Resources,
        chosen: usize,
        project: Option<&str>,
        stamp: Stamp,
    ) -> Option<Self> {
        let entries: Vec<Entry> = rules
            .templates
            .iter()
            .map(|template| Entry {
                template: template.clone(),
                source: resources
                    .guest(template.vmid)
                    .map(|seen| seen.guest.to_ref()),
                config: Remote::default(),
            })
            .collect();
        let target = entries
            .get(chosen)
            .and_then(|entry| entry.source.clone())
            .or_else(|| entries.iter().find_map(|entry| entry.source.clone()))?;
        let (pools, pool_options) = pools(rules, resources);
        let joined = project.and_then(|project| pool_options.iter().position(|it| it == project));
        // The template may still be changed, so that no node is the source's own for good.
        let offers = Offers::all(resources);
        let none = || std::iter::once("none".to_owned());
        let own = "the template's";
        let templates = entries.iter().map(|entry| entry.template.name.clone());
        let profiles = rules.profiles.iter().map(|profile| profile.name.clone());
        let items = vec![
            Item::choice(Field::Template, "template", templates.collect()),
            Item::text(Field::Name, "name", ""),
            Item::choice(Field::Pool, "project", pool_options),
            Item::choice(Field::Network, "network", none().chain(profiles).collect()),
            Item::switch(Field::Start, "start", Switch::new("once it is there", true)),
            Item::text(Field::Count, "how many", "1"),
            Item::text(Field::Cores, "cores", "").hinting("the template's"),
            Item::text(Field::Memory, "memory", "").hinting("the template's"),
            Item::text(Field::Disk, "disk", "").hinting("the template's"),
            Item::choice(
                Field::Copy,
                "copy",
                vec!["linked".to_owned(), "full".to_owned()],
            ),
            Item::choice(Field::Node, "node", offers.node_options(own)),
            Item::choice(Field::Storage, "storage", offers.storage_options(own)),
        ];
        let mut form = Form::new("New guest from a template".to_owned(), items, "make it");
        form.choose_at(Field::Template, chosen);
        form.choose_at(Field::Pool, joined.unwrap_or(0));
        form.focus = 1;
        let mut purpose = CreatePurpose {
            entries,
            filled: chosen,
            fitted: false,
            pools,
            profiles: rules.profiles.iter().map(NetworkProfile::card).collect(),
            offers,
            tag: rules.selection.tag_of_new_guests().map(str::to_owned),
            stamp,
            throttles: Throttles::default(),
            foresight: Foresight::default(),
        };
        purpose.fill(&mut form, chosen, resources);
        Some(Self::new(target, form, Purpose::Create(Box::new(purpose))))
    }
}

/// Lists what new guests can join, and how it is called: projects by their names, other pools as such.
fn pools(rules: &Rules, resources: &Resources) -> (Vec<PoolName>, Vec<String>) {
    let mut pools = Vec::new();
    let mut options = vec!["none".to_owned()];
    for project in rules.projects.iter() {
        if let Membership::Pool(pool) = &project.membership {
            pools.push(pool.clone());
            options.push(project.name().to_owned());
        }
    }
    let mut others: Vec<&PoolName> = resources
        .guests
        .iter()
        .filter_map(|seen| seen.guest.pool.as_ref())
        .filter(|pool| !pools.contains(pool))
        .collect();
    others.sort();
    others.dedup();
    options.extend(others.iter().map(|pool| format!("pool {pool}")));
    let others: Vec<PoolName> = others.into_iter().cloned().collect();
    pools.extend(others);
    (pools, options)
}

impl CreatePurpose {
    /// Fills the fields with what an entry of the catalogue gives its guests.
    fn fill(&mut self, form: &mut Form, chosen: usize, resources: &Resources) {
        self.filled = chosen;
        self.fitted = false;
        form.choose_at(Field::Copy, 0);
        let Some(Entry { template, .. }) = self.entries.get(chosen) else {
            return;
        };
        let size = |size: Option<Size>| size.map(|size| size.to_string()).unwrap_or_default();
        form.set_text(Field::Name, free_name(&template.name, resources));
        let cores = template.cores.map(|cores| cores.to_string());
        form.set_text(Field::Cores, cores.unwrap_or_default());
        form.set_text(Field::Memory, size(template.memory));
        form.set_text(Field::Disk, size(template.disk));
        let profile = template.network.as_ref().and_then(|name| {
            self.profiles
                .iter()
                .position(|profile| profile.name == *name)
        });
        form.choose_at(Field::Network, profile.map_or(0, |index| index + 1));
    }

    fn entry(&self, form: &Form) -> Option<&Entry> {
        self.entries.get(form.chosen(Field::Template))
    }

    pub(super) fn questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        let mut questions = self.throttles.questions(next);
        if let Some(Entry { source, config, .. }) = self.entries.get_mut(self.filled)
            && let Some(source) = source
            && config.is_open()
            && !config.is_pending()
        {
            questions.push(ask(config, Query::Config(source.clone()), next));
        }
        questions
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        for entry in &mut self.entries {
            entry.config.settle(ticket, now, result.clone());
        }
    }

    pub(super) fn check(&mut self, form: &mut Form, known: &Known<'_>) {
        let chosen = form.chosen(Field::Template);
        if chosen != self.filled
            && let Some(resources) = known.resources
        {
            self.fill(form, chosen, resources);
        }
        let profile = form
            .chosen(Field::Network)
            .checked_sub(1)
            .and_then(|index| self.profiles.get(index).cloned());
        let fence = self.foresee(chosen, profile.as_ref(), known);
        let Some(entry) = self.entries.get(chosen) else {
            return;
        };
        let mut context = CreateContext {
            source: known.guest(entry.template.vmid),
            config: entry.config.value(),
            resources: known.resources,
            project: None,
            fence: Some(&fence),
        };
        if !self.fitted && context.config.is_some() {
            self.fitted = true;
            fit_copy(form, &context);
        }
        let Some(mut request) = self.request(form, profile) else {
            return;
        };
        let joins = context
            .source
            .and_then(|source| request.joins(source, &known.rules.projects));
        let project = self.throttles.of(joins);
        request.overrides_throttle = throttle::offer_override(form, project.as_ref());
        context.project = project.as_ref();
        self.dim(form, &request, &context);
        form.checked = request.check(&context, &self.stamp);
        form.preview = preview(entry, &request, &context);
        form.preview.extend(foresight::told(&fence));
        throttle::tell(form, context.project);
        form.budget = budget(&request, &context, known);
    }

    /// Foresees the fence of the new guests, whose rules are the template's and whose card is the profile's.
    fn foresee(
        &mut self,
        chosen: usize,
        profile: Option<&CardProfile>,
        known: &Known<'_>,
    ) -> Foreseen {
        let named = |card: &CardProfile| {
            let mut profiles = known.rules.profiles.iter();
            profiles.find(|profile| profile.name == card.name)
        };
        let Some((card, profile)) = profile.and_then(|card| Some((card, named(card)?))) else {
            return Foreseen::Nothing;
        };
        let Some(Entry {
            source: Some(source),
            config,
            ..
        }) = self.entries.get(chosen)
        else {
            return Foreseen::Nothing;
        };
        if let Some(failure) = config.failure() {
            return Foreseen::Unknown(format!("network profile {}: {failure}", profile.name));
        }
        let config = config.value().map(|config| match card.card_for(config) {
            Some(card) => config.with("net0", card.to_string().as_str()),
            None => config.clone(),
        });
        self.foresight.of(source, profile, config.as_ref(), known)
    }

    fn request(&self, form: &Form, profile: Option<CardProfile>) -> Option<CreateRequest> {
        let entry = self.entry(form)?;
        Some(CreateRequest {
            template: entry.template.clone(),
            source: entry.source.clone(),
            name: form.text(Field::Name).to_owned(),
            count: form.text(Field::Count).to_owned(),
            pool: form
                .chosen(Field::Pool)
                .checked_sub(1)
                .and_then(|index| self.pools.get(index).cloned()),
            cores: form.text(Field::Cores).to_owned(),
            memory: form.text(Field::Memory).to_owned(),
            disk: form.text(Field::Disk).to_owned(),
            profile,
            target: self.offers.node(form.chosen(Field::Node)),
            storage: self.offers.storage(form.chosen(Field::Storage)),
            kind: COPIES.get(form.chosen(Field::Copy)).copied(),
            tag: self.tag.clone(),
            start: form.is_on(Field::Start),
            overrides_throttle: false,
        })
    }

    /// Says at each alternative why it cannot be, if so.
    fn dim(&self, form: &mut Form, request: &CreateRequest, context: &CreateContext<'_>) {
        let templates = self.entries.iter().map(|entry| {
            let found = context
                .resources
                .and_then(|resources| resources.guest(entry.template.vmid));
            match found {
                None => Some(format!("there is no guest {}", entry.template.vmid)),
                Some(seen) => refuses_template(&seen.guest),
            }
        });
        form.dim(Field::Template, templates.collect());
        let (Some(source), Some(resources)) = (context.source, context.resources) else {
            return;
        };
        let original = Original {
            guest: source,
            at_snapshot: false,
            config: context.config,
            features: Features::default(),
        };
        let copies = COPIES.map(|kind| refuses_copy(&original, kind, Some(resources)));
        form.dim(Field::Copy, copies.to_vec());
        let storage = request.storage.as_ref();
        let nodes = self
            .offers
            .dim_nodes(|node| refuses_node(&original, node, storage, resources));
        form.dim(Field::Node, nodes);
        let node = request.target.as_ref().unwrap_or(&source.node);
        let bytes = request.disk_bytes(context);
        let is_linked = request.kind == Some(CopyKind::Linked);
        let storages = self.offers.dim_storages(|storage| {
            if is_linked {
                return Some("a linked copy shares its original's storage".to_owned());
            }
            refuses_storage(storage, node, bytes, resources)
        });
        form.dim(Field::Storage, storages);
    }
}

/// Chooses the whole copy where the disks have turned out not to be shareable.
fn fit_copy(form: &mut Form, context: &CreateContext<'_>) {
    let Some(guest) = context.source else {
        return;
    };
    let original = Original {
        guest,
        at_snapshot: false,
        config: context.config,
        features: Features::default(),
    };
    if refuses_copy(&original, CopyKind::Linked, context.resources).is_some() {
        let full = COPIES.iter().position(|kind| *kind == CopyKind::Full);
        form.choose_at(Field::Copy, full.unwrap_or_default());
    }
}

/// Suggests a name that no guest has.
fn free_name(template: &str, resources: &Resources) -> String {
    let is_taken = |name: &str| {
        resources
            .guests
            .iter()
            .any(|seen| seen.guest.name.as_ref().is_some_and(|it| it.raw() == name))
    };
    let base: String = template
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let base = base.trim_matches('-');
    let base = if base.is_empty() { "guest" } else { base };
    (1..1000)
        .map(|number| format!("{base}-{number}"))
        .find(|name| !is_taken(name))
        .unwrap_or_else(|| base.to_owned())
}

fn preview(entry: &Entry, request: &CreateRequest, context: &CreateContext<'_>) -> Vec<Preview> {
    let mut preview = Vec::new();
    let Some(source) = context.source else {
        return preview;
    };
    let how = request.copy_kind(source, context).as_str();
    let from = format!("a {how} copy of {} on {}", source.to_ref(), source.node);
    preview.push(Preview::new("from", from, Weight::Plain));
    if !entry.template.software.is_empty() {
        let software = entry.template.software.join(", ");
        preview.push(Preview::new("holds", software, Weight::Plain));
    }
    match (context.config, entry.config.failure()) {
        (None, Some(failure)) => {
            let text = format!("what the template is like is unknown: {failure}");
            preview.push(Preview::new("along", text, Weight::Warning));
        }
        (None, None) => preview.push(Preview::new("along", "not read yet", Weight::Plain)),
        (Some(config), _) => {
            let tag = request.tag.as_deref().unwrap_or("none");
            let text = format!("its firewall rules; the tag becomes {tag}");
            preview.push(Preview::new("along", text, Weight::Plain));
            if let Some(left) = left_behind(source, config, request.tag.as_deref()) {
                preview.push(Preview::new("not along", left, Weight::Plain));
            }
        }
    }
    preview
}

/// Says what of the template its guests do not get.
fn left_behind(source: &Guest, config: &GuestConfig, tag: Option<&str>) -> Option<String> {
    let is_set = |key: &str| config.get(key).is_some_and(|value| value.raw() == "1");
    let mut left: Vec<String> = source
        .tags
        .iter()
        .map(ToString::to_string)
        .filter(|own| Some(own.as_str()) != tag)
        .map(|own| format!("tag {own}"))
        .collect();
    left.extend(is_set("protection").then(|| "protection".to_owned()));
    left.extend(is_set("onboot").then(|| "start at boot".to_owned()));
    (!left.is_empty()).then(|| left.join(", "))
}

/// Reckons what the project of the new guests will have used.
fn budget(
    request: &CreateRequest,
    context: &CreateContext<'_>,
    known: &Known<'_>,
) -> Option<Budget> {
    let source = context.source?;
    let size = |text: &str| text.trim().parse::<Size>().ok().map(Size::bytes);
    let guests = NewGuests {
        count: request.number()?,
        cores: request
            .cores
            .trim()
            .parse::<u32>()
            .ok()
            .map(f64::from)
            .or(source.figures.max_cpu),
        memory: size(&request.memory).or(source.figures.max_memory),
        disks: request.disk_bytes(context),
    };
    known.budget_of(&request.probe(source), &guests)
}
