//! Devices in sync through a bucket of S3: a real store that others wrote, which checks each signature.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::process::Stdio;

use orkee_tests::device::many;
use orkee_tests::moto::Moto;
use orkee_tests::tenants::TenantDevice;
use orkee_tests::wait;
use serde_json::Value;

const TENANT: &str = "mine";

fn config(store: &Moto, bucket: &str) -> String {
    let url = &store.url;
    format!(
        "[tenants.{TENANT}]\nprovider = \"s3\"\napi_url = \"{url}\"\n\
         [tenants.{TENANT}.options]\nbucket = \"{bucket}\"\nregion = \"eu-central-1\"\nprefix = \"team a\"\n"
    )
}

fn signed_out(store: &Moto) -> TenantDevice {
    TenantDevice::new(&config(store, &store.bucket))
}

fn device(store: &Moto) -> TenantDevice {
    let device = signed_out(store);
    device.feed(TENANT, &["cloud", "login", "--with-token"], &store.keys).success();
    device
}

trait Synced {
    fn ok(&self, args: &[&str]) -> Value;
    fn sync(&self) -> Value;
    fn add(&self, name: &str) -> String;
    fn import(&self, export: &str);
    fn all(&self) -> String;
}

impl Synced for TenantDevice {
    #[track_caller]
    fn ok(&self, args: &[&str]) -> Value {
        self.json(TENANT, args)
    }

    #[track_caller]
    fn sync(&self) -> Value {
        self.ok(&["cloud", "sync"])
    }

    #[track_caller]
    fn add(&self, name: &str) -> String {
        self.ok(&["projects", "add", "--name", name])["project"]["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn import(&self, export: &str) {
        self.feed(TENANT, &["projects", "import", "-"], export).success();
    }

    /// All projects, byte for byte.
    #[track_caller]
    fn all(&self) -> String {
        self.run(TENANT, &["projects", "export"]).success().stdout
    }
}

/// What a device's sync asks of the store: how often each method was used.
fn cost(store: &Moto, device: &TenantDevice) -> BTreeMap<String, usize> {
    let before = store.requests().len();
    device.sync();
    let mut cost = BTreeMap::new();
    for (method, _) in store.requests().into_iter().skip(before) {
        *cost.entry(method).or_default() += 1;
    }
    cost
}

#[test]
fn devices_get_each_others_edits_conflicts_and_deletions_through_a_bucket() {
    let store = Moto::start();
    let (a, b) = (device(&store), device(&store));
    let (shop, gone) = (a.add("shop"), a.add("gone"));
    b.add("from b");
    for device in [&a, &b, &a] {
        device.sync();
    }
    assert_eq!(a.projects(TENANT).len(), 3);
    assert_eq!(a.all(), b.all());
    a.ok(&["projects", "edit", &shop, "--description", "of a"]);
    b.ok(&["projects", "edit", &shop, "--description", "of b"]);
    b.ok(&["projects", "edit", &shop, "--priority", "high"]);
    a.run(TENANT, &["projects", "delete", &gone, "--yes"]).success();
    a.sync();
    let conflicted = b.run(TENANT, &["cloud", "sync"]);
    assert_eq!(conflicted.code, Some(5), "{conflicted}");
    b.run(TENANT, &["cloud", "conflicts"]).success();
    a.sync();
    assert_eq!(a.all(), b.all());
    let project = a.ok(&["projects", "show", &shop]);
    assert_eq!(project["project"]["priority"], "high", "what only one of them changed is there");
    assert_eq!(a.projects(TENANT).len(), 2);
    let paths = store.requests();
    assert!(paths.iter().all(|(_, path)| path == "/projects" || path.starts_with("/projects/team a/")));
}

#[test]
fn a_small_change_costs_the_same_requests_however_many_projects_there_are() {
    let mut costs = Vec::new();
    for stored in [3, 1000] {
        let store = Moto::start();
        let (a, b) = (device(&store), device(&store));
        a.import(&many(stored));
        a.sync();
        b.sync();
        assert_eq!(a.all(), b.all());
        for device in [&a, &b] {
            device.sync();
        }
        a.ok(&["projects", "edit", "proj0001", "--description", "changed"]);
        costs.push([cost(&store, &a), cost(&store, &b), cost(&store, &b), cost(&store, &a)]);
        assert_eq!(a.all(), b.all());
    }
    assert_eq!(costs[0], costs[1]);
    let requests = |cost: &BTreeMap<String, usize>| cost.values().sum::<usize>();
    let most = costs[1].iter().map(requests).max().unwrap();
    assert!(most <= 6, "{costs:?}");
}

#[test]
fn a_sync_that_is_killed_leaves_nothing_that_another_cannot_finish() {
    let store = Moto::start();
    let (a, b) = (device(&store), device(&store));
    // The provider is compiled before anything is measured.
    a.sync();
    b.sync();
    a.import(&many(300));
    for (round, writes) in [30, 90, 150].into_iter().enumerate() {
        let before = store.requests().len();
        let mut command = a.orkee(TENANT, &["cloud", "sync"]);
        let mut sync = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait::until("the records on their way", || {
            let written = store.requests().into_iter().skip(before).filter(|(method, _)| method == "PUT");
            (written.count() >= writes || sync.try_wait().unwrap().is_some()).then_some(())
        });
        sync.kill().unwrap();
        sync.wait().unwrap();
        b.sync();
        a.run(TENANT, &["projects", "edit", "proj0007", "--description", &format!("round {round}")])
            .success();
    }
    for device in [&a, &b, &a] {
        device.sync();
    }
    assert_eq!((a.projects(TENANT).len(), b.projects(TENANT).len()), (300, 300));
    assert!(a.all() == b.all());
}

#[test]
fn keys_that_the_store_refuses_are_a_matter_of_signing_in() {
    let store = Moto::start();
    let (id, secret) = store.keys.split_once(':').unwrap();
    let login = &["cloud", "login", "--with-token"];
    let fresh = signed_out(&store);
    for (keys, words) in
        [(format!("{id}:wrong"), "secret key"), (format!("AKIANOBODY:{secret}"), "access key")]
    {
        fresh.feed(TENANT, login, &keys).fails(4, "E-AUTH-001").says(words);
    }
    fresh.run(TENANT, &["cloud", "sync"]).exits(4);
    let device = device(&store);
    device.add("shop");
    let auth = device.auth_toml().replace(secret, "another");
    std::fs::write(device.home().join("auth.toml"), auth).unwrap();
    device.run(TENANT, &["cloud", "sync"]).fails(4, "E-AUTH-001").says("secret key");
    assert_eq!(device.projects(TENANT), ["shop"]);
}

#[test]
fn a_bucket_that_is_not_there_is_named_with_the_option_to_change() {
    let store = Moto::start();
    let device = device(&store);
    device.add("shop");
    device.configure(&config(&store, "no-such-bucket"));
    let sync = device.run(TENANT, &["cloud", "sync"]).exits(2);
    sync.says("there is no bucket `no-such-bucket`").says("set another `bucket`");
    device.configure(&config(&store, "x").replace("bucket = \"x\"\n", ""));
    device.run(TENANT, &["cloud", "sync"]).exits(2).says("bucket");
}

#[test]
fn the_secret_key_is_nowhere_but_in_the_file_for_sign_ins() {
    let store = Moto::start();
    let device = device(&store);
    device.add("shop");
    let sync = device.run(TENANT, &["cloud", "sync", "--verbose"]);
    let secret = store.keys.split_once(':').unwrap().1;
    assert!(!format!("{sync}").contains(secret));
    let mut folders = vec![device.home()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "auth.toml" {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{path:?}");
            }
        }
    }
}
