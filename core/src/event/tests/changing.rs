//! Adding, changing and removing endpoints.

use std::time::Duration;

use super::*;
use crate::diagnostic::Diagnostic;
use crate::event::deliveries::State;
use crate::net::Secret;
use crate::plugin::Access;

pub(super) fn new(url: &str) -> NewEndpoint {
    NewEndpoint {
        url: url.to_owned(),
        filters: Vec::new(),
        description: None,
        dispatcher: "webhook".to_owned(),
        ordered: false,
        pulled: false,
        access: Access::default(),
        headers: Vec::new(),
        secret: WebhookSecret::generate(),
    }
}

pub(super) fn ledger() -> (FileLedger, Owner) {
    let ledger = FileLedger::over(store());
    let owner = ledger.owner();
    (ledger, owner)
}

pub(super) fn add(ledger: &dyn Ledger, owner: Owner, new: &NewEndpoint) -> Endpoint {
    ledger.writing(|db| endpoints::add(db, owner, new, at(0), &crate::id::SystemIds)).unwrap()
}

pub(super) fn happen(ledger: &dyn Ledger, owner: Owner, project: &str, seconds: i64) {
    let event = NewEvent::of(EventKind::ProjectUpdated, project);
    let written =
        ledger.writing(|db| Ok(emit(db, owner, &event, at(seconds), &crate::id::SystemIds)?)).unwrap();
    assert!(written > 0);
}

pub(super) fn all(ledger: &dyn Ledger, owner: Owner) -> Vec<deliveries::Delivery> {
    let query = deliveries::Query { limit: 1000, ..Default::default() };
    ledger.reading(|db| deliveries::list(db, owner, &query)).unwrap().deliveries
}

#[test]
fn an_endpoint_is_found_as_it_was_added() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let added = add(
        ledger,
        owner,
        &NewEndpoint {
            filters: vec![Filter::Group("project"), Filter::Kind(EventKind::SyncFailed)],
            description: Some("ours".to_owned()),
            ordered: true,
            access: Access {
                loopback: true,
                private: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/16".parse().unwrap()],
                ca: Some("PEM".to_owned()),
            },
            headers: vec![("X-Api-Key".to_owned(), Secret::new("canary"))],
            ..new("https://example.com/a")
        },
    );
    assert!(added.id.starts_with("ep_") && added.id.len() == 19, "{}", added.id);
    assert_eq!(added.header_names, ["X-Api-Key"]);
    assert!(!format!("{added:?}").contains("canary"));
    let found = ledger.reading(|db| endpoints::find(db, owner, "https://example.com/a")).unwrap();
    assert_eq!(found, added);
    assert_eq!(ledger.reading(|db| endpoints::list(db, owner)).unwrap(), [added]);
    let headers = ledger.reading(|db| endpoints::headers(db, &found)).unwrap();
    assert_eq!(headers[0].1.expose(), "canary");
}

#[test]
fn an_endpoint_is_named_by_its_id_or_by_a_url_that_no_other_has_and_by_its_owner_alone() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let (first, second) =
        (add(ledger, owner, &new("https://a.example")), add(ledger, owner, &new("https://a.example")));
    let code = |query: &str, owner| {
        ledger.reading(|db| endpoints::find(db, owner, query)).map(|found| found.id).map_err(|e| e.code())
    };
    assert_eq!(code(&second.id, owner), Ok(second.id.clone()));
    assert_eq!(code("https://a.example", owner), Err("E-HOOK-003"));
    assert_eq!(code("https://b.example", owner), Err("E-HOOK-002"));
    assert_eq!(code(&first.id, Owner(owner.0 + 1)), Err("E-HOOK-002"));
}

#[test]
fn there_are_no_more_endpoints_than_there_may_be() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    for n in 0..endpoints::MOST {
        add(ledger, owner, &new(&format!("https://{n}.example")));
    }
    let more =
        ledger.writing(|db| endpoints::add(db, owner, &new("https://more.example"), at(0), &counting()));
    assert_eq!(more.unwrap_err().code(), "E-HOOK-006");
}

#[test]
fn w03_a_new_secret_is_32_random_bytes_and_no_two_are_the_same() {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let secrets = [WebhookSecret::generate(), WebhookSecret::generate()];
    for secret in &secrets {
        let encoded = secret.secret().expose().strip_prefix("whsec_").unwrap();
        assert_eq!(BASE64_STANDARD.decode(encoded).unwrap().len(), 32);
        assert!(!format!("{secret:?}").contains(encoded));
    }
    assert_ne!(secrets[0].secret().expose(), secrets[1].secret().expose());
}

#[test]
fn a_secret_from_elsewhere_is_taken_if_it_is_one_and_is_not_repeated_if_not() {
    let vector = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert_eq!(WebhookSecret::import(&format!("{vector}\n")).unwrap().secret().expose(), vector);
    for bad in ["", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_canary", "whsec_"] {
        let error = WebhookSecret::import(bad).unwrap_err();
        assert_eq!((error.code(), error.kind().exit_code()), ("E-HOOK-004", 2));
        assert!(!error.to_string().contains("canary"));
    }
}

#[test]
fn w07_two_secrets_sign_until_the_old_one_ends_and_none_replaces_one_that_is_being_replaced() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    let names = |now| {
        let keys = ledger.reading(|db| endpoints::keys(db, &endpoint, now)).unwrap();
        keys.iter().map(|key| key.name().to_owned()).collect::<Vec<_>>()
    };
    let day = Duration::from_hours(24);
    let rotate = |now, overlap| {
        ledger.writing(|db| endpoints::rotate(db, &endpoint, &WebhookSecret::generate(), overlap, now))
    };
    assert_eq!(names(at(0)), ["newest"]);
    rotate(at(0), day).unwrap();
    assert_eq!(names(at(86_399)), ["newest", "old"]);
    let again = rotate(at(10), day).unwrap_err();
    assert_eq!(again.code(), "E-HOOK-005");
    assert!(again.to_string().contains("2027-01-16T08:00:00.000Z"), "{again}");
    assert_eq!(names(at(86_400)), ["newest"], "its time is over, wiped or not");
    assert_eq!(ledger.wipe_old_secrets(at(86_399)).unwrap(), 0);
    assert_eq!(ledger.wipe_old_secrets(at(86_400)).unwrap(), 1);
    rotate(at(86_401), Duration::ZERO).unwrap();
    assert_eq!(names(at(86_401)), ["newest"]);
    assert_eq!(ledger.reading(|db| endpoints::find(db, owner, &endpoint.id)).unwrap().rotating_until, None);
}

#[test]
fn w07_a_rotation_without_an_overlap_ends_every_older_secret_also_while_two_sign() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    let secrets: Vec<_> = (0..2).map(|_| WebhookSecret::generate()).collect();
    for (secret, overlap) in secrets.iter().zip([Duration::from_hours(720), Duration::ZERO]) {
        ledger.writing(|db| endpoints::rotate(db, &endpoint, secret, overlap, at(0))).unwrap();
    }
    let kept = |db: &rusqlite::Connection| {
        let mut statement = db.prepare("SELECT secret, until FROM signing_keys")?;
        let keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(keys.collect::<rusqlite::Result<Vec<(String, Option<i64>)>>>()?)
    };
    let newest = secrets[1].secret().expose().to_owned();
    assert_eq!(ledger.reading(kept).unwrap(), [(newest, None)]);
}

#[test]
fn w07_nothing_of_a_wiped_secret_stays_in_the_file_or_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let file = FileLedger::open(&path).unwrap();
    let (owner, ledger): (Owner, &dyn Ledger) = (file.owner(), &file);
    let old = new("https://a.example");
    let text = old.secret.secret().expose().to_owned();
    let endpoint = add(ledger, owner, &old);
    let on_disk = || {
        let files = ["orkee.db", "orkee.db-wal"].map(|name| std::fs::read(folder.path().join(name)).unwrap());
        files.concat().windows(text.len()).any(|bytes| bytes == text.as_bytes())
    };
    assert!(on_disk());
    ledger
        .writing(|db| {
            endpoints::rotate(db, &endpoint, &WebhookSecret::generate(), Duration::from_hours(1), at(0))
        })
        .unwrap();
    for n in 0..50 {
        happen(ledger, owner, &format!("p{n:07}"), n);
    }
    assert_eq!(ledger.wipe_old_secrets(at(3600)).unwrap(), 1);
    assert!(!on_disk());
}

#[test]
fn w07_who_reads_meanwhile_holds_no_command_up_and_the_next_takes_the_secret_out_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let file = FileLedger::open(&path).unwrap();
    let (owner, ledger): (Owner, &dyn Ledger) = (file.owner(), &file);
    let old = new("https://a.example");
    let text = old.secret.secret().expose().to_owned();
    let endpoint = add(ledger, owner, &old);
    let in_log = || {
        let log = std::fs::read(folder.path().join("orkee.db-wal")).unwrap();
        log.windows(text.len()).any(|bytes| bytes == text.as_bytes())
    };
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT count(*) FROM endpoints", [], |row| row.get::<_, i64>(0)).unwrap();
    let begun = std::time::Instant::now();
    ledger
        .writing(|db| endpoints::rotate(db, &endpoint, &WebhookSecret::generate(), Duration::ZERO, at(0)))
        .unwrap();
    assert!(!ledger.scrub().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(in_log() && ledger.owes_scrub());
    reader.execute_batch("COMMIT").unwrap();
    let next = FileLedger::open(&path).unwrap();
    let next: &dyn Ledger = &next;
    assert_eq!(next.wipe_old_secrets(at(1)).unwrap(), 0);
    assert!(!in_log() && !next.owes_scrub());
}

#[test]
fn w24_what_waits_is_cancelled_with_the_endpoint_and_goes_on_only_if_that_is_asked_for() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    happen(ledger, owner, "aaaaaaaa", 0);
    let disable = || ledger.writing(|db| endpoints::disable(db, &endpoint, "it hurts", at(1))).unwrap();
    let enable = |replay| ledger.writing(|db| endpoints::enable(db, &endpoint, replay, at(2))).unwrap();
    assert_eq!(disable().map(|cancelled| cancelled.deliveries), Some(1));
    assert!(disable().is_none(), "it is disabled already");
    let found = ledger.reading(|db| endpoints::find(db, owner, &endpoint.id)).unwrap();
    assert_eq!(found.disabled, Some((at(1), "it hurts".to_owned())));
    let shown = &all(ledger, owner)[0];
    assert_eq!((shown.state, shown.why.as_deref()), (State::Cancelled, Some("endpoint disabled")));
    assert_eq!(enable(false), endpoints::Enabled { changed: true, replayed: 0 });
    assert_eq!(all(ledger, owner)[0].state, State::Cancelled);
    disable();
    assert_eq!(enable(true), endpoints::Enabled { changed: true, replayed: 1 });
    assert_eq!(all(ledger, owner)[0].state, State::Pending);
    let removed = ledger.writing(|db| endpoints::remove(db, &endpoint, at(3))).unwrap();
    assert_eq!(removed.deliveries, 1);
    let shown = &all(ledger, owner)[0];
    assert_eq!((shown.state, shown.why.as_deref()), (State::Cancelled, Some("endpoint removed")));
    assert_eq!(ledger.reading(|db| endpoints::list(db, owner)).unwrap(), []);
    let again = ledger.writing(|db| endpoints::remove(db, &endpoint, at(3))).unwrap_err();
    assert_eq!(again.code(), "E-HOOK-002");
    let left = "SELECT (SELECT count(*) FROM signing_keys) + (SELECT count(*) FROM endpoint_headers)";
    assert_eq!(ledger.reading(|db| Ok(db.query_row(left, [], |row| row.get::<_, u64>(0))?)).unwrap(), 0);
}

#[test]
fn w24_replay_gives_back_what_was_cancelled_this_time_and_nothing_that_was_let_go_before() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://a.example"));
    let disable = |seconds| {
        ledger.writing(|db| endpoints::disable(db, &endpoint, "it hurts", at(seconds))).unwrap().unwrap()
    };
    let enable = |replay, seconds| {
        ledger.writing(|db| endpoints::enable(db, &endpoint, replay, at(seconds))).unwrap().replayed
    };
    happen(ledger, owner, "aaaaaaaa", 0);
    disable(1);
    assert_eq!(enable(false, 2), 0);
    happen(ledger, owner, "bbbbbbbb", 3);
    disable(4);
    assert_eq!(enable(true, 5), 1);
    let states: Vec<_> = all(ledger, owner).iter().map(|one| one.state).collect();
    assert_eq!(states, [State::Pending, State::Cancelled]);
    // It is on: nothing was cancelled since.
    assert_eq!(enable(true, 6), 0);
}

#[test]
fn w24_of_the_url_of_a_removed_endpoint_no_more_is_kept_than_its_origin() {
    let (ledger, owner) = ledger();
    let ledger: &dyn Ledger = &ledger;
    let endpoint = add(ledger, owner, &new("https://hooks.example:8443/services/T0/B0/CANARY?token=canary"));
    happen(ledger, owner, "aaaaaaaa", 0);
    ledger.writing(|db| endpoints::remove(db, &endpoint, at(1))).unwrap();
    assert_eq!(all(ledger, owner)[0].url, "https://hooks.example:8443");
}
