//! A bad network between the devices and the server: slow, cut at any byte, half open, repeating, reordering, busy, wrong about
//! lengths; one fault at a time, and random mixtures of all. Each failing command says what failed and ends with the right code.
//! Once the way is good again, both devices hold the same, with everything that was acknowledged and nothing that nobody did.
//!
//! `ORKEE_FAULT_SCHEDULES=500 cargo nextest run … -E 'binary(sync_faults)'` runs more mixtures; a failure prints its seed, and
//! `ORKEE_FAULT_SCHEDULES=1 ORKEE_FAULT_SEED=<seed>` replays it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orkee_tests::device::{Device, many};
use orkee_tests::home::Ran;
use orkee_tests::relay::{Copy, Relay, Seen, Way, Weather, reply};
use orkee_tests::server::Server;
use orkee_tests::tally;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// How a sync may end: its exit code, and the error's code where it is an error.
type End = (i32, &'static str);

const GOOD: End = (0, "");
const BROKEN: End = (6, "E-NET-001");
const BUSY: End = (6, "E-NET-003");
const BACKEND: End = (6, "E-NET-004");
const TOO_LONG: End = (7, "E-SYNC-006");

/// A server behind a relay, for any number of accounts.
struct Place {
    server: Server,
    relay: Relay,
    /// A device that has compiled the provider, so that no other has to.
    warm: Device,
}

impl Place {
    fn new() -> Self {
        let server = Server::tireless();
        let relay = Relay::to(&server.url);
        let warm = Device::with_token(&relay.url, &server.token());
        warm.sync();
        Self { server, relay, warm }
    }

    /// Devices of a new account.
    fn devices(&self) -> [Device; 2] {
        static ACCOUNTS: AtomicUsize = AtomicUsize::new(0);
        let number = ACCOUNTS.fetch_add(1, Ordering::Relaxed);
        let token = self.server.account(&format!("person{number}@example.com"));
        [(); 2].map(|()| Device::with_token(&self.relay.url, &token).warmed_by(&self.warm))
    }
}

/// Two devices of one account.
struct Scene<'a> {
    relay: &'a Relay,
    devices: [Device; 2],
    /// Both change its description.
    shared: String,
    /// Each changes the name of its own.
    own: [String; 2],
    /// What was acknowledged: descriptions of the shared project, and ids of projects that were added.
    said: Vec<String>,
    added: Vec<String>,
    names: [String; 2],
}

impl<'a> Scene<'a> {
    fn at(place: &'a Place) -> Self {
        place.relay.pass();
        let devices = place.devices();
        let shared = devices[0].add("shared");
        let own = ["of a", "of b"].map(|name| devices[0].add(name));
        devices[0].sync();
        devices[1].sync();
        let names = ["of a", "of b"].map(str::to_owned);
        Self { relay: &place.relay, devices, shared, own, said: Vec::new(), added: Vec::new(), names }
    }

    /// Each device changes its own project, adds one, and both change the same field.
    fn edit(&mut self, round: u64) {
        for (n, device) in self.devices.iter().enumerate() {
            self.names[n] = format!("name {round} of {n}");
            device.edit(&self.own[n], "--name", &self.names[n]);
            self.added.push(device.add(&format!("added {round} on {n}")));
            let text = format!("text {round} of {n}");
            device.edit(&self.shared, "--description", &text);
            self.said.push(text);
        }
    }

    /// The way is good again: both come to the same, with everything that was acknowledged.
    #[track_caller]
    fn gets_well(&self, context: &str) {
        self.relay.release();
        self.relay.pass();
        let [a, b] = &self.devices;
        [a, b, a, b].into_iter().for_each(Device::sync_whatever);
        assert_eq!(a.export(), b.export(), "{context}");
        for (id, name) in self.own.iter().zip(&self.names) {
            assert_eq!(a.field(id, "name"), **name, "{context}");
        }
        let export = a.export();
        for id in &self.added {
            assert!(export.contains(&format!("\"{id}\"")), "{context}: {id} is gone");
        }
        let (mut kept, mut conflicts) = (String::new(), Vec::new());
        for device in &self.devices {
            kept += &device.json(&["projects", "history", &self.shared]).to_string();
            conflicts.extend(device.json(&["cloud", "conflicts"])["conflicts"].as_array().unwrap().clone());
        }
        kept += &json!(conflicts).to_string();
        for text in &self.said {
            assert!(kept.contains(text.as_str()), "{context}: {text:?} is gone");
        }
        let is_made = |c: &Value| c["id"] == self.shared.as_str() && c["field"] == "description";
        assert!(conflicts.iter().all(is_made), "{context}: nobody made {conflicts:?}");
    }
}

/// The command ended as it may: done, with a conflict, or with one of these errors, told as it should be.
#[track_caller]
fn ended(ran: &Ran, ends: &[End], context: &str) -> bool {
    assert!(!ran.stderr.contains("panicked"), "{context}: {ran}");
    if ran.code == Some(5) {
        assert!(ran.json()["error"].is_null(), "{context}: {ran}");
        return true;
    }
    let told = &ran.json()["error"];
    let end = (ran.code.unwrap_or(-1), told["code"].as_str().unwrap_or_default());
    assert!(ends.contains(&end), "{context}: not one of {ends:?}: {ran}");
    assert!(end == GOOD || told["hint"].is_string(), "{context}: no hint: {ran}");
    end == GOOD
}

/// Both devices edit and sync through this, twice; then the way is good again.
#[track_caller]
fn weather(
    place: &Place,
    name: &str,
    way: impl Fn(&Seen) -> Way + Send + Sync + 'static,
    ends: &[End],
    args: &[&str],
) {
    let mut scene = Scene::at(place);
    let is_sync = |seen: &Seen| seen.path == "/v1/sync";
    scene.relay.decide(move |seen| if is_sync(seen) { way(seen) } else { Way::Through });
    let mut failed = 0;
    for round in 0..2 {
        scene.edit(round);
        for device in &scene.devices {
            let ran = device.run(&[&["cloud", "sync", "--json"], args].concat());
            failed += usize::from(!ended(&ran, ends, name));
        }
    }
    let asked = scene.relay.count("/v1/sync");
    assert!(asked >= 2, "{name}: {asked} requests");
    assert!(failed == 4 || ends.contains(&GOOD), "{name}: {failed} of 4 failed");
    scene.gets_well(name);
}

#[test]
fn c07_c90c_a_way_that_breaks_at_any_byte_is_told_as_such_and_loses_nothing() {
    let place = Place::new();
    for bytes in [0, 1, 40, 200, 700] {
        weather(
            &place,
            &format!("the request, cut at {bytes}"),
            move |_| Way::RequestCut(bytes),
            &[BROKEN],
            &[],
        );
        weather(&place, &format!("the reply, cut at {bytes}"), move |_| Way::ReplyCut(bytes), &[BROKEN], &[]);
    }
    weather(&place, "the reply, cut before its last byte", |_| Way::CutShort(1), &[BROKEN], &[]);
}

#[test]
fn c08_c90c_a_way_that_goes_dead_is_given_up_in_time_and_loses_nothing() {
    let place = Place::new();
    weather(&place, "no answer", |_| Way::Ignored, &[TOO_LONG], &["--timeout", "1"]);
    for bytes in [0, 20, 200, 100_000] {
        let way = move |_: &Seen| Way::Stalled(bytes);
        weather(&place, &format!("dead after {bytes} bytes"), way, &[TOO_LONG], &["--timeout", "1"]);
    }
}

#[test]
fn c90c_a_slow_a_repeating_and_a_reordering_way_change_nothing() {
    let place = Place::new();
    weather(&place, "late", |_| Way::Late(Duration::from_millis(15)), &[GOOD], &[]);
    weather(&place, "twice, the first reply", |_| Way::Twice(Copy::First), &[GOOD], &[]);
    weather(&place, "twice, the second reply", |_| Way::Twice(Copy::Second), &[GOOD], &[]);
    weather(&place, "overtaken", |_| Way::Overtaken, &[GOOD], &[]);
}

#[test]
fn c90c_batches_that_are_under_way_together_may_be_answered_in_any_order_or_twice() {
    let place = Place::new();
    for way in [Way::Overtaken, Way::Twice(Copy::First), Way::Twice(Copy::Second)] {
        let [a, b] = place.devices();
        a.import(&many(2600));
        place.relay.on_sync(way.clone());
        let done = a.json(&["cloud", "sync"]);
        let counts = [&done["pushed"], &done["conflicts"], &done["merged"], &done["pulled"]];
        assert_eq!(counts, [2600, 0, 0, 0], "{way:?}: {done}");
        b.sync();
        assert_eq!(a.export(), b.export(), "{way:?}");
        place.relay.pass();
        if let Way::Twice(Copy::Second) = way {
            // Such a reply tells of no commits of its own, so the device lists once what it wrote.
            a.sync();
        }
        let quiet = a.json(&["cloud", "sync"]);
        assert_eq!(
            [&quiet["pushed"], &quiet["pulled"], &quiet["round_trips"]],
            [0, 0, 1],
            "{way:?}: {quiet}"
        );
    }
}

#[test]
fn c07_c90c_a_busy_server_is_told_as_such_and_loses_nothing() {
    let place = Place::new();
    for (status, after, end) in [
        (429, Some("0"), BUSY),
        (429, None, BUSY),
        (500, None, BACKEND),
        (502, None, BACKEND),
        (503, Some("1"), BUSY),
        (503, None, BACKEND),
    ] {
        let after: Vec<_> = after.map(|seconds| ("Retry-After", seconds)).into_iter().collect();
        let answer = reply(status, &after, b"busy");
        weather(&place, &status.to_string(), move |_| Way::Answered(answer.clone()), &[end], &[]);
    }
}

#[test]
fn c07_c90c_a_reply_of_another_length_than_it_says_is_no_answer_and_loses_nothing() {
    let place = Place::new();
    for by in [1, 1000] {
        weather(&place, &format!("{by} too long"), move |_| Way::Misstated(by), &[BROKEN], &[]);
    }
    for by in [1, 100] {
        weather(&place, &format!("{by} too short"), move |_| Way::Misstated(-by), &[BACKEND], &[]);
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn c90c_random_mixtures_of_all_faults_lose_nothing() {
    let (schedules, first) = (setting("ORKEE_FAULT_SCHEDULES", 16), setting("ORKEE_FAULT_SEED", 1));
    let (place, mut syncs, mut failed) = (Place::new(), 0, 0);
    for seed in first..first + schedules {
        let replay = format!("seed {seed}: replay with ORKEE_FAULT_SCHEDULES=1 ORKEE_FAULT_SEED={seed}");
        println!("{replay}");
        let ends = mixture(&place, seed, &replay);
        syncs += ends.len();
        failed += ends.iter().filter(|is_good| !**is_good).count();
    }
    tally::note("schedules of random network faults", schedules.try_into().unwrap());
    tally::note("syncs under them", syncs);
    tally::note("of these failed", failed);
}

/// Edits and syncs under the weather of this seed; which of the syncs came to a good end.
fn mixture(place: &Place, seed: u64, replay: &str) -> Vec<bool> {
    let mut scene = Scene::at(place);
    let weather = Weather::of(seed);
    let mut random = SmallRng::seed_from_u64(seed);
    scene.relay.decide(move |_| weather.next());
    let (mut good, ends) = (Vec::new(), [GOOD, BROKEN, BUSY, BACKEND, TOO_LONG]);
    for round in 0..6 {
        if random.random_bool(0.6) {
            scene.edit(round);
        }
        for n in 0..2 {
            let retries = random.random_range(0..2).to_string();
            let args = ["cloud", "sync", "--timeout", "1", "--retry", &retries, "--json"];
            let ran = scene.devices[n].run(&args);
            good.push(ended(&ran, &ends, replay));
        }
    }
    scene.gets_well(replay);
    good
}
