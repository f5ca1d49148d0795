//! What changes the installed providers, killed before each write, flush and file replacement, and run again: the old or the new
//! one is there, whole, and the next command works.
//!
//! `tests/src/trace.rs` says what a point is, `tests/src/crash.rs` how a trial goes.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::crash::{Stage, Trial};
use orkee_tests::device::Device;
use orkee_tests::folder::private_folder;
use orkee_tests::guests::{self, manifest};
use orkee_tests::home::Ran;
use serde_json::{Value, json};

/// A device with three versions of one provider at hand, of which the first so many are installed.
fn device(installed: usize) -> Device {
    let device = Device::new("http://127.0.0.1:9");
    private_folder(&device.home());
    // The database, which is looked at afterwards.
    device.run(&["projects", "list"]).success();
    put_files(&device);
    for version in ["1.wasm", "2.wasm"].iter().take(installed) {
        device.run(&["cloud", "provider", "install", version, "--yes"]).success();
    }
    device
}

fn put_files(device: &Device) {
    for version in ["1", "2", "3"] {
        let hosts = format!("hosts = [\"https://v{version}.example\"]");
        let file = guests::packed(&manifest("notes", version, &hosts));
        std::fs::write(device.path(&format!("{version}.wasm")), file).unwrap();
    }
}

/// Version and hosts of what runs, and the version that is kept; nothing, where nothing is installed.
fn versions(device: &Device) -> Value {
    let ran = device.run(&["cloud", "provider", "info", "notes", "--json"]);
    if ran.code == Some(2) {
        assert_eq!(ran.json()["error"]["code"], "E-PLUGIN-012", "{ran}");
        return json!(null);
    }
    let info = ran.success().json();
    json!([info["provider"]["version"], info["provider"]["hosts"], info["previous"]["version"]])
}

/// What stands in the end, once nothing is damaged.
fn end(devices: &[Device]) -> Value {
    devices[0].run(&["doctor"]).success();
    versions(&devices[0])
}

/// As [`end`], but it does not matter which of the two versions runs: to go back twice is to change nothing.
fn end_of_rollback(devices: &[Device]) -> Value {
    devices[0].run(&["doctor"]).success();
    let versions = versions(&devices[0]);
    let mut both =
        [versions[0].clone(), versions[2].clone()].map(|version| version.as_str().unwrap().to_owned());
    both.sort();
    json!(both)
}

/// One command at all its points: afterwards one of these states holds, and a component that runs is the one that was agreed to.
fn killed_anywhere(
    name: &'static str,
    installed: usize,
    args: &[&str],
    exits: &[i32],
    states: &[Value],
    end: &dyn Fn(&[Device]) -> Value,
) {
    let after_kill = |device: &Device, killed: &Ran| {
        device.run(&["doctor"]).success();
        let now = versions(device);
        assert!(states.contains(&now), "{now} after: {killed}");
        put_files(device);
        device.run(&["cloud", "provider", "install", "3.wasm", "--yes"]).success();
        assert_eq!(versions(device)[0], "3");
    };
    let args: Vec<&str> = ["cloud", "provider"].iter().chain(args).copied().collect();
    Trial { after_kill: &after_kill, exits, ..Trial::of(name, &args, end) }
        .run(&mut Stage::new(vec![device(installed)], None));
}

fn state(version: &str, previous: Option<&str>) -> Value {
    json!([version, [format!("https://v{version}.example")], previous])
}

#[test]
fn p45_a_killed_install_left_nothing_or_all_of_it() {
    let states = [json!(null), state("1", None)];
    killed_anywhere("provider install", 0, &["install", "1.wasm", "--yes"], &[0], &states, &end);
}

#[test]
fn p45_a_killed_update_left_the_old_version_or_the_new_one() {
    let states = [state("1", None), state("2", Some("1"))];
    killed_anywhere("provider update", 1, &["update", "notes", "2.wasm", "--yes"], &[0], &states, &end);
}

#[test]
fn p45_a_killed_second_update_left_the_old_version_or_the_new_one() {
    let states = [state("2", Some("1")), state("3", Some("2"))];
    killed_anywhere("provider update again", 2, &["update", "notes", "3.wasm", "--yes"], &[0], &states, &end);
}

#[test]
fn p45_a_killed_rollback_left_the_one_version_or_the_other() {
    let states = [state("2", Some("1")), state("1", Some("2"))];
    killed_anywhere("provider rollback", 2, &["rollback", "notes", "--yes"], &[0], &states, &end_of_rollback);
}

#[test]
fn p45_a_killed_remove_left_all_of_it_or_nothing() {
    let states = [state("2", Some("1")), json!(null)];
    killed_anywhere("provider remove", 2, &["remove", "notes", "--yes"], &[0, 2], &states, &end);
}
