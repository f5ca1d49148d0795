//! A provider in each language that there is a template for: begun, built, tried and used with the released binary alone.
//!
//! What they are written against is the published contract; nothing of this repository is in them.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::installed;
use orkee_tests::practice::Practice;
use orkee_tests::workshop::{Author, Workshop};
use serde_json::Value;

/// A new project builds, and passes the conformance kit as it stands.
#[track_caller]
fn builds_and_passes(author: &Author, language: &str) -> Workshop {
    let workshop = Workshop::new(author, language);
    let ran = author.run(&["test", workshop.folder(), "--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"));
    let checks = report["checks"].as_array().unwrap_or_else(|| panic!("{ran}"));
    let failed: Vec<&Value> = checks.iter().filter(|check| check["result"] == "failed").collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let ran = ran.success().says("building, outside the sandbox: ");
    assert_eq!(report["provider"]["id"], format!("example-{language}"), "{ran}");
    assert!(report["passed"].as_u64() > Some(40), "{ran}");
    for watching in ["watch-wakes", "watch-rests"] {
        let found = checks.iter().find(|check| check["check"] == watching).unwrap();
        assert_eq!(found["result"], "passed", "{ran}");
    }
    workshop
}

/// What it has built is installed as it is, and carries the projects of one device to another.
#[track_caller]
fn syncs_two_devices(author: &Author, workshop: &Workshop, language: &str) {
    author.run(&["install", workshop.folder(), "--yes"]).success();
    let practice = Practice::start(author.command(&["practice", "--token", "practice"]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let name = format!("example-{language}");
        let provider =
            installed::provider(&author.orkee_home(), &name, practice.url.as_str(), "practice").await;
        let (mut a, mut b) = ["a", "b"].map(|device| installed::store(&author.path(""), device)).into();
        let ids: Vec<String> = (0..250).map(|n| format!("{n:08}")).collect();
        ids.iter().for_each(|id| installed::add(&mut a, id));
        let first = installed::synced(&mut a, &provider).await;
        assert_eq!((first.pushed, first.pulled), (250, 0), "{first:?}");
        let second = installed::synced(&mut b, &provider).await;
        assert_eq!((second.pushed, second.pulled), (0, 250), "{second:?}");
        installed::add(&mut b, "bbbbbbbb");
        b.delete(ids[0].parse().unwrap()).unwrap();
        assert_eq!(installed::synced(&mut b, &provider).await.pushed, 2);
        let third = installed::synced(&mut a, &provider).await;
        assert_eq!((third.pushed, third.pulled + third.deleted), (0, 2), "{third:?}");
        for store in [&a, &b] {
            assert_eq!((store.count().unwrap(), store.standing().unwrap().in_step), (250, 250));
        }
        for id in &ids[1..] {
            let id = id.parse().unwrap();
            assert_eq!(a.get(id).unwrap(), b.get(id).unwrap());
        }
        // What this device has written itself it does not list again.
        assert_eq!(installed::synced(&mut b, &provider).await.round_trips, 1);
    });
}

#[track_caller]
fn from_new_to_sync(language: &str) {
    let author = Author::new();
    let workshop = builds_and_passes(&author, language);
    syncs_two_devices(&author, &workshop, language);
}

#[test]
fn p46_p48_a_new_rust_provider_builds_passes_the_kit_and_syncs_two_devices() {
    from_new_to_sync("rust");
}

#[test]
fn p46_p48_a_new_javascript_provider_builds_passes_the_kit_and_syncs_two_devices() {
    from_new_to_sync("js");
}

#[test]
fn p46_p48_a_new_python_provider_builds_passes_the_kit_and_syncs_two_devices() {
    from_new_to_sync("python");
}
