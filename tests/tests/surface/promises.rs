//! What holds of every command, where no other page of tests shows it: codes, loudness, dry runs, what comes from others.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use orkee_tests::device::Device;
use orkee_tests::guests;
use orkee_tests::home::Home;
use orkee_tests::mock::{Answer, Mock};
use orkee_tests::rotating::Rotating;
use orkee_tests::server::Server;
use orkee_tests::tenants::TenantDevice;
use orkee_tests::terminal::Terminal;
use orkee_tests::wait;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

#[test]
fn c01_c02_0_is_done_and_1_is_a_failure_that_no_other_code_names() {
    let home = Home::new();
    home.add("shop");
    for done in [
        &["projects", "list"][..],
        &["projects", "edit", "shop", "--status", "review"],
        &["doctor"],
        &["undo", "--list"],
    ] {
        assert_eq!(home.run(done).code, Some(0));
    }
    home.folder("taken.json");
    home.run(["projects", "export", "--output", "taken.json"]).fails(1, "E-CLI-007");
    home.run(["man", "--output", "/proc/none"]).fails(1, "E-CLI-007");
    let (status, seen) = {
        let mut terminal = Terminal::open(home.command(["projects", "delete", "shop"]), 80);
        terminal.answer("Delete shop", "n\n");
        terminal.finish()
    };
    assert!(status.code() == Some(1) && seen.contains("error[E-CLI-004]"), "{seen}");
}

#[test]
fn s08_c23_quiet_and_verbose_say_less_and_more_and_rust_log_goes_before_them() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    device.add("shop");
    let said = |args: &[&str], log: Option<&str>| {
        device.edit("shop", "--description", &format!("told {args:?} {log:?}"));
        let mut command = device.orkee(&[&["cloud", "sync"], args].concat());
        if let Some(log) = log {
            command.env("RUST_LOG", log);
        }
        let ran = orkee_tests::home::finish(command, &[]).success();
        (ran.stdout, ran.stderr)
    };
    let (told, warned) = said(&[], None);
    assert!(told.contains("sent") && !warned.contains("DEBUG"), "{told} {warned}");
    assert_eq!(said(&["-q"], None), (String::new(), String::new()));
    assert_eq!(said(&["-qq"], None), (String::new(), String::new()));
    let lines =
        |args: &[&str], log| said(args, log).1.lines().filter(|line| line.contains("orkee::")).count();
    let (plain, once, twice, thrice) =
        (lines(&[], None), lines(&["-v"], None), lines(&["-vv"], None), lines(&["-vvv"], None));
    assert!(plain < once && once < twice && twice <= thrice, "{plain} {once} {twice} {thrice}");
    assert_eq!(lines(&["-vvv"], Some("off")), 0);
    assert!(lines(&["-q"], Some("orkee::cloud=debug")) > 0);
    assert!(fs::metadata(device.home().join("logs/orkee.log")).unwrap().len() > 0);
}

#[test]
fn s12_a_dry_run_prints_its_plan_also_as_json_and_does_nothing() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    let id = device.add("shop");
    device.sync();
    device.edit(&id, "--description", "changed");
    fs::write(device.path("in.json"), r#"{"version":1,"projects":[{"id":"AAAAAAAA","name":"new"}]}"#)
        .unwrap();
    let hook = ["cloud", "webhook", "add", "https://hooks.example.com/a", "--local", "--json"];
    device.run(&hook).success();
    let before = device.export();
    for (command, plan) in [
        (&["cloud", "sync", "--dry-run"][..], "pushed"),
        (&["cloud", "restore", "--dry-run"], "pulled"),
        (&["projects", "import", "in.json", "--dry-run"], "added"),
        (&["projects", "scan", ".", "--dry-run"], "schema_version"),
        (&["cloud", "webhook", "redeliver", "--failed", "--since", "1d", "--dry-run"], "schema_version"),
    ] {
        device.run(command).success();
        let json = device.json(command);
        assert!(json.get(plan).is_some(), "{command:?}: {json}");
        assert_eq!(device.export(), before, "{command:?}");
    }
    assert_eq!(device.json(&["cloud", "status"])["projects"]["waiting"], 1, "nothing was sent");
}

#[test]
fn c15_control_characters_of_a_server_and_of_files_never_reach_the_terminal() {
    let evil = "evil \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}";
    let server = Mock::start(move |_| {
        Answer::json(400, &json!({"error": {"code": "x", "message": evil}, "message": evil}))
    });
    let device = Device::with_token(&server.url, "orkee_token");
    device.add("shop");
    let clean = |ran: &orkee_tests::home::Ran| {
        let unsafe_there =
            |text: &str| text.chars().any(|c| !matches!(c, '\n' | '\t') && c.is_control() || c == '\u{202e}');
        assert!(!unsafe_there(&ran.stdout) && !unsafe_there(&ran.stderr), "{ran}");
    };
    for args in [
        &["cloud", "sync"][..],
        &["cloud", "status"],
        &["cloud", "list"],
        &["cloud", "devices"],
        &["cloud", "sync", "--json"],
    ] {
        clean(&device.run(args));
    }
    let home = Home::new();
    home.add("shop");
    for (file, text) in [
        ("config.toml", format!("[cloud]\ntenant = {evil}\n")),
        ("config.toml", format!("[cloud]\nauto_sync = \"{}\"\n", "\\u001b[31m")),
        (".env", format!("ORKEE_CLOUD_TENANT={evil}\n")),
    ] {
        fs::write(home.orkee().join(file), text).unwrap();
        for args in [
            &["config", "list", "--origin"][..],
            &["projects", "list"],
            &["config", "get", "cloud.tenant"],
            &["cloud", "status", "--offline"],
        ] {
            clean(&home.run(args));
        }
        fs::remove_file(home.orkee().join(file)).unwrap();
    }
    fs::write(home.path("evil.json"), format!("{{\"projects\": [{{\"id\": \"{}\"}}]}}", "\\u001b[31m"))
        .unwrap();
    clean(&home.run(["projects", "import", "evil.json"]));
    clean(&home.run(["projects", "import", &format!("{evil}.json")]));
}

/// What a terminal obeys, what turns the line round, and a line longer than anybody reads.
#[track_caller]
fn is_clean(ran: &orkee_tests::home::Ran) {
    let hidden = ['\u{202e}', '\u{2066}', '\u{200b}'];
    for text in [&ran.stdout, &ran.stderr] {
        assert!(
            !text.contains(|c: char| c != '\n' && c != '\t' && c.is_control() || hidden.contains(&c)),
            "{ran}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 2000), "a line without end: {ran}");
    }
}

#[test]
fn c15_control_characters_and_endless_lines_of_a_provider_never_reach_the_terminal() {
    let device = TenantDevice::new("");
    let options = "[options.do]\n[options.url]\n";
    device.install(guests::rogue(), &guests::manifest("rogue", "1", options));
    device.run("acme", &["projects", "add", "--name", "shop"]).success();
    let commands: [&[&str]; 7] = [
        &["cloud", "sync"],
        &["cloud", "sync", "--json"],
        &["cloud", "parked"],
        &["cloud", "status"],
        &["cloud", "list"],
        &["cloud", "provider", "logs", "rogue"],
        &["audit"],
    ];
    for way in ["fail-in-colour", "fail-at-length", "panic", "reject-at-length"] {
        device.configure(&format!(
            "[tenants.acme]\nprovider = \"rogue\"\napi_url = \"http://127.0.0.1:9\"\n[tenants.acme.options]\ndo = \"{way}\"\n"
        ));
        for args in commands {
            let ran = device.run("acme", args);
            is_clean(&ran);
            if args == ["cloud", "sync"] {
                let word = if way.ends_with("at-length") { "evil" } else { "red" };
                assert!(ran.code != Some(0) && format!("{ran}").contains(word), "{way} was not met: {ran}");
            }
        }
    }
}

#[test]
fn c80_status_begins_with_the_five_published_lines() {
    let server = Server::start();
    let device = Device::new(&server.url);
    device.add("shop");
    device.login(&server.person());
    device.sync();
    let ran = device.run(&["cloud", "status"]).success();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[..3],
        ["✓ Authenticated with Orkee Cloud", "✓ Account: john@example.com", "✓ Subscription: Pro Plan"],
        "{ran}"
    );
    let after = |line: &str, start: &str| {
        line.strip_prefix(start).unwrap_or_else(|| panic!("{start:?}: {ran}")).to_owned()
    };
    let expires = after(lines[3], "✓ Token expires: ");
    assert!(expires.get(..10).is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok()), "{ran}");
    let synced = after(lines[4], "✓ Last sync: ");
    assert!(synced.ends_with(" UTC") && synced.len() == "2024-01-15 10:30 UTC".len(), "{ran}");
    let rest = lines[5..].join("\n");
    for word in ["orkee-cloud", "in step", "waiting", "conflict", "token"] {
        assert!(rest.to_lowercase().contains(word), "{word}: {ran}");
    }
}

#[test]
fn s06_progress_is_a_line_after_a_while_on_a_terminal_that_is_told_and_none_without() {
    let server = Server::start();
    let relay = orkee_tests::relay::Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    device.add("shop");
    device.sync();
    relay.on_sync(orkee_tests::relay::Way::Held);
    let at_terminal = |args: &[&str], set: &[(&str, &str)]| {
        device.edit("shop", "--description", &format!("{args:?}{set:?}"));
        let mut command = device.orkee(&[&["cloud", "sync"], args].concat());
        command.env("TERM", "xterm-256color").envs(set.iter().copied());
        let terminal = Terminal::open(command, 80);
        relay.wait_until_kept();
        terminal
    };
    let mut told = at_terminal(&[], &[("TERM_PROGRAM", "ghostty")]);
    told.wait_for("\u{1b}]9;4;3;0\u{1b}\\");
    told.wait_for("Syncing: ");
    relay.release();
    let (_, seen) = told.finish();
    assert!(seen.contains("\u{1b}]9;4;0;0\u{1b}\\"), "{seen}");
    for (args, set) in
        [(&["--no-progress"][..], &[("TERM_PROGRAM", "ghostty")][..]), (&[], &[("TERM", "dumb")])]
    {
        let quiet = at_terminal(args, set);
        // Longer than it takes the line to appear.
        std::thread::sleep(std::time::Duration::from_millis(600));
        relay.release();
        let (status, seen) = quiet.finish();
        assert!(status.success() && !seen.contains("Syncing") && !seen.contains("9;4"), "{seen}");
    }
}

#[test]
fn s06_in_a_log_a_sync_that_takes_long_says_so_in_plain_lines() {
    let server = Server::start();
    let relay = orkee_tests::relay::Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    device.add("shop");
    relay.on_sync(orkee_tests::relay::Way::Held);
    let log = device.path("log");
    let mut command = device.orkee(&["cloud", "sync"]);
    let mut child =
        command.stderr(fs::File::create(&log).unwrap()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let said = || fs::read_to_string(&log).unwrap();
    orkee_tests::wait::until("a line", || said().contains("Syncing: 0 projects, 1").then_some(()));
    relay.pass();
    relay.release();
    assert!(child.wait().unwrap().success());
    assert!(!said().contains('\u{1b}'));
}

#[test]
fn s19_a_second_ctrl_c_waits_for_nothing_not_even_for_a_refresh() {
    let server = Rotating::start_but(|request| {
        if request.target == "/oauth/token" {
            std::thread::sleep(Duration::from_secs(30));
        }
        None
    });
    let took = |n: usize| {
        let device = Device::new(&server.server.url);
        device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_0")));
        let mut child = device.orkee(&["cloud", "token"]).stderr(Stdio::null()).spawn().unwrap();
        wait::until("the refresh", || (server.server.requests_for("/oauth/token").len() > n).then_some(()));
        let begun = Instant::now();
        // The second one comes as often as it takes: the first has to have been taken by then.
        let status = wait::until("the end", || {
            let _ = kill_process(Pid::from_child(&child), Signal::INT);
            std::thread::sleep(Duration::from_millis(100));
            child.try_wait().unwrap()
        });
        assert_eq!(status.code(), Some(130));
        begun.elapsed()
    };
    // The best of a few: a busy machine may be late, who waits for the refresh always is.
    assert!((0..4).any(|n| took(n) < Duration::from_secs(4)));
}

#[test]
fn s11_what_cannot_be_taken_back_wants_the_name_typed() {
    let home = Home::new();
    home.add("shop");
    let hook = ["cloud", "webhook", "add", "https://hooks.example.com/a", "--local"];
    let id = home.json(hook)["webhook"]["id"].as_str().unwrap().to_owned();
    home.run(["cloud", "webhook", "remove", &id]).fails(2, "E-CLI-003").says("--yes");
    for (typed, code) in [("y\n", 1), ("hooks.example.com\n", 0)] {
        let mut terminal = Terminal::open(home.command(["cloud", "webhook", "remove", &id]), 100);
        terminal.answer("to remove it:", typed);
        let (status, seen) = terminal.finish();
        assert_eq!(status.code(), Some(code), "{typed:?}: {seen}");
    }
}
