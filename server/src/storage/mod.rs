//! Where the server keeps everything, behind one trait.
//!
//! A method is one transaction: all of it happens or none. Several of [`People`]'s are one where they are called [`together`]:
//! a check still holds then when what it allowed is written. Methods block, and are called on the runtime's blocking threads;
//! a transaction holds a database connection for its whole length in any case. SQLite is the one implementation so far;
//! whatever joins it passes the same `suite`.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod backups;
pub(crate) mod exchange;
pub(crate) mod grants;
pub(crate) mod records;
pub(crate) mod sign_ins;
pub(crate) mod spaces;
pub(crate) mod sqlite;
#[cfg(test)]
mod suite;
pub(crate) mod teams;
pub(crate) mod tenants;
pub(crate) mod webhooks;

use std::error::Error;

use orkee_core::event::EventError;
use thiserror::Error;

pub(crate) use accounts::{Account, AccountKey, Accounts, NewAccount};
pub(crate) use audit::{Audit, AuditQuery, AuditRow, Deed, Witness};
pub(crate) use backups::{Backup, Backups, NewBackup};
pub(crate) use grants::{
    Caller, Client, Device, DeviceName, Grants, NewCode, NewGrant, OF_PROVIDER, Redeemed, Redemption,
    Rotated, Rules, TokenPair,
};
pub(crate) use records::{
    Cursor, Entry, Exchange, Exchanged, Head, Kind, LivePage, Origin, PageLimit, Position, RecordId, Records,
    Replaced, Reply, Sealing, Stored, Write, WriteOutcome, commit_number,
};
pub(crate) use sign_ins::{NewSignIn, SignIns, SignedIn};
pub(crate) use spaces::{NoRole, Role, SpaceKey};
pub(crate) use teams::{Invitation, Member, Standing, Team, TeamKey, Teams};
pub(crate) use tenants::{Identity, Tenant, TenantKey, Tenants};
pub(crate) use webhooks::{Change, Pulled, Webhooks, Whose};

/// Who there is, what they may, and what is told of it.
pub(crate) trait People: Accounts + Audit + SignIns + Teams + Tenants {}

impl<T: Accounts + Audit + SignIns + Teams + Tenants> People for T {}

/// Everything the server keeps.
pub(crate) trait Storage: People + Backups + Grants + Records + Webhooks + Send + Sync {
    /// Runs `work` in one transaction, in which nobody else writes, and keeps what it did where it says so.
    fn at_once(&self, work: &mut dyn FnMut(&dyn People) -> bool) -> Result<()>;
    /// Forgets what has expired: sessions, codes, tokens, uploads that never ended.
    fn sweep(&self, now: jiff::Timestamp) -> Result<()>;
}

/// Runs `work` in one transaction, in which nobody else writes; what it did is undone where it fails.
pub(crate) fn together<T, E: From<StorageError>>(
    storage: &dyn Storage,
    work: impl FnOnce(&dyn People) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let (mut work, mut done) = (Some(work), None);
    storage.at_once(&mut |people| {
        done = work.take().map(|work| work(people));
        matches!(done, Some(Ok(_)))
    })?;
    done.unwrap_or_else(|| Err(StorageError::NotRun.into()))
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
    /// There is such a team already.
    #[error("there is already a team {0}")]
    TeamExists(String),
    /// Whoever is disabled joins nothing.
    #[error("the account {0} is disabled")]
    AccountDisabled(String),
    /// Nobody is in two teams.
    #[error("the account is in team {0} already")]
    InAnotherTeam(String),
    /// An endpoint or its deliveries.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The database never ran what was to be done in a transaction.
    #[error("the database did not do what it was asked")]
    NotRun,
    /// Rows refer to rows that are not there.
    #[error("{0} is damaged: rows refer to rows that are not there")]
    Torn(String),
}

/// A result of the storage.
pub(crate) type Result<T> = std::result::Result<T, StorageError>;
