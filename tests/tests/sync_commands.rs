//! What the cloud commands say, ask and leave alone beside the sync itself.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs::File;
use std::process::{Child, Stdio};

use orkee_tests::device::Device;
use orkee_tests::home::finish;
use orkee_tests::relay::{Relay, Way};
use orkee_tests::server::Server;
use orkee_tests::terminal::Terminal;
use rusqlite::Connection;
use serde_json::{Value, json};

fn start(device: &Device, args: &[&str]) -> Child {
    device.orkee(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A server, and two devices that are signed in to the same account.
fn two_devices() -> (Server, Device, Device) {
    let server = Server::start();
    let token = server.token();
    let (a, b) = (Device::with_token(&server.url, &token), Device::with_token(&server.url, &token));
    (server, a, b)
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn c34_c80_status_has_the_same_keys_signed_in_or_not_and_counts_what_waits() {
    let server = Server::start();
    let device = Device::new(&server.url);
    let id = device.add("shop");
    let signed_out = device.run(&["cloud", "status", "--json"]).exits(4).json();
    let published = "authenticated account subscription token_expires_at token_source last_sync_at provider tenant projects provider_because tenant_origin api_url sign_in";
    assert!(published.split(' ').all(|key| keys(&signed_out).contains(key)), "{signed_out}");
    assert_eq!([&signed_out["authenticated"], &signed_out["account"]], [&json!(false), &Value::Null]);
    let counts = |in_step: u8, waiting: u8| json!({"in_step": in_step, "waiting": waiting, "conflicts": 0, "parked": 0});
    assert_eq!(signed_out["projects"], counts(0, 1));

    device.login(&server.person());
    device.sync();
    device.add("new");
    device.edit(&id, "--description", "edited");
    let signed_in = device.json(&["cloud", "status"]);
    assert_eq!(keys(&signed_in), keys(&signed_out));
    assert_eq!([&signed_in["authenticated"], &signed_in["provider"]], [&json!(true), &json!("orkee-cloud")]);
    assert_eq!([&signed_in["account"], &signed_in["subscription"]], ["john@example.com", "Pro Plan"]);
    assert_eq!(signed_in["projects"], counts(0, 2));
    assert!(signed_in["last_sync_at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}

#[test]
fn p28_c09_ctrl_c_ends_a_sync_that_waits_for_the_server_and_the_next_one_brings_everything() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    device.add("shop");
    relay.on_sync(Way::Ignored);
    let child = start(&device, &["cloud", "sync"]);
    relay.wait_until_kept();
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
    relay.release();
    relay.pass();
    assert_eq!(device.sync()["pushed"], 1);
}

#[test]
fn p34_a_command_that_does_not_sync_loads_no_provider() {
    let device = Device::new("http://127.0.0.1:9");
    let id = device.add("shop");
    for args in [
        &["projects", "list"][..],
        &["projects", "show", &id],
        &["projects", "edit", &id, "--priority", "high"],
        &["projects", "export"],
        &["cloud", "status", "--offline"],
        &["cloud", "conflicts"],
        &["cloud", "parked"],
        &["cloud", "logout"],
    ] {
        let mut command = device.orkee(args);
        command.env("RUST_LOG", "orkee=debug");
        let ran = finish(command, &[]);
        assert!(matches!(ran.code, Some(0 | 4)), "{ran}");
        assert!(!ran.stderr.contains("loaded the provider"), "{ran}");
        assert!(!device.files().contains(&"cache".to_owned()), "{ran}");
    }
}

#[test]
fn b09_c08_a_sync_of_a_locked_database_is_told_so_and_the_next_one_works() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    device.add("shop");
    let other = Connection::open(device.home().join("orkee.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    device.run(&["cloud", "sync", "-q"]).fails(7, "E-STORE-001").says("locked");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(device.sync()["pushed"], 1);
}

#[test]
fn c36_conflicts_are_whole_in_a_pipe_and_a_field_is_settled_once() {
    let (_server, a, b) = two_devices();
    let id = a.add("shop");
    a.sync();
    b.sync();
    let long = "a description that is far wider than any terminal would show ".repeat(5);
    a.edit(&id, "--description", long.trim());
    b.edit(&id, "--description", "short");
    a.sync();
    b.run(&["cloud", "sync"]).exits(5);
    let shown = b.run(&["cloud", "conflicts"]).success().stdout;
    assert!(shown.contains(&format!("{id}\tshop\tdescription\tshort\t{}\t", long.trim())), "{shown}");

    let twice = ["--field", "description=local", "--field", "description=cloud"];
    b.run(&[&["cloud", "conflicts", "resolve", &id][..], &twice].concat()).fails(2, "E-CLI-001");
    b.run(&["cloud", "conflicts", "resolve", &id, "--field", "name=cloud"]).fails(2, "E-CLI-001");
    b.run(&["cloud", "conflicts", "resolve", &id, "--field", "description=other"]).exits(2);
    assert_eq!(b.json(&["cloud", "conflicts"])["conflicts"].as_array().unwrap().len(), 1);
    let settled = b.run(&["cloud", "conflicts", "resolve", &id, "--field", "description=cloud"]).success();
    assert!(settled.stdout.contains("Settled 1, 0 left"), "{settled}");
    assert_eq!(b.field(&id, "description"), long.trim());
}

#[test]
fn c37_a_list_stops_at_its_limit_and_says_that_there_is_more() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    for n in 0..3 {
        device.add(&format!("project {n}"));
    }
    device.sync();
    let listed = device.json(&["cloud", "list", "--limit", "2"]);
    assert_eq!(listed["projects"].as_array().unwrap().len(), 2);
    assert!(listed["next"].is_string(), "{listed}");
    assert_eq!(keys(&listed["projects"][0]), ["bytes", "id", "name", "status", "updatedAt"].into());
    device.run(&["cloud", "list", "--limit", "2"]).success().says("There are more");
    assert_eq!(device.json(&["cloud", "list"])["next"], Value::Null);
}

#[test]
fn c91_the_token_is_printed_alone() {
    let server = Server::start();
    let device = Device::new(&server.url);
    device.run(&["cloud", "token"]).fails(4, "E-AUTH-001");
    device.login(&server.person());
    let printed = device.run(&["cloud", "token"]).success();
    let token = printed.stdout.strip_suffix('\n').unwrap();
    assert!(!token.contains(char::is_whitespace) && token.starts_with("orkee_"), "{printed}");
    let other = Device::with_token(&server.url, token);
    other.sync();
}

#[test]
fn c86_a_restore_names_what_it_would_replace_and_asks() {
    let (_server, a, b) = two_devices();
    let (shop, site) = (a.add("shop"), a.add("site"));
    a.sync();
    b.sync();
    a.edit(&shop, "--description", "from a");
    a.sync();
    b.edit(&shop, "--description", "from b");
    b.edit(&site, "--description", "only on b");

    let one = ["cloud", "restore", "--project", &shop];
    let ran = b.run(&one).exits(2).says("--yes").says("shop");
    assert!(!ran.stderr.contains("site"), "the other project is not touched: {ran}");
    b.run(&["cloud", "restore", "--cloud-wins"]).exits(2).says("shop, site");
    assert_eq!(b.field(&shop, "description"), "from b");

    b.run(&[&one[..], &["--yes"]].concat()).success();
    assert_eq!(b.field(&shop, "description"), "from a");
    assert_eq!(b.field(&site, "description"), "only on b");
    b.run(&["cloud", "restore", "--project", "nosuchid"]).exits(2);
    let history = b.json(&["projects", "history", &shop]);
    assert!(history.to_string().contains("from b"), "what was replaced is in the history: {history}");
}

#[test]
fn c86_a_restore_of_one_project_joins_no_other_account() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    let id = device.add("shop");
    device.sync();
    let other = server.account("ann@example.com");
    let mut restore = device.orkee(&["cloud", "restore", "--project", &id, "--yes", "-q"]);
    restore.env("ORKEE_CLOUD_TOKEN", &other);
    finish(restore, &[]).fails(5, "E-SYNC-002");
    let anns = Device::with_token(&server.url, &other);
    assert_eq!(anns.sync()["pulled"], 0);
}

/// A device with fifteen projects, which stayed away until the server forgot that fourteen of them were deleted elsewhere.
fn a_device_whose_projects_are_gone() -> (Server, Device) {
    let (server, a, b) = two_devices();
    let ids: Vec<String> = (0..15).map(|n| a.add(&format!("project {n}"))).collect();
    a.sync();
    b.sync();
    for id in &ids[1..] {
        b.run(&["projects", "delete", id, "--yes"]).success();
    }
    b.sync();
    server.prune();
    (server, a)
}

fn count(device: &Device) -> usize {
    device.json(&["projects", "list"])["projects"].as_array().unwrap().len()
}

#[test]
fn c85_a_sync_that_would_delete_most_projects_stops_and_both_answers_work_as_printed() {
    let (_server, device) = a_device_whose_projects_are_gone();
    let ran = device.run(&["cloud", "sync", "-q"]).fails(5, "E-SYNC-003");
    assert_eq!(count(&device), 15);
    for answer in ["orkee cloud sync --force", "orkee cloud restore --yes"] {
        assert!(ran.stderr.contains(answer), "{answer}: {ran}");
    }
    device.run(&["cloud", "restore", "--yes"]).success();
    assert_eq!(count(&device), 1);

    let (server, device) = a_device_whose_projects_are_gone();
    device.run(&["cloud", "sync", "-q"]).fails(5, "E-SYNC-003");
    device.run(&["cloud", "sync", "--force"]).success();
    assert_eq!(count(&device), 15);
    let third = Device::with_token(&server.url, &server.token());
    third.sync();
    assert_eq!(count(&third), 15);
}

#[test]
fn s06_a_sync_that_takes_its_time_shows_that_it_is_alive() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    device.add("shop");
    relay.on_sync(Way::Held);
    let mut command = device.orkee(&["cloud", "sync"]);
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::open(command, 80);
    terminal.wait_for("Syncing: 0 projects");
    relay.pass();
    relay.release();
    let (status, screen) = terminal.finish();
    assert!(status.success(), "{screen}");
    assert!(screen.contains("1 sent"), "{screen}");
}

#[test]
fn each_change_is_told_when_it_is_done_and_nothing_of_it_under_json() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let count = 1100;
    let project = |i| json!({"id": format!("proj{i:04}"), "name": format!("project {i}")});
    let export = json!({"version": 1, "projects": (0..count).map(project).collect::<Vec<_>>()}).to_string();
    for (args, told) in [(&["cloud", "sync"][..], count), (&["cloud", "sync", "--json"], 0)] {
        let device = Device::with_token(&relay.url, &server.account(&format!("told{told}@example.com")));
        // The first sync of all looks before it sends anything; from then on the first request brings the first batch, alone.
        device.sync();
        device.import(&export);
        relay.decide(|seen| match seen.path == "/v1/sync" && seen.earlier == 1 {
            true => Way::Held,
            false => Way::Through,
        });
        let out = device.path("out");
        let mut sync = device.orkee(args).stdout(File::create(&out).unwrap()).spawn().unwrap();
        relay.wait_until_kept();
        let sent = || std::fs::read_to_string(&out).unwrap().matches("  sent\n").count();
        let early = sent();
        assert!(if told == 0 { early == 0 } else { 0 < early && early < count }, "{args:?}: {early}");
        assert!(sync.try_wait().unwrap().is_none(), "it waits for an answer");
        relay.pass();
        relay.release();
        assert!(sync.wait().unwrap().success());
        assert_eq!(sent(), told, "{args:?}");
    }
}
