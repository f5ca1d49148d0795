//! What is damaged goes nowhere: it is kept where it stands, and whatever would carry it elsewhere is refused as a whole.

use serde_json::json;
use serde_json::value::RawValue;

use super::*;

const SHOP: &str = "aaaaaaaa";

fn tasks(title: &str) -> Option<Box<RawValue>> {
    raw(&json!([{"id": 3, "title": title, "subtasks": []}, {"id": 4, "title": "other", "subtasks": []}]))
}

/// Writes fields as they are given, as this device's own edit.
fn put(store: &mut Store, text: &str, fields: &[(&str, Option<Box<RawValue>>)]) -> Result<(), StoreError> {
    store.write(Durability::Full, |tx| {
        let record = tx.record(id(text))?.unwrap();
        let payload = record.version.payload.clone().unwrap();
        let with = payload.with(fields.iter().map(|(field, value)| (*field, value.clone())))?;
        tx.write(id(text), Some(record), Some(with)).map(drop)
    })
}

/// The field as a transaction reads it.
fn read(store: &mut Store, text: &str, field: &str) -> Option<Box<RawValue>> {
    let read = |tx: &mut Tx<'_>| {
        let payload = tx.record(id(text))?.unwrap().version.payload.unwrap();
        Ok::<_, StoreError>(payload.get(field).map(ToOwned::to_owned))
    };
    store.write(Durability::Full, read).unwrap()
}

fn wait(
    store: &mut Store,
    field: &str,
    local: Option<&RawValue>,
    cloud: Option<&RawValue>,
) -> Result<(), StoreError> {
    store.write(Durability::Full, |tx| {
        let record = tx.record(id(SHOP))?.unwrap();
        tx.add_conflict(&record, field, local, cloud, &record.version)
    })
}

/// Changes a byte of what is sealed first in a column of one row.
fn spoil(store: &Store, table: &str, column: &str, which: &str) {
    let text = format!(
        "UPDATE {table} SET {column} = substr({column}, 1, instr({column}, '$sealed') + 9) \
         || iif(substr({column}, instr({column}, '$sealed') + 10, 2) = '00', '11', '00') \
         || substr({column}, instr({column}, '$sealed') + 12) WHERE {which}"
    );
    assert_eq!(store.connection.execute(&text, []).unwrap(), 1);
}

/// All that is stored of projects.
fn all(store: &Store) -> Vec<String> {
    let sql = "SELECT 'r' || coalesce(payload, '') || ancestry FROM records UNION ALL \
               SELECT 'h' || version || coalesce(payload, '') FROM history UNION ALL \
               SELECT 'c' || field || coalesce(local, '') || coalesce(cloud, '') FROM conflicts UNION ALL \
               SELECT 'l' || fields || stage FROM lock ORDER BY 1";
    let mut statement = store.connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn is_refused<T: std::fmt::Debug>(what: &str, done: Result<T, StoreError>) {
    use crate::diagnostic::Diagnostic;
    match done {
        Err(error @ StoreError::BadRecord { .. }) => {
            assert!(error.hint().is_some_and(|hint| hint.contains("sync --force")), "{what}: {error:?}");
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains("is damaged"), "{what}: {source}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

fn locked() -> (Home, Store) {
    let home = Home::new();
    let mut store = home.open();
    for (text, words) in [(SHOP, "Shop"), ("bbbbbbbb", "Blog")] {
        add(&mut store, text, words);
        put(&mut store, text, &[("manualTasks", tasks("mine"))]).unwrap();
    }
    lock(&home, &mut store);
    (home, store)
}

#[test]
fn k89_no_choice_goes_into_a_damaged_list_and_what_waits_for_it_goes_on_waiting() {
    let (_home, mut store) = locked();
    wait(&mut store, "manualTasks.3.title", raw("mine").as_deref(), raw("theirs").as_deref()).unwrap();
    wait(&mut store, "manualTasks.4.title", raw("other").as_deref(), None).unwrap();
    spoil(&store, "records", "payload", "id = 'aaaaaaaa'");
    let before = all(&store);
    for shown in store.conflicts(None).unwrap() {
        is_refused("settle", store.settle(&shown, Choice::Cloud));
        is_refused("settle with", store.settle_with(&shown, raw("mine, too")));
        is_refused("resolve", store.resolve(id(SHOP), &[(shown.field.clone(), Choice::Cloud)]));
    }
    assert_eq!(all(&store), before);

    change(&mut store, SHOP, |project| project.name = "Shop 2".to_owned());
    assert_eq!(store.conflicts(None).unwrap().len(), 2);
    assert_eq!(store.get(id(SHOP)).unwrap().damaged, ["manualTasks"]);
    // A text that can be read ends that.
    put(&mut store, SHOP, &[("manualTasks", tasks("mine"))]).unwrap();
    let shown = store.conflicts(None).unwrap();
    let shown = shown.iter().find(|one| one.field == "manualTasks.3.title").unwrap();
    assert!(store.settle(shown, Choice::Cloud).unwrap());
    assert_eq!(read(&mut store, SHOP, "manualTasks").unwrap().get(), tasks("theirs").unwrap().get());
}

#[test]
fn k89_a_conflict_beside_a_damaged_text_outlives_an_edit_of_another_field() {
    let (_home, mut store) = locked();
    put(&mut store, SHOP, &[("manualTasks", None), ("description", raw("here"))]).unwrap();
    wait(&mut store, "description", raw("here").as_deref(), raw("there").as_deref()).unwrap();
    spoil(&store, "records", "payload", "id = 'aaaaaaaa'");
    change(&mut store, SHOP, |project| project.name = "Shop 2".to_owned());
    let waiting = store.conflicts(None).unwrap();
    assert_eq!(waiting[0].local.as_ref().unwrap().get(), "\"here\"", "it has what stood there");
    // The other text may take the place of what nobody can read.
    assert!(store.settle(&waiting[0], Choice::Cloud).unwrap());
    assert_eq!(description(&store, SHOP).as_deref(), Some("there"));
}

#[test]
fn k89_a_damaged_text_of_a_conflict_or_of_history_takes_no_place_of_one_that_can_be_read() {
    let (_home, mut store) = locked();
    describe(&mut store, SHOP, "here");
    for (field, local, cloud) in [("description", "here", "there"), ("manualTasks.3.title", "mine", "theirs")]
    {
        wait(&mut store, field, raw(local).as_deref(), raw(cloud).as_deref()).unwrap();
        spoil(&store, "conflicts", "cloud", &format!("field = '{field}'"));
    }
    let before = all(&store);
    for shown in store.conflicts(None).unwrap() {
        assert!(is_damaged(shown.cloud.as_ref().unwrap()));
        is_refused("settle", store.settle(&shown, Choice::Cloud));
        is_refused("resolve", store.resolve(id(SHOP), &[(shown.field.clone(), Choice::Cloud)]));
    }
    assert_eq!(all(&store), before);
    for shown in store.conflicts(None).unwrap() {
        assert!(store.settle(&shown, Choice::Local).unwrap());
    }

    let point = store.open_point("pull").unwrap();
    let fields = ["manualTasks.3.title".to_owned()];
    let lost = store.get(id(SHOP)).unwrap().number;
    put(&mut store, SHOP, &[("manualTasks", tasks("won"))]).unwrap();
    let note = |fields| {
        move |tx: &mut Tx<'_>| {
            let record = tx.record(id(SHOP))?.unwrap();
            tx.note_overwritten(point, &record, lost, fields)
        }
    };
    store.write(Durability::Full, note(Some(fields.into_iter().collect()))).unwrap();
    put(&mut store, SHOP, &[("description", None)]).unwrap();
    store.execute_for_test(
        "UPDATE history SET payload = json_remove(payload, '$.description') WHERE version = 3",
    );
    spoil(&store, "history", "payload", &format!("version = {lost}"));
    let before = all(&store);
    is_refused("undo of a title", store.undo(Some(point)));
    store.write(Durability::Full, note(None)).unwrap();
    is_refused("undo of all", store.undo(Some(point)));
    is_refused("revert", store.revert(id(SHOP), lost));
    assert_eq!(all(&store), before);
}

#[test]
fn k89_what_stands_for_a_damaged_text_is_written_nowhere_but_where_that_text_stands() {
    let (_home, mut store) = locked();
    spoil(&store, "records", "payload", "id = 'aaaaaaaa'");
    let stands = read(&mut store, SHOP, "manualTasks");
    assert!(is_damaged(stands.as_ref().unwrap()));
    let within = raw(&json!([{"id": 3, "title": stands.as_ref().unwrap()}]));
    let before = all(&store);
    is_refused("another record", put(&mut store, "bbbbbbbb", &[("manualTasks", stands.clone())]));
    is_refused("another field", put(&mut store, SHOP, &[("description", stands.clone())]));
    is_refused("a field that is not locked", put(&mut store, SHOP, &[("notes", stands.clone())]));
    is_refused("within a list", put(&mut store, SHOP, &[("manualTasks", within.clone())]));
    is_refused("within an object", put(&mut store, SHOP, &[("notes", raw(&json!({"a": within})))]));
    is_refused("a conflict", wait(&mut store, "manualTasks", None, stands.as_deref()));
    is_refused("below a conflict", wait(&mut store, "notes", within.as_deref(), None));
    let copied = store.write(Durability::Full, |tx| {
        let payload = Project::new(id("cccccccc"), "Copy").to_payload()?;
        tx.write(id("cccccccc"), None, Some(payload.with([("manualTasks", stands.clone())])?)).map(drop)
    });
    is_refused("a new record", copied);
    let filed = store.write(Durability::Full, |tx| {
        let record = tx.record(id("bbbbbbbb"))?.unwrap();
        let with = record.version.payload.as_ref().unwrap().with([("manualTasks", stands.clone())])?;
        let other = Version { payload: Some(with), ..record.version.clone() };
        let version = record.version.clone();
        tx.put_over(record, &other, version).map(drop)
    });
    is_refused("an older version", filed);
    assert_eq!(all(&store), before);
    put(&mut store, SHOP, &[("manualTasks", stands), ("notes", raw("new"))]).unwrap();
}

#[test]
fn k89_a_lock_neither_comes_off_nor_changes_over_a_damaged_text() {
    for (table, column) in [("records", "payload"), ("conflicts", "cloud"), ("history", "payload")] {
        let (_home, mut store) = locked();
        put(&mut store, SHOP, &[("manualTasks", tasks("newer"))]).unwrap();
        wait(&mut store, "manualTasks.3.title", raw("newer").as_deref(), raw("theirs").as_deref()).unwrap();
        let which = match table {
            "records" => "id = 'aaaaaaaa'",
            "history" => "version = 2 AND record = (SELECT rowid FROM records WHERE id = 'aaaaaaaa')",
            _ => "1",
        };
        spoil(&store, table, column, which);
        let before = all(&store);
        is_refused(table, store.change_lock(&[]));
        if table != "history" {
            is_refused(table, store.change_lock(&["setupScript"]));
            is_refused(table, store.must_be_sound());
        }
        assert_eq!(all(&store), before);
        // Whatever sweeps leaves it as it is.
        assert_eq!(store.sweep().unwrap().texts, 0);
        assert_eq!(all(&store), before);
    }
    let (home, mut store) = locked();
    store.must_be_sound().unwrap();
    home.has(false);
    assert!(matches!(store.must_be_sound(), Err(StoreError::Shut)));
}

#[test]
fn k89_a_sweep_that_was_broken_off_knows_what_is_damaged_and_keeps_it() {
    let (_home, mut store) = locked();
    wait(&mut store, "manualTasks.3.title", raw("mine").as_deref(), raw("theirs").as_deref()).unwrap();
    store.change_lock(&["description"]).unwrap();
    spoil(&store, "records", "payload", "id = 'aaaaaaaa'");
    spoil(&store, "conflicts", "cloud", "1");
    let kept: Vec<String> = all(&store).into_iter().filter(|text| text.starts_with('c')).collect();
    let is_known = |store: &mut Store| {
        let waiting = store.conflicts(None).unwrap();
        assert!(is_damaged(waiting[0].cloud.as_ref().unwrap()));
        assert!(is_damaged(&read(store, SHOP, "manualTasks").unwrap()));
        assert!(store.must_be_whole().is_err());
    };
    is_known(&mut store);
    change(&mut store, SHOP, |project| project.name = "Shop 2".to_owned());
    store.sweep().unwrap();
    assert_eq!(store.lock_standing().unwrap().unwrap().stage, LockStage::Wiping);
    is_known(&mut store);
    let cloud = |text: &String| text.split("{\"$sealed\"").last().unwrap().to_owned();
    let after: Vec<String> = all(&store).into_iter().filter(|text| text.starts_with('c')).collect();
    assert_eq!(after.iter().map(cloud).collect::<Vec<_>>(), kept.iter().map(cloud).collect::<Vec<_>>());
}

#[test]
fn k89_a_lock_that_is_coming_off_stays_until_what_was_damaged_meanwhile_is_mended() {
    let (home, mut store) = locked();
    let look_alike = raw(&json!({"$sealed": "00ff"}));
    put(&mut store, "bbbbbbbb", &[("setupScript", look_alike.clone())]).unwrap();
    store.change_lock(&[]).unwrap();
    spoil(&store, "records", "payload", "id = 'aaaaaaaa'");
    is_refused("sweep", store.sweep());
    assert_eq!(store.get(id(SHOP)).unwrap().damaged, ["manualTasks"]);
    assert!(store.lock_standing().unwrap().is_some());
    // What only looks sealed is a value like any other, also in between.
    assert_eq!(
        read(&mut store, "bbbbbbbb", "setupScript").unwrap().get(),
        look_alike.as_ref().unwrap().get()
    );
    put(&mut store, SHOP, &[("manualTasks", tasks("mended"))]).unwrap();
    is_refused("an older version", store.sweep());
    store.execute_for_test("DELETE FROM history WHERE version = 2");
    store.sweep().unwrap();
    assert_eq!(store.lock_standing().unwrap(), None);
    home.has(false);
    assert_eq!(read(&mut store, SHOP, "manualTasks").unwrap().get(), tasks("mended").unwrap().get());
    assert_eq!(read(&mut store, "bbbbbbbb", "setupScript").unwrap().get(), look_alike.unwrap().get());
}

#[test]
fn k89_what_is_looked_through_for_damage_is_what_is_read_after_that() {
    let (home, mut store) = locked();
    let reader = home.open();
    let told = reader
        .reading(|| {
            reader.must_be_whole()?;
            change(&mut store, SHOP, |project| project.name = "Shop 2".to_owned());
            spoil(&store, "records", "payload", "id = 'aaaaaaaa'");
            reader.must_be_whole()?;
            Ok::<_, StoreError>(reader.get(id(SHOP))?.payload.name())
        })
        .unwrap();
    assert_eq!(told.unwrap(), "Shop");
    is_refused("now", reader.must_be_whole());
}
