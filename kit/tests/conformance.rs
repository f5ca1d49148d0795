//! The checks against providers that keep the contract and against ones that break it, each in one way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
#[path = "../../tests/src/guest_build.rs"]
mod guest_build;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::net::{ApiUrl, Http, HttpOptions, Secret};
use orkee_core::plugin::{Host, Manifest};
use orkee_kit::practice::{Options, Practice};
use orkee_kit::{ALL, Candidate, Plan, PlanError, Report, Verdict, run};

/// What a provider of the practice backend cannot show: it has none of the optional parts.
const PARTS: [&str; 3] = ["account", "browse", "devices"];

/// The fixture that breaks the contract as its setting `fault` says.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| guest_build::fixture("guest_practice"))
}

fn candidate(component: &[u8], fault: Option<&str>) -> Candidate {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let options: BTreeMap<_, _> =
        fault.map(|fault| ("fault".to_owned(), fault.to_owned())).into_iter().collect();
    let host = Host::new(Some(cache)).unwrap();
    Candidate::load(&host, "practice", component, None, options).unwrap()
}

async fn report(component: &[u8], fault: Option<&str>, plan: Plan) -> Report {
    let http = Http::new(HttpOptions::default()).unwrap();
    run(&candidate(component, fault), plan, http, |_| {}).await.unwrap()
}

fn told(report: &Report) -> String {
    let lines = report.checked.iter().map(|checked| {
        format!("{:24} {:6} ms  {:?}\n", checked.check.id, checked.took.as_millis(), checked.verdict)
    });
    lines.collect()
}

#[tokio::test]
async fn p47_a_provider_that_keeps_the_contract_passes_every_check() {
    let report = report(component(), None, Plan::default()).await;
    println!("{}", told(&report));
    for checked in &report.checked {
        let may_be_unchecked = PARTS.contains(&checked.check.id);
        let right = checked.verdict == Verdict::Passed
            || (may_be_unchecked && matches!(checked.verdict, Verdict::NotChecked(_)));
        assert!(right, "{}", told(&report));
    }
    assert_eq!(report.checked.len(), ALL.len());
    assert_eq!(report.provider.unwrap().id, "practice");
}

/// Each way to break the contract, and the checks that are meant for it.
const FAULTS: &[(&str, &[&str])] = &[
    ("describe-asks", &["describe"]),
    ("stores-nothing", &["create"]),
    ("one-revision", &["update"]),
    ("hides-tombstones", &["tombstone"]),
    ("overwrites", &["guard-none", "guard-stale", "guard-absent", "two-writers", "two-creators"]),
    ("overwrites-stale", &["guard-stale", "guard-absent", "two-writers"]),
    ("conflicts-with-nothing", &["guard-none", "guard-stale"]),
    ("creates-on-update", &["guard-absent"]),
    ("zero-is-any", &["guard-zero"]),
    ("outcomes-reversed", &["outcomes-in-order"]),
    ("trims", &["bytes"]),
    ("text", &["bytes"]),
    ("cuts-large", &["record-largest"]),
    ("too-large-fails", &["record-too-large"]),
    ("many-calls", &["batch-many"]),
    ("heavy-batch", &["batch-heavy"]),
    ("greedy-pages", &["page-heavy"]),
    ("forgets-more", &["listing-complete", "listing-beside-writes"]),
    ("skips-behind", &["listing-complete"]),
    ("newest-first", &["order"]),
    ("lists-twice", &["listing-complete", "newest-once"]),
    ("own-position", &["resume"]),
    ("always-more", &["listing-complete"]),
    ("push-moves", &["push-alone"]),
    ("lists-own", &["own-writes"]),
    ("written-lies", &["written"]),
    ("one-at-a-time", &["outcomes-in-order"]),
    ("looks-then-writes", &["two-writers", "two-creators"]),
    ("accepts-lost", &["lost-reply", "lost-request", "cut-short"]),
    ("sulks", &["lost-request", "slow-drip", "oversized"]),
    ("auth-is-backend", &["sign-in-refused"]),
    ("forbidden-is-backend", &["forbidden"]),
    ("no-wait", &["busy"]),
    ("rejects-failures", &["backend-fails"]),
    ("status-alone", &["foreign-words"]),
    ("html-is-empty", &["html-page"]),
    ("html-panics", &["html-page", "garbled"]),
    ("writes-first", &["expired"]),
    ("expires-listings", &["expired-listing"]),
    ("no-head", &["new-epoch"]),
    ("head-falls", &["head"]),
    ("never-wakes", &["watch-wakes"]),
    ("never-rests", &["watch-rests"]),
];

#[tokio::test]
async fn p47_each_way_to_break_the_contract_is_found_by_the_check_that_is_meant_for_it() {
    let mut wrong = String::new();
    for (fault, checks) in FAULTS {
        let only = checks.iter().map(|id| (*id).to_owned()).collect();
        let report = report(component(), Some(fault), Plan { only, ..Plan::default() }).await;
        if report.failed().count() < checks.len() {
            wrong.push_str(&format!("{fault} is not found:\n{}\n", told(&report)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn a_provider_that_cannot_be_opened_fails_once() {
    let report = report(component(), Some("no-such-fault"), Plan::default()).await;
    let failed: Vec<_> = report.failed().map(|checked| checked.check.id).collect();
    assert_eq!(failed, ["describe"]);
    assert!(report.provider.is_none());
}

#[tokio::test]
async fn p47_a_backend_that_is_running_takes_the_place_of_the_practice_backend() {
    let token = || Secret::new("a-token-of-the-practice-backend");
    let options = Options { token: Some(token()), data: None };
    let practice = Practice::start("127.0.0.1:0".parse().unwrap(), options).await.unwrap();
    let backend = Some(ApiUrl::parse(practice.url()).unwrap());
    let only = ["create", "resume", "lost-reply", "expired", "secret"].map(str::to_owned).to_vec();
    let plan = Plan { backend: backend.clone(), login: Some(token()), only: only.clone() };
    let report = report(component(), None, plan).await;
    let verdicts: Vec<_> =
        report.checked.iter().map(|checked| matches!(checked.verdict, Verdict::Passed)).collect();
    assert_eq!(verdicts, [true, true, true, false, true], "{}", told(&report));
    let practice_only = &report.checked[3].verdict;
    assert!(
        matches!(practice_only, Verdict::NotChecked(why) if why.contains("practice backend")),
        "{practice_only:?}"
    );
    let http = Http::new(HttpOptions::default()).unwrap();
    let without = run(&candidate(component(), None), Plan { backend, login: None, only }, http, |_| {}).await;
    assert!(without.unwrap_err().to_string().contains("needs a login"));
}

#[tokio::test]
async fn p47_a_login_that_the_backend_refuses_is_said_before_any_check() {
    let options = Options { token: Some(Secret::new("the-token-that-is-right")), data: None };
    let practice = Practice::start("127.0.0.1:0".parse().unwrap(), options).await.unwrap();
    let backend = Some(ApiUrl::parse(practice.url()).unwrap());
    let plan = Plan { backend, login: Some(Secret::new("another-token-altogether")), ..Plan::default() };
    let http = Http::new(HttpOptions::default()).unwrap();
    let mut checked = 0;
    let error = run(&candidate(component(), None), plan, http, |_| checked += 1).await.unwrap_err();
    assert!(matches!(error, PlanError::LoginRefused { .. }), "{error}");
    assert_eq!((error.kind(), checked), (Kind::Auth, 0));
}

#[tokio::test]
async fn p47_a_manifest_that_names_another_provider_or_version_is_found() {
    let host = Host::new(Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"))).unwrap();
    for (name, version, found) in [
        ("practice", "1", None),
        ("other", "1", Some("`id` is `practice`, the manifest's name `other`")),
        ("practice", "2", Some("`version` is `1`, the manifest's `2`")),
    ] {
        let text = format!("name = \"{name}\"\nversion = \"{version}\"\n[login]\nkind = \"token\"\n");
        let manifest = Manifest::parse(&text).unwrap();
        let candidate = Candidate::load(&host, name, component(), Some(manifest), BTreeMap::new()).unwrap();
        let plan = Plan { only: vec!["describe".to_owned()], ..Plan::default() };
        let http = Http::new(HttpOptions::default()).unwrap();
        let report = run(&candidate, plan, http, |_| {}).await.unwrap();
        match (&report.checked[0].verdict, found) {
            (Verdict::Passed, None) => {}
            (Verdict::Failed { found: told, .. }, Some(found)) => assert_eq!(told, found),
            (other, _) => panic!("{name} {version}: {other:?}"),
        }
    }
}
