//! What a person does with projects.

use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension;

use super::at_rest::Readable;
use super::record::{self, Record};
use super::{Durability, Store, StoreError, Tx};
use crate::clock::rfc3339;
use crate::project::{InvalidField, Payload, Project, ProjectId, Rule, raw};

/// A project as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// All fields.
    pub payload: Payload,
    /// The number of this version.
    pub number: u64,
    /// The device that wrote it.
    pub device: String,
    /// When, RFC 3339.
    pub at: String,
    /// This device's own folder for it.
    pub root: Option<PathBuf>,
    /// Fields that are sealed on this device and cannot be opened now. The payload is without them.
    pub locked: Vec<&'static str>,
    /// Fields that are sealed on this device and do not open any more. The payload is without them, too.
    pub damaged: Vec<&'static str>,
}

impl Stored {
    /// The fields that this version knows.
    pub fn project(&self) -> Project {
        Project::from(&self.payload)
    }

    /// Its folder on this device: its own, else the author's.
    pub fn folder(&self) -> Option<PathBuf> {
        self.root.clone().or_else(|| self.payload.read("projectRoot"))
    }

    /// Whether it names a folder, and that one is not on this device.
    pub fn is_missing(&self) -> bool {
        self.folder().is_some_and(|folder| !folder.is_dir())
    }
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// The project now.
    pub payload: Payload,
    /// The fields that changed, `updatedAt` aside. None: nothing was written.
    pub fields: Vec<String>,
}

impl Store {
    /// Adds a project. `createdAt` and `updatedAt` are now, unless they are set.
    pub fn add(&mut self, project: Project) -> Result<Payload, StoreError> {
        project.check()?;
        self.write(Durability::Full, |tx| tx.add(project))
    }

    /// The project of this id.
    pub fn get(&self, id: ProjectId) -> Result<Stored, StoreError> {
        let found = self.found(id)?;
        let Record { row, number, version, .. } = match found {
            Some(record) => record,
            None => return Err(self.not_found(id.as_str())?),
        };
        let payload = version.payload.ok_or(StoreError::Deleted { id })?;
        let Readable { payload, locked, damaged } = self.without_locked(payload)?;
        let root = "SELECT path FROM roots WHERE record = ?";
        let root = self
            .connection
            .prepare_cached(root)?
            .query_row([row], |row| row.get::<_, String>(0))
            .optional()?;
        Ok(Stored {
            payload,
            number,
            device: version.device,
            at: version.at,
            root: root.map(PathBuf::from),
            locked,
            damaged,
        })
    }

    /// The record of this id, deleted ones included, as [`Store::payload`] reads it.
    pub(super) fn found(&self, id: ProjectId) -> Result<Option<Record>, StoreError> {
        record::record(&self.connection, self.space, id, |text| self.payload(id, text))
    }

    /// The id of the project that `query` names: an id, else an exact name that no other project has.
    pub fn find(&self, query: &str) -> Result<ProjectId, StoreError> {
        if let Ok(id) = query.parse::<ProjectId>()
            && self.found(id)?.is_some()
        {
            return Ok(id);
        }
        let sql =
            "SELECT id FROM records WHERE space = ?1 AND name = ?2 COLLATE NOCASE AND name = ?2 ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map((self.space, query), |row| row.get::<_, String>(0))?;
        let ids: Vec<ProjectId> = ids.map(|id| parse_id(id?)).collect::<Result<_, StoreError>>()?;
        match ids[..] {
            [id] => Ok(id),
            [] => Err(self.not_found(query)?),
            _ => Err(StoreError::Ambiguous { name: query.to_owned(), ids }),
        }
    }

    /// Changes a project: `edit` sees the newest state, and no other process writes in between.
    pub fn update<E: From<StoreError>>(
        &mut self,
        id: ProjectId,
        edit: impl FnOnce(&mut Project) -> Result<(), E>,
    ) -> Result<Updated, E> {
        self.write(Durability::Full, |tx| {
            let (record, payload) = tx.live(id)?;
            let before = Project::from(&payload);
            let mut after = before.clone();
            edit(&mut after)?;
            let changed = after.write_changes(&before, &payload).map_err(StoreError::from)?;
            Ok(tx.finish_edit(record, &payload, changed)?)
        })
        .and_then(|updated| Ok(self.updated(updated)?))
    }

    /// What an edit did, as it is shown.
    pub(super) fn updated(&self, updated: Updated) -> Result<Updated, StoreError> {
        Ok(Updated { payload: self.shown(updated.payload)?, ..updated })
    }

    /// Takes over what a person changed between `read` and `edited`, as an editor hands it back. Fields that another process
    /// changed meanwhile stay, unless the person changed them too.
    pub fn apply_edit(&mut self, read: &Payload, edited: &Payload) -> Result<Updated, StoreError> {
        let id = read.id();
        if edited.id() != id {
            return Err(InvalidField::new("id", Rule::Fixed).into());
        }
        check_fields(read, edited)?;
        let changes: Vec<_> = read
            .differences(edited)
            .into_iter()
            .map(|d| (d.field.to_owned(), d.there.map(ToOwned::to_owned)))
            .collect();
        self.write(Durability::Full, |tx| {
            let (record, payload) = tx.live(id)?;
            let changed = payload.with(changes)?;
            tx.finish_edit(record, &payload, changed)
        })
        .and_then(|updated| self.updated(updated))
    }

    /// Deletes a project. Its history keeps it.
    pub fn delete(&mut self, id: ProjectId) -> Result<Payload, StoreError> {
        self.write(Durability::Full, |tx| {
            let (record, payload) = tx.live(id)?;
            tx.write(id, Some(record), None)?;
            Ok(payload)
        })
        .and_then(|payload| self.shown(payload))
    }

    /// Sets this device's own folder for a project, or takes it away.
    pub fn locate(&mut self, id: ProjectId, root: Option<&Path>) -> Result<(), StoreError> {
        self.write(Durability::Full, |tx| tx.locate(id, root))
    }
}

impl Tx<'_> {
    /// Adds a project, which was checked.
    pub(crate) fn add(&mut self, project: Project) -> Result<Payload, StoreError> {
        let now = Some(self.now());
        let project = Project {
            created_at: project.created_at.or(now),
            updated_at: project.updated_at.or(project.created_at).or(now),
            ..project
        };
        let payload = project.to_payload()?;
        match self.record(project.id)? {
            Some(record) if record.version.payload.is_some() => Err(StoreError::Exists { id: record.id }),
            record => {
                self.write(project.id, record, Some(payload.clone()))?;
                Ok(payload)
            }
        }
    }

    /// Sets this device's own folder for a project, or takes it away.
    pub(crate) fn locate(&mut self, id: ProjectId, root: Option<&Path>) -> Result<(), StoreError> {
        let sql = "SELECT rowid, payload IS NULL FROM records WHERE space = ? AND id = ?";
        let found = self.connection().prepare_cached(sql)?.query_row((self.space(), id.as_str()), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
        });
        let record = match found.optional()? {
            None => return Err(StoreError::NotFound { query: id.to_string(), near: Vec::new() }),
            Some((_, true)) => return Err(StoreError::Deleted { id }),
            Some((row, false)) => row,
        };
        let path = root
            .map(|path| path.to_str().ok_or_else(|| InvalidField::new("path", Rule::Shape("UTF-8 text"))));
        let path = path.transpose()?;
        self.connection().execute("DELETE FROM roots WHERE record = ?", [record])?;
        if let Some(path) = path {
            self.connection().execute("INSERT INTO roots (record, path) VALUES (?, ?)", (record, path))?;
        }
        Ok(())
    }

    /// The record of a project that is there and not deleted.
    pub(super) fn live(&self, id: ProjectId) -> Result<(Record, Payload), StoreError> {
        let none = || StoreError::NotFound { query: id.to_string(), near: Vec::new() };
        let record = self.record(id)?.ok_or_else(none)?;
        let payload = record.version.payload.clone().ok_or(StoreError::Deleted { id })?;
        Ok((record, payload))
    }

    /// With `updatedAt` of now.
    pub(super) fn touched(&self, payload: &Payload) -> Result<Payload, StoreError> {
        Ok(payload.with([("updatedAt", raw(&rfc3339(self.now())))])?)
    }

    /// Writes an edit, with `updatedAt`, if it changed anything.
    pub(super) fn finish_edit(
        &mut self,
        record: Record,
        before: &Payload,
        after: Payload,
    ) -> Result<Updated, StoreError> {
        let fields = before.differences(&after).into_iter().map(|d| d.field.to_owned());
        let fields: Vec<String> = fields.filter(|field| field != "updatedAt").collect();
        if fields.is_empty() {
            return Ok(Updated { payload: before.clone(), fields });
        }
        let payload = self.touched(&after)?;
        self.write(record.id, Some(record), Some(payload.clone()))?;
        Ok(Updated { payload, fields })
    }
}

/// Whether each known field that was changed has the form and the value that a person may give it.
pub(super) fn check_fields(before: &Payload, after: &Payload) -> Result<(), StoreError> {
    let written = Project::from(after);
    Ok(before.differences(after).iter().try_for_each(|d| written.check_written(d.field, d.there))?)
}

pub(super) fn parse_id(text: String) -> Result<ProjectId, StoreError> {
    text.parse().map_err(|error| StoreError::BadRecord { id: text, source: Box::new(error) })
}
