//! A record with a locked text that does not open on this device any more, as its versions meet those of the cloud.

use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;
use crate::project::raw;
use crate::store::{FieldSeal, LockKeys, is_damaged};

/// A seal that hides nothing, and does not open what was changed.
struct Digests;

impl FieldSeal for Digests {
    fn seal(&self, record: &str, field: &str, plain: &[u8]) -> Option<String> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let digest = Sha256::new().chain_update(record).chain_update(field).chain_update(plain).finalize();
        Some(hex(&digest[..4]) + &hex(plain))
    }

    fn open(&self, record: &str, field: &str, sealed: &str) -> Option<Vec<u8>> {
        let byte = |at: usize| u8::from_str_radix(sealed.get(at..at + 2)?, 16).ok();
        let plain: Vec<u8> = (8..sealed.len()).step_by(2).map(byte).collect::<Option<_>>()?;
        (self.seal(record, field, &plain)? == sealed).then_some(plain)
    }
}

impl LockKeys for Digests {
    fn key(&self, _: &str) -> Option<Arc<dyn FieldSeal>> {
        Some(Arc::new(Self))
    }
}

fn edit(store: &mut Store, change: impl FnOnce(&mut Project)) {
    store
        .update(id(0), |project| {
            change(project);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

fn describe(store: &mut Store, text: &str) {
    edit(store, |project| project.description = Some(text.to_owned()));
}

fn description(store: &Store) -> Option<String> {
    let stored = store.get(id(0)).unwrap();
    assert_eq!(stored.damaged, [""; 0]);
    stored.project().description
}

fn spoil(store: &mut Store, field: &str) {
    store.execute_for_test(&format!(
        "UPDATE records SET payload = json_set(payload, '$.{field}.$sealed', \
         'ffffffff' || substr(json_extract(payload, '$.{field}.$sealed'), 9)) WHERE rowid = 1"
    ));
    assert_eq!(store.get(id(0)).unwrap().damaged, [field]);
}

/// Two devices with one project, described as "old", that one of them has locked.
fn locked_pair() -> (Cloud, Store, Store) {
    let (mut cloud, mut a, mut b) = pair(1);
    a.use_lock_keys(Arc::new(Digests));
    a.put_lock("lock", &["description", "manualTasks"], "{}").unwrap();
    a.sweep().unwrap();
    describe(&mut a, "old");
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    (cloud, a, b)
}

fn force(cloud: &mut Cloud, store: &mut Store) {
    let options = Options { compare: Compare::Joining, ..Options::default() };
    cloud.sync_with(store, LIMITS, options).unwrap();
}

#[test]
fn k89_an_unsent_text_that_is_damaged_stays_through_an_ordinary_sync_and_comes_back_from_history_by_force() {
    let (mut cloud, mut a, mut b) = locked_pair();
    describe(&mut a, "new");
    rename(&mut a, 0, "renamed");
    spoil(&mut a, "description");
    edit(&mut b, |project| project.dev_script = Some("run".to_owned()));
    cloud.sync(&mut b);
    for _ in 0..2 {
        assert_eq!(cloud.sync(&mut a).pushed, 0);
        let stored = a.get(id(0)).unwrap();
        assert_eq!(stored.damaged, ["description"]);
        assert_eq!(
            (stored.payload.name(), stored.project().dev_script),
            ("renamed".into(), Some("run".into()))
        );
        assert_eq!(a.conflicts(None).unwrap().len(), 0);
    }
    cloud.sync(&mut b);
    assert_eq!((description(&b), name(&b, 0)), (Some("old".to_owned()), "Project 0".to_owned()));
    force(&mut cloud, &mut a);
    cloud.sync(&mut b);
    for store in [&a, &b] {
        assert_eq!((description(store), name(store, 0)), (Some("new".to_owned()), "renamed".to_owned()));
        assert_eq!(store.conflicts(None).unwrap().len(), 0);
    }
}

#[test]
fn k89_what_both_changed_waits_beside_a_damaged_text_and_beside_the_one_that_mends_it() {
    for is_forced_at_once in [false, true] {
        let (mut cloud, mut a, mut b) = locked_pair();
        describe(&mut a, "new");
        rename(&mut a, 0, "renamed");
        spoil(&mut a, "description");
        describe(&mut b, "theirs");
        cloud.sync(&mut b);
        if !is_forced_at_once {
            cloud.sync(&mut a);
            assert_eq!(a.get(id(0)).unwrap().damaged, ["description"]);
            let waiting = a.conflicts(None).unwrap();
            assert_eq!(waiting[0].cloud.as_ref().unwrap().get(), "\"theirs\"");
        }
        force(&mut cloud, &mut a);
        assert_eq!(description(&a).as_deref(), Some("new"), "{is_forced_at_once}");
        let waiting = a.conflicts(None).unwrap();
        let values: Vec<_> = waiting
            .iter()
            .map(|one| [&one.local, &one.cloud].map(|value| value.as_ref().unwrap().get().to_owned()))
            .collect();
        assert_eq!(values, [["\"new\"".to_owned(), "\"theirs\"".to_owned()]], "{is_forced_at_once}");
        assert!(a.settle(&waiting[0], Choice::Cloud).unwrap());
        assert_eq!(description(&a).as_deref(), Some("theirs"));
    }
}

#[test]
fn k89_the_other_text_may_be_taken_for_a_damaged_one_that_it_waits_beside() {
    let (mut cloud, mut a, mut b) = locked_pair();
    rename(&mut a, 0, "renamed");
    spoil(&mut a, "description");
    describe(&mut b, "theirs");
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    let waiting = a.conflicts(None).unwrap();
    assert!(a.settle(&waiting[0], Choice::Cloud).unwrap());
    assert_eq!(cloud.sync(&mut a).pushed, 1);
    cloud.sync(&mut b);
    assert_eq!((description(&b).as_deref(), name(&b, 0).as_str()), (Some("theirs"), "renamed"));
}

#[test]
fn k89_where_no_own_version_has_the_text_it_comes_from_the_cloud() {
    let (mut cloud, mut a, mut b) = locked_pair();
    rename(&mut a, 0, "renamed");
    spoil(&mut a, "description");
    force(&mut cloud, &mut a);
    assert_eq!((description(&a).as_deref(), name(&a, 0).as_str()), (Some("old"), "renamed"));
    // An older own version that did not change it is no newer text than the cloud's.
    rename(&mut a, 0, "renamed twice");
    rename(&mut a, 0, "renamed thrice");
    spoil(&mut a, "description");
    cloud.sync(&mut b);
    describe(&mut b, "newer there");
    cloud.sync(&mut b);
    force(&mut cloud, &mut a);
    assert_eq!((description(&a).as_deref(), name(&a, 0).as_str()), (Some("newer there"), "renamed thrice"));
    assert_eq!(a.conflicts(None).unwrap().len(), 0);
}

#[test]
fn k89_a_list_of_tasks_that_is_damaged_is_merged_with_nothing_and_an_edit_beats_a_delete() {
    let (mut cloud, mut a, mut b) = locked_pair();
    let tasks = |title: &str| raw(&json!([{"id": 1, "title": title}]));
    let write = |store: &mut Store, title: &str| {
        store
            .write::<_, StoreError>(crate::store::Durability::Full, |tx| {
                let record = tx.record(id(0))?.unwrap();
                let payload =
                    record.version.payload.as_ref().unwrap().with([("manualTasks", tasks(title))])?;
                tx.write(id(0), Some(record), Some(payload)).map(drop)
            })
            .unwrap();
    };
    write(&mut a, "mine");
    rename(&mut a, 0, "renamed");
    spoil(&mut a, "manualTasks");
    write(&mut b, "theirs");
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    let waiting = a.conflicts(None).unwrap();
    assert_eq!((waiting.len(), waiting[0].field.as_str()), (1, "manualTasks"));
    assert!(!is_damaged(waiting[0].cloud.as_ref().unwrap()));
    b.delete(id(0)).unwrap();
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    assert_eq!(a.get(id(0)).unwrap().damaged, ["manualTasks"]);
    force(&mut cloud, &mut a);
    let stored = a.get(id(0)).unwrap();
    assert_eq!(stored.damaged, [""; 0]);
    assert_eq!(stored.payload.get("manualTasks").unwrap().get(), tasks("mine").unwrap().get());
}
