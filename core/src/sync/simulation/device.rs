//! A device of a schedule: its store, its sync, and what its person was told. Clock and names are the world's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;

use super::person::words;
use crate::clock::Clock;
use crate::event::tests::listen;
use crate::id::Ids;
use crate::project::ProjectId;
use crate::seal::keys::Keys;
use crate::store::{Conflict, Options as StoreOptions, Store, StoreError};
use crate::sync::{Options, Session};

/// Makes an empty store once; each device starts from a copy.
pub(super) static BLANK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut store = StoreOptions::default().device("device").in_memory().unwrap();
    listen(&store, "ep_1", "[]");
    store.image().unwrap()
});

/// Projects whose last change here, by a person or by a sync, no event tells of; and those that a sync is still to tell of.
const UNTOLD: &str = "SELECT r.id FROM records r LEFT JOIN (SELECT v.project, max(v.at) AS at FROM events v GROUP BY v.project) told \
                      ON told.project = r.id WHERE (r.payload IS NOT NULL OR EXISTS (SELECT 1 FROM history h WHERE \
                      h.record = r.rowid AND h.payload IS NOT NULL)) AND (told.at IS NULL OR told.at < 1000 * ifnull( \
                      (SELECT max(h.kept_at) FROM history h WHERE h.record = r.rowid AND h.payload IS NOT r.payload), 0)) \
                      UNION SELECT project FROM sync_changes";

/// Time moves when the world says so.
pub(super) struct SimClock(pub(super) AtomicI64);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(1_700_000_000_000_000 + self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// Names in order.
pub(super) struct SimIds(pub(super) AtomicU64);

impl Ids for SimIds {
    fn random(&self, len: usize) -> String {
        format!("{:0len$}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(super) struct Device {
    pub(super) store: Store,
    pub(super) session: Option<Session>,
    /// The account's keys, on a disk of their own.
    pub(super) keys: Arc<Keys>,
    /// What the sync under way was asked to do.
    pub(super) options: Options,
    /// The store as it was before a dry run.
    pub(super) untouched: Option<Vec<u8>>,
    /// What it knows of the other side was damaged.
    pub(super) is_damaged: bool,
    /// Its person was asked, and lets the next sync delete.
    pub(super) says_yes: bool,
    pub(super) backup: Option<(Vec<u8>, bool)>,
    /// What waits in conflicts, as it was told to this device's person.
    pub(super) told: BTreeMap<String, (ProjectId, String)>,
}

impl Device {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            session: None,
            keys: Arc::default(),
            options: Options::default(),
            untouched: None,
            is_damaged: false,
            says_yes: false,
            backup: None,
            told: BTreeMap::new(),
        }
    }

    /// What waits in conflicts.
    pub(super) fn waiting(&self) -> BTreeMap<String, (ProjectId, String)> {
        let waiting = self.store.conflicts(None).unwrap();
        let other = |conflict: &Conflict| conflict.cloud.as_ref().map(|value| value.get().to_owned());
        let words = |c: &Conflict| words(&other(c).unwrap_or_default()).collect::<Vec<_>>();
        waiting
            .iter()
            .flat_map(|c| words(c).into_iter().map(|word| (word, (c.id, c.field.clone()))))
            .collect()
    }

    /// Takes note of what waits now, and returns what does not any more.
    pub(super) fn note_waiting(&mut self) -> Vec<(String, (ProjectId, String))> {
        let now = self.waiting();
        let told = std::mem::replace(&mut self.told, now);
        told.into_iter().filter(|(word, _)| !self.told.contains_key(word)).collect()
    }

    /// Whether the project that a conflict is about was deleted, or the task.
    pub(super) fn is_gone(&self, id: ProjectId, field: &str) -> bool {
        let stored = match self.store.get(id) {
            Ok(stored) => stored,
            Err(error) => return matches!(error, StoreError::Deleted { .. }),
        };
        let Some(rest) = field.strip_prefix("manualTasks.") else { return false };
        let number = rest.split('.').next().and_then(|number| number.parse().ok());
        !stored.project().manual_tasks.iter().any(|task| Some(task.id) == number)
    }

    /// Projects that nobody was told the last change of.
    pub(super) fn untold(&self) -> Vec<String> {
        let mut statement = self.store.connection.prepare(UNTOLD).unwrap();
        let ids = statement.query_map([], |row| row.get(0)).unwrap();
        ids.collect::<Result<_, _>>().unwrap()
    }

    pub(super) fn stands(&self, id: ProjectId, word: &str) -> bool {
        self.store.get(id).is_ok_and(|stored| words(&stored.payload.to_json()).any(|one| one == word))
    }
}
