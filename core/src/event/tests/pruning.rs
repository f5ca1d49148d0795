//! What is forgotten, and when.

use super::changing::{add, all, happen, ledger, new};
use super::*;
use crate::event::deliveries::{Kept, prune};

const DAY: i64 = 86_400;

fn prunes(ledger: &dyn Ledger, kept: Kept, seconds: i64) -> u64 {
    ledger.noting(|db| prune(db, kept, at(seconds))).unwrap().deliveries
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
