//! What a sync tells endpoints: at its end, of each project that was sent or fetched, once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::event::tests::{bodies, count, listen};

fn listened(device: &str) -> Store {
    let store = store(device);
    listen(&store, "ep_1", r#"["sync.*","conflict.*"]"#);
    store
}

/// A backend that has so many projects, of another device.
fn cloud_of(count: usize) -> (Cloud, Store) {
    let (mut cloud, mut other) = (Cloud::new(), store("other"));
    for n in 0..count {
        add(&mut other, n);
    }
    cloud.sync(&mut other);
    (cloud, other)
}

fn projects(store: &Store) -> BTreeSet<String> {
    let told = bodies(store);
    let projects: BTreeSet<String> =
        told.iter().map(|body| body["project_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(projects.len(), told.len(), "each is told once");
    projects
}

fn ids(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|n| id(n).to_string()).collect()
}

#[test]
fn w08a_each_project_that_a_sync_sent_fetched_merged_or_deleted_is_told_once() {
    let (mut cloud, mut other) = cloud_of(3);
    let mut here = listened("here");
    cloud.sync(&mut here);
    assert_eq!(projects(&here), ids(0..3));
    here.execute_for_test("DELETE FROM events");
    rename(&mut other, 0, "renamed there");
    rename(&mut other, 1, "renamed there");
    other.delete(id(2)).unwrap();
    cloud.sync(&mut other);
    rename(&mut here, 1, "renamed here");
    add(&mut here, 3);
    cloud.sync(&mut here);
    let told = bodies(&here);
    let conflicts: Vec<&Value> = told.iter().filter(|body| body["event"] == "conflict.detected").collect();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0]["project_id"], id(1).as_str());
    assert_eq!(conflicts[0]["data"], json!({"name": "renamed here", "field": "name"}));
    let rest: Vec<&Value> = told.iter().filter(|body| body["event"] == "sync.completed").collect();
    let of: BTreeSet<&str> = rest.iter().map(|body| body["project_id"].as_str().unwrap()).collect();
    assert_eq!((rest.len(), of), (4, ids(0..4).iter().map(String::as_str).collect()));
    assert!(rest.iter().all(|body| body["count"] == Value::Null));
    let deleted = rest.iter().find(|body| body["project_id"] == id(2).as_str()).unwrap();
    assert_eq!(deleted.get("data"), None, "it has no name any more");
    here.execute_for_test("DELETE FROM events");
    cloud.sync(&mut here);
    assert_eq!(bodies(&here), [Value::Null; 0], "nothing was sent or fetched");
}

#[test]
fn w08a_a_hundred_projects_are_told_each_and_one_more_as_a_number() {
    for (count_of, events) in [(100, 100), (101, 1)] {
        let (mut cloud, _) = cloud_of(count_of);
        let mut here = listened("here");
        cloud.sync(&mut here);
        let told = bodies(&here);
        assert_eq!(told.len(), events, "of {count_of}");
        if count_of == 101 {
            assert_eq!((&told[0]["project_id"], &told[0]["count"]), (&Value::Null, &json!(101)));
        } else {
            assert_eq!(projects(&here), ids(0..100));
        }
        assert_eq!(count(&here, "sync_changes"), 0);
    }
}

#[test]
fn w08a_what_a_sync_that_was_killed_between_pages_brought_is_told_by_the_next_one() {
    let (mut cloud, mut other) = cloud_of(20);
    let mut here = listened("here");
    let small = Limits { max_page: 7, ..LIMITS };
    // One page is applied, and the process is gone.
    let mut session = Session::begin(&mut here, "me@here", small, Options::default()).unwrap();
    let Next::Ask(flight, request) = session.next(&mut here).unwrap() else { panic!("it asks first") };
    let answer = cloud.answer(request);
    session.receive(&mut here, flight, answer).unwrap();
    drop(session);
    assert_eq!((count(&here, "sync_changes"), bodies(&here).len()), (7, 0));
    // One of them changes again: it is told once all the same.
    rename(&mut other, 0, "renamed");
    cloud.sync(&mut other);
    cloud.sync_with(&mut here, small, Options::default()).unwrap();
    assert_eq!(projects(&here), ids(0..20));
    assert_eq!(count(&here, "sync_changes"), 0);
}

#[test]
fn what_was_sent_and_not_answered_is_told_when_it_turns_out_to_have_arrived() {
    let mut cloud = Cloud::new();
    let mut here = listed(listened("here"));
    add(&mut here, 0);
    let mut session = Session::begin(&mut here, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(_, request) = session.next(&mut here).unwrap() else { panic!("it asks first") };
    assert_eq!(request.mutations.len(), 1);
    // The backend takes it, and nobody hears of that.
    cloud.answer(request);
    drop(session);
    cloud.sync(&mut here);
    assert_eq!(projects(&here), ids(0..1));
}

#[test]
fn w17_a_dry_run_and_a_page_that_is_taken_back_tell_nothing() {
    let (mut cloud, mut other) = cloud_of(2);
    let mut here = listened("here");
    cloud.sync_with(&mut here, LIMITS, Options { dry_run: true, ..Options::default() }).unwrap();
    assert_eq!((bodies(&here).len(), count(&here, "sync_changes")), (0, 0));
    cloud.sync(&mut here);
    here.execute_for_test("DELETE FROM events");
    rename(&mut other, 0, "renamed there");
    cloud.sync(&mut other);
    rename(&mut here, 0, "renamed here");
    here.execute_for_test(
        "CREATE TRIGGER fails BEFORE UPDATE OF position ON spaces BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    cloud.sync_with(&mut here, LIMITS, Options::default()).unwrap_err();
    assert_eq!((bodies(&here).len(), count(&here, "sync_changes")), (0, 0));
    here.execute_for_test("DROP TRIGGER fails");
    cloud.sync(&mut here);
    let kinds: BTreeSet<String> = bodies(&here).iter().map(|body| body["event"].to_string()).collect();
    assert_eq!(kinds, [r#""conflict.detected""#, r#""sync.completed""#].map(str::to_owned).into());
}

#[test]
fn a_sync_that_nobody_listens_to_writes_nothing_of_it_and_looks_once_a_transaction() {
    let cost = |filters: Option<&str>| {
        let (mut cloud, _) = cloud_of(200);
        let mut here = store("here");
        if let Some(filters) = filters {
            listen(&here, "ep_1", filters);
        }
        let cost = here.instructions(|here| drop(cloud.sync(here)));
        assert_eq!(["events", "sync_changes"].map(|table| count(&here, table)), [0; 2]);
        cost
    };
    let (nobody, somebody_else) = (cost(None), cost(Some(r#"["project.*"]"#)));
    assert!(somebody_else - nobody < 100, "{somebody_else} instead of {nobody} instructions");
    eprintln!("{nobody} instructions, {somebody_else} with an endpoint that listens for something else");
}
