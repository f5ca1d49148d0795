//! `orkee cloud webhook`: what is added, shown, switched and taken away, and what of it is told to nobody.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt;

use base64::prelude::{BASE64_STANDARD as STANDARD, Engine};
use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::hooked::{NOWHERE, add, deliveries, device, drain, id, log, signature, signatures};
use orkee_tests::receiver::{Behaviour, Receiver};
use orkee_tests::server::Server;
use orkee_tests::terminal::Terminal;
use orkee_tests::{canary, wait};

/// The words that end a command that needs an account.
#[track_caller]
fn names_local(ran: Ran) {
    let hint = ran.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap_or_default();
    assert!(hint.contains("--local"), "{ran}");
}

#[test]
fn w03_c39_a_new_secret_is_random_shown_once_and_in_nothing_else() {
    let device = device();
    let receiver = Receiver::start();
    let first = add(&device, &format!("{}/a", receiver.url), &[]);
    let second = add(&device, &format!("{}/b", receiver.url), &[]);
    let secrets = [&first, &second].map(|webhook| webhook["secret"].as_str().unwrap().to_owned());
    assert_ne!(secrets[0], secrets[1]);
    for secret in &secrets {
        let decoded = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(decoded.len(), 32);
    }
    device.add("shop");
    drain(&device);
    let secret: &'static str = secrets[0].clone().leak();
    let canaries = canary::Canaries(vec![secret, secret.trim_start_matches("whsec_")]);
    for command in [
        "cloud webhook list",
        "cloud webhook list --json",
        "cloud webhook deliveries --json",
        "cloud status",
        "audit --json",
        "projects export",
        "doctor",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["-vvv"]).collect();
        canaries.are_not_printed(device.run(&words));
    }
    canaries.are_not_printed(device.run(&["cloud", "webhook", "show", &id(&first), "--json"]));
    canaries.are_not_in("the log", &log(&device));
}

#[test]
fn w03_without_json_the_secret_alone_is_on_standard_output() {
    let device = device();
    let args = ["cloud", "webhook", "add", "https://example.com/hook", "--local", "-q"];
    let ran = device.run(&args).success();
    assert!(ran.stdout.starts_with("whsec_") && ran.stdout.lines().count() == 1, "{ran}");
}

#[test]
fn w03_a_secret_file_is_the_owners_alone_and_never_another_file() {
    let device = device();
    let file = device.path("hook.secret");
    let path = file.to_str().unwrap();
    let webhook = add(&device, NOWHERE, &["--secret-file", path]);
    assert!(webhook["secret"].is_null() && webhook["secret_file"] == path, "{webhook}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");

    let again = ["cloud", "webhook", "add", "https://example.com/b", "--local", "--secret-file", path];
    device.run(&again).fails(2, "E-HOOK-044");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"].as_array().unwrap().len(), 1);
}

#[test]
fn w03_a_webhook_that_is_refused_leaves_no_file_with_a_secret() {
    let device = device();
    let file = device.path("hook.secret");
    let args = ["cloud", "webhook", "add", "ftp://example.com/b", "--local", "--secret-file"];
    let ran = device.run(&[&args[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(!file.exists());
}

#[test]
fn a_secret_that_is_handed_in_signs_and_is_not_repeated() {
    let device = device();
    let receiver = Receiver::start();
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let args = ["cloud", "webhook", "add", &receiver.url, "--local", "--allow-insecure-loopback", "--json"];
    let command = device.orkee(&[&args[..], &["--secret-from-stdin"]].concat());
    let ran = finish(command, secret.as_bytes()).success();
    assert!(!ran.stdout.contains(&secret[6..]), "{ran}");
    device.run(&["cloud", "webhook", "test", &id(&ran.json()["webhook"])]).success();
    let sent = &receiver.received()[0];
    assert_eq!(signatures(sent), [signature(secret, sent)]);
}

#[test]
fn the_url_of_a_chat_is_shown_without_what_lets_anybody_write_there() {
    let device = device();
    let url = "https://hooks.slack.com/services/T000/B000/orkee_canary_path";
    let args = ["cloud", "webhook", "add", "-", "--local", "--dispatcher", "slack", "--json"];
    let added = finish(device.orkee(&args), url.as_bytes()).success();
    let canaries = canary::Canaries(vec!["orkee_canary_path"]);
    let id = id(&canaries.are_not_printed(added).json()["webhook"]);
    for args in [&["list", "-vvv"][..], &["list", "--json"], &["show", &id], &["disable", &id, "--json"]] {
        let ran = device.run(&[&["cloud", "webhook"], args].concat()).success();
        assert!(ran.stdout.contains("https://hooks.slack.com/…"), "{ran}");
        canaries.are_not_printed(ran);
    }
    canaries.are_not_printed(device.run(&["audit", "--json"]).success());
    canaries.are_not_in("the log", &log(&device));
}

#[test]
fn p04_without_an_account_a_webhook_can_be_kept_on_the_device_and_the_error_says_so() {
    let device = device();
    let ran = device.run(&["cloud", "webhook", "add", "https://example.com/hook"]);
    names_local(ran.fails(4, "E-HOOK-040"));
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));
}

#[test]
fn p04_a_backend_without_webhooks_is_told_of_and_the_device_offered_instead() {
    let mut home = orkee_tests::home::Home::new();
    home.set("ORKEE_CLOUD_TENANT", "files");
    let config = "[tenants.files]\nprovider = \"webdav\"\napi_url = \"http://127.0.0.1:59/dav/\"\n";
    std::fs::create_dir_all(home.orkee()).unwrap();
    std::fs::write(home.orkee().join("config.toml"), config).unwrap();
    names_local(home.run(["cloud", "webhook", "add", "https://example.com/hook"]).fails(2, "E-HOOK-041"));
    assert_eq!(home.json(["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));
}

#[test]
fn what_only_a_device_can_keep_is_refused_for_the_account() {
    let device = device();
    for flag in [["--header", "X-Team: blue"], ["--allow-private", "10.0.0.0/8"], ["--ca-file", "ca.pem"]] {
        let add = ["cloud", "webhook", "add", "https://example.com/hook"];
        names_local(device.run(&[&add[..], &flag].concat()).fails(2, "E-HOOK-045"));
    }
}

#[test]
fn w07_while_a_secret_rotates_both_sign_and_then_the_new_one_alone() {
    let device = device();
    let receiver = Receiver::start();
    let webhook = add(&device, &receiver.url, &[]);
    let (id, old) = (id(&webhook), webhook["secret"].as_str().unwrap().to_owned());
    let rotated = device.json(&["cloud", "webhook", "rotate-secret", &id, "--overlap", "1h"]);
    let new = rotated["webhook"]["secret"].as_str().unwrap().to_owned();
    let test = || {
        device.run(&["cloud", "webhook", "test", &id]).success();
        receiver.received().pop().unwrap()
    };
    let both = test();
    assert_eq!(signatures(&both), [signature(&new, &both), signature(&old, &both)]);

    let again = device.run(&["cloud", "webhook", "rotate-secret", &id]);
    assert_ne!(again.code, Some(0), "a rotation within a rotation: {again}");
    assert!(again.stderr.contains("E-HOOK-"), "{again}");

    let database = rusqlite::Connection::open(device.home().join("orkee.db")).unwrap();
    let ended = "UPDATE signing_keys SET until = 1 WHERE until IS NOT NULL";
    assert_eq!(database.execute(ended, []).unwrap(), 1);
    let one = test();
    assert_eq!(signatures(&one), [signature(&new, &one)]);
    let kept: u32 = database.query_row("SELECT count(*) FROM signing_keys", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1, "the old secret is still there");
    drop(database);
    is_in_no_file(&device, &old);
}

#[test]
fn w07_a_secret_that_leaked_ends_at_once_whatever_overlaps_and_whoever_has_the_database_open() {
    let device = device();
    let receiver = Receiver::start();
    let webhook = add(&device, &receiver.url, &[]);
    let (id, first) = (id(&webhook), webhook["secret"].as_str().unwrap().to_owned());
    let rotate = |overlap: &str| {
        let rotated = device.json(&["cloud", "webhook", "rotate-secret", &id, "--overlap", overlap]);
        rotated["webhook"]["secret"].as_str().unwrap().to_owned()
    };
    // As a drain has it open; the log beside the database is then not folded in by who closes it last.
    let database = rusqlite::Connection::open(device.home().join("orkee.db")).unwrap();
    let _: u32 = database.query_row("SELECT count(*) FROM signing_keys", [], |row| row.get(0)).unwrap();
    let second = rotate("30d");
    let third = rotate("0s");
    for old in [&first, &second] {
        is_in_no_file(&device, old);
    }
    device.run(&["cloud", "webhook", "test", &id]).success();
    let sent = receiver.received().pop().unwrap();
    assert_eq!(signatures(&sent), [signature(&third, &sent)]);
}

/// The secret is nowhere in the folder that the device keeps.
fn is_in_no_file(device: &Device, old: &str) {
    for file in std::fs::read_dir(device.home()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let has_it = bytes.windows(old.len()).any(|window| window == old.as_bytes());
            assert!(!has_it, "the old secret is still in {}", path.display());
        }
    }
}

#[test]
fn w23_an_event_that_there_is_not_is_refused_with_the_one_that_was_meant() {
    let device = device();
    let args = ["cloud", "webhook", "add", "https://example.com/hook", "--local", "--event"];
    let ran = device.run(&[&args[..], &["project.udpated"]].concat());
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("project.updated"), "{ran}");
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));
}

#[test]
fn w34_a_header_of_the_hosts_own_or_with_a_line_end_is_refused() {
    let device = device();
    for header in [
        "Host: b.example",
        "host: b.example",
        "Webhook-Signature: v1,orkee_canary",
        "webhook-id: orkee_canary",
        "Content-Length: 3",
        "X-Team: blue\r\nHost: b.example",
        "X-Te\nam: blue",
        "X Team: blue",
        "no colon",
        ": orkee_canary",
        "X-Team:",
    ] {
        let args = ["cloud", "webhook", "add", "https://example.com/hook", "--local", "--header", header];
        let ran = device.run(&args);
        assert!(ran.code == Some(2) && ran.stderr.contains("error[E-HOOK-"), "{header:?}: {ran}");
        assert!(!ran.stderr.contains("canary"), "{ran}");
    }
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));
}

#[test]
fn w34_a_header_goes_along_and_its_value_is_shown_nowhere() {
    let device = device();
    let receiver = Receiver::start();
    let file = device.path("headers");
    std::fs::write(&file, "X-Token: orkee_canary_value\n\nX-Team: blue\n").unwrap();
    let webhook = add(&device, &receiver.url, &["--header-file", file.to_str().unwrap()]);
    let canaries = canary::Canaries(vec!["orkee_canary_value"]);
    canaries.are_not_in("add", webhook.to_string().as_bytes());
    let id = id(&webhook);
    canaries.are_not_printed(device.run(&["cloud", "webhook", "test", &id, "-vvv"]).success());
    assert_eq!(receiver.received()[0].header("x-token"), Some("orkee_canary_value"));
    assert_eq!(receiver.received()[0].header("x-team"), Some("blue"));
    let shown = canaries.are_not_printed(device.run(&["cloud", "webhook", "show", &id, "--json"]).success());
    assert!(shown.stdout.to_lowercase().contains("x-token"), "{shown}");
    canaries.are_not_printed(device.run(&["audit", "--json"]));
    canaries.are_not_in("the log", &log(&device));
}

#[test]
fn w35_a_private_network_is_let_through_for_one_webhook_alone_and_leaves_a_row() {
    let device = device();
    let url = "https://10.1.2.3/hook";
    let add = ["cloud", "webhook", "add", url, "--local"];
    assert_eq!(device.run(&add).code, Some(2));
    let added = device.json(&[&add[..], &["--allow-private", "10.1.0.0/16"]].concat());
    assert_eq!(added["webhook"]["allow_private"], serde_json::json!(["10.1.0.0/16"]));
    let rows = device.json(&["audit"])["entries"].take();
    let row = rows.as_array().unwrap().iter().find(|row| row["action"] == "webhook-allow-private").unwrap();
    assert!(row["subject"].as_str().unwrap().contains("10.1.0.0/16"), "{row}");
    assert_eq!(device.run(&add).code, Some(2), "another one is not let through");
    let metadata = ["cloud", "webhook", "add", "https://169.254.169.254/", "--local", "--allow-private"];
    assert_eq!(device.run(&[&metadata[..], &["169.254.0.0/16"]].concat()).code, Some(2));
}

#[test]
fn w41_a_webhook_is_removed_by_the_name_of_its_host_or_by_yes() {
    let device = device();
    let add = ["cloud", "webhook", "add", "https://example.com/hook", "--local"];
    let id = id(&device.json(&add)["webhook"]);
    let remove = ["cloud", "webhook", "remove", &id];
    let asked = device.run(&remove);
    assert!(asked.code == Some(2) && asked.stderr.contains("--yes"), "{asked}");

    let mut terminal = Terminal::open(device.orkee(&remove), 100);
    terminal.answer("to remove it: ", "example.org\r");
    assert_eq!(terminal.finish().0.code(), Some(1));
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"].as_array().unwrap().len(), 1);

    let mut terminal = Terminal::open(device.orkee(&remove), 100);
    terminal.answer("to remove it: ", "example.com\r");
    assert_eq!(terminal.finish().0.code(), Some(0));
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));

    device.json(&add);
    device.run(&["cloud", "webhook", "remove", "https://example.com/hook", "--yes"]).success();
    device.run(&["cloud", "webhook", "show", "https://example.com/hook"]).fails(2, "E-HOOK-043");
}

#[test]
fn w41_every_change_of_a_webhook_leaves_a_row_with_its_id_and_host() {
    let device = device();
    let add = ["cloud", "webhook", "add", "https://example.com/orkee_canary", "--local"];
    let id = id(&device.json(&add)["webhook"]);
    for command in ["disable", "enable", "rotate-secret", "remove"] {
        let yes: &[&str] = if command == "remove" { &["--yes"] } else { &[] };
        device.run(&[&["cloud", "webhook", command, &id], yes].concat()).success();
    }
    let ran = device.run(&["audit", "--json"]).success();
    let rows = ran.json()["entries"].take();
    let rows: Vec<_> = rows.as_array().unwrap().iter().rev().collect();
    let actions: Vec<_> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
    let expected =
        ["webhook-add", "webhook-disable", "webhook-enable", "webhook-rotate-secret", "webhook-remove"];
    assert_eq!(actions, expected);
    for row in rows {
        assert_eq!(row["subject"], format!("{id} example.com"), "{row}");
    }
    canary::Canaries(vec!["orkee_canary"]).are_not_printed(ran);
}

#[test]
fn w13_w29_doctor_names_webhooks_that_are_off_and_what_holds_for_the_proxy() {
    let device = device();
    let receiver = Receiver::start();
    let id = id(&add(&device, &receiver.always("/hook", Behaviour::status(410)), &[]));
    device.run(&["doctor"]).success();
    device.add("shop");
    drain(&device);
    wait::until("the 410", || (deliveries(&device, &[])[0]["state"] != "pending").then_some(()));
    let ran = device.run(&["doctor"]).exits(1);
    assert!(ran.stdout.contains(&id) && ran.stdout.contains("410"), "{ran}");
    let findings = device.run(&["doctor", "--json"]).exits(1).json();
    assert!(findings["findings"].to_string().contains(&id), "{findings}");
    assert!(device.run(&["cloud", "status", "--offline"]).stdout.contains("1 off"));

    for (variable, told) in [
        ("HTTPS_PROXY", "webhooks go out directly"),
        ("ORKEE_WEBHOOK_PROXY", "through http://127.0.0.1:59, which looks names up"),
    ] {
        let mut proxied = device.orkee(&["doctor"]);
        proxied.env(variable, "http://ann:orkee_canary@127.0.0.1:59");
        let ran = canary::Canaries(vec!["orkee_canary"]).are_not_printed(finish(proxied, &[]));
        assert!(ran.stdout.contains(told), "{variable}: {ran}");
    }
}

#[test]
fn a_webhook_of_the_account_is_kept_by_its_server_and_found_by_its_id() {
    let server = Server::with_args(&["--webhook-allow-loopback"]);
    let receiver = Receiver::start();
    let device = Device::with_token(&server.url, &server.token());
    let args = ["cloud", "webhook", "add", &receiver.url, "--allow-insecure-loopback"];
    let added = device.json(&args)["webhook"].take();
    assert_eq!(added["place"], "account", "{added}");
    let (id, secret) = (id(&added), added["secret"].as_str().unwrap().to_owned());
    let other = Device::with_token(&server.url, &server.token());
    let list = other.run(&["cloud", "webhook", "list", "--json"]).success();
    assert_eq!(list.json()["webhooks"][0]["id"], id.as_str());
    assert!(!list.stdout.contains(&secret[6..]), "{list}");

    other.run(&["cloud", "webhook", "test", &id]).success();
    let sent = &receiver.received()[0];
    assert_eq!(signatures(sent), [signature(&secret, sent)]);

    other.add("shop");
    other.sync();
    let listed = || device.json(&["cloud", "webhook", "deliveries", &id])["deliveries"].take();
    let all = |state: &str| listed().as_array().unwrap().iter().all(|delivery| delivery["state"] == state);
    wait::until("the events of the sync", || (listed()[0].is_object() && all("delivered")).then_some(()));
    let event = listed()[0]["id"].as_str().unwrap().to_owned();
    let before = receiver.received().len();
    assert_eq!(device.json(&["cloud", "webhook", "redeliver", &event])["redelivered"], 1);
    let again = receiver.wait_for(before + 1).remove(before);
    assert_eq!(again.header("webhook-id"), Some(event.as_str()));

    other.run(&["cloud", "webhook", "disable", &id]).success();
    assert_eq!(device.json(&["cloud", "webhook", "show", &id])["webhook"]["enabled"], false);
    other.run(&["cloud", "webhook", "enable", &id]).success();
    other.run(&["cloud", "webhook", "rotate-secret", &id]).success();
    other.run(&["cloud", "webhook", "remove", &id, "--yes"]).success();
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));
}

#[test]
fn what_is_kept_here_is_listed_while_the_accounts_server_is_away() {
    let mut server = Server::start();
    let device = Device::with_token(&server.url, &server.token());
    let add =
        ["cloud", "webhook", "add", "https://127.0.0.1:59/hook", "--local", "--allow-insecure-loopback"];
    let id = id(&device.json(&add)["webhook"]);
    server.stop();
    let ran = device.run(&["cloud", "webhook", "list"]).exits(6);
    assert!(ran.stdout.contains(&id), "{ran}");
    device.run(&["cloud", "webhook", "list", "--json"]).exits(6);
    assert_eq!(device.json(&["cloud", "webhook", "list", "--local"])["webhooks"][0]["id"], id.as_str());
    device.run(&["cloud", "webhook", "disable", &id]).success();
}

#[test]
fn a_url_that_is_no_webhook_is_not_repeated_in_the_error() {
    let device = device();
    let url = "https://hooks.slack.com/services/orkee_canary_path";
    let canaries = canary::Canaries(vec!["orkee_canary_path"]);
    for command in ["show", "disable", "enable", "remove", "rotate-secret", "deliveries"] {
        let ran = device.run(&["cloud", "webhook", command, url, "-vvv"]);
        let ran = canaries.are_not_printed(ran.exits(2));
        assert!(ran.stderr.contains("E-HOOK-043") && ran.stderr.contains("hooks.slack.com"), "{ran}");
    }
    canaries.are_not_in("the log", &log(&device));
}

#[test]
fn a_url_that_two_webhooks_share_is_told_with_both_ids_and_does_nothing() {
    let device = device();
    let [one, two] = [(), ()].map(|()| id(&add(&device, NOWHERE, &[])));
    let ran = device.run(&["cloud", "webhook", "remove", NOWHERE, "--yes"]).fails(2, "E-HOOK-003");
    assert!(ran.stderr.contains(&one) && ran.stderr.contains(&two), "{ran}");
    device.run(&["cloud", "webhook", "remove", &one, "--yes"]).success();
    assert_eq!(device.json(&["cloud", "webhook", "show", NOWHERE])["webhook"]["id"], two.as_str());
}
