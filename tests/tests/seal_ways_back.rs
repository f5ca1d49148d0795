//! A sealed account whose server lost what it had, or says so: what a person is told, and what can be done.

#![allow(clippy::unwrap_used)]

use orkee_tests::device::Device;
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
