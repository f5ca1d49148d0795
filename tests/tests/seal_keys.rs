//! Keys of a sealed account: made once, given to further devices by the recovery phrase, and refused in one clear sentence wherever
//! they do not fit, with nothing sent.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::sealing;
use orkee_tests::server::Server;
use serde_json::Value;

/// A server, and devices of one account.
struct Account {
    server: Server,
    token: String,
    a: Device,
}

impl Account {
    fn new() -> Self {
        let server = Server::tireless();
        let token = server.token();
        let a = Device::with_token(&server.url, &token);
        Self { server, token, a }
    }

    /// One whose only device has a project, and has sealed it. The phrase.
    fn sealed() -> (Self, String) {
        let account = Self::new();
        account.a.import(&sealing::export(&[sealing::marked("aaaaaaaa", "first")]));
        account.a.sync();
        let phrase = init(&account.a);
        (account, phrase)
    }

    fn device(&self) -> Device {
        let device = Device::with_token(&self.server.url, &self.token);
        if self.a.home().join("cache").is_dir() { device.warmed_by(&self.a) } else { device }
    }

    /// One that has the key.
    fn joined(&self, phrase: &str) -> Device {
        let device = self.device();
        recover(&device, phrase).success();
        device.sync();
        device
    }

    /// Nothing that a person typed can be read in the server's files.
    #[track_caller]
    fn holds_nothing_readable(&self) {
        for (name, bytes) in sealing::files(&self.server.data()) {
            sealing::is_not_in(&name, &bytes);
        }
    }
}

#[track_caller]
fn init(device: &Device) -> String {
    sealing::seal(&|args| device.orkee(args))
}

fn recover(device: &Device, phrase: &str) -> Ran {
    finish(device.orkee(&["cloud", "key", "recover"]), phrase.as_bytes())
}

#[track_caller]
fn shown(device: &Device) -> Value {
    device.json(&["cloud", "key", "show"])
}

fn key_file(device: &Device) -> Option<PathBuf> {
    let files = std::fs::read_dir(device.home().join("keys")).into_iter().flatten().flatten();
    files.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "toml"))
}

#[test]
fn k26_one_command_makes_an_accounts_projects_unreadable_to_its_server_and_shows_the_phrase_once() {
    let (account, phrase) = Account::sealed();
    assert_eq!(phrase.split(' ').count(), 24);
    account.holds_nothing_readable();
    let shown = shown(&account.a);
    assert_eq!([&shown["sealed"], &shown["key_here"]], [true, true]);
    assert_eq!([&shown["epoch"], &shown["floor"]], [1, 1], "{shown}");
    assert_eq!(shown["left_to_reseal"], Value::Null);
    let kinds: Vec<&str> =
        shown["recipients"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["recovery", "device"]);
    let file = key_file(&account.a).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(file.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    // Made once, and never told again.
    account.a.run(&["cloud", "key", "init", "--yes"]).fails(5, "E-KEY-040").says("key show");
    for (name, bytes) in sealing::files(&account.a.home()) {
        assert!(!String::from_utf8_lossy(&bytes).contains(&phrase), "the phrase is in {name}");
    }
}

#[test]
fn k27_a_second_device_is_given_the_key_by_the_phrase_and_both_sync_on() {
    let (account, phrase) = Account::sealed();
    let b = account.joined(&phrase);
    assert_eq!(b.export(), account.a.export());
    let id = b.add("kanarie7f3 from b");
    b.sync();
    account.a.sync();
    assert_eq!(account.a.field(&id, "name"), "kanarie7f3 from b");
    account.a.run(&["projects", "delete", &id, "--yes"]).success();
    account.a.sync();
    b.sync();
    assert_eq!(b.export(), account.a.export());
    account.holds_nothing_readable();
    assert_eq!(shown(&b)["check"], shown(&account.a)["check"]);
    assert_eq!(shown(&b)["recipients"].as_array().unwrap().len(), 3);
    // However it is typed.
    let shouted = phrase.to_uppercase().replace(' ', "\n  ");
    recover(&account.device(), &shouted).success();
}

#[test]
fn k28_joining_never_makes_a_key() {
    let account = Account::new();
    let plain = account.device();
    let phrase = "abandon ".repeat(23) + "art";
    recover(&plain, &phrase).fails(2, "E-KEY-041").says("key init");
    assert!(key_file(&plain).is_none());
    account.a.add("shop");
    account.a.sync();
    assert_eq!(shown(&account.a)["sealed"], false, "nothing was made");
}

#[test]
fn k29_a_device_without_the_key_is_told_and_sends_nothing() {
    let (account, _) = Account::sealed();
    let b = account.device();
    b.import(&sealing::export(&[sealing::marked("bbbbbbbb", "second")]));
    for args in [&["cloud", "sync"][..], &["cloud", "sync", "--force"], &["cloud", "restore", "--yes"]] {
        b.run(args).fails(4, "E-KEY-020").says("key recover");
    }
    b.run(&["cloud", "key", "rotate"]).fails(4, "E-KEY-020");
    b.run(&["cloud", "key", "init", "--yes"]).fails(5, "E-KEY-040").says("key recover");
    assert!(key_file(&b).is_none(), "a key that nobody has was kept");
    account.holds_nothing_readable();
    assert_eq!(b.json(&["projects", "list"])["projects"].as_array().unwrap().len(), 1);
}

#[test]
fn k30_what_is_wrong_with_a_phrase_is_said_and_nothing_is_kept() {
    let (account, phrase) = Account::sealed();
    let b = account.device();
    let words: Vec<&str> = phrase.split(' ').collect();
    let with = |n: usize, word: &str| {
        let mut words = words.clone();
        words[n] = word;
        words.join(" ")
    };
    recover(&b, &with(6, "abandn")).fails(2, "E-KEY-013").says("word 7").says("abandon");
    recover(&b, &words[..23].join(" ")).fails(2, "E-KEY-013").says("23");
    let swapped = if words[0] == words[1] {
        with(0, "zoo")
    } else {
        [&[words[1], words[0]], &words[2..]].concat().join(" ")
    };
    let ran = recover(&b, &swapped);
    // One in 256 swaps has a good checksum; then it is simply another account's phrase.
    assert!(ran.stderr.contains("checksum") || ran.stderr.contains("E-KEY-042"), "{ran}");
    let spanish = "ábaco abdomen abeja abierto abogado abono aborto abrazo abrir abuelo abuso acabar academia acceso acción aceite acelga acento aceptar ácido aclarar acné acoger acoso";
    recover(&b, spanish).fails(2, "E-KEY-013").says("Spanish");
    recover(&b, "").fails(2, "E-KEY-046");
    let other = "abandon ".repeat(23) + "art";
    recover(&b, &other).fails(4, "E-KEY-042").says("does not open the key of this account");
    assert!(key_file(&b).is_none());
    assert_eq!(shown(&account.a)["recipients"].as_array().unwrap().len(), 2, "nobody was added");
    recover(&b, &phrase).success();
}

#[test]
fn k31_a_key_file_that_is_not_sound_is_refused_before_anything_is_sent() {
    let (account, phrase) = Account::sealed();
    let a = &account.a;
    let file = key_file(a).unwrap();
    let good = std::fs::read(&file).unwrap();
    a.import(&sealing::export(&[sealing::marked("bbbbbbbb", "second")]));
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    a.run(&["cloud", "sync"]).fails(2, "E-KEY-031").says("chmod 600");
    let told = a.run(&["doctor"]).exits(1);
    assert!(told.stdout.contains("other users can read the key file"), "{told}");
    mode(0o600);
    std::fs::write(&file, &good[..good.len() / 2]).unwrap();
    a.run(&["cloud", "sync"]).fails(2, "E-KEY-032").says("cut off").says("key recover");
    let mut changed = good.clone();
    changed[good.len() / 2] ^= 1;
    std::fs::write(&file, &changed).unwrap();
    a.run(&["cloud", "sync"]).fails(2, "E-KEY-032");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
    a.run(&["cloud", "sync"]).fails(2, "E-KEY-030").says("symbolic link");
    std::fs::remove_file(&file).unwrap();
    // Without any, it is a device that has yet to be given the key.
    let ran = a.run(&["cloud", "sync"]).exits(4);
    assert!(ran.stderr.contains("error[E-KEY-0") && ran.stderr.contains("key recover"), "{ran}");
    account.holds_nothing_readable();
    recover(a, &phrase).success();
    a.sync();
    account.holds_nothing_readable();
    assert_eq!(account.joined(&phrase).export(), a.export());
}

#[test]
fn k32_a_key_of_another_account_is_neither_used_nor_lost() {
    let (account, phrase) = Account::sealed();
    let token = account.server.account("eve@example.com");
    let eve = Device::with_token(&account.server.url, &token).warmed_by(&account.a);
    eve.add("hers");
    eve.sync();
    init(&eve);
    // Somebody copies the key file of one account to the place of the other's.
    let (own, others) = (key_file(&account.a).unwrap(), key_file(&eve).unwrap());
    let good = std::fs::read(&own).unwrap();
    std::fs::write(&own, std::fs::read(&others).unwrap()).unwrap();
    account.a.import(&sealing::export(&[sealing::marked("bbbbbbbb", "second")]));
    account.a.run(&["cloud", "sync"]).fails(5, "E-KEY-021").says("not the key of this account");
    account.a.run(&["cloud", "key", "rotate"]).fails(5, "E-KEY-021");
    std::fs::write(&own, good).unwrap();
    account.a.sync();
    assert_eq!(account.joined(&phrase).export(), account.a.export());
    account.holds_nothing_readable();
}

#[test]
fn k33_of_two_devices_that_make_a_key_at_the_same_time_one_is_told_of_the_others() {
    let account = Account::new();
    let a = &account.a;
    a.import(&sealing::export(&[sealing::marked("aaaaaaaa", "first")]));
    a.sync();
    let b = account.device();
    b.sync();
    b.import(&sealing::export(&[sealing::marked("bbbbbbbb", "second")]));
    let args = ["cloud", "key", "init", "--yes", "--json"];
    let other = std::thread::scope(|scope| {
        let other = scope.spawn(|| b.run(&args));
        (a.run(&args), other.join().unwrap())
    });
    let (won, lost, loser) = match (other.0.code, other.1.code) {
        (Some(0), _) => (other.0, other.1, &b),
        _ => (other.1, other.0, a),
    };
    let phrase = won.success().json()["phrase"].as_str().unwrap().to_owned();
    assert_eq!(lost.code, Some(5), "{lost}");
    assert!(lost.stdout.contains("E-KEY-040"), "{lost}");
    assert!(key_file(loser).is_none(), "a key that is nobody's was kept");
    recover(loser, &phrase).success();
    for device in [a, &b, a] {
        device.sync();
    }
    assert_eq!(a.export(), b.export());
    account.holds_nothing_readable();
    let parked = a.json(&["cloud", "parked"]);
    assert_eq!(parked["parked"].as_array().map(Vec::len), Some(0), "mixed data: {parked}");
}

#[test]
fn k34_a_new_epoch_costs_one_document_and_every_device_follows_with_its_next_sync() {
    let (account, phrase) = Account::sealed();
    let b = account.joined(&phrase);
    let rotated = account.a.json(&["cloud", "key", "rotate"]);
    assert_eq!(rotated["epoch"], 2);
    assert_eq!(rotated["phrase"], Value::Null);
    assert_eq!(account.a.sync()["pushed"], 0, "what is there stays as it is");
    b.edit("aaaaaaaa", "--description", "kanarie7f3 while it was away");
    b.sync();
    account.a.sync();
    assert_eq!(b.export(), account.a.export());
    assert_eq!(shown(&b)["epoch"], 2);
    let resealed = account.a.json(&["cloud", "key", "rotate", "--reseal"]);
    assert_eq!([&resealed["epoch"], &resealed["floor"]], [3, 3], "{resealed}");
    b.sync();
    assert_eq!(b.export(), account.a.export());
    account.holds_nothing_readable();
}

#[test]
fn k35_another_phrase_takes_the_place_of_the_old_one() {
    let (account, old) = Account::sealed();
    let rotated = account.a.json(&["cloud", "key", "rotate", "--phrase"]);
    let new = rotated["phrase"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    let b = account.device();
    recover(&b, &old).fails(4, "E-KEY-042");
    assert!(key_file(&b).is_none());
    recover(&b, &new).success();
    b.sync();
    assert_eq!(b.export(), account.a.export());
    assert_eq!(account.a.json(&["cloud", "key", "rotate"])["phrase"], Value::Null, "it was shown");
}

#[test]
fn k36_a_device_that_is_signed_out_is_given_no_key_of_what_comes() {
    let server = Server::tireless();
    let (a, b) = (Device::new(&server.url), Device::new(&server.url));
    a.login(&server.person());
    a.import(&sealing::export(&[sealing::marked("aaaaaaaa", "first")]));
    a.sync();
    let phrase = init(&a);
    let b = b.warmed_by(&a);
    b.login(&server.person());
    recover(&b, &phrase).success();
    b.sync();
    let stolen = std::fs::read(key_file(&b).unwrap()).unwrap();
    let listed = a.json(&["cloud", "devices"]);
    let lost = listed["devices"].as_array().unwrap().iter().find(|one| one["current"] == false).unwrap();
    let revoked = a.json(&["cloud", "devices", "revoke", lost["id"].as_str().unwrap(), "--yes"]);
    assert_eq!(revoked["key_epoch"], 2, "{revoked}");
    assert_eq!(shown(&a)["recipients"].as_array().unwrap().len(), 2);
    a.edit("aaaaaaaa", "--description", "kanarie7f3 after that");
    a.sync();
    assert!(b.run(&["cloud", "sync"]).exits(4).stderr.contains("error[E-AUTH-"));
    // Whoever has its key file and a sign-in of the account reads nothing that came since.
    let thief = Device::with_token(&server.url, &server.token()).warmed_by(&a);
    thief.run(&["cloud", "key", "show"]).success();
    let at = thief.home().join("keys");
    std::fs::create_dir_all(&at).unwrap();
    let file = at.join(key_file(&b).unwrap().file_name().unwrap());
    std::fs::write(&file, stolen).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    thief.run(&["cloud", "restore", "--yes"]).fails(4, "E-KEY-025").says("taken off the account");
    assert_eq!(thief.json(&["projects", "list"])["projects"].as_array().unwrap().len(), 0);
}

#[test]
fn k37_an_account_goes_back_to_plain_and_is_sealed_again_with_a_device_that_was_away() {
    let (account, phrase) = Account::sealed();
    let b = account.joined(&phrase);
    let plain = account.a.json(&["cloud", "key", "unseal", "--yes"]);
    assert_eq!(plain["sealed"], false);
    let readable = sealing::files(&account.server.data()).iter().any(|(_, bytes)| sealing::is_in(bytes));
    assert!(readable, "the server can read it again");
    // A device without any key joins as if there had never been one.
    let c = account.device();
    c.sync();
    assert_eq!(c.export(), account.a.export());
    b.edit("aaaaaaaa", "--description", "while it was away");
    b.sync();
    account.a.sync();
    assert_eq!(b.export(), account.a.export());
    assert_eq!(shown(&b)["sealed"], false);
    // The key stayed, and so did its phrase.
    let again = account.a.json(&["cloud", "key", "init", "--yes"]);
    assert_eq!([&again["sealed"], &again["phrase"]], [&Value::Bool(true), &Value::Null], "{again}");
    c.edit("aaaaaaaa", "--priority", "low");
    c.run(&["cloud", "sync"]).fails(4, "E-KEY-020");
    b.sync();
    recover(&c, &phrase).success();
    c.sync();
    for device in [&account.a, &b] {
        device.sync();
        assert_eq!(device.export(), c.export());
    }
    account.holds_nothing_readable();
}

#[test]
fn k38_a_passphrase_and_an_exported_key_open_it_too() {
    let account = Account::new();
    account.a.import(&sealing::export(&[sealing::marked("aaaaaaaa", "first")]));
    account.a.sync();
    let pass = "kanarie7f3 passphrase of mine";
    let init = ["cloud", "key", "init", "--passphrase", "--yes"];
    finish(account.a.orkee(&init), b"short\n").fails(2, "E-KEY-046");
    finish(account.a.orkee(&init), format!("{pass}\n").as_bytes()).success();
    account.holds_nothing_readable();
    let b = account.device();
    let by_passphrase = ["cloud", "key", "recover", "--passphrase"];
    finish(b.orkee(&by_passphrase), b"kanarie7f3 another passphrase\n").fails(4, "E-KEY-042");
    finish(b.orkee(&by_passphrase), format!("{pass}\n").as_bytes()).success();
    b.sync();
    assert_eq!(b.export(), account.a.export());
    let out = account.a.path("key.json");
    let out = out.to_str().unwrap();
    finish(account.a.orkee(&["cloud", "key", "export", "--out", out]), b"a passphrase for the file\n")
        .success();
    account.a.run(&["cloud", "key", "export", "--out", out]).fails(2, "E-KEY-047");
    let c = account.device();
    let by_file = ["cloud", "key", "recover", "--file", out];
    finish(c.orkee(&by_file), b"not that passphrase\n").fails(4, "E-KEY-038");
    finish(c.orkee(&by_file), b"a passphrase for the file\n").success();
    c.sync();
    assert_eq!(c.export(), b.export());
}

#[test]
fn k39_the_phrase_that_was_written_down_can_be_tried_at_any_time() {
    let (account, phrase) = Account::sealed();
    let verify = |text: &str| finish(account.a.orkee(&["cloud", "key", "verify"]), text.as_bytes());
    drop(verify(&phrase).success());
    verify(&("abandon ".repeat(23) + "art")).fails(4, "E-KEY-042");
    assert_eq!(account.a.json(&["cloud", "key", "verify", "--device"])["device"], true);
}
