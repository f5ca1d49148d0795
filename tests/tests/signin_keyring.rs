//! Sign-ins in the keyring of the operating system: a real one, and the ways in which one is missing.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use orkee_tests::canary::Canaries;
use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::keyring::{self, Keyring};
use orkee_tests::mock::Mock;
use orkee_tests::wait;
use rustix::process::{Pid, Signal, kill_process_group};

const FIRST: [&str; 2] = ["orkee_access_canary_41", "orkee_refresh_canary_41"];

fn server() -> Mock {
    Mock::authorization_server(|_| None)
}

/// `orkee ARGS` with the helper in its path, this message bus, and sign-ins kept there.
fn with(device: &Device, bus: &str, store: &str, args: &[&str]) -> Command {
    let mut command = device.orkee(args);
    let path = format!("{}:/usr/bin:/bin", keyring::helper().display());
    command.env("PATH", path).env("DBUS_SESSION_BUS_ADDRESS", bus).env("ORKEE_AUTH_STORE", store);
    command
}

fn run(device: &Device, keyring: &Keyring, store: &str, args: &[&str]) -> Ran {
    finish(with(device, &keyring.bus, store, args), &[])
}

/// The entry that the token file names.
fn entry(device: &Device) -> Option<String> {
    let file = device.auth_toml()?;
    let line = file.lines().find_map(|line| line.strip_prefix("keyring = \""))?;
    Some(line.trim_end_matches('"').to_owned())
}

/// A program in the place of the helper, in a folder of its own. `$HELPER` is the real one.
fn in_its_place(device: &Device, script: &str) -> PathBuf {
    let folder = device.path("instead");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("orkee-keyring");
    let helper = keyring::helper().join("orkee-keyring");
    std::fs::write(&program, format!("#!/bin/sh\nHELPER={}\n{script}", helper.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The same command, with what is in this folder instead of the helper.
fn instead(mut command: Command, folder: &std::path::Path) -> Command {
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    command
}

/// A keyring, or the word that nothing was checked.
fn real() -> Option<Keyring> {
    let keyring = Keyring::start();
    if keyring.is_none() {
        eprintln!("not checked: this machine has no dbus-daemon and gnome-keyring-daemon");
    }
    keyring
}

#[test]
fn a_sign_in_moves_into_the_keyring_with_its_next_change_and_back() {
    let Some(keyring) = real() else { return };
    let server = server();
    let device = Device::new(&server.url);
    device.write_auth(&format!("# mine\n{}", device.section(FIRST[0], 3600, Some(FIRST[1]))));
    let told = run(&device, &keyring, "keyring", &["cloud", "token"]).success();
    assert_eq!(told.stdout.trim(), FIRST[0], "what is in the file is used until it changes");

    run(&device, &keyring, "keyring", &["cloud", "login", "--refresh-token"]).success();
    let name = entry(&device).unwrap();
    let file = device.auth_toml().unwrap();
    assert!(
        file.starts_with("# mine\n") && file.contains("issuer = ") && file.contains("expires_at"),
        "{file}"
    );
    let second = ["orkee_access_1", "orkee_refresh_1"];
    let held = keyring.entry(&name).unwrap();
    assert!(second.iter().all(|secret| held.contains(secret)), "{held}");
    let secrets = Canaries([FIRST, second].concat());
    secrets.are_not_in("auth.toml", file.as_bytes());
    secrets.are_not_in_files(&device.home());
    assert_eq!(device.auth_mode(), 0o600);

    let told = run(&device, &keyring, "keyring", &["cloud", "token"]).success();
    assert_eq!(told.stdout.trim(), second[0]);
    let status = run(&device, &keyring, "keyring", &["cloud", "status", "--offline"]).success();
    assert!(status.stdout.contains("Token from: the keyring"), "{status}");

    // Each refresh has an entry of its own, and leaves none behind.
    run(&device, &keyring, "keyring", &["cloud", "login", "--refresh-token"]).success();
    let next = entry(&device).unwrap();
    assert_ne!(next, name);
    assert_eq!(keyring.entry(&name), None);
    assert!(keyring.entry(&next).unwrap().contains("orkee_refresh_2"));

    run(&device, &keyring, "file", &["cloud", "login", "--refresh-token"]).success();
    let file = device.auth_toml().unwrap();
    assert!(file.contains("token = \"orkee_access_3\"") && !file.contains("keyring"), "{file}");
    assert_eq!(keyring.entry(&next), None);
    assert_eq!(device.run(&["cloud", "token"]).success().stdout.trim(), "orkee_access_3");
}

#[test]
fn signing_in_and_out_uses_the_keyring_alone() {
    let Some(keyring) = real() else { return };
    let server = server();
    let device = Device::new(&server.url);
    let login = with(&device, &keyring.bus, "keyring", &["cloud", "login", "--with-token"]);
    finish(login, b"orkee_given_canary_77").success();
    let name = entry(&device).unwrap();
    assert!(keyring.entry(&name).unwrap().contains("orkee_given_canary_77"));
    Canaries(vec!["orkee_given_canary_77"]).are_not_in("auth.toml", device.auth_toml().unwrap().as_bytes());
    run(&device, &keyring, "keyring", &["cloud", "logout"]).success();
    assert_eq!((keyring.entry(&name), device.auth_toml()), (None, None));
    assert_eq!(server.requests_for("/oauth/revoke").len(), 1);
}

#[test]
fn processes_at_once_refresh_a_sign_in_of_the_keyring_once() {
    let Some(keyring) = real() else { return };
    let server = server();
    let device = Device::new(&server.url);
    device.write_auth(&device.section(FIRST[0], 3600, Some(FIRST[1])));
    run(&device, &keyring, "keyring", &["cloud", "login", "--refresh-token"]).success();
    let file = device.auth_toml().unwrap();
    let expired = file.lines().map(|line| match line.starts_with("expires_at") {
        true => "expires_at = \"2020-01-01T00:00:00Z\"\n".to_owned(),
        false => format!("{line}\n"),
    });
    device.write_auth(&expired.collect::<String>());
    let start = || {
        let mut command = with(&device, &keyring.bus, "keyring", &["cloud", "token"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let all: Vec<_> = (0..8).map(|_| start()).collect();
    for child in all {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "orkee_access_2");
    }
    assert_eq!(server.requests_for("/oauth/token").len(), 2);
}

#[test]
fn without_a_keyring_nothing_is_sent_or_written_and_nothing_falls_back() {
    let server = server();
    let device = Device::new(&server.url);
    let before = device.section(FIRST[0], 3600, Some(FIRST[1]));
    device.write_auth(&before);
    let nowhere = "unix:path=/nowhere/bus";
    let refresh = ["cloud", "login", "--refresh-token"];
    let ran = finish(with(&device, nowhere, "keyring", &refresh), &[]).fails(4, "E-AUTH-061");
    drop(ran.says("cannot use the keyring").says("ORKEE_AUTH_STORE"));
    let mut command = with(&device, nowhere, "keyring", &refresh);
    command.env("PATH", "/usr/bin:/bin");
    finish(command, &[]).fails(4, "E-AUTH-061").says("`orkee-keyring` is not installed");
    assert_eq!(server.requests_for("/oauth/token").len(), 0);
    assert_eq!(device.auth_toml().unwrap(), before);

    // One that is named by the file, and is out of reach.
    device.write_auth(&before.replace(&format!("token = \"{}\"\n", FIRST[0]), "keyring = \"orkee x\"\n"));
    finish(with(&device, nowhere, "file", &["cloud", "token"]), &[]).fails(4, "E-AUTH-061");
    finish(with(&device, nowhere, "everywhere", &["cloud", "token"]), &[])
        .fails(2, "E-CONFIG-004")
        .says("file or keyring");
}

#[test]
fn a_keyring_that_does_not_answer_is_given_up() {
    let server = server();
    let device = Device::new(&server.url);
    device.write_auth(&device.section(FIRST[0], 3600, Some(FIRST[1])));
    let socket = device.path("bus");
    let _silent = UnixListener::bind(&socket).unwrap();
    let bus = format!("unix:path={}", socket.display());
    let command = with(&device, &bus, "keyring", &["cloud", "login", "--refresh-token"]);
    let began = Instant::now();
    let ran = finish(command, &[]);
    ran.fails(7, "E-AUTH-061").says("did not answer within 20 s");
    assert!(began.elapsed().as_secs() < 60);
    assert_eq!(server.requests_for("/oauth/token").len(), 0);
}

#[test]
fn ctrl_c_while_the_keyring_takes_a_renewed_token_does_not_lose_it() {
    let Some(keyring) = real() else { return };
    let server = server();
    let device = Device::new(&server.url);
    device.write_auth(&device.section(FIRST[0], 3600, Some(FIRST[1])));
    let told = device.path("told");
    let slow = in_its_place(
        &device,
        &format!(
            "input=$(cat)\ncase \"$1 $input\" in set*orkee_refresh_1*) : > {}; sleep 1;; esac\nprintf %s \"$input\" | \"$HELPER\" \"$@\"\n",
            told.display()
        ),
    );
    let mut command =
        instead(with(&device, &keyring.bus, "keyring", &["cloud", "login", "--refresh-token"]), &slow);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn().unwrap();
    wait::until("the token on its way into the keyring", || told.exists().then_some(()));
    // As a terminal does it: to everybody in the group.
    kill_process_group(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // With the token in the keyring the command may be done, too.
    assert!(matches!(output.status.code(), Some(0 | 130)), "{}: {said}", output.status);
    let kept = run(&device, &keyring, "keyring", &["cloud", "token"]).success();
    assert_eq!(kept.stdout.trim(), "orkee_access_1");
    assert!(keyring.entry(&entry(&device).unwrap()).unwrap().contains("orkee_refresh_1"));
}

#[test]
fn an_entry_that_another_process_replaces_meanwhile_is_no_end_of_the_sign_in() {
    let server = server();
    let device = Device::new(&server.url);
    let section = device.section(FIRST[0], 3600, None);
    let naming = |entry: &str| {
        section.replace(&format!("token = \"{}\"\n", FIRST[0]), &format!("keyring = \"{entry}\"\n"))
    };
    device.write_auth(&naming("orkee x"));
    let next = device.home().join("next");
    std::fs::write(&next, naming("orkee y")).unwrap();
    std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).unwrap();
    // What a refresh does between the moment in which the file is read and the one in which the keyring is asked.
    let script = format!(
        "case \"$1 $2\" in\n'get orkee x') mv {} {} 2>/dev/null; exit 3;;\n'get orkee y') echo '{}';;\n*) exit 3;;\nesac\n",
        next.display(),
        device.home().join("auth.toml").display(),
        r#"{"token":"orkee_next_canary","refresh_token":null}"#
    );
    let replaced = in_its_place(&device, &script);
    let token = || instead(with(&device, "", "file", &["cloud", "token"]), &replaced);
    assert_eq!(finish(token(), &[]).success().stdout.trim(), "orkee_next_canary");
    // One that is gone, and is still what the file names, is a sign-in that ended.
    device.write_auth(&naming("orkee x"));
    finish(token(), &[]).fails(4, "E-AUTH-001");
}

#[test]
fn an_entry_that_cannot_be_read_is_in_nobodys_way_and_can_be_replaced_and_removed() {
    let (server, other) = (server(), server());
    let device = Device::new(&server.url);
    let plain = device.section(FIRST[0], 3600, Some(FIRST[1]));
    let lost = plain.replace(&format!("token = \"{}\"\n", FIRST[0]), "keyring = \"orkee x\"\n");
    let lost = lost.replace(&format!("refresh_token = \"{}\"\n", FIRST[1]), "");
    let beside = plain.replace("[orkee_cloud]", "[tenants.other]");
    let without = |device: &Device, args: &[&str]| {
        let mut command = with(device, "unix:path=/nowhere/bus", "file", args);
        command.env("PATH", "/usr/bin:/bin");
        command
    };

    device.write_auth(&format!("{lost}\n{beside}"));
    finish(without(&device, &["cloud", "token"]), &[])
        .fails(4, "E-AUTH-061")
        .says("put `orkee-keyring` beside `orkee`, or sign in anew: run `orkee cloud login`");
    finish(without(&device, &["cloud", "logout", "--tenant", "other"]), &[]).success();
    let file = device.auth_toml().unwrap();
    assert!(file.contains("orkee x") && !file.contains("tenants"), "{file}");

    // Another server's sign-in takes its place, and so does one for the same server.
    for url in [&other.url, &server.url] {
        device.write_auth(&lost);
        let mut login = without(&device, &["cloud", "login", "--with-token"]);
        login.env("ORKEE_CLOUD_API_URL", url);
        finish(login, b"orkee_given_canary_78").success();
        let file = device.auth_toml().unwrap();
        assert!(file.contains("orkee_given_canary_78") && !file.contains("orkee x"), "{file}");
    }

    device.write_auth(&lost);
    finish(without(&device, &["cloud", "logout"]), &[]).success().says("keyring");
    assert_eq!(device.auth_toml(), None);
}
