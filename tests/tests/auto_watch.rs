//! Watchers: what one device writes the others have, without a command typed there, and whatever happens in between.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use orkee_tests::dav::{Dav, PASSWORD, USER};
use orkee_tests::device::{Device, many};
use orkee_tests::home::finish;
use orkee_tests::pair::pair;
use orkee_tests::server::Server;
use orkee_tests::tenants::TenantDevice;
use orkee_tests::wait;
use orkee_tests::watcher::{NEVER, Watcher, is_alive};
use rustix::process::{Pid, Signal, kill_process};

/// Waits until both hold the same, with this in it or not.
#[track_caller]
fn arrives(from: &Device, to: &Device, text: &str, is_there: bool) {
    wait::until("what was written", || {
        let (here, there) = (from.export(), to.export());
        (here == there && there.contains(text) == is_there).then_some(())
    });
}

#[test]
fn d01_d02_d03_d21_what_is_added_changed_and_deleted_on_one_arrives_on_the_other_without_a_command() {
    let (_server, a, b) = pair();
    let (mut on_a, mut on_b) = (Watcher::start(&a), Watcher::start(&b));
    // The interval never ends: what arrives was noticed here, and heard of there.
    for watcher in [&mut on_a, &mut on_b] {
        assert_eq!(watcher.wait_for("started")["interval_seconds"], 31_536_000);
        assert_eq!(watcher.wait_for("synced")["because"], "began");
    }
    let id = a.add("shop");
    arrives(&a, &b, "shop", true);
    assert_eq!(on_a.wait_until("what was sent", |event| event["pushed"] == 1)["because"], "wrote");
    assert_eq!(on_b.wait_until("what was fetched", |event| event["pulled"] == 1)["because"], "told");
    a.edit(&id, "--description", "with a garden");
    arrives(&a, &b, "with a garden", true);
    // And the other way.
    b.edit(&id, "--description", "without a garden");
    arrives(&b, &a, "without a garden", true);
    a.run(&["projects", "delete", &id, "--yes"]).success();
    arrives(&a, &b, "shop", false);
}

#[test]
fn d03_where_the_backend_does_not_tell_changes_arrive_with_the_interval() {
    let Some(dav) = Dav::apache() else { return eprintln!("no Apache here: not checked") };
    let device = || {
        let config = format!("[tenants.nas]\nprovider = \"webdav\"\napi_url = \"{}\"\n", dav.url);
        let device = TenantDevice::new(&config);
        device.feed("nas", &["cloud", "login", "--with-token"], &format!("{USER}:{PASSWORD}\n")).success();
        device
    };
    let (a, b) = (device(), device());
    let mut watcher = Watcher::of(b.orkee("nas", &["cloud", "watch", "--interval", "1"]));
    watcher.wait_for("synced");
    a.json("nas", &["projects", "add", "--name", "shop"]);
    a.json("nas", &["cloud", "sync"]);
    let fetched = watcher.wait_until("what was fetched", |event| event["pulled"] == 1);
    assert_eq!(fetched["because"], "due");
    assert!(b.run("nas", &["projects", "export"]).success().stdout.contains("shop"));
}

#[test]
fn d04_a_second_watcher_is_refused_and_told_of_the_first_which_goes_on() {
    let (_server, a, b) = pair();
    let mut first = Watcher::start(&a);
    first.wait_for("synced");
    // What moved nothing, and nobody typed, leaves no row beside the typed one's.
    let rows = a.json(&["audit"])["entries"].as_array().unwrap().clone();
    assert_eq!(rows.iter().filter(|row| row["action"] == "sync").count(), 1, "{rows:?}");
    let refused = a.run(&["cloud", "watch"]).fails(7, "E-AUTO-001");
    assert!(refused.stderr.contains(&format!("process {}", first.pid())), "{refused}");
    a.add("shop");
    first.wait_until("what was sent", |event| event["pushed"] == 1);
    // One that is gone holds nothing, however it went.
    first.kill();
    Watcher::start(&a).wait_for("synced");
    Watcher::start(&b).wait_for("synced");
}

#[test]
fn d05_it_ends_as_it_is_told_to_and_leaves_nobody_behind() {
    let (_server, a, _) = pair();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 0)] {
        let mut watcher = Watcher::start(&a);
        watcher.wait_for("synced");
        let children = wait::until("its ear", || Some(watcher.children()).filter(|all| !all.is_empty()));
        watcher.signal(signal);
        assert_eq!(watcher.finish(), Some(code), "{signal:?}");
        assert_eq!(watcher.told.last().unwrap()["event"], "stopped");
        wait::until("the end of its children", || children.iter().all(|pid| !is_alive(*pid)).then_some(()));
    }
    // Nor does one that has no time to tell anybody.
    let mut watcher = Watcher::start(&a);
    watcher.wait_for("synced");
    let children = wait::until("its ear", || Some(watcher.children()).filter(|all| !all.is_empty()));
    watcher.kill();
    wait::until("the end of its children", || children.iter().all(|pid| !is_alive(*pid)).then_some(()));
}

#[test]
fn d05_settings_are_read_anew_and_wrong_ones_leave_the_former() {
    let (_server, a, _) = pair();
    let mut watcher = Watcher::of(a.orkee(&["cloud", "watch"]));
    assert_eq!(watcher.wait_for("started")["interval_seconds"], 300);
    watcher.wait_for("synced");
    fs::write(a.home().join("config.toml"), "[cloud]\nsync_interval = 77\n").unwrap();
    // What is read while it is being written is read again.
    watcher.wait_until("the new interval", |event| event["interval_seconds"] == 77);
    watcher.signal(Signal::HUP);
    assert_eq!(watcher.wait_for("settings")["interval_seconds"], 77);
    fs::write(a.home().join("config.toml"), "[cloud]\nsync_interval = 0\n").unwrap();
    let trouble = watcher.wait_until("what is wrong", |event| event["event"] == "trouble");
    assert!(trouble["message"].as_str().unwrap().contains("cloud.sync_interval"), "{trouble}");
    fs::write(a.home().join(".env"), "ORKEE_CLOUD_SYNC_INTERVAL=78\n").unwrap();
    watcher.wait_until("the new interval", |event| event["interval_seconds"] == 78);
    a.add("shop");
    watcher.wait_until("what was sent", |event| event["pushed"] == 1);
}

#[test]
fn d06_one_that_is_killed_loses_nothing_and_neither_does_a_sync_that_is() {
    let (server, a, b) = pair();
    let mut watcher = Watcher::start(&a);
    watcher.wait_for("synced");
    watcher.kill();
    a.import(&many(1500));
    let mut watcher = Watcher::start(&a);
    watcher.wait_for("started");
    // Whatever it has started by now is ended in the middle of it.
    let children = wait::until("a sync", || Some(watcher.children()).filter(|all| !all.is_empty()));
    for pid in children {
        let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
    }
    let cut_off = watcher.wait_until("its end", |event| event["event"] != "started");
    if cut_off["event"] == "failed" {
        assert_eq!(cut_off["code"], "E-AUTO-005", "{cut_off}");
        assert!(cut_off["again_at"].is_string(), "{cut_off}");
        watcher.wait_for("synced");
    }
    watcher.kill();
    b.sync();
    assert_eq!(a.export(), b.export());
    assert_eq!(a.json(&["cloud", "status"])["projects"]["waiting"], 0);
    drop(server);
}

#[test]
fn d07_a_database_that_is_moved_away_is_told_once_waited_for_and_not_made() {
    let (_server, a, b) = pair();
    a.add("shop");
    let mut watcher = Watcher::start(&a);
    watcher.wait_until("what was sent", |event| event["pushed"] == 1);
    let (database, away) = (a.home().join("orkee.db"), a.path("away.db"));
    fs::rename(&database, &away).unwrap();
    let gone = watcher.wait_for("database_gone");
    assert_eq!(gone["path"].as_str().unwrap(), database.to_str().unwrap());
    for _ in 0..2 {
        watcher.signal(Signal::HUP);
        watcher.wait_for("settings");
    }
    // What a watcher and commands start meanwhile makes none either, whenever it was moved.
    for unasked in [&["cloud", "sync", "--unasked"][..], &["cloud", "watch", "--listen"]] {
        let ran = a.run(unasked).fails(1, "E-STORE-017").says("there is no database");
        assert!(!database.exists(), "{ran}");
    }
    a.run(&["cloud", "webhook", "drain", "--detached"]);
    assert!(!database.exists());
    fs::rename(&away, &database).unwrap();
    watcher.wait_for("database_back");
    watcher.wait_for("synced");
    assert_eq!(watcher.told.iter().filter(|event| event["event"] == "database_gone").count(), 1);
    a.add("blog");
    watcher.wait_until("what was sent", |event| event["pushed"] == 1);
    b.sync();
    assert_eq!(a.export(), b.export());
}

#[test]
fn d13_what_may_pass_is_tried_again_later_and_a_person_need_not_wait() {
    let (mut server, a, b) = pair();
    let mut watcher = Watcher::start(&a);
    watcher.wait_for("synced");
    server.stop();
    a.add("shop");
    let failed = watcher.wait_for("failed");
    assert!(failed["again_at"].is_string(), "{failed}");
    let status = a.json(&["cloud", "status", "--offline"]);
    assert_eq!(status["last_failure"]["code"], failed["code"], "{status}");
    assert_eq!(status["next_automatic_sync_at"], failed["again_at"], "{status}");
    server.resume();
    a.sync();
    let status = a.json(&["cloud", "status", "--offline"]);
    assert!(status["last_failure"].is_null(), "{status}");
    watcher.wait_for("synced");
    b.sync();
    assert_eq!(a.export(), b.export());
}

#[test]
fn d14_who_is_not_signed_in_is_told_once_and_a_sign_in_is_all_it_takes() {
    let server = Server::start();
    let a = Device::new(&server.url);
    a.add("shop");
    let mut watcher = Watcher::start(&a);
    let failed = watcher.wait_for("failed");
    assert_eq!(
        (&failed["code"], &failed["again_at"]),
        (&"E-AUTH-001".into(), &serde_json::Value::Null),
        "{failed}"
    );
    // A further edit changes nothing about that.
    a.add("blog");
    watcher.signal(Signal::HUP);
    watcher.wait_for("settings");
    let status = finish(a.orkee(&["cloud", "status", "--offline"]), &[]);
    assert!(status.stdout.contains("Next automatic sync: once you are signed in\n"), "{status}");
    assert!(status.stdout.contains("Not sent yet: 2 projects, since "), "{status}");
    a.login(&server.person());
    watcher.wait_until("what was sent", |event| event["pushed"] == 2);
    assert_eq!(
        watcher.told.iter().filter(|event| event["event"] == "failed").count(),
        1,
        "{:?}",
        watcher.told
    );
}

#[test]
fn d13_a_failure_that_cannot_be_noted_is_told_and_not_tried_in_a_loop() {
    // Nobody is there.
    let a = Device::with_token("http://127.0.0.1:9", "orkee_pat_any");
    a.add("shop");
    // Nothing can take this folder's place.
    fs::create_dir_all(a.home().join("run/pause.json")).unwrap();
    let mut watcher = Watcher::start(&a);
    let failed = watcher.wait_for("failed");
    assert_eq!(failed["code"], "E-NET-001", "{failed}");
    // The next one is not at once, and the one after it later still.
    let at = |event: &serde_json::Value| event["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let second = watcher.wait_for("failed");
    assert!(at(&second).duration_since(at(&failed)).as_secs() >= 5, "{:?}", watcher.told);
}

#[test]
fn d15_a_typed_sync_waits_for_an_automatic_one_and_fails_beside_a_typed_one() {
    let (_server, a, _) = pair();
    let lock = fs::File::options().write(true).open(a.home().join("sync.lock")).unwrap();
    lock.lock().unwrap();
    let pid = std::process::id();
    fs::write(a.home().join("sync.lock"), pid.to_string()).unwrap();
    a.run(&["cloud", "sync"]).fails(7, "E-SYNC-004").says(&pid.to_string());
    fs::write(a.home().join("sync.lock"), format!("{pid} automatic")).unwrap();
    let mut typed =
        a.orkee(&["cloud", "sync", "-vv"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut told = BufReader::new(typed.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(told.any(|line| line.contains("waiting for a sync that nobody typed")));
    assert!(typed.try_wait().unwrap().is_none());
    drop(lock);
    let rest: Vec<String> = told.collect();
    assert!(typed.wait().unwrap().success(), "{rest:?}");
}

#[test]
fn d19_nonsense_in_a_setting_is_refused_with_its_name_and_what_it_takes() {
    let server = Server::start();
    let a = Device::with_token(&server.url, &server.token());
    let truths = ["AUTO_SYNC", "SYNC_ON_CREATE", "SYNC_ON_UPDATE", "SYNC_ON_DELETE"];
    let truths = truths.map(|name| (name, vec!["maybe", "2", "-"], "true or false"));
    let numbers = vec!["0", "-1", "1000000000000", "1.5", "soon"];
    let all =
        truths.into_iter().chain([("SYNC_INTERVAL", numbers, "a number of seconds from 1 to 31536000")]);
    for (name, values, expected) in all {
        let name = format!("ORKEE_CLOUD_{name}");
        for value in values {
            for command in ["watch", "status", "enable"] {
                let mut run = a.orkee(&["cloud", command]);
                run.env(&name, value);
                let refused = finish(run, &[]).fails(2, "E-CONFIG-004");
                let refused = refused.says(&name).says(expected).says("environment");
                assert!(refused.stderr.contains(&format!("{value:?}")), "{refused}");
            }
            // What was not asked for a sync does its work.
            let mut add = a.orkee(&["projects", "list"]);
            add.env(&name, value);
            finish(add, &[]).success().says(&name);
        }
    }
    for interval in ["0", "-1", "1000000000000"] {
        a.run(&["cloud", "watch", &format!("--interval={interval}")]).fails(2, "E-CLI-001").says("31536000");
        fs::write(a.home().join("config.toml"), format!("[cloud]\nsync_interval = {interval}\n")).unwrap();
        a.run(&["cloud", "watch"]).fails(2, "E-CONFIG-004").says("cloud.sync_interval in config.toml");
    }
}

#[test]
fn d20_status_says_whether_and_how_and_when() {
    let (_server, a, _) = pair();
    let automatic = |set: &[(&str, &str)]| {
        let mut text = a.orkee(&["cloud", "status", "--offline"]);
        let mut json = a.orkee(&["cloud", "status", "--offline", "--json"]);
        for command in [&mut text, &mut json] {
            command.envs(set.iter().copied());
        }
        let text = finish(text, &[]).success().stdout;
        let line = text.lines().find(|line| line.starts_with("Automatic sync: ")).unwrap().to_owned();
        (line, finish(json, &[]).success().json())
    };
    let (line, json) = automatic(&[]);
    assert_eq!(line, "Automatic sync: off");
    assert_eq!(
        (&json["automatic"]["enabled"], &json["automatic"]["watched"]),
        (&false.into(), &false.into())
    );
    assert!(json["next_automatic_sync_at"].is_null(), "{json}");
    let (line, json) = automatic(&[("ORKEE_CLOUD_AUTO_SYNC", "true"), ("ORKEE_CLOUD_SYNC_INTERVAL", "9000")]);
    assert_eq!(line, "Automatic sync: on, with each command that changes something, and every 9000 s");
    let last: jiff::Timestamp = json["last_sync_at"].as_str().unwrap().parse().unwrap();
    let next: jiff::Timestamp = json["next_automatic_sync_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(next.duration_since(last).as_secs(), 9000, "{json}");
    let (line, _) = automatic(&[("ORKEE_CLOUD_SYNC_ON_CREATE", "1"), ("ORKEE_CLOUD_SYNC_ON_DELETE", "on")]);
    assert_eq!(line, "Automatic sync: when a project is added or deleted");
    let mut watcher = Watcher::start(&a);
    watcher.wait_for("synced");
    let (line, json) = automatic(&[]);
    assert_eq!(line, format!("Automatic sync: on, every 300 s, watcher running (process {})", watcher.pid()));
    assert_eq!(json["automatic"]["watcher"], watcher.pid(), "{json}");
}

#[test]
fn a_reader_of_lines_that_goes_away_ends_it() {
    let (_server, a, _) = pair();
    let mut command = std::process::Command::new("bash");
    command.args(["-c", "\"$0\" cloud watch --json --interval \"$1\" | head -1"]);
    command.arg(orkee_tests::binaries::orkee()).arg(NEVER).env_clear();
    for (name, value) in a.orkee(&[]).get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let ran = finish(command, &[]).success();
    assert_eq!(ran.stdout.lines().count(), 1, "{ran}");
}
