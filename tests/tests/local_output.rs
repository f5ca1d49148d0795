//! How `orkee` speaks: to a script, to a pipe that closes, to a full disk, to a terminal of any kind.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::os::unix::fs::PermissionsExt;

use orkee_tests::home::{Home, finish};
use serde_json::Value;

#[test]
fn c03_s03_wrong_use_is_told_with_what_was_meant() {
    let home = Home::new();
    home.run(["projects", "lst"]).fails(2, "E-CLI-001").says("list");
    home.run(["projects", "list", "--statsu", "building"]).fails(2, "E-CLI-001").says("--status");
    home.run(["projects", "list", "--status", "bulding"]).fails(2, "E-CLI-001").says("planning, building");
    home.run(["projects", "add", "--priority", "urgent"])
        .fails(2, "E-CLI-001")
        .says("low, medium, high")
        .says("orkee projects add --help");
}

#[test]
fn c11_an_error_says_what_failed_why_and_what_to_do_next() {
    let home = Home::new();
    home.add("shop");
    std::fs::write(home.orkee().join("config.toml"), "[cloud\n").unwrap();
    let ran = home.run(["projects", "list"]).fails(2, "E-CONFIG-003");
    let begins: Vec<&str> =
        ran.stderr.lines().filter_map(|line| line.split_once(": ").map(|(word, _)| word)).collect();
    assert_eq!(begins, ["error[E-CONFIG-003]", "caused by", "hint"], "{ran}");
    let told = home.run(["projects", "list", "--json"]).exits(2).json()["error"].clone();
    assert_eq!(told["causes"].as_array().unwrap().len(), 1, "{told}");
}

#[test]
fn c12_an_error_under_json_is_one_object_on_stdout_with_the_same_exit_code() {
    let home = Home::new();
    for (args, code, error) in [
        (&["projects", "show", "nothing", "--json"][..], 2, "E-STORE-010"),
        (&["--json", "projects", "add"], 2, "E-CLI-001"),
        (&["projects", "list", "--statsu", "x", "--json"], 2, "E-CLI-001"),
        (&["projects", "import", "/no/such/file", "--json"], 2, "E-TRANSFER-008"),
    ] {
        let ran = home.run(args).exits(code);
        let told = ran.json()["error"].clone();
        assert_eq!(told["code"], error, "{ran}");
        assert!(
            told["message"].is_string() && told["causes"].is_array() && told["hint"].is_string(),
            "{ran}"
        );
        assert_eq!(told["request_id"], Value::Null, "{ran}");
        assert_eq!(ran.stderr, "", "{ran}");
    }
}

#[test]
fn c20_c21_json_works_on_every_local_command_and_stdout_holds_one_object() {
    let home = Home::new();
    let id = home.add("shop");
    let file = home.file("x.json", r#"{"version":1,"projects":[]}"#);
    let folder = home.folder("here");
    let commands: [&[&str]; 12] = [
        &["list"],
        &["show", &id],
        &["edit", &id, "--status", "review"],
        &["history", &id],
        &["revert", &id, "--to", "1"],
        &["locate", &id, folder.to_str().unwrap()],
        &["export"],
        &["export", "--output", "y.json"],
        &["import", file.to_str().unwrap()],
        &["delete", &id, "--yes"],
        &["restore", &id],
        &["add", "--name", "shop"],
    ];
    for command in commands {
        let ran = home.run([&["projects"], command, &["--json"]].concat()).success();
        assert_eq!(ran.json()["schema_version"], 1, "{ran}");
        assert_eq!(ran.stdout.matches("schema_version").count(), 1, "{ran}");
    }
}

#[test]
fn c15_control_characters_of_data_never_reach_the_terminal() {
    let home = Home::new();
    // A name that no person may type, as an older version or another device could have written it.
    let file = r#"{"version":1,"projects":[{"id":"AAAAAAAA","name":"shop","description":"\u001b]0;owned\u0007\u009b2J","x\u001b[31m":"\u001b[2J"}]}"#;
    home.run_with(["projects", "import", "-"], file).success();
    for args in [&["projects", "show", "shop"][..], &["projects", "list"], &["projects", "history", "shop"]] {
        let ran = home.run(args).success();
        assert!(!ran.stdout.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{ran}");
    }
    let ran = home.run(["projects", "show", "\u{1b}[31mred"]).exits(2);
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
}

#[test]
fn c10_a_reader_that_goes_away_is_no_error() {
    let home = Home::new();
    let many: Vec<String> = (0..3000).map(|n| format!(r#"{{"id":"{n:08}","name":"project {n}"}}"#)).collect();
    home.run_with(["projects", "import", "-", "--format", "ndjson"], many.join("\n")).success();
    for command in ["list", "list --json", "export", "export --format ndjson", "list >&-; echo closed"] {
        let shell = home.shell(&format!("set -o pipefail; \"$ORKEE\" projects {command} | head -1"));
        let ran = finish(shell, &[]);
        assert!(!ran.stderr.contains("panicked"), "{ran}");
        if !command.contains("closed") {
            let ran = ran.success();
            assert_eq!((ran.stdout.lines().count(), ran.stderr.as_str()), (1, ""), "{ran}");
        }
    }
}

#[test]
fn s19_a_full_disk_behind_standard_output_is_an_error_and_the_work_is_done() {
    let home = Home::new();
    home.add("shop");
    for args in
        [&["list"][..], &["show", "shop"], &["export"], &["list", "--json"], &["add", "--name", "second"]]
    {
        let mut shell = home.shell("exec \"$ORKEE\" projects \"$@\" > /dev/full");
        shell.arg("bash").args(args);
        let ran = finish(shell, &[]).exits(1);
        assert!(ran.stderr.starts_with("error[E-CLI-005]: cannot write to standard output"), "{ran}");
    }
    assert_eq!(home.projects().len(), 2, "the project was added, only telling failed");
}

#[test]
fn c23_quiet_leaves_errors_and_data_and_twice_quiet_leaves_nothing() {
    let home = Home::new();
    let ran = home.run(["projects", "add", "--name", "shop", "-q"]).success();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert!(home.ok(["projects", "list", "-q"]).contains("shop"));
    home.run(["projects", "show", "x", "-q"]).fails(2, "E-STORE-010");
    let ran = home.run(["projects", "show", "x", "-qq"]).exits(2);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

#[test]
fn s05_colour_follows_the_flag_and_the_environment_and_stays_out_of_pipes() {
    let mut home = Home::new();
    home.add("shop");
    let show = |home: &Home, args: &[&str]| home.ok([&["projects", "show", "shop"], args].concat());
    assert!(!show(&home, &[]).contains('\u{1b}'));
    assert!(show(&home, &["--color", "always"]).contains('\u{1b}'));
    home.set("CLICOLOR_FORCE", "1");
    assert!(show(&home, &[]).contains('\u{1b}'));
    assert!(!show(&home, &["--color", "never"]).contains('\u{1b}'));
    home.set("NO_COLOR", "1");
    assert!(!show(&home, &[]).contains('\u{1b}'));
    let mut home = Home::new();
    home.add("shop");
    home.set("FORCE_COLOR", "1");
    assert!(show(&home, &[]).contains('\u{1b}'));
}

#[test]
fn s18_everything_that_orkee_makes_is_its_owners_alone() {
    let home = Home::new();
    home.add("shop");
    home.ok(["projects", "export", "--output", "out.json"]);
    let mut seen = 0;
    for folder in [home.orkee(), home.folder("")] {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            let mode = std::fs::metadata(&entry).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is {mode:o}", entry.display());
            seen += 1;
        }
    }
    assert!(seen >= 2);
    assert_eq!(std::fs::metadata(home.orkee()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn s01_s02_every_command_explains_itself_with_two_examples() {
    let home = Home::new();
    let help = |args: &[&str]| home.ok([args, &["--help"]].concat());
    let mut commands = vec![vec!["projects"], vec!["completions"], vec!["help"]];
    let top = help(&["projects"]);
    let listed = top.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.trim().is_empty());
    let listed: Vec<String> = listed.map(|l| l.split_whitespace().next().unwrap().to_owned()).collect();
    assert!(listed.len() >= 11, "{top}");
    commands.extend(listed.iter().map(|name| vec!["projects", name.as_str()]));
    for command in commands {
        let text = help(&command);
        let examples =
            text.lines().skip_while(|l| *l != "Examples:").filter(|l| l.starts_with("  orkee ")).count();
        assert!(examples >= 2, "{command:?}\n{text}");
    }
}

#[test]
fn s01_help_explains_what_is_common_to_all_commands() {
    let home = Home::new();
    for (topic, text) in [
        ("env", "ORKEE_CLOUD_API_URL"),
        ("exit-codes", "130  interrupted"),
        ("json", "schema_version"),
        ("auth", "orkee cloud login"),
    ] {
        let page = home.ok(["help", topic]);
        assert!(page.contains(text), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    }
    assert_eq!(home.ok(["help", "projects", "add"]), home.ok(["projects", "add", "--help"]));
    home.run(["help", "nothing"]).fails(2, "E-CLI-001").says("exit-codes");
    home.run([""; 0]).exits(2).says("Usage: orkee");
}

#[test]
fn starting_makes_nothing_and_a_command_that_fails_early_neither() {
    let home = Home::new();
    home.ok(["--version"]);
    home.ok(["--help"]);
    home.ok(["completions", "bash"]);
    home.run(["projects", "list", "--no-such-flag"]).exits(2);
    assert!(!home.orkee().exists());
}

#[test]
fn c20_a_listing_to_a_file_is_complete() {
    let home = Home::new();
    let many: Vec<String> = (0..2000).map(|n| format!(r#"{{"id":"{n:08}","name":"project {n}"}}"#)).collect();
    home.run_with(["projects", "import", "-", "--format", "ndjson"], many.join("\n")).success();
    let path = home.path("list.json");
    let mut command = home.command(["projects", "list", "--json"]);
    command.stdout(File::create(&path).unwrap());
    assert!(command.status().unwrap().success());
    let list: Value = serde_json::from_reader(File::open(path).unwrap()).unwrap();
    assert_eq!(list["projects"].as_array().unwrap().len(), 2000);
}
