//! Help: of every command at three widths, and as JSON.

use std::collections::BTreeSet;
use std::thread;

use orkee_tests::home::{Home, finish};
use orkee_tests::terminal::Terminal;
use serde_json::Value;

use super::{golden, grammar};

/// The long help of every command, one after the other.
fn help_of_all(columns: usize) -> String {
    let commands = grammar::commands();
    let home = Home::new();
    let of = |words: &[String]| {
        let mut command = home.command(words);
        command.arg("--help").env("COLUMNS", columns.to_string());
        finish(command, &[]).success().stdout
    };
    let (first, second) = commands.split_at(commands.len() / 2);
    let texts = |part: &[grammar::Command]| -> Vec<String> {
        part.iter().map(|command| format!("==> {}\n{}\n", command.name(), of(&command.words))).collect()
    };
    thread::scope(|scope| {
        let first = scope.spawn(|| texts(first));
        let second = texts(second);
        [first.join().unwrap(), second].concat().concat()
    })
}

#[test]
fn s01_s02_help_of_every_command_is_as_in_the_golden_files_and_fits() {
    for columns in [60, 80, 120] {
        let text = help_of_all(columns);
        golden::is(&format!("help-{columns}.txt"), &text);
        // Examples stand as they are typed; everything else is wrapped.
        let wide = text.lines().filter(|line| line.chars().count() > columns && !line.contains("orkee "));
        assert_eq!(wide.collect::<Vec<_>>(), [] as [&str; 0], "at {columns} columns");
    }
}

#[test]
fn s01_short_help_is_shorter_and_a_terminal_decides_its_width() {
    let home = Home::new();
    let lines = |args: &[&str]| home.ok(args).lines().count();
    assert!(lines(&["cloud", "sync", "-h"]) < lines(&["cloud", "sync", "--help"]));
    let (status, seen) = Terminal::open(home.command(["projects", "add", "-h"]), 60).finish();
    assert!(status.success());
    assert!(
        seen.lines().all(|line| line.contains("orkee ") || line.trim_end().chars().count() <= 60),
        "{seen}"
    );
}

#[test]
fn s01_s02_help_as_json_has_every_command_flag_value_default_setting_and_exit_code() {
    let home = Home::new();
    let told = home.json(["help"]);
    let commands = grammar::commands();
    let names: BTreeSet<&str> = commands.iter().map(grammar::Command::name).collect();
    for command in &commands {
        for sub in command.about["subcommands"].as_array().unwrap() {
            let below = format!("{} {}", command.name(), sub.as_str().unwrap());
            assert!(names.contains(below.as_str()), "{below}");
        }
        let examples = command.examples();
        assert!(examples.len() >= 2, "{} has {examples:?}", command.name());
        let undocumented = |part: &str| {
            let parts = command.about[part].as_array().unwrap();
            parts.iter().filter(|one| one["about"] == "").cloned().collect::<Vec<Value>>()
        };
        assert!(command.about["about"] != "", "{}", command.name());
        assert_eq!(
            [undocumented("flags"), undocumented("values")].concat(),
            [] as [Value; 0],
            "{}",
            command.name()
        );
    }
    let list = commands.iter().find(|command| command.name() == "orkee projects list").unwrap();
    let sort = list.about["flags"].as_array().unwrap().iter().find(|flag| flag["long"] == "sort").unwrap();
    assert_eq!([&sort["value"], &sort["default"]], ["FIELD", "name"]);
    let codes: Vec<_> =
        told["exit_codes"].as_array().unwrap().iter().map(|one| one["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 130]);
    let environment = home.ok(["help", "env"]);
    for setting in told["settings"].as_array().unwrap() {
        assert!(environment.contains(setting["variable"].as_str().unwrap()), "{setting}");
    }
    let one = home.json(["help", "projects", "add"]);
    assert_eq!(one["commands"].as_array().unwrap().len(), 1);
    assert_eq!(home.json(["help", "json"])["topic"], "json");
}
