//! `config.example.toml` tells the truth: every key, every default.

use std::collections::BTreeSet;
use std::path::Path;

use pretty_assertions::assert_eq;
use proxdeck::config::settings::{Bound, Settings};

const EXAMPLE: &str = include_str!("../../config.example.toml");

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(text, Path::new("config.example.toml"), None).map_err(|error| error.to_string())
}

/// The example with one line replaced.
fn with_line(number: usize, replacement: &str) -> String {
    EXAMPLE
        .lines()
        .enumerate()
        .map(|(index, line)| if index == number { replacement } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The comment behind a setting; the setting itself may be commented out.
fn settings() -> Vec<(usize, &'static str, &'static str)> {
    let is_setting = |line: &str| {
        let line = line.strip_prefix('#').unwrap_or(line);
        line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(" = ")
    };
    EXAMPLE
        .lines()
        .enumerate()
        .filter(|(_, line)| is_setting(line))
        .map(|(number, line)| {
            let (setting, comment) = line.rsplit_once(" # ").unwrap_or((line, ""));
            (number, setting.trim(), comment.trim())
        })
        .collect()
}

#[test]
fn it_loads_and_means_what_it_shows() {
    let settings = parse(EXAMPLE).unwrap();
    assert_eq!(settings.clusters[0].name, "lab");
    assert_eq!(settings.limits.cpu_percent, Bound::At(90.0));
    assert_eq!(
        settings.limits.overrides[0].max_runtime_hours,
        Some(Bound::Unlimited)
    );
    let templates: Vec<_> = settings
        .templates
        .iter()
        .map(|template| {
            (
                template.name.as_str(),
                template.vmid.get(),
                template.cores,
                template.memory.unwrap().to_string(),
                template.disk.unwrap().to_string(),
                template.network.as_deref(),
                template.software.len(),
            )
        })
        .collect();
    assert_eq!(
        templates,
        [
            (
                "claude-code",
                100,
                Some(2),
                "4GiB".into(),
                "20GiB".into(),
                Some("api_access"),
                7
            ),
            (
                "hub",
                101,
                Some(4),
                "8GiB".into(),
                "50GiB".into(),
                Some("management_access"),
                6
            ),
        ]
    );
    let profiles: Vec<_> = settings
        .network_profiles
        .iter()
        .map(|profile| {
            let allow: Vec<String> = profile.allow.iter().map(ToString::to_string).collect();
            (
                profile.name.as_str(),
                profile.bridge.as_str(),
                allow.join(" "),
                profile.block.len(),
            )
        })
        .collect();
    assert_eq!(
        profiles,
        [
            (
                "api_access",
                "vmbr1",
                "api.anthropic.com:443 api.openai.com:443 api.github.com:443 hub.autovibe.local:8000".into(),
                1
            ),
            (
                "management_access",
                "vmbr0",
                "proxmox.local:8006 postgres.local:5432 api.anthropic.com:443 10.0.0.0/8".into(),
                0
            ),
        ]
    );
    assert_eq!(settings.network_profiles[0].allow_in, Some(Vec::new()));
    assert_eq!(settings.network_profiles[1].allow_in, None);
}

#[test]
fn each_default_that_it_documents_is_the_real_one() {
    let mut checked = 0;
    for (number, setting, comment) in settings() {
        let Some(default) = comment.strip_prefix("default: ") else {
            continue;
        };
        let default = default.split(". ").next().unwrap();
        let (key, _) = setting.split_once(" = ").unwrap();
        let written = parse(&with_line(number, &format!("{key} = {default}")));
        let absent = parse(&with_line(number, ""));
        assert_eq!(written, absent, "line {}: {setting}", number + 1);
        assert!(written.is_ok(), "line {}: {written:?}", number + 1);
        checked += 1;
    }
    assert!(checked >= 25, "only {checked} defaults are documented");
}

#[test]
fn each_key_says_what_holds_without_it() {
    let mut explained = BTreeSet::new();
    for (number, setting, comment) in settings() {
        let key = setting.trim_start_matches('#').split(' ').next().unwrap();
        // The second of two alike sections need not repeat everything.
        if comment.is_empty() {
            assert!(explained.contains(key), "line {}: {setting}", number + 1);
            continue;
        }
        explained.insert(key);
        let begins = ["default: ", "absent: ", "required"];
        assert!(
            begins.iter().any(|begin| comment.starts_with(begin)),
            "line {}: {comment}",
            number + 1
        );
    }
}

#[test]
fn what_it_calls_required_is() {
    for (number, setting, comment) in settings() {
        // A cluster's address may come from the environment, so the file alone is no mistake.
        if !comment.starts_with("required") || setting.starts_with("endpoints") {
            continue;
        }
        assert!(
            parse(&with_line(number, "")).is_err(),
            "line {}: {setting}",
            number + 1
        );
    }
}

#[test]
fn the_other_ways_that_it_shows_are_understood() {
    for (number, setting, _) in settings() {
        let Some(setting) = setting.strip_prefix('#') else {
            continue;
        };
        if let Err(error) = parse(&with_line(number, setting)) {
            // It may only collide with the way that is live.
            let collisions = [
                " has both ",
                " is a second place ",
                " goes with match, not ",
            ];
            for line in error.lines() {
                assert!(collisions.iter().any(|text| line.contains(text)), "{line}");
            }
        }
    }
}

#[test]
fn every_key_that_exists_is_in_it() {
    let sections = [
        "",
        "[clusters.x]",
        "[selection]",
        "[limits]",
        "[[limits.override]]",
        "[retention]",
        "[projects.x]",
        "[quota]",
        "[enforcement]",
        "[templates.x]",
        "[network_profiles.x]",
        "[notify.x]",
    ];
    let mut count = 0;
    for section in sections {
        // An unknown key is answered with those that exist.
        let error = parse(&format!("{section}\n\"no such key at all\" = 1\n")).unwrap_err();
        let (_, known) = error.split_once("known are ").unwrap();
        let known = known.lines().next().unwrap();
        for key in known.split(", ").map(|key| key.trim_matches('`')) {
            count += 1;
            let as_setting = settings().iter().any(|(_, setting, _)| {
                setting
                    .trim_start_matches('#')
                    .starts_with(&format!("{key} = "))
            });
            let as_section = EXAMPLE.lines().any(|line| {
                let name = line.trim_matches(['[', ']']);
                line.starts_with('[') && name.split('.').any(|part| part == key)
            });
            assert!(as_setting || as_section, "{section} {key}");
        }
    }
    assert!(count > 60, "{count}");
}

/// A setting that is read and does nothing would be taken for a safeguard.
#[test]
fn what_has_no_effect_yet_says_so() {
    let says_so = |text: &str| text.to_lowercase().contains("not used by this version yet");
    let unused: Vec<_> = settings()
        .into_iter()
        .filter(|(_, _, comment)| says_so(comment))
        .filter_map(|(_, setting, _)| setting.split(' ').next())
        .collect();
    assert_eq!(unused, [] as [&str; 0]);
    // Of these the heading speaks for every key.
    let sections = EXAMPLE.split("\n# ---").skip(1);
    let unused: Vec<_> = sections
        .filter(|section| {
            section
                .lines()
                .any(|line| line.starts_with('#') && says_so(line))
        })
        .filter_map(|section| section.lines().find(|line| line.starts_with('[')))
        .collect();
    assert_eq!(unused, [] as [&str; 0]);
    for promise in [
        "`@`",
        "is asked for when the server",
        "chosen in the program",
    ] {
        assert!(!EXAMPLE.contains(promise), "{promise}");
    }
}
