//! `proxdeck config`, and what every other command says about a config that is wrong.

use crate::world::{Home, World};

#[test]
fn path_init_and_check_lead_a_newcomer_to_a_config() {
    let home = Home::new();
    let file = home.config_file();
    assert_eq!(
        home.run(&["config", "path"]).stdout,
        format!("{}\n", file.display())
    );
    let init = home.run(&["config", "init"]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    assert!(init.stdout.starts_with("wrote "));
    assert!(file.exists());
    let again = home.run(&["config", "init"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("exists already and stays as it is"));
    let check = home.run(&["config", "check"]);
    assert_eq!(check.code, 2, "the starter names no cluster");
    assert!(
        check.stderr.contains("no cluster is configured"),
        "{}",
        check.stderr
    );
}

#[test]
fn check_says_what_the_config_says_without_its_secret() {
    let world = World::small();
    let ran = world.run(&["config", "check"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let secret = &world.simulator.accounts().token_secret;
    assert!(ran.stdout.contains("cluster lab: https://127.0.0.1:"));
    assert!(!ran.stdout.contains(secret.as_str()));
}

#[test]
fn check_finds_what_only_keys_themes_and_rules_can_object_to() {
    let world = World::small();
    for (more, sentence) in [
        (
            "[keys]\nsnapshoot = \"F2\"\n",
            "line 7, column 1: [keys] there is no action `snapshoot`",
        ),
        (
            "[projects.a]\npool = \"p\"\n[projects.b]\npool = \"p\"\n",
            "share the pool p",
        ),
    ] {
        world.home.write_config(&world.config(more));
        let ran = world.run(&["config", "check"]);
        assert_eq!(ran.code, 2, "{more}");
        assert!(ran.stderr.contains(sentence), "{}", ran.stderr);
    }
    let config = format!("theme = \"pink\"\n{}", world.config(""));
    world.home.write_config(&config);
    let ran = world.run(&["config", "check"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("there is no theme `pink`; there are: dark")
    );
}

#[test]
fn every_mistake_is_told_at_once_with_exit_code_2() {
    let home = Home::new();
    home.write_config("[clusters.lab]\nendpoint = []\nrefresh_seconds = 1\n");
    let ran = home.run(&["list"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(
        ran.stderr
            .lines()
            .filter(|line| line.starts_with("proxdeck: "))
            .count(),
        2,
        "{}",
        ran.stderr
    );
    let ran = home.run(&["list", "--json"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.json()["error"]["kind"], "Config");
    assert_eq!(home.run(&["list", "--config", "/nowhere/x.toml"]).code, 2);
}

#[test]
fn an_unknown_cluster_or_theme_is_refused() {
    let world = World::small();
    let ran = world.run(&["list", "--cluster", "lap"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean `lab`?"), "{}", ran.stderr);
    let ran = world.run(&["--demo", "--theme", "pink"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("there is no theme `pink`"));
}
