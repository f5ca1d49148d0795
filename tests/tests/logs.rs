//! The log: the published lines, the published targets, no secret at any level, and a log that cannot be written.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use orkee_tests::canary::Canaries;
use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::relay::{Relay, Way};
use orkee_tests::server::Server;
use serde_json::Value;

/// The lines of the log.
fn lines(device: &Device) -> Vec<Value> {
    let text = fs::read_to_string(device.home().join("logs/orkee.log")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn with_level(device: &Device, level: &str, args: &[&str]) -> Ran {
    let mut command = device.orkee(args);
    command.env("RUST_LOG", level);
    finish(command, &[])
}

#[test]
fn d40_each_sync_and_restore_leaves_the_published_line_and_a_failed_one_its_code() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    device.add("shop");
    device.sync();
    device.run(&["cloud", "restore"]).success();
    device.run(&["cloud", "sync", "--dry-run"]).success();
    relay.decide(|_| {
        Way::Answered(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec())
    });
    assert_ne!(device.run(&["cloud", "sync"]).code, Some(0));
    let lines = lines(&device);
    let told: Vec<_> = lines
        .iter()
        .map(|line| [&line["level"], &line["message"], &line["operation"], &line["projects_synced"]])
        .map(|told| told.map(ToString::to_string).join(" "))
        .collect();
    let expected = [
        r#""info" "Cloud sync completed" "sync" 1"#,
        r#""info" "Cloud sync completed" "restore" 0"#,
        r#""error" "Cloud sync failed" "sync" 0"#,
    ];
    assert_eq!(told, expected);
    for line in &lines {
        let at: jiff::Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(at.duration_since(jiff::Timestamp::now()).as_secs().abs() < 600, "{line}");
        assert!(line["request_id"].as_str().unwrap().starts_with("sync_"), "{line}");
        assert!(line["duration_ms"].is_u64() && line["conflicts_resolved"].is_u64(), "{line}");
    }
    assert!(lines[2]["code"].as_str().unwrap().starts_with("E-"), "{}", lines[2]);
    let known = fs::read_to_string(server.data().join("log")).unwrap();
    assert!(known.contains(lines[0]["request_id"].as_str().unwrap()), "the server's log has the same name");
}

#[test]
fn c53_d41_the_published_targets_show_each_request_and_each_step_of_a_sign_in() {
    let server = Server::start();
    let device = Device::new(&server.url);
    let mut login = device.login_command(&server.person(), &[]);
    login.env("RUST_LOG", "orkee::cloud::auth=debug");
    let ran = finish(login, &[]).success();
    for step in ["endpoint=\"metadata\"", "endpoint=\"token\"", "status=200", "signed in"] {
        assert!(ran.stderr.contains(step), "{step}: {ran}");
    }
    assert!(
        ran.stderr.lines().filter(|l| l.contains("orkee::")).all(|l| l.contains("orkee::cloud::auth")),
        "{ran}"
    );

    device.add("shop");
    let ran = with_level(&device, "orkee::cloud::api=trace", &["cloud", "sync"]).success();
    let requests: Vec<_> =
        ran.stderr.lines().filter(|line| line.contains("TRACE orkee::cloud::api: ")).collect();
    assert!(!requests.is_empty(), "{ran}");
    for part in [
        "method=\"POST\"",
        "/v1/sync\"",
        "status=200",
        " ms=",
        "bytes_up=",
        "bytes_down=",
        "request_id=\"sync_",
    ] {
        assert!(requests.iter().any(|line| line.contains(part)), "{part}: {ran}");
    }
    assert_eq!(requests.len(), ran.stderr.lines().filter(|line| line.contains("orkee::")).count(), "{ran}");
    let ran = with_level(&device, "orkee::cloud=debug", &["cloud", "sync"]).success();
    assert!(
        ran.stderr.contains("loaded the provider") && ran.stderr.contains("Cloud sync completed"),
        "{ran}"
    );
    let verbose = device.run(&["cloud", "sync", "-vv"]).success();
    assert!(verbose.stderr.contains("loaded the provider"), "{verbose}");
    let wrong = with_level(&device, "orkee=loud,=", &["projects", "list"]).success();
    wrong.says("RUST_LOG is not understood and left aside");
}

#[test]
fn c54_d41_a_request_that_fails_is_shown_and_no_query_is() {
    let device = Device::new("http://127.0.0.1:9/base?secret=orkee_canary");
    device.run(&["cloud", "status"]).exits(2);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let device = Device::with_token(&format!("http://127.0.0.1:{port}"), "orkee_canary_token");
    let ran = with_level(&device, "orkee::cloud::api=trace", &["cloud", "sync"]);
    assert!(ran.stderr.contains("not answered") && ran.stderr.contains("cannot reach"), "{ran}");
    assert!(!ran.stderr.contains("canary"), "{ran}");
}

#[test]
fn c55_no_secret_is_logged_at_any_level_nor_on_any_way_to_a_sign_in() {
    let server = Server::start();
    let device = Device::new(&server.url);
    device.add("shop");
    let mut login = device.login_command(&server.person(), &[]);
    login.env("RUST_LOG", "trace");
    let mut said = vec![finish(login, &[]).success()];
    let secrets = |device: &Device| -> Vec<&'static str> {
        let file = device.auth_toml().unwrap();
        let lines =
            file.lines().filter(|line| line.starts_with("token") || line.starts_with("refresh_token"));
        lines.map(|line| &*line.split('"').nth(1).unwrap().to_owned().leak()).collect()
    };
    let mut canaries = secrets(&device);
    for args in [
        &["cloud", "sync"][..],
        &["cloud", "status"],
        &["cloud", "login", "--refresh-token"],
        &["cloud", "devices"],
        &["doctor"],
        &["cloud", "sync", "-vvv"],
        &["cloud", "logout"],
    ] {
        said.push(with_level(&device, "trace", args).success());
        if device.auth_toml().is_some_and(|file| file.contains("token = ")) {
            canaries.extend(secrets(&device));
        }
    }
    assert!(canaries.len() >= 4, "{canaries:?}");
    canaries.push("correct horse battery staple");
    let canaries = Canaries(canaries);
    for ran in said {
        canaries.are_not_printed(ran);
    }
    canaries.are_not_in_files(&device.home());
}

#[test]
fn d44_a_log_that_cannot_be_written_is_said_once_and_the_command_does_its_work() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    device.add("shop");
    let logs = device.home().join("logs");
    fs::write(&logs, "in its place").unwrap();
    let ran = device.run(&["cloud", "sync"]).success();
    assert_eq!(ran.stderr.matches("warning: nothing is written into the log: ").count(), 1, "{ran}");
    assert!(ran.stdout.contains("1 sent"), "{ran}");
    let ran = device.run(&["cloud", "sync", "--json"]).success();
    assert_eq!(ran.json()["pushed"], 0, "{ran}");
    let quiet = device.run(&["cloud", "sync", "-q"]).success();
    assert_eq!(quiet.stderr, "", "{quiet}");
    // Two lines of one process: said once all the same.
    let ran = device.run(&["cloud", "logout"]);
    assert!(ran.stderr.matches("written into the log").count() <= 1, "{ran}");

    fs::remove_file(&logs).unwrap();
    fs::create_dir(&logs).unwrap();
    fs::create_dir(logs.join("orkee.log")).unwrap();
    let ran = device.run(&["cloud", "sync"]).success();
    ran.says("nothing is written into the log");
    fs::remove_dir(logs.join("orkee.log")).unwrap();
    let ran = device.run(&["cloud", "sync"]).success();
    assert!(!ran.stderr.contains("the log"), "{ran}");
    assert_eq!(lines(&device).len(), 1);
}

#[test]
fn d42_a_log_that_has_grown_is_set_aside_and_three_files_are_kept() {
    let server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    device.sync();
    let log = device.home().join("logs/orkee.log");
    for n in 0..4 {
        fs::write(&log, format!("{n}\n{}", "x\n".repeat(3 * 1024 * 1024))).unwrap();
        device.sync();
        assert_eq!(lines(&device).len(), 1, "{n}");
    }
    let mut names: Vec<_> = fs::read_dir(log.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["orkee.log", "orkee.log.1", "orkee.log.2"]);
    let first = |name: &str| fs::read_to_string(log.with_file_name(name)).unwrap()[..1].to_owned();
    assert_eq!([first("orkee.log.1"), first("orkee.log.2")], ["3", "2"]);
}

/// Every line of the sources that logs says under which name, and each of those is one that the guide explains.
#[test]
fn c53_every_line_that_is_logged_has_a_target_that_the_guide_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guide = fs::read_to_string(root.join("docs/guide.md")).unwrap();
    let mut found = 0;
    for folder in ["cli/src", "core/src", "kit/src", "keyring/src"] {
        for file in sources(&root.join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            for (at, _) in text.match_indices("tracing::") {
                let Some((level, rest)) = text[at + "tracing::".len()..].split_once("!(") else { continue };
                if !["trace", "debug", "info", "warn", "error"].contains(&level) {
                    continue;
                }
                found += 1;
                let target = rest.trim_start().strip_prefix("target: ").unwrap_or_else(|| {
                    panic!("{}: a line without a target: {}", file.display(), &rest[..60.min(rest.len())])
                });
                let target = match target.strip_prefix('"') {
                    Some(literal) => literal.split('"').next().unwrap(),
                    None => "orkee::cloud::api",
                };
                let is_known = guide.contains(&format!("`{target}`")) || target == "orkee::other";
                assert!(is_known, "{}: the guide does not name {target}", file.display());
            }
        }
    }
    assert!(found > 40, "the sources were not read: {found}");
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}
