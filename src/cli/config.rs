//! `proxdeck config`: where the config is, a file to start from, and a look at what is there.

use clap::Subcommand;

use super::output::Output;
use super::setup::Setup;
use super::{Common, Exit};
use crate::config::environment::Environment;
use crate::config::load::config_file;
use crate::config::paths::Paths;
use crate::config::starter;
use crate::domain::text::clean;

/// Write, check or find the config
#[derive(Debug, clap::Args)]
pub(super) struct Config {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write a config to start from; a file that exists is never touched
    Init,
    /// Read the config as every command does, and say what it says or all that is wrong
    Check,
    /// Print the path of the config file
    Path,
}

impl Config {
    pub(super) fn run(&self, common: &Common, output: &Output) -> anyhow::Result<Exit> {
        let flags = common.flags(None);
        let environment = Environment::of_process();
        let paths = Paths::of_user()?;
        let (file, _) = config_file(&flags, &environment, &paths);
        match self.task {
            Task::Path => output.line(clean(&file.display().to_string())),
            Task::Init => {
                starter::write_starter(&file)?;
                output.line(format_args!("wrote {}", clean(&file.display().to_string())));
                output.line("edit it, then look it over with `proxdeck config check`");
            }
            Task::Check => {
                // What only the dashboard and the rules can object to is looked at too.
                let setup = Setup::read(common, None)?;
                setup.keymap()?;
                setup.theme()?;
                if common.demo {
                    output.line("the demo's config is fine");
                } else {
                    output.line(starter::check(&flags, &environment, &paths)?);
                }
            }
        }
        Ok(Exit::Done)
    }
}
