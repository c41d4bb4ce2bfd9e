//! Every mistake is told with its place and its cure, all of them at once.

use pretty_assertions::assert_eq;

use super::{Home, complaints};

fn one(config: &str) -> String {
    let complaints = complaints(config);
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    complaints.into_iter().next().unwrap()
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_nearest_known_one() {
    assert_eq!(
        one("[clusters.lab]\nendpoints = [\"https://a\"]\n\n  refesh_seconds = 5\n"),
        "config.toml, line 4, column 3: unknown key `refesh_seconds` in [clusters.lab]; \
         did you mean `refresh_seconds`?"
    );
    assert_eq!(
        one("themes = \"x\""),
        "config.toml, line 1, column 1: unknown key `themes`; did you mean `theme`?"
    );
    assert_eq!(
        one("[retention]\ncolour = 1"),
        "config.toml, line 2, column 1: unknown key `colour` in [retention]; known are \
         `daily_days`, `weekly_days`, `monthly_days`, `keep_last`, `keep_marks`"
    );
    assert_eq!(
        one("[enforcment]\nmode = \"auto\""),
        "config.toml, line 1, column 2: unknown key `enforcment`; did you mean `enforcement`?"
    );
}

#[test]
fn there_is_no_switch_that_trusts_anybody() {
    for key in ["insecure", "verify_ssl", "skip_verify"] {
        let error = one(&format!("[clusters.lab]\n{key} = true"));
        assert!(error.contains(&format!("unknown key `{key}`")), "{error}");
    }
}

#[test]
fn all_mistakes_are_told_together_in_the_order_of_the_file() {
    let complaints = complaints(
        "bell = 1\n[limits]\ncpu_percent = 0\n[clusters.lab]\nendpoints = [\"http://a\", \"https://b\", \"c\"]\n\
         [retention]\nkeep_last = 0\nweekly = 3\n",
    );
    assert_eq!(
        complaints,
        [
            "config.toml, line 1, column 8: `bell` must be true or false, without quotes; here stands a number",
            "config.toml, line 3, column 15: `cpu_percent` in [limits] must be above 0 and at most 100, or \
             \"unlimited\"; here stands `0`",
            "config.toml, line 5, column 14: entry 1 of `endpoints` in [clusters.lab]: `http://a` is not encrypted; \
             write https://HOST:8006",
            "config.toml, line 5, column 39: entry 3 of `endpoints` in [clusters.lab]: `c` is no URL; \
             write https://HOST:8006",
            "config.toml, line 7, column 13: `keep_last` in [retention] must be a whole number from 1 to 10000; \
             here stands `0`",
            "config.toml, line 8, column 1: unknown key `weekly` in [retention]; known are `daily_days`, \
             `weekly_days`, `monthly_days`, `keep_last`, `keep_marks`",
        ]
    );
}

#[test]
fn wrong_types_say_what_is_expected_and_what_was_found() {
    for (config, expected) in [
        (
            "[clusters.lab]\nrefresh_seconds = \"5\"",
            "line 2, column 19: `refresh_seconds` in [clusters.lab] must be a whole number from 3 to 3600; \
             here stands a text in quotes",
        ),
        (
            "[clusters.lab]\nendpoints = \"https://a\"",
            "line 2, column 13: `endpoints` in [clusters.lab] must be a list, each element an address, \
             as \"https://pve1.lab:8006\"; here stands a text in quotes",
        ),
        (
            "clusters = 3",
            "line 1, column 12: `clusters` must be a section [clusters]; here stands a number",
        ),
        (
            "[clusters]\nlab = true",
            "line 2, column 7: `lab` in [clusters] must be a section [clusters.lab]; here stands true or false",
        ),
        (
            "theme = 1979-05-27",
            "line 1, column 9: `theme` must be the name of a theme; here stands a date",
        ),
        (
            "[limits.override]\nmatch = \"tag:a\"",
            "line 1, column 1: `override` in [limits] must be written as [[limits.override]]; here stands a section",
        ),
        (
            "[keys]\nquit = 3",
            "line 2, column 8: `quit` in [keys] must be a key, as \"ctrl-s\", or a list of keys; here stands a number",
        ),
    ] {
        assert_eq!(one(config), format!("config.toml, {expected}"));
    }
}

#[test]
fn numbers_out_of_range_are_refused_however_large_or_odd() {
    for (config, expected) in [
        (
            "[clusters.lab]\nrefresh_seconds = 2",
            "must be a whole number from 3 to 3600; here stands `2`",
        ),
        ("[clusters.lab]\nrefresh_seconds = -5", "here stands `-5`"),
        (
            "[clusters.lab]\nrefresh_seconds = 0xFFFFFFFFFFFFFFFFFFFFFF",
            "here stands `0xFFFFFFFFFFFFFFFFFFFFFF`",
        ),
        (
            "[clusters.lab]\nrefresh_seconds = 5.5",
            "must be a whole number from 3 to 3600; here stands a number",
        ),
        (
            "[retention]\nmonthly_days = 99999999999999999999999999",
            "must be a whole number from 1 to 36500; here stands `99999999999999999999999999`",
        ),
        ("[limits]\nmemory_percent = 101", "here stands `101`"),
        ("[limits]\nmax_runtime_hours = inf", "here stands `inf`"),
        ("[limits]\nmax_runtime_hours = nan", "here stands `nan`"),
        ("[limits]\ncpu_percent = -1.5", "here stands `-1.5`"),
        ("[limits]\nsustain_seconds = 0", "here stands `0`"),
        (
            "[selection]\nvmids = [104, 99]",
            "entry 2 of `vmids` in [selection] must be",
        ),
        (
            "[projects.a]\npool = \"a\"\ncpu_hours = -1",
            "must be 0 or more, or \"unlimited\"; here stands `-1`",
        ),
        (
            "[projects.a]\npool = \"a\"\ncpu_hours = \"unlimitd\"",
            "must be 0 or more, or \"unlimited\"; here stands a text",
        ),
    ] {
        let error = one(config);
        assert!(error.contains(expected), "{config}: {error}");
        assert!(error.contains(", line "), "{error}");
    }
}

#[test]
fn what_contradicts_or_misses_itself_says_how_to_mend_it() {
    let fingerprint = "AB".repeat(32);
    for (config, expected) in [
        (
            "[clusters.lab]\nendpoints = [\"https://a\"]\ntoken_id = \"a@b!c\"\nuser = \"a@b\"".to_owned(),
            "line 4, column 1: [clusters.lab] has both token_id and user; leave one of them out: a connection has one account",
        ),
        (
            "[clusters.lab]\npassword = \"a\"\npassword_file = \"b\"".to_owned(),
            "line 3, column 1: `password_file` in [clusters.lab] is a second place for one secret; \
             keep one of `password`, `password_file` and `password_command`",
        ),
        (
            format!("[clusters.lab]\nca_file = \"a\"\nfingerprints = [\"{fingerprint}\"]"),
            "line 2, column 1: [clusters.lab] has both fingerprints and ca_file; \
             leave one of them out: pinned certificates need no CA",
        ),
        (
            "[clusters.lab]\nendpoints = []".to_owned(),
            "line 2, column 13: `endpoints` in [clusters.lab] is empty; write at least one address",
        ),
        (
            "[clusters.lab]\npassword_command = [\"pass show x\"]".to_owned(),
            "line 2, column 20: `password_command` in [clusters.lab] is one word with blanks, `pass`; \
             no shell reads it; write a list of words, as [\"pass\", \"show\", \"pve/deck\"]",
        ),
        (
            "[clusters.\"a b\"]\nuser = \"a@b\"".to_owned(),
            "line 1, column 11: `a b` cannot be a name in [clusters]; \
             a name has 1 to 64 letters, digits, `-`, `_` or `.`",
        ),
        (
            "[[limits.override]]\nmax_runtime_hours = 3".to_owned(),
            "line 1, column 1: [[limits.override]] does not say for which guests it is; \
             write match = \"tag:service\", or pool:, vmid:, name: with a pattern",
        ),
        (
            "[[limits.override]]\nmatch = \"service\"".to_owned(),
            "line 2, column 9: `match` in [limits.override]: `service` matches nothing; write tag:, pool:, vmid: \
             or name: and a pattern behind it, as tag:service or name:build-*",
        ),
        (
            "[projects.a]\ncpu_hours = 1".to_owned(),
            "line 1, column 11: [projects.a] has neither of pool and match; \
             write pool = \"POOL\", or match = \"tag:TAG\" with marker_pool = \"POOL\"",
        ),
        (
            "[projects.a]\nmatch = \"tag:a\"".to_owned(),
            "line 2, column 1: `match` in [projects.a] has no place for its throttle; \
             add marker_pool = \"POOL\": the throttle stands in that pool's comment",
        ),
        (
            "[projects.a]\npool = \"a\"\nnotify = [\"admin\"]\n[notify.admins]\nwebhook = \"https://a/b\"".to_owned(),
            "line 3, column 11: entry 1 of `notify` in [projects.a] names `admin`, and there is no [notify.admin]; \
             did you mean `admins`?",
        ),
        (
            "[projects.a]\npool = \"a\"\nwindow = \"7days\"".to_owned(),
            "line 3, column 10: `window` in [projects.a] cannot be `7days`; write one of `month`, `30d`, `7d`, `24h`",
        ),
        (
            "[projects.a]\npool = \"a\"\nnotify = [\"ad\u{feff}m\u{202e}in\"]".to_owned(),
            "line 3, column 11: entry 1 of `notify` in [projects.a] names `adm\u{fffd}in`, and there is no [notify.adm\u{fffd}in]; \
             add a section [notify.adm\u{fffd}in]",
        ),
        (
            "[templates.a]\nvmid = 100\nnetwork = \"api\"".to_owned(),
            "line 3, column 11: `network` in [templates.a] names `api`, and there is no [network_profiles.api]; \
             add a section [network_profiles.api]",
        ),
        (
            "[templates.a]\nvmid = 100\nmemory = \"4G\"".to_owned(),
            "line 3, column 10: `memory` in [templates.a]: \"G\" in \"4G\" could mean GB (powers of 1000) or GiB (powers of 1024); \
             write one of them; write a number with MiB, GiB or TiB behind it, as 4GiB",
        ),
        (
            "[notify.a]\n".to_owned(),
            "line 1, column 9: [notify.a] has neither of webhook and command; write exactly one of them",
        ),
        (
            "[retention]\nkeep_marks = [\"do-not-delete\"]".to_owned(),
            "line 2, column 15: entry 1 of `keep_marks` in [retention]: `do-not-delete` is not one word; \
             a mark has only letters and digits",
        ),
        (
            "[enforcement]\nmode = \"automatic\"".to_owned(),
            "line 2, column 8: `mode` in [enforcement] cannot be `automatic`; write one of `advise`, `auto`",
        ),
        (
            "resolver = \"dns.lab\"".to_owned(),
            "line 1, column 12: `resolver`: `dns.lab` is no address; \
             write the address of a name server, as 10.0.0.53 or 10.0.0.53:5353",
        ),
    ] {
        assert_eq!(one(&config), format!("config.toml, {expected}"));
    }
}

#[test]
fn two_projects_cannot_have_one_uuid() {
    let uuid = "6f0c2d1e-5a4b-4c3d-8e7f-0a1b2c3d4e5f";
    let error = one(&format!(
        "[projects.a]\nuuid = \"{uuid}\"\npool = \"a\"\n[projects.b]\nuuid = \"{}\"\npool = \"b\"\n",
        uuid.to_uppercase()
    ));
    assert_eq!(
        error,
        "config.toml, line 5, column 1: [projects.b] has the uuid of [projects.a]; give each project its own"
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    for (config, place) in [
        (
            "bell = true\nbell = false",
            "line 2, column 1: `bell` stands here a second time",
        ),
        (
            "[limits]\n[limits]",
            "line 2, column 2: `limits` stands here a second time",
        ),
        ("\n\ntheme = \"dark", "line 3, column "),
        ("theme = dark", "line 1, column 9: "),
        ("theme", "line 1, column "),
        ("[limits", "line 1, column "),
        ("a = 1 = 2", "line 1, column "),
        ("theme = \"a\x07b\"", "line 1, column "),
        ("theme = \"a\0b\"", "line 1, column "),
        ("\rtheme = 1", "line 1, column "),
    ] {
        for error in complaints(config) {
            assert!(
                error.starts_with("config.toml, line "),
                "{config:?}: {error}"
            );
        }
        let first = complaints(config).remove(0);
        assert!(first.contains(place), "{config:?}: {first}");
        assert!(
            first.ends_with("; see https://toml.io for the notation"),
            "{first}"
        );
    }
}

#[test]
fn control_characters_that_an_escape_smuggles_in_are_refused() {
    for config in [
        r#"theme = "a\u001b[2Jb""#,
        r#"theme = "a\nb""#,
        "[keys]\nquit = \"\\u0007\"",
        "[clusters.lab]\nuser = \"a\\r@b\"",
    ] {
        let error = one(config);
        assert!(
            error.contains(
                "holds a control character or a line break; write it on one line, without escapes"
            ),
            "{error}"
        );
        assert!(!error.contains('\x1b'));
    }
    let error = one("\"\\u001b[2J\" = 1");
    assert!(error.contains("unknown key `␛[2J`"), "{error}");
    let error = one("[clusters.\"a\\u001b\"]\n");
    assert!(error.contains("`a␛` cannot be a name"), "{error}");
}

#[test]
fn a_file_that_is_not_utf8_is_told_with_its_line() {
    assert_eq!(
        complaints(b"theme = \"x\"\n# caf\xe9\n"),
        ["config.toml, line 2, column 6: this is not UTF-8; save the file in the encoding UTF-8"]
    );
    let utf16: Vec<u8> = "theme".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = [&[0xff, 0xfe][..], &utf16].concat();
    assert!(complaints(utf16)[0].contains("line 1, column 1: this is not UTF-8"));
}

#[test]
fn empty_files_byte_order_marks_and_windows_line_ends_are_no_mistakes() {
    for config in [
        "",
        "\n",
        "# nothing\n",
        "\u{feff}",
        "\u{feff}bell = false\r\n[limits]\r\ncpu_percent = 80\r\n",
    ] {
        Home::with(config).load(&[]).unwrap();
    }
    assert_eq!(
        one("\u{feff}bell = 3\r\n"),
        "config.toml, line 1, column 8: `bell` must be true or false, without quotes; here stands a number"
    );
    assert!(
        one("bell = true\r\n[limits]\r\nx = 1\r\n").contains("line 3, column 1: unknown key `x`")
    );
}

#[test]
fn a_file_of_absurd_size_or_depth_is_refused_quickly() {
    let huge = "#".repeat(2 << 20);
    assert_eq!(
        complaints(huge),
        ["config.toml: cannot be read: it is larger than 1 MiB; name a file that holds settings"]
    );
    let deep = format!("theme = {}", "[".repeat(100_000));
    assert!(complaints(deep)[0].contains("line 1"));
    let long = "x".repeat(500_000);
    let error = one(&format!("{long} = 1"));
    assert!(error.len() < 700, "{}", error.len());
}

#[test]
fn no_complaint_repeats_a_secret() {
    for config in [
        "[clusters.lab]\ntoken_secret = hunter2",
        "[clusters.lab]\ntoken_secret = \"hunter2",
        "[clusters.lab]\ntoken_secret = \"hunter2\" oops",
        "[clusters.lab]\ntoken_secret = \"hunter2\\u0000\"",
        "[clusters.lab]\ntoken_secrt = \"hunter2\"",
        "[clusters.lab]\ntoken_secret = [\"hunter2\"]",
        "[clusters.lab]\npassword = \"hunter2\"\npassword = \"hunter2\"",
        "[clusters.lab]\npassword = \"hunter2\"\npassword_file = 3",
        "[clusters.lab]\ntoken_id = \"a@b!c=hunter2\"",
        "[clusters.lab]\ntoken_id = \"hunter2\"",
        "[clusters.lab]\nendpoints = [\"https://root:hunter2@pve\"]",
        "[clusters.lab]\nendpoints = [\"root:hunter2@pve\"]",
        "[clusters.lab]\nendpoints = [\"https://pve\"]\ntoken_secret = \"hunter2\"",
        "[notify.a]\nwebhook = \"hooks.example/hunter2\"",
        "[notify.a]\nwebhook = \"ftp://hooks.example/hunter2\"",
        "[notify.a]\nwebhook = \"https://me:hunter2@hooks.example:x/\"",
    ] {
        let complaints = complaints(config).join("\n");
        assert!(!complaints.is_empty());
        assert!(!complaints.contains("hunter2"), "{config}: {complaints}");
    }
}

#[test]
fn a_time_zone_that_is_none_is_told_with_the_one_that_was_meant() {
    let zone = |text: &str| one(&format!("[quota]\ntimezone = \"{text}\""));
    let told = |text: &str, cure: &str| {
        format!(
            "config.toml, line 2, column 12: `timezone` in [quota] names no time zone: `{text}`; {cure}"
        )
    };
    for (text, meant) in [
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("america/new york", "America/New_York"),
        ("utc", "UTC"),
    ] {
        assert_eq!(zone(text), told(text, &format!("did you mean `{meant}`?")));
    }
    let cure = "write a name as \"Europe/Berlin\" or \"UTC\"";
    assert_eq!(
        zone("where the sun never sets"),
        told("where the sun never sets", cure)
    );
}
