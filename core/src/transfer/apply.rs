//! What becomes of each project of a file.

use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;

use super::error::{Refusal, Which};
use super::given::{Change, Given, Sink};
use super::{ImportOptions, OnConflict, TransferError};
use crate::clock::rfc3339;
use crate::project::{Payload, PayloadError, ProjectId, check, raw};
use crate::store::{Durability, Record, Store, StoreError, Tx};

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// For each project, in the order of the file.
    pub entries: Vec<Entry>,
    /// Names of projects that the source keeps as deleted ones, which are left there.
    pub deleted: Vec<String>,
    /// The way back to what was overwritten; none: nothing was.
    pub point: Option<u64>,
}

/// What became of one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id in the store.
    pub id: ProjectId,
    /// Its name in the file.
    pub name: String,
    /// What became of it.
    pub action: Action,
    /// What was taken over otherwise than the source has it.
    pub changes: Vec<Change>,
}

/// What became of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Added,
    /// The stored one is the same.
    Unchanged,
    /// The stored one is another, and was left.
    Skipped,
    /// It took the stored one's place.
    Replaced,
    /// It was put together with the stored one.
    Merged,
    /// It was added under a new id beside the stored one of this id.
    Copied(ProjectId),
}

impl Report {
    /// How many projects this became of, whatever the ids.
    pub fn count(&self, is: impl Fn(Action) -> bool) -> usize {
        self.entries.iter().filter(|entry| is(entry.action)).count()
    }
}

/// Why the transaction ends without being kept.
enum Stop {
    DryRun(Report),
    Failed(TransferError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Lets `read` hand over the projects of a file, in one transaction.
pub(super) fn apply(
    store: &mut Store,
    options: ImportOptions,
    read: impl FnOnce(&mut Sink<'_>) -> Result<(), TransferError>,
) -> Result<Report, TransferError> {
    let outcome = store.write(Durability::Full, |tx| {
        let mut import =
            Import { tx, on_conflict: options.on_conflict, seen: HashSet::new(), report: Report::default() };
        read(&mut |given| import.take(given)).map_err(Stop::Failed)?;
        match options.dry_run {
            true => Err(Stop::DryRun(Report { point: None, ..import.report })),
            false => Ok(import.report),
        }
    });
    match outcome {
        Ok(report) | Err(Stop::DryRun(report)) => Ok(report),
        Err(Stop::Failed(error)) => Err(error),
    }
}

struct Import<'a, 's> {
    tx: &'a mut Tx<'s>,
    on_conflict: OnConflict,
    seen: HashSet<ProjectId>,
    report: Report,
}

impl Import<'_, '_> {
    fn take(&mut self, given: Given) -> Result<(), TransferError> {
        let Given { object, changes, label, is_deleted } = given;
        let place = Which::Place(self.report.entries.len() + self.report.deleted.len() + 1);
        let which = label.map_or(place, Which::Called);
        let refused = |source: Refusal| TransferError::Project { which: which.clone(), source };
        let payload = Payload::from_object(object).map_err(|error| refused(error.into()))?;
        if is_deleted {
            self.report.deleted.push(payload.name());
            return Ok(());
        }
        // Other fields are taken as they are: a newer version may have written them.
        let name = payload.name();
        check::name(&name).map_err(|error| refused(error.into()))?;
        if !self.seen.insert(payload.id()) {
            return Err(TransferError::Duplicate { id: payload.id() });
        }
        let (id, action) = self.decide(payload).map_err(|error| match error {
            StoreError::Payload(error) => refused(error.into()),
            other => other.into(),
        })?;
        self.report.entries.push(Entry { id, name, action, changes });
        Ok(())
    }

    fn decide(&mut self, payload: Payload) -> Result<(ProjectId, Action), StoreError> {
        let id = payload.id();
        let current = self.tx.record(id)?;
        let stored = current.as_ref().and_then(|record| record.version.payload.as_ref());
        // Times that the file leaves out are no difference.
        let payload = match stored {
            Some(stored) => with_times_of(payload, stored)?,
            None => payload,
        };
        let action = match stored {
            None => return self.add(current, payload),
            Some(stored) if *stored == payload => Action::Unchanged,
            Some(stored) => match self.on_conflict {
                OnConflict::Skip => Action::Skipped,
                OnConflict::Copy => return self.copy(payload),
                OnConflict::Replace => {
                    self.overwrite(id, current, payload)?;
                    Action::Replaced
                }
                OnConflict::Merge => match merge(stored, &payload, self.tx)? {
                    Some(merged) => {
                        self.overwrite(id, current, merged)?;
                        Action::Merged
                    }
                    None => Action::Unchanged,
                },
            },
        };
        Ok((id, action))
    }

    /// Writes over a project, and keeps the way back.
    fn overwrite(
        &mut self,
        id: ProjectId,
        current: Option<Record>,
        payload: Payload,
    ) -> Result<(), StoreError> {
        let lost = current.as_ref().map(|current| current.number);
        let record = self.tx.write(id, current, Some(payload))?;
        let point = match self.report.point {
            Some(point) => point,
            None => self.tx.open_point("projects import")?,
        };
        self.report.point = Some(point);
        match lost {
            Some(lost) => self.tx.note_overwritten(point, &record, lost, None),
            None => Ok(()),
        }
    }

    fn add(&mut self, current: Option<Record>, payload: Payload) -> Result<(ProjectId, Action), StoreError> {
        let id = payload.id();
        let payload = dated(payload, self.tx.at())?;
        self.tx.write(id, current, Some(payload))?;
        Ok((id, Action::Added))
    }

    fn copy(&mut self, payload: Payload) -> Result<(ProjectId, Action), StoreError> {
        let original = payload.id();
        let mut id = ProjectId::from_source(self.tx.ids());
        while self.tx.record(id)?.is_some() || self.seen.contains(&id) {
            id = ProjectId::from_source(self.tx.ids());
        }
        self.seen.insert(id);
        let payload = dated(payload.with_id(id), self.tx.at())?;
        self.tx.write(id, None, Some(payload))?;
        Ok((id, Action::Copied(original)))
    }
}

/// With the stored `createdAt` and `updatedAt`, where the file has none.
fn with_times_of(payload: Payload, stored: &Payload) -> Result<Payload, PayloadError> {
    let missing = ["createdAt", "updatedAt"].into_iter().filter(|field| payload.get(field).is_none());
    payload.with(missing.map(|field| (field, stored.get(field).map(ToOwned::to_owned))))
}

/// With `createdAt` and `updatedAt`, where the file has none.
fn dated(payload: Payload, now: &str) -> Result<Payload, PayloadError> {
    if payload.get("createdAt").is_some() && payload.get("updatedAt").is_some() {
        return Ok(payload);
    }
    let created = payload.get("createdAt").map(ToOwned::to_owned).or_else(|| raw(now));
    let updated = payload.get("updatedAt").map(ToOwned::to_owned).or_else(|| created.clone());
    payload.with([("createdAt", created), ("updatedAt", updated)])
}

/// The file's fields over the stored ones; tags and MCP servers of both. None where nothing changes.
fn merge(stored: &Payload, file: &Payload, tx: &Tx<'_>) -> Result<Option<Payload>, PayloadError> {
    let fields = file.iter().filter(|(field, _)| !matches!(*field, "createdAt" | "updatedAt"));
    let changes = fields.map(|(field, value)| {
        let united = match field {
            "tags" => united_tags(stored, file),
            "mcpServers" => united_servers(stored, file),
            _ => None,
        };
        (field, Some(united.unwrap_or_else(|| value.to_owned())))
    });
    let merged = stored.with(changes)?;
    if merged == *stored {
        return Ok(None);
    }
    Ok(Some(merged.with([("updatedAt", raw(&rfc3339(tx.now())))])?))
}

fn united_tags(stored: &Payload, file: &Payload) -> Option<Box<RawValue>> {
    let mut tags: Vec<String> = stored.read("tags")?;
    let new =
        file.read::<Vec<String>>("tags")?.into_iter().filter(|tag| !tags.contains(tag)).collect::<Vec<_>>();
    tags.extend(new);
    raw(&tags)
}

fn united_servers(stored: &Payload, file: &Payload) -> Option<Box<RawValue>> {
    let mut servers: BTreeMap<String, bool> = stored.read("mcpServers")?;
    servers.extend(file.read::<BTreeMap<String, bool>>("mcpServers")?);
    raw(&servers)
}
