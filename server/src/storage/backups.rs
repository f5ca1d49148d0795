//! Backups: what a person uploads whole, kept as it came. An upload arrives piece by piece and counts once it is finished.

use jiff::Timestamp;

use super::{AccountKey, Result};

/// How many backups of an account are kept.
pub(crate) const KEPT: usize = 10;

/// An upload that begins.
#[derive(Debug)]
pub(crate) struct NewBackup<'a> {
    pub(crate) id: &'a str,
    pub(crate) account: AccountKey,
    pub(crate) content_type: Option<&'a str>,
}

/// A backup that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    pub(crate) id: String,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: u64,
    /// In hexadecimal.
    pub(crate) sha256: String,
    pub(crate) at: Timestamp,
}

/// Backups of all accounts.
pub(crate) trait Backups {
    /// Begins an upload.
    fn begin_backup(&self, new: &NewBackup<'_>, now: Timestamp) -> Result<()>;
    /// Adds the piece with number `n` to an upload.
    fn add_backup_piece(&self, id: &str, n: u32, piece: &[u8]) -> Result<()>;
    /// Completes an upload; the oldest of more than [`KEPT`] go.
    fn finish_backup(&self, id: &str, bytes: u64, sha256: &str) -> Result<()>;
    /// Drops an upload that failed.
    fn drop_backup(&self, id: &str) -> Result<()>;
    /// Deletes a complete one of an account. Whether there was one; nothing of it is left in any file.
    fn delete_backup(&self, account: AccountKey, id: &str) -> Result<bool>;
    /// The complete ones of an account, newest first.
    fn backups(&self, account: AccountKey) -> Result<Vec<Backup>>;
    /// One piece of a complete backup of an account; none after the last.
    fn backup_piece(&self, account: AccountKey, id: &str, n: u32) -> Result<Option<Vec<u8>>>;
}
