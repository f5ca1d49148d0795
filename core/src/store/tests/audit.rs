//! The audit trail: what it keeps, of whom, and what it notices.

use std::sync::Arc;

use super::*;

fn login(tenant: &str, who: &str) -> AuditEntry {
    let entry = AuditEntry::new(tenant, AuditAction::Login, AuditOutcome::Done);
    AuditEntry { who: Some(who.to_owned()), ..entry }
}

fn note(store: &mut Store, entry: &AuditEntry) {
    store.note(entry, Durability::Full).unwrap();
}

/// A trail of so many rows.
fn trail(rows: usize) -> Store {
    let mut store = store();
    (0..rows).for_each(|n| note(&mut store, &login("", &format!("person {n}"))));
    store
}

fn problems(store: &Store) -> Vec<String> {
    let [trail] = store.verify_audit().unwrap().try_into().unwrap();
    trail.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_row_says_who_did_what_when_how_it_ended_and_under_which_request() {
    let mut store = Options::default().clock(Arc::new(Ticking::default())).in_memory().unwrap();
    let entry = AuditEntry {
        subject: Some("https://evil.example".to_owned()),
        code: Some("E-PLUGIN-020".to_owned()),
        provider: Some("notes".to_owned()),
        request_id: Some("sync_1".to_owned()),
        outcome: AuditOutcome::Denied,
        action: AuditAction::Request,
        ..login("", "ada@example.com")
    };
    note(&mut store, &entry);
    let [row] = store.audit(None, &[], 10).unwrap().try_into().unwrap();
    assert_eq!((row.number, row.action.as_str(), row.outcome.as_str()), (1, "provider-request", "denied"));
    assert!(row.at.starts_with("1970-01-01T00:00:0"), "{}", row.at);
    let texts = [row.who, row.subject, row.code, row.provider, row.request_id].map(Option::unwrap);
    assert_eq!(texts, ["ada@example.com", "https://evil.example", "E-PLUGIN-020", "notes", "sync_1"]);
}

#[test]
fn what_is_written_is_cut_and_stripped() {
    let mut store = store();
    note(&mut store, &login("", &format!("a\u{1b}[31m\n{}", "x".repeat(5000))));
    let who = store.audit(None, &[], 1).unwrap()[0].who.clone().unwrap();
    assert!(who.starts_with("a[31mxx") && who.len() == 200, "{who}");
}

#[test]
fn rows_come_newest_first_from_a_moment_on_and_no_more_than_asked_for() {
    let mut store = Options::default().clock(Arc::new(Ticking::default())).in_memory().unwrap();
    (0..5).for_each(|n| note(&mut store, &login("", &format!("person {n}"))));
    let numbers = |since: Option<jiff::Timestamp>, limit| {
        store.audit(since, &[], limit).unwrap().iter().map(|row| row.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 3), [5, 4, 3]);
    let third = store.audit(None, &[], 10).unwrap()[2].at.parse().unwrap();
    assert_eq!(numbers(Some(third), 10), [5, 4, 3]);
}

#[test]
fn p51_each_tenant_has_a_trail_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let mut mine = Store::open(&path).unwrap();
    let mut acme = Options::default().tenant("acme").open(&path).unwrap();
    note(&mut mine, &login("", "me"));
    note(&mut acme, &login("acme", "colleague"));
    note(&mut mine, &login("acme", "another"));
    let who = |store: &Store| {
        store
            .audit(None, &[], 10)
            .unwrap()
            .into_iter()
            .map(|r| (r.number, r.who.unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(who(&mine), [(1, "me".to_owned())]);
    assert_eq!(who(&acme), [(2, "another".to_owned()), (1, "colleague".to_owned())]);
    let verified = mine.verify_audit().unwrap();
    let told: Vec<_> = verified.iter().map(|t| (t.tenant.as_str(), t.rows, t.newest)).collect();
    assert_eq!(told, [("", 1, Some(1)), ("acme", 2, Some(2))]);
    assert!(verified.iter().all(|trail| trail.problems.is_empty()), "{verified:?}");
}

#[test]
fn the_oldest_rows_go_and_what_is_left_still_verifies() {
    let mut store = store();
    for n in 0..12 {
        store
            .write::<_, StoreError>(Durability::Full, |tx| tx.note(&login("", &format!("person {n}")), 5))
            .unwrap();
        assert_eq!(problems(&store), [""; 0], "after {n}");
    }
    let numbers: Vec<u64> = store.audit(None, &[], 100).unwrap().iter().map(|row| row.number).collect();
    assert_eq!(numbers, [12, 11, 10, 9, 8]);
}

#[test]
fn a_row_that_was_changed_is_noticed() {
    for column in ["who", "at", "action", "subject", "outcome", "code", "provider", "request_id"] {
        let store = trail(5);
        store.connection.execute(&format!("UPDATE audit SET {column} = 'x' WHERE number = 3"), []).unwrap();
        assert_eq!(problems(&store), ["not as it was written: row 3, or the one before"], "{column}");
    }
    let store = trail(5);
    store.connection.execute("UPDATE audit SET hash = x'00' WHERE number = 3", []).unwrap();
    assert_eq!(problems(&store).len(), 2, "{:?}", problems(&store));
    let store = trail(5);
    store.connection.execute("UPDATE audit SET who = NULL WHERE number = 5", []).unwrap();
    assert_eq!(problems(&store), ["not as it was written: row 5, or the one before"]);
}

#[test]
fn a_row_that_was_taken_out_is_noticed_wherever_it_stood() {
    for (condition, told) in [
        ("number = 1", "missing: row 1"),
        ("number IN (2, 3)", "missing: rows 2 to 3"),
        ("number > 3", "missing: rows 4 to 5"),
        ("1", "missing: rows 1 to 5"),
    ] {
        let store = trail(5);
        store.connection.execute(&format!("DELETE FROM audit WHERE {condition}"), []).unwrap();
        assert_eq!(problems(&store), [told], "{condition}");
    }
    let store = trail(5);
    store.connection.execute_batch("DELETE FROM audit WHERE number = 3; UPDATE audit SET number = number - 1 WHERE number > 3; UPDATE audit_chains SET newest = 4").unwrap();
    assert_eq!(problems(&store)[0], "not as it was written: row 3, or the one before");
}

#[test]
fn a_row_that_was_put_in_is_noticed() {
    let copy = "INSERT INTO audit SELECT tenant, number + 5, at, who, action, subject, outcome, code, provider, request_id, hash \
                FROM audit WHERE number = 1";
    let store = trail(5);
    store.connection.execute(copy, []).unwrap();
    assert_eq!(problems(&store).last().unwrap(), "never written: row 6");
    let store = trail(5);
    store.connection.execute("DELETE FROM audit_chains", []).unwrap();
    assert_eq!(problems(&store), ["the hash of the newest row is missing"]);
    let store = trail(5);
    store.connection.execute("UPDATE audit SET tenant = 'acme' WHERE number = 5", []).unwrap();
    let told: Vec<_> = store.verify_audit().unwrap().into_iter().map(|trail| trail.problems.len()).collect();
    assert_eq!(told, [1, 1]);
}

#[test]
fn a_row_costs_the_same_however_long_the_trail_is() {
    let cost = |rows: usize| {
        let mut store = trail(rows);
        store.instructions(|store| note(store, &login("", "ada")))
    };
    let (few, many) = (cost(3), cost(300));
    assert!(few < 250 && many <= few + few / 10, "{few} and {many} instructions");
}

#[test]
fn a_trail_that_cannot_be_written_tells_so_and_fails_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = crate::home::Home::at(folder.path().join("home")).unwrap();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let hear = Arc::clone(&told);
    let trail = Trail::new(&home, move |error| hear.lock().unwrap().push(error.to_string()));
    trail.note(&login("", "ada"));
    assert_eq!(*told.lock().unwrap(), [""; 0]);
    let busy = rusqlite::Connection::open(home.database()).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    trail.note(&login("", "grace"));
    assert_eq!(told.lock().unwrap().len(), 1);
    drop(busy);
    assert_eq!(Store::open(&home.database()).unwrap().audit(None, &[], 10).unwrap().len(), 1);
}
