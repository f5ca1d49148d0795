//! A store as bytes, so that a test can lose a disk and bring an older copy back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, MAIN_DB};

use super::{Durability, Options, Store, StoreError};

impl Store {
    /// The database as it is on disk.
    pub(crate) fn image(&mut self) -> Result<Vec<u8>, StoreError> {
        Ok(self.connection.serialize(MAIN_DB)?.to_vec())
    }

    /// A store in memory with the content of an image.
    pub(crate) fn from_image(options: Options, image: &[u8]) -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        connection.deserialize_read_exact(MAIN_DB, image, image.len(), false)?;
        options.over(connection)
    }

    /// How many instructions of its virtual machine SQLite executes during `work`. Unlike time it does not vary.
    pub(crate) fn instructions(&mut self, work: impl FnOnce(&mut Self)) -> u64 {
        let count = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&count);
        let step = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        self.connection.progress_handler(1, Some(step)).unwrap();
        work(self);
        self.connection.progress_handler(0, None::<fn() -> bool>).unwrap();
        count.load(Ordering::Relaxed)
    }

    /// Does to the tables what only a fault could do.
    pub(crate) fn execute_for_test(&mut self, sql: &str) {
        self.connection.execute(sql, []).unwrap();
    }

    /// What a loss of power leaves of the transactions from the last one on.
    pub(crate) fn durability(&self) -> Durability {
        let level: u8 = self.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        if level >= 2 { Durability::Full } else { Durability::Refetchable }
    }

    /// The next sync lists everything.
    pub(crate) fn forget_position(&mut self) {
        self.connection.execute("UPDATE spaces SET position = NULL", []).unwrap();
    }

    /// Payloads that are not tombstones, by id.
    pub(crate) fn live_payloads(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let sql = "SELECT id, payload FROM records WHERE space = ? AND payload IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([self.space], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Payloads that stand: the newest, the base and what was sent, of each record.
    pub(crate) fn held_texts(&self) -> Result<Vec<String>, StoreError> {
        self.texts(
            "SELECT payload FROM records WHERE payload IS NOT NULL UNION ALL \
             SELECT h.payload FROM history h JOIN tracking t USING (record) \
             WHERE h.version IN (t.base_at, t.sent_at) AND h.payload IS NOT NULL",
        )
    }

    /// Payloads and conflicts, old ones and new.
    pub(crate) fn all_texts(&self) -> Result<Vec<String>, StoreError> {
        self.texts(
            "SELECT payload FROM records WHERE payload IS NOT NULL UNION ALL \
             SELECT payload FROM history WHERE payload IS NOT NULL",
        )
    }

    fn texts(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
