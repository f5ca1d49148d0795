//! A provider after its installation: other versions of it, signatures, going back, taking it away.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

use orkee_tests::guests::{self, manifest};
use orkee_tests::home::Home;
use orkee_tests::provider::{self, installed, run, the_one, words};
use orkee_tests::tls::{Page, TlsServer};
use serde_json::json;

const HOST: &str = "hosts = [\"https://a.example\"]";
const HOSTS: &str = "hosts = [\"https://a.example\", \"https://b.example\"]";

fn components(home: &Home) -> Vec<PathBuf> {
    let folder = home.orkee().join("plugins/components");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn p41_the_same_file_passes_and_any_other_asks_again() {
    let home = Home::new();
    let one = provider::file(&home, "one.wasm", &manifest("notes", "1", HOST));
    provider::install(&home, &one);
    let before = the_one(&home);
    run(&home, &["install", "one.wasm"]).success();
    assert_eq!(the_one(&home), before);
    for more in [HOST, HOSTS, "hosts = []"] {
        provider::file(&home, "two.wasm", &manifest("notes", "2", more));
        run(&home, &["install", "two.wasm"]).fails(2, "E-CLI-003").says("provider install two.wasm --yes");
        run(&home, &["update", "notes", "two.wasm"])
            .fails(2, "E-CLI-003")
            .says("update notes two.wasm --yes");
        assert_eq!(the_one(&home), before);
    }
}

#[test]
fn p41_a_grant_that_was_taken_away_is_asked_for_again_even_by_the_same_file() {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "one.wasm", &manifest("notes", "1", HOSTS)));
    run(&home, &["revoke", "notes", "https://b.example"]).success();
    let ran = run(&home, &["install", "one.wasm"]).fails(2, "E-CLI-003");
    assert!(ran.stderr.contains("+ https://b.example"), "{ran}");
    assert!(ran.stderr.contains("  https://a.example"), "{ran}");
    assert_eq!(the_one(&home)["hosts"], json!(["https://a.example"]));
    run(&home, &["install", "one.wasm", "--yes"]).success();
    assert_eq!(the_one(&home)["hosts"], json!(["https://a.example", "https://b.example"]));
}

#[test]
fn p41_what_the_user_granted_by_hand_outlives_an_update() {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "one.wasm", &manifest("notes", "1", HOSTS)));
    run(&home, &["grant", "notes", "https://mine.example"]).success();
    provider::file(&home, "two.wasm", &manifest("notes", "2", HOST));
    run(&home, &["update", "notes", "two.wasm", "--yes"]).success();
    assert_eq!(the_one(&home)["hosts"], json!(["https://a.example", "https://mine.example"]));
}

#[test]
fn p43_the_first_key_is_remembered_and_no_other_and_no_missing_one_takes_its_place() {
    let home = Home::new();
    let (key, other) = (guests::key(), guests::key());
    let file = |name: &str, version: &str, key| {
        home.file(name, guests::signed(&manifest("notes", version, ""), key))
    };
    file("one.wasm", "1", &key);
    let ran = run(&home, &["install", "one.wasm", "--yes"]).success();
    assert!(ran.stderr.contains(&key.public().to_string()), "{ran}");
    let before = the_one(&home);
    file("two.wasm", "2", &other);
    provider::file(&home, "unsigned.wasm", &manifest("notes", "2", ""));
    for (name, found) in
        [("two.wasm", other.public().to_string()), ("unsigned.wasm", "not signed".to_owned())]
    {
        for args in [&["install", name, "--yes"][..], &["update", "notes", name, "--yes"]] {
            let ran = run(&home, args).fails(2, "E-PLUGIN-044").says(&found).says("provider remove notes");
            assert!(ran.stderr.contains(&key.public().to_string()), "{ran}");
            assert_eq!(the_one(&home), before);
        }
    }
    file("three.wasm", "3", &key);
    run(&home, &["update", "notes", "three.wasm", "--yes"]).success();
    // Who checked, and means it, takes it away first.
    run(&home, &["remove", "notes", "--yes"]).success();
    run(&home, &["install", "two.wasm", "--yes"]).success();
    assert_eq!(home.json(words(&["info", "notes"]))["key"], other.public().to_string());
}

#[test]
fn p43_a_signature_that_does_not_fit_is_refused_and_a_first_one_is_remembered_from_then_on() {
    let home = Home::new();
    let key = guests::key();
    provider::install(&home, &provider::file(&home, "one.wasm", &manifest("notes", "1", "")));
    assert_eq!(home.json(words(&["info", "notes"]))["key"], json!(null));
    let mut signed = guests::signed(&manifest("notes", "2", ""), &key);
    home.file("two.wasm", &signed);
    let middle = signed.len() / 2;
    signed[middle] ^= 1;
    home.file("altered.wasm", &signed);
    run(&home, &["update", "notes", "altered.wasm", "--yes"]).fails(2, "E-PLUGIN-032");
    run(&home, &["update", "notes", "two.wasm", "--yes"]).success();
    provider::file(&home, "three.wasm", &manifest("notes", "3", ""));
    run(&home, &["update", "notes", "three.wasm", "--yes"]).fails(2, "E-PLUGIN-044");
}

#[test]
fn p44_an_update_shows_the_difference_and_a_rollback_brings_the_old_one_back() {
    let home = Home::new();
    let login = "[login]\nkind = \"token\"\n[limits]\nmemory = \"100 MiB\"";
    provider::install(
        &home,
        &provider::file(
            &home,
            "one.wasm",
            &manifest("notes", "1.0", &format!("{HOST}\ntenants = [\"acme\"]")),
        ),
    );
    let one = the_one(&home);
    provider::file(
        &home,
        "two.wasm",
        &manifest("notes", "2.0", &format!("hosts = [\"https://b.example\"]\n{login}")),
    );
    let ran = run(&home, &["update", "notes", "two.wasm", "--yes"]).success();
    let two = the_one(&home);
    let digest = |provider: &serde_json::Value| provider["sha256"].as_str().unwrap().to_owned();
    for shown in [
        "1.0 → 2.0".to_owned(),
        format!("- {}", digest(&one)),
        format!("+ {}", digest(&two)),
        "+ https://b.example".to_owned(),
        "- https://a.example".to_owned(),
        "+ a token".to_owned(),
        "- acme".to_owned(),
        "+ memory 100 MiB".to_owned(),
    ] {
        assert!(ran.stderr.contains(&shown), "{shown:?}: {ran}");
    }
    assert_eq!(
        (&two["version"], &two["hosts"], &two["tenants"]),
        (&json!("2.0"), &json!(["https://b.example"]), &json!([]))
    );
    assert_eq!(home.json(words(&["info", "notes"]))["previous"]["version"], "1.0");
    assert_eq!(components(&home).len(), 2);
    // The old one may reach what the present one may not: that is asked for, too.
    run(&home, &["rollback", "notes"]).fails(2, "E-CLI-003").says("+ https://a.example");
    assert_eq!(the_one(&home), two);
    run(&home, &["rollback", "notes", "--yes"]).success();
    assert_eq!(the_one(&home), one);
    run(&home, &["rollback", "notes", "--yes"]).success();
    assert_eq!(the_one(&home), two);
    // A third version takes the place of the second, which is the one that is kept.
    provider::file(&home, "three.wasm", &manifest("notes", "3.0", ""));
    run(&home, &["update", "notes", "three.wasm", "--yes"]).success();
    assert_eq!(home.json(words(&["info", "notes"]))["previous"]["version"], "2.0");
    assert_eq!(components(&home).len(), 2);
}

#[test]
fn p44_there_is_nothing_to_go_back_to_after_an_installation() {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "one.wasm", &manifest("notes", "1", "")));
    run(&home, &["rollback", "notes", "--yes"]).fails(2, "E-PLUGIN-045");
    run(&home, &["rollback", "nots", "--yes"]).fails(2, "E-PLUGIN-012").says("installed: notes");
    run(&home, &["update", "s3", "--yes"]).fails(2, "E-PLUGIN-043");
    provider::file(&home, "other.wasm", &manifest("other", "1", ""));
    run(&home, &["update", "notes", "other.wasm", "--yes"])
        .fails(2, "E-PLUGIN-043")
        .says("`other`, not `notes`");
}

#[test]
fn p44_nothing_asks_for_a_newer_version_by_itself() {
    let server = TlsServer::start();
    let mut home = Home::new();
    home.set("SSL_CERT_FILE", server.authority());
    let url = server.put("/notes.wasm", Page::Body(guests::packed(&manifest("notes", "1", ""))));
    run(&home, &["install", &url, "--yes"]).success();
    server.put("/notes.wasm", Page::Body(guests::packed(&manifest("notes", "2", ""))));
    assert_eq!(server.asked().len(), 1);
    for args in [
        &["list"][..],
        &["info", "notes"],
        &["grants"],
        &["grant", "notes", "https://a.example"],
        &["logs", "notes"],
        &["revoke", "notes"],
    ] {
        run(&home, args).success();
    }
    home.run(["doctor"]).success();
    home.run(["cloud", "status", "--offline"]);
    home.run(["cloud", "sync"]);
    assert_eq!(server.asked().len(), 1, "{:?}", server.asked());
    assert_eq!(the_one(&home)["version"], "1");
    // Asked to, it takes it from where it came from.
    run(&home, &["update", "notes", "--yes"]).success();
    assert_eq!((server.asked().len(), &the_one(&home)["version"]), (2, &json!("2")));
    let ran = run(&home, &["update", "notes"]).success();
    assert!(ran.stdout.contains("nothing was changed"), "{ran}");
}

#[test]
fn p45_remove_takes_away_the_grant_the_components_and_the_state() {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "one.wasm", &manifest("notes", "1", "")));
    provider::install(&home, &provider::file(&home, "two.wasm", &manifest("notes", "2", "")));
    provider::install(&home, &provider::file(&home, "other.wasm", &manifest("other", "1", "")));
    let state = home.orkee().join("plugins/notes");
    let kept = home.orkee().join("plugins/orkee-cloud");
    for folder in [&state, &kept] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("personal.json"), "{}").unwrap();
    }
    run(&home, &["remove", "notes"]).fails(2, "E-CLI-003").says("provider remove notes --yes");
    run(&home, &["remove", "notes", "--yes"]).success();
    assert_eq!(the_one(&home)["name"], "other");
    assert_eq!(components(&home).len(), 1);
    assert!(!state.exists() && kept.join("personal.json").exists());
    run(&home, &["remove", "notes", "--yes"]).fails(2, "E-PLUGIN-012");
    run(&home, &["remove", "other", "--yes"]).success();
    assert!(installed(&home).is_empty() && components(&home).is_empty());
}

#[test]
fn logs_show_what_a_provider_wrote_the_newest_last_and_nothing_of_anybody_else() {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "one.wasm", &manifest("notes", "1", "")));
    let ran = run(&home, &["logs", "notes"]).success();
    assert!(ran.stdout.is_empty() && ran.stderr.contains("has written anything"), "{ran}");
    let line = |n: usize, target: &str, plugin: &str| {
        let said = format!("line {n} \u{1b}[31mred");
        let line = json!({"timestamp": format!("2026-01-01T00:00:{:02}.000Z", n % 60), "level": "warn", "message": said, "target": target, "plugin": plugin});
        format!("{line}\n")
    };
    let plugin = "orkee::cloud::plugin";
    let older: String = (0..150).map(|n| line(n, plugin, "notes")).collect();
    let newer = [
        line(150, "orkee::cloud", "notes"),
        line(151, plugin, "other"),
        "no JSON\n".to_owned(),
        line(152, plugin, "notes"),
    ];
    fs::create_dir_all(home.orkee().join("logs")).unwrap();
    fs::write(home.orkee().join("logs/orkee.log.1"), older).unwrap();
    fs::write(home.orkee().join("logs/orkee.log"), newer.concat()).unwrap();
    let lines: Vec<_> = run(&home, &["logs", "notes"]).success().stdout.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 100, "{lines:?}");
    assert_eq!(lines[99], "2026-01-01T00:00:32.000Z warn  notes: line 152 [31mred");
    assert!(lines[98].contains("line 149 ") && lines[0].contains("line 51 "), "{lines:?}");
    let logs = home.json(words(&["logs", "--limit", "2"]));
    let plugins: Vec<_> = logs["lines"].as_array().unwrap().iter().map(|line| &line["plugin"]).collect();
    assert_eq!(plugins, ["other", "notes"]);
    run(&home, &["logs", "nots"]).fails(2, "E-PLUGIN-012");
    run(&home, &["logs", "orkee-cloud"]).success();
}
