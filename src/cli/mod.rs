//! The command line: what is asked for, and how it is answered.

mod dashboard;
mod demo;
mod simulate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A keyboard-driven terminal dashboard for Proxmox VE.
///
/// Without a command it opens the dashboard. With --demo it brings its own small Proxmox, so that
/// everything can be tried on a machine that has none.
#[derive(Debug, Parser)]
#[command(name = "proxdeck", version, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,

    /// The colours: dark, light or high-contrast
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,

    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Common {
    /// The config file, instead of the usual one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The cluster to use, by its name in the config
    #[arg(long, global = true, value_name = "NAME")]
    cluster: Option<String>,

    /// Use the embedded simulator as the cluster
    #[arg(long, global = true)]
    demo: bool,

    /// Refuse every change
    #[arg(long, global = true)]
    read_only: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a small simulated Proxmox VE until Ctrl-C
    Simulate(simulate::Simulate),
}

/// How the program ends (SPEC §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Something was tried and failed.
    Failed,
    /// Refused before anything was tried.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Refused => Self::from(2),
        }
    }
}

/// Parses the arguments, does what they ask for, and returns the exit code.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A broken pipe is no error; there is nobody left to tell.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Refused.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&anyhow::Error::new(error).context("cannot start"));
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(async {
        match arguments.command {
            None => dashboard::run(&arguments.common, arguments.theme.as_deref()).await,
            Some(Command::Simulate(simulate)) => simulate.run().await,
        }
    });
    // A server of the demo may still be writing; nobody waits for it.
    runtime.shutdown_background();
    match exit {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(&error);
            Exit::Refused.into()
        }
    }
}

/// Prints an error with its causes on stderr.
#[expect(
    clippy::print_stderr,
    reason = "this is where the command line speaks to people"
)]
fn complain(error: &anyhow::Error) {
    eprintln!("proxdeck: {error:#}");
}
