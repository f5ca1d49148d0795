//! `orkee ui` in front of a person: the real binary on a terminal that can be looked at.

#![allow(clippy::unwrap_used, clippy::panic)]

mod cloud;

use std::process::Command;

use orkee_tests::folder;
use orkee_tests::home::Home;
use orkee_tests::tmux::Tmux;
use rustix::process::Signal;

const LOCALE: &str = "C.UTF-8";

fn ui(home: &Home) -> Command {
    let mut command = home.command(["ui"]);
    command.env("LANG", LOCALE);
    command
}

fn some() -> Home {
    let home = Home::new();
    for (name, status, tag) in
        [("shop", "building", "web"), ("site", "launched", "rust"), ("日本語", "review", "日")]
    {
        home.ok(["projects", "add", "--name", name, "--status", status, "--tag", tag]);
    }
    home
}

#[test]
fn d60_d72_the_screen_follows_the_terminals_size_and_what_others_write() {
    let home = some();
    let Some(tmux) = Tmux::open(&ui(&home), 100, 30) else { return };
    let screen = tmux.wait_for("? help  q quit");
    for told in ["Projects  3, by name", "▌   shop", "building", "│ status      building", "日本語"] {
        assert!(screen.contains(told), "{told}:\n{screen}");
    }
    tmux.resize(40, 10);
    let screen =
        tmux.wait_until("a narrow screen", |screen| !screen.contains('│') && screen.contains("q quit"));
    assert!(screen.contains("▌   shop") && screen.contains("STATUS"), "{screen}");
    tmux.resize(20, 24);
    tmux.wait_for("orkee ui needs");
    tmux.resize(200, 50);
    let screen = tmux.wait_for("UPDATED");
    assert!(
        screen.contains("just now") || screen.contains("s ago") || screen.contains("min ago"),
        "{screen}"
    );
    home.ok(["projects", "add", "--name", "another"]);
    let screen = tmux.wait_for("another");
    // Whoever is at a project stays there.
    assert!(screen.contains("Projects  4") && screen.contains("▌   shop"), "{screen}");
    assert!(!tmux.shows_cursor());
}

#[test]
fn d63_d64_projects_are_found_added_deleted_and_taken_back_from_the_keyboard() {
    let home = some();
    let Some(tmux) = Tmux::open(&ui(&home), 100, 30) else { return };
    tmux.wait_for("q quit");
    tmux.press(&["/"]);
    tmux.write("rust");
    tmux.wait_for("Projects  1 of 3, by name  /rust");
    tmux.press(&["Enter", "d"]);
    tmux.wait_for("Delete site (");
    tmux.press(&["y"]);
    tmux.wait_for("Deleted site. u takes it back");
    assert_eq!(home.projects().len(), 2);
    tmux.press(&["Escape"]);
    tmux.wait_for("Projects  2, by name");
    tmux.press(&["n"]);
    tmux.wait_for("New project");
    tmux.write("a new one");
    tmux.press(&["Enter"]);
    tmux.wait_for("Added a new one. u takes it back");
    let added = home.json(["projects", "show", "a new one"]);
    assert_eq!(added["project"]["projectRoot"], home.path("").to_str().unwrap().trim_end_matches('/'));
    tmux.press(&["u"]);
    tmux.wait_for("Took back the new project");
    tmux.press(&["u"]);
    tmux.wait_for("site is back");
    assert_eq!(home.projects().len(), 3);
}

#[test]
fn d67_a_project_goes_back_to_what_it_was() {
    let home = some();
    home.ok(["projects", "edit", "shop", "--description", "the first"]);
    home.ok(["projects", "edit", "shop", "--description", "the second"]);
    let Some(tmux) = Tmux::open(&ui(&home), 80, 24) else { return };
    tmux.wait_for("q quit");
    tmux.press(&["h"]);
    let screen = tmux.wait_for("History of shop");
    assert!(screen.contains("- the first") && screen.contains("+ the second"), "{screen}");
    tmux.press(&["j", "r"]);
    tmux.wait_for("Make shop what it was in version 2?");
    tmux.press(&["y"]);
    tmux.wait_for("As in version 2 again: description");
    assert_eq!(home.json(["projects", "show", "shop"])["project"]["description"], "the first");
}

#[test]
fn d69_the_editor_has_the_screen_and_gives_it_back() {
    let mut home = some();
    let script = r#"echo "the editor is here"; read -r answer; sed -i "s/building/$answer/" "$1""#;
    let editor = home.file("editor.sh", script);
    home.set("EDITOR", format!("bash {}", editor.display()));
    let Some(tmux) = Tmux::open(&ui(&home), 100, 30) else { return };
    tmux.wait_for("q quit");
    tmux.press(&["e"]);
    tmux.wait_for("the editor is here");
    assert!(!tmux.is_on_alternate_screen());
    tmux.write("launched");
    tmux.press(&["Enter"]);
    tmux.wait_for("Changed status of shop. u takes it back");
    assert_eq!(home.json(["projects", "show", "shop"])["project"]["status"], "launched");
    // A text that is none is refused with the reason, and the interface goes on.
    std::fs::write(&editor, r#"echo "{" > "$1""#).unwrap();
    tmux.press(&["e"]);
    tmux.wait_for("Open it again?");
    tmux.press(&["n", "Enter"]);
    let screen = tmux.wait_for("error[E-EDIT-005]");
    assert!(screen.contains("hint: your text is kept"), "{screen}");
    tmux.press(&["Escape"]);
    tmux.wait_until("the list", |screen| !screen.contains("E-EDIT-005") && screen.contains("q quit"));
}

#[test]
fn d70_however_it_ends_the_terminal_is_as_it_was() {
    let home = some();
    for (how, code) in
        [("q", "0"), ("C-c", "130"), ("TERM", "143"), ("HUP", "129"), ("INT", "130"), ("QUIT", "131")]
    {
        let Some(tmux) = Tmux::open(&ui(&home), 80, 24) else { return };
        tmux.wait_for("q quit");
        assert!(tmux.is_on_alternate_screen() && !tmux.shows_cursor());
        match how {
            "TERM" => tmux.signal(Signal::TERM),
            "INT" => tmux.signal(Signal::INT),
            "HUP" => tmux.signal(Signal::HUP),
            "QUIT" => tmux.signal(Signal::QUIT),
            key => tmux.press(&[key]),
        }
        let screen = tmux.wait_for("icanon");
        assert!(screen.contains(&format!("ended with {code}")), "{how}: {screen}");
        // Lines are read as lines again.
        assert!(screen.lines().any(|line| line == "icanon"), "{how}: {screen}");
        assert!(!screen.contains("Projects"), "{how}: {screen}");
        assert!(!tmux.is_on_alternate_screen() && tmux.shows_cursor(), "{how}");
    }
}

#[test]
fn d70_ctrl_z_goes_to_the_shell_and_fg_comes_back() {
    let home = some();
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    home.settle(&mut shell);
    shell.env("LANG", LOCALE).env("ORKEE", orkee_tests::binaries::orkee());
    let Some(tmux) = Tmux::open(&shell, 80, 24) else { return };
    tmux.write("PS1='prom''pt> '");
    tmux.press(&["Enter"]);
    tmux.wait_for("prompt>");
    tmux.write("\"$ORKEE\" ui");
    tmux.press(&["Enter"]);
    tmux.wait_for("q quit");
    tmux.press(&["j", "C-z"]);
    tmux.wait_for("Stopped");
    assert!(!tmux.is_on_alternate_screen());
    tmux.write("echo still here");
    tmux.press(&["Enter"]);
    tmux.wait_for("\nstill here");
    tmux.write("fg");
    tmux.press(&["Enter"]);
    let screen = tmux.wait_for("q quit");
    assert!(screen.contains("▌   site"), "{screen}");
    tmux.press(&["q"]);
    tmux.wait_until("the shell", |screen| screen.trim_end().ends_with("prompt>"));
}

#[test]
fn d70_where_the_terminal_goes_away_it_ends_even_if_nobody_tells_it() {
    let home = some();
    let mut command = Command::new("bash");
    command.args(["-c", r#"trap '' HUP; exec "$ORKEE" ui"#]);
    home.settle(&mut command);
    command.env("ORKEE", orkee_tests::binaries::orkee()).env("TERM", "xterm");
    let mut terminal = orkee_tests::terminal::Terminal::open(command, 80);
    terminal.wait_for("quit");
    let mut child = terminal.close();
    let ended = orkee_tests::wait::until("the end", || child.try_wait().unwrap());
    assert!(ended.code().is_some(), "{ended}");
}

#[test]
fn d73_a_database_that_is_moved_away_is_said_and_nothing_is_written_until_it_is_there_again() {
    let home = some();
    let Some(tmux) = Tmux::open(&ui(&home), 100, 30) else { return };
    tmux.wait_for("q quit");
    let moved = home.path("elsewhere");
    std::fs::rename(home.orkee(), &moved).unwrap();
    tmux.wait_for("The database was moved away");
    tmux.press(&["Escape"]);
    tmux.wait_until("the list", |screen| !screen.contains("The database was moved away"));
    tmux.press(&["n"]);
    tmux.wait_for("New project");
    tmux.write("delta");
    tmux.press(&["Enter"]);
    tmux.wait_for("Nothing was written");
    assert!(!home.orkee().exists());
    std::fs::rename(&moved, home.orkee()).unwrap();
    tmux.press(&["Enter"]);
    tmux.wait_for("Added delta");
    assert_eq!(home.projects().len(), 4);
    // Another one in its place is read, not overwritten.
    let other = some();
    other.add("only here");
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(home.orkee().join(format!("orkee.db{ending}")));
    }
    std::fs::rename(other.orkee().join("orkee.db"), home.orkee().join("orkee.db")).unwrap();
    tmux.wait_for("Another database stands in the place");
    tmux.press(&["Escape"]);
    tmux.wait_until("the other list", |screen| screen.contains("only here") && !screen.contains("delta"));
}

#[test]
fn d74_what_is_sealed_leaves_the_screen_when_its_key_does() {
    let session = folder::session();
    let mut home = Home::new();
    let editor = home.file("editor.sh", r#"sed -i "s/secret text/another text/" "$1""#);
    home.set("XDG_RUNTIME_DIR", session.path()).set("EDITOR", format!("bash {}", editor.display()));
    let id = home.add("shop");
    home.ok(["projects", "edit", &id, "--description", "secret text"]);
    let key =
        |args: &[&str]| home.run_with([&["cloud", "key"], args].concat(), "correct horse battery staple");
    key(&["lock"]).success();
    key(&["unlock", "--until-logout"]).success();
    let Some(tmux) = Tmux::open(&ui(&home), 100, 30) else { return };
    tmux.wait_for("description secret text");
    key(&["unlock", "--for", "2s"]).success();
    let locked = |screen: &str| screen.contains("(locked)") && !screen.contains("secret text");
    tmux.wait_until("the end of the key's time", locked);
    tmux.press(&["h"]);
    let screen = tmux.wait_for("History of shop");
    assert!(locked(&screen) && !screen.contains("sealed"), "{screen}");
    key(&["unlock", "--until-logout"]).success();
    tmux.wait_for("+ secret text");
    // What cannot be taken back now is not forgotten for that.
    tmux.press(&["Escape"]);
    tmux.wait_for("description secret text");
    tmux.press(&["e"]);
    tmux.wait_for("Changed description of shop. u takes it back");
    key(&["lock"]).success();
    tmux.wait_until("what is locked", locked);
    tmux.press(&["u"]);
    tmux.wait_for("error[E-LOCK-001]");
    tmux.press(&["Escape"]);
    key(&["unlock", "--until-logout"]).success();
    tmux.wait_for("another text");
    tmux.press(&["u"]);
    tmux.wait_for("Took back description of shop");
    tmux.wait_for("description secret text");
}

#[test]
fn d64_what_others_wrote_while_the_editor_was_open_is_not_taken_back() {
    let mut home = some();
    let editor = home.file(
        "editor.sh",
        r#"
        "$PROGRAM" projects edit shop --priority high --quiet && sed -i s/building/launched/ "$1""#,
    );
    home.set("EDITOR", format!("bash {}", editor.display())).set("PROGRAM", orkee_tests::binaries::orkee());
    let Some(tmux) = Tmux::open(&ui(&home), 100, 30) else { return };
    tmux.wait_for("q quit");
    tmux.press(&["e"]);
    tmux.wait_for("Changed status of shop");
    tmux.press(&["u"]);
    tmux.wait_for("Took back status of shop");
    let shop = home.json(["projects", "show", "shop"])["project"].take();
    assert_eq!((&shop["status"], &shop["priority"]), (&"building".into(), &"high".into()));
}

#[test]
fn d70_modes_that_an_editor_leaves_behind_are_not_given_back() {
    let mut home = some();
    let editor = home.file("editor.sh", "stty raw -echo; exit 1");
    home.set("EDITOR", format!("bash {}", editor.display()));
    let Some(tmux) = Tmux::open(&ui(&home), 100, 30) else { return };
    tmux.wait_for("q quit");
    tmux.press(&["e"]);
    tmux.wait_for("error[E-EDIT-");
    tmux.press(&["Escape"]);
    tmux.wait_until("the list", |screen| !screen.contains("E-EDIT") && screen.contains("q quit"));
    tmux.press(&["q"]);
    let screen = tmux.wait_for("icanon");
    assert!(screen.lines().any(|line| line == "icanon"), "{screen}");
}

#[test]
fn d71_without_a_terminal_it_says_what_to_use_instead() {
    let home = some();
    let ran = home.run(["ui"]).exits(2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("orkee projects list"), "{ran}");
    let ran = home.run(["ui", "--json"]).exits(2);
    assert_eq!(ran.json()["error"]["code"], "E-CLI-001");
    for (args, term) in [(&["ui", "--no-input"][..], "xterm"), (&["ui"], "dumb")] {
        let mut command = home.command(args);
        command.env("TERM", term);
        let (status, seen) = orkee_tests::terminal::Terminal::open(command, 80).finish();
        assert_eq!(status.code(), Some(2), "{seen}");
        assert!(seen.contains("orkee projects list") && !seen.contains("\u{1b}[?1049h"), "{seen:?}");
    }
}

#[test]
fn d62_names_that_try_something_simple_terminals_and_no_colours() {
    let home = some();
    let evil = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{202e}shop";
    let database = rusqlite::Connection::open(home.orkee().join("orkee.db")).unwrap();
    let sql = "UPDATE records SET name = ?1, payload = json_set(payload, '$.name', ?1, '$.description', ?1) WHERE name = 'shop'";
    assert_eq!(database.execute(sql, [evil]).unwrap(), 1);
    let spelled = r"\u{1b}]0;pwned\u{7}\u{1b}[2J\u{202e}shop";
    let Some(tmux) = Tmux::open(&ui(&home), 160, 20) else { return };
    tmux.wait_until("both texts", |screen| screen.matches(spelled).count() > 1 && screen.contains("q quit"));
    assert!(tmux.painted().contains("\u{1b}[3"), "colours");
    let mut plain = ui(&home);
    plain.env("NO_COLOR", "1").env("LANG", "C").env("LC_ALL", "C");
    let Some(tmux) = Tmux::open(&plain, 100, 20) else { return };
    let screen = tmux.wait_for("q quit");
    assert!(screen.is_ascii() && screen.contains("> ") && screen.contains("-----+"), "{screen}");
    let painted = tmux.painted();
    for color in 30..=37 {
        assert!(!painted.contains(&format!("\u{1b}[{color}m")), "{painted:?}");
    }
}
