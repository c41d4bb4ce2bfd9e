//! One look at the cluster with the account's eyes, a few questions at once.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::server::Server;
use crate::cli::setup::Setup;
use crate::domain::doctor::{
    Bridges, Finding, Release, Scope, bridges, certificate, clock, datacenter_switch,
    guest_switches, privileges, storages, task_visibility, templates, token, zone,
};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::id::NodeName;
use crate::domain::inventory::{NodeState, Resources};
use crate::domain::node::{Certificate, NodeTime, served};
use crate::domain::permission::{Permissions, path_of_bridge};
use crate::domain::project::Window;
use crate::domain::time::Moment;
use crate::domain::token::TokenExpiry;
use crate::proxmox::Client;
use crate::runtime::Clock;

/// So many questions are asked at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// What one look shows; whatever could not be read says why.
#[derive(Debug)]
pub(super) struct Look {
    permissions: Result<Permissions, Failure>,
    resources: Result<Resources, Failure>,
    token: Result<Option<TokenExpiry>, Failure>,
    datacenter: Result<bool, Failure>,
    certificates: BTreeMap<NodeName, Result<Vec<Certificate>, Failure>>,
    bridges: Bridges,
    zone: Option<Result<NodeTime, Failure>>,
    /// The managed guests whose firewall was asked about, and whether its switch is on.
    switches: Vec<(GuestRef, Result<bool, Failure>)>,
}

impl Look {
    /// Reads everything that is judged.
    pub(super) async fn take(client: &Client, setup: &Setup) -> Self {
        let (access, cluster) = (client.access(), client.cluster());
        let firewall = client.firewall();
        let (permissions, rows, token, datacenter) = tokio::join!(
            access.permissions(),
            cluster.resources(),
            access.token_expiry(),
            firewall.cluster_enabled(),
        );
        let resources = rows.map_err(Failure::from).map(|rows| Resources {
            guests: Resources::dated(rows.guests, None, Moment::default()),
            nodes: rows.nodes,
            storages: rows.storages,
            rejected: rows.rejected,
        });
        let mut look = Self {
            permissions: permissions.map_err(Failure::from),
            resources,
            token: token.map_err(Failure::from),
            datacenter: datacenter.map_err(Failure::from),
            certificates: BTreeMap::new(),
            bridges: Bridges::new(),
            zone: None,
            switches: Vec::new(),
        };
        look.read_nodes(client, setup).await;
        look.read_switches(client, setup).await;
        look
    }

    /// Asks the nodes that are there; a silent one would be waited for.
    async fn read_nodes(&mut self, client: &Client, setup: &Setup) {
        let nodes = self.online();
        let answers: Vec<_> = stream::iter(nodes.clone())
            .map(|node| async move {
                let nodes = client.nodes();
                let certificates = nodes.certificates(&node).await.map_err(Failure::from);
                let bridges = nodes.bridges(&node).await.map_err(Failure::from);
                (node, certificates, bridges)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (node, certificates, bridges) in answers {
            self.certificates.insert(node.clone(), certificates);
            self.bridges.insert(node, bridges);
        }
        // Only months begin in a time zone.
        let mut projects = setup.rules.projects.iter();
        let has_months = projects.any(|project| project.window == Window::Month);
        if let Some(node) = nodes.first()
            && has_months
            && setup.rules.zone.is_none()
        {
            let time = client.nodes().time(node).await;
            self.zone = Some(time.map_err(Failure::from));
        }
    }

    /// Asks for the switches of managed guests, where profiles are meant to fence guests in.
    async fn read_switches(&mut self, client: &Client, setup: &Setup) {
        if setup.rules.profiles.is_empty() || !setup.rules.selection.is_configured() {
            return;
        }
        let online = self.online();
        let guests = self.managed(setup).into_iter();
        let guests: Vec<GuestRef> = guests
            .filter(|guest| !guest.template)
            .map(Guest::to_ref)
            .collect();
        let (there, silent): (Vec<_>, Vec<_>) = guests
            .into_iter()
            .partition(|guest| online.contains(&guest.node));
        let unread = |guest: GuestRef| {
            let why = format!("{} does not answer", guest.node);
            (guest, Err(Failure::new(FailureKind::NodeUnreachable, why)))
        };
        self.switches = stream::iter(there)
            .map(|guest| async move {
                let options = client.firewall().options(&guest).await;
                let is_on = options.map(|options| options.is_enabled());
                (guest, is_on.map_err(Failure::from))
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        self.switches.extend(silent.into_iter().map(unread));
    }

    fn online(&self) -> Vec<NodeName> {
        let nodes = self.resources.iter().flat_map(|known| &known.nodes);
        nodes
            .filter(|node| node.state == NodeState::Online)
            .map(|node| node.name.clone())
            .collect()
    }

    /// Returns the managed guests, or all where none is told to be.
    fn managed(&self, setup: &Setup) -> Vec<&Guest> {
        let selection = &setup.rules.selection;
        let guests = self.resources.iter().flat_map(|known| &known.guests);
        guests
            .map(|seen| &seen.guest)
            .filter(|guest| !selection.is_configured() || selection.manages(guest))
            .collect()
    }

    /// Judges what was seen.
    pub(super) fn findings(&self, setup: &Setup, here: &Clock, server: &Server) -> Vec<Finding> {
        let rules = &setup.rules;
        let account = &server.account;
        let now = server.client.as_ref().and_then(Client::server_time);
        let wall = here.now().wall;
        let mut list = vec![clock(now, wall)];
        let now = now.unwrap_or(wall);
        for (node, certificates) in &self.certificates {
            let shown = certificates.as_ref().map(|all| served(all));
            list.push(certificate(node, shown, now));
        }
        list.extend(token(self.token.as_ref().copied(), account, now));
        let release = server.version.as_deref().and_then(super::major);
        let release = release.map(Release::of);
        let permissions = self.permissions.as_ref().ok();
        if let Err(failure) = &self.permissions {
            let detail = format!("they could not be read: {failure}");
            list.push(Finding::unknown(
                "privileges",
                "",
                detail,
                failure.advised(),
            ));
        }
        list.extend(privileges(
            permissions,
            release,
            &self.scope(setup, account),
        ));
        list.push(task_visibility(permissions, account));
        let has_profiles = !rules.profiles.is_empty();
        list.push(datacenter_switch(
            self.datacenter.as_ref().copied(),
            has_profiles,
        ));
        list.extend(self.guest_switches());
        if let Err(failure) = &self.resources {
            let detail = format!("guests, nodes and storages could not be read: {failure}");
            list.push(Finding::unknown("inventory", "", detail, failure.advised()));
        }
        let resources = self.resources.as_ref().ok();
        list.extend(storages(resources.map_or(&[], |known| &known.storages)));
        list.extend(templates(&rules.templates, resources));
        list.extend(bridges(&rules.profiles, &self.bridges));
        if let Some(time) = &self.zone {
            list.push(zone(time.as_ref()));
        }
        list
    }

    fn guest_switches(&self) -> Option<Finding> {
        let asked = self.switches.len();
        let off = self
            .switches
            .iter()
            .filter(|(_, is_on)| is_on.as_ref().is_ok_and(|is_on| !is_on));
        let off: Vec<GuestRef> = off.map(|(guest, _)| guest.clone()).collect();
        let unread = self.switches.iter().filter(|(_, is_on)| is_on.is_err());
        (asked > 0).then(|| guest_switches(&off, asked, unread.count()))
    }

    /// Names everything on which the account is to work.
    fn scope(&self, setup: &Setup, account: &str) -> Scope {
        let rules = &setup.rules;
        let managed = self.managed(setup).into_iter();
        let storages = self.resources.iter().flat_map(|known| &known.storages);
        let mut storages: Vec<_> = storages
            .filter(|storage| crate::domain::doctor::holds_disks(storage))
            .map(|storage| storage.name.clone())
            .collect();
        storages.sort();
        storages.dedup();
        let profiles = rules.profiles.iter();
        let mut bridges: Vec<String> = profiles
            .filter_map(|profile| path_of_bridge(&profile.bridge, None))
            .collect();
        bridges.sort();
        bridges.dedup();
        let projects = rules.projects.iter();
        let mut pools: Vec<_> = projects
            .map(|project| project.marker_pool().clone())
            .collect();
        pools.sort();
        pools.dedup();
        let nodes = self.resources.iter().flat_map(|known| &known.nodes);
        Scope {
            account: account.to_owned(),
            guests: managed.map(|guest| guest.vmid).collect(),
            templates: rules.templates.iter().map(|it| it.vmid).collect(),
            storages,
            bridges,
            pools,
            nodes: nodes.map(|node| node.name.clone()).collect(),
        }
    }
}
