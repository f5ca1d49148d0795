//! `orkee cloud webhook` where somebody could mean something else, or where what was asked for cannot be done as a whole.

#![allow(clippy::unwrap_used)]

use std::fs::OpenOptions;

use base64::prelude::{BASE64_STANDARD, Engine};
use orkee_tests::canary::Canaries;
use orkee_tests::device::Device;
use orkee_tests::home::finish;
use orkee_tests::hooked::{NOWHERE, add, deliveries, device, drain, id};
use orkee_tests::receiver::{Behaviour, Receiver};
use orkee_tests::server::Server;

#[test]
fn a_url_that_is_here_and_in_the_account_is_changed_in_neither_until_its_id_says_which() {
    let server = Server::with_args(&["--webhook-allow-loopback"]);
    let device = Device::with_token(&server.url, &server.token());
    let url = NOWHERE;
    let here = id(&add(&device, url, &[]));
    let ran = device.run(&["cloud", "webhook", "add", url, "--allow-insecure-loopback", "--json"]).success();
    assert!(ran.stderr.contains(&here) && ran.stderr.contains("twice"), "{ran}");
    let there = id(&ran.json()["webhook"]);
    for command in ["disable", "enable", "rotate-secret", "remove"] {
        let yes: &[&str] = if command == "remove" { &["--yes"] } else { &[] };
        let ran = device.run(&[&["cloud", "webhook", command, url], yes].concat()).fails(2, "E-HOOK-003");
        assert!(ran.stderr.contains(&here) && ran.stderr.contains(&there), "{ran}");
    }
    device.run(&["cloud", "webhook", "remove", &here, "--yes"]).success();
    device.run(&["cloud", "webhook", "remove", url, "--yes"]).success();
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));
}

#[test]
fn what_was_sent_to_a_webhook_that_is_gone_is_found_by_its_id() {
    let device = device();
    let receiver = Receiver::start();
    let [gone, other] = ["/gone", "/other"]
        .map(|path| id(&add(&device, &receiver.always(path, Behaviour::status(204)), &[])));
    device.add("shop");
    drain(&device);
    device.run(&["cloud", "webhook", "remove", &gone, "--yes"]).success();
    let found = deliveries(&device, &[&gone]);
    assert!(!found.is_empty() && found.iter().all(|one| one["webhook"] == gone.as_str()), "{found:?}");
    assert!(deliveries(&device, &[&gone, "--failed"]).is_empty());
    assert!(!deliveries(&device, &[&other]).is_empty());
    device.run(&["cloud", "webhook", "deliveries", "ep_0000000000000000"]).fails(2, "E-HOOK-043");
}

#[test]
fn flags_that_a_test_of_a_webhook_would_not_heed_are_refused() {
    let device = device();
    let receiver = Receiver::start();
    let id = id(&add(&device, &receiver.url, &[]));
    for flag in
        [&["--dispatcher", "slack"][..], &["--allow-insecure-loopback"], &["--allow-private", "10.0.0.0/8"]]
    {
        for to in [&id, &receiver.url] {
            let ran = device.run(&[&["cloud", "webhook", "test", to], flag].concat());
            ran.fails(2, "E-HOOK-047").says(flag[0]);
        }
    }
    assert!(receiver.received().is_empty());
}

#[test]
fn a_webhook_whose_secret_nobody_got_is_taken_back() {
    let device = device();
    for json in [&[][..], &["--json"]] {
        let args = ["cloud", "webhook", "add", NOWHERE, "--local", "--allow-insecure-loopback"];
        let mut command = device.orkee(&[&args, json].concat());
        command.stdout(OpenOptions::new().write(true).open("/dev/full").unwrap());
        assert_eq!(command.status().unwrap().code(), Some(1));
        assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));
    }
    let audit = device.run(&["audit", "--json"]).success();
    assert_eq!(audit.stdout.matches("webhook-remove").count(), 2, "{audit}");
}

#[test]
fn doctor_examines_all_the_rest_where_the_proxy_of_webhooks_cannot_be_used() {
    let device = device();
    add(&device, NOWHERE, &[]);
    let mut command = device.orkee(&["doctor"]);
    command.env("ORKEE_WEBHOOK_PROXY", "socks5://orkee_canary@127.0.0.1:9");
    let ran = Canaries(vec!["orkee_canary"]).are_not_printed(finish(command, &[]).exits(1));
    assert!(ran.stdout.contains("no webhook is sent to") && ran.stdout.contains("is sound"), "{ran}");
}

#[test]
fn w34_a_name_and_password_that_a_receiver_decoded_and_repeats_are_masked() {
    let device = device();
    let receiver = Receiver::start();
    let reply = "who is orkee_canary_ann? orkee_canary_ann:orkee_canary_pass, orkee_canary_pass";
    let url = receiver.always("/hook", Behaviour::with_body(500, reply));
    let file = device.path("headers");
    let pair = BASE64_STANDARD.encode("orkee_canary_ann:orkee_canary_pass");
    std::fs::write(&file, format!("Authorization: Basic {pair}\n")).unwrap();
    let id = id(&add(&device, &url, &["--header-file", file.to_str().unwrap()]));
    device.add("shop");
    drain(&device);
    let canaries = Canaries(vec!["orkee_canary"]);
    let ran =
        canaries.are_not_printed(device.run(&["cloud", "webhook", "deliveries", &id, "--json"]).success());
    assert!(ran.stdout.contains("who is ***?"), "{ran}");
    canaries.are_not_printed(device.run(&["cloud", "webhook", "test", &id]));
}
