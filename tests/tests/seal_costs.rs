//! What it costs that an account is sealed, counted and never timed: requests and bytes, beside the same account in plain.

#![allow(clippy::unwrap_used)]

use orkee_tests::device::Device;
use orkee_tests::sealed_account as account;
use orkee_tests::server::Server;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// A page of the documentation, whose words are taken: the first ones more often, as people use some words more than others.
const PROSE: &str = include_str!("../../docs/guide.md");
const PROJECTS: usize = 1_000;

/// So many projects of about 2.3 KB, each of its own words.
fn projects(count: usize) -> String {
    let words: Vec<&str> = PROSE.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| w.len() > 1).collect();
    let mut random = SmallRng::seed_from_u64(7);
    let mut prose =
        |n: usize| (0..n).map(|_| words[random.random_range(0..words.len())]).collect::<Vec<_>>().join(" ");
    let mut task = |n: usize| {
        json!({"id": n, "title": prose(6), "description": prose(22), "status": "pending", "priority": "high",
            "dependencies": [], "subtasks": []})
    };
    let tasks: Vec<Vec<Value>> = (0..count).map(|_| (1..=6).map(&mut task).collect()).collect();
    let project = |(n, tasks): (usize, Vec<Value>)| {
        json!({"id": format!("proj{n:04}"), "name": format!("project {n}"), "description": prose(90), "setupScript": "npm ci",
            "devScript": format!("npm run dev -- --port {}", 3000 + n), "manualTasks": tasks})
    };
    let projects: Vec<Value> = tasks.into_iter().enumerate().map(project).collect();
    json!({"version": 1, "projects": projects}).to_string()
}

/// What each sync of an account told: a first upload, a second device, nothing changed, ten changed.
fn told(is_sealed: bool) -> [Value; 4] {
    let server = Server::tireless();
    let token = server.token();
    let first = Device::with_token(&server.url, &token);
    let second = Device::with_token(&server.url, &token);
    if is_sealed {
        let phrase = account::init(&first);
        account::recover(&second, &phrase).success();
    }
    first.import(&projects(PROJECTS));
    let upload = first.sync();
    let download = second.sync();
    assert_eq!(second.export(), first.export());
    first.sync();
    let nothing = first.sync();
    for n in 0..10 {
        first.edit(&format!("proj{:04}", n * 97), "--description", "ten were changed");
    }
    let ten = first.sync();
    let expected: &[u32] = if is_sealed { &[1] } else { &[0] };
    assert_eq!(account::epochs(&server.data()), expected);
    [upload, download, nothing, ten]
}

#[test]
fn k79_a_sealed_account_asks_as_often_as_a_plain_one_and_sends_at_most_twice_as_much() {
    let (plain, sealed) = (told(false), told(true));
    let number = |value: &Value, name: &str| value[name].as_u64().unwrap();
    let bytes = |value: &Value| number(value, "bytes_up") + number(value, "bytes_down");
    for (plain, sealed) in plain.iter().zip(&sealed) {
        println!("{} {}\n{plain}\n{sealed}", bytes(plain), bytes(sealed));
        assert!(number(sealed, "round_trips") <= number(plain, "round_trips"), "{plain}\n{sealed}");
    }
    let [upload, download, nothing, ten] = &sealed;
    for (ours, plain) in [(upload, &plain[0]), (download, &plain[1])] {
        assert!(bytes(ours) <= 2 * bytes(plain), "{plain}\n{ours}");
    }
    assert_eq!(nothing["round_trips"], 1);
    assert!(bytes(nothing) < 1_000, "{nothing}");
    assert_eq!(ten["pushed"], 10);
    assert_eq!(ten["round_trips"], 1);
    assert!(bytes(ten) <= 20_000, "{ten}");
}
