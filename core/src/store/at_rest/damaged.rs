//! Sealed values that the key which is at hand does not open: bytes of them were changed, or they belong elsewhere.
//!
//! Such a value ends nothing. Whoever reads the project meets a value in its place that says so, and that becomes, where the project is
//! written again, just what stood in the column. That value is made with a word which this process alone has: nothing that somebody
//! typed, or that came from another device, is taken for one.

use std::sync::OnceLock;

use serde_json::value::RawValue;

use super::{LOCKABLE, Lock, mark, sealed_in};
use crate::project::Payload;
use crate::store::record::bad_record;
use crate::store::{Store, StoreError, projects};

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

/// Whether a value that a store shows stands for a sealed one that is damaged.
pub fn is_damaged(value: &RawValue) -> bool {
    kept(value.get()).is_some()
}

/// The fields of a project that are damaged.
pub(in crate::store) fn fields(payload: &Payload) -> impl Iterator<Item = &'static str> {
    LOCKABLE.into_iter().filter(|field| payload.get(field).is_some_and(is_damaged))
}

/// The damaged fields of a project that is to be sent, from its text. None: there are none.
#[cfg(feature = "sync")]
pub(crate) fn names_damaged(text: &str) -> Option<String> {
    if !text.contains(WORD.get()?.as_str()) {
        return None;
    }
    let payload = Payload::parse(text).ok()?;
    let names: Vec<&str> = fields(&payload).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The project with what another version of it says in the place of what is damaged. None: nothing is.
#[cfg(feature = "sync")]
pub(crate) fn healed(payload: &Payload, by: Option<&Payload>) -> Option<Payload> {
    let told = |field| by.and_then(|by| by.get(field)).map(ToOwned::to_owned);
    let mut changes = fields(payload).map(|field| (field, told(field))).peekable();
    changes.peek()?;
    payload.with(changes).ok()
}

impl Store {
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
                return Err(bad_record(id, Damaged(field)));
            }
        }
        Ok(())
    }
}

/// A sealed text is not what was sealed.
#[derive(Debug, thiserror::Error)]
#[error("the locked text of {0} is damaged")]
pub(in crate::store) struct Damaged(pub(in crate::store) &'static str);
