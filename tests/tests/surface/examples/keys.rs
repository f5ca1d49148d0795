//! The examples of `orkee cloud key`, typed one after the other on the devices of one person.

use orkee_tests::server::Server;
use serde_json::Value;

use super::person::{Person, have_typed_all};

const PASSPHRASE: &str = "correct horse battery staple";
const ANOTHER: &str = "another horse battery staple";
/// A new passphrase is typed twice.
const TWICE: [(&str, &str); 2] = [("Passphrase", PASSPHRASE), ("The same again", PASSPHRASE)];
const WRITTEN: (&str, &str) = ("Have you written them down?", "y");
const SEAL: (&str, &str) = ("Seal this account's projects", "y");

/// The words of a phrase among what was on the screen.
#[track_caller]
fn phrase(seen: &str) -> String {
    let is_word = |word: &str| word.chars().all(|c| c.is_ascii_lowercase());
    let lines = seen.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let lines: Vec<_> =
        lines.filter(|line| line.len() == 6 && line.iter().all(|word| is_word(word))).collect();
    let words = lines.concat();
    assert_eq!(words.len(), 24, "{seen}");
    words.join(" ")
}

#[track_caller]
fn shown(person: &Person) -> Value {
    serde_json::from_str(&person.ok("orkee cloud key show --json")).unwrap()
}

#[test]
fn s02_every_example_of_the_account_s_key_does_what_it_says() {
    let server = Server::tireless();
    let token = server.token();
    let device = || Person::at(&server.url, &token);
    let a = device();
    a.ok("orkee projects add --name shop --description secret");

    let words =
        phrase(&a.types("orkee cloud key init", &[SEAL, WRITTEN], "The account is sealed: 1 project"));
    let typed = [("Recovery phrase (24 words)", words.as_str())];
    a.types("orkee cloud key show", &[], "End-to-end encryption: on (key ");
    a.types("orkee cloud key show --offline --json", &[], r#""sealed":true"#);
    a.types("orkee cloud key verify", &typed, "The recovery phrase opens this account's key");
    a.types("orkee cloud key verify --device", &[], "The key of this device is the account's");

    let b = device();
    b.types("orkee cloud key recover", &typed, "This device has the account's key: key ");
    // Which is how it hears of the other device.
    a.ok("orkee cloud sync");
    let recipients = shown(&a)["recipients"].clone();
    let laptop = recipients
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["this_device"] == false && one["kind"] == "device");
    let laptop = laptop.unwrap()["id"].as_str().unwrap();
    let without = "orkee cloud key rotate --without laptop";
    a.types_as(without, &without.replace("laptop", laptop), &[], "Epoch 2 has begun");
    assert!(!shown(&a)["recipients"].to_string().contains(laptop));
    let c = device();
    c.program("pass", &format!("echo {words}"));
    c.types("pass show orkee | orkee cloud key recover", &[], "This device has the account's key: key ");
    a.types("orkee cloud key rotate", &[], "Epoch 3 has begun");
    a.types("orkee cloud key rotate --reseal", &[], "The account is sealed: 1 project");
    assert_eq!(shown(&a)["floor"], 4);
    let new = phrase(&a.types("orkee cloud key rotate --phrase", &[WRITTEN], "Epoch 5 has begun"));
    assert_ne!(new, words);

    a.types("orkee cloud key export --out orkee-key.json", &TWICE, "The account's key is in orkee-key.json");
    std::fs::copy(a.path("orkee-key.json"), c.path("orkee-key.json")).unwrap();
    let file = "orkee cloud key recover --file orkee-key.json";
    c.types(file, &TWICE[..1], "This device has the account's key: key ");
    let stick = "orkee cloud key export > /media/stick/orkee-key.json";
    a.types_as(stick, &stick.replace("/media/stick/orkee-key.json", "stick.json"), &TWICE, "Passphrase");
    std::fs::remove_file(a.path("orkee-key.json")).unwrap();
    a.types(
        "orkee cloud key export --plain --yes --out orkee-key.json",
        &[],
        "The account's key is in orkee-key.json",
    );
    for (name, sealed) in [("stick.json", true), ("orkee-key.json", false)] {
        let text = std::fs::read_to_string(a.path(name)).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(file.get("stretch").is_some(), sealed, "{text}");
    }

    a.types("orkee cloud key lock", &TWICE, "Locked: description");
    assert!(!a.ok("orkee projects show shop").contains("secret"));
    a.types("orkee cloud key unlock", &TWICE[..1], "Unlocked until 2");
    assert!(a.ok("orkee projects show shop").contains("secret"));
    a.types("orkee cloud key unlock --for 20m", &TWICE[..1], "Unlocked until 2");
    a.types("orkee cloud key lock", &[], "Locked: description");
    let typed = [("Recovery phrase (24 words)", new.as_str())];
    a.types("orkee cloud key unlock --phrase", &typed, "Unlocked until 2");
    let another = [("Passphrase", ANOTHER), ("The same again", ANOTHER)];
    a.types("orkee cloud key lock --new-passphrase", &another, "Locked: description");
    a.types("orkee cloud key unlock --until-logout", &another[..1], "Unlocked until your session ends");
    a.types("orkee cloud key lock --off", &[], "");
    assert!(a.ok("orkee projects show shop").contains("secret"));

    a.types(
        "orkee cloud key unseal",
        &[("read this account's projects again?", "y")],
        "The account is not sealed any more",
    );
    a.types(
        "orkee cloud key init --passphrase",
        &[SEAL, TWICE[0], TWICE[1]],
        "The account is sealed: 1 project",
    );
    a.types("orkee cloud key unseal --yes", &[], "The account is not sealed any more");
    assert_eq!(shown(&a)["sealed"], false);

    let d = Person::at(&server.url, &server.account("zoe@example.com"));
    let made = d.types("orkee cloud key init --yes --json", &[], r#""phrase":"#);
    let made: Value =
        serde_json::from_str(made.lines().last().unwrap()).unwrap_or_else(|error| panic!("{error}: {made}"));
    assert_eq!(made["phrase"].as_str().unwrap().split(' ').count(), 24);
    have_typed_all(&[&a, &b, &c, &d], &["orkee cloud key"], &[]);
}
