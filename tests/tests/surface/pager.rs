//! Long output on a terminal.

use std::path::PathBuf;
use std::process::Command;

use orkee_tests::home::Home;
use orkee_tests::terminal::Terminal;

/// So many projects, and a pager that marks what goes through it.
fn home(count: usize) -> (Home, PathBuf) {
    let home = Home::new();
    let lines: Vec<String> =
        (0..count).map(|n| format!(r#"{{"id":"{n:08}","name":"project {n}"}}"#)).collect();
    home.run_with(["projects", "import", "-", "--format", "ndjson"], lines.join("\n")).success();
    let pager = home.file("pager.sh", "echo \"paged: $*\"; exec cat");
    (home, pager)
}

fn list(home: &Home, args: &[&str], set: &[(&str, String)]) -> Command {
    let mut command = home.command([&["projects", "list"], args].concat());
    command.env("TERM", "xterm").env("LANG", "C.UTF-8").envs(set.iter().map(|(name, value)| (name, value)));
    command
}

fn seen(home: &Home, args: &[&str], set: &[(&str, String)]) -> String {
    let (status, seen) = Terminal::open(list(home, args, set), 80).finish();
    assert!(status.success(), "{seen}");
    seen
}

#[test]
fn s15_long_output_goes_through_the_pager_that_is_wanted_and_short_output_does_not() {
    let (home, pager) = home(100);
    let by = |name: &'static str, word: &str| (name, format!("sh {} {word}", pager.display()));
    let paged = |set: &[(&str, String)]| seen(&home, &[], set);
    assert!(paged(&[by("PAGER", "b")]).starts_with("paged: b"));
    assert!(paged(&[by("ORKEE_PAGER", "a"), by("PAGER", "b")]).starts_with("paged: a"));
    for set in [&[("ORKEE_PAGER", "cat".to_owned())][..], &[("ORKEE_PAGER", String::new()), by("PAGER", "b")]]
    {
        let seen = paged(set);
        assert!(!seen.contains("paged") && seen.contains("project 99"), "{seen}");
    }
    let set = [by("PAGER", "b")];
    for args in [&["--no-pager"][..], &["--limit", "5"], &["--json"], &["--no-input"]] {
        let seen = seen(&home, args, &set);
        assert!(!seen.contains("paged"), "{args:?}: {seen}");
    }
    let mut piped = list(&home, &[], &set);
    let piped = piped.output().unwrap();
    assert!(!String::from_utf8_lossy(&piped.stdout).contains("paged"));
}

#[test]
fn s15_a_pager_that_is_not_there_fails_or_is_killed_loses_nothing() {
    let (home, _) = home(100);
    for pager in ["/no/such/pager", "false", "exit 3", "kill -9 $$", "sh -c 'kill -SEGV $$'; exit $?"] {
        let seen = seen(&home, &[], &[("PAGER", pager.to_owned())]);
        assert!(
            seen.contains("the pager `") && seen.contains("project 0") && seen.contains("project 99"),
            "{seen}"
        );
    }
}

#[test]
fn s15_what_a_pager_has_read_to_its_end_is_not_shown_again_however_it_ends() {
    let (home, _) = home(3000);
    for pager in ["cat; false", "cat; exit 3", "cat > /dev/null; exit 1"] {
        let seen = seen(&home, &[], &[("PAGER", pager.to_owned())]);
        let shown = usize::from(!pager.contains("/dev/null"));
        assert_eq!(seen.matches("project 2999").count(), shown, "{pager}");
        assert!(!seen.contains("the pager"), "{pager}");
    }
    // One that stops in the middle of more than a pipe holds, and says that it failed.
    let seen = seen(&home, &[], &[("PAGER", "head -c 100; exit 1".to_owned())]);
    assert!(seen.contains("the pager `head -c 100; exit 1` did not show this: it ended with 1"), "{seen}");
    assert!(seen.contains("project 2999"));
}

#[test]
fn s15_ctrl_c_belongs_to_the_pager_and_leaving_it_is_no_failure() {
    let (home, _) = home(3000);
    // A pager that says when it is there, and ends when it is told to without having read it all.
    let go = home.path("go");
    let script = format!("head -1; echo ready; until [ -e '{}' ]; do sleep 0.05; done", go.display());
    let pager = home.file("waits.sh", script);
    let mut terminal = Terminal::open(list(&home, &[], &[("PAGER", format!("sh {}", pager.display()))]), 80);
    terminal.wait_for("ready");
    terminal.interrupt();
    std::fs::write(go, "").unwrap();
    let (status, seen) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{seen}");
}

#[test]
fn s15_help_history_and_the_audit_trail_are_paged_too() {
    let (home, pager) = home(1);
    for n in 0..40 {
        home.ok(["projects", "edit", "00000000", "--description", &n.to_string()]);
        home.ok(["config", "set", "history.versions", &(100 + n).to_string()]);
    }
    for args in
        [&["projects", "history", "00000000"][..], &["audit"], &["help", "env"], &["help", "projects", "add"]]
    {
        let mut command = home.command(args);
        command.env("TERM", "xterm").env("PAGER", format!("sh {} it", pager.display()));
        let (status, seen) = Terminal::open(command, 80).finish();
        assert!(status.success() && seen.contains("paged: it"), "{args:?}: {seen}");
    }
}
