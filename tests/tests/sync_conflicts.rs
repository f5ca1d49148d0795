//! Conflicts in front of a person and of a script: what is shown, what each answer does, what stays when somebody leaves.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::device::Device;
use orkee_tests::home::finish;
use orkee_tests::server::Server;
use orkee_tests::terminal::Terminal;
use serde_json::{Value, json};

/// Two devices of one account, with a project that both changed: `b` has the conflicts.
struct Pair {
    _server: Server,
    a: Device,
    b: Device,
    id: String,
}

impl Pair {
    /// `a` and `b` each give these fields these values.
    fn in_conflict(fields: &[(&str, &str, &str)]) -> Self {
        let server = Server::start();
        let token = server.token();
        let [a, b] = [(); 2].map(|()| Device::with_token(&server.url, &token));
        let id = a.add("shop");
        a.sync();
        b.sync();
        let edit = |device: &Device, values: Vec<(&str, &str)>| {
            let flags = values.iter().flat_map(|(field, value)| [format!("--{field}"), (*value).to_owned()]);
            let args: Vec<String> =
                ["projects", "edit", &id].map(str::to_owned).into_iter().chain(flags).collect();
            device.run(&args.iter().map(String::as_str).collect::<Vec<_>>()).success();
        };
        edit(&a, fields.iter().map(|(field, a, _)| (*field, *a)).collect());
        edit(&b, fields.iter().map(|(field, _, b)| (*field, *b)).collect());
        a.sync();
        b.run(&["cloud", "sync"]).exits(5);
        Self { _server: server, a, b, id }
    }

    fn waiting(&self) -> Vec<String> {
        let listed = self.b.json(&["cloud", "conflicts"]);
        let listed = listed["conflicts"].as_array().unwrap().clone();
        listed.iter().map(|c| c["field"].as_str().unwrap().to_owned()).collect()
    }

    fn resolve(&self, columns: u16) -> Terminal {
        self.at_terminal(&["cloud", "conflicts", "resolve", &self.id], columns, None)
    }

    fn at_terminal(&self, args: &[&str], columns: u16, editor: Option<&str>) -> Terminal {
        let mut command = self.b.orkee(args);
        command.env("TERM", "xterm").env("LANG", "C.UTF-8").env("NO_COLOR", "1");
        if let Some(script) = editor {
            let file = self.b.path("editor.sh");
            std::fs::write(&file, script).unwrap();
            command.env("EDITOR", format!("sh {}", file.display()));
        }
        Terminal::open(command, columns)
    }

    /// The name on the other device, after it has heard of it.
    fn name_at_a(&self) -> Value {
        self.a.sync();
        self.a.field(&self.id, "name")
    }
}

const NAMES: &[(&str, &str, &str)] = &[("name", "from a", "from b")];
const THREE: &[(&str, &str, &str)] =
    &[("description", "A's", "B's"), ("name", "from a", "from b"), ("status", "review", "building")];

#[test]
fn c88_each_answer_does_what_it_says_and_both_values_are_shown_with_device_and_time() {
    let pair = Pair::in_conflict(THREE);
    let mut terminal = pair.resolve(80);
    let seen = terminal.wait_for("Keep which?").to_owned();
    assert!(seen.contains("1 of 3") && seen.contains(&pair.id) && seen.contains("description"), "{seen}");
    let mine = seen.lines().position(|line| line.starts_with("- mine: ")).unwrap();
    let lines: Vec<&str> = seen.lines().map(str::trim_end).collect();
    assert_eq!((lines[mine + 1], lines[mine + 3]), ("    B's", "    A's"), "{seen}");
    assert!(lines[mine].ends_with(" UTC") && lines[mine + 2].starts_with("+ theirs: "), "{seen}");
    terminal.answer("Keep which?", "what\n");
    terminal.answer("please answer with one of: m, t, e, s, q, am, at", "t\n");
    terminal.answer("2 of 3", "s\n");
    terminal.answer("3 of 3", "mine\n");
    let (status, seen) = terminal.finish();
    assert!(status.success() && seen.contains("Settled 2, 1 left"), "{seen}");
    assert_eq!(pair.waiting(), ["name"]);
    assert_eq!(pair.b.field(&pair.id, "description"), "A's");
    assert_eq!(pair.b.field(&pair.id, "status"), "building");
}

#[test]
fn c88_all_of_a_project_are_settled_with_one_answer() {
    for (answer, name) in [("am\n", "from b"), ("all theirs\n", "from a")] {
        let pair = Pair::in_conflict(THREE);
        let mut terminal = pair.resolve(80);
        terminal.answer("Keep which?", answer);
        let (status, seen) = terminal.finish();
        assert!(status.success() && seen.contains("Settled 3, 0 left"), "{seen}");
        assert_eq!((pair.waiting(), pair.b.field(&pair.id, "name")), (vec![], name.into()));
    }
}

#[test]
fn c88a_who_leaves_in_the_middle_loses_nothing_of_what_was_settled() {
    for leave in ["q\n", "\u{4}", "ctrl-c"] {
        let pair = Pair::in_conflict(THREE);
        let mut terminal = pair.resolve(80);
        terminal.answer("1 of 3", "t\n");
        terminal.wait_for("2 of 3");
        match leave {
            "ctrl-c" => terminal.interrupt(),
            _ => terminal.answer("2 of 3", leave),
        }
        let (status, seen) = terminal.finish();
        let code = if leave == "ctrl-c" { 130 } else { 0 };
        assert_eq!(status.code(), Some(code), "{leave:?}: {seen}");
        let told = if leave == "ctrl-c" { "Settled 1, 2 left as they were" } else { "Settled 1, 2 left" };
        assert!(seen.contains(told), "{seen}");
        assert_eq!(pair.waiting(), ["name", "status"]);
        assert_eq!(pair.b.field(&pair.id, "description"), "A's");
    }
}

#[test]
fn c88_a_sync_that_asks_sends_what_was_settled_and_ctrl_c_ends_it() {
    let pair = Pair::in_conflict(NAMES);
    let sync = ["cloud", "sync", "--resolve-conflicts"];
    let mut terminal = pair.at_terminal(&sync, 80, None);
    terminal.wait_for("Keep which?");
    terminal.interrupt();
    let (status, seen) = terminal.finish();
    assert_eq!(status.code(), Some(130), "{seen}");
    assert_eq!(pair.waiting(), ["name"]);

    // Quiet, it still shows what it asks about.
    let mut terminal = pair.at_terminal(&[&sync[..], &["-q"]].concat(), 80, None);
    let seen = terminal.wait_for("Keep which?");
    assert!(seen.contains("    from a") && seen.contains("    from b"), "{seen}");
    terminal.answer("Keep which?", "t\n");
    let (status, seen) = terminal.finish();
    assert!(status.success(), "{seen}");
    assert_eq!((pair.waiting(), pair.name_at_a()), (vec![], "from a".into()));
}

#[test]
fn c88b_a_value_of_ones_own_is_written_in_the_editor_and_travels() {
    let pair = Pair::in_conflict(NAMES);
    // A text that is refused is opened again, and it is the person's own.
    let script = r#"grep -q tabbed "$1" && printf 'both\n' > "$1" || printf 'tabbed\tname\n' > "$1""#;
    let mut terminal = pair.at_terminal(&["cloud", "conflicts", "resolve", &pair.id], 80, Some(script));
    terminal.answer("Keep which?", "e\n");
    terminal.answer("Open it again?", "y\n");
    let (status, seen) = terminal.finish();
    assert!(status.success() && seen.contains("Settled 1, 0 left"), "{seen}");
    pair.b.sync();
    assert_eq!((pair.b.field(&pair.id, "name"), pair.name_at_a()), ("both".into(), "both".into()));
}

#[test]
fn c88b_a_refused_text_is_kept_and_gone_on_with_and_an_unchanged_one_settles_nothing() {
    let pair = Pair::in_conflict(NAMES);
    let args = ["cloud", "conflicts", "resolve", &pair.id];
    for (script, says) in [("exit 0", "Nothing was changed"), ("exit 3", "the editor")] {
        let mut terminal = pair.at_terminal(&args, 80, Some(script));
        terminal.answer("Keep which?", "e\n");
        terminal.wait_for(says);
        terminal.answer(says, "q\n");
        assert!(terminal.finish().0.success());
        assert_eq!(pair.waiting(), ["name"]);
    }
    let mut terminal = pair.at_terminal(&args, 80, Some(r#"printf 'tabbed\tname\n' > "$1""#));
    terminal.answer("Keep which?", "e\n");
    terminal.answer("Open it again?", "n\n");
    terminal.answer("Your text is kept in", "q\n");
    let (status, seen) = terminal.finish();
    assert!(status.success() && seen.contains("Settled 0, 1 left"), "{seen}");
    let kept = pair.b.home().join("edit").join(format!("{}.name.txt", pair.id));
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "tabbed\tname\n");

    let mut terminal = pair.at_terminal(&args, 80, Some(r#"sed -i 's/tabbed.name/mended/' "$1""#));
    terminal.answer("Keep which?", "e\n");
    terminal.wait_for("You go on with the text that you left");
    let (status, seen) = terminal.finish();
    assert!(status.success(), "{seen}");
    assert_eq!(pair.b.field(&pair.id, "name"), "mended");
    assert!(!kept.exists());
}

#[test]
fn c88c_long_texts_are_shown_by_their_differences_in_any_width_without_control_characters() {
    let text = |third: &str| {
        let line = |n: u8| format!("line {n} of a description that is wider than a narrow terminal");
        (1..=9).map(|n| if n == 3 { third.to_owned() } else { line(n) }).collect::<Vec<_>>().join("\n")
    };
    let (ours, theirs) = (text("the third, as it is here"), text("the third, as it is there"));
    let pair = Pair::in_conflict(&[("description", &theirs, &ours)]);
    // What a person may not type may still come from a newer or another program.
    for (device, note) in [(&pair.a, "a\u{1b}[2Jb\u{202e}c\r"), (&pair.b, "plain")] {
        let mut export: Value = serde_json::from_str(&device.export()).unwrap();
        export["projects"][0]["xNote"] = note.into();
        let import = device.orkee(&["projects", "import", "-", "--on-conflict", "replace"]);
        finish(import, export.to_string().as_bytes()).success();
    }
    pair.a.run(&["cloud", "sync"]);
    pair.b.run(&["cloud", "sync"]).exits(5);
    for columns in [40, 80] {
        let mut terminal = pair.resolve(columns);
        terminal.answer("1 of 2", "s\n");
        terminal.answer("2 of 2", "s\n");
        let (_, seen) = terminal.finish();
        let shown = |line: &str| seen.lines().any(|one| one.trim_end() == line);
        assert!(shown("  - the third, as it is here") && shown("  + the third, as it is there"), "{seen}");
        assert!(seen.contains("lines are the same"), "{seen}");
        let answer = |line: &str| line.starts_with("Keep which?") || line.contains("send it");
        let wide =
            seen.lines().find(|line| line.trim_end().chars().count() > columns.into() && !answer(line));
        assert_eq!(wide, None, "{columns}: {seen}");
        assert!(seen.contains(r"a\u{1b}[2Jb\u{202e}c\r"), "{seen}");
        assert!(seen.chars().all(|c| matches!(c, '\n' | '\r') || !c.is_control()), "{seen:?}");
    }
}

#[test]
fn c36_conflicts_are_in_status_in_show_and_in_full_with_both_writers() {
    let pair = Pair::in_conflict(NAMES);
    let status = pair.b.json(&["cloud", "status", "--offline"]);
    assert_eq!(status["projects"]["conflicts"], 1, "{status}");
    let shown = pair.b.json(&["projects", "show", &pair.id]);
    let waiting = &shown["conflicts"][0];
    assert_eq!([&waiting["field"], &waiting["local"], &waiting["cloud"]], ["name", "from b", "from a"]);
    let listed = pair.b.json(&["cloud", "conflicts"])["conflicts"][0].take();
    for key in ["at", "device", "local_at", "local_device"] {
        assert_eq!(waiting[key], listed[key]);
    }
    // Written on each device before the sync that met them.
    let time = |key: &str| listed[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let history = pair.b.json(&["projects", "history", &pair.id]);
    let edit = history["versions"][1]["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("local_at"), edit, "{history}");
    assert!(time("at") <= edit);
    let page = pair.b.run(&["projects", "show", &pair.id]).success().stdout;
    assert!(page.contains("Conflicts") && page.contains("from a") && page.contains("from b"), "{page}");
    assert_eq!(pair.a.json(&["projects", "show", &pair.id])["conflicts"], json!([]));
    let (status, seen) = pair.at_terminal(&["cloud", "conflicts", &pair.id], 80, None).finish();
    assert!(status.success() && seen.contains("- mine: ") && seen.contains("    from a"), "{seen}");
}

#[test]
fn c88_a_script_settles_all_of_a_project_and_is_told_what_is_left() {
    let pair = Pair::in_conflict(THREE);
    let resolve = |args: &[&str]| pair.b.run(&[&["cloud", "conflicts", "resolve", &pair.id], args].concat());
    resolve(&["--all", "both"]).exits(2);
    resolve(&["--all", "cloud", "--field", "name=local"]).exits(2);
    resolve(&["--field", "name=local", "--field", "tags=cloud"]).fails(2, "E-CLI-001");
    assert_eq!(pair.waiting().len(), 3, "a wrong line settles nothing");
    let told = resolve(&["--field", "name=local", "--json"]).success().json();
    assert_eq!((&told["settled"], told["conflicts"].as_array().unwrap().len()), (&json!(1), 2));
    let told = resolve(&["--all", "cloud", "--json"]).success().json();
    assert_eq!((&told["settled"], &told["conflicts"]), (&json!(2), &json!([])));
    pair.b.sync();
    assert_eq!(pair.name_at_a(), "from b");
    assert_eq!(pair.a.field(&pair.id, "description"), "A's");
}

#[test]
fn c24_c06_nobody_at_a_terminal_is_exit_5_and_never_a_wait() {
    let pair = Pair::in_conflict(NAMES);
    let resolve = ["cloud", "conflicts", "resolve", &pair.id];
    pair.b.run(&resolve).fails(5, "E-CONFLICT-001").says("--field FIELD=local|cloud");
    let (status, seen) = pair.at_terminal(&[&resolve[..], &["--no-input"]].concat(), 80, None).finish();
    assert_eq!(status.code(), Some(5), "{seen}");
    let sync = ["cloud", "sync", "--resolve-conflicts"];
    pair.b.run(&sync).exits(5).says("orkee cloud conflicts resolve ID --field");
    assert_eq!(pair.b.run(&[&sync[..], &["--json"]].concat()).exits(5).json()["conflicts"], 0);
    assert_eq!(pair.waiting(), ["name"]);
}

#[test]
fn a_later_edit_of_the_field_settles_its_conflict_by_flag_and_in_the_editor() {
    for editor in [false, true] {
        let pair = Pair::in_conflict(NAMES);
        pair.b.edit(&pair.id, "--description", "of another field");
        assert_eq!(pair.waiting(), ["name"]);
        if editor {
            let script = pair.b.path("edit.sh");
            std::fs::write(&script, r#"sed -i 's/from b/both/' "$1""#).unwrap();
            let mut command = pair.b.orkee(&["projects", "edit", &pair.id]);
            command.env("EDITOR", format!("sh {}", script.display()));
            finish(command, &[]).success();
        } else {
            pair.b.edit(&pair.id, "--name", "both");
        }
        assert_eq!(pair.waiting(), Vec::<String>::new());
        pair.b.sync();
        assert_eq!(pair.name_at_a(), "both");
    }
}

#[test]
fn two_people_who_settle_in_different_ways_meet_one_more_conflict_and_lose_nothing() {
    let server = Server::start();
    let token = server.token();
    let [a, b, c] = [(); 3].map(|()| Device::with_token(&server.url, &token));
    let id = a.add("shop");
    for (device, name) in [(&a, "from a"), (&b, "from b"), (&c, "from c")] {
        device.sync();
        device.edit(&id, "--description", name);
    }
    a.sync();
    for device in [&b, &c, &b] {
        device.run(&["cloud", "sync"]).exits(5);
    }
    // Both now have "from c"; beside it waits "from a" on `b`, "from b" on `c`.
    for device in [&b, &c] {
        device.run(&["cloud", "conflicts", "resolve", &id, "--all", "cloud"]).success();
    }
    b.sync();
    c.run(&["cloud", "sync"]).exits(5);
    let waiting = c.json(&["cloud", "conflicts"]);
    let waiting = waiting["conflicts"].as_array().unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!([&waiting[0]["local"], &waiting[0]["cloud"]], ["from b", "from a"]);
    c.run(&["cloud", "conflicts", "resolve", &id, "--all", "local"]).success();
    for device in [&c, &b, &a] {
        device.sync();
        assert_eq!(device.field(&id, "description"), "from b");
        assert_eq!(device.json(&["cloud", "conflicts"])["conflicts"], json!([]));
    }
}
