//! Where the server keeps everything, behind one trait.
//!
//! A method is one transaction: all of it happens or none. Methods block, and are called on the runtime's blocking threads;
//! a transaction holds a database connection for its whole length in any case. SQLite is the one implementation so far;
//! whatever joins it passes the same `suite`.

pub(crate) mod accounts;
pub(crate) mod backups;
pub(crate) mod exchange;
pub(crate) mod grants;
pub(crate) mod records;
pub(crate) mod sqlite;
#[cfg(test)]
mod suite;

use std::error::Error;

use thiserror::Error;

pub(crate) use accounts::{Account, AccountKey, Accounts, NewAccount};
pub(crate) use backups::{Backup, Backups, NewBackup};
pub(crate) use grants::{
    Caller, Client, Device, DeviceName, Grants, NewCode, NewGrant, Redeemed, Redemption, Rotated, TokenPair,
};
pub(crate) use records::{
    Cursor, Entry, Exchange, Exchanged, Head, Kind, LivePage, PageLimit, Position, RecordId, Records,
    Replaced, Reply, Stored, Write, WriteOutcome, commit_number,
};

/// Everything the server keeps.
pub(crate) trait Storage: Accounts + Backups + Grants + Records + Send + Sync {
    /// Forgets what has expired: sessions, codes, tokens, uploads that never ended.
    fn sweep(&self, now: jiff::Timestamp) -> Result<()>;
}

/// Why the storage could not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum StorageError {
    /// The database failed.
    #[error("the database failed while {doing}")]
    Database {
        /// What was being done, as a gerund.
        doing: &'static str,
        /// The database's own error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Written by a newer version of the server.
    #[error("the database has schema {found}, this version of orkee-server knows {known}")]
    Newer {
        /// What is there.
        found: i64,
        /// What this version knows.
        known: i64,
    },
    /// The file is another program's.
    #[error("{0} is not a database of orkee-server")]
    Foreign(String),
    /// Another file stands where the database was, or none.
    #[error("{0} was replaced while the server ran: start it again")]
    Replaced(String),
    /// The data folder cannot be used.
    #[error("the data folder {path} cannot be used")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is such an account already.
    #[error("there is already an account for {0}")]
    AccountExists(String),
}

/// A result of the storage.
pub(crate) type Result<T> = std::result::Result<T, StorageError>;
