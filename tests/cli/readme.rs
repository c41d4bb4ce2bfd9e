//! The README's table of keys is the program's own.

use proxdeck::app::keymap::BINDINGS;
use proxdeck::domain::doctor::{Release, commands};

const BEGIN: &str = "<!-- keys: begin (a test keeps this table as the program has it) -->\n";
const END: &str = "<!-- keys: end -->";

/// Draws the table from the rows of the key table; keys that everybody knows in dialogs are left out.
fn table() -> String {
    let mut table = String::from("| key | does | name in `[keys]` |\n|---|---|---|\n");
    for binding in BINDINGS {
        if !binding
            .contexts
            .iter()
            .any(|context| context.is_pane() || is_anywhere(*context))
        {
            continue;
        }
        let keys: Vec<String> = binding
            .keys
            .iter()
            // A bar would end the cell.
            .map(|key| format!("`{}`", key.replace('|', "\\|")))
            .collect();
        let name = binding.action.name();
        // What has no key is called by its name from the palette.
        let keys = if keys.is_empty() {
            format!("`:` `{name}`")
        } else {
            keys.join(" ")
        };
        table.extend(["| ", &keys, " | ", binding.help, " | `", name, "` |\n"]);
    }
    table
}

fn is_anywhere(context: proxdeck::app::keymap::Context) -> bool {
    context == proxdeck::app::keymap::Context::Anywhere
}

#[test]
fn the_table_of_keys_is_that_of_the_program() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if found == table() {
        return;
    }
    if std::env::var_os("PROXDECK_UPDATE_README").is_some() {
        std::fs::write(file, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
        return;
    }
    panic!(
        "README.md has another table of keys; run the tests once with PROXDECK_UPDATE_README=1\n{}",
        table()
    );
}

#[test]
fn every_command_that_the_readme_shows_exists() {
    let readme = include_str!("../../README.md");
    let home = crate::world::Home::new();
    let commands: std::collections::BTreeSet<&str> = readme
        .split("```")
        // Every second part stands in a block of code.
        .skip(1)
        .step_by(2)
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("proxdeck "))
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert!(commands.len() > 4, "{commands:?}");
    for command in commands {
        let ran = home.run(&[command, "--help"]);
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
    }
}

const ROLES_BEGIN: &str =
    "<!-- roles: begin (a test keeps these commands as `proxdeck doctor` prints them) -->\n";
const ROLES_END: &str = "<!-- roles: end -->";

/// Writes the commands for the releases that are maintained.
fn roles() -> String {
    let of = |name: &str, release| {
        let lines = commands(release, "hub@pve!deck").join("\n");
        format!("Proxmox VE {name}:\n\n```sh\n{lines}\n```\n")
    };
    format!("{}\n{}", of("9", Release::Nine), of("8", Release::Eight))
}

#[test]
fn pitfall_12_the_roles_are_those_that_the_program_prints() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let (before, rest) = readme.split_once(ROLES_BEGIN).unwrap();
    let (found, after) = rest.split_once(ROLES_END).unwrap();
    if found == roles() {
        return;
    }
    if std::env::var_os("PROXDECK_UPDATE_README").is_some() {
        let text = format!("{before}{ROLES_BEGIN}{}{ROLES_END}{after}", roles());
        std::fs::write(file, text).unwrap();
        return;
    }
    panic!(
        "README.md has other roles; run the tests once with PROXDECK_UPDATE_README=1\n{}",
        roles()
    );
}
