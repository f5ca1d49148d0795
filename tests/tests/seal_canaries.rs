//! A word typed into every field of a project is found nowhere outside of the devices that have the account's key: in no file of the
//! server, in nothing that passes between, in no log, in no memory of a provider.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use orkee_tests::device::Device;
use orkee_tests::guests;
use orkee_tests::home::finish;
use orkee_tests::practice::Practice;
use orkee_tests::relay::Relay;
use orkee_tests::sealing::{self, WORD, export, files, is_in, is_not_in, join, marked, seal};
use orkee_tests::server::Server;
use orkee_tests::tenants::TenantDevice;

const IDS: [&str; 3] = ["aaaaaaaa", "bbbbbbbb", "cccccccc"];

fn projects(more: &str) -> String {
    export(&IDS.map(|id| marked(id, more)))
}

/// A server behind a relay that keeps what passes, and two devices of one account.
struct Pair {
    server: Server,
    relay: Relay,
    a: Device,
    b: Device,
}

impl Pair {
    fn new() -> Self {
        let server = Server::start();
        let (relay, token) = (Relay::to(&server.url), server.token());
        relay.record();
        let device = || Device::with_token(&relay.url, &token);
        let (a, b) = (device(), device());
        Self { server, relay, a, b }
    }

    /// Everything that people do: both change the same, one renames, one deletes, both settle what is in dispute.
    fn live_through(&self) {
        for (device, text) in [(&self.a, "here"), (&self.b, "there")] {
            device.edit(IDS[0], "--description", &format!("{WORD} changed {text}"));
            device.edit(IDS[1], "--name", &format!("{WORD} renamed {text}"));
        }
        self.b.run(&["projects", "delete", IDS[2], "--yes"]).success();
        for device in [&self.a, &self.b, &self.a, &self.b] {
            loud_sync(device);
        }
        assert_eq!(self.a.export(), self.b.export());
        assert!(self.a.export().contains("changed there") || self.a.export().contains("changed here"));
    }

    /// Nothing of it is in what passed, in the server's folder, in what either logged.
    #[track_caller]
    fn nothing_is_left_outside(&self) {
        for (n, bytes) in self.relay.carried().iter().enumerate() {
            is_not_in(&format!("message {n} between client and server"), bytes);
        }
        self.nothing_is_left_at_the_server();
        for device in [&self.a, &self.b] {
            logs(&device.home()).iter().for_each(|(name, bytes)| is_not_in(name, bytes));
        }
    }

    #[track_caller]
    fn nothing_is_left_at_the_server(&self) {
        let kept = files(&self.server.data());
        let names: Vec<&String> = kept.iter().map(|(name, _)| name).collect();
        assert!(names.iter().any(|name| name.ends_with("orkee-server.db")), "{names:?}");
        kept.iter().for_each(|(name, bytes)| is_not_in(name, bytes));
    }
}

/// A sync that says all that it can into its log.
#[track_caller]
fn loud_sync(device: &Device) {
    let mut command = device.orkee(&["cloud", "sync", "-vvv"]);
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    let ran = finish(command, &[]);
    assert!(matches!(ran.code, Some(0 | 5)), "{ran}");
}

fn logs(home: &Path) -> Vec<(String, Vec<u8>)> {
    let logs = files(&home.join("logs"));
    assert!(!logs.is_empty(), "no log in {}", home.display());
    logs
}

#[test]
fn k60_a_word_in_every_field_is_in_no_file_of_the_server_in_no_byte_between_and_in_no_log() {
    let pair = Pair::new();
    let phrase = seal(&|args| pair.a.orkee(args));
    pair.a.import(&projects("first"));
    loud_sync(&pair.a);
    join(&|args| pair.b.orkee(args), &phrase);
    loud_sync(&pair.b);
    assert_eq!(pair.a.export(), pair.b.export());
    assert!(pair.b.export().contains(WORD));
    pair.live_through();
    assert!(pair.relay.carried().len() > 10);
    pair.nothing_is_left_outside();
}

#[test]
fn k60_where_nothing_is_sealed_the_same_search_finds_the_word() {
    let pair = Pair::new();
    pair.a.import(&projects("plain"));
    pair.a.sync();
    assert!(pair.relay.carried().iter().any(|bytes| is_in(bytes)));
    assert!(files(&pair.server.data()).iter().any(|(_, bytes)| is_in(bytes)));
}

#[test]
fn k61_after_a_change_over_no_file_of_the_server_has_a_word_of_what_was_plain() {
    let pair = Pair::new();
    pair.a.import(&projects("plain"));
    for device in [&pair.a, &pair.b] {
        loud_sync(device);
    }
    pair.live_through();
    assert!(files(&pair.server.data()).iter().any(|(_, bytes)| is_in(bytes)));
    let phrase = seal(&|args| pair.a.orkee(args));
    pair.nothing_is_left_at_the_server();
    join(&|args| pair.b.orkee(args), &phrase);
    pair.b.import(&export(&[marked("dddddddd", "sealed")]));
    loud_sync(&pair.b);
    loud_sync(&pair.a);
    assert_eq!(pair.a.export(), pair.b.export());
    pair.nothing_is_left_at_the_server();
}

const TENANT: &str = "mine";

/// A device with the provider that reads its own memory, and looks there for the word.
fn watched(backend: &str) -> TenantDevice {
    let inverted: String = WORD.bytes().map(|byte| format!("{:02x}", !byte)).collect();
    let device = TenantDevice::new(&format!(
        "[tenants.{TENANT}]\nprovider = \"practice\"\napi_url = \"{backend}\"\n\
         [tenants.{TENANT}.options]\nfault = \"reads-memory\"\nmarks = \"{inverted}\"\n"
    ));
    let options =
        "[options.fault]\nabout = \"what it does besides\"\n[options.marks]\nabout = \"what it looks for\"\n";
    let manifest = format!("name = \"practice\"\nversion = \"1\"\n[login]\nkind = \"token\"\n{options}");
    device.install(guests::practice(), &manifest);
    device.feed(TENANT, &["cloud", "login", "--with-token"], "practice").success();
    device
}

/// What the provider found, exchange by exchange.
fn found(device: &TenantDevice) -> Vec<String> {
    let logged = device.json("", &["cloud", "provider", "logs", "practice", "--limit", "10000"]);
    let lines =
        logged["lines"].as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned());
    lines.filter(|line| line.starts_with("of 1 words ")).collect()
}

#[test]
fn k62_no_provider_has_a_word_of_the_projects_in_its_memory() {
    let host = Device::new("");
    let practice = Practice::start(host.orkee(&["cloud", "provider", "practice", "--token", "practice"]));
    let (a, b) = (watched(practice.url.as_str()), watched(practice.url.as_str()));
    let phrase = seal(&|args| a.orkee(TENANT, args));
    join(&|args| b.orkee(TENANT, args), &phrase);
    a.feed(TENANT, &["projects", "import", "-"], &projects("first")).success();
    let edit = |device: &TenantDevice, text: &str| {
        let text = format!("{WORD} {text}");
        device.run(TENANT, &["projects", "edit", IDS[0], "--description", &text]).success();
    };
    for text in ["one", "two"] {
        for device in [&a, &b, &a] {
            let ran = device.run(TENANT, &["cloud", "sync"]);
            assert!(matches!(ran.code, Some(0 | 5)), "{ran}");
        }
        edit(&a, text);
        edit(&b, &format!("{text} of b"));
    }
    b.run(TENANT, &["cloud", "sync"]);
    for device in [&a, &b] {
        let found = found(device);
        assert!(found.len() >= 3, "{found:?}");
        assert!(found.iter().all(|line| line.starts_with("of 1 words 0 are in ")), "{found:?}");
    }
}

#[test]
fn k62_where_nothing_is_sealed_the_provider_finds_the_word_in_its_memory() {
    let host = Device::new("");
    let practice = Practice::start(host.orkee(&["cloud", "provider", "practice", "--token", "practice"]));
    let a = watched(practice.url.as_str());
    a.feed(TENANT, &["projects", "import", "-"], &sealing::export(&[marked("aaaaaaaa", "x")])).success();
    a.run(TENANT, &["cloud", "sync"]).success();
    let found = found(&a);
    assert!(found.iter().any(|line| !line.starts_with("of 1 words 0 are in ")), "{found:?}");
}
