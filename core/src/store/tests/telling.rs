//! Which events are written of what a person does, and that they are written with it or not at all.

use serde_json::{Value, json};

use super::*;
use crate::event::tests::{bodies, count, listen};
use crate::event::{EventKind, NewEvent};
use crate::transfer;

/// Name, project and data of each event, in the order in which they happened.
fn told(store: &Store) -> Vec<(String, Value, Value)> {
    let parts = |body: Value| {
        (body["event"].as_str().unwrap().to_owned(), body["project_id"].clone(), body["data"].clone())
    };
    bodies(store).into_iter().map(parts).collect()
}

fn kinds(store: &Store) -> Vec<String> {
    told(store).into_iter().map(|(kind, _, _)| kind).collect()
}

fn listened() -> Store {
    let store = store();
    listen(&store, "ep_1", "[]");
    store
}

#[test]
fn w08_what_a_person_does_with_a_project_is_told_with_its_id_and_name_and_the_fields_that_changed() {
    let mut store = listened();
    add(&mut store, "aaaaaaaa", "Shop");
    change(&mut store, "aaaaaaaa", |p| {
        p.name = "Store".to_owned();
        p.status = Status::Review;
    });
    store.delete(id("aaaaaaaa")).unwrap();
    store.restore(id("aaaaaaaa")).unwrap();
    store.revert(id("aaaaaaaa"), 1).unwrap();
    let event = |kind: &str, data: Value| (format!("project.{kind}"), json!("aaaaaaaa"), data);
    assert_eq!(
        told(&store),
        [
            event("created", json!({"name": "Shop"})),
            event("updated", json!({"name": "Store", "fields": ["name", "status"]})),
            event("deleted", json!({"name": "Store"})),
            event("created", json!({"name": "Store"})),
            event("updated", json!({"name": "Shop", "fields": ["name", "status"]})),
        ]
    );
    let numbers: Vec<u64> = bodies(&store).iter().map(|body| body["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[test]
fn an_edit_that_changes_nothing_is_not_told() {
    let mut store = listened();
    add(&mut store, "aaaaaaaa", "Shop");
    change(&mut store, "aaaaaaaa", |_| {});
    store.locate(id("aaaaaaaa"), Some(std::path::Path::new("/somewhere"))).unwrap();
    assert_eq!(kinds(&store), ["project.created"]);
}

#[test]
fn w17_a_change_that_is_taken_back_is_not_told() {
    let mut store = listened();
    add(&mut store, "aaaaaaaa", "Shop");
    let refused = store.update(id("aaaaaaaa"), |project| {
        project.name = "Store".to_owned();
        Err(StoreError::Full)
    });
    assert!(matches!(refused, Err(StoreError::Full)));
    let later = store.write::<(), StoreError>(Durability::Full, |tx| {
        tx.add(Project::new(id("bbbbbbbb"), "Other"))?;
        assert_eq!(
            tx.connection().query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u64>(0))?,
            2
        );
        Err(StoreError::Full)
    });
    assert!(matches!(later, Err(StoreError::Full)));
    assert_eq!(kinds(&store), ["project.created"]);
}

#[test]
fn w17_a_dry_run_tells_nothing() {
    let mut store = listened();
    add(&mut store, "aaaaaaaa", "Shop");
    let long_ago = "2000-01-01T00:00:00Z".parse().unwrap();
    store.put_back(long_ago, None, "restore", true).unwrap();
    assert_eq!(kinds(&store), ["project.created"]);
}

#[test]
fn undoing_is_told_as_what_it_does() {
    let mut store = listened();
    add(&mut store, "aaaaaaaa", "Shop");
    store
        .write::<_, StoreError>(Durability::Full, |tx| {
            let point = tx.open_point("an import")?;
            let (record, payload) = tx.live(id("aaaaaaaa"))?;
            let number = record.number;
            let renamed = payload.with([("name", crate::project::raw("Store"))])?;
            tx.finish_edit(record, &payload, renamed)?;
            let record = tx.record(id("aaaaaaaa"))?.unwrap();
            tx.note_overwritten(point, &record, number, None)
        })
        .unwrap();
    store.undo(None).unwrap();
    let last = told(&store).pop().unwrap();
    assert_eq!(
        last,
        ("project.updated".to_owned(), json!("aaaaaaaa"), json!({"name": "Shop", "fields": ["name"]}))
    );
    assert_eq!(kinds(&store).len(), 3);
}

#[test]
fn an_import_tells_of_each_project_and_a_trial_of_it_of_none() {
    let mut store = listened();
    let text = "{\"id\":\"aaaaaaaa\",\"name\":\"One\"}\n{\"id\":\"bbbbbbbb\",\"name\":\"Two\"}\n";
    let dry = transfer::ImportOptions { dry_run: true, ..transfer::ImportOptions::default() };
    transfer::import(&mut store, text.as_bytes(), dry).unwrap();
    assert_eq!(kinds(&store), [""; 0]);
    transfer::import(&mut store, text.as_bytes(), transfer::ImportOptions::default()).unwrap();
    assert_eq!(kinds(&store), ["project.created", "project.created"]);
}

#[test]
fn what_nobody_listens_for_costs_no_row_and_one_look_a_transaction() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    listen(&store, "ep_1", r#"["sync.*"]"#);
    change(&mut store, "aaaaaaaa", |p| p.name = "Store".to_owned());
    assert_eq!(["events", "deliveries", "sequences"].map(|table| count(&store, table)), [0; 3]);
    let looks = store
        .write::<_, StoreError>(Durability::Full, |tx| {
            tx.add(Project::new(id("bbbbbbbb"), "Other"))?;
            // Whoever is added within the transaction is not seen by it: it looked already.
            tx.connection().execute("UPDATE endpoints SET filters = '[]'", [])?;
            tx.add(Project::new(id("cccccccc"), "Third"))?;
            Ok(tx.connection().query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u64>(0))?)
        })
        .unwrap();
    assert_eq!(looks, 0);
}

#[test]
fn an_endpoint_that_a_fault_made_unusable_is_found_and_named() {
    let mut store = listened();
    listen(&store, "ep_2", "[]");
    listen(&store, "ep_3", "[]");
    assert_eq!(store.examine().unwrap(), []);
    store.connection.execute("UPDATE endpoints SET filters = '[' WHERE id = 'ep_2'", []).unwrap();
    let sql = "DELETE FROM signing_keys WHERE endpoint = (SELECT rowid FROM endpoints WHERE id = 'ep_3')";
    store.connection.execute(sql, []).unwrap();
    let found: Vec<_> =
        store.examine().unwrap().into_iter().map(|one| (one.id.unwrap(), one.damage)).collect();
    assert_eq!(found, [("ep_2".to_owned(), Damage::Endpoint), ("ep_3".to_owned(), Damage::Endpoint)]);
    store.connection.pragma_update(None, "foreign_keys", false).unwrap();
    store.connection.execute("DELETE FROM endpoints WHERE id = 'ep_1'", []).unwrap();
    let orphans = store.examine().unwrap();
    assert_eq!(orphans[0].damage, Damage::Orphan("signing_keys".to_owned()));
}

#[test]
fn a_row_of_the_audit_trail_and_its_event_are_written_together_for_the_endpoints_of_its_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let mut personal = Store::open(&path).unwrap();
    let tenant = Options::default().tenant("acme").open(&path).unwrap();
    listen(&personal, "ep_1", "[]");
    listen(&tenant, "ep_2", "[]");
    let event = NewEvent::of_device(EventKind::DeviceRevoked, Some("grt_1"), "lap\ntop", None);
    for name in ["acme", "nobody"] {
        let entry = AuditEntry::new(name, AuditAction::RevokeDevice, AuditOutcome::Done);
        personal.note_and_tell(&entry, &event, Durability::Full).unwrap();
    }
    assert_eq!(tenant.audit(None, &[], 10).unwrap().len(), 1);
    let told = bodies(&tenant);
    assert_eq!(told.len(), 1, "a tenant without a space has no endpoints");
    assert_eq!(told[0]["data"], json!({"device": {"id": "grt_1", "name": "laptop"}}));
    let owner: i64 = tenant.connection.query_row("SELECT owner FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(owner, tenant.owner().0);
}

#[test]
fn a_failed_sync_is_told_with_its_code_and_a_message_of_one_line() {
    let mut store = listened();
    let entry = AuditEntry::new("", AuditAction::Sync, AuditOutcome::Failed);
    let event = NewEvent::sync_failed("E-SYNC-001", &format!("no\nanswer{}", "!".repeat(500)));
    store.note_and_tell(&entry, &event, Durability::Full).unwrap();
    let data = &bodies(&store)[0]["data"];
    assert_eq!(data["code"], "E-SYNC-001");
    assert_eq!(data["message"].as_str().unwrap(), format!("noanswer{}", "!".repeat(192)));
}
