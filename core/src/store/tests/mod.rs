//! The store from outside. `at_rest` is about the lock, `audit` is about the trail, `durable` is about a loss of power, `failures` makes each error happen for
//! real; `telling` is about events, `together` has several connections write at once.

mod at_rest;
mod audit;
mod durable;
mod failures;
mod points;
mod schema;
mod telling;
mod together;
mod trim;

use super::*;
use crate::project::{Payload, Project, ProjectId, Status};

pub(super) fn store() -> Store {
    Options::default().device("laptop").in_memory().unwrap()
}

pub(super) fn id(text: &str) -> ProjectId {
    text.parse().unwrap()
}

pub(super) fn add(store: &mut Store, text: &str, name: &str) {
    store.add(Project::new(id(text), name)).unwrap();
}

fn change(store: &mut Store, text: &str, edit: impl FnOnce(&mut Project)) -> Updated {
    store
        .update(id(text), |project| {
            edit(project);
            Ok::<_, StoreError>(())
        })
        .unwrap()
}

pub(super) fn names(store: &Store, filter: &Filter) -> Vec<String> {
    let mut names = Vec::new();
    store
        .list(filter, |line| {
            names.push(line.name);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    names
}

#[test]
fn a_project_can_be_added_read_changed_deleted_and_restored() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().project().name, "Shop");
    let updated = change(&mut store, "aaaaaaaa", |p| p.status = Status::Review);
    assert_eq!(updated.fields, ["status"]);
    store.delete(id("aaaaaaaa")).unwrap();
    assert!(matches!(store.get(id("aaaaaaaa")), Err(StoreError::Deleted { .. })));
    assert_eq!(names(&store, &Filter::default()), [""; 0]);
    store.restore(id("aaaaaaaa")).unwrap();
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().project().status, Status::Review);
    let history = store.history(id("aaaaaaaa")).unwrap();
    let versions: Vec<_> = history.iter().map(|h| (h.n, h.deleted)).collect();
    assert_eq!(versions, [(1, false), (2, false), (3, true), (4, false)]);
    assert!(matches!(store.restore(id("aaaaaaaa")), Err(StoreError::NotDeleted { .. })));
}

#[test]
fn history_names_the_fields_that_changed_with_their_old_and_new_values() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    change(&mut store, "aaaaaaaa", |p| p.name = "Store".to_owned());
    let history = store.history(id("aaaaaaaa")).unwrap();
    let change = history[1].fields.iter().find(|change| change.field == "name").unwrap();
    assert_eq!(change.old.as_ref().unwrap().get(), "\"Shop\"");
    assert_eq!(change.new.as_ref().unwrap().get(), "\"Store\"");
    assert_eq!(history[1].device, "laptop");
    assert!(history[0].fields.iter().all(|change| change.old.is_none()));
}

#[test]
fn an_older_version_can_be_made_the_newest_again() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "One");
    change(&mut store, "aaaaaaaa", |p| p.name = "Two".to_owned());
    let updated = store.revert(id("aaaaaaaa"), 1).unwrap();
    assert_eq!(updated.fields, ["name"]);
    let stored = store.get(id("aaaaaaaa")).unwrap();
    assert_eq!((stored.project().name.as_str(), stored.number), ("One", 3));
    assert!(matches!(store.revert(id("aaaaaaaa"), 9), Err(StoreError::NoVersion { n: 9, .. })));
}

#[test]
fn an_edit_that_changes_nothing_writes_nothing() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    let updated = store.update(id("aaaaaaaa"), |_| Ok::<_, StoreError>(())).unwrap();
    assert!(updated.fields.is_empty());
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().number, 1);
}

#[test]
fn an_edit_that_is_refused_changes_nothing() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    let refused = store.update(id("aaaaaaaa"), |p| {
        p.status = Status::Review;
        p.name = String::new();
        Ok::<_, StoreError>(())
    });
    assert!(matches!(refused, Err(StoreError::Field(_))));
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().project().status, Status::Planning);
}

#[test]
fn what_an_editor_hands_back_changes_only_what_the_person_changed() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    let read = store.get(id("aaaaaaaa")).unwrap().payload;
    change(&mut store, "aaaaaaaa", |p| p.status = Status::Review);
    let edited = Payload::parse(&read.to_pretty_json().replace("\"Shop\"", "\"Store\"")).unwrap();
    let updated = store.apply_edit(&read, &edited).unwrap();
    assert_eq!(updated.fields, ["name"]);
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().project().status, Status::Review);
}

#[test]
fn what_an_editor_hands_back_is_held_to_the_rules_of_each_field() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    let read = store.get(id("aaaaaaaa")).unwrap().payload;
    let refused = |from: &str, to: &str| {
        let text = read.to_json().replace(from, to);
        let mut other = self::store();
        add(&mut other, "aaaaaaaa", "Shop");
        other.apply_edit(&read, &Payload::parse(&text).unwrap()).unwrap_err().to_string()
    };
    assert!(refused("\"planning\"", "\"planing\"").contains("`status` must be one of: planning"));
    assert_eq!(refused("\"planning\"", "7"), "`status` must be text");
    assert_eq!(refused("{", "{\"tags\":\"web\","), "`tags` must be a list of texts");
    assert_eq!(refused("{", "{\"rank\":1.5,"), "`rank` must be a whole number");
    assert_eq!(refused("\"aaaaaaaa\"", "\"bbbbbbbb\""), "`id` cannot be changed");
}

#[test]
fn a_project_is_found_by_id_or_by_a_name_that_no_other_has() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    add(&mut store, "bbbbbbbb", "Twice");
    add(&mut store, "cccccccc", "Twice");
    assert_eq!(store.find("aaaaaaaa").unwrap(), id("aaaaaaaa"));
    assert_eq!(store.find("Shop").unwrap(), id("aaaaaaaa"));
    let error = store.find("Twice").unwrap_err();
    assert_eq!(error.to_string(), "2 projects are called \"Twice\": bbbbbbbb, cccccccc");
    match store.find("Shpo").unwrap_err() {
        StoreError::NotFound { near, .. } => assert_eq!(near, ["aaaaaaaa (Shop)"]),
        other => panic!("{other}"),
    }
    match store.find("Tower").unwrap_err() {
        StoreError::NotFound { near, .. } => assert_eq!(near, [""; 0]),
        other => panic!("{other}"),
    }
    match store.find("Shops").unwrap_err() {
        StoreError::NotFound { near, .. } => assert_eq!(near, ["aaaaaaaa (Shop)"]),
        other => panic!("{other}"),
    }
}

/// A second passes whenever somebody looks.
#[derive(Default)]
struct Ticking(std::sync::atomic::AtomicI64);

impl crate::clock::Clock for Ticking {
    fn now(&self) -> jiff::Timestamp {
        let seconds = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        jiff::Timestamp::from_second(seconds).unwrap()
    }
}

#[test]
fn a_list_is_filtered_sorted_and_cut() {
    let mut store = Options::default().clock(std::sync::Arc::new(Ticking::default())).in_memory().unwrap();
    for (text, name, tag, rank) in [
        ("aaaaaaaa", "Ärger", "web", Some(2)),
        ("bbbbbbbb", "Zoo", "api", None),
        ("cccccccc", "base", "web", Some(1)),
    ] {
        let mut project = Project::new(id(text), name);
        project.tags = vec![tag.to_owned()];
        project.rank = rank;
        project.description = Some(format!("about {name}"));
        store.add(project).unwrap();
    }
    change(&mut store, "bbbbbbbb", |p| p.status = Status::Launched);
    let with = |filter: Filter| names(&store, &filter);
    assert_eq!(with(Filter::default()), ["base", "Zoo", "Ärger"]);
    assert_eq!(with(Filter { sort: Sort::Rank, ..Filter::default() }), ["base", "Ärger", "Zoo"]);
    assert_eq!(with(Filter { sort: Sort::Updated, limit: Some(1), ..Filter::default() }), ["Zoo"]);
    assert_eq!(with(Filter { status: Some(Status::Launched), ..Filter::default() }), ["Zoo"]);
    assert_eq!(with(Filter { tag: Some("web".to_owned()), ..Filter::default() }), ["base", "Ärger"]);
    assert_eq!(with(Filter { search: Some("äRGER".to_owned()), ..Filter::default() }), ["Ärger"]);
    assert_eq!(with(Filter { search: Some("ABOUT Z".to_owned()), ..Filter::default() }), ["Zoo"]);
    assert_eq!(with(Filter { search: Some("description".to_owned()), ..Filter::default() }), [""; 0]);
    assert_eq!(with(Filter { search: Some("%".to_owned()), ..Filter::default() }), [""; 0]);
}

#[test]
fn a_folder_of_this_device_is_kept_beside_the_project_and_not_in_it() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    store.locate(id("aaaaaaaa"), Some("/srv/shop".as_ref())).unwrap();
    let stored = store.get(id("aaaaaaaa")).unwrap();
    assert_eq!(stored.root.as_deref(), Some("/srv/shop".as_ref()));
    assert_eq!((stored.number, stored.payload.get("projectRoot").is_none()), (1, true));
    store.locate(id("aaaaaaaa"), None).unwrap();
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().root, None);
}

#[test]
fn projects_of_different_spaces_never_meet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let mut personal = Store::open(&path).unwrap();
    let mut tenant = Options::default().tenant("acme").open(&path).unwrap();
    add(&mut personal, "aaaaaaaa", "Mine");
    add(&mut tenant, "aaaaaaaa", "Theirs");
    assert_eq!(personal.get(id("aaaaaaaa")).unwrap().project().name, "Mine");
    assert_eq!(names(&tenant, &Filter::default()), ["Theirs"]);
    personal.delete(id("aaaaaaaa")).unwrap();
    assert_eq!(tenant.count().unwrap(), 1);
}

#[test]
fn each_write_moves_the_writers_clock_on_even_when_time_stands_still() {
    struct Still;
    impl crate::clock::Clock for Still {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }
    }
    let mut store = Options::default().clock(std::sync::Arc::new(Still)).in_memory().unwrap();
    add(&mut store, "aaaaaaaa", "A");
    change(&mut store, "aaaaaaaa", |p| p.rank = Some(1));
    add(&mut store, "bbbbbbbb", "B");
    let clocks = store
        .write::<_, StoreError>(Durability::Full, |tx| {
            let clock =
                |record: Option<Record>| record.unwrap().version.ancestry.into_values().collect::<Vec<_>>();
            Ok((clock(tx.record(id("aaaaaaaa"))?), clock(tx.record(id("bbbbbbbb"))?)))
        })
        .unwrap();
    assert_eq!(clocks, (vec![2], vec![3]));
}
