//! Two devices in step through a folder on a WebDAV server: Apache's mod_dav. Where it is not installed, nothing of it is checked.

#![allow(clippy::unwrap_used)]

use std::process::Stdio;
use std::time::Duration;

use orkee_tests::dav::{Dav, PASSWORD, USER};
use orkee_tests::home::Ran;
use orkee_tests::tenants::TenantDevice;
use orkee_tests::wait;
use serde_json::{Value, json};

const TENANT: &str = "nas";
const SYNC: &[&str] = &["cloud", "sync"];

fn device(url: &str) -> TenantDevice {
    TenantDevice::new(&format!("[tenants.{TENANT}]\nprovider = \"webdav\"\napi_url = \"{url}\"\n"))
}

fn login(device: &TenantDevice, password: &str) -> Ran {
    device.feed(TENANT, &["cloud", "login", "--with-token"], &format!("{USER}:{password}\n"))
}

/// Two devices that are signed in to the same folder.
struct Pair {
    server: Dav,
    a: TenantDevice,
    b: TenantDevice,
}

impl Pair {
    /// None where there is no Apache.
    fn new() -> Option<Self> {
        let server = Dav::apache()?;
        let (a, b) = (device(&server.url), device(&server.url));
        for device in [&a, &b] {
            login(device, PASSWORD).success();
        }
        Some(Self { server, a, b })
    }

    /// Both sync until neither can have anything left, and then hold the same.
    #[track_caller]
    fn settle(&self) {
        for device in [&self.a, &self.b, &self.a] {
            sync(device);
        }
        assert_eq!(export(&self.a), export(&self.b));
    }
}

#[track_caller]
fn sync(device: &TenantDevice) -> Value {
    device.json(TENANT, SYNC)
}

#[track_caller]
fn export(device: &TenantDevice) -> String {
    device.run(TENANT, &["projects", "export"]).success().stdout
}

#[track_caller]
fn add(device: &TenantDevice, name: &str) -> String {
    let added = device.json(TENANT, &["projects", "add", "--name", name]);
    added["project"]["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn edit(device: &TenantDevice, id: &str, flag: &str, value: &str) {
    device.run(TENANT, &["projects", "edit", id, flag, value]).success();
}

#[track_caller]
fn field(device: &TenantDevice, id: &str, name: &str) -> Value {
    device.json(TENANT, &["projects", "show", id])["project"][name].take()
}

/// An export of so many projects whose ids begin with all kinds of letters.
fn many(count: usize, name: &str) -> String {
    let letters: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let project =
        |n: usize| json!({"id": format!("{}roj{n:04}", letters[n * 7 % 62]), "name": format!("{name} {n}")});
    json!({"version": 1, "projects": (0..count).map(project).collect::<Vec<_>>()}).to_string()
}

#[track_caller]
fn import(device: &TenantDevice, export: &str) {
    device.feed(TENANT, &["projects", "import", "-", "--on-conflict", "replace"], export).success();
}

#[test]
fn edits_conflicts_and_deletes_travel_through_a_folder_that_is_made_for_them() {
    let Some(Pair { server, a, b }) = Pair::new() else { return };
    let pair = Pair { server, a, b };
    let (a, b) = (&pair.a, &pair.b);
    let id = add(a, "shop");
    assert_eq!(sync(a)["pushed"], 1);
    assert!(pair.server.files().join("orkee/log").is_dir());
    assert_eq!(b.json(TENANT, &["cloud", "restore"])["pulled"], 1);
    assert_eq!(export(a), export(b));

    edit(a, &id, "--description", "from a");
    edit(b, &id, "--priority", "high");
    sync(a);
    assert_eq!(sync(b)["merged"], 1);
    pair.settle();
    assert_eq!([field(a, &id, "description"), field(a, &id, "priority")], ["from a", "high"]);

    edit(a, &id, "--name", "from a");
    edit(b, &id, "--name", "from b");
    sync(a);
    b.run(TENANT, SYNC).exits(5);
    assert_eq!(field(b, &id, "name"), "from b");
    b.run(TENANT, &["cloud", "conflicts", "resolve", &id, "--field", "name=cloud"]).success();
    pair.settle();
    assert_eq!(field(a, &id, "name"), "from a");

    a.run(TENANT, &["projects", "delete", &id, "--yes"]).success();
    sync(a);
    assert_eq!(sync(b)["deleted"], 1);
    pair.settle();
    assert!(b.projects(TENANT).is_empty());
}

#[test]
fn what_a_small_change_costs_does_not_depend_on_what_is_stored() {
    let Some(Pair { server: _server, a, b }) = Pair::new() else { return };
    let mut costs = Vec::new();
    for stored in [20, 300] {
        import(&a, &many(stored, "project"));
        let first = sync(&a);
        let restored = sync(&b);
        println!(
            "{stored} stored: first {} requests, fetched with {}",
            first["round_trips"], restored["round_trips"]
        );
        assert_eq!(export(&a), export(&b));
        sync(&a);
        let mut requests = vec![sync(&a)["round_trips"].as_u64().unwrap()];
        for changed in [1, 10] {
            import(&a, &many(changed, &format!("{changed} of {stored}")));
            for (device, what) in [(&a, "pushed"), (&b, "pulled")] {
                let done = sync(device);
                assert_eq!(done[what], changed, "{done}");
                requests.push(done["round_trips"].as_u64().unwrap());
            }
        }
        println!("nothing, one sent, one fetched, ten sent, ten fetched: {requests:?}");
        costs.push(requests);
    }
    for requests in &costs {
        // Where a commit begins a new folder in the log, that is looked at too, made, and what is old is looked for.
        for (took, most) in requests.iter().zip([2, 6 + 5, 3 + 1, 24 + 5, 12 + 1]) {
            assert!(*took <= most, "{costs:?}");
        }
    }
}

#[test]
fn a_sync_that_is_killed_loses_nothing_and_blocks_nobody_for_longer_than_a_minute() {
    let Some(Pair { server, a, b }) = Pair::new() else { return };
    import(&a, &many(300, "project"));
    sync(&b);
    let mut killed = a.orkee(TENANT, SYNC);
    let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait::until("the first records", || {
        let asked = server.asked();
        (asked.iter().filter(|line| line.starts_with("PUT /orkee/r/")).count() >= 10).then_some(())
    });
    killed.kill().unwrap();
    assert!(!killed.wait().unwrap().success());

    // Reading goes on; who writes has to wait.
    b.run(TENANT, SYNC).success();
    let own = add(&b, "of b");
    b.run(TENANT, SYNC).exits(6);
    server.age("orkee/log/000000000/1", Duration::from_secs(70));
    sync(&b);
    sync(&a);
    sync(&b);
    sync(&a);
    assert_eq!(export(&a), export(&b));
    assert_eq!(a.projects(TENANT).len(), 301);
    assert_eq!(field(&a, &own, "name"), "of b");
}

#[test]
fn a_wrong_password_is_exit_4_when_it_is_given_and_when_it_was_changed() {
    let Some(server) = Dav::apache() else { return };
    let device = device(&server.url);
    login(&device, "wrong").exits(4);
    device.run(TENANT, SYNC).exits(4);
    login(&device, PASSWORD).success();
    add(&device, "shop");
    sync(&device);
    server.change_password();
    let before = export(&device);
    device.run(TENANT, SYNC).exits(4);
    assert_eq!(export(&device), before);
}

#[test]
fn a_server_that_ignores_conditions_is_refused_with_that_reason() {
    let Some(server) = Dav::rclone() else { return };
    let device = device(&server.url);
    add(&device, "shop");
    let signed_in = login(&device, PASSWORD);
    let refused = if signed_in.code == Some(0) { device.run(TENANT, SYNC) } else { signed_in };
    refused.exits(2).says("ignores conditions");
    assert!(!server.files().join("orkee/r").read_dir().unwrap().any(|_| true));
}
