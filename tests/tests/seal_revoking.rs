//! A lost device of a sealed account: whenever it is signed out, it is given no key of what comes.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::sealing;
use orkee_tests::server::Server;
use serde_json::Value;

/// Two devices that have the key of one person's account.
fn pair() -> (Server, Device, Device) {
    let server = Server::tireless();
    let a = Device::new(&server.url);
    a.login(&server.person());
    a.import(&sealing::export(&[sealing::marked("aaaaaaaa", "first")]));
    a.sync();
    let phrase = sealing::seal(&|args| a.orkee(args));
    let b = Device::new(&server.url).warmed_by(&a);
    b.login(&server.person());
    finish(b.orkee(&["cloud", "key", "recover"]), phrase.as_bytes()).success();
    b.sync();
    (server, a, b)
}

/// What the provider calls the device that asks.
fn id_of(device: &Device) -> String {
    let listed = device.json(&["cloud", "devices"]);
    let own = listed["devices"].as_array().unwrap().iter().find(|one| one["current"] == true).unwrap();
    own["id"].as_str().unwrap().to_owned()
}

fn holders(device: &Device) -> usize {
    device.json(&["cloud", "key", "show"])["recipients"].as_array().unwrap().len()
}

#[test]
fn k36_a_device_that_was_signed_out_before_is_shut_out_when_it_is_revoked_again() {
    let (_server, a, b) = pair();
    let lost = id_of(&b);
    b.run(&["cloud", "logout"]).success();
    let revoked = a.json(&["cloud", "devices", "revoke", &lost, "--yes"]);
    assert_eq!((&revoked["revoked"], &revoked["key_epoch"]), (&Value::from(lost.as_str()), &Value::from(2)));
    assert_eq!(holders(&a), 2, "the phrase and this device");
    a.run(&["cloud", "devices", "revoke", &lost, "--yes"]).fails(2, "E-AUTH-060");
    assert_eq!(a.json(&["cloud", "key", "show"])["epoch"], 2, "nothing was left to do");
}

#[test]
fn k36_a_device_that_signed_in_anew_since_it_got_the_key_is_shut_out() {
    let (server, a, b) = pair();
    let before = id_of(&b);
    b.run(&["cloud", "logout"]).success();
    b.login(&server.person());
    let now = id_of(&b);
    assert_ne!(before, now);
    let revoked = a.json(&["cloud", "devices", "revoke", &now, "--yes"]);
    assert_eq!(revoked["key_epoch"], 2, "{revoked}");
    assert_eq!(holders(&a), 2);
}

#[test]
fn k86_what_else_a_lost_device_has_the_key_of_is_named() {
    let (_server, a, b) = pair();
    let lost = id_of(&b);
    a.sync();
    // As of another account or team, whose key both have.
    let keys = a.home().join("keys");
    let entries = std::fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path());
    let file = entries.into_iter().find(|path| path.extension().is_some_and(|end| end == "toml")).unwrap();
    std::fs::copy(&file, keys.join("other-00000000.toml")).unwrap();
    let told = a.run(&["cloud", "devices", "revoke", &lost, "--yes"]).success();
    told.says("it still gets the key of").says("`orkee cloud key rotate --without");
    std::fs::remove_file(keys.join("other-00000000.toml")).unwrap();
    let told = a.run(&["cloud", "devices", "revoke", &lost, "--yes"]).fails(2, "E-AUTH-060");
    assert!(!told.stderr.contains("still gets"), "{told}");
}

/// Runs it in the person's team.
fn in_team(device: &Device, args: &[&str], input: &str) -> Ran {
    let mut command = device.orkee(args);
    command.env("ORKEE_CLOUD_TEAM_MODE", "true");
    finish(command, input.as_bytes())
}

/// Two devices that have the key of one person's account and of their team's, and where the first has the team's.
fn pair_in_team() -> (Server, Device, Device, PathBuf) {
    let (server, a, b) = pair();
    let own = key_files(&a);
    server.command(&["team", "create", "acme", "--owner", &server.person().email]).success();
    in_team(&a, &["cloud", "sync", "--yes"], "").success();
    let made = in_team(&a, &["cloud", "key", "init", "--yes", "--json"], "").success().json();
    in_team(&b, &["cloud", "key", "recover"], made["phrase"].as_str().unwrap()).success();
    in_team(&b, &["cloud", "sync", "--yes"], "").success();
    in_team(&a, &["cloud", "sync"], "").success();
    let of_team = key_files(&a).into_iter().find(|path| !own.contains(path)).unwrap();
    (server, a, b, of_team)
}

fn key_files(device: &Device) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(device.home().join("keys")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect()
}

#[test]
fn k91_a_lost_device_is_shut_out_of_the_persons_own_key_and_of_the_teams_at_once() {
    let (_server, a, b, _) = pair_in_team();
    let lost = id_of(&b);
    let revoked = in_team(&a, &["cloud", "devices", "revoke", &lost, "--yes", "--json"], "").success();
    assert!(!revoked.stderr.contains("still gets"), "{revoked}");
    let told = revoked.json();
    assert_eq!((&told["key_epoch"], &told["other_key_epoch"]), (&2.into(), &2.into()), "{told}");
    let own = a.json(&["cloud", "key", "show"]);
    let team = in_team(&a, &["cloud", "key", "show", "--json"], "").success().json();
    for shown in [own, team] {
        assert_eq!(
            (&shown["epoch"], shown["recipients"].as_array().unwrap().len()),
            (&2.into(), 2),
            "{shown}"
        );
    }
    let rows = a.json(&["audit", "--action", "key-rotate"]);
    assert_eq!(rows["entries"].as_array().unwrap().len(), 2, "{rows}");
    in_team(&a, &["cloud", "devices", "revoke", &lost, "--yes"], "").fails(2, "E-AUTH-060");
}

#[test]
fn k91_an_epoch_that_began_is_told_though_the_other_could_not_begin() {
    for more in [&[][..], &["--json"]] {
        let (_server, a, b, of_team) = pair_in_team();
        std::fs::write(&of_team, "no key").unwrap();
        let lost = id_of(&b);
        let revoke = [&["cloud", "devices", "revoke", &lost, "--yes"], more].concat();
        let told = in_team(&a, &revoke, "").exits(2);
        let told = told.says("it may still be given the account's key");
        match more {
            [] => told.says("error[E-KEY-032]").shows("Epoch 2 of the key of"),
            _ => told.shows("E-KEY-032").says("epoch 2 of the key of the sign-in's other projects has begun"),
        };
        assert_eq!(a.json(&["cloud", "key", "show"])["epoch"], 2);
    }
}
