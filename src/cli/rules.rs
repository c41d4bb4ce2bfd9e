//! The rules of the config as the domain knows them; screen and headless commands get the same.

use crate::app::state::Rules;
use crate::config::error::{ConfigError, Problem, Source};
use crate::config::settings::rules as written;
use crate::config::settings::{Bound as WrittenBound, Settings, projects as budgets};
use crate::domain::enforcement::{CriticalTags, EnforcementRules};
use crate::domain::limits::{Bound, Bounds, InvalidLimit, Limits, Override, Percent, Runtime};
use crate::domain::network::NetworkProfile;
use crate::domain::project::{Budget, Membership, Project, Projects, Quota, Window};
use crate::domain::retention::Policy;
use crate::domain::selection::{Pattern, Selection};

/// Converts the settings; what only the rules themselves can object to is reported here.
pub(super) fn of(settings: &Settings, source: &Source) -> Result<Rules, ConfigError> {
    let mut problems = Vec::new();
    let mut object = |section: &str, error: &dyn std::fmt::Display, cure: &str| {
        let message = format!("[{section}] cannot be used: {error}");
        problems.push(Problem::new(source.clone(), message, cure));
    };
    let selection = selection(&settings.selection).unwrap_or_else(|error| {
        object("selection", &error, "correct the entry");
        Selection::default()
    });
    let limits = limits(&settings.limits).unwrap_or_else(|error| {
        object("limits", &error, "correct the value");
        Limits::default()
    });
    let retention = retention(&settings.retention).unwrap_or_else(|error| {
        object("retention", &error, "correct keep_marks");
        Policy::default()
    });
    let projects = projects(&settings.projects).unwrap_or_else(|error| {
        object("projects", &error, "correct the section");
        Projects::default()
    });
    let rules = Rules {
        selection,
        limits,
        projects,
        retention,
        templates: settings.templates.clone(),
        profiles: settings
            .network_profiles
            .iter()
            .map(NetworkProfile::card)
            .collect(),
        accounting: settings.quota.accounting,
        zone: settings.quota.timezone,
        enforcement: enforcement(&settings.enforcement),
    };
    ConfigError::unless_empty(problems, rules)
}

fn enforcement(written: &written::Enforcement) -> EnforcementRules {
    EnforcementRules {
        critical: CriticalTags::new(texts(&written.critical_tags)),
        snapshot_first: written.snapshot_before_shutdown,
        shutdown_timeout_seconds: u32::try_from(written.shutdown_timeout.as_secs())
            .unwrap_or(u32::MAX),
        max_shutdowns: usize::try_from(written.max_shutdowns).unwrap_or(usize::MAX),
    }
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn selection(written: &written::Selection) -> Result<Selection, impl std::fmt::Display> {
    let vmids: Vec<u64> = written
        .vmids
        .iter()
        .map(|vmid| u64::from(vmid.get()))
        .collect();
    Selection::new(
        written.all,
        &texts(&written.tags),
        &texts(&written.pools),
        &vmids,
    )
}

fn limits(written: &written::Limits) -> Result<Limits, String> {
    let failed = |error: InvalidLimit| error.to_string();
    let overrides = written
        .overrides
        .iter()
        .map(|each| {
            Ok(Override {
                pattern: pattern(&each.matcher)?,
                cpu: each.cpu_percent.map(percent).transpose().map_err(failed)?,
                memory: each
                    .memory_percent
                    .map(percent)
                    .transpose()
                    .map_err(failed)?,
                runtime: each
                    .max_runtime_hours
                    .map(runtime)
                    .transpose()
                    .map_err(failed)?,
                sustain: each.sustain,
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(Limits {
        general: Bounds {
            cpu: percent(written.cpu_percent).map_err(failed)?,
            memory: percent(written.memory_percent).map_err(failed)?,
            runtime: runtime(written.max_runtime_hours).map_err(failed)?,
        },
        sustain: written.sustain,
        overrides,
    })
}

fn percent(written: WrittenBound) -> Result<Bound<Percent>, InvalidLimit> {
    match written {
        WrittenBound::Unlimited => Ok(Bound::Unlimited),
        WrittenBound::At(percent) => Percent::new(percent).map(Bound::AtMost),
    }
}

fn runtime(written: WrittenBound) -> Result<Bound<Runtime>, InvalidLimit> {
    match written {
        WrittenBound::Unlimited => Ok(Bound::Unlimited),
        WrittenBound::At(hours) => Runtime::from_hours(hours).map(Bound::AtMost),
    }
}

fn pattern(written: &written::Matcher) -> Result<Pattern, String> {
    let subject = match written.field() {
        written::MatchField::Tag => "tag",
        written::MatchField::Pool => "pool",
        written::MatchField::Vmid => "vmid",
        written::MatchField::Name => "name",
    };
    format!("{subject}:{}", written.pattern())
        .parse()
        .map_err(|error: crate::domain::selection::InvalidPattern| error.to_string())
}

fn retention(written: &written::Retention) -> Result<Policy, impl std::fmt::Display> {
    Policy::new(
        written.daily_days,
        written.weekly_days,
        written.monthly_days,
        usize::try_from(written.keep_last).unwrap_or(usize::MAX),
        written.keep_marks.clone(),
    )
}

fn projects(written: &[budgets::Project]) -> Result<Projects, String> {
    let projects = written.iter().map(project).collect::<Result<_, _>>()?;
    Projects::new(projects).map_err(|error| error.to_string())
}

fn project(written: &budgets::Project) -> Result<Project, String> {
    let membership = match &written.members {
        budgets::Members::Pool(pool) => Membership::Pool(pool.clone()),
        budgets::Members::Match {
            matcher,
            marker_pool,
        } => Membership::Match {
            pattern: pattern(matcher)?,
            marker_pool: marker_pool.clone(),
        },
    };
    let mut project = Project::new(&written.name, membership).map_err(|error| error.to_string())?;
    project.uuid = written.uuid.as_ref().map(ToString::to_string);
    project.window = match written.window {
        budgets::Window::Month => Window::Month,
        budgets::Window::Days30 => Window::Days30,
        budgets::Window::Days7 => Window::Days7,
        budgets::Window::Hours24 => Window::Hours24,
    };
    project.budget = Budget {
        cpu_hours: quota(written.cpu_hours)?,
        memory_gb_hours: quota(written.memory_gb_hours)?,
        storage_gb: quota(written.storage_gb)?,
        network_gb: quota(written.network_gb)?,
    };
    project.notify.clone_from(&written.notify);
    Ok(project)
}

fn quota(written: WrittenBound) -> Result<Quota, String> {
    match written {
        WrittenBound::Unlimited => Ok(Quota::Unlimited),
        WrittenBound::At(amount) => Quota::at_most(amount).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use pretty_assertions::assert_eq;

    use super::*;

    fn rules(text: &str) -> Result<Rules, String> {
        let settings = Settings::parse(text, Path::new("x.toml"), None).unwrap();
        of(&settings, &Source::Nowhere).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_example_becomes_rules() {
        let rules = rules(include_str!("../../config.example.toml")).unwrap();
        assert_eq!(rules.selection.tag_of_new_guests(), Some("autovibe"));
        assert_eq!(
            rules.limits.general.cpu,
            Bound::AtMost(Percent::new(90.0).unwrap())
        );
        assert_eq!(
            rules.limits.overrides[0].runtime,
            Some(Bound::Unlimited),
            "services may run for ever"
        );
        assert_eq!(rules.limits.sustain, Duration::from_secs(30));
        assert_eq!(rules.retention, Policy::default());
        let alpha = rules.projects.find("alpha").unwrap();
        assert_eq!(alpha.budget.cpu_hours, Quota::at_most(400.0).unwrap());
        assert_eq!(alpha.notify, ["alpha-admins"]);
        assert!(
            rules
                .projects
                .find("6f0c2d1e-5a4b-4c3d-8e7f-0a1b2c3d4e5f")
                .is_some()
        );
    }

    #[test]
    fn an_empty_config_has_no_rules() {
        let rules = rules("").unwrap();
        assert_eq!(rules.selection, Selection::Unconfigured);
        assert_eq!(rules.limits.general, Bounds::default());
        assert_eq!(rules.projects.iter().count(), 0);
        assert_eq!(rules.enforcement.critical, CriticalTags::default());
    }

    #[test]
    fn critical_tags_are_those_of_the_config() {
        let rules = rules("[enforcement]\ncritical_tags = [\"prod\"]\n").unwrap();
        assert!(rules.enforcement.critical.contains("prod"));
        assert!(!rules.enforcement.critical.contains("critical"));
    }

    #[test]
    fn what_only_a_rule_can_object_to_is_a_mistake_in_the_config() {
        let two = "[projects.a]\npool = \"p\"\n[projects.b]\npool = \"p\"\n";
        assert_eq!(
            rules(two),
            Err(
                "config: [projects] cannot be used: projects a and b share the pool p, \
                 whose comment holds one throttle; correct the section"
                    .to_owned()
            )
        );
    }
}
