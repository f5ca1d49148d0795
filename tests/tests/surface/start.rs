//! The beginning: what starting costs, in what does not vary (which files are opened, and that nobody is connected to), and what a new
//! user is told.

use std::path::Path;

use orkee_tests::home::Home;
use orkee_tests::trace::{self, Call};

/// The calls of a command that open something of the person's or of Orkee's, or reach for the network.
fn reaches(home: &Home, args: &[&str]) -> Vec<String> {
    let (ran, calls) = trace::record(&home.command(args), &[]);
    ran.success();
    let theirs = |call: &&Call| {
        let on = Path::new(&call.on);
        call.name == "connect"
            || call.name.starts_with("open")
                && (on.starts_with(home.orkee()) || on.starts_with(home.path("")))
    };
    calls.iter().filter(theirs).map(|call| call.on.clone()).collect()
}

#[test]
fn starting_opens_nothing_of_the_persons_before_a_command_needs_it() {
    if !trace::is_there() {
        return;
    }
    let home = Home::new();
    home.add("shop");
    for args in [
        &["--version"][..],
        &["--help"],
        &["projects", "add", "--help"],
        &["help", "env"],
        &["completions", "bash"],
        &["man"],
    ] {
        assert_eq!(reaches(&home, args), [] as [&str; 0], "{args:?}");
    }
}

#[test]
fn a_list_of_projects_opens_the_settings_and_the_database_and_reaches_for_no_network() {
    if !trace::is_there() {
        return;
    }
    let home = Home::new();
    home.add("shop");
    let opened = reaches(&home, &["projects", "list"]);
    let known = ["orkee.db", "orkee.db-wal", "orkee.db-shm", ".env", "config.toml"];
    for on in &opened {
        let name = Path::new(on).file_name().unwrap().to_str().unwrap();
        assert!(known.contains(&name), "{name}: {opened:?}");
    }
    assert!(opened.len() <= 7, "{opened:?}");
}

#[test]
fn a_new_user_is_told_each_thing_once_and_of_what_is_not_there_yet_as_such() {
    let home = Home::new();
    for (args, told) in [
        (&["audit"][..], "The audit trail has no rows yet.\n"),
        (&["audit", "--action", "login"], "The audit trail has no such rows.\n"),
        (&["cloud", "webhook", "deliveries", "--local"], "There are no deliveries yet.\n"),
        (&["cloud", "webhook", "deliveries", "--local", "--failed"], "There are no such deliveries.\n"),
    ] {
        assert_eq!(home.run(args).success().stderr, told, "{args:?}");
    }
    home.add("shop");
    home.run(["cloud", "sync"]).fails(4, "E-AUTH-001");
    let status = home.run(["cloud", "status"]).exits(4);
    assert_eq!(status.stderr, "hint: run `orkee cloud login`\n", "{status}");
    assert!(status.stdout.contains("Not sent yet: 1 project, since 2"), "{status}");
}
