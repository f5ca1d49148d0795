//! What is bounded: what waits, what is sent again, and what is shown at once.

use std::sync::Arc;

use super::changing::{add, all, happen, ledger, new};
use super::sending::{claims, fails};
use super::*;
use crate::diagnostic::Diagnostic;
use crate::event::deliveries::{Next, State, Which, redeliver};

/// So many deliveries of the owner's endpoints, in this state, of events of before.
fn fill(ledger: &dyn Ledger, owner: Owner, count: u64, state: &str) {
    let filled = ledger.writing(|db| {
        db.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
             INSERT INTO events (owner, id, kind, sequence, at, body) SELECT ?2, 'msg_' || ?3 || i, 'project.updated', i, 0, x'7b7d' FROM n",
            (count, owner.0, state),
        )?;
        db.execute(
            "INSERT INTO deliveries (event, endpoint, state, since, due, settled_at) \
             SELECT v.rowid, e.rowid, ?1, 0, 0, iif(?1 = 'pending', NULL, 0) FROM events v JOIN endpoints e ON e.owner = v.owner \
             WHERE v.id LIKE 'msg_' || ?1 || '%'",
            [state],
        )?;
        Ok(())
    });
    filled.unwrap();
}

#[test]
fn what_comes_while_as_many_wait_as_may_is_given_up_at_once_and_says_so() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    fill(ledger, owner, MOST_WAITING - 3, "pending");
    add(ledger, owner, &new("https://b.example"));
    for n in 0..3 {
        happen(ledger, owner, &format!("p{n:07}"), n);
    }
    // As many of the last three as there was room for; the others are there, too.
    let query = deliveries::Query { limit: 6, ..Default::default() };
    let page = ledger.reading(|db| deliveries::list(db, owner, &query)).unwrap();
    let mut shown: Vec<_> = page.deliveries.iter().map(|one| (one.state, one.why.as_deref())).collect();
    shown.reverse();
    assert_eq!(shown[..3], [(State::Pending, None); 3]);
    assert_eq!(shown[3..], [(State::Dead, Some(deliveries::TOO_MANY)); 3]);
    // Somebody else has room of their own.
    let other = ledger.writing(|db| {
        db.execute("INSERT INTO spaces (tenant) VALUES ('other')", [])?;
        Ok(Owner(db.last_insert_rowid()))
    });
    let other = other.unwrap();
    add(ledger, other, &new("https://c.example"));
    happen(ledger, other, "aaaaaaaa", 0);
    assert_eq!(all(ledger, other)[0].state, State::Pending);
}

#[test]
fn what_is_given_up_at_once_takes_the_place_of_the_oldest_where_there_is_too_much_anyway() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    fill(ledger, owner, 60_000, "delivered");
    fill(ledger, owner, MOST_WAITING, "pending");
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        ledger.reading(|db| Ok(db.query_row(&sql, [], |row| row.get::<_, u64>(0))?)).unwrap()
    };
    let before = (count("deliveries"), count("events"));
    for n in 0..3 {
        happen(ledger, owner, &format!("p{n:07}"), n);
    }
    assert_eq!((count("deliveries"), count("events")), before);
    assert_eq!(count("deliveries WHERE state = 'dead'"), 3);
    assert_eq!(count("deliveries WHERE state = 'pending'"), MOST_WAITING);
    assert_eq!(count("deliveries WHERE rowid <= 3"), 0, "the oldest went");
}

#[test]
fn one_call_sends_a_bounded_number_again_and_never_lets_more_wait_than_may() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    for n in 0..11 {
        add(ledger, owner, &new(&format!("https://n{n}.example")));
    }
    fill(ledger, owner, 1000, "dead");
    let waiting = || {
        let sql = "SELECT count(*) FROM deliveries WHERE state = 'pending'";
        ledger.reading(|db| Ok(db.query_row(sql, [], |row| row.get::<_, u64>(0))?)).unwrap()
    };
    let again = |which: Which| ledger.writing(|db| redeliver(db, owner, None, &which, at(5)));
    let named = Which::Events((1..=1000).map(|n| format!("msg_dead{n}")).collect());
    assert_eq!(again(named.clone()).unwrap_err().code(), "E-HOOK-009");
    assert_eq!(waiting(), 0);
    assert_eq!(again(Which::Failed(None)).unwrap(), 10_000);
    assert_eq!(again(Which::Failed(None)).unwrap(), 1000);
    assert_eq!(again(Which::Failed(None)).unwrap(), 0);
    fill(ledger, owner, (MOST_WAITING - 11_000) / 11 + 1, "cancelled");
    ledger
        .writing(
            |db| Ok(db.execute("UPDATE deliveries SET state = 'pending' WHERE state = 'cancelled'", [])?),
        )
        .unwrap();
    ledger
        .writing(|db| Ok(db.execute("UPDATE deliveries SET state = 'dead' WHERE rowid <= 20", [])?))
        .unwrap();
    assert_eq!(again(Which::Failed(None)).unwrap_err().code(), "E-HOOK-009");
    assert!(waiting() <= MOST_WAITING);
}

#[test]
fn w37_of_many_attempts_the_newest_are_shown_with_how_many_there_were() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    for n in 0..120 {
        let claimed = claims(ledger, "a", n).remove(0);
        fails(ledger, &claimed, "a", n, Next::Retry(at(n + 1)));
    }
    let shown = all(ledger, owner).remove(0);
    let numbers: Vec<_> = shown.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!((shown.made, numbers), (120, (101..=120).collect()));
    let kept = "SELECT count(*) FROM attempts";
    let kept = ledger.reading(|db| Ok(db.query_row(kept, [], |row| row.get::<_, u64>(0))?));
    assert_eq!(kept.unwrap(), 50);
}

#[test]
fn w37_a_page_of_long_replies_ends_early_and_the_pages_together_have_all() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    add(ledger, owner, &new("https://a.example"));
    add(ledger, owner, &new("https://b.example"));
    fill(ledger, owner, 500, "dead");
    let fail = "INSERT INTO attempts (delivery, number, at, duration_ms, class, reply) \
                SELECT rowid, 1, 0, 0, 'timeout', zeroblob(1024) FROM deliveries";
    ledger.writing(|db| Ok(db.execute(fail, [])?)).unwrap();
    let mut query = deliveries::Query { limit: 400, failed: true, ..Default::default() };
    let (mut pages, mut found) = (Vec::new(), Vec::new());
    loop {
        let page = ledger.reading(|db| deliveries::list(db, owner, &query)).unwrap();
        pages.push(page.deliveries.len());
        found.extend(page.deliveries.into_iter().map(|one| one.row));
        query.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(pages, [256, 256, 256, 232]);
    let rows: Vec<i64> = (1..=1000).rev().collect();
    assert_eq!(found, rows);
}

#[test]
fn w37_deliveries_are_found_by_an_index_however_many_there_are() {
    let mut store = store();
    // SQLite calls it once in so many steps of its machine.
    let steps = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&steps);
    let handler = move || count.fetch_add(10, Ordering::Relaxed) == u64::MAX;
    store.connection.progress_handler(10, Some(handler)).unwrap();
    let owner = store.owner();
    let ledger: &dyn Ledger = &FileLedger::over(store);
    let endpoint = add(ledger, owner, &new("https://a.example"));
    add(ledger, owner, &new("https://b.example"));
    fill(ledger, owner, 20_000, "delivered");
    happen(ledger, owner, "aaaaaaaa", 5);
    let id = all(ledger, owner)[0].id.clone();
    let query = || deliveries::Query { limit: 10, ..Default::default() };
    let of_event = deliveries::Query { id: Some(id), endpoint: Some(endpoint.id.clone()), ..query() };
    let of_endpoint = deliveries::Query { endpoint: Some(endpoint.id), ..query() };
    for (query, expected) in
        [(query(), 10), (of_endpoint, 10), (of_event, 1), (deliveries::Query { limit: 0, ..query() }, 0)]
    {
        steps.store(0, Ordering::Relaxed);
        let found = ledger.reading(|db| deliveries::list(db, owner, &query)).unwrap().deliveries.len();
        let steps = steps.load(Ordering::Relaxed);
        assert_eq!(found, expected, "{query:?}");
        assert!(steps < 5000, "{steps} steps for {query:?}");
    }
}
