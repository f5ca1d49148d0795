//! `orkee` in front of a person: questions, tables, colours, narrow and simple terminals.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::process::ExitStatusExt;

use orkee_tests::home::Home;
use orkee_tests::terminal::Terminal;

fn at_terminal(home: &Home, args: &[&str], columns: u16) -> Terminal {
    let mut command = home.command(args);
    command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
    Terminal::open(command, columns)
}

#[test]
fn c60_s11_add_asks_for_what_is_missing_and_suggests_the_folders_name() {
    let home = Home::new();
    let folder = home.folder("shop");
    let mut terminal = at_terminal(&home, &["projects", "add", "--path", folder.to_str().unwrap()], 80);
    terminal.answer("Name", "\n");
    terminal.answer("Description", "Sells things\n");
    let (status, seen) = terminal.finish();
    assert!(status.success(), "{seen}");
    let project = &home.projects()[0];
    assert_eq!((&project["name"], &project["description"]), (&"shop".into(), &"Sells things".into()));
}

#[test]
fn c64_s11_delete_asks_and_only_a_yes_deletes() {
    let home = Home::new();
    let id = home.add("shop");
    for (answer, code, left) in [("\n", 1, 1), ("what\nn\n", 1, 1), ("\u{4}", 1, 1), ("y\n", 0, 0)] {
        let mut terminal = at_terminal(&home, &["projects", "delete", "shop"], 80);
        terminal.answer(&format!("Delete shop ({id})?"), answer);
        let (status, seen) = terminal.finish();
        assert_eq!(status.code(), Some(code), "{answer:?}: {seen}");
        assert_eq!(home.projects().len(), left, "{answer:?}: {seen}");
    }
}

#[test]
fn c24_no_input_never_asks_even_at_a_terminal() {
    let home = Home::new();
    home.add("shop");
    for args in [&["projects", "delete", "shop", "--no-input"][..], &["projects", "add", "--no-input"]] {
        let (status, seen) = at_terminal(&home, args, 80).finish();
        assert_eq!(status.code(), Some(2), "{seen}");
        assert!(seen.contains("--yes") || seen.contains("--name"), "{seen}");
    }
}

#[test]
fn c63_a_refused_text_can_be_opened_again_at_once() {
    let mut home = Home::new();
    let id = home.add("shop");
    // Breaks the text at first, and mends it when it is opened again.
    let script = r#"grep -q bad "$1" && sed -i 's/bad/building/' "$1" || sed -i 's/planning/bad/' "$1""#;
    let editor = home.file("editor.sh", script);
    home.set("EDITOR", format!("sh {}", editor.display()));
    let mut terminal = at_terminal(&home, &["projects", "edit", &id], 80);
    terminal.answer("Open it again?", "y\n");
    let (status, seen) = terminal.finish();
    assert!(status.success(), "{seen}");
    assert_eq!(home.projects()[0]["status"], "building");
}

#[test]
fn s05_s19_a_list_is_a_table_that_fits_any_terminal() {
    let home = Home::new();
    home.ok([
        "projects",
        "add",
        "--name",
        "日本語の名前がとても長いプロジェクト",
        "--tag",
        "a-long-tag",
        "--tag",
        "another",
    ]);
    home.add("short");
    for columns in [20, 60, 120] {
        let (status, seen) = at_terminal(&home, &["projects", "list", "--color", "never"], columns).finish();
        assert!(status.success(), "{seen}");
        assert_eq!(seen.lines().count(), 3, "{seen}");
        assert!(seen.starts_with("ID"), "{seen}");
        // A character takes at most two columns.
        let width =
            |line: &str| line.chars().map(|c| if c.is_ascii() || c == '…' { 1 } else { 2 }).sum::<usize>();
        assert!(seen.lines().all(|line| width(line) <= usize::from(columns)), "{columns}: {seen}");
    }
}

#[test]
fn s05_a_terminal_has_colour_unless_it_is_dumb_and_ascii_where_it_is_not_utf_8() {
    let home = Home::new();
    home.add("shop");
    let seen = |set: &[(&str, &str)]| {
        let mut command = home.command(["projects", "edit", "shop", "--add-tag", "x"]);
        command.env("TERM", "xterm").envs(set.iter().copied());
        Terminal::open(command, 80).finish().1
    };
    assert!(seen(&[]).contains("\u{1b}[32m✓"));
    for quiet in [("TERM", "dumb"), ("NO_COLOR", "1")] {
        let seen = seen(&[quiet]);
        assert!(!seen.contains('\u{1b}') && seen.contains('✓'), "{seen}");
    }
    let seen = seen(&[("LC_ALL", "C")]);
    assert!(!seen.contains('✓') && seen.contains("ok"), "{seen}");
}

#[test]
fn a_person_without_projects_is_told_how_to_add_one() {
    let home = Home::new();
    let (status, seen) = at_terminal(&home, &["projects", "list"], 80).finish();
    assert!(status.success() && seen.contains("orkee projects add"), "{seen}");
}

#[test]
fn c09_ctrl_c_at_a_question_ends_the_command_and_changes_nothing() {
    let home = Home::new();
    home.add("shop");
    let mut terminal = at_terminal(&home, &["projects", "delete", "shop"], 80);
    terminal.answer("Delete shop", "");
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&terminal.child),
        rustix::process::Signal::INT,
    )
    .unwrap();
    let (status, seen) = terminal.finish();
    // A shell tells a process that SIGINT ended as 130.
    assert!(status.signal() == Some(2) || status.code() == Some(130), "{status}: {seen}");
    assert_eq!(home.projects().len(), 1);
}
