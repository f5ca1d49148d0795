//! What is done every minute: secrets whose time is over are wiped, and webhooks taken away that nobody pulls from any more.

use std::time::Instant;

use jiff::Timestamp;

use super::Pulls;
use crate::storage::{StorageError, Webhooks};

/// Does it once. `at` is `now` by the clock that nobody sets.
pub(crate) fn keep(
    storage: &dyn Webhooks,
    pulls: &Pulls,
    now: Timestamp,
    at: Instant,
) -> Result<(), StorageError> {
    storage.wipe_old_secrets(now)?;
    for missed in pulls.missed_at(storage.pulled_webhooks()?, at) {
        storage.abandon_webhook(&missed, now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use orkee_core::event::deliveries::Query;
    use orkee_core::event::{Access, NewEndpoint, WebhookSecret};
    use rusqlite::Connection;

    use super::*;
    use crate::storage::sqlite::Sqlite;
    use crate::storage::{Accounts, Change, NewAccount, SpaceKey, Witness};

    const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn start() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    /// An endpoint of an account's.
    fn listening(storage: &Sqlite) -> (SpaceKey, String) {
        let ann = NewAccount { email: "ann@example.com", password: None, plan: "Free" };
        let space = storage.create_account(&ann, start()).unwrap().space;
        let endpoint = NewEndpoint {
            url: "https://hooks.example.com/".to_owned(),
            filters: Vec::new(),
            description: None,
            dispatcher: "webhook".to_owned(),
            ordered: false,
            pulled: true,
            access: Access::default(),
            headers: Vec::new(),
            secret: WebhookSecret::import(OLD).unwrap(),
        };
        let change = Change { space, by: &Witness::default(), now: start() };
        (space, storage.add_webhook(change, &endpoint).unwrap().id)
    }

    fn on_disk(folder: &Path) -> bool {
        let secret = OLD.as_bytes();
        let files =
            ["orkee-server.db", "orkee-server.db-wal"].map(|name| std::fs::read(folder.join(name)).unwrap());
        files.concat().windows(secret.len()).any(|bytes| bytes == secret)
    }

    fn rotate(storage: &Sqlite, space: SpaceKey, id: &str, overlap: Duration) {
        let change = Change { space, by: &Witness::default(), now: start() };
        storage.rotate_webhook(change, id, &WebhookSecret::generate(), overlap).unwrap();
    }

    #[test]
    fn w07_an_old_secret_is_wiped_within_a_minute_of_its_end_without_anybody_asking() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Sqlite::open(folder.path()).unwrap();
        let (space, id) = listening(&storage);
        rotate(&storage, space, &id, Duration::from_secs(3600));
        let keep = |seconds| {
            let now = Timestamp::from_second(start().as_second() + seconds).unwrap();
            keep(&storage, &Pulls::default(), now, Instant::now()).unwrap();
        };
        keep(3599);
        assert!(on_disk(folder.path()));
        keep(3600);
        assert!(!on_disk(folder.path()));
    }

    #[test]
    fn w07_a_wiped_secret_waits_in_the_log_for_who_reads_and_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Sqlite::open(folder.path()).unwrap();
        let (space, id) = listening(&storage);
        let reader = Connection::open(folder.path().join("orkee-server.db")).unwrap();
        reader.execute_batch("BEGIN").unwrap();
        reader.query_row("SELECT count(*) FROM endpoints", [], |row| row.get::<_, i64>(0)).unwrap();
        let begun = Instant::now();
        rotate(&storage, space, &id, Duration::ZERO);
        keep(&storage, &Pulls::default(), start(), Instant::now()).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(on_disk(folder.path()), "the reader may still want it");
        reader.execute_batch("COMMIT").unwrap();
        keep(&storage, &Pulls::default(), start(), Instant::now()).unwrap();
        assert!(!on_disk(folder.path()));
    }

    #[test]
    fn w39_a_listener_that_stopped_is_missed_and_what_waited_for_it_is_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Sqlite::open(folder.path()).unwrap();
        let (space, id) = listening(&storage);
        storage.test_webhook(space, &id, start()).unwrap().unwrap();
        let (pulls, begun) = (Pulls::default(), Instant::now());
        let keep = |minutes: u64| {
            keep(&storage, &pulls, start(), begun + Duration::from_secs(60 * minutes)).unwrap();
            storage.webhooks(space).unwrap().len()
        };
        pulls.note_at(&id, begun);
        assert_eq!(keep(5), 1);
        pulls.note_at(&id, begun + Duration::from_secs(300));
        assert_eq!((keep(10), keep(14)), (1, 1), "it goes on pulling");
        assert_eq!(keep(15), 0);
        let query = Query { limit: 9, ..Query::default() };
        let left = storage.deliveries(space, &query).unwrap().deliveries;
        assert_eq!((left.len(), left[0].state.as_str()), (1, "cancelled"));
        assert_eq!(left[0].why.as_deref(), Some("endpoint removed"));
    }
}
