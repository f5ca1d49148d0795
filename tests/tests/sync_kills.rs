//! Real processes that are killed at random moments: two devices' syncs and their server, hundreds of times; and several processes
//! that write into one store while another syncs it. What was acknowledged is there in the end.
//!
//! `ORKEE_KILLS=2000 cargo nextest run … -E 'binary(sync_kills)'` kills more often; `ORKEE_KILL_SEED` chooses other moments. What
//! happens at a moment depends on the machine: a seed repeats the decisions, not the run.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use orkee_tests::device::Device;
use orkee_tests::server::Server;
use orkee_tests::tally;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// No more than a project may have.
const MOST_TAGS: usize = 90;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn start(device: &Device, args: &[&str]) -> Child {
    device.orkee(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Two devices and a server, and everything that they acknowledged.
struct World {
    server: Server,
    devices: [Device; 2],
    random: SmallRng,
    shared: String,
    maybe: String,
    own: [String; 2],
    names: [String; 2],
    added: Vec<String>,
    tags: Vec<String>,
    texts: Vec<String>,
    kills: BTreeMap<&'static str, usize>,
}

impl World {
    fn new(seed: u64) -> Self {
        let server = Server::tireless();
        let token = server.token();
        let device = || Device::with_token(&server.url, &token);
        let devices = [device(), device()];
        let shared = devices[0].add("shared");
        let maybe = devices[0].add("maybe");
        let own = ["of a", "of b"].map(|name| devices[0].add(name));
        devices[0].sync();
        devices[1].sync();
        // No text of the shared project falls out of its history.
        for device in &devices {
            std::fs::write(device.home().join("config.toml"), "[history]\nversions = 100000\n").unwrap();
        }
        Self {
            server,
            devices,
            random: SmallRng::seed_from_u64(seed),
            shared,
            maybe,
            own,
            names: ["of a", "of b"].map(str::to_owned),
            added: Vec::new(),
            tags: Vec::new(),
            texts: Vec::new(),
            kills: BTreeMap::new(),
        }
    }

    /// A person does something on a device, and is told that it is done.
    fn edit(&mut self, round: u64) {
        let n = self.random.random_range(0..2);
        let device = &self.devices[n];
        match self.random.random_range(0..4) {
            0 => self.added.push(device.add(&format!("added {round}"))),
            1 => {
                self.names[n] = format!("name {round}");
                device.edit(&self.own[n], "--name", &self.names[n]);
            }
            2 if self.tags.len() < MOST_TAGS => {
                let tag = format!("t{round}");
                device.edit(&self.shared, "--add-tag", &tag);
                self.tags.push(tag);
            }
            _ => {
                let text = format!("text {round}.");
                device.edit(&self.shared, "--description", &text);
                self.texts.push(text);
            }
        }
    }

    /// Syncs run, somebody edits, and whoever the dice choose is killed.
    fn round(&mut self, round: u64) {
        self.edit(round);
        let mut syncs: Vec<Child> =
            self.devices.iter().map(|device| start(device, &["cloud", "sync"])).collect();
        if self.random.random_bool(0.3) {
            self.edit(1_000_000 + round);
        }
        if self.random.random_bool(0.2) {
            self.kill_an_edit(round);
        }
        thread::sleep(Duration::from_millis(self.random.random_range(0..60)));
        let victims = self.random.random_range(1..8u32);
        for (n, sync) in syncs.iter_mut().enumerate() {
            if victims & (1 << n) != 0 && sync.try_wait().unwrap().is_none() {
                sync.kill().unwrap();
                *self.kills.entry("syncs").or_default() += 1;
            }
        }
        let kills_server = victims & 4 != 0 && self.random.random_bool(0.5);
        if kills_server {
            self.server.restart();
            *self.kills.entry("servers").or_default() += 1;
        }
        for mut sync in syncs {
            let status = sync.wait().unwrap();
            // Killed, done, in conflict, or without a server.
            assert!(matches!(status.code(), None | Some(0 | 5 | 6)), "{status}");
        }
    }

    /// What was not acknowledged may have happened or not, but as a whole.
    fn kill_an_edit(&mut self, round: u64) {
        let (tag, name) = (format!("maybe {round}"), format!("maybe {round}"));
        let device = &self.devices[self.random.random_range(0..2)];
        let mut edit = start(device, &["projects", "edit", &self.maybe, "--add-tag", &tag, "--name", &name]);
        thread::sleep(Duration::from_millis(self.random.random_range(0..15)));
        if edit.try_wait().unwrap().is_none() {
            edit.kill().unwrap();
            *self.kills.entry("edits").or_default() += 1;
        }
        edit.wait().unwrap();
    }

    fn killed(&self) -> usize {
        self.kills.values().sum()
    }

    /// Everything that was acknowledged is on both devices and on the server, or was replaced by somebody who saw it, or waits in
    /// a conflict.
    fn is_complete(&self, context: &str) {
        let [a, b] = &self.devices;
        [a, b, a, b].into_iter().for_each(Device::sync_whatever);
        let fresh = Device::with_token(&self.server.url, &self.server.token());
        fresh.sync();
        assert_eq!(a.export(), b.export(), "{context}");
        assert_eq!(a.export(), fresh.export(), "{context}");
        let export = a.export();
        for id in &self.added {
            assert!(export.contains(&format!("\"{id}\"")), "{context}: {id} is gone");
        }
        for (id, name) in self.own.iter().zip(&self.names) {
            assert_eq!(a.field(id, "name"), **name, "{context}");
        }
        let tags = a.field(&self.shared, "tags");
        for tag in &self.tags {
            assert!(tags.as_array().unwrap().contains(&json!(tag)), "{context}: {tag} is gone from {tags}");
        }
        let (maybe, tags) = (a.field(&self.maybe, "name"), a.field(&self.maybe, "tags"));
        assert!(
            maybe == "maybe" || tags.as_array().unwrap().contains(&maybe),
            "{context}: {maybe} of {tags}"
        );
        let mut kept = String::new();
        for device in &self.devices {
            kept += &device.json(&["projects", "history", &self.shared]).to_string();
            let conflicts = device.json(&["cloud", "conflicts"])["conflicts"].take();
            let is_made = |c: &Value| {
                [json!([self.shared, "description"]), json!([self.maybe, "name"])]
                    .contains(&json!([c["id"], c["field"]]))
            };
            assert!(conflicts.as_array().unwrap().iter().all(is_made), "{context}: nobody made {conflicts}");
            kept += &conflicts.to_string();
        }
        for text in &self.texts {
            assert!(kept.contains(text.as_str()), "{context}: {text:?} is gone");
        }
    }
}

#[test]
fn c90_two_devices_and_their_server_that_are_killed_at_random_moments_lose_nothing() {
    let (kills, seed) = (setting("ORKEE_KILLS", 400), setting("ORKEE_KILL_SEED", 1));
    let context = format!("ORKEE_KILL_SEED={seed}");
    println!("{context}");
    let mut world = World::new(seed);
    let mut round = 0;
    while (world.killed() as u64) < kills {
        world.round(round);
        round += 1;
        if round % 50 == 0 {
            world.is_complete(&format!("{context}, after {round} rounds"));
        }
    }
    world.is_complete(&context);
    for (what, count) in &world.kills {
        tally::note(&format!("{what} killed with -9 at random moments"), *count);
    }
}

#[test]
fn c71_four_processes_that_write_while_a_fifth_syncs_lose_nothing_and_never_fail() {
    const WRITERS: usize = 4;
    const EACH: usize = 25;
    let server = Server::tireless();
    let token = server.token();
    let device = Device::with_token(&server.url, &token);
    let shared = device.add("shared");
    device.sync();
    let are_done = AtomicBool::new(false);
    let requests = thread::scope(|scope| {
        let syncing = scope.spawn(|| {
            let mut requests = 0;
            while !are_done.load(Ordering::SeqCst) {
                requests += device.sync()["round_trips"].as_u64().unwrap();
            }
            requests
        });
        let write = |who: usize| {
            for n in 0..EACH {
                let added = device.add(&format!("{who}-{n}"));
                device.edit(&added, "--description", &format!("described {who}-{n}"));
                device.edit(&shared, "--add-tag", &format!("t{who}-{n}"));
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|who| scope.spawn(move || write(who))).collect();
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        are_done.store(true, Ordering::SeqCst);
        written.into_iter().for_each(|ended| ended.unwrap());
        syncing.join().unwrap()
    });
    // One sync takes along what is written while it runs, so it may be a single one.
    assert!(requests > 5, "it synced beside the writers: {requests} requests");
    device.sync();
    let other = Device::with_token(&server.url, &token);
    other.sync();
    assert_eq!(device.export(), other.export());
    for each in [&device, &other] {
        let export: Value = serde_json::from_str(&each.export()).unwrap();
        let described = export["projects"].as_array().unwrap().iter();
        let described =
            described.filter(|p| p["description"].as_str().is_some_and(|d| d.starts_with("described")));
        assert_eq!(described.count(), WRITERS * EACH);
        assert_eq!(each.field(&shared, "tags").as_array().map(Vec::len), Some(WRITERS * EACH));
        assert_eq!(each.json(&["cloud", "conflicts"])["conflicts"], json!([]));
    }
    tally::note("acknowledged writes beside a sync in a loop, all of them kept", WRITERS * EACH * 3);
}
