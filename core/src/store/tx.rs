//! A write transaction, and this store as a writer in it.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::at_rest::{Lock, LockKeys};
use super::made::{Made, MadeCounts};
use super::record::Ancestry;
use super::trim::Keep;
use super::turn::insist;
use super::{Store, StoreError};
use crate::clock::{Clock, rfc3339};
use crate::event::Listeners;
use crate::id::Ids;

/// What a finished transaction survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A loss of power. For what a person typed.
    Full,
    /// A crash of the process; after a loss of power the last ones may be gone, whole. For what can be fetched again.
    Refetchable,
}

impl Durability {
    pub(super) fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Refetchable => "NORMAL",
        }
    }
}

/// This store, as the ancestry of versions names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Eight random characters. A restored or copied store takes new ones.
    pub name: String,
    /// Of its last write.
    pub clock: u64,
    /// The device's name, for people.
    pub device: String,
}

/// A write transaction of one space. It is taken back when it is dropped before [`Store::write`] commits it.
pub struct Tx<'s> {
    transaction: Transaction<'s>,
    space: i64,
    ids: &'s dyn Ids,
    now: Timestamp,
    at: String,
    writer: Option<Writer>,
    keep: Keep,
    pub(super) lock_keys: Option<&'s Arc<dyn LockKeys>>,
    /// How texts stand in the columns, once that was asked.
    pub(super) lock: OnceCell<Lock>,
    /// Who is told of what happens, once that was asked.
    pub(super) listening: OnceCell<Listeners>,
    /// Versions that went to history.
    pub(super) kept: u32,
    /// What a person made of projects.
    pub(super) counts: Cell<MadeCounts>,
    made: &'s Made,
}

impl<'s> Tx<'s> {
    pub(super) fn begin(store: &'s mut Store) -> Result<Self, StoreError> {
        let Store { connection, space, clock, ids, turn, wait, keep, lock_keys, made, .. } = store;
        let asked = Instant::now();
        let deadline = asked + *wait;
        let turn = turn.as_mut().map(|turn| turn.take(deadline)).transpose()?;
        // Tried often while it is our turn, instead of at the growing intervals of SQLite's own waiting.
        connection.busy_timeout(Duration::ZERO)?;
        let begun =
            insist(deadline, || Transaction::new_unchecked(connection, TransactionBehavior::Immediate));
        connection.busy_timeout(*wait)?;
        drop(turn);
        tracing::debug!(target: "orkee::store", waited_us = asked.elapsed().as_micros() as u64, "may write");
        let now = Clock::now(&**clock);
        let (at, keep) = (rfc3339(now), *keep);
        let listening = OnceCell::new();
        Ok(Self {
            transaction: begun?,
            space: *space,
            ids: &**ids,
            now,
            at,
            writer: None,
            keep,
            lock_keys: lock_keys.as_ref(),
            lock: OnceCell::new(),
            listening,
            kept: 0,
            counts: Cell::default(),
            made: &**made,
        })
    }

    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        if self.kept > 0 {
            self.trim_old(self.kept)?;
        }
        if let Some(writer) = &self.writer {
            self.transaction
                .prepare_cached("UPDATE writer SET name = ?, clock = ?, device = ?")?
                .execute((&writer.name, writer.clock, &writer.device))?;
        }
        self.transaction.commit()?;
        self.made.add(self.counts.get());
        Ok(())
    }

    /// The connection, for the statements of this module's parts and of the outbox.
    pub(crate) fn connection(&self) -> &Connection {
        &self.transaction
    }

    /// The row of the space that this transaction belongs to.
    pub(super) fn space(&self) -> i64 {
        self.space
    }

    /// How much history is kept.
    pub(super) fn keep(&self) -> Keep {
        self.keep
    }

    /// When the transaction began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When the transaction began, as it stands in records.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Random names.
    pub fn ids(&self) -> &'s dyn Ids {
        self.ids
    }

    /// This store as a writer.
    pub fn writer(&mut self) -> Result<&mut Writer, StoreError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.transaction.query_row("SELECT name, clock, device FROM writer", [], |row| {
                Ok(Writer { name: row.get(0)?, clock: row.get(1)?, device: row.get(2)? })
            })?,
        };
        Ok(self.writer.insert(writer))
    }

    /// Ancestry of a write made now on top of `seen`: this writer's clock moves on with each.
    pub fn tick(&mut self, seen: &Ancestry) -> Result<Ancestry, StoreError> {
        let micros = u64::try_from(self.now.as_microsecond()).unwrap_or(0);
        let writer = self.writer()?;
        writer.clock = micros.max(writer.clock + 1);
        let mut ancestry = seen.clone();
        ancestry.insert(writer.name.clone(), writer.clock);
        Ok(ancestry)
    }

    /// This store is an old copy of itself: what it writes from here on is another writer's.
    pub fn rename_writer(&mut self) -> Result<(), StoreError> {
        let name = self.ids.random(8);
        self.writer()?.name = name;
        Ok(())
    }
}
