//! Every command that changes something, killed before each write that matters, each flush, each file replacement and each send,
//! and run again: the end is the one of an uninterrupted run. And the order in which things reach the disk.
//!
//! `tests/src/trace.rs` says what a point is, `tests/src/crash.rs` how a trial goes.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};

use orkee_tests::crash::{Stage, Trial, mostly};
use orkee_tests::device::{Device, many};
use orkee_tests::folder::private_folder;
use orkee_tests::home::{Ran, finish};
use orkee_tests::relay::{Relay, Way};
use orkee_tests::server::Server;
use orkee_tests::trace::{self, Call};
use orkee_tests::{tally, wait};
use serde_json::{Value, json};

/// A device that never asks a server.
fn alone() -> Device {
    Device::new("http://127.0.0.1:9")
}

fn tireless() -> (Server, String) {
    let server = Server::tireless();
    let token = server.token();
    (server, token)
}

/// All projects but for the times, which differ from run to run.
fn projects(device: &Device) -> Vec<Value> {
    let export: Value = serde_json::from_str(&device.export()).unwrap();
    let mut projects = export["projects"].as_array().unwrap().clone();
    for project in &mut projects {
        let fields = project.as_object_mut().unwrap();
        fields.remove("createdAt");
        fields.remove("updatedAt");
    }
    projects
}

/// What a device shows of its projects, its conflicts and what waits.
fn shown(device: &Device) -> Value {
    let conflicts = device.json(&["cloud", "conflicts"])["conflicts"].take();
    let bare = |c: &Value| json!([c["id"], c["field"], c["local"], c["cloud"]]);
    let conflicts: Vec<Value> = conflicts.as_array().unwrap().iter().map(bare).collect();
    json!({"projects": projects(device), "conflicts": conflicts})
}

/// What the first device shows, and that the others come to the same by a sync of their own.
fn in_step(devices: &[Device]) -> Value {
    let shown = shown(&devices[0]);
    for other in &devices[1..] {
        assert!(matches!(other.run(&["cloud", "sync"]).code, Some(0 | 5)));
        assert_eq!(other.export(), devices[0].export());
    }
    let quiet = devices[0].run(&["cloud", "sync", "--json"]).json();
    assert_eq!([&quiet["pushed"], &quiet["pulled"], &quiet["round_trips"]], [0, 0, 1], "{quiet}");
    shown
}

/// What the only device holds.
fn stored(devices: &[Device]) -> Value {
    json!(projects(&devices[0]))
}

/// A stage without a server.
fn offline(device: Device) -> Stage {
    Stage::new(vec![device], None)
}

/// Names of all projects, each once.
fn names(device: &Device) -> Vec<String> {
    let mut names: Vec<_> = projects(device).iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn c90a_an_add_that_is_killed_anywhere_added_one_project_or_none() {
    let device = alone();
    device.add("old");
    let after_kill = |device: &Device, killed: &Ran| {
        let names = names(device);
        assert!(names == ["old"] || names == ["new", "old"], "{names:?}");
        assert!(names.len() == 2 || killed.stdout.is_empty(), "it was acknowledged: {killed}");
    };
    // Run again, it adds a second one, where the first was there already.
    let end = |devices: &[Device]| {
        let mut names = names(&devices[0]);
        names.dedup();
        json!(names)
    };
    let args = ["projects", "add", "--name", "new", "--tag", "t"];
    Trial { after_kill: &after_kill, ..Trial::of("projects add", &args, &end) }.run(&mut offline(device));
}

#[test]
fn c90a_a_first_command_that_is_killed_anywhere_leaves_a_folder_that_the_next_one_can_use() {
    let device = alone();
    private_folder(&device.home());
    let args = ["projects", "import", "-"];
    let after_kill = |device: &Device, _: &Ran| {
        let count = projects(device).len();
        assert!(count == 0 || count == 5, "{count}");
    };
    let trial = Trial { after_kill: &after_kill, ..Trial::of("a first command", &args, &stored) };
    Trial { input: &many(5), ..trial }.run(&mut offline(device));
}

#[test]
fn c90a_an_edit_that_is_killed_anywhere_happened_as_a_whole_or_not_at_all() {
    let device = alone();
    let id = device.add("shop");
    device.edit(&id, "--description", "old");
    let after_kill = |device: &Device, killed: &Ran| {
        let now = [device.field(&id, "description"), device.field(&id, "status")];
        assert!(now == ["old", "planning"] || now == ["new", "building"], "{now:?}");
        assert!(now[0] == "new" || killed.stdout.is_empty(), "it was acknowledged: {killed}");
        assert!(device.json(&["projects", "history", &id]).to_string().contains("old"));
    };
    let args = ["projects", "edit", &id, "--description", "new", "--status", "building"];
    Trial { after_kill: &after_kill, ..Trial::of("projects edit", &args, &stored) }.run(&mut offline(device));
}

#[test]
fn c90a_a_delete_that_is_killed_anywhere_can_be_run_again_and_taken_back() {
    let device = alone();
    let (id, _) = (device.add("shop"), device.add("other"));
    let after_kill = |device: &Device, _: &Ran| {
        let left = names(device);
        assert!(left == ["other", "shop"] || left == ["other"], "{left:?}");
        if left.len() == 1 {
            device.run(&["projects", "restore", &id]).success();
            assert_eq!(device.field(&id, "name"), "shop");
        }
    };
    let args = ["projects", "delete", &id, "--yes"];
    // Where it was killed after its work was done, there is no such project any more.
    let trial = Trial { exits: &[0, 2], ..Trial::of("projects delete", &args, &stored) };
    Trial { after_kill: &after_kill, ..trial }.run(&mut offline(device));
}

#[test]
fn c90a_an_import_that_is_killed_anywhere_took_all_or_nothing() {
    let device = alone();
    device.add("old");
    let after_kill = |device: &Device, _: &Ran| {
        let count = projects(device).len();
        assert!(count == 1 || count == 61, "{count}");
    };
    let args = ["projects", "import", "-", "--on-conflict", "skip"];
    let trial = Trial { after_kill: &after_kill, ..Trial::of("projects import", &args, &stored) };
    Trial { input: &many(60), ..trial }.run(&mut offline(device));
}

#[test]
fn c90a_a_revert_that_is_killed_anywhere_happened_as_a_whole_or_not_at_all() {
    let device = alone();
    let id = device.add("shop");
    device.run(&["projects", "edit", &id, "--description", "new", "--status", "building"]).success();
    let after_kill = |device: &Device, _: &Ran| {
        let now = [device.field(&id, "description"), device.field(&id, "status")];
        let old = [Value::Null, json!("planning")];
        assert!(now == ["new", "building"] || now == old, "{now:?}");
    };
    let args = ["projects", "revert", &id, "--to", "1"];
    Trial { after_kill: &after_kill, ..Trial::of("projects revert", &args, &stored) }
        .run(&mut offline(device));
}

#[test]
fn c90a_a_locate_that_is_killed_anywhere_can_be_run_again() {
    let device = alone();
    let id = device.add("shop");
    let folder = device.path("code");
    std::fs::create_dir(&folder).unwrap();
    let end = |devices: &[Device]| {
        let mut shown = devices[0].json(&["projects", "show", &id]);
        shown["project"].as_object_mut().unwrap().remove("updatedAt");
        shown
    };
    let args = ["projects", "locate", &id, folder.to_str().unwrap()];
    Trial::of("projects locate", &args, &end).run(&mut offline(device));
}

#[test]
fn c90_a_first_upload_that_is_killed_anywhere_ends_the_same() {
    let (server, token) = tireless();
    let other = server.account("other@example.com");
    // Compiled code, without a store that belongs to an account.
    let warm = Device::with_token(&server.url, &other);
    warm.sync();
    let device = || Device::with_token(&server.url, &token).warmed_by(&warm);
    let (a, b) = (device(), device());
    a.import(&many(1100));
    let stage = &mut Stage::new(vec![a, b], Some(server));
    Trial::of("a first upload", &["cloud", "sync", "--json"], &in_step).run(stage);
}

#[test]
fn c90_a_sync_that_is_killed_anywhere_while_it_compiles_the_provider_ends_the_same() {
    let (server, token) = tireless();
    let device = Device::with_token(&server.url, &token);
    device.add("shop");
    let stage = &mut Stage::new(vec![device], Some(server));
    let trial = Trial::of("a sync that compiles the provider", &["cloud", "sync", "--json"], &in_step);
    Trial { within: "cache", ..trial }.run(stage);
}

#[test]
fn c90_a_download_that_is_killed_anywhere_ends_the_same() {
    let (server, token) = tireless();
    let (a, b) = (Device::with_token(&server.url, &token), Device::with_token(&server.url, &token));
    b.sync();
    a.import(&many(1100));
    a.sync();
    let stage = &mut Stage::new(vec![b, a], Some(server));
    Trial::of("a download", &["cloud", "restore", "--json"], &in_step).run(stage);
}

/// Two devices of which the second changed a field that the first changed, too, and sent it.
fn at_odds(server: &Server, token: &str) -> (Device, Device, String) {
    let (a, b) = (Device::with_token(&server.url, token), Device::with_token(&server.url, token));
    let id = a.add("shop");
    let gone = a.add("gone");
    a.sync();
    b.sync();
    a.edit(&id, "--description", "from a");
    a.run(&["projects", "delete", &gone, "--yes"]).success();
    b.edit(&id, "--description", "from b");
    b.edit(&id, "--add-tag", "b");
    b.add("new on b");
    b.sync_whatever();
    (a, b, id)
}

#[test]
fn c90_a_merge_with_a_conflict_that_is_killed_anywhere_ends_the_same() {
    let (server, token) = tireless();
    let (a, b, _) = at_odds(&server, &token);
    let trial = Trial::of("a merge with a conflict", &["cloud", "sync", "--json"], &in_step);
    Trial { exits: &[5], ..trial }.run(&mut Stage::new(vec![a, b], Some(server)));
}

#[test]
fn c90_a_restore_that_takes_the_clouds_and_is_killed_anywhere_ends_the_same() {
    let (server, token) = tireless();
    let (a, b, _) = at_odds(&server, &token);
    let args = ["cloud", "restore", "--force", "--cloud-wins", "--yes", "--json"];
    let stage = &mut Stage::new(vec![a, b], Some(server));
    Trial::of("a restore that takes the cloud's", &args, &in_step).run(stage);
}

#[test]
fn c90_a_forced_sync_that_takes_ours_and_is_killed_anywhere_ends_the_same() {
    let (server, token) = tireless();
    let (a, b, _) = at_odds(&server, &token);
    let stage = &mut Stage::new(vec![a, b], Some(server));
    let args = ["cloud", "sync", "--force", "--local-wins", "--json"];
    Trial::of("a forced sync that takes ours", &args, &in_step).run(stage);
}

#[test]
fn c90a_a_settlement_that_is_killed_anywhere_happened_or_did_not() {
    let (server, token) = tireless();
    let (a, b, id) = at_odds(&server, &token);
    assert_eq!(a.run(&["cloud", "sync"]).code, Some(5));
    let args = ["cloud", "conflicts", "resolve", &id, "--field", "description=cloud"];
    let end = |devices: &[Device]| shown(&devices[0]);
    let after_kill = |device: &Device, _: &Ran| {
        let now = shown(device);
        let is_settled = now["conflicts"] == json!([]);
        let value = if is_settled { "from b" } else { "from a" };
        assert_eq!(device.field(&id, "description"), value, "{now}");
    };
    // Settled already: there is no such conflict any more.
    let trial = Trial { exits: &[0, 2], ..Trial::of("a settlement", &args, &end) };
    Trial { after_kill: &after_kill, ..trial }.run(&mut Stage::new(vec![a, b], Some(server)));
}

#[test]
fn c90a_a_login_and_a_logout_that_are_killed_anywhere_leave_a_whole_token_file() {
    let (server, old) = tireless();
    let new = server.token();
    let device = Device::new(&server.url);
    let login = ["cloud", "login", "--with-token"];
    finish(device.orkee(&login), old.as_bytes()).success();
    let after_kill = |device: &Device, _: &Ran| {
        let token = device.run(&["cloud", "token"]);
        match token.code {
            Some(0) => assert!([&old, &new].contains(&&token.stdout.trim().to_owned()), "{token}"),
            code => assert!(code == Some(4) && device.auth_toml().is_none(), "{token}"),
        }
    };
    let end = |devices: &[Device]| json!(devices[0].run(&["cloud", "token"]).stdout);
    let stage = &mut Stage::new(vec![device], Some(server));
    let trial = Trial { after_kill: &after_kill, ..Trial::of("a login", &login, &end) };
    Trial { input: &new, ..trial }.run(stage);
    let trial = Trial::of("a logout", &["cloud", "logout"], &end);
    Trial { after_kill: &after_kill, ..trial }.run(stage);
}

#[test]
fn c90_a_push_whose_record_was_edited_meanwhile_is_killed_anywhere_and_both_edits_arrive() {
    if !trace::is_there() {
        return;
    }
    let (server, token) = tireless();
    let relay = Relay::to(&server.url);
    let (a, b) = (Device::with_token(&relay.url, &token), Device::with_token(&relay.url, &token));
    let id = a.add("shop");
    a.sync();
    b.sync();
    a.edit(&id, "--description", "sent");
    let home = a.home();
    let mut stage = Stage::new(vec![a, b], Some(server));

    let (_, calls) = meanwhile(&stage, &relay, &id, None);
    let points = trace::points(&calls, &home);
    let mut killed = 0;
    for point in &points {
        stage.reset();
        let (ran, _) = meanwhile(&stage, &relay, &id, Some(point));
        killed += usize::from(ran.code.is_none());
        let [a, b] = &stage.devices[..] else { panic!() };
        // The other device goes on from what was sent, if it arrived.
        b.sync();
        b.edit(&id, "--name", "renamed on b");
        b.sync();
        a.edit(&id, "--description", "edited meanwhile");
        a.sync();
        b.sync();
        assert_eq!(a.export(), b.export(), "killed before {}", point.text);
        let fields = [b.field(&id, "description"), b.field(&id, "name")];
        assert_eq!(fields, ["edited meanwhile", "renamed on b"], "killed before {}", point.text);
        assert_eq!(a.json(&["cloud", "conflicts"])["conflicts"], json!([]), "killed before {}", point.text);
    }
    assert!(mostly(killed, points.len()), "{killed} of {}", points.len());
    tally::note("crash points of a push whose record is edited meanwhile", killed);
}

/// A sync whose record is edited while its request is under way; its calls, if it is not to be killed.
fn meanwhile(stage: &Stage, relay: &Relay, id: &str, kill: Option<&Call>) -> (Ran, Vec<Call>) {
    let device = stage.device();
    relay.on_sync(Way::Held);
    let sync = device.orkee(&["cloud", "sync", "--json"]);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| match kill {
            Some(call) => (finish(trace::killed_before(&sync, call), &[]), Vec::new()),
            None => trace::record(&sync, &[]),
        });
        wait::until("the request, or the end", || (relay.kept() > 0 || running.is_finished()).then_some(()));
        device.edit(id, "--description", "edited meanwhile");
        relay.pass();
        relay.release();
        running.join().unwrap()
    })
}

/// The calls of a command that has to succeed.
fn calls(command: &Command, input: &str) -> Vec<Call> {
    let (ran, calls) = trace::record(command, input.as_bytes());
    ran.success();
    calls
}

/// The writes into the database or its log before `at`, and where the last flush of them ended.
fn is_flushed(calls: &[Call], at: usize) -> bool {
    let is_database = |call: &Call| call.on.contains("orkee.db") && !call.on.ends_with("-shm");
    let last =
        |is: &dyn Fn(&Call) -> bool| calls[..at].iter().rposition(|call| is_database(call) && is(call));
    match (last(&Call::is_write), last(&Call::is_sync)) {
        (Some(write), Some(sync)) => write < sync,
        _ => false,
    }
}

#[test]
fn c90b_what_add_and_edit_acknowledge_is_on_disk_before_they_say_so() {
    if !trace::is_there() {
        return;
    }
    let device = alone();
    let id = device.add("shop");
    // Another connection keeps the log from being folded into the database at the end, which flushes as well.
    let other = rusqlite::Connection::open(device.home().join("orkee.db")).unwrap();
    other.query_row("SELECT count(*) FROM records", [], |_| Ok(())).unwrap();
    for args in [&["projects", "add", "--name", "new"][..], &["projects", "edit", &id, "--name", "n"]] {
        let mut command = device.orkee(args);
        command.stdout(Stdio::piped());
        let calls = calls(&command, "");
        let said = calls.iter().position(|call| call.name == "write" && call.text.starts_with("write(1<"));
        let said = said.unwrap_or_else(|| panic!("nothing was said: {calls:#?}"));
        assert!(is_flushed(&calls, said), "{calls:#?}");
    }
}

#[test]
fn c90b_the_mark_of_what_is_sent_is_on_disk_before_it_leaves() {
    if !trace::is_there() {
        return;
    }
    let (server, token) = tireless();
    let device = Device::with_token(&server.url, &token);
    device.sync();
    device.add("shop");
    let calls = calls(&device.orkee(&["cloud", "sync"]), "");
    let sent = calls.iter().position(Call::is_send).unwrap_or_else(|| panic!("nothing was sent: {calls:#?}"));
    assert!(is_flushed(&calls, sent), "{calls:#?}");
}

#[test]
fn c90b_a_token_file_is_on_disk_before_it_takes_the_others_place_and_so_is_its_name_afterwards() {
    if !trace::is_there() {
        return;
    }
    let (server, token) = tireless();
    let device = Device::new(&server.url);
    let calls = calls(&device.orkee(&["cloud", "login", "--with-token"]), &token);
    let file = device.home().join("auth.toml.new");
    let is_meant = |call: &Call| call.is_rename() && Path::new(&call.on) == file;
    let renamed = calls.iter().position(is_meant).unwrap_or_else(|| panic!("{calls:#?}"));
    let about = |calls: &[Call], path: &Path| -> Vec<Call> {
        calls.iter().filter(|call| Path::new(&call.on) == path).cloned().collect()
    };
    let before = about(&calls[..renamed], &file);
    assert!(before.last().is_some_and(Call::is_sync), "{before:#?}");
    assert!(before.iter().any(Call::is_write), "{before:#?}");
    let after = about(&calls[renamed + 1..], &device.home());
    assert!(after.first().is_some_and(Call::is_sync), "{after:#?}");
}
