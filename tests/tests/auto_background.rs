//! Syncs in the background, started by commands: one at work and one behind it, whatever the network does, and never in the way.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use orkee_tests::device::{Device, many};
use orkee_tests::home::{Ran, finish};
use orkee_tests::pair::pair;
use orkee_tests::server::Server;
use orkee_tests::wait;
use orkee_tests::watcher::{self, Watcher};
use serde_json::Value;

const AUTO: (&str, &str) = ("ORKEE_CLOUD_AUTO_SYNC", "true");
/// Nothing is due by the interval.
const NEVER: (&str, &str) = ("ORKEE_CLOUD_SYNC_INTERVAL", watcher::NEVER);

/// A command on a device with these settings.
fn with(device: &Device, settings: &[(&str, &str)], args: &[&str]) -> Command {
    let mut command = device.orkee(args);
    command.envs(settings.iter().copied());
    command
}

#[track_caller]
fn run(device: &Device, settings: &[(&str, &str)], args: &[&str]) -> Ran {
    finish(with(device, settings, args), &[]).success()
}

/// The lock files of those that wait, one for each place.
fn next_locks(device: &Device) -> Vec<PathBuf> {
    let run = fs::read_dir(device.home().join("run")).into_iter().flatten();
    let paths = run.map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("background-next-");
    paths.filter(is_one).collect()
}

/// Whether a sync was ever started in the background of this device: it leaves its lock file.
fn was_started(device: &Device) -> bool {
    !next_locks(device).is_empty()
}

/// Waits until one was.
fn is_started(device: &Device) {
    wait::until("a sync in the background", || was_started(device).then_some(()));
}

/// The locks of this device are free: nothing is at work.
fn is_quiet(device: &Device) {
    wait::until("the end of what is in the background", || {
        let free = |path: &PathBuf| match fs::File::open(path) {
            Ok(file) => file.try_lock().is_ok(),
            Err(_) => true,
        };
        // Who waits for its turn takes it before it gives the other lock away.
        let is_free = next_locks(device).iter().all(free) && free(&device.home().join("run/background.lock"));
        is_free.then_some(())
    });
}

/// Waits until B, which syncs, has what A has.
#[track_caller]
fn arrives(a: &Device, b: &Device) {
    wait::until("what was written", || {
        b.sync();
        (a.export() == b.export()).then_some(())
    });
}

/// The syncs of which the log tells.
fn logged(device: &Device) -> Vec<Value> {
    let text = fs::read_to_string(device.home().join("logs/orkee.log")).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["operation"] == "sync").collect()
}

/// How many of them nobody typed.
fn automatic(device: &Device) -> usize {
    logged(device).iter().filter(|line| line["automatic"] == true).count()
}

#[test]
fn d08_a_command_that_changed_something_is_followed_by_a_sync_and_one_that_did_not_by_none() {
    let (_server, a, b) = pair();
    for args in [&["projects", "list"][..], &["projects", "export"], &["audit"]] {
        run(&a, &[AUTO, NEVER], args);
    }
    run(&a, &[], &["projects", "add", "--name", "quiet"]);
    assert!(!was_started(&a));
    run(&a, &[AUTO, NEVER], &["projects", "add", "--name", "shop"]);
    arrives(&a, &b);
    is_quiet(&a);
    let last = logged(&a).pop().unwrap();
    assert_eq!((&last["automatic"], &last["projects_synced"]), (&true.into(), &2.into()), "{last}");
    assert_eq!(automatic(&a), 1);
}

#[test]
fn d08_a_command_that_comes_after_the_interval_fetches_what_others_wrote() {
    let (_server, a, b) = pair();
    b.add("shop");
    b.sync();
    wait::until("what B wrote", || {
        run(&a, &[AUTO, ("ORKEE_CLOUD_SYNC_INTERVAL", "1")], &["projects", "list"]);
        (a.export() == b.export()).then_some(())
    });
    is_quiet(&a);
}

#[test]
fn d08_without_a_sign_in_or_beside_a_watcher_none_is_started() {
    let server = Server::start();
    let nobody = Device::new(&server.url);
    run(&nobody, &[AUTO], &["projects", "add", "--name", "shop"]);
    assert!(!was_started(&nobody));
    let status = run(&nobody, &[AUTO], &["projects", "list"]);
    assert!(status.stdout.contains("shop"));
    assert!(!was_started(&nobody));

    let (_server, a, _) = pair();
    let mut watcher = Watcher::start(&a);
    watcher.wait_for("synced");
    run(&a, &[AUTO], &["projects", "add", "--name", "shop"]);
    watcher.wait_until("what was sent", |event| event["pushed"] == 1);
    assert!(!was_started(&a));
}

#[test]
fn d08_d12_a_watcher_that_waits_for_a_sign_in_keeps_no_command_with_a_token_from_syncing() {
    let (_server, a, b) = pair();
    let mut without = a.orkee(&["cloud", "watch", "--interval", NEVER.1]);
    without.env_remove("ORKEE_CLOUD_TOKEN");
    let mut watcher = Watcher::of(without);
    assert_eq!(watcher.wait_for("failed")["code"], "E-AUTH-001");
    run(&a, &[AUTO, NEVER], &["projects", "add", "--name", "shop"]);
    arrives(&a, &b);
    is_quiet(&a);
    let by = a.json(&["cloud", "status", "--offline"])["automatic"]["last_started_by"].take();
    let said = ["by", "because", "setting", "origin"].map(|key| by[key].as_str().unwrap());
    assert_eq!(said, ["command", "created", "cloud.auto_sync", "ORKEE_CLOUD_AUTO_SYNC in the environment"]);
    let told = a.run(&["cloud", "status", "--offline"]).success().stdout;
    let words = "after a command: a project was added (cloud.auto_sync, set by ORKEE_CLOUD_AUTO_SYNC in the environment)";
    assert!(told.contains(words), "{told}");
    drop(watcher);

    // One with the same token sends it, and says so.
    let mut watcher = Watcher::start(&a);
    watcher.wait_for("synced");
    run(&a, &[AUTO, NEVER], &["projects", "add", "--name", "site"]);
    watcher.wait_until("what was sent", |event| event["pushed"] == 1);
    let by = a.json(&["cloud", "status", "--offline"])["automatic"]["last_started_by"].take();
    assert_eq!((&by["by"], &by["because"]), (&"watcher".into(), &"wrote".into()), "{by}");
}

#[test]
fn d09_each_kind_of_change_has_a_setting_of_its_own() {
    for (name, creates, updates, deletes) in
        [("CREATE", true, false, false), ("UPDATE", false, true, false), ("DELETE", false, false, true)]
    {
        let (_server, a, b) = pair();
        let on = format!("ORKEE_CLOUD_SYNC_ON_{name}");
        let settings = [(on.as_str(), "true"), ("ORKEE_CLOUD_AUTO_SYNC", "false")];
        let old = a.add("old");
        let steps: [(&[&str], bool); 3] = [
            (&["projects", "add", "--name", "shop"], creates),
            (&["projects", "edit", &old, "--description", "older"], updates),
            (&["projects", "delete", &old, "--yes"], deletes),
        ];
        for (args, starts) in steps {
            run(&a, &settings, args);
            if starts {
                is_started(&a);
                arrives(&a, &b);
                is_quiet(&a);
            }
            let begun = automatic(&a);
            assert!(begun <= 1 && (begun == 1) >= starts, "{name}: {args:?}: {begun}");
        }
        assert_eq!(automatic(&a), 1, "{name}");
    }
}

/// The processes in the background of a device that have not begun yet.
fn waiting(device: &Device) -> usize {
    let home = device.home().canonicalize().unwrap();
    let is_one = |process: &PathBuf| {
        let args = fs::read(process.join("cmdline")).unwrap_or_default();
        let is_sync = args.split(|b| *b == 0).any(|arg| arg == b"--unasked");
        is_sync && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == home)
    };
    fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).filter(is_one).count()
}

#[test]
fn d10_many_commands_leave_one_that_waits_behind_the_one_at_work_and_the_last_edit_is_sent() {
    let (_server, a, b) = pair();
    fs::create_dir(a.home().join("run")).unwrap();
    // Somebody is at work, for as long as this lock is held.
    let work = fs::File::create(a.home().join("run/background.lock")).unwrap();
    work.lock().unwrap();
    let adds: Vec<_> = (0..12)
        .map(|n| {
            let mut add = with(&a, &[AUTO, NEVER], &["projects", "add", "--name", &format!("p{n}")]);
            add.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut add in adds {
        assert!(add.wait().unwrap().success());
    }
    // All but one go at once.
    is_started(&a);
    wait::until("one that waits", || (waiting(&a) == 1).then_some(()));
    let id = a.add("the last");
    run(&a, &[AUTO, NEVER], &["projects", "edit", &id, "--description", "as it is to be"]);
    wait::until("one that waits", || (waiting(&a) == 1).then_some(()));
    let before = logged(&a).len();
    drop(work);
    arrives(&a, &b);
    is_quiet(&a);
    assert!(b.export().contains("as it is to be"));
    assert_eq!(logged(&a).len() - before, 1);
}

#[test]
fn d10_one_of_each_place_waits_however_many_commands_of_each_there_are() {
    let (_server, a, b) = pair();
    fs::create_dir(a.home().join("run")).unwrap();
    let work = fs::File::create(a.home().join("run/background.lock")).unwrap();
    work.lock().unwrap();
    let elsewhere = ("ORKEE_CLOUD_API_URL", "http://127.0.0.1:9");
    for place in [&[AUTO, NEVER][..], &[AUTO, NEVER, elsewhere]] {
        let adds: Vec<_> = (0..5)
            .map(|n| {
                let mut add = with(&a, place, &["projects", "add", "--name", &format!("p{n}")]);
                add.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for mut add in adds {
            assert!(add.wait().unwrap().success());
        }
    }
    wait::until("a lock of each", || (next_locks(&a).len() == 2).then_some(()));
    wait::until("one of each that waits", || (waiting(&a) == 2).then_some(()));
    drop(work);
    arrives(&a, &b);
    is_quiet(&a);
}

#[test]
fn d10_an_import_of_many_is_followed_by_one() {
    let (_server, a, b) = pair();
    let import = with(&a, &[AUTO, NEVER], &["projects", "import", "-"]);
    let before = logged(&a).len();
    finish(import, many(1000).as_bytes()).success();
    arrives(&a, &b);
    is_quiet(&a);
    assert_eq!(logged(&a).len() - before, 1);
}

#[test]
fn d11_a_server_that_never_answers_is_waited_for_by_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let a = Device::with_token(&format!("http://{}", silent.local_addr().unwrap()), "orkee_pat_any");
    let mut add = with(&a, &[AUTO], &["projects", "add", "--name", "shop", "--json"]);
    // Whoever reads its output waits for its last writer.
    let mut child = add.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut told = String::new();
    child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(serde_json::from_str::<Value>(&told).unwrap()["project"]["id"].is_string());
    // What was started is at work, and asks.
    let (asked, _) = silent.accept().unwrap();
    let lock = fs::File::open(a.home().join("run/background.lock")).unwrap();
    assert!(lock.try_lock().is_err());
    drop((asked, silent));
    is_quiet(&a);
}

#[test]
fn d11_a_home_folder_where_nothing_can_be_noted_fails_no_command() {
    let (_server, a, _) = pair();
    fs::write(a.home().join("run"), "no folder").unwrap();
    run(&a, &[AUTO, NEVER], &["projects", "add", "--name", "shop"]);
    a.sync();
    a.run(&["cloud", "watch"]).fails(1, "E-AUTO-002");
}

#[test]
fn d12_d13_what_could_not_be_sent_waits_and_status_says_why_and_until_when() {
    let (mut server, a, b) = pair();
    server.stop();
    run(&a, &[AUTO, NEVER], &["projects", "add", "--name", "shop"]);
    let status = wait::until("its failure", || {
        let status = a.json(&["cloud", "status", "--offline"]);
        (!status["last_failure"].is_null()).then_some(status)
    });
    is_quiet(&a);
    assert_eq!(status["projects"]["waiting"], 1, "{status}");
    assert_eq!(status["last_failure"]["code"], "E-NET-001", "{status}");
    assert_eq!(status["last_failure"]["needs_answer"], false, "{status}");
    assert!(status["waiting_since"].is_string(), "{status}");
    let text = run(&a, &[AUTO, NEVER], &["cloud", "status", "--offline"]).stdout;
    assert!(text.contains("Not sent yet: 1 project, since "), "{text}");
    assert!(text.contains("Next automatic sync: 20"), "{text}");
    // Until then nothing is started, by no process of this home folder.
    let tried = logged(&a).len();
    run(&a, &[AUTO, NEVER], &["projects", "add", "--name", "blog"]);
    is_quiet(&a);
    assert_eq!(logged(&a).len(), tried);
    // A person need not wait.
    server.resume();
    a.sync();
    let status = a.json(&["cloud", "status", "--offline"]);
    assert!(status["last_failure"].is_null() && status["waiting_since"].is_null(), "{status}");
    arrives(&a, &b);
}

#[test]
fn a_folder_that_came_with_a_repository_may_ask_for_it() {
    let (_server, a, b) = pair();
    fs::write(a.path(".env"), "ORKEE_CLOUD_SYNC_ON_CREATE=true\nORKEE_CLOUD_API_URL=http://127.0.0.1:9\n")
        .unwrap();
    a.add("shop");
    is_started(&a);
    arrives(&a, &b);
    is_quiet(&a);
}
