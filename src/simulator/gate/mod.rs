//! What every request passes before it reaches its handler, in the real server's order: authentication, anti-forgery
//! token, path, privileges, the node in the path, parameters.
//!
//! Refuses to know what calls do.

pub(super) mod answer;
pub(super) mod authentication;
pub(super) mod call;
pub(super) mod catalogue;
pub(super) mod parameters;

use std::sync::Arc;
use std::time::Duration;

use answer::{Failure, Reply};
use authentication::{Caller, Credentials};
use call::Call;
use catalogue::{Permit, Route};
use parameters::Parameters;

use super::Core;
use super::faults::Trouble;
use super::scenario::NodeCondition;
use super::world::World;

/// How long a handler waits for a guest's file lock.
const LOCK_PATIENCE: f64 = 10.0;
/// How long the proxy waits for another node.
const NODE_PATIENCE: f64 = 30.0;

/// A request whose body was read.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    /// Percent-decoded, below `/api2/json`.
    pub(super) path: String,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) credentials: Credentials,
}

/// What a request came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: Result<Reply, Failure>,
    pub(super) user: Option<String>,
    /// Whether the privileged daemon answered.
    pub(super) protected: bool,
}

/// Passes a request through all checks and to its handler.
pub(super) async fn pass(core: &Arc<Core>, request: Request, troubles: &[Trouble]) -> Outcome {
    let mut outcome = Outcome {
        result: Err(Failure::internal("")),
        user: None,
        protected: false,
    };
    outcome.result = match enter(core, &request, troubles, &mut outcome) {
        Err(failure) => Err(failure),
        Ok((route, variables, caller)) => {
            outcome.protected = route.protected;
            attempt(core, route, variables, caller.as_ref(), request.parameters).await
        }
    };
    if let Err(failure) = &outcome.result
        && failure.after > 0.0
    {
        tokio::time::sleep(core.clock.pace(failure.after)).await;
    }
    outcome
}

type Entered<'a> = (&'a Route, Vec<(String, String)>, Option<Caller>);

/// Everything before the parameters are looked at.
fn enter<'a>(
    core: &'a Core,
    request: &Request,
    troubles: &[Trouble],
    outcome: &mut Outcome,
) -> Result<Entered<'a>, Failure> {
    let world = core.world();
    let found = core.catalogue.find(&request.method, &request.path);
    let open = found
        .as_ref()
        .is_some_and(|(route, _)| route.permit == Permit::World);
    let caller = if open {
        None
    } else {
        let writes = request.method != "GET";
        Some(authentication::authenticate(
            core,
            &world,
            &request.credentials,
            writes,
        )?)
    };
    outcome.user = caller.as_ref().map(|caller| caller.who.clone());
    for trouble in troubles {
        if let Trouble::Refuse(failure) = trouble {
            return Err(failure.clone());
        }
    }
    let (route, variables) =
        found.ok_or_else(|| Failure::not_implemented(&request.method, &request.path))?;
    let variable = |name: &str| {
        variables
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    if let Some(caller) = &caller {
        if route.ticket_only && caller.is_token() {
            return Err(Failure::forbidden_because(&format!(
                "URI '{}' not available with API token, need proper ticket.\n",
                request.path
            )));
        }
        let sent = |name: &str| {
            variable(name).or_else(|| {
                request
                    .parameters
                    .iter()
                    .rev()
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.as_str())
            })
        };
        permit(&world, caller, &route.permit, &sent)?;
    }
    if route.forwarded
        && let Some(node) = variable("node")
    {
        reach(core, &world, node)?;
    }
    Ok((route, variables, caller))
}

fn permit<'a>(
    world: &World,
    caller: &Caller,
    permit: &Permit,
    value: &impl Fn(&str) -> Option<&'a str>,
) -> Result<(), Failure> {
    let (path, privileges, all) = match permit {
        Permit::World | Permit::All | Permit::Handler => return Ok(()),
        Permit::AllOf(path, privileges) => (path, privileges, true),
        Permit::AnyOf(path, privileges) => (path, privileges, false),
    };
    let path = fill(path, value);
    let granted = call::privileges_at(world, caller, &path);
    let missing: Vec<&str> = privileges
        .iter()
        .filter(|name| !granted.contains_key(*name))
        .map(String::as_str)
        .collect();
    let enough = if all {
        missing.is_empty()
    } else {
        missing.len() < privileges.len()
    };
    if enough {
        return Ok(());
    }
    let wanted = if all {
        privileges.join(", ")
    } else {
        privileges.join("|")
    };
    Err(Failure::forbidden(&path, &wanted))
}

/// Fills the variables into a path such as `/vms/{vmid}`.
fn fill<'a>(path: &str, value: &impl Fn(&str) -> Option<&'a str>) -> String {
    path.split('/')
        .map(|part| {
            match part
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                Some(name) => value(name).unwrap_or("").to_owned(),
                None => part.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// Asks the node that should execute the call.
fn reach(core: &Core, world: &World, node: &str) -> Result<(), Failure> {
    if node == "localhost" {
        return Ok(());
    }
    let Some(found) = world.nodes.get(node) else {
        return Err(Failure::internal(format!(
            "hostname lookup '{node}' failed - failed to get address info for: {node}: Name or service not known"
        )));
    };
    match core.condition(found) {
        NodeCondition::Online => Ok(()),
        NodeCondition::Offline => Err(Failure::proxy(595, "Connection refused", 0.0)),
        NodeCondition::Silent => Err(Failure::proxy(596, "Connection timed out", NODE_PATIENCE)),
    }
}

/// Checks the parameters and calls the handler, again and again while a file lock stands in its way.
async fn attempt(
    core: &Arc<Core>,
    route: &Route,
    variables: Vec<(String, String)>,
    caller: Option<&Caller>,
    sent: Vec<(String, String)>,
) -> Result<Reply, Failure> {
    let nobody = Caller { who: String::new() };
    let caller = caller.unwrap_or(&nobody);
    let parameters = gather(core, route, variables, sent)?;
    let patience = tokio::time::sleep(core.clock.pace(LOCK_PATIENCE));
    tokio::pin!(patience);
    loop {
        let result = execute(core, route, caller, &parameters);
        let waits = matches!(&result, Err(failure) if failure.busy.is_some());
        if !waits || patience.is_elapsed() {
            return result;
        }
        tokio::select! {
            () = &mut patience => {}
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
}

fn gather(
    core: &Core,
    route: &Route,
    mut variables: Vec<(String, String)>,
    sent: Vec<(String, String)>,
) -> Result<Parameters, Failure> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, value) in sent.into_iter().filter(|(name, _)| name != "_dc") {
        if variables.iter().any(|(key, _)| *key == name) {
            return Err(Failure::parameter(
                &name,
                "duplicate parameter (already defined in URI)",
            ));
        }
        match all.iter_mut().find(|(key, _)| *key == name) {
            // A repeated parameter is a list.
            Some((_, known)) => *known = format!("{known},{value}"),
            None => all.push((name, value)),
        }
    }
    for (name, value) in &mut variables {
        if name == "node" && value == "localhost" {
            value.clone_from(&core.world().local);
        }
    }
    variables.extend(all);
    parameters::check(route, variables)
}

fn execute(
    core: &Arc<Core>,
    route: &Route,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let mut world = core.world();
    let mut call = Call {
        core,
        world: &mut world,
        route,
        caller,
        parameters,
        now: core.clock.now(),
    };
    (route.handler)(&mut call)
}
