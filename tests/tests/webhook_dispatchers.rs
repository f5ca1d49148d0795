//! Who delivers: the dispatchers that are part of the program, and one that somebody else made, from its file to a receiver that
//! checks its signatures.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_core::event::{Body, EventKind, WebhookSecret};
use orkee_core::plugin::pack;
use orkee_tests::guests;
use orkee_tests::hooks::Hooks;
use orkee_tests::provider::{run, the_one};
use orkee_tests::receiver::{Behaviour, Receiver};
use orkee_tests::sender::Sender;
use orkee_tests::workshop::{Author, Workshop};
use ring::hmac;
use serde_json::json;

/// Of a secret whose bytes are text, since the receiver writes it as such.
const KEY: &str = "a-key-of-thirty-two-characters!!";

fn secret() -> WebhookSecret {
    use base64::prelude::{BASE64_STANDARD, Engine};
    WebhookSecret::import(&format!("whsec_{}", BASE64_STANDARD.encode(KEY))).unwrap()
}

/// A device with the dispatcher of somebody else's.
fn with_hub() -> Sender {
    let sender = Sender::new();
    let manifest =
        guests::manifest("hub", "1", "roles = [\"dispatcher\"]\ndescription = \"Signs in the older way\"");
    sender.home.file("hub.wasm", pack(guests::hub(), &manifest, None).unwrap());
    let ran = run(&sender.home, &["install", "hub.wasm", "--yes"]).success();
    for told in [
        "dispatcher: it delivers events to webhooks",
        "the address of each webhook that is added with it",
        "the webhook's URL, and the events that are sent there, with the names of projects and devices",
        "with the webhook's keys, which it never sees",
        "It gets events, not your projects",
        "--dispatcher hub",
    ] {
        let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(told), "{told}: {ran}");
    }
    assert!(!ran.stderr.contains("Sign-in"), "{ran}");
    sender
}

#[test]
fn slack_and_discord_get_a_sentence_that_calls_upon_nobody() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    for dispatcher in ["slack", "discord"] {
        let url = receiver.always(&format!("/{dispatcher}"), Behaviour::with_body(200, "ok"));
        sender.endpoint_with(&url, |endpoint| endpoint.dispatcher = dispatcher.to_owned());
    }
    sender.home.add("*Boat* <!channel> @everyone");
    sender.drain();
    let body = |path: &str| receiver.received_at(path)[0].json();
    assert_eq!(body("/slack")["text"], "The project “*Boat* &lt;!channel&gt; @\u{200b}everyone” was created");
    assert_eq!(body("/slack")["mrkdwn"], false);
    assert_eq!(body("/discord")["content"], r"The project “\*Boat\* \<\!channel\> \@everyone” was created");
    assert_eq!(body("/discord")["allowed_mentions"], json!({"parse": []}));
    let received = receiver.received();
    assert!(received.iter().all(|request| request.header("webhook-signature").is_none()));
    assert!(sender.deliveries().iter().all(|delivery| delivery.state == "delivered"));
}

#[test]
fn discords_word_on_when_to_come_back_is_heeded() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let busy = Behaviour::with_body(429, r#"{"message":"slow down","retry_after":600.5,"global":false}"#);
    let url = receiver.script("/discord", [busy, Behaviour::status(204)]);
    sender.endpoint_with(&url, |endpoint| endpoint.dispatcher = "discord".to_owned());
    sender.home.add("Boat");
    sender.drain();
    let due = sender.deliveries()[0].due - jiff::Timestamp::now().as_millisecond();
    assert!((570_000..=725_000).contains(&due), "{due} ms");
    sender.pass_to_next();
    sender.drain();
    assert_eq!(sender.deliveries()[0].state, "delivered");
}

#[test]
fn a_dispatcher_of_somebody_elses_delivers_to_a_receiver_that_checks_and_acts() {
    let sender = with_hub();
    let Some(hooks) = Hooks::start(KEY) else { return };
    let add = [
        "cloud",
        "webhook",
        "add",
        &hooks.url,
        "--local",
        "--allow-insecure-loopback",
        "--secret-from-stdin",
    ];
    let with = |dispatcher| {
        let words = [&add[..], &["--dispatcher", dispatcher]].concat();
        sender.home.run_with(words, secret().secret().expose())
    };
    with("hubb").fails(2, "E-HOOK-033").says("there are: webhook, slack, discord, hub");
    with("hub").success();
    // Another key than the receiver's: it must not act.
    let wrong = sender.endpoint_with(&hooks.url, |endpoint| endpoint.dispatcher = "hub".to_owned());
    sender.home.add("Boat");
    sender.drain();
    let delivered = sender.deliveries();
    let id = &delivered[0].event;
    assert_eq!(hooks.seen(), [[id.clone(), "project.created".to_owned(), "Boat".to_owned()]]);
    // So this program answers to a wrong signature.
    assert_eq!(sender.attempts(&wrong), [("server_error".to_owned(), Some(500))]);
    assert!(sender.deliveries_to(&wrong)[0].state == "pending" && delivered.len() == 2);
}

#[test]
fn a_dispatcher_is_listed_as_one_and_never_chosen_to_sync_with() {
    let sender = with_hub();
    let home = &sender.home;
    assert_eq!(the_one(home)["roles"], json!(["dispatcher"]));
    let built_in = home.json(["cloud", "provider", "list"]);
    let of = |name: &str| {
        let all = built_in["providers"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["roles"].clone()
    };
    assert_eq!((of("webhook"), of("s3")), (json!(["dispatcher"]), json!(["provider"])));
    assert!(home.ok(["cloud", "provider", "list"]).contains("each webhook's address"));
    for name in ["hub", "webhook", "slack"] {
        let info = home.ok(["cloud", "provider", "info", name]);
        assert!(info.contains("dispatcher: it delivers events") && !info.contains("API URL"), "{info}");
        assert!(home.ok(["cloud", "provider", "grants", name]).contains("delivers the events"));
    }
    let config = "[tenants.acme]\nprovider = \"hub\"\napi_url = \"https://acme.example\"\n";
    std::fs::write(home.orkee().join("config.toml"), config).unwrap();
    let mut command = home.command(["cloud", "sync"]);
    command.env("ORKEE_CLOUD_TENANT", "acme");
    let ran = orkee_tests::home::finish(command, b"");
    ran.fails(2, "E-HOOK-035").says("it delivers events, and syncs nothing");
    let granted = run(home, &["grant", "hub", "https://elsewhere.example"]);
    assert_ne!(granted.code, Some(0), "{granted}");
    assert!(run(home, &["grants", "hub"]).success().stdout.contains("delivers the events"));
}

#[test]
fn a_component_has_to_be_what_its_manifest_says() {
    let sender = Sender::new();
    for (component, roles, told) in [
        (guests::hub(), "", "says that it is a provider, and the component is a dispatcher"),
        (
            guests::plain(),
            "roles = [\"dispatcher\"]",
            "says that it is a dispatcher, and the component is a provider",
        ),
        (guests::hub(), "roles = [\"dispatcher\", \"provider\"]", "provider and dispatcher"),
    ] {
        let manifest = guests::manifest("hub", "1", roles);
        sender.home.file("hub.wasm", pack(component, &manifest, None).unwrap());
        run(&sender.home, &["install", "hub.wasm", "--yes"])
            .fails(2, "E-HOOK-034")
            .says(told)
            .says("roles = [");
    }
    for (name, more) in
        [("webhook", ""), ("hub", "tenants = [\"acme\"]"), ("hub", "hosts = [\"https://a.example\"]")]
    {
        let manifest = guests::manifest(name, "1", &format!("roles = [\"dispatcher\"]\n{more}"));
        match pack(guests::hub(), &manifest, None) {
            Ok(packed) => {
                sender.home.file("hub.wasm", packed);
                run(&sender.home, &["install", "hub.wasm", "--yes"]).fails(2, "E-PLUGIN-043");
            }
            Err(error) => assert!(error.to_string().contains("signs in nowhere"), "{error}"),
        }
    }
}

#[test]
fn a_webhook_whose_dispatcher_was_removed_fails_in_words_and_goes_on_once_it_is_back() {
    let sender = with_hub();
    let receiver = Receiver::start();
    let url = receiver.always("/hook", Behaviour::status(204));
    sender.endpoint_with(&url, |endpoint| endpoint.dispatcher = "hub".to_owned());
    run(&sender.home, &["remove", "hub", "--yes"]).success();
    sender.home.add("Boat");
    sender.try_drain();
    assert_eq!((receiver.connections(), sender.deliveries()[0].state.as_str()), (0, "pending"));
    run(&sender.home, &["install", "hub.wasm", "--yes"]).success();
    sender.pass_to_next();
    sender.drain();
    assert_eq!(sender.deliveries()[0].state, "delivered");
    let signature = receiver.received()[0].header("x-hub-signature-256").unwrap().to_owned();
    assert!(signature.starts_with("sha256=") && signature.len() == 7 + 64, "{signature}");
}

#[test]
fn a_dispatcher_is_begun_built_and_used_with_the_program_alone() {
    let author = Author::new();
    let workshop = Workshop::new(&author, "rust-dispatcher");
    author.run(&["pack", workshop.folder()]).success();
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let packed = std::fs::read(workshop.path("dist/example-rust-dispatcher.wasm")).unwrap();
    sender.home.file("own.wasm", packed);
    run(&sender.home, &["install", "own.wasm", "--yes"]).success();
    let url = receiver.always("/hook", Behaviour::status(202));
    sender.endpoint_with(&url, |endpoint| {
        endpoint.dispatcher = "example-rust-dispatcher".to_owned();
        endpoint.secret = secret();
    });
    sender.home.add("Boat");
    sender.drain();
    let [received] = receiver.received().try_into().unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let expected: String =
        hmac::sign(&key, &received.body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(received.header("x-hub-signature-256"), Some(&*format!("sha256={expected}")));
    assert_eq!(received.header("x-delivery"), Some(&*sender.deliveries()[0].event));
    author.run(&["new", "other", "--lang", "js", "--dispatcher"]).fails(2, "E-CLI-001").says("--lang rust");
}

#[test]
fn the_page_for_receivers_has_each_event_with_a_body_as_it_is_sent() {
    let page = include_str!("../../docs/webhooks.md");
    let mut listed = Vec::new();
    for line in page.lines().filter(|line| line.contains("`{\"event\"")) {
        let cells: Vec<_> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [name, _, body] = cells[..] else { panic!("{line}") };
        let kind: EventKind = name.parse().unwrap();
        let shown: serde_json::Value = serde_json::from_str(body).unwrap();
        let data = shown["data"].as_object();
        let written = Body {
            kind,
            project: shown["project_id"].as_str(),
            at: shown["timestamp"].as_str().unwrap().parse().unwrap(),
            sequence: shown["sequence"].as_u64().unwrap(),
            count: shown["count"].as_u64(),
            data,
        };
        assert_eq!(String::from_utf8(written.to_json().unwrap()).unwrap(), body);
        listed.push(kind);
    }
    assert_eq!(listed, [&EventKind::ALL[..], &[EventKind::Test]].concat());
}
