//! A store of each schema that there was becomes one of the newest, with all that it held.

use super::*;

const FIRST: &str = include_str!("../migrations/0001_initial.sql");
const SECOND: &str = include_str!("../migrations/0002_points_and_trimming.sql");
const THIRD: &str = include_str!("../migrations/0003_audit.sql");
const FOURTH: &str = include_str!("../migrations/0004_author.sql");

#[test]
fn a_store_of_the_first_schema_keeps_projects_history_and_the_state_of_sync() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(FIRST).unwrap();
    old.execute_batch(
        r#"PRAGMA application_id = 0x4f726b65; PRAGMA user_version = 1;
        INSERT INTO writer VALUES (1, 'w1234567', 20, 'laptop');
        INSERT INTO spaces (rowid, tenant, remote, position) VALUES (1, '', 'me@here', '7');
        INSERT INTO records (rowid, space, id, name, status, priority, ancestry, device, at, payload) VALUES (1, 1, 'aaaaaaaa',
          'Shop', 'planning', 'medium', '{"w1234567":20}', 'laptop', '2026-01-02T00:00:00.000Z', '{"id":"aaaaaaaa","name":"Shop"}');
        INSERT INTO tracking (record, space, version, base_at, revision, clean_at) VALUES (1, 1, 2, 2, 'r2', 2);
        INSERT INTO history (record, version, payload, ancestry, device, at) VALUES (1, 1, '{"id":"aaaaaaaa","name":"Old"}',
          '{"w1234567":10}', 'laptop', '2026-01-01T00:00:00.000Z');"#,
    )
    .unwrap();
    old.close().unwrap();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().payload.name(), "Shop");
    change(&mut store, "aaaaaaaa", |project| project.name = "New".to_owned());
    let history = store.history(id("aaaaaaaa")).unwrap();
    assert_eq!(history.len(), 3, "what was kept before the migration counts as kept at that moment");
    assert_eq!(store.examine().unwrap(), []);
    #[cfg(feature = "sync")]
    assert_eq!(store.space_state().unwrap().0.remote.as_deref(), Some("me@here"));
}

#[test]
fn a_store_of_the_second_schema_keeps_restore_points_and_begins_an_audit_trail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(FIRST).unwrap();
    old.execute_batch(SECOND).unwrap();
    old.execute_batch(
        r#"PRAGMA application_id = 0x4f726b65; PRAGMA user_version = 2;
        INSERT INTO writer (only, name, clock, device) VALUES (1, 'w1234567', 20, 'laptop');
        INSERT INTO spaces (rowid, tenant, remote, position) VALUES (1, '', 'me@here', '7');
        INSERT INTO records (rowid, space, id, name, status, priority, ancestry, device, at, payload) VALUES (1, 1, 'aaaaaaaa',
          'Shop', 'planning', 'medium', '{"w1234567":20}', 'laptop', '2026-01-02T00:00:00.000Z', '{"id":"aaaaaaaa","name":"Shop"}');
        INSERT INTO tracking (record, space, version, base_at, revision, clean_at) VALUES (1, 1, 2, 2, 'r2', 2);
        INSERT INTO history (record, version, payload, ancestry, device, at, kept_at) VALUES (1, 1,
          '{"id":"aaaaaaaa","name":"Old"}', '{"w1234567":10}', 'laptop', '2026-01-01T00:00:00.000Z', unixepoch());
        INSERT INTO points (space, at, operation) VALUES (1, '2026-01-02T00:00:00.000Z', 'cloud sync --cloud-wins');
        INSERT INTO overwritten VALUES (1, 1, 1, 2, NULL);"#,
    )
    .unwrap();
    old.close().unwrap();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.audit(None, &[], 10).unwrap(), []);
    let entry = AuditEntry::new("", AuditAction::Sync, AuditOutcome::Done);
    store.note(&entry, Durability::Full).unwrap();
    assert_eq!(store.audit(None, &[], 10).unwrap()[0].action, "sync");
    assert_eq!(store.undo(None).unwrap().operation, "cloud sync --cloud-wins");
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().payload.name(), "Old");
    assert_eq!(store.examine().unwrap(), []);
}

/// A store of these steps, with a project that was renamed, and what there was of the audit trail.
fn released(path: &std::path::Path, steps: &[&str]) {
    let old = rusqlite::Connection::open(path).unwrap();
    steps.iter().for_each(|step| old.execute_batch(step).unwrap());
    old.pragma_update(None, "user_version", steps.len()).unwrap();
    old.execute_batch(
        r#"PRAGMA application_id = 0x4f726b65;
        INSERT INTO writer (only, name, clock, device) VALUES (1, 'w1234567', 20, 'laptop');
        INSERT INTO spaces (rowid, tenant, remote, position) VALUES (1, '', 'me@here', '7'), (2, 'acme', NULL, NULL);
        INSERT INTO records (rowid, space, id, name, status, priority, ancestry, device, at, payload) VALUES (1, 1, 'aaaaaaaa',
          'Shop', 'planning', 'medium', '{"w1234567":20}', 'laptop', '2026-01-02T00:00:00.000Z', '{"id":"aaaaaaaa","name":"Shop"}');
        INSERT INTO tracking (record, space, version, base_at, revision, clean_at) VALUES (1, 1, 2, 2, 'r2', 2);
        INSERT INTO history (record, version, payload, ancestry, device, at, kept_at) VALUES (1, 1,
          '{"id":"aaaaaaaa","name":"Old"}', '{"w1234567":10}', 'laptop', '2026-01-01T00:00:00.000Z', unixepoch());
        INSERT INTO audit VALUES ('', 1, '2026-01-02T00:00:00.000Z', 'me', 'sync', NULL, 'done', NULL, NULL, NULL, zeroblob(32));
        INSERT INTO audit_chains VALUES ('', 1, zeroblob(32), 1, zeroblob(32));"#,
    )
    .unwrap();
    old.close().unwrap();
}

#[test]
fn a_store_of_the_third_and_of_the_fourth_schema_keeps_its_trail_and_begins_to_tell_of_events() {
    for steps in [&[FIRST, SECOND, THIRD][..], &[FIRST, SECOND, THIRD, FOURTH]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orkee.db");
        released(&path, steps);
        let mut store = Store::open(&path).unwrap();
        assert_eq!(store.audit(None, &[], 10).unwrap()[0].action, "sync");
        change(&mut store, "aaaaaaaa", |project| project.name = "New".to_owned());
        crate::event::tests::listen(&store, "ep_1", "[]");
        change(&mut store, "aaaaaaaa", |project| project.name = "Newer".to_owned());
        let told = crate::event::tests::bodies(&store);
        assert_eq!((told.len(), &told[0]["data"]["name"]), (1, &"Newer".into()));
        assert_eq!(store.history(id("aaaaaaaa")).unwrap().len(), 4);
        assert_eq!(store.examine().unwrap(), []);
        let other = Options::default().tenant("acme").open(&path).unwrap();
        assert_eq!(other.owner().0, 2, "the tenant's own events are another owner's");
    }
}

#[cfg(feature = "sync")]
#[test]
fn a_store_of_the_fifth_schema_holds_that_its_account_is_plain_and_was_looked_at_where_it_was_synced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    released(&path, &[FIRST, SECOND, THIRD, FOURTH, crate::event::SCHEMA]);
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch("UPDATE spaces SET last_sync_at = '2026-01-02T00:00:00.000Z' WHERE rowid = 1").unwrap();
    old.close().unwrap();
    let mut store = Store::open(&path).unwrap();
    let state = store.space_state().unwrap().0;
    assert_eq!((state.document, state.document_listed, state.resealing), (Some(0), 0, None));
    let marked = store.write::<_, StoreError>(Durability::Full, |tx| {
        let there = tx.tracked(id("aaaaaaaa"))?.unwrap().agreed.there.unwrap();
        assert_eq!((there.revision.0.as_str(), there.epoch), ("r2", 0));
        tx.reseal_below(1)
    });
    assert_eq!((marked.unwrap(), store.has_waiting().unwrap(), store.unsent().unwrap().len()), (1, true, 0));
    assert_eq!(store.examine().unwrap(), []);
    let other = Options::default().tenant("acme").open(&path).unwrap();
    assert_eq!(other.space_state().unwrap().0.document, None, "it was never synced");
}

#[test]
fn a_store_of_a_newer_schema_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    drop(Store::open(&path).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    let known = migrations::known();
    newer.pragma_update(None, "user_version", known + 1).unwrap();
    newer.close().unwrap();
    let error = Store::open(&path).map(drop).unwrap_err();
    let StoreError::Open { source, .. } = error else { panic!("{error}") };
    assert!(matches!(*source, StoreError::Newer { found, .. } if found == known + 1), "{source}");
}
