//! The network of a page: the names that it asks for, what stands before the servers, and what is no server of Orkee.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::front::Front;
use super::places::S3;
use crate::dns::Dns;
use crate::namespace::PUBLIC;
use crate::proxy::Proxy;
use crate::receiver::{Behaviour, Receiver};

/// Names that lead to the front.
const NAMES: [&str; 9] = [
    "api.orkee.ai",
    "dev-api.orkee.ai",
    "enterprise-api.orkee.ai",
    "orkee.example.com",
    "sign-in.example.com",
    S3,
    "stage.example.com",
    "your-server.com",
    "example.com",
];
/// Names of those who receive webhooks.
const RECEIVERS: [&str; 2] = ["your-server.com", "example.com"];
/// Where a server of the reader's own listens.
const OWN_SERVER: (&str, &str) = ("orkee.example.com", "http://127.0.0.1:8787");

/// The network, for as long as the test runs.
pub(super) struct World {
    pub front: Front,
    pub proxy: Proxy,
    folder: tempfile::TempDir,
    _dns: Dns,
}

impl World {
    /// In a network of the test's own.
    pub(super) fn start() -> Self {
        let dns = Dns::at("127.0.0.1:53");
        for name in NAMES {
            dns.script(name, &[&[PUBLIC]]);
        }
        dns.script("proxy", &[&["127.0.0.1"]]);
        let front = Front::at(&format!("{PUBLIC}:443"), &NAMES);
        let receiver = Receiver::start();
        receiver.always("/broken", Behaviour::with_body(503, "{\"error\":\"no such order\u{1b}[2J\"}"));
        for name in RECEIVERS {
            front.lead(name, &receiver.url);
        }
        front.lead(OWN_SERVER.0, OWN_SERVER.1);
        let folder = tempfile::tempdir().unwrap();
        write_down(receiver, folder.path().join("received"));
        Self { front, proxy: Proxy::open_at(8080), folder, _dns: dns }
    }

    /// The file with what receivers of webhooks got so far, a line each: method, path, body. Beside it are headers and body of the last.
    pub(super) fn received(&self) -> PathBuf {
        self.folder.path().join("received")
    }

    /// What is to be trusted.
    pub(super) fn authority(&self) -> PathBuf {
        self.front.authority()
    }
}

/// Writes down what comes, for as long as there is a folder for it.
fn write_down(receiver: Receiver, path: PathBuf) {
    std::thread::spawn(move || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&path)?;
        let mut written = 0;
        loop {
            let received = receiver.received();
            for request in &received[written..] {
                let lines = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
                std::fs::write(path.with_extension("headers"), lines.collect::<String>())?;
                std::fs::write(path.with_extension("body"), &request.body)?;
                let body = String::from_utf8_lossy(&request.body);
                writeln!(file, "{} {} {body}", request.method, request.path)?;
            }
            written = received.len();
            std::thread::sleep(Duration::from_millis(50));
        }
    });
}
