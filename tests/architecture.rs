//! Reads every import of `src` against the map of rooms and fails on a new arrow.
//!
//! The map stands here once, as data. Whoever needs another arrow changes the map first, and so has to say why.
//! It refuses to understand Rust beyond comments, literals, modules and paths: that is all an arrow is made of.

#![cfg(test)]

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of `src`, what it may know of the others, and what it may not take from outside.
struct Room {
    name: &'static str,
    knows: &'static [&'static str],
    refuses: &'static [&'static str],
}

/// Whatever touches files, sockets or the environment.
const WORLD: [&str; 5] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
];
/// Addresses are values; only what opens sockets is a touch of the world.
const VALUES: [&str; 3] = [
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
];

const ROOMS: [Room; 10] = [
    Room {
        name: "domain",
        knows: &[],
        refuses: &[
            "tokio",
            "tokio_util",
            "futures_util",
            "reqwest",
            "hyper",
            "ratatui",
            "crossterm",
            "anyhow",
        ],
    },
    Room {
        name: "proxmox",
        knows: &["domain"],
        refuses: &["ratatui", "crossterm", "anyhow"],
    },
    Room {
        name: "simulator",
        knows: &[],
        refuses: &["reqwest", "ratatui", "crossterm", "anyhow"],
    },
    // People are told outside of the cluster, over other addresses, with other trust and by programs
    // too. So this is no part of the Proxmox client; and `operations`, which tell of what they did,
    // still open no connection of their own.
    Room {
        name: "notify",
        knows: &["domain"],
        refuses: &["ratatui", "crossterm", "anyhow"],
    },
    Room {
        name: "operations",
        knows: &["domain", "proxmox", "notify"],
        refuses: &["reqwest", "hyper", "ratatui", "crossterm", "anyhow"],
    },
    Room {
        name: "app",
        knows: &["domain"],
        refuses: &[
            "tokio",
            "tokio_util",
            "futures_util",
            "reqwest",
            "hyper",
            "ratatui",
            "crossterm",
            "anyhow",
        ],
    },
    Room {
        name: "ui",
        knows: &["domain", "app"],
        refuses: &[
            "tokio",
            "tokio_util",
            "futures_util",
            "reqwest",
            "hyper",
            "crossterm",
            "anyhow",
        ],
    },
    Room {
        name: "config",
        knows: &["domain"],
        refuses: &["reqwest", "ratatui", "crossterm", "anyhow"],
    },
    Room {
        name: "runtime",
        knows: &[
            "domain",
            "app",
            "ui",
            "operations",
            "proxmox",
            "notify",
            "config",
        ],
        refuses: &["anyhow"],
    },
    Room {
        name: "cli",
        knows: &[
            "domain",
            "proxmox",
            "notify",
            "simulator",
            "operations",
            "app",
            "ui",
            "config",
            "runtime",
        ],
        refuses: &[],
    },
];

/// Rooms of pure rules: nothing in them may touch the world.
const PURE: [&str; 3] = ["domain", "app", "ui"];

/// An import that the map does not have.
#[derive(Debug, PartialEq, Eq)]
struct Arrow {
    file: String,
    line: usize,
    import: String,
    room: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            import,
            room,
        } = self;
        write!(formatter, "{file}:{line}: `{room}` must not use `{import}`")
    }
}

/// Finds the arrows of one file that are not on the map; the file is named relative to `src`.
fn forbidden(file: &str, source: &str) -> Vec<Arrow> {
    let Some((name, _)) = file.split_once('/') else {
        // The library's root and the program wire everything.
        return Vec::new();
    };
    let room = ROOMS
        .iter()
        .find(|room| room.name == name)
        .unwrap_or_else(|| panic!("src/{file} lies in a room that the map does not have"));
    paths_of(file, source)
        .into_iter()
        .filter(|path| !allowed(room, path))
        .map(|path| Arrow {
            file: format!("src/{file}"),
            line: path.line,
            import: path.segments.join("::"),
            room: name.to_owned(),
        })
        .collect()
}

fn allowed(room: &Room, path: &Used) -> bool {
    let mut segments = path.segments.iter().map(String::as_str);
    if segments.next() == Some("crate") {
        return segments
            .next()
            .is_none_or(|target| target == room.name || room.knows.contains(&target));
    }
    // What a test of a room leans on is not what the room is built on.
    if path.in_test {
        return true;
    }
    let path = path.segments.join("::");
    let is_below = |prefix: &&str| path == **prefix || path.starts_with(&format!("{prefix}::"));
    if VALUES.iter().any(is_below) {
        return true;
    }
    let is_pure = PURE.contains(&room.name);
    !(room.refuses.iter().any(is_below) || is_pure && WORLD.iter().any(is_below))
}

/// A path that a file uses; one inside the crate begins with `crate`, whatever way it was written.
#[derive(Debug, PartialEq, Eq)]
struct Used {
    line: usize,
    segments: Vec<String>,
    in_test: bool,
}

/// A module that is being read.
struct Module {
    name: Option<String>,
    depth: usize,
    is_test: bool,
}

/// Returns every path of a file with at least two segments, and every import.
fn paths_of(file: &str, source: &str) -> Vec<Used> {
    let tokens = tokens(source);
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    let mut home: Vec<String> = file
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if home.last().is_some_and(|last| last == "mod") {
        home.pop();
    }
    let mut found = Vec::new();
    let mut modules: Vec<Module> = Vec::new();
    let mut depth = 0;
    let mut test_comes = false;
    let mut index = 0;
    while index < tokens.len() {
        let mut next = index + 1;
        match text(index) {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                modules.retain(|module| module.depth <= depth);
            }
            "#" if (1..=6).map(|ahead| text(index + ahead)).collect::<String>()
                == "[cfg(test)]" =>
            {
                test_comes = true;
                next = index + 7;
            }
            "mod" if text(index + 2) == "{" => {
                depth += 1;
                modules.push(Module {
                    name: Some(text(index + 1).to_owned()),
                    depth,
                    is_test: test_comes,
                });
                test_comes = false;
                next = index + 3;
            }
            // A function or type of the tests alone; it lasts as long as its braces.
            "fn" | "impl" | "struct" | "enum" if test_comes => {
                modules.push(Module {
                    name: None,
                    depth: depth + 1,
                    is_test: true,
                });
                test_comes = false;
            }
            "use" if text(index + 1) != "<" => {
                let mut tree = Vec::new();
                next = read_tree(&tokens, index + 1, &Vec::new(), &mut tree);
                let in_test = test_comes || modules.iter().any(|module| module.is_test);
                test_comes = false;
                found.extend(tree.into_iter().map(|segments| Used {
                    line: tokens[index].line,
                    segments: resolve(&home, &modules, segments),
                    in_test,
                }));
            }
            word if is_word(word)
                && text(index + 1) == "::"
                && (index == 0 || !matches!(text(index - 1), "::" | ".")) =>
            {
                let mut segments = vec![word.to_owned()];
                while text(next) == "::" && is_word(text(next + 1)) {
                    segments.push(text(next + 1).to_owned());
                    next += 2;
                }
                found.push(Used {
                    line: tokens[index].line,
                    segments: resolve(&home, &modules, segments),
                    in_test: test_comes || modules.iter().any(|module| module.is_test),
                });
            }
            _ => {}
        }
        index = next;
    }
    found
}

/// Flattens the tree of a `use` from a token on; returns where it ends.
fn read_tree(
    tokens: &[Token],
    mut index: usize,
    prefix: &[String],
    out: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(index) {
        match token.text.as_str() {
            "::" => {}
            "as" => index += 1,
            "{" => {
                index += 1;
                while tokens.get(index).is_some_and(|token| token.text != "}") {
                    index = read_tree(tokens, index, &path, out);
                    if tokens.get(index).is_some_and(|token| token.text == ",") {
                        index += 1;
                    }
                }
                return index + 1;
            }
            "," | "}" | ";" => break,
            word => path.push(word.to_owned()),
        }
        index += 1;
    }
    out.push(path);
    index
}

/// Turns `self` and `super` into a path from the crate's root.
fn resolve(home: &[String], modules: &[Module], segments: Vec<String>) -> Vec<String> {
    if !matches!(segments[0].as_str(), "self" | "super") {
        return segments;
    }
    let mut here = home.to_vec();
    here.extend(modules.iter().filter_map(|module| module.name.clone()));
    let mut rest = segments.as_slice();
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "self" => {}
            "super" => {
                here.pop();
            }
            _ => break,
        }
        rest = after;
    }
    let mut resolved = vec!["crate".to_owned()];
    resolved.extend(here);
    resolved.extend_from_slice(rest);
    resolved
}

#[derive(Debug, PartialEq, Eq)]
struct Token {
    line: usize,
    text: String,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

/// Splits a source into words and signs; comments and literals are left out.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut index = 0;
    while index < chars.len() {
        let begin = index;
        let begin_line = line;
        let mut text = None;
        match at(index) {
            '/' if at(index + 1) == '/' => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            '/' if at(index + 1) == '*' => index = after_block_comment(&chars, index),
            '"' => index = after_string(&chars, index),
            '\'' if at(index + 1) == '\\' => index = after_string(&chars, index),
            '\'' if at(index + 2) == '\'' => index += 3,
            // A lifetime; its name is no path.
            '\'' => {
                index += 1;
                while is_name_part(at(index)) {
                    index += 1;
                }
            }
            ':' if at(index + 1) == ':' => {
                index += 2;
                text = Some("::".to_owned());
            }
            c if is_name_part(c) => {
                while is_name_part(at(index)) {
                    index += 1;
                }
                let word: String = chars[begin..index].iter().collect();
                let hashes = chars[index..].iter().take_while(|c| **c == '#').count();
                let is_prefix = matches!(word.as_str(), "r" | "br" | "cr" | "b" | "c");
                if is_prefix && word.ends_with('r') && at(index + hashes) == '"' {
                    index = after_raw_string(&chars, index + hashes + 1, hashes);
                } else if is_prefix && matches!(at(index), '"' | '\'') {
                    index = after_string(&chars, index);
                } else if word == "r" && hashes == 1 {
                    // A raw name such as `r#type`: the name itself comes next.
                    index += 1;
                } else {
                    text = Some(word);
                }
            }
            c => {
                index += 1;
                if !c.is_whitespace() {
                    text = Some(c.to_string());
                }
            }
        }
        line += chars[begin..index.min(chars.len())]
            .iter()
            .filter(|c| **c == '\n')
            .count();
        tokens.extend(text.map(|text| Token {
            line: begin_line,
            text,
        }));
    }
    tokens
}

fn is_name_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn after_block_comment(chars: &[char], begin: usize) -> usize {
    let mut open = 0;
    let mut index = begin;
    while index < chars.len() {
        match (chars[index], chars.get(index + 1)) {
            ('/', Some('*')) => {
                open += 1;
                index += 1;
            }
            ('*', Some('/')) => {
                open -= 1;
                index += 1;
            }
            _ => {}
        }
        index += 1;
        if open == 0 {
            break;
        }
    }
    index
}

fn after_string(chars: &[char], begin: usize) -> usize {
    let mut index = begin + 1;
    while index < chars.len() && chars[index] != chars[begin] {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

fn after_raw_string(chars: &[char], mut index: usize, hashes: usize) -> usize {
    while index < chars.len() {
        let ends = chars[index] == '"'
            && chars[index + 1..]
                .iter()
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes;
        index += 1;
        if ends {
            break;
        }
    }
    index + hashes
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns every source file, named relative to `src`, with its text.
fn sources() -> Vec<(String, String)> {
    let root = source_root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                let text = fs::read_to_string(&path).unwrap();
                files.push((name, text));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn every_arrow_between_rooms_is_on_the_map() {
    let arrows: Vec<String> = sources()
        .iter()
        .flat_map(|(file, source)| forbidden(file, source))
        .map(|arrow| arrow.to_string())
        .collect();
    assert!(
        arrows.is_empty(),
        "new arrows; take another way, or change the map in tests/architecture.rs and say why:\n{}",
        arrows.join("\n")
    );
}

#[test]
fn every_folder_is_a_room_of_the_map_and_every_room_a_folder() {
    let mut folders: Vec<String> = fs::read_dir(source_root())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut rooms: Vec<&str> = ROOMS.iter().map(|room| room.name).collect();
    rooms.sort_unstable();
    assert_eq!(folders, rooms);
}

#[test]
fn nothing_but_the_library_and_the_program_stands_outside_the_rooms() {
    let loose: Vec<String> = sources()
        .into_iter()
        .map(|(file, _)| file)
        .filter(|file| !file.contains('/'))
        .collect();
    assert_eq!(loose, ["lib.rs", "main.rs"]);
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, source)| {
            source
                .strip_prefix("//!")
                .and_then(|rest| rest.lines().next())
                .is_none_or(|first| first.trim().len() < 10)
        })
        .map(|(file, _)| file)
        .collect();
    assert!(
        silent.is_empty(),
        "these files do not begin with a `//!` sentence: {silent:?}"
    );
}

/// Ways over the walls that matter most: file, source, and the import that gives it away.
const TRESPASSES: &[(&str, &str, &str)] = &[
    (
        "app/update.rs",
        "use crate::proxmox::Client;",
        "crate::proxmox::Client",
    ),
    (
        "app/update.rs",
        "use crate::{domain::id::Vmid, proxmox::{Client, Error}};",
        "crate::proxmox::Client",
    ),
    (
        "app/update.rs",
        "pub(crate) use crate::operations as work;",
        "crate::operations",
    ),
    (
        "app/keymap/table.rs",
        "use super::super::super::ui::Theme;",
        "crate::ui::Theme",
    ),
    (
        "app/mod.rs",
        "fn f() { let x = crate::runtime::Clock::start(); }",
        "crate::runtime::Clock::start",
    ),
    (
        "app/mod.rs",
        "fn f(x: &<T as crate::config::Load>::Out) {}",
        "crate::config::Load",
    ),
    ("app/mod.rs", "use crate::*;", "crate::*"),
    ("app/mod.rs", "use tokio::sync::mpsc;", "tokio::sync::mpsc"),
    ("app/mod.rs", "use ::tokio;", "tokio"),
    (
        "ui/mod.rs",
        "use crate::app::State;\nuse crate::operations::run;",
        "crate::operations::run",
    ),
    (
        "ui/mod.rs",
        "async fn f() { tokio::task::yield_now().await }",
        "tokio::task::yield_now",
    ),
    ("ui/mod.rs", "use std::{fmt, fs};", "std::fs"),
    (
        "domain/id.rs",
        "use std::net::{IpAddr, TcpStream};",
        "std::net::TcpStream",
    ),
    (
        "domain/id.rs",
        "use crate::config::Settings;",
        "crate::config::Settings",
    ),
    (
        "domain/id.rs",
        "#[derive(reqwest::Derive)] struct S;",
        "reqwest::Derive",
    ),
    (
        "proxmox/client.rs",
        "use crate::app::Event;",
        "crate::app::Event",
    ),
    (
        "proxmox/client.rs",
        "use anyhow::Context;",
        "anyhow::Context",
    ),
    (
        "simulator/server.rs",
        "use crate::domain::id::Vmid;",
        "crate::domain::id::Vmid",
    ),
    (
        "simulator/gate/mod.rs",
        "use crate::proxmox::Client;",
        "crate::proxmox::Client",
    ),
    (
        "config/load.rs",
        "use crate::proxmox::Trust;",
        "crate::proxmox::Trust",
    ),
    (
        "notify/webhook.rs",
        "use crate::proxmox::Trust;",
        "crate::proxmox::Trust",
    ),
    (
        "notify/mod.rs",
        "use crate::config::settings::notify::Channel;",
        "crate::config::settings::notify::Channel",
    ),
    (
        "proxmox/client.rs",
        "use crate::notify::Webhook;",
        "crate::notify::Webhook",
    ),
    (
        "runtime/refresh.rs",
        "use crate::simulator::Simulator;",
        "crate::simulator::Simulator",
    ),
    (
        "operations/mod.rs",
        "use crate::ui::Theme;",
        "crate::ui::Theme",
    ),
    (
        "app/mod.rs",
        "#[cfg(test)] mod tests { use crate::ui::Theme; }",
        "crate::ui::Theme",
    ),
];

#[test]
fn a_forbidden_import_is_found_however_it_is_written() {
    for (file, source, import) in TRESPASSES {
        let found = forbidden(file, source);
        let imports: Vec<&str> = found.iter().map(|arrow| arrow.import.as_str()).collect();
        assert_eq!(
            imports.first(),
            Some(import),
            "{file}: {source}: {imports:?}"
        );
    }
}

#[test]
fn what_is_allowed_or_only_looks_like_an_import_is_left_alone() {
    for (file, source) in [
        (
            "app/update.rs",
            "use crate::domain::id::Vmid;\nuse super::state::State;\nuse crate::app::event::Event;",
        ),
        (
            "app/update.rs",
            "// use crate::proxmox::Client;\n/* crate::ui::x /* nested */ tokio::x */ fn f() {}",
        ),
        (
            "app/update.rs",
            r#"const A: &str = "crate::proxmox::x"; const B: &str = r"tokio::spawn"; const C: char = '"';"#,
        ),
        (
            "app/update.rs",
            "fn f<'tokio>(x: &'tokio str) -> impl Fn() + use<'tokio> { x.crate_name() }",
        ),
        (
            "app/update.rs",
            "pub(crate) fn f() { let tokio = 1; other::tokio::x(); }",
        ),
        (
            "domain/id.rs",
            "use std::net::{IpAddr, Ipv4Addr};\nuse std::fmt;",
        ),
        (
            "app/mod.rs",
            "#[cfg(test)]\nmod tests { use std::fs; #[tokio::test] async fn t() { tokio::spawn(x) } }",
        ),
        (
            "ui/mod.rs",
            "use crate::app::State; use crate::domain::id; use ratatui::Frame;",
        ),
        (
            "cli/demo.rs",
            "use anyhow::Context; use crate::simulator::Simulator; use crate::proxmox::Client;",
        ),
        (
            "main.rs",
            "use anyhow::Result; fn main() { crate::cli::run() }",
        ),
    ] {
        assert_eq!(forbidden(file, source), [], "{file}: {source}");
    }
}

#[test]
fn what_follows_a_test_module_is_no_test() {
    let source = "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n\nuse std::env;\n";
    let found = forbidden("domain/text.rs", source);
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["src/domain/text.rs:6: `domain` must not use `std::env`"]
    );
    let source = "#[cfg(test)]\nfn helper() { std::fs::read(x) }\nfn real() { std::fs::read(x) }";
    let lines: Vec<usize> = forbidden("domain/text.rs", source)
        .iter()
        .map(|arrow| arrow.line)
        .collect();
    assert_eq!(lines, [3]);
}

#[test]
fn a_parent_named_by_super_is_followed_through_inline_modules() {
    let source = "mod inner { mod deeper { use super::super::super::super::proxmox::Client; } }";
    let found = paths_of("app/dialogs/mod.rs", source);
    assert_eq!(
        found[0].segments,
        ["crate", "proxmox", "Client"],
        "inner and deeper are inside app::dialogs"
    );
    let source = "mod tests { use super::*; use super::super::state::State; }";
    assert_eq!(forbidden("app/dialogs/mod.rs", source), []);
}
