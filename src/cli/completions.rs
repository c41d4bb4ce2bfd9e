//! `proxdeck completions`: what a shell needs in order to complete commands and flags.

use clap_complete::Shell;

use super::Exit;
use super::output::Output;

/// Print a script that completes commands and flags in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    proxdeck completions bash > ~/.local/share/bash-completion/completions/proxdeck")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, output: &Output) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::parser(), "proxdeck", &mut script);
        output.text(String::from_utf8_lossy(&script));
        Exit::Done
    }
}
