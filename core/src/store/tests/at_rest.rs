//! Chosen fields sealed where they stand, with a seal of the tests' own: the store does not care which it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::*;
use crate::project::raw;

#[cfg(feature = "sync")]
mod damaged;

/// Hides a text below a keystream made of what it is bound to, with a digest of it in front.
struct Hiding;

impl Hiding {
    fn stream(record: &str, field: &str, salt: &[u8], length: usize) -> Vec<u8> {
        let block = |n: u32| {
            Sha256::new()
                .chain_update(format!("key|{record}|{field}|{n}|"))
                .chain_update(salt)
                .finalize()
                .to_vec()
        };
        (0..).flat_map(block).take(length).collect()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FieldSeal for Hiding {
    fn seal(&self, record: &str, field: &str, plain: &[u8]) -> Option<String> {
        let salt = Sha256::digest(plain);
        let stream = Self::stream(record, field, &salt, plain.len());
        let hidden: Vec<u8> = plain.iter().zip(stream).map(|(a, b)| a ^ b).collect();
        Some(Self::hex(&salt) + &Self::hex(&hidden))
    }

    fn open(&self, record: &str, field: &str, sealed: &str) -> Option<Vec<u8>> {
        let byte = |at: usize| u8::from_str_radix(sealed.get(at..at + 2)?, 16).ok();
        let bytes: Vec<u8> = (0..sealed.len()).step_by(2).map(byte).collect::<Option<_>>()?;
        let (salt, hidden) = bytes.split_at_checked(32)?;
        let stream = Self::stream(record, field, salt, hidden.len());
        let plain: Vec<u8> = hidden.iter().zip(stream).map(|(a, b)| a ^ b).collect();
        (Sha256::digest(&plain).as_slice() == salt).then_some(plain)
    }
}

/// The key, as long as it is at hand.
#[derive(Default)]
struct Hand(AtomicBool);

impl LockKeys for Hand {
    fn key(&self, id: &str) -> Option<Arc<dyn FieldSeal>> {
        (id == "lock-1" && self.0.load(Ordering::Relaxed)).then(|| Arc::new(Hiding) as _)
    }
}

struct Home {
    folder: tempfile::TempDir,
    hand: Arc<Hand>,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), hand: Arc::default() }
    }

    fn open(&self) -> Store {
        let path = self.folder.path().join("orkee.db");
        Options::default().device("laptop").lock_keys(self.hand.clone()).open(&path).unwrap()
    }

    fn has(&self, is_there: bool) {
        self.hand.0.store(is_there, Ordering::Relaxed);
    }

    /// Every byte of every file.
    fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    fn holds(&self, text: &str) -> bool {
        let bytes = self.bytes();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

const CHOSEN: [&str; 3] = ["description", "devScript", "manualTasks"];

fn lock(home: &Home, store: &mut Store) {
    home.has(true);
    store.put_lock("lock-1", &CHOSEN, "{}").unwrap();
    store.sweep().unwrap();
    store.wipe().unwrap();
}

fn describe(store: &mut Store, text: &str, words: &str) {
    change(store, text, |project| project.description = Some(words.to_owned()));
}

fn description(store: &Store, text: &str) -> Option<String> {
    store.get(id(text)).unwrap().project().description
}

#[test]
fn no_byte_of_a_chosen_field_stays_in_any_file_and_all_of_it_comes_back_with_the_key() {
    let home = Home::new();
    let mut store = home.open();
    add(&mut store, "aaaaaaaa", "Shop");
    describe(&mut store, "aaaaaaaa", "canary-old-7f3a");
    describe(&mut store, "aaaaaaaa", "canary-new-91bc");
    change(&mut store, "aaaaaaaa", |project| project.dev_script = Some("canary-script".to_owned()));
    add(&mut store, "bbbbbbbb", "Gone");
    describe(&mut store, "bbbbbbbb", "canary-deleted");
    store.delete(id("bbbbbbbb")).unwrap();
    let canaries = ["canary-old-7f3a", "canary-new-91bc", "canary-script", "canary-deleted"];
    assert!(canaries.iter().all(|canary| home.holds(canary)));
    let before: Vec<String> =
        store.history(id("aaaaaaaa")).unwrap().iter().map(|h| format!("{h:?}")).collect();

    lock(&home, &mut store);
    assert_eq!(store.lock_standing().unwrap().unwrap().stage, LockStage::Done);
    describe(&mut store, "aaaaaaaa", "canary-while-open");
    store.revert(id("aaaaaaaa"), 2).unwrap();
    store.restore(id("bbbbbbbb")).unwrap();
    for canary in canaries.into_iter().chain(["canary-while-open"]) {
        assert!(!home.holds(canary), "{canary}");
    }
    assert!(home.holds("Shop"), "names are for lists");
    assert_eq!(description(&store, "aaaaaaaa").as_deref(), Some("canary-old-7f3a"));
    assert_eq!(description(&store, "bbbbbbbb").as_deref(), Some("canary-deleted"));
    let after: Vec<String> =
        store.history(id("aaaaaaaa")).unwrap().iter().map(|h| format!("{h:?}")).collect();
    assert_eq!(after[..before.len()], before[..]);
    assert_eq!(store.examine().unwrap(), []);

    store.change_lock(&[]).unwrap();
    store.sweep().unwrap();
    assert_eq!(store.lock_standing().unwrap(), None);
    assert!(canaries.iter().all(|canary| home.holds(canary)));
    home.has(false);
    assert_eq!(description(&store, "aaaaaaaa").as_deref(), Some("canary-old-7f3a"));
}

#[test]
fn a_store_that_is_shut_shows_what_is_not_sealed_and_lets_nothing_be_changed() {
    let home = Home::new();
    let mut store = home.open();
    add(&mut store, "aaaaaaaa", "Shop");
    describe(&mut store, "aaaaaaaa", "one");
    describe(&mut store, "aaaaaaaa", "two");
    add(&mut store, "bbbbbbbb", "Plain");
    store.delete(id("bbbbbbbb")).unwrap();
    lock(&home, &mut store);
    home.has(false);

    let stored = store.get(id("aaaaaaaa")).unwrap();
    assert_eq!((stored.locked, stored.payload.get("description").is_none()), (vec!["description"], true));
    let mut listed = Vec::new();
    store
        .list_json::<StoreError>(&Filter::default(), |json| {
            listed.push(json.to_owned());
            Ok(())
        })
        .unwrap();
    assert!(
        listed[0].contains(r#""lockedFields":["description"]"#) && !listed[0].contains("$sealed"),
        "{listed:?}"
    );
    assert_eq!(names(&store, &Filter { search: Some("two".to_owned()), ..Filter::default() }), [""; 0]);
    assert_eq!(names(&store, &Filter { search: Some("sho".to_owned()), ..Filter::default() }), ["Shop"]);
    let history = store.history(id("aaaaaaaa")).unwrap();
    let changed: Vec<_> = history[2].fields.iter().filter(|change| change.field == "description").collect();
    assert!(is_locked(changed[0].old.as_ref().unwrap()), "it is seen that it changed, and not how");

    let state = home.bytes();
    type Work = Box<dyn FnOnce(&mut Store) -> Result<(), StoreError>>;
    let deeds: Vec<(&str, Work)> = vec![
        ("add", Box::new(|store| store.add(Project::new(id("cccccccc"), "C")).map(drop))),
        ("update", Box::new(|store| store.update(id("aaaaaaaa"), |_| Ok::<_, StoreError>(())).map(drop))),
        ("delete", Box::new(|store| store.delete(id("aaaaaaaa")).map(drop))),
        ("restore", Box::new(|store| store.restore(id("bbbbbbbb")).map(drop))),
        ("revert", Box::new(|store| store.revert(id("aaaaaaaa"), 1).map(drop))),
        ("put back", Box::new(|store| store.put_back(jiff::Timestamp::now(), None, "x", false).map(drop))),
        ("change the lock", Box::new(|store| store.change_lock(&[]))),
        ("sweep", Box::new(|store| store.sweep().map(drop))),
    ];
    for (what, work) in deeds {
        let refused = work(&mut store);
        assert!(matches!(refused, Err(StoreError::Shut)), "{what}: {refused:?}");
    }
    assert_eq!(state, home.bytes(), "nothing was written");
    store.locate(id("aaaaaaaa"), Some("/srv/shop".as_ref())).unwrap();
    home.has(true);
    assert_eq!(description(&store, "aaaaaaaa").as_deref(), Some("two"));
}

#[test]
fn what_only_looks_sealed_is_a_value_like_any_other() {
    let home = Home::new();
    let mut store = home.open();
    add(&mut store, "aaaaaaaa", "Shop");
    let look_alike = raw(&serde_json::json!({"$sealed": "00ff"}));
    let payload = store.get(id("aaaaaaaa")).unwrap().payload;
    let payload = payload.with([("setupScript", look_alike.clone()), ("description", look_alike)]).unwrap();
    let put = |store: &mut Store, payload: Payload| {
        store
            .write::<_, StoreError>(Durability::Full, |tx| {
                let current = tx.record(payload.id())?;
                tx.write(payload.id(), current, Some(payload))
            })
            .unwrap()
    };
    put(&mut store, payload.clone());
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().payload, payload);
    lock(&home, &mut store);
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().payload, payload);
    let other = payload.with([("rank", raw(&7))]).unwrap();
    put(&mut store, other.clone());
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().payload, other);
    store.change_lock(&[]).unwrap();
    store.sweep().unwrap();
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().payload, other);
}

#[test]
fn a_sealed_text_that_was_changed_or_moved_is_damage_and_no_value() {
    let home = Home::new();
    let mut store = home.open();
    for (text, words) in [("aaaaaaaa", "one"), ("bbbbbbbb", "two")] {
        add(&mut store, text, text);
        describe(&mut store, text, words);
    }
    lock(&home, &mut store);
    let moved = "UPDATE records SET payload = json_set(payload, '$.description', json((SELECT json_extract(payload, \
                 '$.description') FROM records WHERE id = 'bbbbbbbb'))) WHERE id = 'aaaaaaaa'";
    store.execute_for_test(moved);
    let shown = store.get(id("aaaaaaaa")).unwrap();
    assert_eq!((shown.payload.get("description").is_none(), shown.damaged), (true, vec!["description"]));
    assert_eq!(description(&store, "bbbbbbbb").as_deref(), Some("two"));
    let found: Vec<_> = store.examine().unwrap().into_iter().map(|one| (one.id, one.damage)).collect();
    assert_eq!(found, [(Some("aaaaaaaa".to_owned()), Damage::Locked("description"))]);
    home.has(false);
    assert_eq!(home.open().examine().unwrap(), [], "what is locked is not looked into");
}

#[test]
fn other_fields_are_sealed_by_another_sweep_and_one_that_was_broken_off_goes_on() {
    let home = Home::new();
    let mut store = home.open();
    for n in 0..450 {
        let mut project = Project::new(id(&format!("aaaaa{n:03}")), format!("P{n}"));
        project.description = Some(format!("canary-description-{n}-."));
        project.setup_script = Some(format!("canary-setup-{n}-."));
        store.add(project).unwrap();
    }
    home.has(true);
    store.put_lock("lock-1", &["description"], "{}").unwrap();
    // Before it was swept, both forms are read, and what is written has the new one.
    assert_eq!(description(&store, "aaaaa007").as_deref(), Some("canary-description-7-."));
    describe(&mut store, "aaaaa007", "canary-written-before");
    assert_eq!(description(&store, "aaaaa007").as_deref(), Some("canary-written-before"));
    assert_eq!(
        store.sweep().unwrap().texts,
        450,
        "the newest of each, but the one that is sealed, whose older one is not"
    );
    assert_eq!(store.sweep().unwrap().texts, 0);
    store.wipe().unwrap();
    assert!(!home.holds("canary-description") && !home.holds("canary-written") && home.holds("canary-setup"));
    store.change_lock(&["setupScript"]).unwrap();
    store.sweep().unwrap();
    store.wipe().unwrap();
    assert!(home.holds("canary-description-449-.") && !home.holds("canary-setup"));
    assert_eq!(description(&store, "aaaaa448").as_deref(), Some("canary-description-448-."));
}

#[test]
fn a_lock_that_another_process_puts_on_holds_for_one_that_has_the_store_open() {
    let home = Home::new();
    let mut early = home.open();
    add(&mut early, "aaaaaaaa", "Shop");
    let mut store = home.open();
    lock(&home, &mut store);
    describe(&mut early, "aaaaaaaa", "canary-of-the-early-one");
    assert!(!home.holds("canary-of-the-early-one"));
    home.has(false);
    let refused = early.update(id("aaaaaaaa"), |_| Ok::<_, StoreError>(()));
    assert!(matches!(refused, Err(StoreError::Shut)));
}

#[cfg(feature = "sync")]
#[test]
fn what_waits_beside_a_field_and_what_could_not_be_read_are_sealed_with_it() {
    use crate::sync::provider::Revision;
    let home = Home::new();
    let mut store = home.open();
    add(&mut store, "aaaaaaaa", "Shop");
    describe(&mut store, "aaaaaaaa", "canary-here");
    let beside = |store: &mut Store, cloud: &str| {
        store
            .write::<_, StoreError>(Durability::Full, |tx| {
                let record = tx.record(id("aaaaaaaa"))?.unwrap();
                let local =
                    record.version.payload.as_ref().unwrap().get("description").map(ToOwned::to_owned);
                let cloud = raw(cloud);
                tx.add_conflict(&record, "description", local.as_deref(), cloud.as_deref(), &record.version)?;
                tx.set_aside("zzzzzzzz", &Revision("r1".to_owned()), b"{} canary-envelope", "no reason")
            })
            .unwrap();
    };
    beside(&mut store, "canary-there");
    lock(&home, &mut store);
    beside(&mut store, "canary-there");
    beside(&mut store, "canary-other");
    for canary in ["canary-here", "canary-there", "canary-other", "canary-envelope"] {
        assert!(!home.holds(canary), "{canary}");
    }
    let waiting = store.conflicts(None).unwrap();
    let texts: Vec<&str> = waiting.iter().map(|c| c.cloud.as_ref().unwrap().get()).collect();
    assert_eq!(texts, ["\"canary-other\"", "\"canary-there\""], "one that waits already waits once");

    home.has(false);
    let locked = store.conflicts(None).unwrap();
    assert!(
        locked.iter().all(|c| is_locked(c.cloud.as_ref().unwrap()) && is_locked(c.local.as_ref().unwrap()))
    );
    for choice in [Choice::Local, Choice::Cloud] {
        assert!(matches!(store.settle(&locked[0], choice), Err(StoreError::Shut)));
        let choices = [("description".to_owned(), choice)];
        assert!(matches!(store.resolve(id("aaaaaaaa"), &choices), Err(StoreError::Shut)));
    }
    home.has(true);
    assert!(store.settle(&waiting[0], Choice::Cloud).unwrap());
    assert_eq!(description(&store, "aaaaaaaa").as_deref(), Some("canary-other"));
    assert!(store.settle(&store.conflicts(None).unwrap()[0], Choice::Local).unwrap());
    assert_eq!(store.conflicts(None).unwrap().len(), 0);
    store.change_lock(&[]).unwrap();
    store.sweep().unwrap();
    assert!(home.holds("canary-envelope"));
}

#[test]
fn a_store_that_was_never_locked_takes_one_look_in_a_transaction_and_none_where_it_reads() {
    let mut locked = store();
    add(&mut locked, "aaaaaaaa", "Shop");
    let look = locked.instructions(|store| drop(store.is_shut()));
    let read = locked.instructions(|store| drop(store.get(id("aaaaaaaa"))));
    assert!(look < 20, "an empty table of one row: {look}");
    // Without the table there is nothing to look at: reading cost the same.
    locked.execute_for_test("DROP TABLE lock");
    locked.get(id("aaaaaaaa")).unwrap();
    assert_eq!(locked.instructions(|store| drop(store.get(id("aaaaaaaa")))), read);
}

/// Changes a byte of the sealed description in the newest version of a project.
fn damage(store: &Store, text: &str) {
    let sql = "UPDATE records SET payload = substr(payload, 1, instr(payload, '$sealed') + 9) \
               || iif(substr(payload, instr(payload, '$sealed') + 10, 2) = '00', '11', '00') \
               || substr(payload, instr(payload, '$sealed') + 12) WHERE id = ?";
    assert_eq!(store.connection.execute(sql, [text]).unwrap(), 1);
}

fn column(store: &Store, text: &str) -> String {
    let sql = "SELECT json_extract(payload, '$.description') FROM records WHERE id = ?";
    store.connection.query_row(sql, [text], |row| row.get(0)).unwrap()
}

#[test]
fn k89_a_damaged_value_is_shown_as_such_and_ends_nothing_and_what_stands_there_stays_as_it_is() {
    let home = Home::new();
    let mut store = home.open();
    for (text, name) in [("aaaaaaaa", "Shop"), ("bbbbbbbb", "Blog")] {
        add(&mut store, text, name);
        describe(&mut store, text, &format!("first of {name}"));
        describe(&mut store, text, &format!("second of {name}"));
    }
    lock(&home, &mut store);
    damage(&store, "aaaaaaaa");
    let stands = column(&store, "aaaaaaaa");

    let stored = store.get(id("aaaaaaaa")).unwrap();
    assert_eq!(
        (stored.damaged, stored.locked, stored.payload.get("description").is_none()),
        (vec!["description"], vec![], true)
    );
    let mut listed = Vec::new();
    store
        .list_json::<StoreError>(&Filter::default(), |json| {
            listed.push(json.to_owned());
            Ok(())
        })
        .unwrap();
    let (blog, shop) = (&listed[0], &listed[1]);
    assert!(shop.contains(r#""damagedFields":["description"]"#) && !shop.contains("$sealed"), "{shop}");
    assert!(blog.contains("second of Blog") && !blog.contains("damaged"), "{blog}");
    let found = |text: &str| names(&store, &Filter { search: Some(text.to_owned()), ..Filter::default() });
    assert_eq!(
        (found("second"), found("shop"), found("$sealed")),
        (vec!["Blog".to_owned()], vec!["Shop".to_owned()], vec![])
    );
    let history = store.history(id("aaaaaaaa")).unwrap();
    assert!(is_damaged(
        history[2].fields.iter().find(|one| one.field == "description").unwrap().new.as_ref().unwrap()
    ));
    let findings = store.examine().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        (findings[0].id.as_deref(), &findings[0].damage),
        (Some("aaaaaaaa"), &Damage::Locked("description"))
    );
    assert!(matches!(store.must_be_whole(), Err(StoreError::BadRecord { id, .. }) if id == "aaaaaaaa"));

    // Other fields are written, and what is damaged goes through all of it as it stands.
    change(&mut store, "aaaaaaaa", |project| project.name = "Shop 2".to_owned());
    store.delete(id("aaaaaaaa")).unwrap();
    let restored = store.restore(id("aaaaaaaa")).unwrap();
    assert_eq!((restored.name(), restored.get("description").is_none()), ("Shop 2".to_owned(), true));
    assert_eq!(column(&store, "aaaaaaaa"), stands);
    let payload = store.get(id("aaaaaaaa")).unwrap().payload;
    store.apply_edit(&payload, &payload.with([("name", raw(&"Shop 3"))]).unwrap()).unwrap();
    assert_eq!(column(&store, "aaaaaaaa"), stands);
    // History has what it was before, and what is damaged does not come back over that.
    store.revert(id("aaaaaaaa"), 2).unwrap();
    assert_eq!(description(&store, "aaaaaaaa").as_deref(), Some("first of Shop"));
    let refused = store.revert(id("aaaaaaaa"), 4).unwrap_err();
    assert!(matches!(&refused, StoreError::BadRecord { id, .. } if id == "aaaaaaaa"), "{refused}");
    assert_eq!((store.examine().unwrap(), store.must_be_whole().is_ok()), (vec![], true));
}

#[test]
fn k89_nothing_that_is_typed_is_taken_for_a_damaged_value() {
    let home = Home::new();
    let mut store = home.open();
    add(&mut store, "aaaaaaaa", "Shop");
    describe(&mut store, "aaaaaaaa", "words");
    lock(&home, &mut store);
    damage(&store, "aaaaaaaa");
    let stands = column(&store, "aaaaaaaa");
    let typed = raw(&serde_json::from_str::<serde_json::Value>(&stands).unwrap());
    let payload = store.get(id("aaaaaaaa")).unwrap().payload;
    let with = payload.with([("description", typed)]).unwrap();
    store
        .write::<_, StoreError>(Durability::Full, |tx| {
            let record = tx.record(id("aaaaaaaa"))?;
            tx.write(id("aaaaaaaa"), record, Some(with)).map(drop)
        })
        .unwrap();
    assert_ne!(column(&store, "aaaaaaaa"), stands, "it is sealed like any other value");
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().damaged, [""; 0]);
}
