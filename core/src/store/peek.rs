//! A look at the database for a shell that completes a word: nothing is made, migrated, written or waited for, and whatever goes
//! wrong there are no answers.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Params, Row};

/// A writer may be about to commit; more than this nobody waits for a word.
const WAIT: Duration = Duration::from_millis(50);

/// An open database and one tenant's space in it.
#[derive(Debug)]
pub struct Peek {
    connection: Connection,
    tenant: String,
}

impl Peek {
    /// Opens the database at `path`, if it is there.
    pub fn open(path: &Path, tenant: &str) -> Option<Self> {
        let beside = |ending: &str| {
            let mut file = path.as_os_str().to_owned();
            file.push(ending);
            Path::new(&file).exists()
        };
        let reading = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = if beside("-wal") && beside("-shm") {
            Connection::open_with_flags(path, reading)
        } else {
            // Nobody has it open, or it was copied with half of what belongs to it. Read as it is: else SQLite would make the files that a reader and a writer share.
            Connection::open_with_flags(uri(path), reading | OpenFlags::SQLITE_OPEN_URI)
        };
        let connection = connection.ok()?;
        connection.busy_timeout(WAIT).ok()?;
        Some(Self { connection, tenant: tenant.to_owned() })
    }

    /// Projects whose id or name begins with `start`: id and name. At most `most`.
    pub fn projects(&self, start: &str, most: usize) -> Vec<(String, String)> {
        let sql = "SELECT r.id, r.name FROM records r JOIN spaces s ON s.rowid = r.space \
                   WHERE s.tenant = ?1 AND r.name IS NOT NULL \
                   AND (substr(r.id, 1, length(?2)) = ?2 OR lower(substr(r.name, 1, length(?2))) = lower(?2)) \
                   ORDER BY r.name COLLATE NOCASE LIMIT ?3";
        self.rows(sql, (&self.tenant, start, most), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Projects that were deleted: their ids, and when.
    pub fn deleted(&self, start: &str, most: usize) -> Vec<(String, String)> {
        let sql = "SELECT r.id, r.at FROM records r JOIN spaces s ON s.rowid = r.space \
                   WHERE s.tenant = ?1 AND r.name IS NULL AND substr(r.id, 1, length(?2)) = ?2 \
                   ORDER BY r.at DESC LIMIT ?3";
        self.rows(sql, (&self.tenant, start, most), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Restore points: their numbers, and the operations.
    pub fn points(&self, most: usize) -> Vec<(u64, String)> {
        let sql = "SELECT p.rowid, p.operation FROM points p JOIN spaces s ON s.rowid = p.space \
                   WHERE s.tenant = ?1 ORDER BY p.rowid DESC LIMIT ?2";
        self.rows(sql, (&self.tenant, most), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Webhooks of this device: their ids and addresses.
    pub fn webhooks(&self) -> Vec<(String, String)> {
        let sql = "SELECT e.id, e.url FROM endpoints e JOIN spaces s ON s.rowid = e.owner \
                   WHERE s.tenant = ?1 AND e.removed_at IS NULL ORDER BY e.rowid";
        self.rows(sql, [&self.tenant], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Tenants that have projects here.
    pub fn tenants(&self) -> Vec<String> {
        self.rows("SELECT tenant FROM spaces WHERE tenant <> '' ORDER BY tenant", [], |row| row.get(0))
    }

    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let found = self.connection.prepare(sql).and_then(|mut statement| {
            let rows = statement.query_map(params, |row| read(row))?;
            rows.collect()
        });
        found.unwrap_or_default()
    }
}

/// The address of a file that does not change while it is read.
fn uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => drop(write!(uri, "%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::Store;

    #[test]
    fn nothing_is_made_where_nothing_is_and_nothing_left_beside_what_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b?c#d%.db");
        assert!(Peek::open(&path, "").is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(Store::open(&path).unwrap());
        let names = || {
            let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = entries.collect();
            names.sort();
            names
        };
        let before = names();
        let peek = Peek::open(&path, "").unwrap();
        assert_eq!(peek.projects("", 10), []);
        drop(peek);
        assert_eq!(names(), before);
        // A log that was left behind without the index that goes with it.
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        fs::write(&log, "").unwrap();
        let before = names();
        assert_eq!(Peek::open(&path, "").unwrap().projects("", 10), []);
        assert_eq!(names(), before);
        fs::write(&path, "no database").unwrap();
        assert_eq!(Peek::open(&path, "").map(|peek| peek.projects("", 10)).unwrap_or_default(), []);
    }
}
