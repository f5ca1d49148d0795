//! Ways back: restore points, and the state of an earlier time.

use jiff::Timestamp;

use super::*;

/// `new` takes the place of the project's name, as an operation with a restore point would have it.
fn overwrite(store: &mut Store, point: u64, text: &str, new: Option<&str>) {
    store
        .write::<_, StoreError>(Durability::Full, |tx| {
            let current = tx.record(id(text))?.unwrap();
            let lost = current.number;
            let payload = current.version.payload.clone().unwrap();
            let payload = new.map(|new| payload.with([("name", crate::project::raw(&new))])).transpose()?;
            let record = tx.write(id(text), Some(current), payload)?;
            tx.note_overwritten(point, &record, lost, None)
        })
        .unwrap();
}

fn name(store: &Store, text: &str) -> String {
    store.get(id(text)).unwrap().payload.name()
}

#[test]
fn undo_gives_back_what_was_overwritten_and_keeps_what_was_written_since() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Mine");
    add(&mut store, "bbbbbbbb", "Other");
    let point = store.open_point("cloud restore").unwrap();
    overwrite(&mut store, point, "aaaaaaaa", Some("Cloud"));
    assert_eq!(store.close_point(point).unwrap().unwrap().projects, 1);
    change(&mut store, "aaaaaaaa", |p| p.status = Status::Review);
    let undone = store.undo(None).unwrap();
    assert_eq!(undone.operation, "cloud restore");
    assert_eq!(undone.projects, [(id("aaaaaaaa"), "Mine".to_owned(), vec!["name".to_owned()])]);
    let project = store.get(id("aaaaaaaa")).unwrap().project();
    assert_eq!((project.name.as_str(), project.status), ("Mine", Status::Review));
    // And back again.
    store.undo(None).unwrap();
    assert_eq!(name(&store, "aaaaaaaa"), "Cloud");
}

#[test]
fn undo_brings_back_what_was_deleted() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Mine");
    let point = store.open_point("cloud restore").unwrap();
    overwrite(&mut store, point, "aaaaaaaa", None);
    assert!(store.get(id("aaaaaaaa")).is_err());
    store.undo(Some(point)).unwrap();
    assert_eq!(name(&store, "aaaaaaaa"), "Mine");
    // Nothing is left to give back: no point, no version.
    let undone = store.undo(Some(point)).unwrap();
    assert_eq!((undone.point, undone.projects.len()), (None, 0));
}

#[test]
fn a_point_that_nothing_was_noted_for_is_forgotten_and_one_that_is_not_there_is_told() {
    let mut store = store();
    let point = store.open_point("cloud restore").unwrap();
    assert_eq!(store.close_point(point).unwrap(), None);
    assert_eq!(store.undo(None).unwrap_err().to_string(), "there is nothing to undo");
    assert_eq!(store.undo(Some(7)).unwrap_err().to_string(), "there is no restore point 7");
}

#[test]
fn only_so_many_points_are_kept() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Mine");
    for n in 0..60 {
        let point = store.open_point("cloud restore").unwrap();
        overwrite(&mut store, point, "aaaaaaaa", Some(&format!("Name {n}")));
    }
    let points = store.points().unwrap();
    assert_eq!((points.len(), points[0].number), (50, 60));
}

#[test]
fn the_oldest_point_that_is_kept_can_be_undone() {
    let mut store = store();
    for n in 0..50 {
        let text = format!("aaaaaa{n:02}");
        add(&mut store, &text, "Mine");
        let point = store.open_point("cloud restore").unwrap();
        overwrite(&mut store, point, &text, Some("Cloud"));
    }
    let oldest = store.points().unwrap().last().unwrap().number;
    assert_eq!(store.undo(Some(oldest)).unwrap().projects.len(), 1);
    assert_eq!(name(&store, "aaaaaa00"), "Mine");
}

#[test]
fn of_several_losses_in_one_operation_the_first_is_given_back() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Mine");
    let point = store.open_point("cloud restore").unwrap();
    overwrite(&mut store, point, "aaaaaaaa", Some("Cloud 1"));
    overwrite(&mut store, point, "aaaaaaaa", Some("Cloud 2"));
    store.undo(None).unwrap();
    assert_eq!(name(&store, "aaaaaaaa"), "Mine");
}

#[test]
fn projects_are_what_they_were_at_an_earlier_time_and_what_came_later_stays() {
    let clock = std::sync::Arc::new(Ticking::default());
    let mut store = Options::default().clock(clock).in_memory().unwrap();
    let moment =
        |store: &mut Store| store.write::<_, StoreError>(Durability::Full, |tx| Ok(tx.now())).unwrap();
    add(&mut store, "aaaaaaaa", "Early");
    add(&mut store, "bbbbbbbb", "Deleted later");
    let then = moment(&mut store);
    change(&mut store, "aaaaaaaa", |p| p.name = "Late".to_owned());
    store.delete(id("bbbbbbbb")).unwrap();
    add(&mut store, "cccccccc", "New");

    let planned = store.put_back(then, None, "test", true).unwrap();
    assert_eq!((planned.point, planned.changed.len()), (None, 2));
    assert_eq!(name(&store, "aaaaaaaa"), "Late", "a dry run changes nothing");

    let done = store.put_back(then, None, "test", false).unwrap();
    assert_eq!(done.newer, [(id("cccccccc"), "New".to_owned())]);
    assert_eq!(
        ["aaaaaaaa", "bbbbbbbb", "cccccccc"].map(|text| name(&store, text)),
        ["Early", "Deleted later", "New"]
    );
    store.undo(done.point).unwrap();
    assert_eq!(name(&store, "aaaaaaaa"), "Late");
    let again = store.put_back(Timestamp::UNIX_EPOCH, None, "test", false).unwrap();
    assert_eq!((again.changed.len(), again.newer.len(), again.point), (0, 3, None));
    assert_eq!(store.points().unwrap().len(), 2, "what changed nothing leaves no point");
}

#[test]
fn a_time_before_what_history_remembers_is_told() {
    let clock = std::sync::Arc::new(Ticking::default());
    let keep = Keep { versions: 1, days: 0 };
    let mut store = Options::default().clock(clock).keep(keep).in_memory().unwrap();
    add(&mut store, "aaaaaaaa", "One");
    let then = store.write::<_, StoreError>(Durability::Full, |tx| Ok(tx.now())).unwrap();
    for name in ["Two", "Three", "Four"] {
        change(&mut store, "aaaaaaaa", |p| p.name = name.to_owned());
    }
    let done = store.put_back(then, None, "test", false).unwrap();
    assert_eq!((done.unknown.len(), done.changed.len()), (1, 0));
    assert_eq!(name(&store, "aaaaaaaa"), "Four");
}

#[test]
fn a_time_in_a_gap_that_history_has_is_told() {
    let clock = std::sync::Arc::new(Ticking::default());
    let keep = Keep { versions: 2, days: 0 };
    let mut store = Options::default().clock(clock).keep(keep).in_memory().unwrap();
    add(&mut store, "aaaaaaaa", "One");
    let moment =
        |store: &mut Store| store.write::<_, StoreError>(Durability::Full, |tx| Ok(tx.now())).unwrap();
    let one = moment(&mut store);
    // The first two versions stay for the point.
    let point = store.open_point("test").unwrap();
    overwrite(&mut store, point, "aaaaaaaa", Some("Two"));
    change(&mut store, "aaaaaaaa", |p| p.name = "Three".to_owned());
    let three = moment(&mut store);
    for name in ["Four", "Five", "Six"] {
        change(&mut store, "aaaaaaaa", |p| p.name = name.to_owned());
    }
    let history = store.history(id("aaaaaaaa")).unwrap();
    let known: Vec<_> = history.iter().map(|entry| (entry.n, !entry.fields.is_empty())).collect();
    assert_eq!(known, [(1, true), (2, true), (4, false), (5, true), (6, true)], "three is forgotten");
    let done = store.put_back(three, None, "test", false).unwrap();
    assert_eq!((done.unknown.len(), done.changed.len()), (1, 0), "it was not Two then");
    assert_eq!(store.put_back(one, None, "test", false).unwrap().changed.len(), 1);
    assert_eq!(name(&store, "aaaaaaaa"), "One");
}

#[test]
fn a_project_that_existed_before_this_store_knew_it_is_told_as_unknown() {
    let mut store = store();
    let created = "2024-01-31T12:00:00Z".parse().unwrap();
    let project = Project { created_at: Some(created), ..Project::new(id("aaaaaaaa"), "Old") };
    store.add(project).unwrap();
    let then = "2024-06-01T00:00:00Z".parse().unwrap();
    store
        .write::<_, StoreError>(Durability::Full, |tx| {
            let current = tx.record(id("aaaaaaaa"))?.unwrap();
            assert!(current.version.at.as_str() > "2024-06", "it was written here after that");
            Ok(())
        })
        .unwrap();
    let done = store.put_back(then, None, "test", false).unwrap();
    assert_eq!((done.newer.len(), done.unknown.len()), (0, 1));
    let done = store.put_back(Timestamp::UNIX_EPOCH, None, "test", false).unwrap();
    assert_eq!((done.newer.len(), done.unknown.len()), (1, 0));
}

#[cfg(feature = "sync")]
#[test]
fn what_came_later_stands_even_if_a_clock_elsewhere_was_ahead() {
    let clock = std::sync::Arc::new(Ticking::default());
    let mut store = Options::default().clock(clock).in_memory().unwrap();
    let moment =
        |store: &mut Store| store.write::<_, StoreError>(Durability::Full, |tx| Ok(tx.now())).unwrap();
    add(&mut store, "aaaaaaaa", "One");
    change(&mut store, "aaaaaaaa", |p| p.name = "From ahead".to_owned());
    let ahead = moment(&mut store) + jiff::SignedDuration::from_secs(3600);
    store.execute_for_test(&format!("UPDATE records SET at = '{ahead}'"));
    change(&mut store, "aaaaaaaa", |p| p.name = "Later".to_owned());
    let now = ahead + jiff::SignedDuration::from_secs(60);
    assert_eq!(store.put_back(now, None, "test", false).unwrap().changed, []);
    assert_eq!(name(&store, "aaaaaaaa"), "Later");
}
