//! What changes how an account is sealed, killed before each write that matters, each flush, each file replacement and each send, and
//! run again; and its server, killed before and after each request. Each time: no record is lost and none is there that nobody can
//! open; all devices and the server hold the same; the phrase that was shown opens the account.
//!
//! `tests/src/trace.rs` says what a point is, `tests/src/crash.rs` how a trial goes.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use orkee_tests::crash::{Stage, Trial};
use orkee_tests::device::{Device, many};
use orkee_tests::folder;
use orkee_tests::home::Ran;
use orkee_tests::relay::{Relay, Way};
use orkee_tests::sealed_account as account;
use orkee_tests::server::Server;
use orkee_tests::tally;
use serde_json::{Value, json};

/// Three devices of one account and its server. The first runs the command; the second was there before and is away meanwhile; the
/// third is new, and has nothing but the phrase.
struct Scene {
    devices: Vec<Device>,
    server: Server,
    data: PathBuf,
    phrase: String,
}

/// What the account is before the command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Plain,
    Sealed,
}

impl Scene {
    /// All hold the same, a deleted record among it; then each of the first two has an edit that it did not send.
    fn new(before: Before) -> Self {
        let server = Server::tireless();
        let token = server.token();
        let first = Device::with_token(&server.url, &token);
        Self::of(server, first, |device| device, before)
    }

    /// Of devices that are signed in.
    fn of(server: Server, first: Device, sign_in: impl Fn(Device) -> Device, before: Before) -> Self {
        let projects = ["one", "two", "three", "gone"].map(|name| first.add(name));
        first.sync();
        let second = match first.auth_toml() {
            Some(_) => sign_in(Device::new(&server.url).warmed_by(&first)),
            None => Device::with_token(&server.url, &server.token()).warmed_by(&first),
        };
        second.sync();
        let phrase = match before {
            Before::Plain => String::new(),
            Before::Sealed => {
                let phrase = account::init(&first);
                account::recover(&second, &phrase).success();
                phrase
            }
        };
        first.run(&["projects", "delete", &projects[3], "--yes"]).success();
        for device in [&first, &second, &first] {
            device.sync();
        }
        first.edit(&projects[0], "--description", "typed on the first");
        second.edit(&projects[1], "--description", "typed on the second");
        second.add("of the second alone");
        let third = Device::with_token(&server.url, &server.token()).warmed_by(&first);
        let data = server.data();
        Self { devices: vec![first, second, third], server, data, phrase }
    }
}

/// All projects of a device but for the times, which differ from run to run.
fn projects(device: &Device) -> Value {
    let export: Value = serde_json::from_str(&device.export()).unwrap();
    let mut projects = export["projects"].as_array().unwrap().clone();
    for project in &mut projects {
        let fields = project.as_object_mut().unwrap();
        for field in ["id", "createdAt", "updatedAt"] {
            fields.remove(field);
        }
    }
    projects.sort_by_key(|project| project["name"].to_string());
    json!(projects)
}

/// Nothing is parked, in conflict or waiting, and a further sync has nothing to say.
#[track_caller]
fn is_at_rest(device: &Device) {
    assert_eq!(device.json(&["cloud", "parked"])["parked"], json!([]));
    assert_eq!(device.json(&["cloud", "conflicts"])["conflicts"], json!([]));
    let quiet = device.sync();
    assert_eq!([&quiet["pushed"], &quiet["pulled"], &quiet["round_trips"]], [0, 0, 1], "{quiet}");
}

/// All devices come to the same by a sync of their own, those that have to be let in by this phrase first; and what they come to.
#[track_caller]
fn in_step(devices: &[Device], phrase: Option<(&str, &[usize])>) -> Value {
    let [first, second, third] = devices else { panic!("three devices") };
    if let Some((phrase, who)) = phrase {
        for n in who {
            account::recover(&devices[*n], phrase).success();
        }
        account::verify(first, phrase).success();
    }
    for device in [second, first, third, second, first] {
        device.sync();
    }
    for other in [second, third] {
        assert_eq!(other.export(), first.export());
    }
    devices.iter().for_each(is_at_rest);
    projects(first)
}

/// The epochs of what the server holds are all of these.
#[track_caller]
fn are_within(data: &Path, epochs: std::ops::RangeInclusive<u32>) {
    let held = account::epochs(data);
    assert!(held.iter().all(|epoch| epochs.contains(epoch)), "{held:?}");
}

/// The phrase that the runs of one trial showed.
#[derive(Default)]
struct Shown(RefCell<String>);

impl Shown {
    /// Each that showed one showed the same, and one did.
    #[track_caller]
    fn hear(&self, runs: &[&Ran]) {
        let mut phrases: Vec<_> = runs.iter().filter_map(|ran| phrase(ran)).collect();
        phrases.dedup();
        assert_eq!(phrases.len(), 1, "{}", runs.iter().map(ToString::to_string).collect::<String>());
        self.0.replace(phrases.remove(0));
    }

    /// The last one shown is the one that counts.
    #[track_caller]
    fn hear_the_last(&self, runs: &[&Ran]) {
        let last = runs.iter().rev().find_map(|ran| phrase(ran));
        self.0.replace(last.unwrap_or_else(|| panic!("{}", runs[runs.len() - 1])));
    }
}

/// The phrase that a command told, maybe before it failed.
fn phrase(ran: &Ran) -> Option<String> {
    let told = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>();
    told.map_while(Result::ok).find_map(|told| Some(told["phrase"].as_str()?.to_owned()))
}

#[test]
fn k75_a_key_init_that_is_killed_anywhere_seals_all_and_shows_one_phrase_that_opens_it() {
    let scene = Scene::new(Before::Plain);
    let shown = Shown::default();
    let data = scene.data.clone();
    let end = |devices: &[Device]| {
        let end = in_step(devices, Some((&shown.0.borrow(), &[1, 2])));
        assert_eq!(account::epochs(&data), [1]);
        end
    };
    let hear = |runs: &[&Ran]| shown.hear(runs);
    let args = ["cloud", "key", "init", "--yes", "--json"];
    // Killed after its work was done, it finds that the account has a key.
    let trial = Trial { exits: &[0, 5], heard: &hear, ..Trial::of("key init", &args, &end) };
    trial.run(&mut Stage::new(scene.devices, Some(scene.server)));
}

#[test]
fn k76_a_key_rotate_that_is_killed_anywhere_leaves_one_newest_key_that_everybody_has() {
    let scene = Scene::new(Before::Sealed);
    let (data, phrase) = (scene.data.clone(), scene.phrase.clone());
    let end = |devices: &[Device]| {
        let end = in_step(devices, Some((&phrase, &[2])));
        are_within(&data, 1..=3);
        end
    };
    let args = ["cloud", "key", "rotate", "--json"];
    Trial::of("key rotate", &args, &end).run(&mut Stage::new(scene.devices, Some(scene.server)));
}

#[test]
fn k76_a_key_rotate_that_seals_all_anew_and_is_killed_anywhere_leaves_no_record_of_an_older_key() {
    let scene = Scene::new(Before::Sealed);
    let (data, phrase) = (scene.data.clone(), scene.phrase.clone());
    let end = |devices: &[Device]| {
        let end = in_step(devices, Some((&phrase, &[2])));
        let epochs = account::epochs(&data);
        assert!(matches!(epochs[..], [2 | 3]), "{epochs:?}");
        end
    };
    let args = ["cloud", "key", "rotate", "--reseal", "--json"];
    Trial::of("key rotate --reseal", &args, &end).run(&mut Stage::new(scene.devices, Some(scene.server)));
}

#[test]
fn k76_a_rotation_to_another_phrase_that_is_killed_anywhere_is_opened_by_the_last_one_shown() {
    let scene = Scene::new(Before::Sealed);
    let (data, old) = (scene.data.clone(), scene.phrase.clone());
    let shown = Shown::default();
    let hear = |runs: &[&Ran]| shown.hear_the_last(runs);
    let end = |devices: &[Device]| {
        let refused = account::recover(&devices[2], &old);
        assert_ne!(refused.code, Some(0), "the old phrase opens it: {refused}");
        let end = in_step(devices, Some((&shown.0.borrow(), &[2])));
        are_within(&data, 1..=4);
        end
    };
    // A kill before the account goes by the new phrase: what a run without one shows afterwards, if anything, opens the account, too.
    let after_kill = |device: &Device, _: &Ran| {
        let ran = device.run(&["cloud", "key", "rotate", "--json"]).success();
        if let Some(phrase) = phrase(&ran) {
            account::verify(device, &phrase).success();
        }
    };
    let args = ["cloud", "key", "rotate", "--phrase", "--json"];
    let trial =
        Trial { heard: &hear, after_kill: &after_kill, ..Trial::of("key rotate --phrase", &args, &end) };
    trial.run(&mut Stage::new(scene.devices, Some(scene.server)));
}

#[test]
fn k77_a_key_recover_that_is_killed_anywhere_lets_the_device_in_and_changes_nothing_else() {
    let mut scene = Scene::new(Before::Sealed);
    let (data, phrase) = (scene.data.clone(), scene.phrase.clone());
    // The new device has a project of its own, and is the one that runs the command.
    scene.devices[2].add("of the third alone");
    scene.devices.rotate_right(1);
    let end = |devices: &[Device]| {
        let end = in_step(devices, Some((&phrase, &[])));
        assert_eq!(account::epochs(&data), [1]);
        end
    };
    let args = ["cloud", "key", "recover", "--json"];
    let trial = Trial { input: &phrase, ..Trial::of("key recover", &args, &end) };
    trial.run(&mut Stage::new(scene.devices, Some(scene.server)));
}

#[test]
fn k77_a_revocation_that_is_killed_anywhere_leaves_the_lost_device_without_a_key() {
    let server = Server::tireless();
    let person = server.person();
    let first = Device::new(&server.url);
    first.login(&person);
    let sign_in = |device: Device| {
        device.login(&person);
        device
    };
    let scene = Scene::of(server, first, sign_in, Before::Sealed);
    let (data, phrase) = (scene.data.clone(), scene.phrase.clone());
    let listed = scene.devices[1].json(&["cloud", "devices"])["devices"].take();
    let lost = listed.as_array().unwrap().iter().find(|device| device["current"] == true).unwrap();
    let lost = lost["id"].as_str().unwrap().to_owned();
    let end = |devices: &[Device]| {
        let [first, second, third] = devices else { panic!("three devices") };
        assert_eq!(second.run(&["cloud", "sync"]).code, Some(4));
        let edited = first.add("after the loss");
        first.sync();
        let stored = account::stored(&data).into_iter().find(|record| record.id == edited).unwrap();
        assert!(stored.epoch().unwrap() >= 2, "{stored:?}");
        let document = String::from_utf8(account::documents(&data).remove(0)).unwrap();
        assert!(!document.contains(&lost), "{document}");
        account::recover(third, &phrase).success();
        third.sync();
        first.sync();
        assert_eq!(third.export(), first.export());
        [first, third].into_iter().for_each(is_at_rest);
        projects(first)
    };
    let args = ["cloud", "devices", "revoke", &lost, "--yes", "--json"];
    // Killed after its work was done, it finds no such device.
    let trial = Trial { exits: &[0, 2], ..Trial::of("devices revoke", &args, &end) };
    trial.run(&mut Stage::new(scene.devices, Some(scene.server)));
}

#[test]
fn k78_a_key_unseal_that_is_killed_anywhere_ends_with_all_records_plain() {
    let scene = Scene::new(Before::Sealed);
    let data = scene.data.clone();
    let end = |devices: &[Device]| {
        let end = in_step(devices, None);
        let sealed = account::stored(&data).into_iter().find(|record| record.epoch().is_some());
        assert!(sealed.is_none(), "{sealed:?}");
        end
    };
    let args = ["cloud", "key", "unseal", "--yes", "--json"];
    let trial = Trial { exits: &[0, 5], ..Trial::of("key unseal", &args, &end) };
    trial.run(&mut Stage::new(scene.devices, Some(scene.server)));
}

/// A server that ends at some request: before it, or after it did what was asked and before the answer was read.
#[derive(Debug, Clone, Copy)]
enum Ends {
    Before(usize),
    After(usize),
}

/// What must hold of the devices after the run that met the end of the server and the one after it; the phrase of before.
type End<'a> = dyn Fn(&[Device], &[&Ran], &str) + 'a;

/// A command whose server is killed at each of its requests, and which is run again when the server is back.
struct Outage<'a> {
    name: &'static str,
    args: &'a [&'a str],
    exits: &'a [i32],
    before: Before,
    end: &'a End<'a>,
}

/// So many that a change over takes several requests.
const MANY: usize = 900;

impl Outage<'_> {
    /// Kills the server everywhere, until a run comes to its end without one.
    fn run(&self) {
        let server = Server::tireless();
        let (relay, data) = (Relay::to(&server.url), server.data());
        let device = || Device::with_token(&relay.url, &server.token());
        let (first, second) = (device(), device());
        first.import(&many(MANY));
        let gone = first.add("gone");
        first.sync();
        second.sync();
        let mut phrase = String::new();
        if self.before == Before::Sealed {
            phrase = account::init(&first);
            account::recover(&second, &phrase).success();
            second.sync();
        }
        first.run(&["projects", "delete", &gone, "--yes"]).success();
        second.edit("proj0007", "--description", "typed on the second");
        let third = device().warmed_by(&first);
        let mut stage = Stage::new(vec![first, second, third], None);
        let server = Arc::new(Mutex::new(server));
        let kept = tempfile::tempdir().unwrap();
        server.lock().unwrap().stop();
        folder::replace(kept.path(), &data);

        let mut killed = 0;
        'all: for n in 0.. {
            for ends in [Ends::Before(n), Ends::After(n)] {
                stage.reset();
                folder::replace(&data, kept.path());
                server.lock().unwrap().resume();
                let met = at(&relay, &server, ends);
                let ran = stage.device().run(self.args);
                relay.pass();
                let was_met = *met.lock().unwrap();
                println!("{}, server killed {ends:?}: {was_met}", self.name);
                if was_met {
                    killed += 1;
                    server.lock().unwrap().restart();
                }
                let again = stage.device().run(self.args);
                let is_good = again.code.is_some_and(|code| self.exits.contains(&code));
                assert!(is_good, "{ends:?}: {ran}\n{again}");
                (self.end)(&stage.devices, &[&ran, &again], &phrase);
                server.lock().unwrap().stop();
                if !was_met {
                    break 'all;
                }
            }
        }
        assert!(killed > 4, "{}: {killed}", self.name);
        tally::note(&format!("kills of the server during {}", self.name), killed);
    }
}

/// The server ends at this request of those that come from now on; whether it came to that.
fn at(relay: &Relay, server: &Arc<Mutex<Server>>, ends: Ends) -> Arc<Mutex<bool>> {
    let met = Arc::new(Mutex::new(false));
    let (told, server, seen) = (Arc::clone(&met), Arc::clone(server), Mutex::new(0));
    relay.decide(move |_| {
        let mut seen = seen.lock().unwrap();
        let number = *seen;
        *seen += 1;
        match ends {
            Ends::Before(n) if number == n => {
                server.lock().unwrap().stop();
                *told.lock().unwrap() = true;
                Way::Through
            }
            // It is done, and nobody hears of it; whoever asks again finds nobody.
            Ends::After(n) if number == n => {
                *told.lock().unwrap() = true;
                Way::ReplyCut(0)
            }
            Ends::After(n) if number > n => {
                server.lock().unwrap().stop();
                Way::Through
            }
            _ => Way::Through,
        }
    });
    met
}

/// What every outage ends with: all devices hold the same, and the phrase opens the account.
#[track_caller]
fn ends_well(devices: &[Device], phrase: &str, who: &[usize]) {
    for n in who {
        account::recover(&devices[*n], phrase).success();
    }
    for device in [&devices[1], &devices[0], &devices[2], &devices[0]] {
        device.sync();
    }
    assert_eq!(devices[1].field("proj0007", "description"), "typed on the second");
    for other in &devices[1..] {
        assert_eq!(other.export(), devices[0].export());
    }
    devices.iter().for_each(is_at_rest);
    let all: Value = serde_json::from_str(&devices[0].export()).unwrap();
    assert_eq!(all["projects"].as_array().unwrap().len(), MANY);
}

#[test]
fn k78_a_change_over_whose_server_is_killed_at_any_request_comes_to_its_end() {
    let shown = Shown::default();
    let end = |devices: &[Device], runs: &[&Ran], _: &str| {
        shown.hear(runs);
        ends_well(devices, &shown.0.borrow(), &[1, 2]);
    };
    let args = ["cloud", "key", "init", "--yes", "--json"];
    Outage { name: "key init", args: &args, exits: &[0, 5], before: Before::Plain, end: &end }.run();
}

#[test]
fn k78_a_rotation_whose_server_is_killed_at_any_request_comes_to_its_end() {
    let end = |devices: &[Device], _: &[&Ran], phrase: &str| ends_well(devices, phrase, &[2]);
    let args = ["cloud", "key", "rotate", "--reseal", "--json"];
    Outage { name: "key rotate --reseal", args: &args, exits: &[0], before: Before::Sealed, end: &end }.run();
}

#[test]
fn k78_a_change_back_whose_server_is_killed_at_any_request_comes_to_its_end() {
    let end = |devices: &[Device], _: &[&Ran], phrase: &str| ends_well(devices, phrase, &[]);
    let args = ["cloud", "key", "unseal", "--yes", "--json"];
    Outage { name: "key unseal", args: &args, exits: &[0, 5], before: Before::Sealed, end: &end }.run();
}
