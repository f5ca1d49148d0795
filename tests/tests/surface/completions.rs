//! What real shells complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use orkee_tests::home::{Home, Ran, finish};
use orkee_tests::terminal::Terminal;
use orkee_tests::{binaries, trace};

/// A device with projects, a tenant, a webhook and an environment; and the project's id.
fn device() -> (Home, String) {
    let home = Home::new();
    let id = home.add("shop");
    home.add("tower");
    let config =
        "[environments.staging]\napi_url = \"https://s.example.com\"\n[tenants.acme]\nprovider = \"s3\"\n";
    fs::write(home.orkee().join("config.toml"), config).unwrap();
    (home, id)
}

/// A command of a shell that finds `orkee`; none where the shell is not there, which a complete run does not let pass.
fn shell(home: &Home, name: &str, args: &[&str]) -> Option<Command> {
    if Command::new(name).arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "{name} is not there, and CI is set");
        println!("{name} is not there: not checked");
        return None;
    }
    let mut command = Command::new(name);
    command.args(args);
    home.settle(&mut command);
    let folder = binaries::orkee().parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", folder.display())).env("TERM", "xterm").env("LANG", "C.UTF-8");
    Some(command)
}

/// What `orkee` answers a shell that completes the last of these words.
fn words(home: &Home, words: &[&str]) -> BTreeSet<String> {
    let ran = asked(home, words).success();
    assert_eq!(ran.stderr, "", "{ran}");
    ran.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

fn asked(home: &Home, words: &[&str]) -> Ran {
    let mut command = home.command([&["--", "orkee"], words].concat());
    command.env("COMPLETE", "fish");
    finish(command, &[])
}

#[test]
fn s09_bash_completes_commands_flags_and_projects() {
    let (home, id) = device();
    let line = "source <(orkee completions bash)\n\
        complete -p orkee > /dev/null || exit 9\n\
        ask() { COMP_WORDS=(orkee \"$@\"); COMP_CWORD=$#; COMP_TYPE=9; _clap_complete_orkee orkee \"${!#}\" x; \
                printf '%s\\n' \"${COMPREPLY[@]}\"; }\n\
        ask doct; ask projects show sh; ask projects list --sta; ask projects list --status b\n\
        ask cloud webhook add x --event project.; ask cloud webhook add x --event \"\" | grep -Fx '*'; ask nothing-such";
    // Candidates are words, not patterns of files.
    for name in ["aaa", "project.aaa", "sh*p"] {
        home.file(name, "");
    }
    let Some(bash) = shell(&home, "bash", &["--norc", "-c", line]) else { return };
    let ran = finish(bash, &[]).success();
    assert_eq!(
        ran.stdout.lines().collect::<Vec<_>>(),
        [
            "doctor",
            "shop",
            "--status",
            "building",
            "project.*",
            "project.created",
            "project.deleted",
            "project.updated",
            "*",
            ""
        ],
        "{ran} {id}"
    );
}

#[test]
fn s09_fish_completes_projects_with_their_names() {
    let (home, id) = device();
    let start = &id[..3];
    let line = format!(
        "orkee completions fish | source; complete -C 'orkee projects show {start}'; complete -C 'orkee cloud login --env s'"
    );
    let Some(fish) = shell(&home, "fish", &["--no-config", "-c", &line]) else { return };
    let ran = finish(fish, &[]).success();
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), [format!("{id}\tshop").as_str(), "staging"], "{ran}");
}

#[test]
fn s09_zsh_completes_what_is_being_typed() {
    let (home, _) = device();
    let Some(mut zsh) = shell(&home, "zsh", &["-f", "-i"]) else { return };
    zsh.env("PS1", "ready> ");
    let mut terminal = Terminal::open(zsh, 100);
    terminal.answer(
        "ready> ",
        "autoload -Uz compinit; compinit -u -D; source <(orkee completions zsh); print se''t\n",
    );
    terminal.wait_for("set\r\n");
    terminal.answer("set\r\n", "orkee projects show sho\t--json; print do''ne; exit\n");
    terminal.wait_for("done");
    let (_, seen) = terminal.finish();
    assert!(seen.contains("\"name\":\"shop\""), "{seen}");
}

#[test]
fn s09_the_data_of_this_device_is_completed_for_every_kind_of_value() {
    let (home, id) = device();
    let has = |typed: &[&str], wanted: &str| {
        let found = words(&home, typed);
        assert!(found.contains(wanted), "{typed:?}: {found:?}");
    };
    let webhook = home.json(["cloud", "webhook", "add", "https://hooks.example.com/a", "--local"]);
    let webhook = webhook["webhook"]["id"].as_str().unwrap();
    let deleted = home.add("gone");
    home.ok(["projects", "delete", &deleted, "--yes"]);
    home.run_with(
        ["projects", "import", "-", "--on-conflict", "replace"],
        format!(r#"{{"version":1,"projects":[{{"id":"{id}","name":"shop","description":"x"}}]}}"#),
    )
    .success();
    has(&["projects", "edit", ""], &id);
    home.run_with(
        ["projects", "import", "-"],
        r#"{"version":1,"projects":[{"id":"Ab12Cd34","name":"-rf"}]}"#,
    )
    .success();
    has(&["projects", "edit", "Ab"], "Ab12Cd34");
    assert!(!words(&home, &["projects", "edit", "--", "-"]).contains("-rf"), "a name that would be flags");
    has(&["projects", "restore", ""], &deleted);
    assert!(!words(&home, &["projects", "show", ""]).contains(&deleted));
    has(&["undo", ""], "1");
    has(&["cloud", "sync", "--project", ""], &id);
    has(&["cloud", "webhook", "show", "ep"], webhook);
    has(&["cloud", "webhook", "add", "--event", "project."], "project.created");
    has(&["cloud", "logout", "--tenant", ""], "acme");
    has(&["cloud", "login", "--env", ""], "development");
    has(&["cloud", "provider", "info", "s"], "s3");
    has(&["config", "set", "cloud."], "cloud.auto_sync");
    has(&["config", "get", "tenants."], "tenants.acme.provider");
    has(&["config", "get", "ORKEE_CLOUD_T"], "ORKEE_CLOUD_TENANT");
    has(&["help", ""], "exit-codes");
    has(&["projects", "list", "--sort", ""], "updated");
    has(&["projects", "export", "--format", "t"], "toml");
    has(&["--color", "a"], "always");
    home.file("projects.json", "{}");
    has(&["projects", "import", "proj"], "projects.json");
}

#[test]
fn s09_each_shell_is_given_a_script_that_asks_orkee() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = home.ok(["completions", shell]);
        assert!(script.contains("COMPLETE") && script.contains("orkee"), "{script}");
        let mut asks = home.command(["--", "orkee", "projects", "sho"]);
        asks.env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", "2").env("_CLAP_IFS", "\n");
        assert!(finish(asks, &[]).success().stdout.starts_with("show"), "{shell}");
    }
    // A variable of that name that means something else changes nothing.
    let mut other = home.command(["--version"]);
    other.env("COMPLETE", "yes");
    assert!(finish(other, &[]).success().stdout.starts_with("orkee "));
    assert!(!home.orkee().exists());
}

#[test]
fn s09_completing_is_silent_quick_and_makes_nothing_whatever_the_state_of_the_data() {
    let home = Home::new();
    assert_eq!(words(&home, &["projects", "show", "zz"]), BTreeSet::new());
    assert!(!home.orkee().exists(), "completing made a folder");
    let (home, id) = device();
    let listed = |home: &Home| -> BTreeSet<String> {
        fs::read_dir(home.orkee())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let before = listed(&home);
    words(&home, &["projects", "show", ""]);
    assert_eq!(listed(&home), before);
    // Somebody is writing.
    let writer = rusqlite::Connection::open(home.orkee().join("orkee.db")).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE; UPDATE records SET device = 'x'").unwrap();
    let took = || {
        let began = Instant::now();
        assert!(words(&home, &["projects", "show", ""]).contains(&id), "a writer does not stop readers");
        began.elapsed()
    };
    // The best of a few: a busy machine may be late, who waits for the writer always is.
    assert!((0..5).any(|_| took() < Duration::from_secs(2)));
    drop(writer);
    // What is there is no database, or no settings.
    for (file, text) in [("orkee.db", "garbage"), ("config.toml", "[cloud\n")] {
        let home = Home::new();
        fs::create_dir_all(home.orkee()).unwrap();
        fs::write(home.orkee().join(file), text).unwrap();
        let ran = asked(&home, &["projects", "show", "zz"]).success();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{ran}");
        assert_eq!(fs::read_to_string(home.orkee().join(file)).unwrap(), text);
    }
}

#[test]
fn s09_completing_opens_no_connection_and_writes_no_file() {
    if !trace::is_there() {
        return;
    }
    let (home, _) = device();
    let mut command = home.command(["--", "orkee", "cloud", "sync", "--project", ""]);
    command.env("COMPLETE", "fish");
    let (ran, calls) = trace::record(&command, &[]);
    assert_ne!(ran.success().stdout, "");
    let ours = |call: &&trace::Call| {
        Path::new(&call.on).starts_with(home.orkee()) && call.text.contains("O_CREAT")
            || call.name == "connect"
    };
    let changing: Vec<_> = calls.iter().filter(ours).collect();
    assert!(changing.is_empty(), "{changing:?}");
}
