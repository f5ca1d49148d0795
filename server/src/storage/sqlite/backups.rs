//! Backups in SQLite. A piece is compressed by itself, so that neither side of it ever holds more than one.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::super::backups::KEPT;
use super::super::{AccountKey, Backup, Backups, NewBackup, Result, StorageError};
use super::{Sqlite, failed};

const LEVEL: i32 = 3;
const MAX_PIECE: usize = 4 << 20;

impl Backups for Sqlite {
    fn begin_backup(&self, new: &NewBackup<'_>, now: Timestamp) -> Result<()> {
        let doing = "beginning a backup";
        let sql = "INSERT INTO backups (id, account, content_type, created_at) VALUES (?1, ?2, ?3, ?4)";
        self.write(doing, |tx| {
            tx.execute(sql, params![new.id, new.account.0, new.content_type, now.as_millisecond()])
                .map(drop)
                .map_err(failed(doing))
        })
    }

    fn add_backup_piece(&self, id: &str, n: u32, piece: &[u8]) -> Result<()> {
        let doing = "storing a backup";
        let packed = zstd::bulk::compress(piece, LEVEL).map_err(|e| broken(doing, e))?;
        let sql =
            "INSERT INTO backup_pieces (backup, n, zstd) SELECT rowid, ?2, ?3 FROM backups WHERE id = ?1";
        self.write(doing, |tx| tx.execute(sql, params![id, n, packed]).map(drop).map_err(failed(doing)))
    }

    fn finish_backup(&self, id: &str, bytes: u64, sha256: &str) -> Result<()> {
        let doing = "finishing a backup";
        self.write(doing, |tx| {
            tx.execute("UPDATE backups SET bytes = ?2, sha256 = ?3 WHERE id = ?1", params![id, bytes, sha256])
                .and_then(|_| {
                    let sql = "DELETE FROM backups WHERE rowid IN (
                                   SELECT rowid FROM backups
                                   WHERE account = (SELECT account FROM backups WHERE id = ?1) AND bytes IS NOT NULL
                                   ORDER BY rowid DESC LIMIT -1 OFFSET ?2)";
                    tx.execute(sql, params![id, KEPT as i64])
                })
                .map(drop)
                .map_err(failed(doing))
        })
    }

    fn drop_backup(&self, id: &str) -> Result<()> {
        let doing = "dropping a backup";
        self.write(doing, |tx| {
            tx.execute("DELETE FROM backups WHERE id = ?1", [id]).map(drop).map_err(failed(doing))
        })
    }

    fn delete_backup(&self, account: AccountKey, id: &str) -> Result<bool> {
        let doing = "deleting a backup";
        let sql = "DELETE FROM backups WHERE account = ?1 AND id = ?2 AND bytes IS NOT NULL";
        let deleted =
            self.write(doing, |tx| tx.execute(sql, params![account.0, id]).map_err(failed(doing)))?;
        if deleted > 0 {
            self.scrub_if_possible();
        }
        Ok(deleted > 0)
    }

    fn backups(&self, account: AccountKey) -> Result<Vec<Backup>> {
        let doing = "listing backups";
        let sql = "SELECT id, content_type, bytes, sha256, created_at FROM backups
                   WHERE account = ?1 AND bytes IS NOT NULL ORDER BY rowid DESC";
        self.read(doing, |tx| {
            let mut statement = tx.prepare_cached(sql).map_err(failed(doing))?;
            let rows = statement.query_map([account.0], |row| {
                Ok(Backup {
                    id: row.get(0)?,
                    content_type: row.get(1)?,
                    bytes: row.get(2)?,
                    sha256: row.get(3)?,
                    at: Timestamp::from_millisecond(row.get(4)?).unwrap_or_default(),
                })
            });
            rows.and_then(Iterator::collect).map_err(failed(doing))
        })
    }

    fn backup_piece(&self, account: AccountKey, id: &str, n: u32) -> Result<Option<Vec<u8>>> {
        let doing = "reading a backup";
        let sql = "SELECT p.zstd FROM backup_pieces p JOIN backups b ON b.rowid = p.backup
                   WHERE b.id = ?1 AND b.account = ?2 AND b.bytes IS NOT NULL AND p.n = ?3";
        let packed: Option<Vec<u8>> = self.read(doing, |tx| {
            tx.query_row(sql, params![id, account.0, n], |row| row.get(0)).optional().map_err(failed(doing))
        })?;
        packed
            .map(|packed| zstd::bulk::decompress(&packed, MAX_PIECE).map_err(|e| broken(doing, e)))
            .transpose()
    }
}

fn broken(doing: &'static str, source: std::io::Error) -> StorageError {
    StorageError::Database { doing, source: Box::new(source) }
}
