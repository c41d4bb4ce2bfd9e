//! The table of calls: which paths exist, who may call them, what parameters they take.
//!
//! It refuses paths that are not in `calls.txt`; what a call does stands in `routes`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::parameters::Format;
use crate::simulator::routes::{self, Handler};

/// Who may call.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulator) enum Permit {
    /// Anybody, without a login.
    World,
    /// Any login.
    All,
    /// Those with all these privileges on the path.
    AllOf(String, Vec<String>),
    /// Those with one of these privileges on the path.
    AnyOf(String, Vec<String>),
    /// The call decides itself.
    Handler,
}

/// One parameter of a call.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulator) struct Parameter {
    pub(in crate::simulator) optional: bool,
    pub(in crate::simulator) format: Format,
    pub(in crate::simulator) minimum: Option<f64>,
    pub(in crate::simulator) maximum: Option<f64>,
    pub(in crate::simulator) shortest: Option<usize>,
    pub(in crate::simulator) longest: Option<usize>,
    pub(in crate::simulator) choices: Vec<String>,
    pub(in crate::simulator) requires: Option<String>,
}

/// One call.
#[derive(Debug)]
pub(in crate::simulator) struct Route {
    pub(in crate::simulator) method: String,
    pub(in crate::simulator) template: String,
    segments: Vec<Segment>,
    pub(in crate::simulator) permit: Permit,
    /// Whether the node in the path executes it, rather than the one that was asked.
    pub(in crate::simulator) forwarded: bool,
    /// Whether the privileged daemon executes it, which shows in a second `Connection` header.
    pub(in crate::simulator) protected: bool,
    pub(in crate::simulator) ticket_only: bool,
    pub(in crate::simulator) parameters: BTreeMap<String, Parameter>,
    pub(in crate::simulator) handler: Handler,
}

#[derive(Debug, PartialEq)]
enum Segment {
    Literal(String),
    Variable(String),
    /// Takes the rest of the path, slashes included.
    Rest(String),
}

/// All calls.
#[derive(Debug)]
pub(in crate::simulator) struct Catalogue {
    routes: Vec<Route>,
}

impl Catalogue {
    /// Returns the table, which is read once: it is the same for every simulator.
    pub(in crate::simulator) fn shared() -> &'static Self {
        static SHARED: LazyLock<Catalogue> = LazyLock::new(Catalogue::new);
        &SHARED
    }

    /// Reads the table and joins each call with what it does.
    fn new() -> Self {
        let mut routes = Vec::new();
        let mut current: Option<Route> = None;
        for line in include_str!("calls.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            if let Some(detail) = line.strip_prefix("  ") {
                if let Some(route) = &mut current {
                    read_detail(route, detail);
                }
            } else {
                routes.extend(current.take());
                current = read_head(line);
            }
        }
        routes.extend(current);
        Self { routes }
    }

    /// Finds the call for a decoded path, and the variables in it.
    pub(in crate::simulator) fn find(
        &self,
        method: &str,
        path: &str,
    ) -> Option<(&Route, Vec<(String, String)>)> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        self.routes
            .iter()
            .filter(|route| route.method == method)
            .filter_map(|route| Some((route, route.matches(&parts)?)))
            .min_by_key(|(route, _)| {
                route
                    .segments
                    .iter()
                    .filter(|part| !matches!(part, Segment::Literal(_)))
                    .count()
            })
    }

    /// Iterates over all calls as (method, path template).
    pub(in crate::simulator) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.routes
            .iter()
            .map(|route| (route.method.as_str(), route.template.as_str()))
    }
}

impl Route {
    fn matches(&self, parts: &[&str]) -> Option<Vec<(String, String)>> {
        let mut variables = Vec::new();
        let mut rest = parts;
        for segment in &self.segments {
            match segment {
                Segment::Literal(word) => {
                    let (first, after) = rest.split_first()?;
                    if first != word {
                        return None;
                    }
                    rest = after;
                }
                Segment::Variable(name) => {
                    let (first, after) = rest.split_first()?;
                    variables.push((name.clone(), (*first).to_owned()));
                    rest = after;
                }
                Segment::Rest(name) => {
                    if rest.is_empty() {
                        return None;
                    }
                    variables.push((name.clone(), rest.join("/")));
                    rest = &[];
                }
            }
        }
        rest.is_empty().then_some(variables)
    }
}

fn read_head(line: &str) -> Option<Route> {
    let (method, template) = line.split_once(' ')?;
    let handler = routes::handler(method, template)?;
    let segments = template
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| {
            match part
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                Some(name @ ("cidr" | "volume")) => Segment::Rest(name.to_owned()),
                Some(name) => Segment::Variable(name.to_owned()),
                None => Segment::Literal(part.to_owned()),
            }
        })
        .collect();
    Some(Route {
        method: method.to_owned(),
        template: template.to_owned(),
        segments,
        permit: Permit::Handler,
        forwarded: false,
        protected: false,
        ticket_only: false,
        parameters: BTreeMap::new(),
        handler,
    })
}

fn read_detail(route: &mut Route, detail: &str) {
    let mut words = detail.split(' ').filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return };
    if first == ":" {
        let names = |list: Option<&str>| list.unwrap_or("").split(',').map(str::to_owned).collect();
        route.permit = match words.next() {
            Some("world") => Permit::World,
            Some("all") => Permit::All,
            Some("all-of") => {
                Permit::AllOf(words.next().unwrap_or("/").to_owned(), names(words.next()))
            }
            Some("any") => {
                Permit::AnyOf(words.next().unwrap_or("/").to_owned(), names(words.next()))
            }
            _ => Permit::Handler,
        };
        for flag in words {
            match flag {
                "forwarded" => route.forwarded = true,
                "protected" => route.protected = true,
                "ticket-only" => route.ticket_only = true,
                _ => {}
            }
        }
        return;
    }
    let optional = first.ends_with('?');
    let name = first.trim_end_matches('?').to_owned();
    let mut parameter = Parameter {
        optional,
        format: Format::from_word(words.next().unwrap_or("string")),
        minimum: None,
        maximum: None,
        shortest: None,
        longest: None,
        choices: Vec::new(),
        requires: None,
    };
    for (key, value) in words.filter_map(|word| word.split_once('=')) {
        match key {
            "min" => parameter.minimum = value.parse().ok(),
            "max" => parameter.maximum = value.parse().ok(),
            "shortest" => parameter.shortest = value.parse().ok(),
            "longest" => parameter.longest = value.parse().ok(),
            "enum" => parameter.choices = value.split(',').map(str::to_owned).collect(),
            "requires" => parameter.requires = Some(value.to_owned()),
            _ => {}
        }
    }
    route.parameters.insert(name, parameter);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handler_stands_in_the_table() {
        let catalogue = Catalogue::shared();
        let known: Vec<(&str, &str)> = catalogue.names().collect();
        for (method, template) in routes::names() {
            assert!(
                known.contains(&(method, template)),
                "{method} {template} is not in calls.txt"
            );
        }
    }

    #[test]
    fn every_call_in_the_table_has_a_handler() {
        for line in include_str!("calls.txt")
            .lines()
            .filter(|line| !line.starts_with(['#', ' ']))
        {
            let (method, template) = line.split_once(' ').unwrap();
            assert!(
                routes::handler(method, template).is_some(),
                "{line} has no handler"
            );
        }
    }

    #[test]
    fn the_most_literal_path_wins() {
        let catalogue = Catalogue::shared();
        let (route, variables) = catalogue
            .find("GET", "/nodes/pve1/qemu/101/status/current")
            .unwrap();
        assert_eq!(route.template, "/nodes/{node}/qemu/{vmid}/status/current");
        assert_eq!(variables[1], ("vmid".to_owned(), "101".to_owned()));
        assert!(catalogue.find("GET", "/nosuch").is_none());
        assert!(catalogue.find("GET", "/pools/lab/nested").is_none());
    }
}
