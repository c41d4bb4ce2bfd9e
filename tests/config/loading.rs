//! File, variables and flags come together, and secrets stay where they belong.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::config::connection::{Credentials, Trust};
use proxdeck::config::load::{Flags, load_demo};
use proxdeck::config::settings::Bound;
use proxdeck::config::settings::notify::Delivery;
use proxdeck::config::starter::{STARTER, check, write_starter};
use proxdeck::domain::fingerprint::Fingerprint;
use secrecy::ExposeSecret as _;

use super::{Home, set_mode};

const TWO: &str = r#"
[clusters.lab]
endpoints = ["https://pve1.lab", "https://pve2.lab:443"]
token_id = "hub@pve!deck"
token_secret_file = "secret"
refresh_seconds = 10

[clusters.alpha]
endpoints = ["https://alpha"]
user = "root@pam"
"#;

fn two() -> Home {
    let home = Home::with(TWO);
    home.write("secret", "s3cr3t\n", 0o600);
    home
}

fn token(credentials: &Credentials) -> (String, String) {
    match credentials {
        Credentials::Token { id, secret } => (id.to_string(), secret.expose_secret().to_owned()),
        Credentials::Password { .. } => panic!("a token was expected"),
    }
}

#[tokio::test]
async fn the_first_cluster_of_the_file_is_the_one_that_is_shown() {
    let home = two();
    let loaded = home.load(&[]).unwrap();
    let connection = loaded.cluster().unwrap().connection().await.unwrap();
    assert_eq!(connection.name, "lab");
    let endpoints: Vec<String> = connection
        .endpoints
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(endpoints, ["https://pve1.lab:8006", "https://pve2.lab:443"]);
    assert_eq!(
        token(&connection.credentials),
        ("hub@pve!deck".to_owned(), "s3cr3t".to_owned())
    );
    assert_eq!(connection.trust, Trust::System);
    assert_eq!(connection.refresh, Duration::from_secs(10));
    assert_eq!(loaded.origin.file, Some(home.path("config.toml")));
    assert!(loaded.origin.variables.is_empty() && loaded.notes.is_empty());
}

#[tokio::test]
async fn an_account_without_a_password_is_left_for_a_person_to_complete() {
    let loaded = two().load(&[("PROXDECK_CLUSTER", "alpha")]).unwrap();
    let connection = loaded.cluster().unwrap().connection().await.unwrap();
    assert!(matches!(
        connection.credentials,
        Credentials::Password { password: None, .. }
    ));
    assert_eq!(connection.refresh, Duration::from_secs(5));
    assert_eq!(loaded.cluster_named("lab").unwrap().name, "lab");
}

#[test]
fn the_flag_chooses_before_the_variable_and_an_unknown_name_lists_those_that_exist() {
    let home = two();
    let flags = Flags {
        cluster: Some("alpha".into()),
        ..Flags::default()
    };
    let loaded = home
        .load_with(&flags, &[("PROXDECK_CLUSTER", "lab")])
        .unwrap();
    assert_eq!(loaded.cluster().unwrap().name, "alpha");
    assert_eq!(
        home.load(&[("PROXDECK_CLUSTER", "lba")]).unwrap_err(),
        "PROXDECK_CLUSTER: there is no cluster `lba`; did you mean `lab`? configured: `lab`, `alpha`"
    );
    let flags = Flags {
        cluster: Some("production".into()),
        ..Flags::default()
    };
    assert_eq!(
        home.load_with(&flags, &[]).unwrap_err(),
        "--cluster: there is no cluster `production`; configured: `lab`, `alpha`"
    );
}

#[tokio::test]
async fn our_variables_win_over_the_file_for_the_cluster_that_is_shown() {
    let pin = "ab".repeat(32);
    let loaded = two()
        .load(&[
            ("PROXDECK_ENDPOINTS", "https://x:1, https://y"),
            ("PROXDECK_TOKEN_ID", "me@pam!mine"),
            ("PROXDECK_TOKEN_SECRET", "other"),
            ("PROXDECK_FINGERPRINT", &pin),
            ("PROXMOX_HOST", "ignored"),
        ])
        .unwrap();
    let connection = loaded.cluster().unwrap().connection().await.unwrap();
    assert_eq!(connection.name, "lab");
    assert_eq!(connection.endpoints[0].to_string(), "https://x:1");
    assert_eq!(
        token(&connection.credentials),
        ("me@pam!mine".to_owned(), "other".to_owned())
    );
    assert!(
        matches!(connection.trust, Trust::Pins(pins) if pins == [Fingerprint::new([0xab; 32])])
    );
    let untouched = loaded.cluster_named("alpha").unwrap();
    assert_eq!(untouched.keys.user.as_ref().unwrap().as_str(), "root@pam");
    assert_eq!(
        loaded.origin.variables,
        [
            "PROXDECK_FINGERPRINT",
            "PROXDECK_ENDPOINTS",
            "PROXDECK_TOKEN_ID",
            "PROXDECK_TOKEN_SECRET"
        ]
    );
}

#[test]
fn a_user_in_a_variable_silences_the_token_of_the_file() {
    let loaded = two().load(&[("PROXDECK_USER", "root@pam")]).unwrap();
    let keys = &loaded.cluster().unwrap().keys;
    assert_eq!(keys.token_id, None);
    assert_eq!(keys.user.as_ref().unwrap().as_str(), "root@pam");
}

#[test]
fn wrong_variables_are_told_together_with_what_is_wrong_in_the_file() {
    let home = Home::with("bell = 3");
    assert_eq!(
        home.load(&[
            ("PROXDECK_ENDPOINT", "http://a"),
            ("PROXDECK_USER", "root"),
            ("PROXDECK_PASSWORD", "two\nlines"),
            ("PROXDECK_CA_FILE", "/ca.pem"),
            ("PROXDECK_FINGERPRINTS", &"ab".repeat(32)),
        ])
        .unwrap_err(),
        "config.toml, line 1, column 8: `bell` must be true or false, without quotes; here stands a number\n\
         PROXDECK_CA_FILE: is set beside a fingerprint; unset one of them\n\
         PROXDECK_ENDPOINT: `http://a` is not encrypted; write https://HOST:8006\n\
         PROXDECK_USER: `root` is no account; write user@realm, as root@pam or hub@pve\n\
         PROXDECK_PASSWORD: holds more than one line, or characters that no secret has; set it again, on one line"
    );
}

#[tokio::test]
async fn the_names_of_other_tools_are_enough_where_no_cluster_is_configured() {
    for (host, id) in [
        ("pve1.lab", "hub@pve!deck"),
        ("pve1.lab:8006", "deck"),
        ("https://pve1.lab:8006/", "deck"),
    ] {
        let loaded = Home::empty()
            .load(&[
                ("PROXMOX_HOST", host),
                ("PROXMOX_USER", "hub@pve"),
                ("PROXMOX_TOKEN_ID", id),
                ("PROXMOX_TOKEN_SECRET", "s3cr3t"),
                ("PROXMOX_VERIFY_SSL", "false"),
            ])
            .unwrap();
        let connection = loaded.cluster().unwrap().connection().await.unwrap();
        assert_eq!(connection.name, "pve1.lab");
        assert_eq!(connection.endpoints[0].to_string(), "https://pve1.lab:8006");
        assert_eq!(
            token(&connection.credentials),
            ("hub@pve!deck".to_owned(), "s3cr3t".to_owned())
        );
        assert_eq!(connection.trust, Trust::System);
        assert!(loaded.notes[0].contains("PROXMOX_VERIFY_SSL is not obeyed"));
    }
}

#[tokio::test]
async fn a_password_from_another_tool_s_variable_is_enough_too() {
    let loaded = Home::empty()
        .load(&[
            ("PROXMOX_HOST", "pve1"),
            ("PROXMOX_USER", "root@pam"),
            ("PROXMOX_PASSWORD", "pa ss"),
        ])
        .unwrap();
    let connection = loaded.cluster().unwrap().connection().await.unwrap();
    let Credentials::Password { user, password } = connection.credentials else {
        panic!("a password was expected");
    };
    assert_eq!(user.as_str(), "root@pam");
    assert_eq!(password.unwrap().expose_secret(), "pa ss");
}

#[test]
fn a_cluster_without_account_says_what_to_write() {
    let error = Home::with("\n[clusters.lab]\nendpoints = [\"https://a\"]")
        .load(&[])
        .unwrap_err();
    assert_eq!(
        error,
        "config.toml, line 2, column 1: cluster `lab` has no account to sign in with; \
         write token_id = \"user@realm!name\" and token_secret_file = \"FILE\" (or user = \"user@realm\") \
         in [clusters.lab], or set PROXDECK_TOKEN_ID and PROXDECK_TOKEN_SECRET"
    );
    let error = Home::with("[clusters.lab]\ntoken_id = \"a@b!c\"")
        .load(&[])
        .unwrap_err();
    assert_eq!(
        error,
        "config.toml, line 1, column 1: cluster `lab` has no address; write endpoints = [\"https://HOST:8006\"] \
         in [clusters.lab], or set PROXDECK_ENDPOINT\n\
         config.toml, line 1, column 1: cluster `lab` has no secret for the token a@b!c; \
         write token_secret_file = \"FILE\" or token_secret_command = [\"PROGRAM\", …] in [clusters.lab], \
         or set PROXDECK_TOKEN_SECRET"
    );
    let error = Home::empty().load(&[("PROXMOX_HOST", "pve1")]).unwrap_err();
    assert!(error.contains("cluster `pve1` has no account"), "{error}");
}

#[tokio::test]
async fn a_second_cluster_without_account_is_told_only_when_it_is_wanted() {
    let home = Home::with(format!(
        "{TWO}\n[clusters.third]\nendpoints = [\"https://c\"]\n"
    ));
    let loaded = home.load(&[]).unwrap();
    let third = loaded.cluster_named("third").unwrap();
    let error = third.connection().await.unwrap_err().to_string();
    assert!(error.contains("`third` has no account"), "{error}");
}

#[test]
fn a_missing_file_is_fine_unless_somebody_named_it() {
    let loaded = Home::empty().load(&[]).unwrap();
    assert_eq!(loaded.origin.file, None);
    let error = loaded.cluster().unwrap_err().to_string();
    assert!(
        error.contains("no cluster is configured; add a section [clusters.NAME]"),
        "{error}"
    );
    assert!(error.contains("PROXMOX_HOST"), "{error}");

    let home = Home::empty();
    let flags = Flags {
        config: Some(home.path("other.toml")),
        ..Flags::default()
    };
    assert_eq!(
        home.load_with(&flags, &[]).unwrap_err(),
        "other.toml: cannot be read: there is no such file; \
         check --config and PROXDECK_CONFIG, or write one with `proxdeck config init`"
    );
    let path = home.path("other.toml").display().to_string();
    assert!(home.load(&[("PROXDECK_CONFIG", &path)]).is_err());
    let flags = Flags {
        config: Some(home.path("")),
        ..Flags::default()
    };
    assert!(
        home.load_with(&flags, &[])
            .unwrap_err()
            .contains("directory")
    );
}

#[test]
fn the_flag_names_the_file_before_the_variable() {
    let home = two();
    let other = home.write("other.toml", "theme = \"paper\"", 0o644);
    let other_text = other.display().to_string();
    let loaded = home.load(&[("PROXDECK_CONFIG", &other_text)]).unwrap();
    assert_eq!(loaded.settings.theme.as_deref(), Some("paper"));
    assert_eq!(loaded.origin.variables, ["PROXDECK_CONFIG"]);
    let flags = Flags {
        config: Some(home.path("config.toml")),
        theme: Some("ink".into()),
        ..Flags::default()
    };
    let loaded = home
        .load_with(&flags, &[("PROXDECK_CONFIG", &other_text)])
        .unwrap();
    assert_eq!(loaded.cluster().unwrap().name, "lab");
    assert_eq!(loaded.settings.theme.as_deref(), Some("ink"));
    assert!(loaded.origin.variables.is_empty());
}

#[cfg(unix)]
#[test]
fn a_config_with_a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let inline =
        "[clusters.lab]\nendpoints = [\"https://a\"]\nuser = \"a@b\"\npassword = \"hunter2\"\n";
    for mode in [0o644, 0o640, 0o604, 0o660] {
        let home = Home::with(inline);
        set_mode(&home.path("config.toml"), mode);
        assert_eq!(
            home.load(&[]).unwrap_err(),
            format!(
                "config.toml: holds a secret, and others than you may read or write it (mode {mode:04o}); \
                 run: chmod 600 config.toml"
            )
        );
    }
    Home::with(inline).load(&[]).unwrap();
    // Without a secret everybody may read it.
    let home = two();
    set_mode(&home.path("config.toml"), 0o644);
    home.load(&[]).unwrap();
    // An address with a password in it is one, too.
    let home = Home::with("[notify.a]\nwebhook = \"https://me:hunter2@hooks.example/\"");
    set_mode(&home.path("config.toml"), 0o644);
    let error = home.load(&[]).unwrap_err();
    assert!(
        error.contains("chmod 600") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn paths_in_the_file_begin_beside_it_or_in_the_home_folder() {
    let home = Home::with(
        "[clusters.a]\nendpoints = [\"https://a\"]\nuser = \"a@b\"\nca_file = \"ca.pem\"\npassword_file = \"~/pw\"\n",
    );
    let loaded = home.load(&[]).unwrap();
    let keys = &loaded.cluster().unwrap().keys;
    assert_eq!(keys.trust, Some(Trust::CaFile(home.path("ca.pem"))));
    assert!(format!("{:?}", keys.password).contains(&home.path("home/pw").display().to_string()));
}

#[test]
fn debug_of_everything_that_was_loaded_shows_no_secret() {
    let home = Home::with(
        "[clusters.lab]\nendpoints = [\"https://a\"]\ntoken_id = \"a@b!c\"\ntoken_secret = \"hunter2\"\n\
         [clusters.b]\nendpoints = [\"https://a\"]\nuser = \"a@b\"\npassword_command = [\"echo\", \"hunter2\"]\n\
         [notify.x]\nwebhook = \"https://hooks.example/hunter2\"\n",
    );
    let loaded = home.load(&[("PROXDECK_PASSWORD", "hunter2")]).unwrap();
    let shown = format!("{loaded:#?}");
    assert!(shown.contains("https://hooks.example"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn debug_of_a_connection_shows_no_secret() {
    let loaded = two().load(&[("PROXDECK_TOKEN_SECRET", "hunter2")]).unwrap();
    let connection = loaded.cluster().unwrap().connection().await.unwrap();
    assert_eq!(token(&connection.credentials).1, "hunter2");
    assert!(!format!("{connection:?}").contains("hunter2"));
}

#[test]
fn a_misspelt_variable_is_pointed_out() {
    let loaded = two()
        .load(&[("PROXDECK_ENPOINT", "https://x"), ("PROXDECK_LOG", "debug")])
        .unwrap();
    assert_eq!(
        loaded.notes,
        ["`PROXDECK_ENPOINT` means nothing; did you mean PROXDECK_ENDPOINT?"]
    );
}

#[test]
fn a_demo_reads_its_own_text_and_neither_clusters_nor_variables() {
    let embedded =
        format!("{TWO}\n[notify.ops]\ncommand = [\"page\"]\n[limits]\ncpu_percent = 80\n");
    let loaded = load_demo(&Flags::default(), &embedded).unwrap();
    assert!(loaded.settings.clusters.is_empty());
    assert_eq!(loaded.settings.notify[0].delivery, Delivery::Log);
    assert_eq!(loaded.settings.limits.cpu_percent, Bound::At(80.0));
    let home = Home::with("bell = 3");
    let flags = Flags {
        config: Some(home.path("config.toml")),
        ..Flags::default()
    };
    assert!(load_demo(&flags, &embedded).is_err());
}

#[test]
fn keys_keep_their_line_for_the_key_table() {
    let loaded = Home::with("[keys]\nzoom = \"Z\"\nquit = [\"q\", \"ctrl-q\"]\nmark = []\n")
        .load(&[])
        .unwrap();
    let keys: Vec<(&str, usize, usize)> = loaded
        .settings
        .keys
        .iter()
        .map(|key| (key.action.as_str(), key.keys.len(), key.line))
        .collect();
    assert_eq!(keys, [("zoom", 1, 2), ("quit", 2, 3), ("mark", 0, 4)]);
}

#[test]
fn init_writes_a_private_file_and_never_over_another() {
    let home = Home::empty();
    let file = home.path("deep/er/config.toml");
    write_starter(&file).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), STARTER);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&file, "bell = false").unwrap();
    assert_eq!(
        home.relative(&write_starter(&file).unwrap_err()),
        "deep/er/config.toml: exists already and stays as it is; edit it, or move it away first"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "bell = false");
    let below_a_file = file.join("config.toml");
    let error = write_starter(&below_a_file).unwrap_err().to_string();
    assert!(error.contains("cannot be written"), "{error}");
}

#[test]
fn the_starter_is_a_good_config_as_it_is_and_filled_in() {
    let home = Home::with(STARTER);
    assert!(home.load(&[]).unwrap().settings.clusters.is_empty());
    let filled: String = STARTER
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let loaded = Home::with(filled).load(&[]).unwrap();
    assert_eq!(loaded.cluster().unwrap().name, "lab");
    assert!(loaded.settings.templates.is_empty());
}

#[test]
fn check_sums_up_a_good_config_and_finds_the_files_that_are_missing() {
    let home = two();
    let summary = check(
        &Flags::default(),
        &std::iter::empty::<(String, String)>().collect(),
        &home.paths(),
    )
    .unwrap();
    assert_eq!(
        home.relative(&summary),
        "config.toml is fine\n\
         cluster lab: https://pve1.lab:8006, https://pve2.lab:443; token hub@pve!deck, secret from the file secret; \
         trusts the system's roots\n\
         cluster alpha: https://alpha:8006; root@pam, password asked for; trusts the system's roots\n\
         no selection: prune will refuse\n\
         0 projects, 0 templates, 0 network profiles, 0 notify channels, 0 changed keys"
    );
    std::fs::remove_file(home.path("secret")).unwrap();
    let error = check(
        &Flags::default(),
        &std::iter::empty::<(String, String)>().collect(),
        &home.paths(),
    )
    .unwrap_err();
    assert!(
        home.relative(&error)
            .starts_with("secret: cannot be read: "),
        "{error}"
    );
}
