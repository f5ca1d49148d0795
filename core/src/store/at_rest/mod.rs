//! Chosen fields that are sealed where they stand: nobody who only has the file reads them.
//!
//! The table `lock` says which. Where it has no row, texts are what they seem, and nothing here costs more than a look for the mark of a
//! sealed value. Where it has one, each chosen field's value is `{"$sealed":"…"}` in `records`, `history` and `conflicts`, and so is what
//! could not be read. It is opened and sealed as a text leaves its column and comes into it: whoever works with payloads meets no sealed
//! one, but for what stands in for one that is damaged (see [`damaged`]). As long as there is a lock, nothing that only looks sealed
//! stands in a column. Sealing the same text for the same field of the same record gives the same bytes, so that columns can be compared.
//!
//! Who has the lock key hands it in as [`LockKeys`]. Without it the store is *shut*: what is asked of a [`Store`] shows that a value is
//! there and not what it is, and no [`super::Tx`] reads or writes a version. What seals is not here, so that a build without it still
//! knows a sealed text when it meets one.

pub(super) mod damaged;
mod standing;
mod sweep;

use std::cell::OnceCell;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use serde_json::value::RawValue;

use super::record::bad_record;
use super::{Store, StoreError, Tx, record};
use crate::project::{Payload, ProjectId, RawObject, raw};

pub use damaged::is_damaged;
#[cfg(feature = "sync")]
pub(crate) use damaged::{fields as damaged_fields, names_damaged};
#[cfg(all(feature = "auth", feature = "seal"))]
pub(crate) use standing::lock_of;
pub use standing::{LockStage, LockStanding};
pub use sweep::Swept;

/// The fields that can be sealed: those that no index and no list is made of.
pub const LOCKABLE: [&str; 5] = ["description", "setupScript", "devScript", "cleanupScript", "manualTasks"];

/// What a list names the fields of a project that are locked with, and those that are damaged.
const LOCKED_FIELDS: &str = "lockedFields";
const DAMAGED_FIELDS: &str = "damagedFields";

/// Before and after the sealed bytes.
const OPENS: &str = "{\"$sealed\":\"";
const CLOSES: &str = "\"}";

/// What is left of a sealed value that cannot be opened: enough to see that two are the same.
const SHOWN: usize = 24;

/// Under which name a version that could not be read is sealed.
const ENVELOPE: &str = "$envelope";

/// Seals texts with one lock key.
pub trait FieldSeal: Send + Sync {
    /// The sealed form, in letters, digits, `-` and `_`; none: the text is too long. The same for the same.
    fn seal(&self, record: &str, field: &str, plain: &[u8]) -> Option<String>;

    /// What was sealed; none: by another key, for another field or record, or it was changed.
    fn open(&self, record: &str, field: &str, sealed: &str) -> Option<Vec<u8>>;
}

/// The lock keys that are at hand.
pub trait LockKeys: Send + Sync {
    /// The key of this id.
    fn key(&self, id: &str) -> Option<Arc<dyn FieldSeal>>;
}

/// How texts stand in the columns.
pub(super) enum Lock {
    /// As they are.
    Never,
    /// Sealed, and the key is here.
    Open(Open),
    /// Sealed, and it is not.
    Shut,
}

pub(super) struct Open {
    seal: Arc<dyn FieldSeal>,
    fields: Vec<String>,
}

impl Lock {
    fn load(connection: &Connection, keys: Option<&Arc<dyn LockKeys>>) -> Result<Self, StoreError> {
        let sql = "SELECT id, fields FROM lock";
        let found = connection
            .prepare_cached(sql)?
            .query_row([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        let Some((id, fields)) = found else { return Ok(Self::Never) };
        let Some(seal) = keys.and_then(|keys| keys.key(&id)) else { return Ok(Self::Shut) };
        let fields = standing::fields(&fields)?;
        Ok(Self::Open(Open { seal, fields }))
    }

    /// A payload out of a column.
    pub(super) fn payload(&self, id: ProjectId, text: &str) -> Result<Payload, StoreError> {
        let object = match self {
            Self::Never => return record::payload(id, text),
            Self::Open(open) => {
                open.opened(id.as_str(), parse(id, text)?).map_err(|error| bad_record(id, error))?
            }
            Self::Shut => shown(parse(id, text)?),
        };
        Payload::from_object(object).map_err(|error| bad_record(id, error))
    }

    /// A payload out of a column, looked into as far as the key is here. None: it is none, or what is sealed in it was changed.
    pub(super) fn examined(&self, id: ProjectId, text: &str) -> Option<Payload> {
        if looks_sealed(text) { self.payload(id, text).ok() } else { Payload::parse(text).ok() }
    }

    /// The text of a column that was sealed as a whole, since it is no project's.
    pub(super) fn whole(&self, record: &str, text: &str) -> String {
        let opened = match self {
            Self::Open(open) => open.whole(record, text),
            _ => None,
        };
        opened.unwrap_or_else(|| text.to_owned())
    }

    /// A payload as a column has it.
    pub(super) fn column(&self, payload: &Payload) -> Result<String, StoreError> {
        match self {
            Self::Never => Ok(payload.to_json()),
            Self::Open(open) => open.sealed(payload.id().as_str(), payload.clone().into_object()),
            Self::Shut => Err(StoreError::Shut),
        }
    }

    /// The value at a path in a project, out of a column.
    fn value(&self, record: &str, path: &str, text: String) -> Result<String, StoreError> {
        let field = top(path);
        let Some(sealed) = sealed_in(&text).filter(|_| LOCKABLE.contains(&field)) else { return Ok(text) };
        match self {
            Self::Never => Ok(text),
            Self::Open(open) => Ok(open.text(record, field, sealed)),
            Self::Shut => Ok(mark(sealed.get(..SHOWN).unwrap_or(sealed))),
        }
    }

    /// The value at a path in a project, as a column has it.
    fn value_column(&self, record: &str, path: &str, text: String) -> Result<String, StoreError> {
        let field = top(path);
        match self {
            Self::Never => Ok(text),
            Self::Open(open) if open.seals(field, &text) => open.mark(record, field, text.as_bytes()),
            Self::Open(_) => Ok(text),
            Self::Shut => Err(StoreError::Shut),
        }
    }

    /// What could not be read, out of a column.
    #[cfg(feature = "sync")]
    fn envelope(&self, record: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let Self::Open(open) = self else { return Ok(bytes) };
        Ok(open.envelope(record, &bytes).unwrap_or(bytes))
    }

    /// What could not be read, as a column has it.
    fn envelope_column(&self, record: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Never => Ok(bytes.to_vec()),
            Self::Open(open) if open.fields.is_empty() => Ok(bytes.to_vec()),
            Self::Open(open) => Ok(open.mark(record, ENVELOPE, bytes)?.into_bytes()),
            Self::Shut => Err(StoreError::Shut),
        }
    }
}

impl Open {
    /// Whether a value has to be sealed: it was chosen, or it would be taken for a sealed one.
    fn seals(&self, field: &str, value: &str) -> bool {
        // As long as there is a lock, so that whatever looks sealed is so, and is damaged where it does not open.
        self.fields.iter().any(|chosen| chosen == field)
            || (LOCKABLE.contains(&field) && sealed_in(value).is_some())
    }

    fn mark(&self, record: &str, field: &str, plain: &[u8]) -> Result<String, StoreError> {
        let what = || format!("{field} of {record} is too long to be sealed");
        let sealed =
            self.seal.seal(record, field, plain).ok_or_else(|| StoreError::Damaged { what: what() })?;
        Ok(mark(&sealed))
    }

    /// What was sealed, or a value that says that it is damaged.
    fn text(&self, record: &str, field: &str, sealed: &str) -> String {
        self.plain(record, field, sealed).unwrap_or_else(|| damaged::value(sealed))
    }

    /// What was sealed. None: it is damaged.
    fn plain(&self, record: &str, field: &str, sealed: &str) -> Option<String> {
        String::from_utf8(self.seal.open(record, field, sealed)?).ok()
    }

    /// The envelope that was sealed. None: it was not.
    fn envelope(&self, record: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let sealed = std::str::from_utf8(bytes).ok().and_then(sealed_in)?;
        self.seal.open(record, ENVELOPE, sealed)
    }

    fn opened(&self, record: &str, mut object: RawObject) -> Result<RawObject, serde_json::Error> {
        for field in LOCKABLE {
            let Some(sealed) = object.get(field).and_then(|value| sealed_in(value.get())) else { continue };
            object.set(field, Some(RawValue::from_string(self.text(record, field, sealed))?));
        }
        Ok(object)
    }

    fn sealed(&self, record: &str, mut object: RawObject) -> Result<String, StoreError> {
        for field in LOCKABLE {
            let Some(value) = object.get(field) else { continue };
            let marked = match damaged::kept(value.get()) {
                Some(kept) => kept,
                None if self.seals(field, value.get()) => self.mark(record, field, value.get().as_bytes())?,
                None => continue,
            };
            object.set(field, RawValue::from_string(marked).ok());
        }
        Ok(object.to_json())
    }
}

impl Store {
    pub(super) fn lock(&self) -> Result<Lock, StoreError> {
        Lock::load(&self.connection, self.lock_keys.as_ref())
    }

    /// Looks for the key here from now on.
    pub fn use_lock_keys(&mut self, keys: Arc<dyn LockKeys>) {
        self.lock_keys = Some(keys);
    }

    /// Whether fields are sealed, and the key is not at hand.
    pub fn is_shut(&self) -> Result<bool, StoreError> {
        Ok(matches!(self.lock()?, Lock::Shut))
    }

    /// Refuses what cannot be done without the text of sealed fields.
    pub fn must_be_open(&self) -> Result<(), StoreError> {
        if self.is_shut()? { Err(StoreError::Shut) } else { Ok(()) }
    }

    /// A payload out of a column. In a store that is shut, sealed values are shown as such.
    pub(super) fn payload(&self, id: ProjectId, text: &str) -> Result<Payload, StoreError> {
        if looks_sealed(text) { self.lock()?.payload(id, text) } else { record::payload(id, text) }
    }

    /// A payload without the values that are sealed and cannot be opened, or are damaged, and the names of both.
    pub(super) fn without_locked(&self, payload: Payload) -> Result<Readable, StoreError> {
        if !payload.iter().any(|(_, value)| is_locked(value)) {
            return Ok(Readable { payload, locked: Vec::new(), damaged: Vec::new() });
        }
        let is_shut = self.is_shut()?;
        let id = payload.id();
        let mut object = payload.into_object();
        let damaged = take(&mut object, is_damaged);
        let locked = if is_shut { take(&mut object, is_locked) } else { Vec::new() };
        let payload = Payload::from_object(object).map_err(|error| bad_record(id, error))?;
        Ok(Readable { payload, locked, damaged })
    }

    /// A payload that was written or read in a transaction, as it is shown.
    pub(super) fn shown(&self, payload: Payload) -> Result<Payload, StoreError> {
        Ok(self.without_locked(payload)?.payload)
    }

    /// A value out of a column. In a store that is shut, a sealed one is shown as such.
    pub(super) fn value(&self, id: ProjectId, path: &str, text: String) -> Result<String, StoreError> {
        if looks_sealed(&text) { self.lock()?.value(id.as_str(), path, text) } else { Ok(text) }
    }

    /// Reads texts of many records, with one look at the lock, where one of them needs it.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { store: self, lock: OnceCell::new() }
    }
}

/// Reads texts of many records.
pub(super) struct Reader<'a> {
    store: &'a Store,
    lock: OnceCell<Lock>,
}

impl Reader<'_> {
    fn lock(&self) -> Result<&Lock, StoreError> {
        if let Some(lock) = self.lock.get() {
            return Ok(lock);
        }
        let lock = self.store.lock()?;
        Ok(self.lock.get_or_init(|| lock))
    }

    /// A project's JSON as a list shows it. None: as the column has it. Where fields are locked they are left out, and named instead.
    pub(super) fn listed(&self, text: &str) -> Result<Option<String>, StoreError> {
        if !looks_sealed(text) {
            return Ok(None);
        }
        let of = |error: serde_json::Error| {
            let id = text.chars().take(24).collect();
            StoreError::BadRecord { id, source: Box::new(error) }
        };
        match self.lock()? {
            Lock::Never => Ok(None),
            Lock::Open(open) => {
                let object = RawObject::parse(text).map_err(of)?;
                let id = object.read::<String>("id").unwrap_or_default();
                let mut object = open.opened(&id, object).map_err(of)?;
                let damaged = take(&mut object, is_damaged);
                if !damaged.is_empty() {
                    object.set(DAMAGED_FIELDS, raw(&damaged));
                }
                Ok(Some(object.to_json()))
            }
            Lock::Shut => {
                let mut object = RawObject::parse(text).map_err(of)?;
                let locked = take(&mut object, is_locked);
                object.set(LOCKED_FIELDS, raw(&locked));
                Ok(Some(object.to_json()))
            }
        }
    }

    /// The text of a field's value that SQLite took out of a payload, for a search. None: it is locked, or damaged.
    pub(super) fn searched(&self, id: &str, field: &str, value: &str) -> Result<Option<String>, StoreError> {
        let Some(sealed) = sealed_in(value) else { return Ok(Some(value.to_owned())) };
        match self.lock()? {
            Lock::Never => Ok(Some(value.to_owned())),
            Lock::Open(open) => {
                Ok(open.plain(id, field, sealed).map(|text| serde_json::from_str(&text).unwrap_or(text)))
            }
            Lock::Shut => Ok(None),
        }
    }
}

impl Tx<'_> {
    pub(super) fn lock(&self) -> Result<&Lock, StoreError> {
        if let Some(lock) = self.lock.get() {
            return Ok(lock);
        }
        let lock = Lock::load(self.connection(), self.lock_keys)?;
        Ok(self.lock.get_or_init(|| lock))
    }

    /// Refuses what changes a project, where not all of it can be read.
    pub(super) fn must_be_open(&self) -> Result<(), StoreError> {
        if matches!(self.lock()?, Lock::Shut) { Err(StoreError::Shut) } else { Ok(()) }
    }

    /// A payload out of a column, whole but for what is damaged.
    pub(super) fn payload(&self, id: ProjectId, text: &str) -> Result<Payload, StoreError> {
        if !looks_sealed(text) {
            return record::payload(id, text);
        }
        self.must_be_open()?;
        self.lock()?.payload(id, text)
    }

    /// As [`Tx::payload`], as its text.
    #[cfg(feature = "sync")]
    pub(super) fn payload_text(
        &self,
        id: ProjectId,
        text: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        match text {
            Some(text) if looks_sealed(&text) => Ok(Some(self.payload(id, &text)?.to_json())),
            text => Ok(text),
        }
    }

    /// A payload as a column has it, for the record of this row; none: for a new one. Whatever writes a version comes by here.
    pub(super) fn column(
        &self,
        row: Option<i64>,
        payload: Option<&Payload>,
    ) -> Result<Option<String>, StoreError> {
        let Some(payload) = payload else { return Ok(None) };
        self.must_keep_what_is_damaged(row, payload)?;
        self.lock()?.column(payload).map(Some)
    }

    /// The value at a path in a project, out of a column.
    pub(super) fn value(
        &self,
        id: ProjectId,
        path: &str,
        text: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let Some(text) = text else { return Ok(None) };
        if !looks_sealed(&text) {
            return Ok(Some(text));
        }
        self.must_be_open()?;
        self.lock()?.value(id.as_str(), path, text).map(Some)
    }

    /// The value at a path in a project, as a column has it. One that is damaged, or holds such a one, is written nowhere.
    pub(super) fn value_column(
        &self,
        id: ProjectId,
        path: &str,
        text: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        match &text {
            Some(text) if damaged::holds(text) => Err(bad_record(id, damaged::Damaged(path.to_owned()))),
            _ => self.known_value(id, path, text),
        }
    }

    /// As [`Tx::value_column`], only to find the row that has it: what is damaged, too.
    pub(super) fn known_value(
        &self,
        id: ProjectId,
        path: &str,
        text: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let Some(text) = text else { return Ok(None) };
        match (self.lock()?, damaged::kept(&text)) {
            (Lock::Open(_), Some(kept)) => Ok(Some(kept)),
            (lock, _) => lock.value_column(id.as_str(), path, text).map(Some),
        }
    }

    /// What could not be read, as it came.
    #[cfg(feature = "sync")]
    pub(super) fn envelope(&self, record: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        if !bytes.starts_with(OPENS.as_bytes()) {
            return Ok(bytes);
        }
        self.must_be_open()?;
        self.lock()?.envelope(record, bytes)
    }

    /// What could not be read, as a column has it.
    pub(super) fn envelope_column(&self, record: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.lock()?.envelope_column(record, bytes)
    }
}

/// A payload as far as it can be read.
pub(super) struct Readable {
    pub(super) payload: Payload,
    pub(super) locked: Vec<&'static str>,
    pub(super) damaged: Vec<&'static str>,
}

/// Takes the values of fields that can be sealed out that are so, and names them.
fn take(object: &mut RawObject, is_so: fn(&RawValue) -> bool) -> Vec<&'static str> {
    let is_there = |field: &&str| object.get(field).is_some_and(is_so);
    let taken: Vec<&'static str> = LOCKABLE.into_iter().filter(is_there).collect();
    taken.iter().for_each(|field| object.set(field, None));
    taken
}

/// Whether a value that a store shows is a sealed one that cannot be opened, be it for want of the key or because it is damaged.
pub fn is_locked(value: &RawValue) -> bool {
    sealed_in(value.get()).is_some()
}

/// What a sealed value looks like that cannot be opened.
fn shown(mut object: RawObject) -> RawObject {
    for field in LOCKABLE {
        let Some(sealed) = object.get(field).and_then(|value| sealed_in(value.get())) else { continue };
        let short = RawValue::from_string(mark(sealed.get(..SHOWN).unwrap_or(sealed)));
        object.set(field, short.ok());
    }
    object
}

fn looks_sealed(text: &str) -> bool {
    text.contains(OPENS)
}

/// What stands in a value that looks sealed.
fn sealed_in(value: &str) -> Option<&str> {
    let inner = value.strip_prefix(OPENS)?.strip_suffix(CLOSES)?;
    inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).then_some(inner)
}

fn mark(sealed: &str) -> String {
    format!("{OPENS}{sealed}{CLOSES}")
}

/// The field that a path leads into.
fn top(path: &str) -> &str {
    match path.split_once('.') {
        Some((field, _)) if LOCKABLE.contains(&field) => field,
        _ => path,
    }
}

fn parse(id: ProjectId, text: &str) -> Result<RawObject, StoreError> {
    RawObject::parse(text).map_err(|error| bad_record(id, error))
}
