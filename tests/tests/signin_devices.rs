//! The devices of an account: which there are, and signing one of them out.

#![allow(clippy::unwrap_used)]

use orkee_tests::device::Device;
use orkee_tests::guests;
use orkee_tests::server::Server;
use orkee_tests::tenants::TenantDevice;
use orkee_tests::terminal::Terminal;
use serde_json::Value;

fn two_devices(server: &Server) -> (Device, Device) {
    let a = Device::new(&server.url);
    a.login(&server.person());
    let b = Device::new(&server.url).warmed_by(&a);
    b.login(&server.person());
    (a, b)
}

fn devices(device: &Device) -> Vec<Value> {
    device.json(&["cloud", "devices"])["devices"].as_array().unwrap().clone()
}

/// The id of the device that asks, or of the other.
fn id(device: &Device, current: bool) -> String {
    let all = devices(device);
    let one = all.iter().find(|device| device["current"] == current).unwrap();
    one["id"].as_str().unwrap().to_owned()
}

#[test]
fn each_device_is_listed_with_its_name_platform_and_when_it_was_last_seen() {
    let server = Server::start();
    let (a, b) = two_devices(&server);
    let all = devices(&a);
    assert_eq!(all.len(), 2, "{all:?}");
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for device in &all {
        assert_eq!(device["name"], host, "{device}");
        assert_eq!(device["platform"], std::env::consts::OS, "{device}");
        let seen: jiff::Timestamp = device["last_seen"].as_str().unwrap().parse().unwrap();
        assert!(seen.duration_since(jiff::Timestamp::now()).as_secs().abs() < 120, "{device}");
    }
    assert_eq!(all.iter().filter(|device| device["current"] == true).count(), 1);
    assert_eq!(id(&a, true), id(&b, false));

    let shown = a.run(&["cloud", "devices"]).success();
    assert_eq!(shown.stdout.lines().count(), 2, "{shown}");
    assert_eq!(shown.stdout.matches("this device").count(), 1, "{shown}");
    let listed = a.json(&["cloud", "list", "--show-devices"]);
    assert_eq!(listed["devices"].as_array().unwrap().len(), 2);
    let listed = a.run(&["cloud", "list", "--show-devices"]).success();
    for current in [true, false] {
        assert!(listed.stdout.contains(&id(&a, current)), "{listed}");
    }
}

#[test]
fn a_device_that_is_revoked_is_signed_out_with_its_next_command() {
    let server = Server::start();
    let (a, b) = two_devices(&server);
    b.sync();
    let lost = id(&a, false);
    let asked = a.run(&["cloud", "devices", "revoke", &lost]).exits(2);
    drop(asked.says("Sign out").says("--yes"));
    assert_eq!(devices(&a).len(), 2);
    a.run(&["cloud", "devices", "revoke", "nobody", "--yes"]).fails(2, "E-AUTH-060");
    let revoked = a.json(&["cloud", "devices", "revoke", &lost, "--yes"]);
    assert_eq!((&revoked["revoked"], &revoked["current"]), (&lost.as_str().into(), &false.into()));

    b.run(&["cloud", "sync"]).exits(4).says("orkee cloud login");
    b.run(&["cloud", "login", "--refresh-token"]).exits(4);
    let ran = b.run(&["cloud", "status"]).exits(4);
    assert!(ran.stdout.contains("Not authenticated"), "{ran}");
    let rows = b.json(&["audit"])["entries"].clone();
    let rows = rows.as_array().unwrap().iter().rev().map(|row| {
        let word = |key: &str| row[key].as_str().unwrap_or("nobody").to_owned();
        format!("{} {} by {}", word("action"), word("outcome"), word("who"))
    });
    let told: Vec<_> = rows.skip(2).take(2).collect();
    assert_eq!(told, ["refresh denied by john@example.com", "sync denied by john@example.com"]);

    a.sync();
    assert_eq!(devices(&a).len(), 1);
    let newest = a.json(&["audit"])["entries"].as_array().unwrap().clone();
    let row = newest.iter().find(|row| row["action"] == "device-revoke").unwrap();
    assert!(row["subject"].as_str().unwrap().starts_with(&lost), "{row}");
    // Signing in again makes it a new device.
    b.login(&server.person());
    b.sync();
}

#[test]
fn who_revokes_the_own_device_is_told_and_asked() {
    let server = Server::start();
    let device = Device::new(&server.url);
    device.login(&server.person());
    let own = id(&device, true);
    let mut terminal = Terminal::open(device.orkee(&["cloud", "devices", "revoke", &own]), 200);
    terminal.answer("[y/N]", "n\n");
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(1), "{screen}");
    assert!(screen.contains("is this device: you will be signed out here"), "{screen}");
    device.sync();
    let ran = device.run(&["cloud", "devices", "revoke", &own, "--yes"]).success();
    drop(ran.says("the device that you use").says("orkee cloud login"));
    device.run(&["cloud", "sync"]).exits(4);
}

#[test]
fn a_provider_without_devices_says_so() {
    let device = TenantDevice::new("[tenants.nas]\nprovider = \"notes\"\napi_url = \"http://127.0.0.1:9\"\n");
    device.install(guests::plain(), "name = \"notes\"\nversion = \"1\"\n");
    for args in [
        &["cloud", "devices"][..],
        &["cloud", "devices", "revoke", "x", "--yes"],
        &["cloud", "list", "--show-devices"],
    ] {
        let ran = device.run("nas", args);
        assert!(ran.code.is_some_and(|code| code != 0), "{ran}");
        assert!(ran.stderr.contains("`notes` cannot "), "{ran}");
    }
}
