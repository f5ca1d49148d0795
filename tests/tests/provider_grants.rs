//! What a provider may reach: granted, shown, taken away; and the file in which it stands, edited by hand.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use orkee_tests::guests::manifest;
use orkee_tests::home::Home;
use orkee_tests::provider::{self, run, the_one, words};
use serde_json::json;

fn with_notes() -> Home {
    let home = Home::new();
    let more = "hosts = [\"https://a.example\"]\n[login]\nkind = \"password\"\n[limits]\ncpu = \"9 s\"";
    provider::install(&home, &provider::file(&home, "notes.wasm", &manifest("notes", "1", more)));
    home
}

fn grants_file(home: &Home) -> PathBuf {
    home.orkee().join("plugins/grants.toml")
}

#[test]
fn p10_p11_hosts_are_granted_and_taken_away_in_the_grammar_of_grants() {
    let home = with_notes();
    let hosts = || the_one(&home)["hosts"].clone();
    run(&home, &["grant", "notes", "https://B.example:443/", "https://*.c.example"]).success();
    assert_eq!(hosts(), json!(["https://a.example", "https://b.example", "https://*.c.example"]));
    let ran = run(&home, &["grant", "notes", "https://x.c.example"]).success();
    assert!(ran.stdout.contains("already"), "{ran}");
    for (host, says) in [
        ("*", "no scheme"),
        ("d.example", "write `https://d.example`"),
        ("https://*d.example", "write `https://*.d.example`"),
        ("https://d.example/v1", "write `https://d.example`"),
        ("https://me:canary@d.example", "write `https://d.example`"),
        ("http://d.example", "write `https://d.example`"),
        ("https://*.com", "top-level domain"),
    ] {
        let ran = run(&home, &["grant", "notes", host]).fails(2, "E-PLUGIN-047").says(says);
        assert!(!ran.stderr.contains("canary"), "{ran}");
    }
    run(&home, &["grant", "notes", "http://192.168.1.10:8080", "--private-network"]).success();
    let grants = home.json(words(&["grants", "notes"]))["grants"][0].clone();
    assert_eq!(grants["private_network"], json!(["http://192.168.1.10:8080"]));
    assert_eq!(grants["credentials"], json!([{"name": "login", "kind": "password"}]));
    assert_eq!(grants["limits"], json!({"cpu": "9 s"}));
    run(&home, &["revoke", "notes", "https://d.example"]).fails(2, "E-PLUGIN-047").says("https://b.example");
    run(&home, &["revoke", "notes", "https://b.example", "https://*.c.example"]).success();
    assert_eq!(hosts(), json!(["https://a.example", "http://192.168.1.10:8080"]));
    for (granted, again) in [
        ("https://bücher.example", "https://bücher.example"),
        ("https://a.example.com", "HTTPS://A.Example.com:443/"),
    ] {
        run(&home, &["grant", "notes", granted]).success();
        run(&home, &["revoke", "notes", again]).success();
    }
    assert_eq!(hosts(), json!(["https://a.example", "http://192.168.1.10:8080"]));
    run(&home, &["revoke", "notes"]).success();
    assert_eq!(hosts(), json!([]));
    run(&home, &["grant", "nots", "https://a.example"]).fails(2, "E-PLUGIN-012");
    for args in [&["grant", "s3", "https://a.example"][..], &["update", "s3"], &["remove", "s3", "--yes"]] {
        let ran = run(&home, args).fails(2, "E-PLUGIN-043").says("provider info s3");
        assert!(!ran.stderr.contains("provider.toml"), "{ran}");
    }
    let built_in = run(&home, &["grants", "orkee-cloud"]).success();
    assert!(built_in.stdout.contains("reaches the API URL of its tenant"), "{built_in}");
    built_in.says("part of Orkee: it reaches the API URL alone");
}

#[test]
fn p12_behind_a_proxy_grants_and_doctor_say_that_names_are_checked_as_written() {
    let mut home = with_notes();
    let note = "names, so they are checked as they are written";
    for args in [words(&["grants"]), vec!["doctor".to_owned()]] {
        let ran = home.run(&args).success();
        assert!(!ran.stdout.contains(note) && !ran.stderr.contains(note), "{ran}");
    }
    assert_eq!(home.json(words(&["grants"]))["names_checked_as_written"], false);
    home.set("HTTPS_PROXY", "http://proxy.example:3128");
    for args in [words(&["grants"]), vec!["doctor".to_owned()]] {
        let ran = home.run(&args).success();
        assert!(ran.stdout.contains(note) || ran.stderr.contains(note), "{ran}");
    }
    assert_eq!(home.json(words(&["grants"]))["names_checked_as_written"], true);
}

#[test]
fn p41_a_grants_file_may_be_edited_by_hand_and_keeps_its_modes() {
    let home = with_notes();
    let path = grants_file(&home);
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("https://a.example", "https://by-hand.example")).unwrap();
    assert_eq!(the_one(&home)["hosts"], json!(["https://by-hand.example"]));
    run(&home, &["grant", "notes", "https://b.example"]).success();
    assert_eq!(the_one(&home)["hosts"], json!(["https://by-hand.example", "https://b.example"]));
    for (path, is_folder) in [
        ("plugins", true),
        ("plugins/components", true),
        ("plugins/grants.toml", false),
        ("plugins/grants.lock", false),
    ] {
        assert_eq!(mode(&home.orkee().join(path)), if is_folder { 0o700 } else { 0o600 }, "{path}");
    }
}

/// The text with its first line that begins with `found` replaced, and that line's number.
fn with_line(text: &str, found: &str, line: &str) -> (String, usize) {
    let at = text.lines().position(|l| l.starts_with(found)).unwrap();
    let lines: Vec<_> = text.lines().enumerate().map(|(n, l)| if n == at { line } else { l }).collect();
    (lines.join("\n"), at + 1)
}

#[test]
fn p41_a_grants_file_with_nonsense_grants_nothing_and_says_where_it_is() {
    let home = with_notes();
    let path = grants_file(&home);
    let good = fs::read_to_string(&path).unwrap();
    let cases = [
        ("hosts", "hosts = [\"https://*\"]", "plugins.notes.current.hosts"),
        ("hosts", "hosts = [\"http://a.example\"]", "plugins.notes.current.hosts"),
        ("hosts", "hosts = \"https://a.example\"", "plugins.notes.current.hosts"),
        ("hosts", "host = [\"https://a.example\"]", "plugins.notes.current.host"),
        ("sha256", "sha256 = \"abc\"", "plugins.notes.current.sha256"),
        ("sha256", "sha256 = 7", "plugins.notes.current.sha256"),
        ("installed", "installed = \"yesterday\"", "plugins.notes.current.installed"),
        ("version", "version = [", "not TOML"),
        ("cpu", "cpu = \"9 h\"", "plugins.notes.current.limits.cpu"),
        ("cpu", "gpu = \"9 s\"", "plugins.notes.current.limits.gpu"),
        ("kind", "kind = \"guess\"", "plugins.notes.current.login.kind"),
        ("[plugins.notes.current]", "[plugins.s3.current]", "plugins.s3"),
        ("[plugins.notes.current]", "[plugins.\"Not A Name\".current]", "plugins"),
        ("[plugins.notes.current]", "[plugin.notes.current]", "plugin"),
        ("[plugins.notes.current.limits]", "[plugins.notes.current.login]", "not TOML"),
    ];
    for (found, line, says) in cases {
        let (text, number) = with_line(&good, found, line);
        fs::write(&path, text).unwrap();
        for args in [
            &["grants"][..],
            &["list"],
            &["info", "notes"],
            &["grant", "notes", "https://b.example"],
            &["install", "notes.wasm", "--yes"],
        ] {
            let ran = run(&home, args).exits(2);
            assert!(ran.stderr.contains("error[E-PLUGIN-040]"), "{line}: {ran}");
            assert!(
                ran.stderr.contains("plugins/grants.toml, line") && ran.stderr.contains(says),
                "{line}: {ran}"
            );
            assert!(ran.stderr.contains("until then nothing in the file is granted"), "{line}: {ran}");
        }
        let ran = run(&home, &["list"]);
        assert!(ran.stdout.contains("orkee-cloud") && !ran.stdout.contains("notes"), "{line}: {ran}");
        assert!(
            ran.stderr.contains(&format!("line {number}")) || says == "not TOML" || line.starts_with('['),
            "{line}: {ran}"
        );
        let ran = home.run(["doctor"]).exits(1);
        assert!(ran.stdout.contains("grants.toml"), "{line}: {ran}");
        // What needs no installed provider works on.
        home.run(["projects", "list"]).success();
        home.run(["cloud", "sync"]).fails(4, "E-AUTH-001");
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    run(&home, &["grants"]).fails(2, "E-PLUGIN-040");
    fs::write(&path, good).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
    let ran = run(&home, &["grants"]).fails(2, "E-PLUGIN-040");
    assert!(ran.stderr.contains("chmod 600"), "{ran}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(the_one(&home)["name"], "notes");
}

#[test]
fn p31_doctor_finds_a_component_that_was_replaced_or_is_gone() {
    let home = with_notes();
    let ran = home.run(["doctor"]).success();
    assert!(ran.stdout.contains("as they were installed: 1 component"), "{ran}");
    let sha256 = the_one(&home)["sha256"].as_str().unwrap().to_owned();
    let component = home.orkee().join(format!("plugins/components/{sha256}.wasm"));
    provider::file(&home, "other.wasm", &manifest("notes", "1", "hosts = []"));
    fs::copy(home.path("other.wasm"), &component).unwrap();
    let ran = home.run(["doctor"]).exits(1);
    assert!(ran.stdout.contains("is not what was installed"), "{ran}");
    let document = home.run(["doctor", "--json"]).exits(1).json();
    assert_eq!((&document["sound"], document["findings"].as_array().unwrap().len()), (&json!(false), 1));
    fs::remove_file(&component).unwrap();
    let ran = home.run(["doctor"]).exits(1).shows("provider install");
    assert!(ran.stdout.contains("is missing"), "{ran}");
    run(&home, &["install", "notes.wasm"]).success();
    home.run(["doctor"]).success();
}
