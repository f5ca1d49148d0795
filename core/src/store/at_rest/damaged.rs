//! Sealed values that the key which is at hand does not open: bytes of them were changed, or they belong elsewhere.
//!
//! Whoever reads the project meets a value in its place that says so. It is made with a word which this process alone has: nothing that
//! somebody typed, or that came from another device, is taken for one. Where a version is written, that value becomes just what stands
//! in the column of that field of that record already; the word anywhere else, be it within another value or over a text that can be
//! read, is refused, so that whatever would carry it further ends with nothing changed.

use std::sync::OnceLock;

use serde_json::value::RawValue;

use super::{LOCKABLE, Lock, mark, sealed_in};
use crate::project::{Payload, RawObject};
use crate::store::record::bad_record;
#[cfg(feature = "sync")]
use crate::store::record::{Ancestry, Record, Version, ancestry, contains};
use crate::store::{Store, StoreError, Tx, projects};

/// Stands in front of what was sealed. None: nothing damaged was met.
static WORD: OnceLock<String> = OnceLock::new();

const WORD_LENGTH: usize = 32;

/// What stands in memory for a sealed value that does not open.
pub(super) fn value(sealed: &str) -> String {
    mark(&format!("{}{sealed}", WORD.get_or_init(|| crate::id::random(WORD_LENGTH))))
}

/// What the column has in the place of such a value; none: it is another.
pub(super) fn kept(value: &str) -> Option<String> {
    let word = WORD.get()?;
    Some(mark(sealed_in(value)?.strip_prefix(word.as_str())?))
}

/// Whether a text has what stands for a damaged value in it, anywhere.
pub(super) fn holds(text: &str) -> bool {
    WORD.get().is_some_and(|word| text.contains(word.as_str()))
}

/// Whether a value that a store shows stands for a sealed one that is damaged.
pub fn is_damaged(value: &RawValue) -> bool {
    kept(value.get()).is_some()
}

/// The fields of a project that are damaged.
pub(crate) fn fields(payload: &Payload) -> impl Iterator<Item = &'static str> {
    LOCKABLE.into_iter().filter(|field| payload.get(field).is_some_and(is_damaged))
}

/// The damaged fields of a project that is to be sent, from its text. None: there are none.
#[cfg(feature = "sync")]
pub(crate) fn names_damaged(text: &str) -> Option<String> {
    if !holds(text) {
        return None;
    }
    let payload = Payload::parse(text).ok();
    let names: Vec<&str> = payload.iter().flat_map(fields).collect();
    // Whatever has the word in it stays here.
    Some(if names.is_empty() { "one of its fields".to_owned() } else { names.join(", ") })
}

impl Store {
    /// Lets `work` see the database as it stands, whatever others write meanwhile.
    pub fn reading<T>(&self, work: impl FnOnce() -> T) -> Result<T, StoreError> {
        let held = self.connection.unchecked_transaction()?;
        let done = work();
        drop(held);
        Ok(done)
    }

    /// Refuses what is worth nothing unless it has all of every project: the first one with a damaged value is named.
    pub fn must_be_whole(&self) -> Result<(), StoreError> {
        let Lock::Open(_) = self.lock()? else { return Ok(()) };
        let sql = "SELECT id, payload FROM records WHERE space = ? AND payload IS NOT NULL ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([self.space])?;
        while let Some(row) = rows.next()? {
            let id = projects::parse_id(row.get(0)?)?;
            let payload = self.payload(id, &row.get::<_, String>(1)?)?;
            if let Some(field) = fields(&payload).next() {
                return Err(bad_record(id, Damaged(field.to_owned())));
            }
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Refuses a version in which the word of this process is anything but a whole field whose very bytes stand in the record of this
    /// row: in its version that stands, or, where that is a tombstone, in an older one.
    pub(super) fn must_keep_what_is_damaged(
        &self,
        row: Option<i64>,
        payload: &Payload,
    ) -> Result<(), StoreError> {
        if WORD.get().is_none() {
            return Ok(());
        }
        for (field, value) in payload.iter() {
            if !holds(value.get()) && !holds(field) {
                continue;
            }
            let kept = kept(value.get()).filter(|_| LOCKABLE.contains(&field));
            let is_kept = match (kept, row, self.lock()?) {
                (Some(kept), Some(row), Lock::Open(_)) => self.stands_in(row, field, &kept)?,
                _ => false,
            };
            if !is_kept {
                return Err(bad_record(payload.id(), Damaged(field.to_owned())));
            }
        }
        Ok(())
    }

    fn stands_in(&self, row: i64, field: &str, kept: &str) -> Result<bool, StoreError> {
        let is_it = |text: &str| {
            let object = RawObject::parse(text).ok();
            object.is_some_and(|object| object.get(field).is_some_and(|value| value.get() == kept))
        };
        let sql = "SELECT payload FROM records WHERE rowid = ?";
        let stands: Option<String> =
            self.connection().prepare_cached(sql)?.query_row([row], |row| row.get(0))?;
        if let Some(stands) = stands {
            return Ok(is_it(&stands));
        }
        let sql = "SELECT payload FROM history WHERE record = ? AND payload IS NOT NULL";
        let mut statement = self.connection().prepare_cached(sql)?;
        let mut older = statement.query([row])?;
        while let Some(row) = older.next()? {
            if is_it(&row.get::<_, String>(0)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(feature = "sync")]
impl Tx<'_> {
    /// The newest older version of a record that `theirs` does not contain, and that has a text in this field which can be read.
    pub(crate) fn unsent_text(
        &self,
        record: &Record,
        field: &str,
        theirs: &Ancestry,
    ) -> Result<Option<Version>, StoreError> {
        let sql = "SELECT version, ancestry FROM history WHERE record = ? AND payload IS NOT NULL ORDER BY version DESC";
        let mut statement = self.connection().prepare_cached(sql)?;
        let mut rows = statement.query([record.row])?;
        while let Some(row) = rows.next()? {
            if contains(theirs, &ancestry(record.id, &row.get::<_, String>(1)?)?) {
                continue;
            }
            let version = match self.version_at(record, row.get(0)?) {
                // One that is damaged as a whole says nothing.
                Err(StoreError::BadRecord { .. }) => continue,
                version => version?,
            };
            let value = version.payload.as_ref().and_then(|payload| payload.get(field));
            if value.is_some_and(|value| !is_damaged(value)) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }
}

/// A sealed text is not what was sealed.
#[derive(Debug, thiserror::Error)]
#[error("the locked text of {0} is damaged")]
pub(in crate::store) struct Damaged(pub(in crate::store) String);
