//! `orkee projects scan`: from folders with git checkouts to projects, and projects that are not on this device.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use orkee_tests::home::Home;
use orkee_tests::terminal::Terminal;
use serde_json::{Value, json};

/// A git checkout of the person, with this remote.
fn checkout(home: &Home, name: &str, remote: &str) -> PathBuf {
    home.file(&format!("{name}/.git/HEAD"), "ref: refs/heads/main\n");
    home.file(&format!("{name}/.git/config"), format!("[remote \"origin\"]\n\turl = {remote}\n"));
    home.path(name)
}

fn scan(home: &Home, args: &[&str]) -> Value {
    home.json([&["projects", "scan"][..], args].concat())
}

/// What one device has of a shop whose folder is elsewhere.
const SHOP: &str = r#"{"version":1,"projects":[{"id":"SHOPSHOP","name":"Shop","projectRoot":"/home/another/shop",
    "gitRepository":{"owner":"acme","repo":"shop","url":"git@github.com:acme/shop.git"}}]}"#;

#[test]
fn c73_a_scan_adds_what_is_new_locates_what_is_not_here_and_a_second_one_changes_nothing() {
    let home = Home::new();
    home.run_with(["projects", "import", "-"], SHOP).success();
    let shop = checkout(&home, "code/shop", "https://github.com/acme/shop.git");
    checkout(&home, "code/site", "git@github.com:acme/site.git");
    home.folder("code/node_modules/left");
    let before = home.projects();

    let told = scan(&home, &["code", "--dry-run"]);
    assert_eq!((&told["added"][0]["id"], &told["added"][0]["name"]), (&Value::Null, &json!("site")));
    assert_eq!(told["located"][0]["id"], "SHOPSHOP");
    assert_eq!(home.projects(), before, "a dry run changes nothing");

    let done = scan(&home, &["code", "--yes"]);
    assert_eq!(done["located"][0]["path"], shop.to_str().unwrap());
    assert_eq!(done["added"][0]["repository"], "github.com/acme/site");
    let id = done["added"][0]["id"].as_str().unwrap();
    let site = home.json(["projects", "show", id]);
    assert_eq!(site["project"]["projectRoot"], home.path("code/site").to_str().unwrap());
    assert_eq!(site["project"]["gitRepository"]["branch"], "main");
    assert_eq!(home.json(["projects", "show", "SHOPSHOP"])["root"], shop.to_str().unwrap());
    assert_eq!(home.projects().len(), 2);

    let before = home.ok(["projects", "export"]);
    let again = scan(&home, &["code", "--yes"]);
    assert_eq!((&again["added"], &again["located"]), (&json!([]), &json!([])));
    assert_eq!(again["known"].as_array().unwrap().len(), 2);
    assert_eq!(home.ok(["projects", "export"]), before);
}

#[test]
fn c73_c24_without_a_terminal_a_scan_names_yes_and_waits_for_nobody() {
    let home = Home::new();
    checkout(&home, "code/site", "git@github.com:acme/site.git");
    home.run(["projects", "scan", "code"]).fails(2, "E-CLI-003").says("--yes");
    home.run(["projects", "scan", "code", "--json"]).exits(2);
    assert_eq!(home.projects().len(), 0);
    home.ok(["projects", "scan", "code", "--yes"]);
    // With nothing to ask there is no question.
    home.ok(["projects", "scan", "code"]);
    assert_eq!(home.projects().len(), 1);
}

#[test]
fn c73_at_a_terminal_a_scan_asks_for_all_each_or_none() {
    let home = Home::new();
    checkout(&home, "code/a", "git@github.com:acme/a.git");
    checkout(&home, "code/b", "git@github.com:acme/b.git");
    let names = || home.projects().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let at_terminal = |answers: &[(&str, &str)]| {
        let mut command = home.command(["projects", "scan", "code"]);
        command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        let mut terminal = Terminal::open(command, 100);
        for (question, answer) in answers {
            terminal.answer(question, answer);
        }
        let (status, seen) = terminal.finish();
        assert!(status.success(), "{seen}");
        seen
    };
    assert!(at_terminal(&[("2 to add: which?", "n\n")]).contains("Nothing was changed"));
    assert_eq!(names(), [""; 0]);
    at_terminal(&[("2 to add: which?", "each\n"), ("code/a?", "n\n"), ("code/b?", "y\n")]);
    assert_eq!(names(), ["b"]);
    assert!(at_terminal(&[("1 to add: which?", "a\n")]).contains("1 added"));
    assert_eq!(home.projects().len(), 2);
}

#[test]
fn c74_further_checkouts_are_told_and_left_and_projects_of_one_repository_are_named() {
    let home = Home::new();
    home.run_with(["projects", "import", "-"], SHOP).success();
    let twin = SHOP.replace("SHOPSHOP", "TWINTWIN").replace("/home/another/shop", "/home/third/shop");
    home.run_with(["projects", "import", "-"], twin).success();
    let remote = "ssh://git@github.com:22/acme/shop";
    for name in ["code/one", "code/three", "code/two"] {
        checkout(&home, name, remote);
    }
    let done = scan(&home, &["code", "--yes"]);
    assert_eq!((done["located"].as_array().unwrap().len(), &done["added"]), (2, &json!([])));
    assert_eq!(done["others"][0]["path"], home.path("code/two").to_str().unwrap());
    assert_eq!(done["same_repository"][0]["repository"], "github.com/acme/shop");
    let ids: Vec<&Value> =
        done["same_repository"][0]["projects"].as_array().unwrap().iter().map(|p| &p["id"]).collect();
    assert_eq!(ids, ["SHOPSHOP", "TWINTWIN"]);
    let ran = home.run(["projects", "scan", "code"]).success();
    assert!(ran.stderr.contains("SHOPSHOP") && ran.stderr.contains("TWINTWIN"), "{ran}");
    assert!(ran.stdout.contains("one more checkout of"), "{ran}");
}

#[test]
fn b22_a_folder_that_is_not_there_or_is_a_file_is_refused() {
    let home = Home::new();
    let file = home.file("file", "");
    for path in ["nowhere", file.to_str().unwrap()] {
        home.run(["projects", "scan", path]).fails(2, "E-SCAN-001").says("cannot look into the folder");
    }
    home.run(["projects", "scan"]).exits(2);
    home.run(["projects", "scan", ".", "--depth", "-1"]).exits(2);
    home.add("the next one works");
}

#[test]
fn c69a_a_project_whose_folder_is_not_here_is_shown_as_that_until_it_is_located() {
    let home = Home::new();
    home.run_with(["projects", "import", "-"], SHOP).success();
    home.add("here");
    let shown = home.run(["projects", "show", "Shop"]).success();
    assert!(shown.stdout.contains("/home/another/shop  (not on this device)"), "{shown}");
    assert!(shown.stderr.contains("orkee projects locate SHOPSHOP"), "{shown}");
    assert_eq!(home.json(["projects", "show", "Shop"])["folder_exists"], false);
    let missing = home.json(["projects", "list", "--missing"]);
    assert_eq!(
        (missing["projects"].as_array().unwrap().len(), &missing["projects"][0]["id"]),
        (1, &json!("SHOPSHOP"))
    );

    let folder = home.folder("shop");
    home.ok(["projects", "locate", "Shop", "shop"]);
    let shown = home.ok(["projects", "show", "Shop"]);
    assert!(shown.contains(folder.to_str().unwrap()) && shown.contains("/home/another/shop"), "{shown}");
    assert!(!shown.contains("not on this device"), "{shown}");
    assert_eq!(home.json(["projects", "list", "--missing"])["projects"], json!([]));

    assert_eq!(home.json(["projects", "locate", "Shop", "--clear"])["root"], Value::Null);
    assert_eq!(home.json(["projects", "show", "Shop"])["folder_exists"], false);
    home.run(["projects", "locate", "Shop"]).exits(2);
    home.run(["projects", "locate", "Shop", "shop", "--clear"]).exits(2);
}
