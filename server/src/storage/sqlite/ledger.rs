//! The database as the drain of webhooks sees it.

use orkee_core::event::{EventError, Ledger};
use rusqlite::Connection;

use super::super::StorageError;
use super::{Durability, Sqlite};

const READING: &str = "looking for deliveries";
const WRITING: &str = "writing deliveries";

impl Ledger for Sqlite {
    fn read(&self, work: &mut dyn FnMut(&Connection) -> Result<(), EventError>) -> Result<(), EventError> {
        Self::read(self, READING, |tx| Ok(work(tx))).map_err(told)?
    }

    fn write(&self, work: &mut dyn FnMut(&Connection) -> Result<(), EventError>) -> Result<(), EventError> {
        self.write_if(WRITING, |tx| Ok(work(tx)), Result::is_ok).map_err(told)?
    }

    fn note(&self, work: &mut dyn FnMut(&Connection) -> Result<(), EventError>) -> Result<(), EventError> {
        self.transact(Durability::Repeatable, WRITING, |tx| Ok(work(tx)), Result::is_ok).map_err(told)?
    }

    fn scrub(&self) -> Result<bool, EventError> {
        Self::scrub(self).map_err(told)
    }

    fn owes_scrub(&self) -> bool {
        Self::owes_scrub(self)
    }
}

fn told(error: StorageError) -> EventError {
    match error {
        StorageError::Event(error) => error,
        error => EventError::Ledger(Box::new(error)),
    }
}
