//! What holds of events, endpoints and deliveries, shown in a store in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::*;
use crate::id::Ids;
use crate::store::{Options, Store, StoreError};

#[cfg(feature = "event")]
mod bounding;
#[cfg(feature = "event")]
mod changing;
mod emitting;
#[cfg(feature = "event")]
mod pruning;
#[cfg(feature = "event")]
mod pulling;
#[cfg(feature = "event")]
mod sending;

/// Names that count.
struct Counting(AtomicU64);

impl Ids for Counting {
    fn random(&self, len: usize) -> String {
        format!("{:0len$}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn counting() -> Counting {
    Counting(AtomicU64::new(0))
}

/// A moment, so many seconds after the tests begin.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn store() -> Store {
    Options::default().in_memory().unwrap()
}

/// An endpoint, as rows have it.
pub(crate) fn listen(store: &Store, id: &str, filters: &str) {
    store
        .connection
        .execute(
            "INSERT INTO endpoints (owner, id, url, filters, dispatcher, ordered, pulled, loopback, private, created_at) \
             VALUES (?, ?, 'https://example.com/hook', ?, 'webhook', 0, 0, 0, '[]', 0)",
            (store.owner().0, id, filters),
        )
        .unwrap();
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let sql = "INSERT INTO signing_keys (endpoint, secret) SELECT rowid, ? FROM endpoints WHERE id = ?";
    store.connection.execute(sql, (secret, id)).unwrap();
}

fn write(store: &mut Store, event: &NewEvent<'_>) -> u32 {
    let owner = store.owner();
    let written = store.write::<_, StoreError>(crate::store::Durability::Full, |tx| {
        Ok(emit(tx.connection(), owner, event, at(0), &crate::id::SystemIds)?)
    });
    written.unwrap()
}

/// What was written to be sent, in order.
pub(crate) fn bodies(store: &Store) -> Vec<serde_json::Value> {
    let mut statement = store.connection.prepare("SELECT body FROM events ORDER BY rowid").unwrap();
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    rows.map(|body| serde_json::from_slice(&body.unwrap()).unwrap()).collect()
}

/// Rows of a table.
pub(crate) fn count(store: &Store, table: &str) -> u64 {
    store.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}
