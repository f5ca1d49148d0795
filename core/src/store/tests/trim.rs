//! What history forgets, and what it may not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use super::*;
use crate::clock::Clock;

/// A clock that a test sets, in days.
#[derive(Default)]
struct Days(AtomicI64);

impl Clock for Days {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed) * 86_400).unwrap()
    }
}

fn kept(versions: u32, days: u32) -> (Store, Arc<Days>) {
    let clock = Arc::new(Days(AtomicI64::new(20_000)));
    let options = Options::default().device("laptop").clock(clock.clone()).keep(Keep { versions, days });
    let mut store = options.in_memory().unwrap();
    add(&mut store, "aaaaaaaa", "v1");
    (store, clock)
}

fn rename(store: &mut Store, to: &str) {
    change(store, "aaaaaaaa", |project| project.name = to.to_owned());
}

fn numbers(store: &Store) -> Vec<u64> {
    store.history(id("aaaaaaaa")).unwrap().iter().map(|entry| entry.n).collect()
}

#[test]
fn the_oldest_versions_go_when_there_are_more_than_are_kept() {
    let (mut store, _) = kept(3, 0);
    (2..=9).for_each(|n| rename(&mut store, &format!("v{n}")));
    assert_eq!(numbers(&store), [6, 7, 8, 9], "three older ones and the newest");
    let history = store.history(id("aaaaaaaa")).unwrap();
    assert!(history[0].fields.is_empty(), "what it changed in a version that was forgotten is unknown");
    assert!(matches!(store.revert(id("aaaaaaaa"), 2), Err(StoreError::NoVersion { n: 2, .. })));
    store.revert(id("aaaaaaaa"), 6).unwrap();
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().payload.name(), "v6");
}

#[test]
fn without_a_limit_everything_is_kept() {
    let (mut store, clock) = kept(0, 0);
    for n in 2..=30 {
        clock.0.fetch_add(1000, Ordering::Relaxed);
        rename(&mut store, &format!("v{n}"));
    }
    assert_eq!(numbers(&store).len(), 30);
}

#[test]
fn a_version_is_old_when_it_was_overwritten_long_ago_not_when_it_was_written_long_ago() {
    let (mut store, clock) = kept(0, 30);
    clock.0.fetch_add(400, Ordering::Relaxed);
    rename(&mut store, "v2");
    assert_eq!(numbers(&store), [1, 2], "what was overwritten just now can be taken back");
    clock.0.fetch_add(31, Ordering::Relaxed);
    rename(&mut store, "v3");
    assert_eq!(numbers(&store), [2, 3]);
}

#[test]
fn age_is_looked_after_in_passing_whatever_record_is_written() {
    let (mut store, clock) = kept(0, 30);
    for n in 2..=40 {
        rename(&mut store, &format!("v{n}"));
    }
    clock.0.fetch_add(31, Ordering::Relaxed);
    add(&mut store, "bbbbbbbb", "Other");
    // Each write that keeps a version looks at ten.
    for n in 0..4 {
        change(&mut store, "bbbbbbbb", |project| project.name = format!("Other {n}"));
    }
    assert_eq!(numbers(&store), [40]);
}

#[test]
fn what_a_restore_point_needs_is_kept_as_long_as_the_point() {
    let (mut store, _) = kept(2, 0);
    rename(&mut store, "v2");
    let point = store.open_point("test").unwrap();
    store
        .write::<_, StoreError>(Durability::Full, |tx| {
            let record = tx.record(id("aaaaaaaa"))?.unwrap();
            tx.note_overwritten(point, &record, 1, None)
        })
        .unwrap();
    (3..=9).for_each(|n| rename(&mut store, &format!("v{n}")));
    assert_eq!(numbers(&store), [1, 2, 7, 8, 9]);
}

#[cfg(feature = "sync")]
#[test]
fn what_sync_may_ask_for_is_kept() {
    use crate::store::{Agreed, There};
    use crate::sync::provider::Revision;
    let there = |name: &str| There { revision: Revision(name.to_owned()), epoch: 0 };
    let (mut store, _) = kept(2, 0);
    rename(&mut store, "v2");
    store
        .write::<_, StoreError>(Durability::Full, |tx| {
            let row = tx.tracked(id("aaaaaaaa"))?.unwrap().row;
            let mut state = tx.space_state()?.0;
            state.remote = Some("me@here".to_owned());
            tx.save_space_state(&state)?;
            tx.agree(row, &Agreed::on(2, there("r")))
        })
        .unwrap();
    (3..=9).for_each(|n| rename(&mut store, &format!("v{n}")));
    assert_eq!(numbers(&store), [2, 3, 4, 5, 6, 7, 8, 9], "the base, and what it does not contain");
    let forgotten = |store: &mut Store| {
        store
            .write::<_, StoreError>(Durability::Full, |tx| {
                let known = tx.tracked(id("aaaaaaaa"))?.unwrap();
                assert!(known.forgotten > 0, "the write that was forgotten is still known as this store's");
                tx.agree(known.row, &Agreed::on(known.number, there("s")))
            })
            .unwrap();
    };
    forgotten(&mut store);
    rename(&mut store, "v10");
    assert_eq!(numbers(&store), [8, 9, 10]);
}
