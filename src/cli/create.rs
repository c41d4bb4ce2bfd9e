//! `proxdeck create`: make guests from a template of the catalogue.
//!
//! Everything that can be known is checked before the server is asked to copy anything.

use chrono::{DateTime, Utc};

use super::change::{self, Change};
use super::complaint::Refusal;
use super::connect::Session;
use super::foresee;
use super::inventory::Reading;
use super::output::Output;
use super::pool;
use super::setup::Setup;
use super::throttle;
use super::{Exit, half_made, interruptible};
use crate::app::state::Rules;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::{NodeName, PoolName, StorageName};
use crate::domain::network::Foreseen;
use crate::domain::operation::{CopyKind, Stamp};
use crate::domain::request::{CreateContext, CreateRequest, PoolChoice};
use crate::domain::template::{CardProfile, Template};
use crate::domain::text::clean;
use crate::runtime::Ending;

/// Make guests from a template of the catalogue
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck create claude-code --name agent-9 --project alpha\n  \
    proxdeck create claude-code --name crawler --count 3 --memory 8GiB --network none --start\n\n\
    The templates are the config's [templates.NAME]; `proxdeck config check` reads them. A guest that \
    is to have a network profile is started only when it is fenced in.")]
pub(super) struct Create {
    /// The template, by its name in the config
    #[arg(value_name = "TEMPLATE")]
    template: String,

    /// The guest's name; with --count the beginning of all names
    #[arg(long, value_name = "NAME")]
    name: String,

    /// The project whose pool it joins, by name or uuid
    #[arg(long, value_name = "PROJECT|none")]
    project: Option<String>,

    /// Its cores, instead of those of the config
    #[arg(long, value_name = "NUMBER")]
    cores: Option<u32>,

    /// Its memory, as 4GiB, instead of that of the config
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,

    /// The size of its boot disk, as 20GiB, instead of that of the config
    #[arg(long, value_name = "SIZE")]
    disk: Option<String>,

    /// Its network profile, instead of that of the config; none: its card stays as the template's
    #[arg(long, value_name = "PROFILE|none")]
    network: Option<String>,

    /// The node, instead of the template's; another one needs shared disks
    #[arg(long, value_name = "NODE")]
    target: Option<NodeName>,

    /// The storage for all its disks, which are then copied whole, instead of where the template's are
    #[arg(long, value_name = "STORAGE")]
    storage: Option<StorageName>,

    /// Copy the disks whole, even where they could share the template's
    #[arg(long)]
    full: bool,

    /// So many guests, at most 50, called NAME-1, NAME-2 and so on
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    count: u32,

    /// Start it when it is there
    #[arg(long)]
    start: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

impl Create {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        let template = self.template(&setup.rules)?.clone();
        let pool = match pool::of_project(self.project.as_deref(), &setup.rules.projects)? {
            PoolChoice::Named(pool) => Some(pool),
            PoolChoice::OfSource | PoolChoice::None => None,
        };
        let profile = self.profile(&template, &setup.rules)?;
        let mut ending = Ending::listen()?;
        let prepare = self.prepare(template, pool, profile, setup);
        let (session, time, change, fence) = interruptible(&mut ending, prepare).await?;
        throttle::confirm_override(&change, self.json, output, &mut ending).await?;
        output.note(format_args!(
            "{}: its firewall rules come along with the disks; its tags, protection and start at boot do not",
            change.guest
        ));
        if let Some(told) = fence.told() {
            output.note(format_args!("{}: fence: {told}", change.guest));
        }
        let changes = vec![change];
        let ending = &mut ending;
        let mut carried =
            change::carry_out(&session, setup, output, ending, "create", changes).await;
        let unfinished = carried.half_made();
        let notes = match self.count {
            0 | 1 => Vec::new(),
            _ => carried.spread(),
        };
        let schema = self.json.then_some("proxdeck.create/1");
        carried.print(schema, &session.cluster, time, output);
        for note in notes {
            output.note(note);
        }
        half_made::offer(&session, setup, output, ending, &unfinished).await;
        Ok(carried.exit())
    }

    /// Finds the template, looks at it, and checks everything; nothing is changed yet.
    async fn prepare(
        &self,
        template: Template,
        pool: Option<PoolName>,
        profile: Option<CardProfile>,
        setup: &Setup,
    ) -> anyhow::Result<(Session, DateTime<Utc>, Change, Foreseen)> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let client = &session.client;
        let found = reading
            .guests
            .iter()
            .find(|guest| guest.vmid == template.vmid);
        change::require_answering(found.as_slice())?;
        let permissions = client.access().permissions().await?;
        let config = match found.map(Guest::to_ref) {
            Some(source) => Some(client.guests().config(&source).await?),
            None => None,
        };
        let source = found.map(Guest::to_ref);
        let fence = match (&profile, &source, &config) {
            (Some(card), Some(source), Some(config)) => {
                foresee_with(&session, card, source, config).await
            }
            (Some(_) | None, _, _) => Foreseen::Nothing,
        };
        let own = |size: Option<crate::domain::units::Size>| {
            size.map(|size| size.to_string()).unwrap_or_default()
        };
        let cores = self.cores.or(template.cores);
        let request = CreateRequest {
            source: found.map(Guest::to_ref),
            name: self.name.clone(),
            count: self.count.to_string(),
            pool,
            cores: cores.map(|cores| cores.to_string()).unwrap_or_default(),
            memory: self.memory.clone().unwrap_or_else(|| own(template.memory)),
            disk: self.disk.clone().unwrap_or_else(|| own(template.disk)),
            profile,
            target: self.target.clone(),
            storage: self.storage.clone(),
            kind: self.full.then_some(CopyKind::Full),
            tag: setup.rules.selection.tag_of_new_guests().map(str::to_owned),
            start: self.start,
            // Whoever is at the terminal is asked, once all else is checked.
            overrides_throttle: true,
            template,
        };
        let joins = found.and_then(|source| request.joins(source, &setup.rules.projects));
        let project = throttle::look(client, joins).await;
        let resources = reading.resources();
        let context = CreateContext {
            source: found,
            config: config.as_ref(),
            resources: Some(&resources),
            project: project.as_ref(),
            fence: Some(&fence),
        };
        let now = client.server_time().unwrap_or(reading.time);
        let stamp = Stamp::new(now, rand::random());
        let operation = request.check(&context, &stamp).map_err(|objections| {
            let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
            change::refused(&reasons)
        })?;
        let change = Change::of(operation)?;
        let changes = std::slice::from_ref(&change);
        change::require_privileges(client, changes, permissions).await?;
        let time = reading.time;
        Ok((session, time, change, fence))
    }

    fn template<'a>(&self, rules: &'a Rules) -> Result<&'a Template, Refusal> {
        let wanted = &self.template;
        let mut templates = rules.templates.iter();
        templates
            .find(|template| template.name == *wanted)
            .ok_or_else(|| {
                let names: Vec<&str> = rules
                    .templates
                    .iter()
                    .map(|template| template.name.as_str())
                    .collect();
                let advice = match names.as_slice() {
                    [] => "describe templates in [templates.NAME] of the config".to_owned(),
                    names => format!("the catalogue has {}", names.join(", ")),
                };
                let message = format!("the config has no template {}", clean(wanted));
                Refusal::new("UnknownTemplate", message, advice)
            })
    }

    fn profile(&self, template: &Template, rules: &Rules) -> Result<Option<CardProfile>, Refusal> {
        let name = match self.network.as_deref().or(template.network.as_deref()) {
            None | Some("none") => return Ok(None),
            Some(name) => name,
        };
        let mut profiles = rules.profiles.iter();
        let found = profiles.find(|profile| profile.name == name);
        found.map(|profile| Some(profile.card())).ok_or_else(|| {
            let message = format!("the config has no network profile {}", clean(name));
            let advice = "write one of [network_profiles.NAME], or --network none";
            Refusal::new("UnknownProfile", message, advice)
        })
    }
}

/// Foresees the fence of the new guests, whose rules are the template's and whose card is the profile's.
async fn foresee_with(
    session: &Session,
    card: &CardProfile,
    source: &GuestRef,
    config: &GuestConfig,
) -> Foreseen {
    let mut profiles = session.profiles.iter();
    let Some(profile) = profiles.find(|profile| profile.name == card.name) else {
        return Foreseen::Nothing;
    };
    let config = match card.card_for(config) {
        Some(card) => config.with("net0", card.to_string().as_str()),
        None => config.clone(),
    };
    foresee::of(session, source, profile, &config).await
}
