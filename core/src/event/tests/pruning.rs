//! What is forgotten, and when.

use super::changing::{add, all, happen, ledger, new};
use super::*;
use crate::event::deliveries::{Kept, TOO_MANY, is_old};

const DAY: i64 = 86_400;

fn prunes(ledger: &dyn Ledger, kept: Kept, seconds: i64) -> u64 {
    ledger.prune(kept, at(seconds), u64::MAX).unwrap().deliveries
}

fn rows(ledger: &dyn Ledger, table: &str) -> u64 {
    let sql = format!("SELECT count(*) FROM {table}");
    ledger.reading(|db| Ok(db.query_row(&sql, [], |row| row.get(0))?)).unwrap()
}

#[test]
fn w41_what_ended_is_kept_for_30_days_and_what_waits_stays() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    ledger.writing(|db| endpoints::disable(db, &endpoint, "no", at(0))).unwrap();
    ledger.writing(|db| endpoints::enable(db, &endpoint, false, at(0))).unwrap();
    happen(ledger, owner, "bbbbbbbb", 0);
    assert_eq!(prunes(ledger, Kept::default(), 30 * DAY), 0);
    assert_eq!(prunes(ledger, Kept::default(), 30 * DAY + 1), 1);
    assert_eq!(all(ledger, owner).len(), 1);
    assert_eq!(rows(ledger, "events"), 1, "an event goes with the last of its deliveries");
}

#[test]
fn w41_of_too_many_the_oldest_that_ended_go_first() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    for n in 0..10 {
        happen(ledger, owner, &format!("p{n:07}"), n);
    }
    ledger.writing(|db| endpoints::disable(db, &endpoint, "no", at(10))).unwrap();
    ledger.writing(|db| endpoints::enable(db, &endpoint, false, at(10))).unwrap();
    for n in 10..12 {
        happen(ledger, owner, &format!("p{n:07}"), n);
    }
    assert_eq!(prunes(ledger, Kept { rows: 5, ..Kept::default() }, 20), 7);
    let projects = |found: Vec<deliveries::Delivery>| {
        found.into_iter().map(|delivery| delivery.project.unwrap()).collect::<Vec<_>>()
    };
    let left = ["p0000011", "p0000010", "p0000009", "p0000008", "p0000007"];
    assert_eq!(projects(all(ledger, owner)), left);
    let body =
        ledger.reading(|db| Ok(db.query_row("SELECT length(body) FROM events", [], |row| row.get(0))?));
    let body: u64 = body.unwrap();
    assert_eq!(prunes(ledger, Kept { bytes: 3 * body, ..Kept::default() }, 20), 2);
    assert_eq!(projects(all(ledger, owner)), left[..3]);
}

#[test]
fn what_nobody_fetches_is_given_up_and_a_removed_endpoint_goes_with_its_last_delivery() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &NewEndpoint { pulled: true, ..new("https://a.example") });
    happen(ledger, owner, "aaaaaaaa", 0);
    prunes(ledger, Kept::default(), 5 * DAY);
    assert_eq!(all(ledger, owner)[0].state, deliveries::State::Pending);
    prunes(ledger, Kept::default(), 5 * DAY + 1);
    assert_eq!(all(ledger, owner)[0].why.as_deref(), Some("nobody fetched it"));
    ledger.writing(|db| endpoints::remove(db, &endpoint, at(6 * DAY))).unwrap();
    prunes(ledger, Kept::default(), 6 * DAY);
    assert_eq!(rows(ledger, "endpoints"), 1);
    prunes(ledger, Kept::default(), 36 * DAY);
    assert_eq!(rows(ledger, "endpoints"), 0);
    let list = "SELECT count(*) FROM pragma_foreign_key_check";
    assert_eq!(ledger.reading(|db| Ok(db.query_row(list, [], |row| row.get::<_, u64>(0))?)).unwrap(), 0);
}

/// So many more events, delivered to each endpoint at this moment.
fn ended(ledger: &dyn Ledger, owner: Owner, count: i64, seconds: i64) {
    let filled = ledger.writing(|db| {
        let first = "SELECT ifnull(max(rowid), 0) FROM events";
        let first: i64 = db.query_row(first, [], |row| row.get(0))?;
        db.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
             INSERT INTO events (rowid, owner, id, kind, sequence, at, body) \
             SELECT ?2 + i, ?3, 'msg_' || (?2 + i), 'project.updated', i, 0, x'7b7d' FROM n",
            (count, first, owner.0),
        )?;
        db.execute(
            "INSERT INTO deliveries (event, endpoint, state, since, due, settled_at) \
             SELECT v.rowid, e.rowid, 'delivered', 0, 0, ?1 FROM events v JOIN endpoints e ON e.owner = v.owner WHERE v.rowid > ?2 \
             ORDER BY v.rowid, e.rowid",
            (at(seconds).as_millisecond(), first),
        )?;
        Ok(())
    });
    filled.unwrap();
}

#[test]
fn w41_much_too_many_go_in_steps_of_a_thousand_and_no_one_elses_with_them() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let other = ledger.writing(|db| {
        db.execute("INSERT INTO spaces (tenant) VALUES ('other')", [])?;
        Ok(Owner(db.last_insert_rowid()))
    });
    let other = other.unwrap();
    for (owner, url) in
        [(owner, "https://a.example"), (owner, "https://b.example"), (other, "https://c.example")]
    {
        add(ledger, owner, &new(url));
    }
    ended(ledger, other, 500, 0);
    ended(ledger, owner, 3600, 1);
    ended(ledger, owner, 100, 2);
    let kept = Kept { rows: 1000, ..Kept::default() };
    let pruned = ledger.prune(kept, at(10), u64::MAX).unwrap();
    // 7400 of the two, of which 6400 go: 3200 of each endpoint, in four steps.
    assert_eq!((pruned.deliveries, pruned.given_up, pruned.steps), (6400, 0, 8));
    assert_eq!(rows(ledger, "deliveries"), 1500);
    assert_eq!(rows(ledger, "events"), 1000, "an event goes with the last of its deliveries");
    let newest = format!("deliveries WHERE settled_at = {}", at(2).as_millisecond());
    assert_eq!(rows(ledger, &newest), 200);
    assert_eq!(ledger.prune(kept, at(10), u64::MAX).unwrap(), deliveries::Pruned::default());
}

#[test]
fn w41_who_has_a_few_steps_only_goes_on_the_next_time() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    ended(ledger, owner, 5000, 0);
    let kept = Kept { rows: 500, ..Kept::default() };
    let left: Vec<u64> = (0..3)
        .map(|_| {
            ledger.prune(kept, at(1), 2).unwrap();
            rows(ledger, "deliveries")
        })
        .collect();
    assert_eq!(left, [3000, 1000, 500]);
}

#[test]
fn w41_what_waits_is_never_forgotten_and_what_is_too_much_of_it_is_given_up_with_a_reason() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    ended(ledger, owner, 5, 0);
    for n in 0..10 {
        happen(ledger, owner, &format!("p{n:07}"), n);
    }
    let kept = Kept { rows: 6, ..Kept::default() };
    let pruned = ledger.prune(kept, at(20), u64::MAX).unwrap();
    assert_eq!((pruned.deliveries, pruned.given_up), (5, 4));
    let found = all(ledger, owner);
    let states: Vec<_> = found.iter().map(|one| (one.state, one.why.as_deref())).collect();
    assert_eq!(states[..6], [(deliveries::State::Pending, None); 6]);
    assert_eq!(states[6..], [(deliveries::State::Dead, Some(TOO_MANY)); 4]);
    // From then on it is what ended, and goes as that does.
    assert_eq!(prunes(ledger, kept, 21), 4);
    assert_eq!(all(ledger, owner).len(), 6);
}

#[test]
fn w41_what_is_old_is_noticed_where_no_drain_runs_and_once_a_day_at_most() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let old = |seconds| ledger.reading(|db| is_old(db, at(seconds))).unwrap();
    let sent = add(ledger, owner, &new("https://a.example"));
    let pulled = add(ledger, owner, &NewEndpoint { pulled: true, ..new("https://b.example") });
    happen(ledger, owner, "aaaaaaaa", 0);
    assert!(!old(6 * DAY), "what waits is not old for a day yet");
    assert!(old(6 * DAY + 1), "nobody fetches it");
    ledger.writing(|db| endpoints::remove(db, &pulled, at(6 * DAY + 1))).unwrap();
    ledger.writing(|db| endpoints::disable(db, &sent, "no", at(0))).unwrap();
    assert!(!old(31 * DAY));
    assert!(old(31 * DAY + 1));
    assert_eq!(prunes(ledger, Kept::default(), 31 * DAY + 1), 1);
    assert!(!old(31 * DAY + 1), "what is left is not as old");
}
