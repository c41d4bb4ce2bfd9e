//! What a command starts from: flags, environment and config file, read once and checked.

use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use super::complaint::Refusal;
use super::output::Output;
use super::{Common, demo, rules};
use crate::app::keymap::{BINDINGS, Keymap, KeymapError};
use crate::app::state::Rules;
use crate::config::alert_memory::AlertMemory;
use crate::config::channel_memory::ChannelMemory;
use crate::config::enforcement_memory::EnforcementMemory;
use crate::config::environment::Environment;
use crate::config::error::{ConfigError, Place, Problem, Source, nearest};
use crate::config::load::{Flags, Loaded, load, load_demo};
use crate::config::paths::Paths;
use crate::config::settings::KeyOverride;
use crate::config::usage_ledger::UsageLedger;
use crate::domain::text::clean;
use crate::operations::{AuditLog, WriteAccess};
use crate::runtime::logging::{self, Log};
use crate::ui::{ColorDepth, Theme};

/// The theme where neither flag nor config names one.
const DEFAULT_THEME: &str = "dark";

/// Everything that is known before a server is asked.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) environment: Environment,
    pub(super) loaded: Loaded,
    pub(super) rules: Rules,
    pub(super) demo: bool,
    pub(super) read_only: bool,
    paths: Paths,
    /// The demo's state lives as long as the process.
    _temporary: Option<TempDir>,
}

impl Setup {
    /// Reads and checks the config; says what a person should know about it.
    pub(super) fn read(common: &Common, theme: Option<&str>) -> anyhow::Result<Self> {
        let flags = common.flags(theme);
        let environment = Environment::of_process();
        let (loaded, paths, temporary) = if common.demo {
            let folder =
                TempDir::with_prefix("proxdeck-demo-").map_err(|error| homeless(&error))?;
            let loaded = load_demo(&flags, demo::CONFIG)?;
            (loaded, Paths::under(folder.path()), Some(folder))
        } else {
            let paths = Paths::of_user()?;
            (load(&flags, &environment, &paths)?, paths, None)
        };
        let rules = rules::of(&loaded.settings, &source(&loaded))?;
        Ok(Self {
            environment,
            loaded,
            rules,
            demo: common.demo,
            read_only: common.read_only,
            paths,
            _temporary: temporary,
        })
    }

    /// Says on stderr what a person should know about the config, though nothing is wrong.
    pub(super) fn tell_notes(&self, output: &Output) {
        for note in &self.loaded.notes {
            output.note(format_args!("proxdeck: note: {note}"));
        }
    }

    /// Opens the log at the level that `PROXDECK_LOG` names.
    ///
    /// The second value is what a person should know: a level that is none, or a folder that
    /// cannot be written. Neither keeps anything from working.
    pub(super) fn open_log(&self) -> (Option<Log>, Option<String>) {
        let default = tracing::level_filters::LevelFilter::INFO;
        let (level, odd) = match self.environment.get("PROXDECK_LOG") {
            None => (default, None),
            Some(word) => match logging::level(word) {
                Some(level) => (level, None),
                None => (
                    default,
                    Some(format!(
                        "PROXDECK_LOG names no level; there are {}",
                        logging::LEVELS
                    )),
                ),
            },
        };
        let folder = self.log_folder();
        let opened = self
            .paths
            .create_state_folder()
            .and_then(|()| logging::start(&folder, level));
        match opened {
            Ok(log) => {
                for note in &self.loaded.notes {
                    tracing::info!("note: {note}");
                }
                (Some(log), odd)
            }
            Err(error) => (None, Some(unlogged(&error))),
        }
    }

    /// Returns the folder of the log files.
    pub(super) fn log_folder(&self) -> PathBuf {
        self.paths.log_folder()
    }

    /// Says why nothing at all can be kept on this machine, if so.
    pub(super) fn keeps_nothing(&self) -> Option<String> {
        let error = self.paths.create_state_folder().err()?;
        let folder = clean(&self.paths.state_folder().display().to_string());
        Some(format!(
            "nothing can be kept in {folder}: {error}; there is no log and no audit log, and what is acknowledged is \
             known to this run alone"
        ))
    }

    /// Opens the audit log; without it changes are made all the same, and the note says so.
    pub(super) fn write_access(&self, cluster: &str) -> (WriteAccess, Option<String>) {
        if self.read_only {
            return (WriteAccess::ReadOnly, None);
        }
        let folder = self.paths.create_state_folder();
        match folder.and_then(|()| AuditLog::open(self.paths.audit_log(), cluster)) {
            Ok(log) => (WriteAccess::Logged(log), None),
            Err(error) => {
                let note = format!("no audit log is written: {error}");
                (WriteAccess::Unlogged, Some(note))
            }
        }
    }

    /// Names the file in which alerts are remembered; absent where there is no folder for it.
    pub(super) fn alert_memory(&self, cluster: &str) -> Option<AlertMemory> {
        let folder = self.paths.create_state_folder();
        folder
            .is_ok()
            .then(|| AlertMemory::new(self.paths.alerts(), cluster))
    }

    /// Names the file of channels that failed; absent where there is no folder for it.
    pub(super) fn channel_memory(&self, cluster: &str) -> Option<ChannelMemory> {
        let folder = self.paths.create_state_folder();
        folder
            .is_ok()
            .then(|| ChannelMemory::new(self.paths.channels(), cluster))
    }

    /// Names the file of what guests had used; absent where there is no folder for it.
    pub(super) fn usage_ledger(&self, cluster: &str) -> Option<UsageLedger> {
        let folder = self.paths.create_state_folder();
        folder
            .is_ok()
            .then(|| UsageLedger::new(self.paths.usage_ledger(), cluster))
    }

    /// Names the file in which `enforce --auto` remembers what it saw.
    pub(super) fn enforcement_memory(&self, cluster: &str) -> EnforcementMemory {
        EnforcementMemory::new(self.paths.enforcement(), cluster)
    }

    /// Names whoever sits here: by the system's name for them, else by the account in use.
    pub(super) fn operator(&self, account: &str) -> String {
        let name = ["USER", "LOGNAME"]
            .into_iter()
            .find_map(|name| self.environment.get(name));
        clean(name.unwrap_or(account))
    }

    /// Refuses a change that `--read-only` forbids.
    pub(super) fn require_writable(&self) -> Result<(), Refusal> {
        if self.read_only {
            Err(Refusal::read_only())
        } else {
            Ok(())
        }
    }

    /// Builds the keys with the user's changes.
    pub(super) fn keymap(&self) -> Result<Keymap, ConfigError> {
        keymap(&self.loaded.settings.keys, &source(&self.loaded))
    }

    /// Loads the theme for the terminal that the environment describes.
    pub(super) fn theme(&self) -> Result<Theme, ConfigError> {
        let name = self.loaded.settings.theme.as_deref();
        let name = name.unwrap_or(DEFAULT_THEME);
        let unicode = is_unicode(&self.environment);
        Theme::load(name, color_depth(&self.environment), unicode).map_err(|error| {
            Problem::new(source(&self.loaded), error.to_string(), "name one of them").into()
        })
    }
}

/// Returns where a mistake in the settings was made.
fn source(loaded: &Loaded) -> Source {
    loaded
        .origin
        .file
        .clone()
        .map_or(Source::Nowhere, Source::File)
}

/// Says that a demo finds no place for its files.
fn homeless(error: &io::Error) -> ConfigError {
    let text =
        format!("the demo keeps its files in a temporary folder, and none can be made: {error}");
    let cure = "let TMPDIR name a folder that can be written";
    Problem::new(Source::Variable("TMPDIR".to_owned()), text, cure).into()
}

fn unlogged(error: &io::Error) -> String {
    format!("no log is written: {error}")
}

/// Judges how many colours the terminal shows.
pub(super) fn color_depth(environment: &Environment) -> ColorDepth {
    ColorDepth::detect(
        environment.get("NO_COLOR"),
        environment.get("COLORTERM"),
        environment.get("TERM"),
    )
}

/// Tells whether the locale's encoding is UTF-8; the first variable that is set decides.
pub(super) fn is_unicode(environment: &Environment) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| environment.get(name))
        .is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}

/// Builds the keys with the user's changes; each mistake is told with its line.
fn keymap(changes: &[KeyOverride], source: &Source) -> Result<Keymap, ConfigError> {
    let pairs: Vec<(String, Vec<String>)> = changes
        .iter()
        .map(|change| (change.action.clone(), change.keys.clone()))
        .collect();
    let errors = match Keymap::new(&pairs) {
        Ok(keymap) => return Ok(keymap),
        Err(errors) => errors,
    };
    let mut problems: Vec<Problem> = Vec::new();
    for error in errors {
        let (actions, cure) = match &error {
            KeymapError::UnknownAction(name) => {
                let names = BINDINGS.iter().map(|binding| binding.action.name());
                let cure = match nearest(name, names) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "the names of actions stand in the README's table of keys".to_owned(),
                };
                (vec![name.as_str()], cure)
            }
            KeymapError::InvalidKey { action, .. } => {
                (vec![action.as_str()], "write it as \"ctrl-s\"".to_owned())
            }
            KeymapError::Conflict { first, second, .. } => (
                vec![*first, *second],
                "give one of them another key".to_owned(),
            ),
        };
        let problem = Problem::new(source.clone(), format!("[keys] {error}"), cure);
        let line = actions
            .iter()
            .find_map(|action| changes.iter().find(|change| change.action == *action))
            .map(|change| change.line);
        let problem = match line {
            Some(line) => problem.at(Place { line, column: 1 }),
            None => problem,
        };
        // A conflict in several places of the screen is one mistake.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    ConfigError::unless_empty(problems, Keymap::default())
}

impl Common {
    /// Returns what the config's loader wants to know.
    pub(super) fn flags(&self, theme: Option<&str>) -> Flags {
        Flags {
            config: self.config.clone(),
            cluster: self.cluster.clone(),
            theme: theme.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().copied().collect()
    }

    #[test]
    fn the_first_locale_variable_decides_about_glyphs() {
        for (variables, unicode) in [
            (&[("LANG", "de_DE.UTF-8")][..], true),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "C"), ("LC_CTYPE", "C.utf8")], true),
            (&[("LC_ALL", ""), ("LANG", "en_US.UTF-8")], true),
            (&[("LANG", "de_DE@euro")], false),
            (&[], false),
        ] {
            assert_eq!(
                is_unicode(&environment(variables)),
                unicode,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn no_color_wins_over_what_the_terminal_can() {
        let rich = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
        assert_eq!(color_depth(&environment(&rich)), ColorDepth::True);
        let mut plain = rich.to_vec();
        plain.push(("NO_COLOR", "1"));
        assert_eq!(color_depth(&environment(&plain)), ColorDepth::None);
    }

    #[test]
    fn mistakes_in_keys_are_told_with_their_line() {
        let change = |action: &str, keys: &[&str], line| KeyOverride {
            action: action.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            line,
        };
        let changes = [
            change("snapshoot", &["F2"], 3),
            change("quit", &["Hyper-q"], 4),
            change("zoom", &["s"], 5),
        ];
        let error = keymap(&changes, &Source::File("/c.toml".into())).unwrap_err();
        let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(
            lines[0],
            "/c.toml, line 3, column 1: [keys] there is no action `snapshoot`; did you mean `snapshot`?"
        );
        assert!(lines[1].starts_with("/c.toml, line 4, column 1: [keys] quit: \"Hyper-q\""));
        assert_eq!(
            lines[2],
            "/c.toml, line 5, column 1: [keys] `s` would mean both `snapshot` and `zoom`; \
             give one of them another key"
        );
        assert!(keymap(&[change("snapshot", &["ctrl-s"], 1)], &Source::Nowhere).is_ok());
    }
}
