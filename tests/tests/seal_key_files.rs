//! Where the key of a sealed account is kept on a device: on a disk that is full, in the keyring of the operating system, below a lock;
//! and that what opens it is kept nowhere.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use orkee_core::seal::Phrase;
use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::keyring::{self, Keyring};
use orkee_tests::office::Office;
use orkee_tests::server::Server;
use orkee_tests::{namespace, sealing};
use serde_json::{Value, json};

const PASSPHRASE: &str = "correct horse battery staple";

/// A server, and a device with a project that it has.
fn account() -> (Server, String, Device) {
    let server = Server::tireless();
    let token = server.token();
    let device = Device::with_token(&server.url, &token);
    device.import(&sealing::export(&[sealing::marked("aaaaaaaa", "first")]));
    device.sync();
    (server, token, device)
}

fn key_file(device: &Device) -> Option<PathBuf> {
    let files = std::fs::read_dir(device.home().join("keys")).into_iter().flatten().flatten();
    files.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "toml"))
}

/// What stands behind a name in a key file.
fn in_file(path: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} = \"")))?;
    Some(line.trim_end_matches('"').to_owned())
}

#[track_caller]
fn holds_nothing_readable(server: &Server) {
    sealing::files(&server.data()).iter().for_each(|(name, bytes)| sealing::is_not_in(name, bytes));
}

#[test]
fn k40_a_full_disk_leaves_the_key_file_and_the_account_as_they_were() {
    let (server, token, a) = account();
    let script = r#"
        fill() { dd if=/dev/zero of="$ORKEE_HOME/keys/filler" bs=4k 2>/dev/null || true; }
        refused() { code=0; "$@" >&2 || code=$?; echo "exit $code" >&2; }
        mkdir -p "$ORKEE_HOME/keys"; mount -t tmpfs -o size=64k,mode=700 tmpfs "$ORKEE_HOME/keys"
        fill; refused "$ORKEE" cloud key init --yes
        ls "$ORKEE_HOME/keys" | grep toml >&2 || echo "no file" >&2
        rm "$ORKEE_HOME/keys/filler"
        phrase=$("$ORKEE" cloud key init --yes)
        before=$(sha256sum "$ORKEE_HOME"/keys/*.toml)
        fill
        refused "$ORKEE" cloud key rotate --yes
        refused "$ORKEE" cloud key rotate --phrase --yes
        refused "$ORKEE" cloud key unseal --yes
        [ "$before" = "$(sha256sum "$ORKEE_HOME"/keys/*.toml)" ] && echo unchanged >&2
        "$ORKEE" projects edit aaaaaaaa --description "kanarie7f3 on a full disk" >&2
        "$ORKEE" cloud sync >&2
        "$ORKEE" cloud key show --json
        rm "$ORKEE_HOME/keys/filler"
        "$ORKEE" cloud key rotate --yes >&2
        cp -a "$ORKEE_HOME"/keys/*.toml "$HOME/""#;
    let Some(ran) = namespace::run(&a.orkee(&[]), script) else { return };
    let ran = ran.success().says("no file").says("unchanged").says("make room on the disk");
    let refusals: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error[")).collect();
    assert_eq!(refusals.len(), 4, "{ran}");
    assert!(refusals.iter().all(|line| line.starts_with("error[E-KEY-033]")), "{ran}");
    assert_eq!(ran.stderr.matches("exit 1\n").count(), 4, "{ran}");
    let shown = ran.json();
    assert_eq!([&shown["sealed"], &shown["epoch"]], [&json!(true), &json!(1)], "{shown}");
    // The disk of the namespace is gone with it, and the file was saved.
    let saved = std::fs::read_dir(a.path("")).unwrap().flatten().map(|entry| entry.path());
    let saved = saved.into_iter().find(|path| path.extension().is_some_and(|end| end == "toml")).unwrap();
    std::fs::rename(&saved, a.home().join("keys").join(saved.file_name().unwrap())).unwrap();
    std::fs::set_permissions(a.home().join("keys"), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(a.json(&["cloud", "key", "show"])["epoch"], 2);
    a.sync();
    holds_nothing_readable(&server);
    let b = Device::with_token(&server.url, &token).warmed_by(&a);
    b.run(&["cloud", "sync"]).fails(4, "E-KEY-020");
}

/// `orkee ARGS` with the helper in its path, and this message bus.
fn at_bus(device: &Device, bus: &str, args: &[&str]) -> Command {
    let mut command = device.orkee(args);
    let path = format!("{}:/usr/bin:/bin", keyring::helper().display());
    command.env("PATH", path).env("DBUS_SESSION_BUS_ADDRESS", bus);
    command
}

#[test]
fn k41_a_key_in_the_keyring_is_in_no_file_and_without_the_keyring_nothing_is_sent() {
    let Some(keyring) = Keyring::start() else {
        eprintln!("SKIPPED: this machine has no dbus-daemon and gnome-keyring-daemon");
        return;
    };
    let (server, _, a) = account();
    let run = |args: &[&str]| finish(at_bus(&a, &keyring.bus, args), &[]);
    run(&["cloud", "key", "init", "--keyring", "--yes", "--json"]).success();
    holds_nothing_readable(&server);
    let file = key_file(&a).unwrap();
    let entry = in_file(&file, "keyring").unwrap();
    assert_eq!(in_file(&file, "secrets"), None);
    let held = keyring.entry(&entry).unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains(held.trim()), "the key is in the file, too");
    assert_eq!(run(&["cloud", "key", "show", "--json"]).success().json()["epoch"], 1);
    run(&["cloud", "key", "rotate", "--yes"]).success();
    run(&["cloud", "sync"]).success();
    let now = in_file(&file, "keyring").unwrap();
    assert!(keyring.entry(&now).is_some());
    assert!(now == entry || keyring.entry(&entry).is_none(), "an older key was left in the keyring");

    a.edit("aaaaaaaa", "--description", "kanarie7f3 while it is gone");
    let before = std::fs::read(&file).unwrap();
    let nowhere = "unix:path=/nowhere/bus";
    finish(at_bus(&a, nowhere, &["cloud", "sync"]), &[]).fails(2, "E-KEY-035").says("keyring");
    let mut without = at_bus(&a, &keyring.bus, &["cloud", "sync"]);
    without.env("PATH", "/usr/bin:/bin");
    finish(without, &[]).fails(2, "E-KEY-035").says("orkee-keyring");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    holds_nothing_readable(&server);
    run(&["cloud", "sync"]).success();
    holds_nothing_readable(&server);
}

/// Every form in which a phrase could be kept: its words, and its bits as files keep them.
fn forms(phrase: &str) -> Vec<Vec<u8>> {
    let bits = *Phrase::from_str(phrase).unwrap().expose();
    let hex: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
    let words = phrase.split(' ').collect::<Vec<_>>();
    let mut forms = vec![bits.to_vec(), hex.into_bytes(), BASE64.encode(bits).into_bytes()];
    // Six words in a row: how they are shown, and too many to be there by chance.
    forms.extend(words.windows(6).map(|six| six.join(" ").into_bytes()));
    forms.push(PASSPHRASE.as_bytes().to_vec());
    forms.push(BASE64.encode(PASSPHRASE).into_bytes());
    forms
}

#[track_caller]
fn has_none(what: &str, bytes: &[u8], forms: &[Vec<u8>]) {
    for form in forms {
        let found = bytes.windows(form.len()).any(|window| window == form.as_slice());
        assert!(!found, "{what} has {:?}", String::from_utf8_lossy(form));
    }
}

/// What a command that says all that it can prints beside its result, and what it was started with: nothing else of it is looked at.
fn loud(device: &Device, args: &[&str], input: &str) -> Ran {
    let mut command = device.orkee(&[args, &["-vvv"]].concat());
    command.env("RUST_LOG", "trace");
    finish(command, input.as_bytes()).success()
}

#[test]
fn k42_the_phrase_and_a_passphrase_are_in_no_file_log_audit_row_argument_or_environment() {
    let (server, token, a) = account();
    let made = loud(&a, &["cloud", "key", "init", "--passphrase", "--yes", "--json"], PASSPHRASE);
    let phrase = made.json()["phrase"].as_str().unwrap().to_owned();
    let forms = forms(&phrase);
    let mut said = vec![made.stderr];
    let b = Device::with_token(&server.url, &token).warmed_by(&a);
    said.push(loud(&b, &["cloud", "key", "recover"], &phrase).stderr);
    let c = Device::with_token(&server.url, &token).warmed_by(&a);
    said.push(loud(&c, &["cloud", "key", "recover", "--passphrase"], PASSPHRASE).stderr);
    let verified = loud(&a, &["cloud", "key", "verify"], &phrase);
    let exported = loud(&a, &["cloud", "key", "export"], PASSPHRASE);
    for ran in [verified, exported, loud(&a, &["audit", "--json"], ""), loud(&a, &["cloud", "sync"], "")] {
        said.extend([ran.stdout, ran.stderr]);
    }
    said.iter().for_each(|text| has_none("what a command said", text.as_bytes(), &forms));
    for device in [&a, &b, &c] {
        for (name, bytes) in sealing::files(&device.home()) {
            has_none(&name, &bytes, &forms);
        }
        let secrets = in_file(&key_file(device).unwrap(), "secrets").unwrap();
        has_none("the secrets of a key file", &BASE64.decode(secrets).unwrap(), &forms);
    }
    for (name, bytes) in sealing::files(&server.data()) {
        has_none(&name, &bytes, &forms);
    }
}

#[test]
fn k42_what_orkee_starts_is_handed_no_secret_in_its_arguments_or_environment() {
    let (_server, _, a) = account();
    // In the place of the helper that speaks to the keyring: it notes how it was started, and keeps entries in files.
    let folder = a.path("instead");
    std::fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "#!/bin/sh\nF={}\n{{ echo \"$@\"; env; }} >> \"$F/started\"\ncase $1 in\n\
         set) cat > \"$F/kept-$(echo \"$2\" | tr -c 'a-z0-9\\n' _)\";;\n\
         get) cat \"$F/kept-$(echo \"$2\" | tr -c 'a-z0-9\\n' _)\" 2>/dev/null || exit 3;;\nesac\n",
        folder.display()
    );
    let program = folder.join("orkee-keyring");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = a.orkee(&["cloud", "key", "init", "--keyring", "--passphrase", "--yes", "--json"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    let made = finish(command, PASSPHRASE.as_bytes()).success().json();
    let started = std::fs::read(folder.join("started")).unwrap();
    assert!(started.starts_with(b"set ") || started.windows(5).any(|line| line == b"\nset "), "never called");
    has_none("how a program was started", &started, &forms(made["phrase"].as_str().unwrap()));
    let kept = sealing::files(&folder).into_iter().find(|(name, _)| name.contains("kept-")).unwrap().1;
    let secret: Value = serde_json::from_slice(&kept)
        .or_else(|_| serde_json::from_slice(&BASE64.decode(String::from_utf8_lossy(&kept).trim()).unwrap()))
        .unwrap();
    let mut secrets = vec![secret["device"].as_str().unwrap().as_bytes().to_vec()];
    secrets.extend(secret["epochs"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().into()));
    has_none("how a program was started", &started, &secrets);
}

#[test]
fn k43_a_teams_space_has_a_key_of_its_own_that_its_members_are_given() {
    let (office, id) = Office::with_a_project();
    let Office { server, ann, ben, eve } = &office;
    let phrase = sealing::seal(&|args| ann.command(args));
    ann.device.edit(&id, "--description", "kanarie7f3 for the team");
    ann.sync(&[]).success();
    holds_nothing_readable(server);
    ben.sync(&[]).fails(4, "E-KEY-020").says("key recover");
    for member in [ben, eve] {
        sealing::join(&|args| member.command(args), &phrase);
        member.sync(&[]).success();
        assert_eq!(member.device.export(), ann.device.export());
    }
    ben.device.edit(&id, "--name", "kanarie7f3 by ben");
    ben.sync(&[]).success();
    ann.sync(&[]).success();
    assert_eq!(ann.device.field(&id, "name"), "kanarie7f3 by ben");
    holds_nothing_readable(server);
    // Each person's own space goes on as it was.
    assert_eq!(ben.json(&["cloud", "key", "show"])["sealed"], true);
    assert_eq!(ben.device.json(&["cloud", "key", "show"])["sealed"], false);
    assert_eq!(
        std::fs::read_dir(ben.device.home().join("keys"))
            .unwrap()
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "toml"))
            .count(),
        1
    );
}

#[test]
fn k44_verify_tells_of_a_phrase_and_of_the_device_for_people_and_for_scripts() {
    let (server, token, a) = account();
    let phrase = sealing::seal(&|args| a.orkee(args));
    let file = key_file(&a).unwrap();
    let before = (std::fs::read(&file).unwrap(), a.json(&["cloud", "key", "show"]));
    let verify = |device: &Device, args: &[&str], text: &str| {
        finish(device.orkee(&[&["cloud", "key", "verify"], args].concat()), text.as_bytes())
    };
    let told = verify(&a, &["--json"], &phrase).success().json();
    assert_eq!([&told["phrase"], &told["device"]], [true, true], "{told}");
    assert_eq!(told["check"], before.1["check"]);
    assert_eq!(told["not_signed_in"], json!([]));
    let words = verify(&a, &[], &phrase).success();
    assert!(words.stdout.contains("The recovery phrase opens this account's key"), "{words}");
    assert!(words.stdout.contains("The key of this device is the account's"), "{words}");
    let other = "abandon ".repeat(23) + "art";
    for args in [&[][..], &["--no-input"], &["--json"]] {
        let ran = verify(&a, args, &other).exits(4);
        assert!(format!("{ran}").contains("E-KEY-042"), "{ran}");
    }
    verify(&a, &[], &phrase.replacen(' ', " x", 1)).fails(2, "E-KEY-013").says("word 2");
    verify(&a, &["--no-input"], &phrase).success();
    let device = verify(&a, &["--device", "--json"], "").success().json();
    assert_eq!([&device["phrase"], &device["device"]], [&Value::Null, &json!(true)], "{device}");
    // On a device without the key, the phrase alone; and it is not kept.
    let b = Device::with_token(&server.url, &token).warmed_by(&a);
    let told = verify(&b, &["--json"], &phrase).success().json();
    assert_eq!([&told["phrase"], &told["device"]], [&json!(true), &Value::Null], "{told}");
    verify(&b, &[], &other).fails(4, "E-KEY-042");
    assert!(key_file(&b).is_none());
    assert_eq!(
        (std::fs::read(&file).unwrap(), a.json(&["cloud", "key", "show"])),
        before,
        "it changed something"
    );
}

#[test]
fn a_key_that_comes_to_a_device_with_a_lock_is_sealed_under_it_and_one_that_is_locked_is_given_none() {
    let (server, token, a) = account();
    let session = tempfile::tempdir_in("/dev/shm").unwrap();
    std::fs::set_permissions(session.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let run = |device: &Device, args: &[&str], input: &str| {
        let mut command = device.orkee(args);
        command.env("XDG_RUNTIME_DIR", session.path());
        finish(command, input.as_bytes())
    };
    let (lock, unlock) = (&["cloud", "key", "lock"][..], &["cloud", "key", "unlock"][..]);
    let init = ["cloud", "key", "init", "--yes", "--json"];
    run(&a, lock, PASSPHRASE).success();
    let refused = run(&a, &init, "").exits(4);
    assert!(refused.stdout.contains("E-LOCK-001"), "{refused}");
    assert!(key_file(&a).is_none(), "a key was made that nobody asked for any more");
    run(&a, unlock, PASSPHRASE).success();
    let phrase = run(&a, &init, "").success().json()["phrase"].as_str().unwrap().to_owned();
    let is_sealed = |device: &Device| {
        let file = key_file(device).unwrap();
        in_file(&file, "secrets").is_none() && in_file(&file, "locked").is_some()
    };
    assert!(is_sealed(&a), "it can be read in the file");
    holds_nothing_readable(&server);
    run(&a, lock, "").success();
    for show in [&["cloud", "key", "show", "--json"][..], &["cloud", "key", "show", "--json", "--offline"]] {
        let shown = run(&a, show, "").success().json();
        assert_eq!(
            (&shown["sealed"], &shown["key_here"], &shown["kept"]),
            (&true.into(), &true.into(), &"locked".into())
        );
        assert_eq!((&shown["epoch"], &shown["check"]), (&1.into(), &serde_json::Value::Null), "{shown}");
    }
    run(&a, &["cloud", "key", "rotate", "--yes"], "").fails(4, "E-LOCK-001").says("key unlock");
    run(&a, &["cloud", "key", "export", "--plain", "--yes"], "").fails(4, "E-LOCK-001");
    // The account's phrase came after the lock, and opens it.
    run(&a, &[unlock, &["--phrase"]].concat(), &phrase).success();
    run(&a, &["cloud", "sync"], "").success();

    let b = Device::with_token(&server.url, &token).warmed_by(&a);
    b.add("shop");
    run(&b, lock, PASSPHRASE).success();
    run(&b, &["cloud", "key", "recover"], &phrase).fails(4, "E-LOCK-001").says("key unlock");
    assert!(key_file(&b).is_none());
    run(&b, unlock, PASSPHRASE).success();
    run(&b, &["cloud", "key", "recover"], &phrase).success();
    assert!(is_sealed(&b), "it can be read in the file");
    run(&b, &["cloud", "sync"], "").success();
}

/// `key init` whose result nobody takes: the account has the key, and its phrase was shown to nobody.
fn is_made_unread(device: &Device) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "{ \"$ORKEE\" cloud key init --yes --json; echo $? >&2; } | true"]);
    shell.env_clear().envs(device.orkee(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("ORKEE", orkee_tests::binaries::orkee()).current_dir(device.path(""));
    let ran = finish(shell, &[]).success();
    assert!(ran.stderr.lines().any(|line| line == "1"), "{ran}");
}

/// As `key init` leaves it that was killed before the account's answer came.
fn was_never_answered(device: &Device) {
    let file = key_file(device).unwrap();
    let text = std::fs::read_to_string(&file).unwrap().replace("confirmed = true", "confirmed = false");
    let before = text.rsplit_once("checksum = ").unwrap().0;
    let sum = ring::digest::digest(&ring::digest::SHA256, before.as_bytes());
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(&file, format!("{before}checksum = \"{sum}\"\n")).unwrap();
}

/// Whether another device is let in by the passphrase.
#[track_caller]
fn is_opened_by_the_passphrase(server: &Server, token: &str, a: &Device) {
    let b = Device::with_token(&server.url, token).warmed_by(a);
    finish(b.orkee(&["cloud", "key", "recover", "--passphrase"]), PASSPHRASE.as_bytes()).success();
    b.sync();
    assert_eq!(b.export(), a.export());
}

#[test]
fn k88_a_key_init_that_goes_on_takes_the_passphrase_of_now() {
    let (server, token, a) = account();
    is_made_unread(&a);
    let again = ["cloud", "key", "init", "--passphrase", "--yes", "--json"];
    let plainly = ["cloud", "key", "init", "--passphrase", "--yes"];
    finish(a.orkee(&plainly), b"short").fails(2, "E-KEY-046");
    let made = finish(a.orkee(&again), PASSPHRASE.as_bytes()).success().json();
    finish(a.orkee(&["cloud", "key", "verify"]), made["phrase"].as_str().unwrap().as_bytes()).success();
    is_opened_by_the_passphrase(&server, &token, &a);
    // One that was made before, and whose answer was lost: the account has it, or has never heard of it.
    for never in [false, true] {
        let (mut server, token, a) = account();
        let before = tempfile::tempdir().unwrap();
        server.stop();
        copy(&server.data(), before.path());
        server.resume();
        is_made_unread(&a);
        was_never_answered(&a);
        if never {
            server.stop();
            std::fs::remove_dir_all(server.data()).unwrap();
            copy(before.path(), &server.data());
            server.resume();
        }
        let made = finish(a.orkee(&again), PASSPHRASE.as_bytes()).success().json();
        finish(a.orkee(&["cloud", "key", "verify"]), made["phrase"].as_str().unwrap().as_bytes()).success();
        is_opened_by_the_passphrase(&server, &token, &a);
        holds_nothing_readable(&server);
        finish(a.orkee(&plainly), PASSPHRASE.as_bytes())
            .fails(5, "E-KEY-040")
            .says("key rotate --passphrase");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn k88_a_key_init_that_goes_on_moves_the_key_to_the_keyring_or_says_that_there_is_none() {
    let Some(keyring) = Keyring::start() else {
        eprintln!("SKIPPED: this machine has no dbus-daemon and gnome-keyring-daemon");
        return;
    };
    let (_server, _, a) = account();
    is_made_unread(&a);
    let file = key_file(&a).unwrap();
    let before = std::fs::read(&file).unwrap();
    let again = ["cloud", "key", "init", "--keyring", "--yes", "--json"];
    finish(at_bus(&a, "unix:path=/nowhere/bus", &again[..5]), &[]).fails(2, "E-KEY-035");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let made = finish(at_bus(&a, &keyring.bus, &again), &[]).success().json();
    assert_eq!(made["phrase"].as_str().unwrap().split(' ').count(), 24);
    assert_eq!(in_file(&file, "secrets"), None, "the key is in the file, too");
    assert!(keyring.entry(&in_file(&file, "keyring").unwrap()).is_some());
    finish(at_bus(&a, &keyring.bus, &["cloud", "sync"]), &[]).success();
}

#[test]
fn a_phrase_that_nobody_could_read_is_kept_until_somebody_does() {
    let (_server, _, a) = account();
    is_made_unread(&a);
    let phrase = sealing::seal(&|args| a.orkee(args));
    finish(a.orkee(&["cloud", "key", "verify"]), phrase.as_bytes()).success();
    a.run(&["cloud", "key", "init", "--yes"]).fails(5, "E-KEY-040");
}

#[test]
fn the_key_is_made_for_nobody_who_did_not_say_yes() {
    let (server, token, a) = account();
    a.run(&["cloud", "key", "init"]).fails(2, "E-CLI-003").says("add --yes");
    assert!(key_file(&a).is_none());
    assert_eq!(a.json(&["cloud", "key", "show"])["sealed"], false);
    // A passphrase that comes with the sealing again opens the key like one that came with the first.
    sealing::seal(&|args| a.orkee(args));
    a.run(&["cloud", "key", "unseal", "--yes"]).success();
    let again = ["cloud", "key", "init", "--passphrase", "--yes"];
    finish(a.orkee(&again), PASSPHRASE.as_bytes()).success();
    let b = Device::with_token(&server.url, &token).warmed_by(&a);
    finish(b.orkee(&["cloud", "key", "recover", "--passphrase"]), PASSPHRASE.as_bytes()).success();
    b.sync();
    assert_eq!(b.export(), a.export());
}
