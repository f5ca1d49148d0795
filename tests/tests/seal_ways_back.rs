//! A sealed account whose server lost what it had, or says so: what a person is told, and what can be done.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;

use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::relay::Relay;
use orkee_tests::sealed_account as account;
use orkee_tests::server::Server;

/// A device of a sealed account that reaches its server through a relay.
fn sealed() -> (Server, Relay, Device) {
    let server = Server::tireless();
    let relay = Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    device.add("first");
    device.sync();
    account::init(&device);
    (server, relay, device)
}

#[test]
fn k81_an_account_that_was_sealed_is_given_another_key_only_by_a_person_who_says_so() {
    let (_lost, relay, device) = sealed();
    std::fs::remove_dir_all(device.home().join("keys")).unwrap();
    // Another server stands in its place, which knows the account and nothing else.
    let wiped = Server::tireless();
    let token = wiped.token();
    relay.lead_to(&wiped.url);
    let orkee = |args: &[&str]| {
        let mut command = device.orkee(args);
        command.env("ORKEE_CLOUD_TOKEN", &token);
        orkee_tests::home::finish(command, &[])
    };
    orkee(&["cloud", "sync"]).fails(4, "E-KEY-026");
    let refused = orkee(&["cloud", "key", "init", "--yes"]).fails(5, "E-KEY-029");
    refused.says("`orkee cloud sync --force` there").says("`orkee cloud key init --force`");
    assert!(std::fs::read_dir(device.home().join("keys")).is_err(), "no key is kept");
    assert!(account::stored(&wiped.data()).is_empty() && account::documents(&wiped.data()).is_empty());

    let made = orkee(&["cloud", "key", "init", "--force", "--yes", "--json"]).success().json();
    orkee(&["cloud", "sync"]).success();
    assert_eq!(account::epochs(&wiped.data()), [1]);
    let other = Device::with_token(&wiped.url, &wiped.token()).warmed_by(&device);
    account::recover(&other, made["phrase"].as_str().unwrap()).success();
    other.sync();
    assert_eq!(other.export(), device.export());
}

#[test]
fn k84_looking_at_the_key_adopts_no_newer_document_and_tells_of_it() {
    let server = Server::tireless();
    let a = Device::with_token(&server.url, &server.token());
    a.add("first");
    a.sync();
    let phrase = account::init(&a);
    let b = Device::with_token(&server.url, &server.token()).warmed_by(&a);
    account::recover(&b, &phrase).success();
    b.sync();
    a.run(&["cloud", "key", "rotate", "--yes"]).success();
    // A sync of b may be under way, and go by the document that it knows.
    let keys = b.home().join("keys");
    let files = || -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
        files.sort();
        files.iter().map(|path| std::fs::read(path).unwrap()).collect()
    };
    let before = files();
    b.run(&["cloud", "key", "show"]).success().says("newer than what this device knows");
    account::verify(&b, &phrase).success();
    assert_eq!(b.json(&["cloud", "key", "show"])["epoch"], 1);
    assert!(files() == before, "the key file was changed");
    b.sync();
    assert_eq!(b.json(&["cloud", "key", "show"])["epoch"], 2);
    account::verify(&b, &phrase).success();
}

/// Another payload below the head of a record that the server holds, as it lies there.
fn spoil(server: &mut Server, id: &str, payload: &[u8]) {
    server.stop();
    let stored = account::stored(&server.data()).into_iter().find(|record| record.id == id).unwrap();
    let line = stored.envelope.iter().position(|byte| *byte == b'\n').unwrap();
    let spoiled = [&stored.envelope[..=line], payload].concat();
    let database = rusqlite::Connection::open(server.data().join("orkee-server.db")).unwrap();
    let sql = "UPDATE records SET envelope = ? WHERE id = ?";
    assert_eq!(database.execute(sql, (spoiled, id)).unwrap(), 1);
    drop(database);
    server.resume();
}

#[test]
fn k90_a_record_that_nobody_can_read_is_dropped_by_a_person_who_says_so_and_the_floor_rises() {
    let mut server = Server::tireless();
    let a = Device::with_token(&server.url, &server.token());
    let [lost, kept] = ["lost", "kept"].map(|name| a.add(name));
    a.sync();
    spoil(&mut server, &lost, b"a project of a version to come");
    spoil(&mut server, &kept, b"another");
    let b = Device::with_token(&server.url, &server.token()).warmed_by(&a);
    b.run(&["cloud", "key", "init", "--yes", "--json"]).exits(3);
    let shown = b.json(&["cloud", "key", "show"]);
    assert_eq!((&shown["floor"], shown["stuck"].as_array().unwrap().len()), (&0.into(), 2), "{shown}");

    b.run(&["cloud", "parked", "drop", "nothing1", "--yes"]).fails(2, "E-SYNC-007");
    b.run(&["cloud", "parked", "drop", &lost])
        .fails(2, "E-CLI-003")
        .says("What only the cloud's version says is lost");
    assert_eq!(b.json(&["cloud", "parked"])["parked"].as_array().unwrap().len(), 2, "nobody said yes");
    for id in [&lost, &kept] {
        let dropped = b.json(&["cloud", "parked", "drop", id, "--yes"]);
        assert_eq!((&dropped["dropped"], &dropped["replaced_by"]), (&id.as_str().into(), &"deletion".into()));
    }
    let rows = b.json(&["audit", "--action", "drop-record"]);
    assert_eq!(rows["entries"].as_array().unwrap().len(), 2, "{rows}");
    b.sync();
    let shown = b.json(&["cloud", "key", "show"]);
    assert_eq!((&shown["floor"], &shown["stuck"]), (&1.into(), &serde_json::json!([])), "{shown}");
    assert_eq!(account::epochs(&server.data()), [1]);
    assert_eq!(b.json(&["cloud", "parked"])["parked"], serde_json::json!([]));

    // The device that could read them all the time has them stand again.
    let phrase = {
        let made = b.json(&["cloud", "key", "rotate", "--phrase", "--yes"]);
        made["phrase"].as_str().unwrap().to_owned()
    };
    account::recover(&a, &phrase).success();
    a.sync();
    b.sync();
    assert_eq!(b.export(), a.export());
    assert_eq!(b.field(&kept, "name"), "kept");
}

#[test]
fn k90_what_this_device_has_takes_the_place_of_what_the_cloud_has_and_cannot_be_read() {
    let mut server = Server::tireless();
    let a = Device::with_token(&server.url, &server.token());
    let id = a.add("shop");
    a.sync();
    spoil(&mut server, &id, b"a project of a version to come");
    a.run(&["cloud", "sync", "--force"]).exits(3);
    a.run(&["cloud", "parked", "drop", &id]).fails(2, "E-CLI-003").says("Put what this device has of shop");
    assert_eq!(a.json(&["cloud", "parked", "drop", &id, "--yes"])["replaced_by"], "ours");
    a.sync();
    let b = Device::with_token(&server.url, &server.token()).warmed_by(&a);
    b.sync();
    assert_eq!(b.export(), a.export());
}

#[test]
fn k89_a_damaged_locked_text_is_named_everywhere_ends_nothing_and_is_taken_from_the_cloud_again() {
    let server = Server::tireless();
    let session = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in("/dev/shm")
        .unwrap();
    let device = Device::with_token(&server.url, &server.token());
    let run = |args: &[&str], input: &str| -> Ran {
        let mut command = device.orkee(args);
        command.env("XDG_RUNTIME_DIR", session.path());
        finish(command, input.as_bytes())
    };
    let [shop, blog] = ["shop", "blog"].map(|name| device.add(name));
    for id in [&shop, &blog] {
        device.edit(id, "--description", "words that matter");
    }
    device.sync();
    let passphrase = "correct horse battery staple";
    run(&["cloud", "key", "lock"], passphrase).success();
    run(&["cloud", "key", "unlock", "--until-logout"], passphrase).success();
    let database = rusqlite::Connection::open(device.home().join("orkee.db")).unwrap();
    let sql = "UPDATE records SET payload = replace(payload, '{\"$sealed\":\"', '{\"$sealed\":\"AAAA') WHERE id = ?";
    assert_eq!(database.execute(sql, [&shop]).unwrap(), 1);
    drop(database);

    let listed = run(&["projects", "list", "--json"], "").success().json();
    let of = |id: &str| {
        let all = listed["projects"].as_array().unwrap();
        all.iter().find(|project| project["id"] == id).unwrap().clone()
    };
    assert_eq!(of(&shop)["damagedFields"], serde_json::json!(["description"]));
    assert_eq!(of(&blog)["description"], "words that matter");
    run(&["projects", "list", "--search", "matter"], "").success().shows("blog");
    run(&["projects", "show", &shop], "")
        .success()
        .shows("(damaged)")
        .says("orkee doctor")
        .says("projects history");
    assert_eq!(
        run(&["projects", "show", &shop, "--json"], "").json()["damaged_fields"],
        serde_json::json!(["description"])
    );
    run(&["projects", "export"], "").fails(1, "E-STORE-007").says(&shop);
    let history = run(&["projects", "history", &shop, "--json"], "").success();
    assert!(!history.stdout.contains("$sealed"), "{history}");
    let newest = history.json()["versions"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(newest["fields"]["description"]["new"], serde_json::json!({"$damaged": true}));
    for change in [["cloud", "key", "lock", "--off"], ["cloud", "key", "lock", "--new-passphrase"]] {
        run(&change, passphrase).fails(1, "E-STORE-007").says(&shop).says("orkee cloud sync --force");
        run(&["cloud", "key", "unlock", "--until-logout"], passphrase).success();
    }
    let told = run(&["doctor", "--offline"], "").exits(1);
    assert!(told.stdout.contains("the locked text of description is damaged"), "{told}");
    assert!(told.stdout.contains("orkee cloud sync --force"), "{told}");

    // What is damaged is not sent, other fields are written, and everything else goes.
    run(&["projects", "edit", &shop, "--name", "shop 2"], "").success();
    run(&["projects", "edit", &blog, "--name", "blog 2"], "").success();
    let parked = run(&["cloud", "sync", "--json"], "").exits(3).json()["parked"].take();
    assert_eq!((parked[0]["id"].as_str(), parked.as_array().unwrap().len()), (Some(shop.as_str()), 1));
    assert!(
        parked[0]["reason"].as_str().unwrap().contains("description is damaged on this device"),
        "{parked}"
    );
    run(&["cloud", "sync", "--force"], "").success();
    let shown = run(&["projects", "show", &shop, "--json"], "").success().json();
    assert_eq!(shown["project"]["description"], "words that matter", "{shown}");
    assert_eq!(shown["project"]["name"], "shop 2");
    run(&["doctor", "--offline"], "").success();
    let other = Device::with_token(&server.url, &server.token()).warmed_by(&device);
    other.sync();
    assert_eq!((other.field(&shop, "name"), other.field(&blog, "name")), ("shop 2".into(), "blog 2".into()));
}
