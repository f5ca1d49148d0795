//! Senders and the receiver killed with -9 at random moments, while a person works: every event of what was committed arrives at
//! least once, always under one id, and none of what was not.
//!
//! `ORKEE_KILL_ROUNDS=500 cargo nextest run … -E 'binary(webhook_kills)'` kills more often; `ORKEE_KILL_SEED` chooses other moments.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use orkee_tests::sender::Sender;
use orkee_tests::{binaries, tally, wait};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn quietly(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A receiver that comes back at the same port after it was killed.
struct Sink {
    port: u16,
    file: PathBuf,
    process: Child,
}

impl Sink {
    fn start(file: PathBuf) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, process: Self::spawn(port, &file), file }
    }

    fn spawn(port: u16, file: &PathBuf) -> Child {
        let mut process = quietly(Command::new(binaries::path("hook-sink")).arg(port.to_string()).arg(file));
        // Somebody may have the port for a moment, be it only for the near end of a connection.
        wait::until("the receiver", || {
            if process.try_wait().unwrap().is_some() {
                process = quietly(Command::new(binaries::path("hook-sink")).arg(port.to_string()).arg(file));
            }
            wait::is_listened_at(port).then_some(())
        });
        process
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn restart(&mut self) {
        self.kill();
        self.process = Self::spawn(self.port, &self.file);
    }

    /// Ids and bodies, in the order in which they came.
    fn received(&self) -> Vec<(String, Value)> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        let line = |line: &str| {
            let (id, body) = line.split_once('\t').unwrap();
            (id.to_owned(), serde_json::from_str(body).unwrap())
        };
        text.lines().map(line).collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A person's changes, of which some were killed on their way.
#[derive(Default)]
struct Person {
    added: usize,
    /// Names of projects whose command was killed: they are there as a whole, or not at all.
    doubtful: BTreeSet<String>,
    kills: BTreeMap<&'static str, usize>,
}

impl Person {
    fn round(&mut self, round: u64, sender: &Sender, sink: &mut Sink, random: &mut SmallRng) {
        for _ in 0..3 {
            sender.home.add(&format!("added {}", self.added));
            self.added += 1;
        }
        let mut drains = [quietly(&mut sender.drain_command()), quietly(&mut sender.drain_command())];
        let name = format!("doubtful {round}");
        let mut change = quietly(&mut sender.home.command(["projects", "add", "--name", &name]));
        thread::sleep(Duration::from_millis(random.random_range(0..80)));
        let victims = random.random_range(1..16u32);
        for (n, drain) in drains.iter_mut().enumerate() {
            if victims & (1 << n) != 0 && drain.try_wait().unwrap().is_none() {
                drain.kill().unwrap();
                *self.kills.entry("senders").or_default() += 1;
            }
        }
        if victims & 4 != 0 && change.try_wait().unwrap().is_none() {
            change.kill().unwrap();
            *self.kills.entry("changes").or_default() += 1;
        }
        if victims & 8 != 0 {
            sink.restart();
            *self.kills.entry("receivers").or_default() += 1;
        }
        self.doubtful.insert(name);
        change.wait().unwrap();
        for mut drain in drains {
            drain.wait().unwrap();
        }
        // Leases of who was killed end, retries become due, breakers close.
        sender.pass(Duration::from_secs(61));
    }

    fn killed(&self) -> usize {
        self.kills.values().sum()
    }
}

#[test]
fn w16_killed_senders_receivers_and_changes_lose_no_event_and_invent_none() {
    let (kills, seed) = (setting("ORKEE_KILL_ROUNDS", 20), setting("ORKEE_KILL_SEED", 1));
    let context = format!("ORKEE_KILL_SEED={seed}");
    println!("{context}");
    let sender = Sender::new();
    let mut sink = Sink::start(sender.home.file("received", ""));
    sender.endpoint(&format!("http://127.0.0.1:{}/hook", sink.port));
    let (mut person, mut random) = (Person::default(), SmallRng::seed_from_u64(seed));
    let mut round = 0;
    while (person.killed() as u64) < kills {
        person.round(round, &sender, &mut sink, &mut random);
        round += 1;
    }
    while sender.deliveries().iter().any(|d| d.state == "pending") {
        sender.drain();
        sender.pass_to_next();
    }
    let states: BTreeSet<_> = sender.deliveries().into_iter().map(|d| d.state).collect();
    assert_eq!(states, ["delivered".to_owned()].into(), "{context}");
    is_complete(&context, &sender, &sink, &person);
    for (what, count) in &person.kills {
        tally::note(&format!("{what} of webhooks killed with -9 at random moments"), *count);
    }
}

/// Every project that is there was told of under one id, and no other was.
fn is_complete(context: &str, sender: &Sender, sink: &Sink, person: &Person) {
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, body) in sink.received() {
        assert_eq!(body["event"], "project.created", "{context}");
        let project = body["project_id"].as_str().unwrap().to_owned();
        bodies.entry(id.clone()).or_default().insert(body.to_string());
        ids.entry(project).or_default().insert(id);
    }
    let projects = sender.home.projects();
    let there: BTreeSet<_> = projects.iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.keys().cloned().collect::<BTreeSet<_>>(), there, "{context}: told of, and there");
    for (project, ids) in &ids {
        assert_eq!(ids.len(), 1, "{context}: {project} was told of as {ids:?}");
    }
    assert!(bodies.values().all(|bodies| bodies.len() == 1), "{context}: {bodies:?}");
    let names: BTreeSet<_> = projects.iter().map(|p| p["name"].as_str().unwrap()).collect();
    for n in 0..person.added {
        assert!(names.contains(format!("added {n}").as_str()), "{context}: what was acknowledged is there");
    }
    let doubtful = person.doubtful.iter().filter(|name| names.contains(name.as_str())).count();
    assert_eq!(there.len(), person.added + doubtful, "{context}");
}
