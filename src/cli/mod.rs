//! The command line: what is asked for, and how it is answered.
//!
//! Each headless command has a file of its own. Results go to stdout, everything else to stderr,
//! and every error becomes one of the exit codes of `Exit`.

mod bracket;
mod budgets;
mod carried;
mod change;
mod channels;
mod check;
mod clone;
mod complaint;
mod completions;
mod config;
mod confirm;
mod connect;
mod console;
mod create;
mod dashboard;
mod demo;
mod destroy;
mod doctor;
mod document;
mod enforce;
mod execute;
mod foresee;
mod half_made;
mod inventory;
mod list;
mod network;
mod output;
mod password;
mod plan_file;
mod pool;
mod power;
mod progress;
mod prune;
mod quota;
mod restore;
mod rules;
mod setup;
mod simulate;
mod snapshot;
mod table;
mod target;
mod throttle;
mod unread;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use complaint::{Complaint, ErrorDocument, Interrupted};
use output::Output;
use setup::Setup;

use crate::runtime::{Ending, let_writes_fail, logging, panics};

/// A keyboard-driven terminal dashboard for Proxmox VE.
///
/// Without a command it opens the dashboard. With --demo it brings its own small Proxmox, so that
/// everything can be tried on a machine that has none.
#[derive(Debug, Parser)]
#[command(
    name = "proxdeck",
    version,
    max_term_width = 100,
    after_help = "Examples:\n  \
        proxdeck --demo                        look around without any cluster\n  \
        proxdeck config init                   write a config to start from\n  \
        proxdeck list tag:autovibe status:run  guests, one a line\n  \
        proxdeck snapshot create 104 --ram     snapshot a guest together with its memory\n  \
        proxdeck check                         what should be looked at, for monitoring\n  \
        proxdeck doctor                        what is missing or wrong, and what mends it\n  \
        proxdeck enforce                       what is to be done about projects over their budgets\n  \
        proxdeck network plan 104 api_access   what fencing a guest in would change\n\n\
        Exit codes: 0 done, 1 tried and failed, 2 refused before any change, 3 cannot reach, trust \
        or log in, 130 interrupted. `check` has its own."
)]
pub struct Arguments {
    /// The colours: dark, light or high-contrast
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,

    // Its heading holds for whatever stands behind it.
    #[command(flatten)]
    common: Common,

    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes; it stands behind what is the command's own.
#[derive(Debug, clap::Args)]
#[command(
    next_help_heading = "Options of every command",
    next_display_order = 900
)]
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
    List(list::List),
    Check(check::Check),
    Snapshot(snapshot::Snapshot),
    Restore(restore::Restore),
    Clone(clone::CloneGuest),
    Create(create::Create),
    Destroy(destroy::Destroy),
    Prune(prune::Prune),
    Bracket(bracket::Bracket),
    Quota(quota::Quota),
    Enforce(enforce::Enforce),
    Network(network::Network),
    Power(power::Power),
    Console(console::Console),
    Doctor(doctor::Doctor),
    Config(config::Config),
    Simulate(simulate::Simulate),
    Completions(completions::Completions),
}

impl Command {
    /// Tells whether the result is wanted as a JSON document.
    fn json(&self) -> bool {
        match self {
            Self::List(list) => list.json,
            Self::Check(check) => check.json,
            Self::Snapshot(snapshot) => snapshot.json(),
            Self::Clone(clone) => clone.json,
            Self::Create(create) => create.json,
            Self::Power(power) => power.json,
            Self::Restore(restore) => restore.json,
            Self::Destroy(destroy) => destroy.json,
            Self::Prune(prune) => prune.json,
            Self::Bracket(bracket) => bracket.json(),
            Self::Quota(quota) => quota.json,
            Self::Enforce(enforce) => enforce.json,
            Self::Doctor(doctor) => doctor.json,
            Self::Network(network) => network.json(),
            Self::Console(_) | Self::Config(_) | Self::Simulate(_) | Self::Completions(_) => false,
        }
    }
}

/// How the program ends (SPEC §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Done.
    Done,
    /// Something was tried and failed.
    Failed,
    /// Refused before anything was tried.
    Refused,
    /// The cluster cannot be reached, trusted or signed in to.
    Unreachable,
    /// A person ended it before it was done.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Refused => Self::from(2),
            Exit::Unreachable => Self::from(3),
            Exit::Interrupted => Self::from(130),
        }
    }
}

/// Parses the arguments, does what they ask for, and returns the exit code.
pub fn run() -> ExitCode {
    let output = Output::default();
    let exit = match Arguments::try_parse() {
        Ok(arguments) => work(&arguments, &output),
        Err(error) => explain(&error, &output),
    };
    if let Err(error) = output.finish() {
        output.note(format_args!(
            "proxdeck: the result cannot be written: {error}"
        ));
        return Exit::Failed.into();
    }
    exit.into()
}

/// Returns the parser of the arguments, for completions.
fn parser() -> clap::Command {
    Arguments::command()
}

/// Prints help, or what is wrong with the arguments.
fn explain(error: &clap::Error, output: &Output) -> Exit {
    if !error.use_stderr() {
        output.usage(error);
        return Exit::Done;
    }
    let wants_json = std::env::args_os()
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json");
    if wants_json {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let advice = "proxdeck --help lists the commands and their flags";
        let complaint = Complaint::new(Exit::Refused, "Usage", message, advice);
        output.document(&ErrorDocument { error: &complaint });
    } else {
        output.usage(error);
    }
    Exit::Refused
}

fn work(arguments: &Arguments, output: &Output) -> Exit {
    // The dashboard draws on this thread and reads on another; a third would only take memory. What
    // brings a cluster of its own has more to do.
    let is_dashboard = arguments.command.is_none() && !arguments.common.demo;
    let started = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(if is_dashboard { 1 } else { 2 })
        .build();
    let json = arguments.command.as_ref().is_some_and(Command::json);
    let result = match started {
        Ok(runtime) => {
            let result = runtime.block_on(answer(arguments, output));
            // A server of the demo may still be writing; nobody waits for it.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(anyhow::Error::new(error).context("cannot start")),
    };
    match result {
        Ok(exit) => exit,
        Err(error) => {
            let complaint = Complaint::of(&error);
            let exit = complain(&complaint, json, output);
            match &arguments.command {
                Some(Command::Check(_)) => check::unknown(&complaint, exit, json, output),
                _ => exit,
            }
        }
    }
}

async fn answer(arguments: &Arguments, output: &Output) -> anyhow::Result<Exit> {
    let_writes_fail()?;
    let common = &arguments.common;
    let Some(command) = &arguments.command else {
        let setup = Setup::read(common, arguments.theme.as_deref())?;
        let (log, unlogged) = setup.open_log();
        panics::explain(log.is_some().then(|| setup.log_folder()));
        return dashboard::run(setup, unlogged).await;
    };
    match command {
        Command::Config(config) => return config.run(common, output),
        Command::Completions(completions) => return Ok(completions.run(output)),
        Command::Simulate(simulate) => return simulate.run(output).await,
        Command::List(_)
        | Command::Check(_)
        | Command::Snapshot(_)
        | Command::Clone(_)
        | Command::Create(_)
        | Command::Power(_)
        | Command::Restore(_)
        | Command::Destroy(_)
        | Command::Prune(_)
        | Command::Bracket(_)
        | Command::Enforce(_)
        | Command::Network(_)
        | Command::Quota(_)
        | Command::Console(_)
        | Command::Doctor(_) => {}
    }
    let setup = Setup::read(common, None)?;
    let (log, unlogged) = setup.open_log();
    panics::explain(log.is_some().then(|| setup.log_folder()));
    setup.tell_notes(output);
    if let Some(reason) = unlogged {
        output.note(format_args!("proxdeck: note: {reason}"));
    }
    let result = match command {
        Command::Snapshot(snapshot) => snapshot.run(&setup, output).await,
        Command::Clone(clone) => clone.run(&setup, output).await,
        Command::Create(create) => create.run(&setup, output).await,
        Command::Power(power) => power.run(&setup, output).await,
        Command::Restore(restore) => restore.run(&setup, output).await,
        Command::Destroy(destroy) => destroy.run(&setup, output).await,
        Command::Prune(prune) => prune.run(&setup, output).await,
        Command::Bracket(bracket) => bracket.run(&setup, output).await,
        Command::Enforce(enforce) => enforce.run(&setup, output).await,
        Command::Network(network) => network.run(&setup, output).await,
        Command::List(_)
        | Command::Check(_)
        | Command::Quota(_)
        | Command::Console(_)
        | Command::Doctor(_) => {
            let mut ending = Ending::listen()?;
            interruptible(&mut ending, look(command, &setup, output)).await
        }
        // Answered above.
        Command::Config(_) | Command::Simulate(_) | Command::Completions(_) => Ok(Exit::Done),
    };
    match &result {
        Ok(exit) => tracing::info!("ended: {exit:?}"),
        Err(error) => tracing::error!("ended: {}", Complaint::of(error).message()),
    }
    // What was on its way to the log has arrived then, or is lost.
    drop(log);
    if let Some(reason) = logging::lost() {
        output.note(format_args!("proxdeck: note: {reason}"));
    }
    result
}

/// Answers a command that only looks.
async fn look(command: &Command, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
    match command {
        Command::List(list) => list.run(setup, output).await,
        Command::Check(check) => check.run(setup, output).await,
        Command::Quota(quota) => quota.run(setup, output).await,
        Command::Console(console) => console.run(setup, output).await,
        Command::Doctor(doctor) => Box::pin(doctor.run(setup, output)).await,
        // These change something, or need no cluster.
        Command::Snapshot(_)
        | Command::Clone(_)
        | Command::Create(_)
        | Command::Power(_)
        | Command::Restore(_)
        | Command::Destroy(_)
        | Command::Prune(_)
        | Command::Bracket(_)
        | Command::Enforce(_)
        | Command::Network(_)
        | Command::Config(_)
        | Command::Simulate(_)
        | Command::Completions(_) => Ok(Exit::Done),
    }
}

/// Does work that changes nothing until it is done or a person ends it.
async fn interruptible<T>(
    ending: &mut Ending,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        biased;
        () = ending.wait() => Err(Interrupted.into()),
        result = work => result,
    }
}

/// Prints why a command did not do what was asked.
fn complain(complaint: &Complaint, json: bool, output: &Output) -> Exit {
    if json {
        output.document(&ErrorDocument { error: complaint });
    } else {
        for line in complaint.lines() {
            output.note(line);
        }
    }
    complaint.exit
}
