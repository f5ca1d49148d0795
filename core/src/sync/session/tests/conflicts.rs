//! Conflicts over several syncs: tasks that change their number or go, people who settle in different ways, who wrote what.

use super::*;
use crate::project::Task;
use crate::store::{Conflict, Decided};

fn plan(store: &mut Store, edit: impl FnOnce(&mut Vec<Task>)) {
    store
        .update(id(0), |project| {
            edit(&mut project.manual_tasks);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

fn made(number: u64, title: &str, day: u8) -> Task {
    let created_at = Some(format!("2026-01-{day:02}T00:00:00Z"));
    Task { id: number, title: title.to_owned(), created_at, ..Task::default() }
}

fn fields(store: &Store) -> Vec<String> {
    store.conflicts(Some(id(0))).unwrap().into_iter().map(|conflict| conflict.field).collect()
}

fn titles(store: &Store) -> Vec<(u64, String)> {
    let project = store.get(id(0)).unwrap().project();
    project.manual_tasks.into_iter().map(|task| (task.id, task.title)).collect()
}

/// `a` has a task 1 with a title of its own, beside which another one waits.
fn task_in_conflict() -> (Cloud, Store, Store) {
    let (mut cloud, mut a, mut b) = pair(1);
    plan(&mut a, |tasks| tasks.push(made(1, "One", 1)));
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    plan(&mut a, |tasks| tasks[0].title = "By A".to_owned());
    plan(&mut b, |tasks| tasks[0].title = "By B".to_owned());
    cloud.sync(&mut b);
    let fetch = Options { push: Push::Nothing, ..Options::default() };
    cloud.sync_with(&mut a, LIMITS, fetch).unwrap();
    assert_eq!(fields(&a), ["manualTasks.1.title"]);
    (cloud, a, b)
}

#[test]
fn a_conflict_follows_its_task_to_another_number() {
    let (mut cloud, mut a, mut b) = task_in_conflict();
    // `b` has never seen "By A": it takes the task out and gives its number to another one.
    plan(&mut b, |tasks| *tasks = vec![made(1, "Another", 2)]);
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    assert_eq!(titles(&a), [(1, "Another".to_owned()), (2, "By A".to_owned())]);
    assert_eq!(fields(&a), ["manualTasks.2.title"]);
    let shown = a.conflicts(None).unwrap().remove(0);
    assert!(a.settle(&shown, Choice::Cloud).unwrap());
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    assert_eq!(titles(&b), [(1, "Another".to_owned()), (2, "By B".to_owned())]);
}

#[test]
fn a_conflict_ends_with_its_task_wherever_that_is_taken_out() {
    for here in [true, false] {
        let (mut cloud, mut a, mut b) = task_in_conflict();
        cloud.sync(&mut a);
        cloud.sync(&mut b);
        // The number goes to another task: what waited for the old one is nothing for it.
        plan(if here { &mut a } else { &mut b }, |tasks| *tasks = vec![made(1, "By A", 2)]);
        cloud.sync(&mut b);
        cloud.sync(&mut a);
        assert_eq!((fields(&a), titles(&a)), (Vec::new(), vec![(1, "By A".to_owned())]));
        let history = format!("{:?}", a.history(id(0)).unwrap());
        assert!(history.contains("By A") && history.contains("By B"), "{history}");
    }
}

#[test]
fn a_conflict_of_a_subtask_follows_it_too() {
    let (mut cloud, mut a, mut b) = pair(1);
    let parent = |subtasks| Task { subtasks, ..made(1, "One", 1) };
    plan(&mut a, |tasks| tasks.push(parent(vec![made(1, "Sub", 1)])));
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    plan(&mut a, |tasks| tasks[0].subtasks[0].title = "By A".to_owned());
    plan(&mut b, |tasks| tasks[0].subtasks[0].title = "By B".to_owned());
    cloud.sync(&mut b);
    cloud.sync_with(&mut a, LIMITS, Options { push: Push::Nothing, ..Options::default() }).unwrap();
    plan(&mut b, |tasks| *tasks = vec![parent(vec![made(1, "Another", 2)])]);
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    assert_eq!(fields(&a), ["manualTasks.1.subtasks.2.title"]);
}

#[test]
fn two_people_who_settle_in_different_ways_lose_nothing_and_meet_one_conflict() {
    let (mut cloud, mut a, mut b) = pair(1);
    let mut c = store("tablet");
    cloud.sync(&mut c);
    for (store, name) in [(&mut a, "From A"), (&mut b, "From B"), (&mut c, "From C")] {
        rename(store, 0, name);
    }
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    cloud.sync(&mut c);
    cloud.sync(&mut b);
    assert_eq!(waiting(&b, 0), pairs(&[("From C", "From A")]));
    assert_eq!(waiting(&c, 0), pairs(&[("From C", "From B")]));
    let shown = |store: &Store| store.conflicts(None).unwrap().remove(0);
    let (at_b, at_c) = (shown(&b), shown(&c));
    assert!(b.settle(&at_b, Choice::Cloud).unwrap() && c.settle(&at_c, Choice::Cloud).unwrap());
    cloud.sync(&mut b);
    assert_eq!(cloud.sync(&mut c).conflicts, 1);
    for store in [&mut b, &mut a] {
        assert_eq!(cloud.sync(store).conflicts, 0);
        assert_eq!((name(store, 0).as_str(), waiting(store, 0)), ("From B", Vec::new()));
    }
    assert_eq!(waiting(&c, 0), pairs(&[("From B", "From A")]));
    let shown = shown(&c);
    assert!(c.settle(&shown, Choice::Local).unwrap());
    for store in [&mut c, &mut b, &mut a] {
        assert_eq!(cloud.sync(store).conflicts, 0);
        assert_eq!((name(store, 0).as_str(), waiting(store, 0)), ("From B", Vec::new()));
    }
}

#[test]
fn a_value_of_the_persons_own_settles_a_conflict_and_travels() {
    let (mut cloud, mut a, mut b) = in_conflict();
    let shown = a.conflicts(None).unwrap().remove(0);
    let own = |text: &str| crate::project::raw(text);
    for refused in [own("a\nb"), crate::project::raw(&7), None] {
        assert!(a.settle_with(&shown, refused).is_err());
        assert_eq!(waiting(&a, 0), pairs(&[("From A", "From B")]));
    }
    assert!(a.settle_with(&shown, own("Both")).unwrap());
    assert!(!a.settle_with(&shown, own("Again")).unwrap(), "it is settled");
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    for store in [&a, &b] {
        assert_eq!((name(store, 0).as_str(), waiting(store, 0)), ("Both", Vec::new()));
    }
}

#[test]
fn several_fields_are_settled_in_one_edit() {
    let (mut cloud, mut a, mut b) = pair(1);
    for (store, text) in [(&mut a, "From A"), (&mut b, "From B")] {
        rename(store, 0, text);
        describe(store, 0, text);
    }
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    let before = a.history(id(0)).unwrap().len();
    let all = fields(&a).into_iter().chain(["status".to_owned()]).map(|field| (field, Choice::Cloud));
    assert_eq!(a.resolve(id(0), &all.collect::<Vec<_>>()).unwrap(), 2);
    assert_eq!((name(&a, 0).as_str(), waiting(&a, 0)), ("From B", Vec::new()));
    assert_eq!(a.history(id(0)).unwrap().len(), before + 1);
}

#[test]
fn whoever_wrote_the_value_that_stands_is_found_in_history() {
    let writer = |store: &Store| {
        let shown: Conflict = store.conflicts(None).unwrap().remove(0);
        let written = store.written(&shown).unwrap().unwrap();
        (written.device, written.at)
    };
    let (mut cloud, mut a, mut b) = in_conflict();
    let named = a.history(id(0)).unwrap().into_iter().find(|entry| entry.n == 2).unwrap();
    // Neither the merge nor an edit of another field is when it was written.
    assert_eq!(writer(&a), ("laptop".to_owned(), named.at));
    describe(&mut a, 0, "text");
    cloud.sync(&mut a);
    assert_eq!(writer(&a).1, a.history(id(0)).unwrap()[1].at);
    cloud.sync(&mut b);
    rename(&mut b, 0, "Third");
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    assert_eq!(writer(&a).0, "desktop");
}

#[test]
fn what_was_decided_of_a_conflict_is_taken_back() {
    let (_, mut a, _) = in_conflict();
    let shown = a.conflicts(None).unwrap().remove(0);
    let id = shown.id;
    let number = |store: &Store| store.get(id).unwrap().number;
    let waiting_before = waiting(&a, 0);
    // Kept: no version says so, and the other value waits again.
    assert!(a.settle(&shown, Choice::Local).unwrap() && waiting(&a, 0).is_empty());
    let decided = Decided { at: number(&a), wrote: false };
    assert_eq!(a.unsettle(id, decided, std::slice::from_ref(&shown)).unwrap(), Some(1));
    assert_eq!((waiting(&a, 0), number(&a)), (waiting_before.clone(), decided.at));
    // Twice does no more.
    assert_eq!(a.unsettle(id, decided, std::slice::from_ref(&shown)).unwrap(), Some(0));
    assert_eq!(waiting(&a, 0), waiting_before);
    // The other one taken: what stood stands again, too.
    let stood = name(&a, 0);
    assert!(a.settle(&shown, Choice::Cloud).unwrap() && name(&a, 0) != stood);
    let decided = Decided { at: number(&a), wrote: true };
    assert_eq!(a.unsettle(id, decided, std::slice::from_ref(&shown)).unwrap(), Some(1));
    assert_eq!((name(&a, 0), waiting(&a, 0)), (stood, waiting_before));
    // What was changed since stays, and there is nothing left to decide.
    assert!(a.settle(&shown, Choice::Cloud).unwrap());
    let decided = Decided { at: number(&a), wrote: true };
    rename(&mut a, 0, "later");
    assert_eq!(a.unsettle(id, decided, std::slice::from_ref(&shown)).unwrap(), None);
    assert_eq!(a.unsettle(id, Decided { wrote: false, ..decided }, &[shown]).unwrap(), Some(0));
    assert_eq!((name(&a, 0).as_str(), waiting(&a, 0)), ("later", Vec::new()));
}
