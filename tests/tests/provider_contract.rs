//! Providers that were built for the contract before the first version that lasts: refused when they are to be installed, and told of
//! where an earlier Orkee installed them.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use orkee_core::plugin::{ComponentDigest, pack};
use orkee_tests::guests::manifest;
use orkee_tests::home::{Home, finish};
use orkee_tests::provider::{self, run, the_one, words};
use serde_json::json;

const REMEDY: &str = "this Orkee runs orkee:sync 1.x: run `orkee cloud provider update notes` once its author has built it anew";

/// The component that was built against a published version, with this manifest.
fn published(version: &str, manifest: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("published").join(version);
    pack(&fs::read(folder.join("every-part.wasm")).unwrap(), manifest, None).unwrap()
}

fn digest(bytes: &[u8]) -> String {
    ComponentDigest::of(bytes).to_string()
}

/// A home in which an earlier Orkee installed a provider of that time.
fn outgrown(more: &str) -> Home {
    let home = Home::new();
    let manifest = manifest("notes", "1.0", more);
    let file = provider::file(&home, "notes.wasm", &manifest);
    provider::install(&home, &file);
    let (now, then) = (digest(&fs::read(&file).unwrap()), published("0.1.2", &manifest));
    let plugins = home.orkee().join("plugins");
    fs::remove_file(plugins.join("components").join(format!("{now}.wasm"))).unwrap();
    fs::write(plugins.join("components").join(format!("{}.wasm", digest(&then))), &then).unwrap();
    let grants = fs::read_to_string(plugins.join("grants.toml")).unwrap();
    assert!(grants.contains(&now), "{grants}");
    fs::write(plugins.join("grants.toml"), grants.replace(&now, &digest(&then))).unwrap();
    home
}

#[test]
fn p60_a_component_of_before_is_not_installed_and_the_person_reads_what_would_be() {
    let home = Home::new();
    for version in ["0.1.0", "0.1.1", "0.1.2"] {
        home.file("old.wasm", published(version, &manifest("every-part", "1", "")));
        let ran = run(&home, &["install", "old.wasm", "--yes"]).fails(2, "E-PLUGIN-003");
        let ran = ran.says(&format!("is built for `orkee:sync@{version}`, this Orkee runs orkee:sync 1.x"));
        ran.says("its author builds it anew against the WIT package orkee:sync 1.x");
        assert!(provider::installed(&home).is_empty());
    }
    home.file("new.wasm", published("1.0.0", &manifest("every-part", "1", "")));
    run(&home, &["install", "new.wasm", "--yes"]).success();
    assert_eq!(the_one(&home)["contract"], "orkee:sync 1.0.0");
}

#[test]
fn p61_what_an_earlier_orkee_installed_is_listed_with_what_to_do_and_runs_again_once_it_is_updated() {
    let home = outgrown("tenants = [\"acme\"]");
    let one = the_one(&home);
    assert_eq!((&one["contract"], &one["runs"]), (&json!("orkee:sync 0.1.2"), &json!(false)));
    let listed = run(&home, &["list"]).success().stdout;
    assert!(
        listed.contains(&format!("notes is built for orkee:sync 0.1.2, and does not run; {REMEDY}")),
        "{listed}"
    );
    let told = run(&home, &["info", "notes"]).success().stdout;
    assert!(told.contains(&format!("orkee:sync 0.1.2, and does not run; {REMEDY}")), "{told}");
    let all = home.json(words(&["list"]));
    let built_in =
        all["providers"].as_array().unwrap().iter().find(|one| one["name"] == "orkee-cloud").unwrap();
    assert_eq!((&built_in["contract"], &built_in["runs"]), (&json!("orkee:sync 1.0.0"), &json!(true)));

    let ran = home.run(["doctor", "--offline"]).exits(1);
    assert!(
        ran.stdout.contains("The provider notes is built for orkee:sync 0.1.2, and does not run"),
        "{ran}"
    );
    assert!(ran.stdout.contains(REMEDY), "{ran}");

    let sync = || {
        let mut command = home.command(["cloud", "sync"]);
        command.env("ORKEE_CLOUD_TENANT", "acme").env("ORKEE_CLOUD_API_URL", "http://127.0.0.1:9");
        command.env("ORKEE_CLOUD_TOKEN", "none");
        finish(command, &[])
    };
    let ran = sync().fails(2, "E-PLUGIN-003");
    let ran = ran.says("the installed plugin `notes` does not run with this Orkee");
    ran.says("is built for `orkee:sync@0.1.2`").says("`orkee cloud provider update notes` takes it");
    home.run(["projects", "list"]).success();

    provider::file(&home, "newer.wasm", &manifest("notes", "1.1", "tenants = [\"acme\"]"));
    run(&home, &["update", "notes", "newer.wasm", "--yes"]).success();
    let one = the_one(&home);
    assert_eq!((&one["contract"], &one["runs"]), (&json!("orkee:sync 1.0.0"), &json!(true)));
    let listed = run(&home, &["list"]).success().stdout;
    assert!(!listed.contains("does not run"), "{listed}");
    assert!(!sync().stderr.contains("E-PLUGIN-003"));
}

#[test]
fn p61_a_component_whose_file_is_gone_or_damaged_is_listed_all_the_same() {
    let home = Home::new();
    provider::install(&home, &provider::file(&home, "one.wasm", &manifest("notes", "1", "")));
    let folder = home.orkee().join("plugins/components");
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    for damaged in [&whole[..40], b"", b"<html>"] {
        fs::write(&file, damaged).unwrap();
        let one = the_one(&home);
        assert_eq!((&one["contract"], &one["runs"]), (&json!(null), &json!(false)));
        assert!(
            run(&home, &["info", "notes"]).success().stdout.contains("unknown: its file is gone or damaged")
        );
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(the_one(&home)["contract"], json!(null));
    fs::create_dir(&file).unwrap();
    assert_eq!(the_one(&home)["contract"], json!(null));
}
