//! A server that changes what a sealed account stored, or what it says of its keys. Each time: the record is set aside with its
//! reason and the rest goes on, or the session is refused and says why; nothing is overwritten here, and what is typed afterwards
//! arrives once the server is honest again.
//!
//! A relay stands before the real server and changes what its replies bring.

#![allow(clippy::unwrap_used, clippy::panic)]

mod keys;

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use orkee_tests::device::Device;
use orkee_tests::relay::{Alteration, Brought, Record, Relay, Way};
use orkee_tests::sealed_account::{self as account, KEYS_ID, MAGIC};
use orkee_tests::server::Server;
use orkee_tests::tally;
use serde_json::{Value, json};

/// Where the epoch stands in a sealed payload, and where its nonce begins.
const FORMAT_AT: usize = MAGIC.len();
const EPOCH_AT: usize = FORMAT_AT + 1;

/// A sealed account with two devices. The first speaks to the server, the second to whoever stands between.
struct Scene {
    server: Server,
    token: String,
    relay: Relay,
    honest: Device,
    device: Device,
    phrase: String,
    /// Which the server changes.
    target: String,
    /// Which the first device changes beside it.
    beside: String,
    /// Which the second device changes.
    ours: String,
    /// What is typed in this round, so that it is something new.
    round: Cell<u32>,
}

impl Scene {
    /// All devices and the server hold the same.
    fn new() -> Self {
        let server = Server::tireless();
        let relay = Relay::to(&server.url);
        let token = server.token();
        let honest = Device::with_token(&server.url, &token);
        let [target, beside, ours] = ["target", "beside", "ours"].map(|name| honest.add(name));
        let phrase = account::init(&honest);
        let device = Device::with_token(&relay.url, &server.token());
        account::recover(&device, &phrase).success();
        device.sync();
        honest.sync();
        assert_eq!(device.export(), honest.export());
        Self { server, token, relay, honest, device, phrase, target, beside, ours, round: Cell::new(0) }
    }

    /// What is typed over there, and here, in this round.
    fn typed(&self) -> [String; 2] {
        ["there", "here"].map(|side| format!("typed {side} in round {}", self.round.get()))
    }

    /// Each device has something that the other lacks.
    fn edits(&self) {
        self.round.set(self.round.get() + 1);
        let [there, here] = self.typed();
        self.honest.edit(&self.target, "--description", &there);
        self.honest.edit(&self.beside, "--description", &there);
        self.honest.sync();
        self.device.edit(&self.ours, "--description", &here);
    }

    /// From now on, this becomes of what a reply brings.
    fn alter(&self, change: impl Fn(&mut Brought) + Send + Sync + 'static) {
        self.relay.on_sync(Way::Altered(Alteration::by(change)));
    }

    /// From now on, this becomes of the target, whenever a reply brings it.
    fn alter_target(&self, change: impl Fn(&mut Record) + Send + Sync + 'static) {
        let target = self.target.clone();
        self.alter(move |brought| {
            brought.changes.iter_mut().filter(|record| record.id == target).for_each(&change);
        });
    }

    /// Both sides type something, and the server changes the target so. The sync sets it aside with this reason, and does all the
    /// rest. Then the server is honest again.
    #[track_caller]
    fn parks(&self, reason: &str, change: impl Fn(&mut Record) + Send + Sync + 'static) {
        self.edits();
        self.alter_target(change);
        self.has_parked(reason);
    }

    #[track_caller]
    fn has_parked(&self, reason: &str) {
        let before = self.device.json(&["projects", "show", &self.target])["project"].take();
        let ran = self.device.run(&["cloud", "sync", "--json"]).exits(3);
        self.is_set_aside(&ran.json()["parked"], reason);
        self.is_set_aside(&self.device.json(&["cloud", "parked"])["parked"], reason);
        let [there, here] = self.typed();
        assert_eq!(self.device.json(&["projects", "show", &self.target])["project"], before, "{ran}");
        assert_eq!(self.device.field(&self.beside, "description"), *there, "{ran}");
        self.honest.sync();
        assert_eq!(self.honest.field(&self.ours, "description"), *here, "{ran}");
        assert_eq!(self.honest.field(&self.target, "description"), *there, "{ran}");
        self.gets_well();
    }

    #[track_caller]
    fn is_set_aside(&self, parked: &Value, reason: &str) {
        let parked = parked.as_array().unwrap();
        assert_eq!(parked.len(), 1, "{parked:?}");
        assert_eq!(parked[0]["id"], *self.target, "{parked:?}");
        let why = parked[0]["reason"].as_str().unwrap();
        assert!(why.contains(reason), "no {reason:?} in {why:?}");
    }

    /// The sync is refused, and says why. Then the server is honest again.
    #[track_caller]
    fn refuses(&self, error: &str, words: &str) {
        let before = self.device.export();
        let ran = self.device.run(&["cloud", "sync", "-q"]);
        let code = ran.code.unwrap();
        assert_ne!(code, 0, "{ran}");
        ran.fails(code, error).says(words);
        assert_eq!(self.device.export(), before);
        self.gets_well();
    }

    /// Once the server is honest, what is typed arrives on both sides.
    #[track_caller]
    fn gets_well(&self) {
        self.relay.pass();
        let [there, here] = self.typed();
        self.device.edit(&self.target, "--dev", &here);
        self.device.sync_whatever();
        self.honest.edit(&self.target, "--setup", &there);
        self.honest.sync();
        self.device.sync();
        self.honest.sync();
        assert_eq!(self.device.export(), self.honest.export());
        let fields = ["description", "setupScript", "devScript"];
        let fields = fields.map(|field| self.device.field(&self.target, field));
        assert_eq!(fields, [&*there, &*there, &*here]);
        assert_eq!(self.device.field(&self.ours, "description"), *here);
        assert_eq!(self.device.field(&self.beside, "description"), *there);
        assert_eq!(self.device.json(&["cloud", "parked"])["parked"], json!([]));
        let epochs = account::epochs(&self.server.data());
        assert!(!epochs.contains(&0), "something is plain: {epochs:?}");
    }

    /// The record as the server holds it now.
    fn stored(&self, id: &str) -> Vec<u8> {
        account::stored(&self.server.data()).into_iter().find(|record| record.id == id).unwrap().envelope
    }

    /// Another account on the same server, sealed under another key.
    fn stranger(&self) -> Device {
        let token = self.server.account("mallory@example.com");
        let stranger = Device::with_token(&self.server.url, &token).warmed_by(&self.honest);
        stranger.add("theirs");
        account::init(&stranger);
        stranger
    }

    /// What the honest device is told in its next full listing.
    fn told_to(&self, device: &Device) -> Vec<Record> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&told);
        self.alter(move |brought| keep.lock().unwrap().extend(brought.changes.iter().cloned()));
        device.run(&["cloud", "sync", "--force"]).success();
        self.relay.pass();
        std::mem::take(&mut *told.lock().unwrap())
    }
}

/// The document of the keys among these, which is there.
fn document(told: &[Record]) -> Record {
    told.iter().find(|record| record.id == KEYS_ID).cloned().unwrap()
}

#[test]
fn k65_a_record_of_which_anything_was_changed_is_set_aside_and_the_rest_goes_on() {
    let scene = Scene::new();
    type Change = fn(&mut Value, &mut Vec<u8>);
    let changes: [(&str, Change); 7] = [
        ("its last byte", |_, payload| *payload.last_mut().unwrap() ^= 1),
        ("a byte in its middle", |_, payload| {
            let middle = payload.len() / 2;
            payload[middle] ^= 0x80;
        }),
        ("its nonce", |_, payload| payload[EPOCH_AT + 4] ^= 1),
        ("its ancestry says more of a writer", |head, _| {
            for clock in head["ancestry"].as_object_mut().unwrap().values_mut() {
                *clock = json!(clock.as_u64().unwrap() + 1);
            }
        }),
        ("its ancestry has a writer more", |head, _| head["ancestry"]["somebody"] = json!(3)),
        ("its device", |head, _| head["device"] = json!("somebody's")),
        ("its time", |head, _| head["at"] = json!("2026-01-01T00:00:00Z")),
    ];
    for (what, change) in changes {
        println!("{what}");
        scene.parks("it was changed", move |record| record.change(change));
    }
    tally::note("ways in which a server changed a sealed record", changes.len());
}

#[test]
fn k65_a_sealed_record_that_is_cut_off_of_another_format_or_of_an_unknown_epoch_says_which() {
    let scene = Scene::new();
    scene.parks("cut off", |record| record.change(|_, payload| payload.truncate(payload.len() - 10)));
    scene.parks("cut off", |record| record.change(|_, payload| payload.truncate(EPOCH_AT + 3)));
    scene.parks("format 2", |record| record.change(|_, payload| payload[FORMAT_AT] = 2));
    scene.parks("epoch 7", |record| {
        record.change(|_, payload| payload[EPOCH_AT..EPOCH_AT + 4].copy_from_slice(&7u32.to_be_bytes()));
    });
}

#[test]
fn k66_what_was_sealed_for_another_record_account_or_epoch_is_set_aside() {
    let scene = Scene::new();
    scene.edits();
    let other = scene.stored(&scene.beside);
    let whole = other.clone();
    scene.alter_target(move |record| record.envelope = whole.clone());
    scene.has_parked("it was changed");
    // Only the payload, below the head that belongs there.
    let line = other.iter().position(|b| *b == b'\n').unwrap();
    let payload = other[line + 1..].to_vec();
    scene.parks("it was changed", move |record| record.change(|_, own| own.clone_from(&payload)));

    let stranger = scene.stranger();
    let theirs = account::stored(&scene.server.data()).into_iter().map(|record| record.envelope);
    let ours = [&scene.target, &scene.beside, &scene.ours].map(|id| scene.stored(id));
    let theirs = theirs.into_iter().find(|envelope| !ours.contains(envelope)).unwrap();
    drop(stranger);
    scene.parks("it was changed", move |record| record.envelope = theirs.clone());

    // A key of both epochs is here, and each opens its own alone.
    scene.honest.run(&["cloud", "key", "rotate"]).success();
    scene.device.sync();
    scene.parks("it was changed", |record| {
        record.change(|_, payload| {
            assert_eq!(payload[EPOCH_AT..EPOCH_AT + 4], 2u32.to_be_bytes());
            payload[EPOCH_AT..EPOCH_AT + 4].copy_from_slice(&1u32.to_be_bytes());
        });
    });
}

#[test]
fn k67_an_older_version_that_the_server_shows_again_does_not_take_the_newers_place() {
    let scene = Scene::new();
    let old = scene.stored(&scene.target);
    scene.edits();
    scene.device.sync();
    let newer = scene.device.json(&["projects", "show", &scene.target])["project"].take();
    scene.honest.edit(&scene.target, "--name", "renamed over there");
    scene.honest.sync();
    scene.alter_target(move |record| record.envelope.clone_from(&old));
    scene.device.sync_whatever();
    assert_eq!(scene.device.json(&["projects", "show", &scene.target])["project"], newer);
    // What the device sent meanwhile is an answer to the older version: the real one is kept all the same.
    scene.relay.pass();
    for device in [&scene.device, &scene.honest, &scene.device, &scene.honest] {
        device.run(&["cloud", "sync", "--force"]).success();
    }
    assert_eq!(scene.device.export(), scene.honest.export());
    assert_eq!(scene.device.field(&scene.target, "name"), "renamed over there");
}

#[test]
fn k67_after_a_change_of_keys_that_sealed_all_anew_no_version_of_the_epoch_before_is_taken() {
    let scene = Scene::new();
    let old = scene.stored(&scene.target);
    scene.honest.run(&["cloud", "key", "rotate", "--reseal"]).success();
    assert_eq!(account::epochs(&scene.server.data()), [2]);
    scene.device.sync();
    scene.edits();
    let before = scene.device.json(&["projects", "show", &scene.target])["project"].take();
    scene.alter_target(move |record| record.envelope.clone_from(&old));
    scene.device.run(&["cloud", "sync", "--json"]);
    assert_eq!(scene.device.json(&["projects", "show", &scene.target])["project"], before);
    scene.gets_well();
    assert_eq!(account::epochs(&scene.server.data()), [2]);
}

#[test]
fn k68_a_deletion_that_the_server_made_up_deletes_nothing() {
    let scene = Scene::new();
    let tombstone = |record: &mut Record, seal: Option<&str>| {
        record.change(|head, payload| {
            head["deleted"] = json!(true);
            head["seal"] = json!(seal);
            payload.clear();
            for clock in head["ancestry"].as_object_mut().unwrap().values_mut() {
                *clock = json!(clock.as_u64().unwrap() + 1);
            }
        });
    };
    scene.parks("it is not sealed, though the account is", move |record| tombstone(record, None));

    // One with the seal of a deletion that a person did.
    let gone = scene.honest.add("gone");
    scene.honest.sync();
    scene.device.sync();
    scene.honest.run(&["projects", "delete", &gone, "--yes"]).success();
    scene.honest.sync();
    scene.device.sync();
    let genuine = scene.stored(&gone);
    let head: Value = serde_json::from_slice(genuine.split(|b| *b == b'\n').next().unwrap()).unwrap();
    let seal = head["seal"].as_str().unwrap_or_else(|| panic!("no seal: {head}")).to_owned();
    scene.parks("it was changed", move |record| tombstone(record, Some(&seal)));
    scene.parks("it was changed", move |record| {
        record.change(|head, payload| {
            *head = serde_json::from_slice(genuine.split(|b| *b == b'\n').next().unwrap()).unwrap();
            payload.clear();
        });
    });
}

#[test]
fn k69_plain_text_for_a_sealed_account_is_not_believed() {
    let scene = Scene::new();
    let mut plain = scene.honest.json(&["projects", "show", &scene.target])["project"].take();
    plain["description"] = json!("of the server's own");
    let fields = ["id", "name", "description", "status", "createdAt", "updatedAt"];
    let plain: serde_json::Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), plain[*field].clone())).collect();
    let payload = Value::from(plain).to_string().into_bytes();
    scene.parks("it is not sealed, though the account is", move |record| {
        record.change(|head, own| {
            head["ancestry"]["server"] = json!(1);
            own.clone_from(&payload);
        });
    });
}
