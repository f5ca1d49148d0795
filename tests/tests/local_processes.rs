//! Several processes of one person at once, and a process that is stopped in the middle.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::process::Stdio;
use std::thread;

use orkee_tests::home::Home;

#[test]
fn c71_two_processes_that_add_at_once_lose_nothing() {
    let home = Home::new();
    // Both begin on a device without a database.
    thread::scope(|scope| {
        for who in ["a", "b"] {
            let home = &home;
            scope.spawn(move || {
                for n in 0..50 {
                    home.add(&format!("{who}{n}"));
                }
            });
        }
    });
    let names: BTreeSet<String> =
        home.projects().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
    let expected: BTreeSet<String> =
        ["a", "b"].iter().flat_map(|who| (0..50).map(move |n| format!("{who}{n}"))).collect();
    assert_eq!(names, expected);
}

#[test]
fn c71_two_processes_that_edit_one_project_at_once_lose_nothing() {
    let home = Home::new();
    let id = home.add("shop");
    thread::scope(|scope| {
        for who in ["a", "b"] {
            let (home, id) = (&home, &id);
            scope.spawn(move || {
                for n in 0..20 {
                    home.ok(["projects", "edit", id, "--add-tag", &format!("{who}{n}")]);
                }
            });
        }
    });
    assert_eq!(home.projects()[0]["tags"].as_array().unwrap().len(), 40);
    assert_eq!(home.json(["projects", "history", &id])["versions"].as_array().unwrap().len(), 41);
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let home = Home::new();
    let mut acknowledged = 0;
    for n in 0..20 {
        let mut child = home
            .command(["projects", "add", "--name", &format!("p{n}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if n % 2 == 0 {
            acknowledged += usize::from(child.wait().unwrap().success());
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    assert_eq!(acknowledged, 10);
    let count = home.projects().len();
    assert!((acknowledged..=20).contains(&count), "{count}");
}
