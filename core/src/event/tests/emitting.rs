//! What is written of an event, and for whom.

use serde_json::{Value, json};

use super::*;
use crate::diagnostic::Diagnostic;
use crate::store::Durability;

#[test]
fn w08_a_body_has_the_published_members_and_the_time_of_the_event() {
    let mut store = store();
    listen(&store, "ep_1", "[]");
    write(&mut store, &NewEvent::of(EventKind::ProjectUpdated, "aaaaaaaa").with([("name", "Shop".into())]));
    write(&mut store, &NewEvent { count: Some(101), ..NewEvent::new(EventKind::SyncCompleted) });
    let name = "project.updated";
    assert_eq!(
        bodies(&store),
        [
            json!({"event": name, "type": name, "project_id": "aaaaaaaa", "timestamp": "2027-01-15T08:00:00.000Z", "sequence": 1,
                   "data": {"name": "Shop"}}),
            json!({"event": "sync.completed", "type": "sync.completed", "project_id": null,
                   "timestamp": "2027-01-15T08:00:00.000Z", "sequence": 1, "count": 101}),
        ]
    );
}

#[test]
fn w08_a_body_of_20000_bytes_goes_without_its_data_and_a_smaller_one_with_it() {
    let sized = |length: usize| {
        let data = json!({"name": "n".repeat(length)}).as_object().cloned();
        let body = Body {
            kind: EventKind::ProjectCreated,
            project: Some("aaaaaaaa"),
            at: at(0),
            sequence: 1,
            count: None,
            data: data.as_ref(),
        };
        body.to_json().unwrap()
    };
    let rest = sized(0).len();
    let largest = sized(THIN_FROM - rest - 1);
    assert_eq!(largest.len(), THIN_FROM - 1);
    let thin: Value = serde_json::from_slice(&sized(THIN_FROM - rest)).unwrap();
    assert_eq!((&thin["thin"], thin.get("data")), (&json!(true), None));
    assert_eq!(thin["project_id"], "aaaaaaaa");
}

#[test]
fn where_nobody_listens_nothing_is_written() {
    let mut store = store();
    assert_eq!(write(&mut store, &NewEvent::new(EventKind::SyncFailed)), 0);
    listen(&store, "ep_1", r#"["project.*"]"#);
    assert_eq!(write(&mut store, &NewEvent::new(EventKind::SyncFailed)), 0);
    store.connection.execute("UPDATE endpoints SET filters = '[]', disabled_at = 1", []).unwrap();
    assert_eq!(write(&mut store, &NewEvent::new(EventKind::SyncFailed)), 0);
    store.connection.execute("UPDATE endpoints SET removed_at = 1, disabled_at = NULL", []).unwrap();
    assert_eq!(write(&mut store, &NewEvent::new(EventKind::SyncFailed)), 0);
    assert_eq!(["events", "sequences", "deliveries"].map(|table| count(&store, table)), [0; 3]);
}

#[test]
fn w05_an_event_has_one_id_and_one_body_for_all_endpoints() {
    let mut store = store();
    listen(&store, "ep_1", "[]");
    listen(&store, "ep_2", r#"["*"]"#);
    listen(&store, "ep_3", r#"["sync.*"]"#);
    assert_eq!(write(&mut store, &NewEvent::of(EventKind::ProjectCreated, "aaaaaaaa")), 2);
    assert_eq!((count(&store, "events"), count(&store, "deliveries")), (1, 2));
    let id: String = store.connection.query_row("SELECT id FROM events", [], |row| row.get(0)).unwrap();
    let random = id.strip_prefix("msg_").unwrap();
    assert!(random.len() == 24 && random.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
}

#[test]
fn w17_a_transaction_that_is_taken_back_takes_its_event_and_its_number_with_it() {
    let mut store = store();
    listen(&store, "ep_1", "[]");
    let owner = store.owner();
    let event = NewEvent::of(EventKind::ProjectCreated, "aaaaaaaa");
    let failed = store.write::<(), StoreError>(Durability::Full, |tx| {
        assert_eq!(emit(tx.connection(), owner, &event, at(0), &counting())?, 1);
        Err(StoreError::Full)
    });
    failed.unwrap_err();
    assert_eq!(["events", "sequences", "deliveries"].map(|table| count(&store, table)), [0; 3]);
    write(&mut store, &event);
    assert_eq!(bodies(&store)[0]["sequence"], 1);
}

#[test]
fn w19_the_events_of_a_project_are_numbered_without_a_gap_by_two_connections_that_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let open = || Options::default().wait(std::time::Duration::from_secs(60)).open(&path).unwrap();
    listen(&open(), "ep_1", "[]");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut store = open();
                for _ in 0..50 {
                    write(&mut store, &NewEvent::of(EventKind::ProjectUpdated, "aaaaaaaa"));
                    write(&mut store, &NewEvent::of(EventKind::ProjectUpdated, "bbbbbbbb"));
                }
            });
        }
    });
    for project in ["aaaaaaaa", "bbbbbbbb"] {
        let of_it = bodies(&open()).into_iter().filter(|body| body["project_id"] == project);
        let numbers: Vec<u64> = of_it.map(|body| body["sequence"].as_u64().unwrap()).collect();
        assert_eq!(
            numbers,
            (1..=100).collect::<Vec<u64>>(),
            "of {project}, in the order in which they were written"
        );
    }
}

#[test]
fn w23_a_filter_admits_what_it_names_and_an_unknown_name_is_answered_with_the_one_that_was_meant() {
    let admitted = |filter: &str| {
        let filter = Filter::parse(filter).unwrap();
        EventKind::ALL
            .into_iter()
            .filter(|kind| filter.admits(*kind))
            .map(EventKind::as_str)
            .collect::<Vec<_>>()
    };
    assert_eq!(admitted("project.*"), ["project.created", "project.updated", "project.deleted"]);
    assert_eq!(admitted("device.revoked"), ["device.revoked"]);
    assert_eq!(admitted("*").len(), EventKind::ALL.len());
    for (given, meant) in [
        ("project.create", "project.created"),
        ("projects.*", "project.*"),
        ("sync.complete", "sync.completed"),
    ] {
        let error = Filter::parse(given).unwrap_err();
        assert_eq!((error.near, error.kind().exit_code()), (Some(meant), 2), "{given}");
        assert_eq!(error.hint().unwrap(), format!("did you mean {meant}?"));
    }
    for unknown in ["", "xyz", "Project.*", "project.", "orkee.test"] {
        assert!(Filter::parse(unknown).is_err(), "{unknown}");
    }
    for kind in EventKind::ALL {
        assert_eq!((kind.as_str().parse(), Filter::parse(kind.as_str())), (Ok(kind), Ok(Filter::Kind(kind))));
    }
}

#[test]
fn a_filter_of_a_newer_version_lets_nothing_through() {
    let mut store = store();
    listen(&store, "ep_1", r#"["project.archived"]"#);
    listen(&store, "ep_2", "nonsense");
    for kind in EventKind::ALL {
        assert_eq!(write(&mut store, &NewEvent::new(kind)), 0);
    }
}
