//! Sending in the background and beside others: one detached process at a time, which holds neither a terminal nor a pipe; several
//! processes that share the work by leases; many events in little memory.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use orkee_tests::home::finish;
use orkee_tests::receiver::{Behaviour, Received, Receiver};
use orkee_tests::sender::Sender;
use orkee_tests::{tally, wait};

fn ids(received: &[Received]) -> BTreeSet<String> {
    received.iter().map(|r| r.header("webhook-id").unwrap().to_owned()).collect()
}

fn quietly(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The processes that send in the background for a device.
fn in_background(sender: &Sender) -> Vec<u32> {
    let home = sender.home.orkee().canonicalize().unwrap();
    let is_one = |process: &PathBuf| {
        let args = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let is_detached = args.split(|b| *b == 0).any(|arg| arg == b"--detached");
        is_detached && std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == home)
    };
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).filter(is_one);
    processes.map(|path| path.file_name().unwrap().to_str().unwrap().parse().unwrap()).collect()
}

/// Waits until nothing is sent in the background any more.
fn is_quiet(sender: &Sender) {
    wait::until("the end of the drain", || in_background(sender).is_empty().then_some(()));
}

#[test]
fn w18_two_processes_that_drain_at_once_send_each_event_once() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    for n in 0..5 {
        sender.endpoint(
            &receiver.always(&format!("/{n}"), Behaviour::status(204).after(Duration::from_millis(5))),
        );
    }
    sender.emit("p", 60);
    let drains = [0, 1].map(|_| quietly(sender.drain_command()));
    let ended = drains.map(|mut drain| drain.wait().unwrap());
    assert!(ended.iter().all(|status| status.success()), "{ended:?}");
    let pairs: BTreeSet<_> = receiver
        .received()
        .iter()
        .map(|r| (r.path.clone(), r.header("webhook-id").unwrap().to_owned()))
        .collect();
    assert_eq!((receiver.received().len(), pairs.len()), (300, 300));
    assert!(sender.deliveries().iter().all(|d| d.state == "delivered" && d.attempts == 1));
}

#[test]
fn w18_what_a_crashed_process_was_about_to_send_is_sent_by_another_once_its_lease_is_over() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let slow = || Behaviour::status(204).after(Duration::from_secs(30));
    sender.endpoint(&receiver.script("/hook", [slow(), slow(), slow(), slow(), Behaviour::status(204)]));
    sender.emit("p", 4);
    let mut crashed = quietly(sender.drain_command());
    receiver.wait_for(4);
    crashed.kill().unwrap();
    crashed.wait().unwrap();
    // The leases hold: nobody can know that it crashed.
    sender.drain();
    assert_eq!(receiver.received().len(), 4);
    sender.pass(Duration::from_secs(61));
    let drains = [0, 1].map(|_| quietly(sender.drain_command()));
    for mut drain in drains {
        assert!(drain.wait().unwrap().success());
    }
    let received = receiver.received();
    assert_eq!(received.len(), 8, "each once more");
    assert_eq!(ids(&received[..4]), ids(&received[4..]));
    assert!(sender.deliveries().iter().all(|d| d.state == "delivered" && d.attempts == 1));
}

#[test]
fn w18_a_command_that_leaves_deliveries_returns_at_once_and_they_are_sent_in_the_background() {
    let (sender, receiver) = (Sender::in_background(), Receiver::start());
    receiver.always("/hook", Behaviour::status(204).after(Duration::from_secs(12)));
    sender.endpoint(&format!("{}/hook", receiver.url));
    let begun = Instant::now();
    // Read to the end of its output: whoever holds that open holds this up.
    let project = sender.home.add("in the background");
    let took = begun.elapsed();
    let received = receiver.wait_for(1);
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(received[0].json()["project_id"], project);
    is_quiet(&sender);
    assert_eq!(sender.deliveries()[0].state, "delivered");
}

#[test]
fn w18_only_one_process_sends_in_the_background_and_it_takes_what_comes_meanwhile() {
    let (sender, receiver) = (Sender::in_background(), Receiver::start());
    let slow = Behaviour::status(204).after(Duration::from_secs(2));
    sender.endpoint(&receiver.script("/hook", [slow, Behaviour::status(204)]));
    let mut most = 0;
    for n in 0..20 {
        sender.home.add(&format!("project {n}"));
        most = most.max(in_background(&sender).len());
    }
    let received = receiver.wait_for(20);
    // Others may just have been started, and end when they find the lock held.
    assert!((1..=5).contains(&most), "{most} processes");
    assert_eq!(ids(&received).len(), 20);
    is_quiet(&sender);
    assert!(sender.deliveries().iter().all(|d| d.state == "delivered" && d.attempts == 1));
}

#[test]
fn w18_a_drain_in_the_background_stays_for_a_retry_that_is_due_soon() {
    let (sender, receiver) = (Sender::in_background(), Receiver::start());
    sender.endpoint(&receiver.script("/hook", [Behaviour::status(500), Behaviour::status(204)]));
    sender.home.add("tried twice");
    let received = receiver.wait_for(2);
    let pause = received[1].at.duration_since(received[0].at);
    assert!(pause >= Duration::from_secs(4), "{pause:?}");
    is_quiet(&sender);
    assert_eq!(sender.deliveries()[0].state, "delivered");
}

#[test]
fn w18_a_drain_in_the_background_holds_no_file_of_the_command_that_started_it() {
    let (sender, receiver) = (Sender::in_background(), Receiver::start());
    receiver.always("/hook", Behaviour::status(204).after(Duration::from_secs(12)));
    sender.endpoint(&format!("{}/hook", receiver.url));
    // A pipe under a number of its own, as a script may have one.
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = sender.home.shell("\"$ORKEE\" projects add --name piped 9>&0");
    command.stdin(Stdio::from(writer.try_clone().unwrap()));
    finish_with_its_stdin(command);
    drop(writer);
    let begun = Instant::now();
    let mut said = Vec::new();
    reader.read_to_end(&mut said).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    receiver.wait_for(1);
    let [process] = in_background(&sender)[..] else { panic!("one drain is under way") };
    let null = File::open("/dev/null").unwrap();
    for fd in 0..3 {
        let target = std::fs::read_link(format!("/proc/{process}/fd/{fd}")).unwrap();
        let expected = std::fs::read_link(format!("/proc/self/fd/{}", null.as_fd().as_raw_fd())).unwrap();
        assert_eq!(target, expected);
    }
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let (session, terminal) = (fields[3], fields[4]);
    assert_eq!((session, terminal), (process.to_string().as_str(), "0"), "a session of its own, no terminal");
    is_quiet(&sender);
}

/// Runs a command whose standard input is set already.
fn finish_with_its_stdin(mut command: Command) {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn w18_orkee_webhook_drain_off_starts_nothing_and_a_drain_by_name_sends_all_the_same() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    sender.endpoint(&receiver.url);
    sender.home.add("not by itself");
    sender.home.ok(["projects", "list"]);
    assert!(in_background(&sender).is_empty() && !sender.home.orkee().join("webhook.lock").exists());
    assert_eq!(receiver.received().len(), 0);
    assert_eq!(sender.drain()["delivered"], 1);
    receiver.wait_for(1);
}

#[test]
fn w18_a_database_that_is_locked_while_attempts_end_makes_none_of_them_twice() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    // Slow enough for the lock to be had before the first of them ends.
    let slow = || Behaviour::status(204).after(Duration::from_secs(4));
    sender.endpoint(&receiver.script("/hook", [slow(), slow(), slow(), slow(), Behaviour::status(204)]));
    sender.emit("p", 6);
    let drain = sender.drain_command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    receiver.wait_for(4);
    let database = sender.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Longer than a transaction waits for another.
    std::thread::sleep(Duration::from_secs(9));
    assert_eq!(receiver.received().len(), 4, "nothing is claimed meanwhile");
    database.execute_batch("ROLLBACK").unwrap();
    let output = drain.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(receiver.received().len(), 6);
    assert!(sender.deliveries().iter().all(|d| d.state == "delivered" && d.attempts == 1));
}

/// What `deliveries` says of the state of the only one.
fn the_only_one(sender: &Sender) -> String {
    let list = sender.home.json(["cloud", "webhook", "deliveries", "--local"]);
    let [one] = &list["deliveries"].as_array().unwrap()[..] else { panic!("{list}") };
    assert_eq!(one["state"], "pending", "{list}");
    one["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn w18_where_nothing_can_be_sent_the_command_that_left_it_says_so_once_and_the_delivery_says_why_it_waits() {
    let (mut sender, receiver) = (Sender::in_background(), Receiver::start());
    sender.endpoint(&receiver.url);
    sender.home.set("ORKEE_WEBHOOK_PROXY", "socks5://canary");
    let left = sender.home.run(["projects", "add", "--name", "waits"]).success();
    assert_eq!(left.stderr.matches("cannot be sent").count(), 1, "{left}");
    assert!(left.stderr.contains("proxy") && !left.stderr.contains("canary"), "{left}");
    let later = sender.home.run(["projects", "list"]).success();
    assert_eq!(later.stderr, "", "{later}");
    assert!(in_background(&sender).is_empty() && !sender.home.orkee().join("webhook.lock").exists());
    let why = the_only_one(&sender);
    assert!(why.contains("proxy") && !why.contains("canary"), "{why}");
    sender.home.set("ORKEE_WEBHOOK_PROXY", "");
    sender.home.ok(["projects", "list"]);
    receiver.wait_for(1);
    is_quiet(&sender);
    let sent = sender.deliveries().remove(0);
    assert_eq!((sent.state.as_str(), sent.why), ("delivered", None));
}

#[test]
fn w18_a_dispatcher_that_is_missing_is_named_once_and_by_what_waits_for_it() {
    let (sender, receiver) = (Sender::in_background(), Receiver::start());
    sender.endpoint_with(&receiver.url, |endpoint| endpoint.dispatcher = "nowhere".to_owned());
    let left = sender.home.run(["projects", "add", "--name", "waits"]).success();
    assert_eq!(left.stderr.matches("no dispatcher `nowhere`").count(), 1, "{left}");
    // With attempts behind it, too.
    wait::until("an attempt", || (sender.deliveries()[0].attempts > 0).then_some(()));
    let later = sender.home.run(["projects", "list"]).success();
    assert_eq!(later.stderr, "", "{later}");
    assert!(the_only_one(&sender).contains("no dispatcher `nowhere`"));
    for process in in_background(&sender) {
        let pid = rustix::process::Pid::from_raw(process as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
    is_quiet(&sender);
}

#[test]
fn w18_a_command_that_leaves_nothing_due_starts_nothing() {
    let (sender, receiver) = (Sender::in_background(), Receiver::start());
    sender.home.add("nobody listens");
    sender.endpoint(&receiver.url);
    sender.home.ok(["projects", "list"]);
    sender.home.ok(["--version"]);
    assert!(in_background(&sender).is_empty() && !sender.home.orkee().join("webhook.lock").exists());
}

#[test]
fn w18_drain_watch_goes_on_until_it_is_interrupted_and_writes_what_is_under_way() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    receiver.always("/hook", Behaviour::status(204).after(Duration::from_secs(1)));
    sender.endpoint(&format!("{}/hook", receiver.url));
    let mut command = sender.home.command(["cloud", "webhook", "drain", "--watch"]);
    let watch = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for n in 1..=3 {
        sender.home.add(&format!("watched {n}"));
        receiver.wait_for(n);
    }
    let pid = rustix::process::Pid::from_child(&watch);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = watch.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(sender.deliveries().iter().all(|d| d.state == "delivered" && d.attempts == 1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.matches("project.created").count(), 3, "{said}");
}

#[test]
fn w42_ten_thousand_queued_events_are_sent_once_each_in_little_memory_and_few_files() {
    const EVENTS: usize = 10_000;
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let endpoint = sender.endpoint(&receiver.url);
    sender.emit("p", EVENTS);
    let begun = Instant::now();
    let mut drain = quietly(sender.drain_command());
    let (mut memory, mut files) = (0, 0);
    while drain.try_wait().unwrap().is_none() {
        let process = PathBuf::from(format!("/proc/{}", drain.id()));
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        memory = peak.and_then(|peak| peak.trim().parse::<u64>().ok()).unwrap_or(0).max(memory);
        files = std::fs::read_dir(process.join("fd")).map_or(0, Iterator::count).max(files);
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = begun.elapsed();
    let received = receiver.received();
    assert_eq!((received.len(), ids(&received).len()), (EVENTS, EVENTS));
    assert!(sender.deliveries_to(&endpoint).iter().all(|d| d.state == "delivered"));
    assert!(memory < 150_000, "{memory} kB");
    assert!(files < 100, "{files} files");
    let rate = EVENTS as f64 / took.as_secs_f64();
    tally::note("events a second from a queue of 10,000 to a local receiver (not optimised)", rate as usize);
    // This build is not optimised, and runs beside other tests: how fast a release build is, `cargo xtask bench` shows and judges.
    finish(sender.drain_command(), &[]).success();
}
