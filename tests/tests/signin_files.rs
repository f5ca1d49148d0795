//! The token file: who may have had a hand in it, how it is made, and what stays as it stands.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use orkee_tests::binaries;
use orkee_tests::device::Device;
use orkee_tests::home::finish;
use orkee_tests::mock::Mock;
use orkee_tests::terminal::Terminal;
use orkee_tests::trace;

fn server() -> Mock {
    Mock::authorization_server(|_| None)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a50_folder_and_file_are_private_from_the_first_moment_whatever_the_umask() {
    let server = server();
    let device = Device::new(&server.url);
    let trace = device.path("trace");
    let command = device.orkee(&["cloud", "login", "--with-token"]);
    let has_strace = trace::is_there();
    let runner = if has_strace {
        "exec strace -f -o \"$TRACE\" -e trace=/open,/chmod,mkdir,mkdirat,umask \"$0\" \"$@\""
    } else {
        "exec \"$0\" \"$@\""
    };
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("umask 000; {runner}")).arg(binaries::orkee()).args(command.get_args());
    shell.env_clear().env("TRACE", &trace);
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    finish(shell, b"orkee_given\n").success();
    assert_eq!(mode(&device.home()), 0o700);
    assert_eq!(device.auth_mode(), 0o600);
    assert_eq!(mode(&device.home().join("auth.lock")), 0o600);
    if has_strace {
        let calls = std::fs::read_to_string(&trace).unwrap();
        let about: Vec<_> =
            calls.lines().filter(|l| l.contains("auth.toml") || l.contains("auth.lock")).collect();
        let made: Vec<_> = about.iter().filter(|l| l.contains("O_CREAT")).collect();
        assert!(made.len() >= 2, "{calls}");
        assert!(made.iter().all(|line| line.contains("0600")), "{made:?}");
        assert!(!about.iter().any(|line| line.contains("chmod")), "{about:?}");
        let home = format!("{}\"", device.home().display());
        let folder: Vec<_> = calls.lines().filter(|l| l.contains("mkdir") && l.contains(&home)).collect();
        assert!(!folder.is_empty() && folder.iter().all(|line| line.contains("0700")), "{calls}");
    }
}

#[test]
fn a51_a_file_that_others_can_read_is_told_and_made_private_by_the_next_write() {
    let server = server();
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_access_0", 3600, Some("orkee_refresh_0")));
    set_mode(&device.home().join("auth.toml"), 0o644);
    let ran = device.run(&["cloud", "token"]).success().says("other users can read");
    assert_eq!(ran.stderr.matches("other users can read").count(), 1, "{ran}");
    assert_eq!(device.auth_mode(), 0o644);
    device.run(&["cloud", "login", "--refresh-token"]).success();
    assert_eq!(device.auth_mode(), 0o600);
    let ran = device.run(&["cloud", "token"]).success();
    assert!(!ran.stderr.contains("other users"), "{ran}");
}

#[test]
fn a51_doctor_reports_a_token_file_that_others_can_read_and_mends_it_when_told_to() {
    let server = server();
    let device = Device::new(&server.url);
    let text = device.section("orkee_access_canary", 3600, Some("orkee_refresh_canary"));
    device.write_auth(&text);
    device.run(&["doctor"]).success();
    set_mode(&device.home().join("auth.toml"), 0o644);
    let ran = device.run(&["doctor"]).exits(1).shows("orkee doctor --fix");
    assert!(ran.stdout.contains("other users can read") && ran.stdout.contains("(mode 644)"), "{ran}");
    assert_eq!(device.auth_mode(), 0o644, "it changes nothing unasked");
    let found = device.run(&["doctor", "--json"]).exits(1).json();
    assert_eq!(
        (&found["sound"], &found["findings"][0]["mended_by"]),
        (&false.into(), &"orkee doctor --fix".into())
    );
    let ran = device.run(&["doctor", "--fix"]).success();
    assert!(ran.stdout.contains("Mended: ") && !format!("{ran}").contains("canary"), "{ran}");
    assert_eq!((device.auth_mode(), device.auth_toml()), (0o600, Some(text.clone())));
    device.run(&["doctor"]).success();

    // What may not be used at all is not for a command to mend.
    set_mode(&device.home().join("auth.toml"), 0o666);
    let ran = device.run(&["doctor", "--fix"]).exits(1).shows("chmod 600");
    assert!(ran.stdout.contains("other users can write it"), "{ran}");
    assert_eq!(device.auth_mode(), 0o666);
    device.write_auth("[orkee_cloud]\ntoken = \"orkee_canary\n");
    let ran = device.run(&["doctor", "--fix"]).exits(1);
    assert!(ran.stdout.contains("at line 2") && !format!("{ran}").contains("canary"), "{ran}");
}

/// Every command that would read or write the token file refuses.
#[track_caller]
fn is_refused(device: &Device, reason: &str) {
    device.run(&["cloud", "token"]).exits(4).says(reason);
    finish(device.orkee(&["cloud", "login", "--with-token"]), b"orkee_given\n").exits(4).says(reason);
    device.run(&["cloud", "logout"]).exits(4).says(reason);
    device.run(&["cloud", "login", "--browser"]).exits(4).says(reason);
}

#[test]
fn a52_a_token_file_that_leads_elsewhere_is_refused_and_its_target_left_alone() {
    let server = server();
    let device = Device::new(&server.url);
    let text = device.section("orkee_access_0", 3600, None);
    device.write_auth("");
    let (file, target) = (device.home().join("auth.toml"), device.path("target"));
    std::fs::write(&target, &text).unwrap();
    set_mode(&target, 0o600);

    std::fs::remove_file(&file).unwrap();
    symlink(&target, &file).unwrap();
    is_refused(&device, "symbolic link");

    std::fs::remove_file(&file).unwrap();
    std::fs::hard_link(&target, &file).unwrap();
    is_refused(&device, "hard link");

    std::fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    is_refused(&device, "not a regular file");

    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    is_refused(&device, "not a regular file");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), text);
}

#[test]
fn a52_a_token_file_or_folder_that_others_own_or_write_is_refused() {
    let server = server();
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_access_0", 3600, None));
    let file = device.home().join("auth.toml");
    set_mode(&file, 0o660);
    is_refused(&device, "other users can write it");
    set_mode(&file, 0o600);
    set_mode(&device.home(), 0o770);
    is_refused(&device, "other users can write the folder");
    set_mode(&device.home(), 0o700);
    device.run(&["cloud", "token"]).success();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(12345), None).unwrap();
        is_refused(&device, "belongs to another user");
    }
}

#[test]
fn a53_a_refresh_keeps_comments_unknown_keys_and_other_sections() {
    let server = server();
    let device = Device::new(&server.url);
    let section = device
        .section("orkee_old", -10, Some("orkee_refresh_0"))
        .replace("token = \"orkee_old\"", "token = \"orkee_old\" # mine");
    let around = (
        "# This is mine.\nunknown = [1, 2] # here\n\n",
        "note = \"stay\"\n\n# below\n[other.table]\nx = 1\n# the end\n",
    );
    device.write_auth(&format!("{}{section}{}", around.0, around.1));
    device.run(&["cloud", "token"]).success();
    let text = device.auth_toml().unwrap();
    // What the refresh adds to its own section stands at that section's end.
    let kept: String = text.split_inclusive('\n').filter(|line| !line.starts_with("issued_at = ")).collect();
    assert!(kept.starts_with(around.0) && kept.ends_with(around.1), "{text}");
    assert!(text.contains("token = \"orkee_access_1\" # mine"), "{text}");
    assert!(text.contains("refresh_token = \"orkee_refresh_1\""), "{text}");
}

#[test]
fn a54_a_broken_token_file_is_told_by_line_and_column_without_its_content() {
    let server = server();
    let device = Device::new(&server.url);
    for broken in [
        "[orkee_cloud]\ntoken = \"orkee_canary\nexpires_at = 1\n",
        "[orkee_cloud]\ntoken = \"orkee_canary\"\ntoken = \"orkee_canary\"\n",
    ] {
        device.write_auth(broken);
        for command in [
            &["cloud", "token"][..],
            &["cloud", "status"],
            &["cloud", "login", "--browser"],
            &["cloud", "logout"],
        ] {
            let ran = device.run(command).fails(4, "E-AUTH-021").says("at line ");
            assert!(!ran.stderr.contains("canary"), "{ran}");
        }
        assert_eq!(device.auth_toml().unwrap(), broken);
    }
}

#[test]
fn a54_a_broken_token_file_is_set_aside_if_the_person_agrees() {
    let server = server();
    let device = Device::new(&server.url);
    let broken = "[orkee_cloud\n";
    device.write_auth(broken);
    let mut terminal = Terminal::open(device.orkee(&["cloud", "login", "--no-browser"]), 200);
    terminal.answer("[y/N]", "n\n");
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(4), "{screen}");
    assert_eq!(device.auth_toml().unwrap(), broken);

    let mut terminal =
        Terminal::open(device.orkee(&["cloud", "login", "--no-browser", "--timeout", "1"]), 200);
    terminal.answer("[y/N]", "y\n");
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(7), "{screen}");
    assert_eq!(device.auth_toml(), None);
    assert_eq!(std::fs::read_to_string(device.home().join("auth.toml.bad")).unwrap(), broken);
}
