//! `enable` and `disable`: the user's service, with a stand-in for the program that systemd is spoken to by.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use serde_json::Value;

/// A device whose `systemctl` writes down what it was asked, and refuses all where there is no session.
struct Desk {
    device: Device,
}

impl Desk {
    fn new(has_session: bool) -> Self {
        let desk = Self { device: Device::with_token("http://127.0.0.1:9", "orkee_pat_canary_5a5a") };
        let programs = desk.device.path("bin");
        fs::create_dir_all(&programs).unwrap();
        let asked = desk.device.path("asked");
        let ends = if has_session { "exit 0" } else { "echo 'Failed to connect to bus' >&2; exit 1" };
        let script = format!("#!/bin/sh\necho \"$*\" >> {asked:?}\n{ends}\n");
        fs::write(programs.join("systemctl"), script).unwrap();
        fs::set_permissions(programs.join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
        desk
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.device.orkee(args);
        let path = std::env::join_paths([self.device.path("bin"), "/usr/bin".into(), "/bin".into()]).unwrap();
        command.env("PATH", path).env("XDG_CONFIG_HOME", self.device.path("config"));
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args), &[])
    }

    fn unit(&self) -> PathBuf {
        self.device.path("config/systemd/user/orkee-sync.service")
    }

    fn config(&self) -> String {
        fs::read_to_string(self.device.home().join("config.toml")).unwrap_or_default()
    }

    /// What systemctl was asked since the last look.
    fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(self.device.path("asked")).unwrap_or_default();
        let _ = fs::remove_file(self.device.path("asked"));
        text.lines().filter(|line| !line.contains("show-environment")).map(str::to_owned).collect()
    }
}

const MINE: &str = "# mine\n[cloud] # the cloud\ntenant = \"acme\" # where I work\n";

#[test]
fn d16_enable_sets_installs_and_starts_and_disable_takes_it_back() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let desk = Desk::new(true);
    fs::create_dir_all(desk.device.home()).unwrap();
    fs::write(desk.device.home().join("config.toml"), MINE).unwrap();
    let plan = desk.run(&["cloud", "enable", "--dry-run", "--interval", "60"]).success();
    for text in [
        "cloud.auto_sync",
        "cloud.sync_interval to 60",
        "ExecStart=",
        "systemctl --user restart orkee-sync.service",
    ] {
        assert!(plan.stdout.contains(text), "no {text}: {plan}");
    }
    assert_eq!((desk.config(), desk.unit().exists(), desk.asked()), (MINE.to_owned(), false, Vec::new()));

    desk.run(&["cloud", "enable", "--interval", "60"]).success();
    let config = desk.config();
    assert!(config.starts_with(MINE), "{config}");
    assert!(config.contains("auto_sync = true\n") && config.contains("sync_interval = 60\n"), "{config}");
    let unit = fs::read_to_string(desk.unit()).unwrap();
    assert!(unit.contains(&format!("Environment=\"ORKEE_HOME={}\"", desk.device.home().display())), "{unit}");
    assert_eq!(
        desk.asked(),
        ["--user daemon-reload", "--user enable orkee-sync.service", "--user restart orkee-sync.service"]
    );
    let audit = desk.run(&["audit", "--json"]).success().json();
    assert_eq!(audit["entries"][0]["action"], "auto-sync-enable", "{audit}");

    let plan = desk.run(&["cloud", "disable", "--dry-run"]).success();
    assert!(plan.stdout.contains("Would remove"), "{plan}");
    assert!(desk.unit().exists() && desk.asked().is_empty());
    desk.run(&["cloud", "disable"]).success();
    assert!(!desk.unit().exists());
    assert_eq!(desk.asked(), ["--user disable --now orkee-sync.service", "--user daemon-reload"]);
    assert!(
        desk.config().starts_with(MINE) && desk.config().contains("auto_sync = false\n"),
        "{}",
        desk.config()
    );
    desk.run(&["cloud", "disable"]).success().says("There was no service");
}

#[test]
fn d16_where_no_session_answers_the_setting_is_set_and_what_to_run_is_said() {
    let desk = Desk::new(false);
    let ran = desk.run(&["cloud", "enable"]).success();
    let ran = ran.says("No service was installed").says("orkee cloud watch");
    assert!(desk.config().contains("auto_sync = true"), "{ran}");
    assert!(!desk.unit().exists() && desk.asked().is_empty());
    let json = desk.run(&["cloud", "enable", "--json"]).success().json();
    assert!(json["service"].is_null(), "{json}");
}

#[test]
fn d17_a_service_that_is_there_and_the_same_is_left_and_one_that_was_edited_is_shown_and_refused() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let desk = Desk::new(true);
    desk.run(&["cloud", "enable"]).success();
    let again = desk.run(&["cloud", "enable"]).success();
    assert!(again.stdout.contains("was there already"), "{again}");
    let ours = fs::read_to_string(desk.unit()).unwrap();
    let edited = ours.replace("RestartSec=30", "RestartSec=5");
    fs::write(desk.unit(), &edited).unwrap();
    fs::remove_file(desk.device.home().join("config.toml")).unwrap();
    desk.asked();
    for command in ["enable", "disable"] {
        let refused = desk.run(&["cloud", command]).fails(2, "E-AUTO-006");
        let refused = refused.says("- RestartSec=5").says("+ RestartSec=30").says("--force");
        assert_eq!(fs::read_to_string(desk.unit()).unwrap(), edited, "{refused}");
    }
    // What is asked of the settings is done; only the service stays.
    assert_eq!((desk.asked(), desk.config().contains("auto_sync = false")), (Vec::new(), true));
    desk.run(&["cloud", "enable", "--force"]).success();
    assert_eq!(fs::read_to_string(desk.unit()).unwrap(), ours);
    // Another home folder's is not ours either.
    let mut other = desk.command(&["cloud", "disable"]);
    other.env("ORKEE_HOME", desk.device.path("another"));
    finish(other, &[]).fails(2, "E-AUTO-006");
    assert!(desk.unit().exists());
    fs::write(desk.unit(), &edited).unwrap();
    desk.run(&["cloud", "disable", "--force"]).success();
    assert!(!desk.unit().exists());
}

#[test]
fn d18_the_unit_holds_no_secret_and_what_the_service_would_not_see_is_named() {
    let desk = Desk::new(true);
    let mut enable = desk.command(&["cloud", "enable", "--json"]);
    enable.env("HTTPS_PROXY", "http://user:canary_proxy@127.0.0.1:9").env("ORKEE_CLOUD_AUTO_SYNC", "false");
    let ran = finish(enable, &[]).success();
    let unseen: Vec<Value> = ran.json()["unseen"].as_array().unwrap().clone();
    assert_eq!(unseen, ["ORKEE_CLOUD_API_URL", "ORKEE_CLOUD_TOKEN", "HTTPS_PROXY"], "{ran}");
    let ran = ran
        .says("ORKEE_CLOUD_TOKEN")
        .says(".env")
        .says("ORKEE_CLOUD_AUTO_SYNC in the environment goes before");
    let unit = fs::read_to_string(desk.unit()).unwrap_or_default();
    for canary in ["canary_5a5a", "canary_proxy"] {
        assert!(
            !unit.contains(canary) && !ran.stdout.contains(canary) && !ran.stderr.contains(canary),
            "{ran}"
        );
    }
}

#[test]
fn d18_systemd_takes_the_unit_as_it_is() {
    let verifier = "/usr/bin/systemd-analyze";
    if !fs::exists(verifier).unwrap() {
        return eprintln!("no systemd-analyze here: not checked");
    }
    let desk = Desk::new(true);
    desk.run(&["cloud", "enable"]).success();
    let mut verify = Command::new(verifier);
    verify
        .args(["verify", "--user", "--man=no"])
        .arg(desk.unit())
        .env("XDG_RUNTIME_DIR", desk.device.path(""));
    let verified = finish(verify, &[]).success();
    assert!(!verified.stderr.contains("orkee-sync.service:"), "{verified}");
}
