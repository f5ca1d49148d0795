//! `orkee cloud webhook listen`: events come to a program on this machine as a receiver would get them.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use orkee_tests::device::Device;
use orkee_tests::hooked::{signature, signatures};
use orkee_tests::receiver::{Behaviour, Received, Receiver};
use orkee_tests::server::Server;
use orkee_tests::wait;
use rustix::process::{Pid, Signal};
use serde_json::Value;

/// A `listen` that runs, with `--json`.
struct Listening {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    /// What it said first.
    began: Value,
}

impl Listening {
    fn start(device: &Device, args: &[&str]) -> Self {
        let mut command = device.orkee(&[&["cloud", "webhook", "listen", "--json"], args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let began = object(&lines.next().unwrap().unwrap())["listening"].take();
        Self { child, lines, began }
    }

    /// What it says next of an event.
    fn forwarded(&mut self) -> Value {
        object(&self.lines.next().unwrap().unwrap())["forwarded"].take()
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }
}

/// Each line is an object of its own.
fn object(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    assert_eq!(value["schema_version"], 1, "{line}");
    value
}

fn is_signed(secret: &str, request: &Received) -> bool {
    signatures(request) == [signature(secret, request)]
}

/// How many webhooks there are.
fn count(device: &Device) -> usize {
    device.json(&["cloud", "webhook", "list"])["webhooks"].as_array().unwrap().len()
}

#[test]
fn w39_what_happens_on_this_device_is_brought_with_true_signatures() {
    let device = Device::new("http://127.0.0.1:9");
    let receiver = Receiver::start();
    let url = receiver.script("/hook", [Behaviour::status(200), Behaviour::status(500)]);
    let mut listening = Listening::start(&device, &["--local", "--forward-to", &url, "--print-secret"]);
    let secret = listening.began["secret"].as_str().unwrap().to_owned();
    let project = device.add("shop");
    let first = listening.forwarded();
    assert_eq!((&first["event"], &first["status"]), (&"project.created".into(), &200.into()), "{first}");
    device.edit(&project, "--description", "new");
    let second = listening.forwarded();
    assert_eq!((&second["event"], &second["class"]), (&"project.updated".into(), &"server_error".into()));

    let received = receiver.received();
    assert!(received.len() == 2 && received.iter().all(|one| is_signed(&secret, one)), "{received:?}");
    assert_eq!(received[0].json()["project_id"], project.as_str());
    assert_eq!(received[0].header("webhook-id"), first["id"].as_str());
    assert_eq!(count(&device), 1);
    assert_eq!(listening.end(Signal::INT), Some(130));
    assert_eq!(count(&device), 0, "it is gone when nobody listens");
}

#[test]
fn w39_only_the_events_that_were_asked_for_come_and_no_secret_that_was_not() {
    let device = Device::new("http://127.0.0.1:9");
    let receiver = Receiver::start();
    let args = ["--local", "--forward-to", &receiver.url, "--event", "project.deleted"];
    let mut listening = Listening::start(&device, &args);
    assert!(listening.began["secret"].is_null(), "{}", listening.began);
    let project = device.add("shop");
    device.run(&["projects", "delete", &project, "--yes"]).success();
    assert_eq!(listening.forwarded()["event"], "project.deleted");
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(listening.end(Signal::TERM), Some(130));
}

#[test]
fn w39_one_that_was_killed_is_swept_by_the_next_and_one_that_runs_is_not() {
    let device = Device::new("http://127.0.0.1:9");
    let receiver = Receiver::start();
    let args = ["--local", "--forward-to", receiver.url.as_str()];
    let killed = Listening::start(&device, &args);
    let running = Listening::start(&device, &args);
    assert_eq!(killed.end(Signal::KILL), None);
    assert_eq!(count(&device), 2);
    let next = Listening::start(&device, &args);
    assert_eq!(count(&device), 2);
    assert_eq!(running.end(Signal::INT), Some(130));
    assert_eq!(next.end(Signal::INT), Some(130));
    assert_eq!(count(&device), 0);
}

#[test]
fn w39_one_that_was_killed_is_named_by_doctor_and_swept_at_the_end_of_any_command() {
    let device = Device::new("http://127.0.0.1:9");
    let args = ["--local", "--forward-to", "http://127.0.0.1:59/"];
    let (killed, running) = (Listening::start(&device, &args), Listening::start(&device, &args));
    let [left, stays] = [&killed, &running].map(|one| one.began["id"].as_str().unwrap().to_owned());
    device.run(&["doctor"]).success();
    assert_eq!(count(&device), 2, "both are listened to");
    assert_eq!(killed.end(Signal::KILL), None);
    let ran = device.run(&["doctor"]).success();
    assert!(ran.stdout.contains(&left) && !ran.stdout.contains(&stays), "{ran}");
    let list = device.json(&["cloud", "webhook", "list"])["webhooks"].take();
    let ids: Vec<_> =
        list.as_array().unwrap().iter().map(|webhook| webhook["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [stays]);
    assert_eq!(running.end(Signal::INT), Some(130));
}

#[test]
fn w41_what_was_fetched_is_forgotten_after_its_time_though_nothing_is_ever_sent() {
    let device = Device::new("http://127.0.0.1:9");
    let receiver = Receiver::start();
    let mut listening = Listening::start(&device, &["--local", "--forward-to", &receiver.url]);
    device.add("shop");
    listening.forwarded();
    let database = rusqlite::Connection::open(device.home().join("orkee.db")).unwrap();
    let count = |sql: &str| database.query_row::<u32, _, _>(sql, [], |row| row.get(0)).unwrap();
    let settled = "SELECT count(*) FROM deliveries WHERE settled_at IS NOT NULL";
    wait::until("the end of the delivery", || (count(settled) == 1).then_some(()));
    database.execute("UPDATE deliveries SET settled_at = settled_at - 40 * 86400000", []).unwrap();
    device.run(&["projects", "list"]).success();
    assert_eq!(count("SELECT count(*) FROM deliveries") + count("SELECT count(*) FROM events"), 0);
    assert_eq!(listening.end(Signal::INT), Some(130));
}

#[test]
fn w39_what_cannot_be_forwarded_to_is_told_before_anything_begins() {
    let device = Device::new("http://127.0.0.1:9");
    for url in ["ftp://127.0.0.1/", "http://example.com/", "nowhere", "https://10.0.0.1/"] {
        let ran = device.run(&["cloud", "webhook", "listen", "--local", "--forward-to", url]);
        assert!(ran.code == Some(2) && ran.stderr.contains("error[E-"), "{url}: {ran}");
    }
    let args = ["cloud", "webhook", "listen", "--forward-to", "http://127.0.0.1:3000/"];
    device.run(&args).fails(4, "E-HOOK-040").says("--local");
    assert_eq!(count(&device), 0);
}

#[test]
fn w39_what_happens_on_any_device_of_the_account_is_brought() {
    let server = Server::tireless();
    let receiver = Receiver::start();
    let token = server.token();
    let device = Device::with_token(&server.url, &token);
    let mut listening = Listening::start(&device, &["--forward-to", &receiver.url, "--print-secret"]);
    let secret = listening.began["secret"].as_str().unwrap().to_owned();
    let other = Device::with_token(&server.url, &token);
    other.add("shop");
    other.sync();
    assert_eq!(listening.forwarded()["event"], "project.created");
    let received = wait::until("the event", || receiver.received().into_iter().next());
    assert!(is_signed(&secret, &received), "{received:?}");
    assert_eq!(listening.end(Signal::INT), Some(130));
    assert_eq!(count(&device), 0);
}
