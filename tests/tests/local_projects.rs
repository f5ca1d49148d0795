//! The local commands, as a person and a script use them.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use orkee_tests::home::{Home, finish};
use serde_json::{Value, json};

fn git(folder: &Path, args: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn c60_add_takes_its_fields_from_flags_its_path_from_the_folder_and_the_repository_from_git() {
    let home = Home::new();
    let folder = home.folder("shop");
    git(&folder, &["init", "-q"]);
    git(&folder, &["remote", "add", "origin", "https://joe:secret@github.com/acme/shop.git"]);
    let mut command = home.command([
        "projects",
        "add",
        "--name",
        "Shop",
        "--description",
        "Sells",
        "--status",
        "building",
        "--priority",
        "high",
        "--tag",
        "web",
        "--tag",
        "rust",
        "--setup",
        "make setup",
        "--dev",
        "make dev",
        "--cleanup",
        "make clean",
        "--json",
    ]);
    command.current_dir(&folder);
    let project = finish(command, &[]).success().json()["project"].clone();
    assert_eq!(project["projectRoot"], folder.to_str().unwrap());
    assert_eq!(
        project["gitRepository"],
        json!({"owner": "acme", "repo": "shop", "url": "https://github.com/acme/shop.git", "branch": "main"})
    );
    for (field, value) in [
        ("name", json!("Shop")),
        ("description", json!("Sells")),
        ("status", json!("building")),
        ("priority", json!("high")),
        ("tags", json!(["web", "rust"])),
        ("setupScript", json!("make setup")),
        ("devScript", json!("make dev")),
        ("cleanupScript", json!("make clean")),
    ] {
        assert_eq!(project[field], value, "{field}");
    }
}

#[test]
fn c60_a_real_worktree_has_its_repository_and_its_own_branch() {
    let home = Home::new();
    let main = home.folder("main");
    git(&main, &["init", "-q"]);
    git(&main, &["remote", "add", "origin", "git@github.com:acme/shop.git"]);
    git(&main, &["commit", "-q", "--allow-empty", "-m", "x"]);
    git(&main, &["worktree", "add", "-q", "-b", "topic", "../topic"]);
    let project = home.json(["projects", "add", "--name", "x", "--path", "topic"])["project"].clone();
    assert_eq!(project["gitRepository"]["owner"], "acme");
    assert_eq!(project["gitRepository"]["branch"], "topic");
}

#[test]
fn c30_c61_list_filters_sorts_and_stops() {
    let home = Home::new();
    let add = |name: &str, status: &str, tag: &str| {
        home.ok([
            "projects",
            "add",
            "--name",
            name,
            "--status",
            status,
            "--tag",
            tag,
            "--description",
            "Größe",
        ]);
    };
    add("banana", "building", "fruit");
    add("apple", "launched", "fruit");
    add("carrot", "building", "root");
    let names = |args: &[&str]| -> Vec<String> {
        let found = home.json([&["projects", "list"], args].concat());
        found["projects"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["apple", "banana", "carrot"]);
    assert_eq!(names(&["--status", "building"]), ["banana", "carrot"]);
    assert_eq!(names(&["--tag", "fruit", "--sort", "status"]), ["banana", "apple"]);
    assert_eq!(names(&["--search", "ARR"]), ["carrot"]);
    assert_eq!(names(&["--search", "GRÖSSE"]), [] as [&str; 0]);
    assert_eq!(names(&["--search", "GRÖß", "--limit", "2"]), ["apple", "banana"]);
    assert_eq!(home.projects().len(), 3);
    let lines = home.ok(["projects", "list"]);
    assert_eq!(lines.lines().map(|l| l.split('\t').count()).collect::<Vec<_>>(), [6, 6, 6], "{lines}");
}

#[test]
fn c31_c62_show_takes_an_id_or_a_name_that_is_the_only_one() {
    let home = Home::new();
    let id = home.add("shop");
    assert_eq!(home.json(["projects", "show", "shop"])["project"]["id"], *id);
    assert_eq!(home.json(["projects", "show", &id])["project"]["name"], "shop");
    let other = home.add("shop");
    home.run(["projects", "show", "shop"]).fails(2, "E-STORE-013").says(&id).says(&other);
    home.run(["projects", "show", "shpo"]).fails(2, "E-STORE-010").says("did you mean");
}

#[test]
fn c63_edit_changes_what_its_flags_say_and_nothing_else() {
    let home = Home::new();
    home.ok(["projects", "add", "--name", "shop", "--tag", "a", "--tag", "b", "--dev", "make"]);
    let edit = |args: &[&str]| home.json([&["projects", "edit", "shop"], args].concat())["project"].clone();
    let before = home.projects()[0].clone();
    let edited = edit(&["--status", "launched", "--add-tag", "c", "--remove-tag", "a"]);
    assert_eq!((&edited["status"], &edited["tags"]), (&json!("launched"), &json!(["b", "c"])));
    assert_eq!((&edited["devScript"], &edited["createdAt"]), (&before["devScript"], &before["createdAt"]));
    assert_eq!(edit(&["--tag", "z"])["tags"], json!(["z"]));
    assert_eq!(edit(&["--dev", ""])["devScript"], Value::Null);
    home.run(["projects", "edit", "shop", "--name", ""]).fails(2, "E-PROJECT-001");
}

/// A program that stands in for the person's editor: a script of the shell, given the file.
fn editor(home: &mut Home, script: &str) {
    let path = home.file("editor.sh", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    home.set("EDITOR", path);
}

#[test]
fn c63_edit_without_flags_takes_over_what_the_editor_leaves() {
    let mut home = Home::new();
    let id = home.add("shop");
    editor(&mut home, r#"sed -i 's/"shop"/"store"/; s/"planning"/"review"/' "$1""#);
    home.ok(["projects", "edit", &id]);
    let project = &home.projects()[0];
    assert_eq!((&project["name"], &project["status"]), (&json!("store"), &json!("review")));
    assert_eq!(fs::read_dir(home.orkee().join("edit")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn c63_a_text_that_is_refused_is_kept_and_the_next_edit_goes_on_with_it() {
    let mut home = Home::new();
    let id = home.add("shop");
    let before = home.projects();
    editor(&mut home, r#"sed -i 's/"planning"/"no such status"/; s/"shop"/"store"/' "$1""#);
    let ran = home.run(["projects", "edit", &id]).fails(2, "E-EDIT-005").says("status");
    assert_eq!(home.projects(), before);
    let kept = home.orkee().join("edit").join(format!("{id}.json"));
    assert!(ran.stderr.contains(kept.to_str().unwrap()), "{ran}");
    assert!(fs::read_to_string(&kept).unwrap().contains("no such status"));

    // Meanwhile somebody changes another field; that change must stay.
    home.ok(["projects", "edit", &id, "--priority", "high"]);
    editor(&mut home, r#"sed -i 's/"no such status"/"launched"/' "$1""#);
    home.ok(["projects", "edit", &id]);
    let project = &home.projects()[0];
    assert_eq!(
        (&project["name"], &project["status"], &project["priority"]),
        (&json!("store"), &json!("launched"), &json!("high"))
    );
}

#[test]
fn c63_an_editor_that_breaks_the_text_fails_or_is_not_there_changes_nothing() {
    let mut home = Home::new();
    let id = home.add("shop");
    let before = home.projects();
    home.run(["projects", "edit", &id]).fails(2, "E-EDIT-001").says("EDITOR");
    home.set("EDITOR", "/no/such/editor");
    home.run(["projects", "edit", &id]).exits(2).says("error[E-EDIT-002]");
    editor(&mut home, "exit 3");
    home.run(["projects", "edit", &id]).fails(1, "E-EDIT-003");
    editor(&mut home, r#"rm "$1""#);
    home.run(["projects", "edit", &id]).fails(1, "E-EDIT-004");
    editor(&mut home, r#"echo '{"half": ' > "$1""#);
    home.run(["projects", "edit", &id]).fails(2, "E-EDIT-005");
    assert_eq!(home.projects(), before);
}

#[test]
fn a56_the_editor_does_not_inherit_the_token() {
    let mut home = Home::new();
    let id = home.add("shop");
    home.set("ORKEE_CLOUD_TOKEN", "orkee_pat_canary");
    home.set("ORKEE_CLOUD_TOKEN_FILE", "/secret/place");
    let seen = home.path("seen");
    editor(&mut home, &format!("env > {}; sed -i s/shop/store/ \"$1\"", seen.display()));
    home.ok(["projects", "edit", &id]);
    let environment = fs::read_to_string(seen).unwrap();
    assert!(environment.contains("EDITOR="), "{environment}");
    assert!(!environment.contains("ORKEE_CLOUD_TOKEN"), "{environment}");
}

#[test]
fn c64_delete_needs_a_yes_and_restore_takes_it_back() {
    let home = Home::new();
    let id = home.add("shop");
    let before = home.projects();
    home.run(["projects", "delete", "shop"]).fails(2, "E-CLI-003").says("--yes");
    assert_eq!(home.projects(), before);
    let said = home.ok(["projects", "delete", "shop", "--yes"]);
    assert!(said.contains(&format!("orkee projects restore {id}")), "{said}");
    assert_eq!(home.projects(), [] as [Value; 0]);
    home.run(["projects", "show", &id]).fails(2, "E-STORE-011").says("restore");
    home.ok(["projects", "restore", &id]);
    assert_eq!(home.projects()[0]["name"], "shop");
    home.run(["projects", "restore", &id]).fails(2, "E-STORE-012");
}

#[test]
fn c33_c68_history_tells_each_version_and_revert_brings_one_back_as_a_new_one() {
    let home = Home::new();
    let id = home.add("shop");
    home.ok(["projects", "edit", &id, "--status", "building"]);
    home.ok(["projects", "edit", &id, "--name", "store"]);
    let versions = home.json(["projects", "history", &id])["versions"].clone();
    assert_eq!(versions.as_array().unwrap().len(), 3);
    assert_eq!(versions[1]["n"], 2);
    assert_eq!(versions[1]["fields"]["status"], json!({"old": "planning", "new": "building"}));
    assert!(
        versions[1]["at"].as_str().unwrap().ends_with('Z') && versions[1]["device"].is_string(),
        "{versions}"
    );
    home.ok(["projects", "revert", &id, "--to", "1"]);
    let project = &home.projects()[0];
    assert_eq!((&project["name"], &project["status"]), (&json!("shop"), &json!("planning")));
    assert_eq!(home.json(["projects", "history", &id])["versions"].as_array().unwrap().len(), 4);
    home.run(["projects", "revert", &id, "--to", "99"]).fails(2, "E-STORE-015");
}

#[test]
fn c69_locate_sets_this_devices_folder_and_leaves_the_project_alone() {
    let home = Home::new();
    let id = home.add("shop");
    let before = home.projects();
    let folder = home.folder("elsewhere");
    home.ok(["projects", "locate", "shop", "elsewhere"]);
    assert_eq!(home.projects(), before);
    let shown = home.json(["projects", "show", &id]);
    assert_eq!(shown["root"], folder.to_str().unwrap());
    assert_eq!(home.json(["projects", "history", &id])["versions"].as_array().unwrap().len(), 1);
}

const UNKNOWN: &str = r#"{"version":1,"projects":[
    {"id":"AAAAAAAA","name":"old","futureField":{"z":1,"a":[1.0,1e2,"\u00fc"],"n":12345678901234567890},"status":"someday"},
    {"id":"BBBBBBBB","name":"bare"}]}"#;

#[test]
fn c32_c65_an_export_is_complete_stable_and_reads_back_to_the_same_bytes() {
    let home = Home::new();
    home.run_with(["projects", "import", "-"], UNKNOWN).success();
    home.ok(["projects", "add", "--name", "quotes \" and ü 🦀", "--description", "two\nlines", "--tag", "x"]);
    for format in ["json", "ndjson", "toml"] {
        let export = home.ok(["projects", "export", "--format", format]);
        assert_eq!(
            home.ok(["projects", "export", "--format", format]),
            export,
            "the same data, the same bytes"
        );
        let other = Home::new();
        other.run_with(["projects", "import", "-"], &export).success();
        assert_eq!(other.ok(["projects", "export", "--format", format]), export, "{format}");
        assert_eq!(other.projects(), home.projects(), "{format}");
    }
    let document = home.json(["projects", "export"]);
    assert_eq!(document["version"], 1);
    let ids: Vec<&str> =
        document["projects"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    assert!(home.ok(["projects", "export", "--stamp"]).contains("exportedAt"));
}

#[test]
fn c65_export_to_a_file_replaces_it_whole_and_keeps_it_private() {
    let home = Home::new();
    home.add("shop");
    let path = home.file("out.json", "what was there before");
    home.ok(["projects", "export", "--output", path.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&path).unwrap(), home.ok(["projects", "export"]));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    home.run(["projects", "export", "--output", "/no/such/folder/x"]).fails(1, "E-CLI-007");
    home.run(["projects", "export", "--output", "/dev/full"]).fails(1, "E-CLI-007");
    assert!(!fs::metadata("/dev/full").unwrap().is_file(), "a device was replaced by a file");
}

#[test]
fn c70_fields_that_this_version_does_not_know_survive_import_edit_and_export() {
    let home = Home::new();
    home.run_with(["projects", "import", "-"], UNKNOWN).success();
    home.ok(["projects", "edit", "AAAAAAAA", "--priority", "high", "--add-tag", "t"]);
    let export = home.ok(["projects", "export", "--format", "ndjson"]);
    assert!(
        export.contains(r#""futureField":{"z":1,"a":[1.0,1e2,"\u00fc"],"n":12345678901234567890}"#),
        "{export}"
    );
    assert!(export.contains(r#""status":"someday""#), "{export}");
}

#[test]
fn c66_import_takes_the_older_file_another_database_and_missing_fields() {
    let home = Home::new();
    let older = r#"{"version":"1.0.0","projects":{"AAAAAAAA":{"id":"AAAAAAAA","name":"one"},"BBBBBBBB":{"id":"BBBBBBBB","name":"two"}}}"#;
    home.run_with(["projects", "import", "-"], older).success();
    assert_eq!(home.projects().len(), 2);
    let other = Home::new();
    other.ok(["projects", "import", "--from-db", home.orkee().join("orkee.db").to_str().unwrap()]);
    assert_eq!(other.projects(), home.projects());
}

#[test]
fn c67_import_does_to_an_id_that_exists_what_it_is_told_and_a_dry_run_only_tells() {
    let home = Home::new();
    home.run_with(
        ["projects", "import", "-"],
        r#"{"version":1,"projects":[{"id":"AAAAAAAA","name":"here","tags":["a"]}]}"#,
    )
    .success();
    let file = r#"{"version":1,"projects":[{"id":"AAAAAAAA","name":"file","tags":["b"]},{"id":"BBBBBBBB","name":"new"}]}"#;
    let import = |how: &[&str]| {
        home.run_with([&["projects", "import", "-", "--json"], how].concat(), file).success().json()
    };
    let before = home.projects();
    let told = import(&["--dry-run", "--on-conflict", "replace"]);
    assert_eq!((&told["added"], &told["replaced"]), (&json!(["BBBBBBBB"]), &json!(["AAAAAAAA"])));
    assert_eq!(home.projects(), before, "a dry run changes nothing");
    assert_eq!(import(&[])["skipped"], json!(["AAAAAAAA"]));
    assert_eq!(home.projects()[0]["name"], "here");
    assert_eq!(import(&["--on-conflict", "merge"])["merged"], json!(["AAAAAAAA"]));
    let merged = &home.projects()[0];
    assert_eq!((&merged["name"], &merged["tags"]), (&json!("file"), &json!(["a", "b"])));
    assert_eq!(import(&["--on-conflict", "copy"])["copied"][0]["from"], "AAAAAAAA");
    assert_eq!(home.projects().len(), 3);
}
