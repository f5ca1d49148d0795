//! Events of what is written here, in the transaction that writes it.
//!
//! What a person writes is told at once, and so is a conflict that a sync finds. What a sync sends and fetches is told at its end, for each
//! project once: until then it is kept which they are, with the page that changed them, so that a sync that is broken off takes
//! nothing back of what the next one tells. Where nobody listens, a transaction takes one look at that, and no more.

#[cfg(feature = "sync")]
use serde_json::Map;
use serde_json::Value;

use super::{Record, StoreError, Tx};
use crate::event::{EventKind, Listeners, NewEvent, Owner};
use crate::project::{Payload, ProjectId};

/// Of more projects than these, a sync tells the number alone.
#[cfg(feature = "sync")]
const EACH: u64 = 100;

impl Tx<'_> {
    /// Who is told of events of this space. Looked up once.
    fn listeners(&self) -> Result<&Listeners, StoreError> {
        if let Some(known) = self.listening.get() {
            return Ok(known);
        }
        let found = Listeners::of(self.connection(), Owner(self.space()))?;
        Ok(self.listening.get_or_init(|| found))
    }

    /// Tells of something in this space.
    pub(super) fn tell(&self, event: &NewEvent<'_>) -> Result<(), StoreError> {
        self.listeners()?.emit(self.connection(), event, self.now(), self.ids())?;
        Ok(())
    }

    /// Tells, and counts, what a person made of a project. A write that changes nothing is none.
    pub(super) fn tell_written(
        &self,
        id: ProjectId,
        before: Option<&Payload>,
        now: Option<&Payload>,
    ) -> Result<(), StoreError> {
        let mut counts = self.counts.get();
        counts.count(before.is_some(), now.is_some());
        self.counts.set(counts);
        let kind = match (before, now) {
            (None, Some(_)) => EventKind::ProjectCreated,
            (Some(_), Some(_)) => EventKind::ProjectUpdated,
            (Some(_), None) => EventKind::ProjectDeleted,
            (None, None) => return Ok(()),
        };
        if !self.listeners()?.hear(kind) {
            return Ok(());
        }
        let name = now.or(before).map(Payload::name).unwrap_or_default();
        let event = NewEvent::of(kind, id.as_str());
        let Some((before, now)) = before.zip(now) else {
            return self.tell(&event.with([("name", name.into())]));
        };
        let fields = before.differences(now).into_iter().map(|difference| difference.field);
        let fields: Vec<Value> = fields.filter(|field| *field != "updatedAt").map(Value::from).collect();
        if fields.is_empty() {
            return Ok(());
        }
        self.tell(&event.with([("name", name.into()), ("fields", fields.into())]))
    }

    /// Tells of a field that was changed on both sides.
    pub(super) fn tell_conflict(&self, record: &Record, field: &str) -> Result<(), StoreError> {
        if !self.listeners()?.hear(EventKind::ConflictDetected) {
            return Ok(());
        }
        let name = record.version.payload.as_ref().map(Payload::name).unwrap_or_default();
        let event = NewEvent::of(EventKind::ConflictDetected, record.id.as_str());
        self.tell(&event.with([("name", name.into()), ("field", field.into())]))
    }
}

#[cfg(feature = "sync")]
impl super::Store {
    /// Whether projects were sent or fetched that nobody was told of yet.
    pub fn has_synced(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sync_changes WHERE owner = ?)";
        Ok(self.connection.prepare_cached(sql)?.query_row([self.space], |row| row.get(0))?)
    }
}

#[cfg(feature = "sync")]
impl Tx<'_> {
    /// Keeps which projects a sync sent or fetched, to be told of at its end.
    pub fn note_synced<'a>(&self, projects: impl Iterator<Item = &'a str>) -> Result<(), StoreError> {
        let mut projects = projects.peekable();
        if projects.peek().is_none() || !self.listeners()?.hear(EventKind::SyncCompleted) {
            return Ok(());
        }
        let sql = "INSERT INTO sync_changes (owner, project) VALUES (?, ?) ON CONFLICT DO NOTHING";
        let mut insert = self.connection().prepare_cached(sql)?;
        for project in projects {
            insert.execute((self.space(), project))?;
        }
        Ok(())
    }

    /// A sync came to its end: tells of each project that it, or one before it that was broken off, sent or fetched. Of many, it
    /// tells how many there are.
    pub fn tell_synced(&self) -> Result<(), StoreError> {
        let sql = "SELECT count(*) FROM sync_changes WHERE owner = ?";
        let count: u64 = self.connection().query_row(sql, [self.space()], |row| row.get(0))?;
        if count > EACH {
            let event = NewEvent { count: Some(count), ..NewEvent::new(EventKind::SyncCompleted) };
            self.tell(&event)?;
        } else {
            for (project, name) in self.synced()? {
                let data = name.map(|name| Map::from_iter([("name".to_owned(), name.into())]));
                self.tell(&NewEvent { data, ..NewEvent::of(EventKind::SyncCompleted, &project) })?;
            }
        }
        self.connection().execute("DELETE FROM sync_changes WHERE owner = ?", [self.space()])?;
        Ok(())
    }

    /// The projects and their names; none of one that was deleted.
    fn synced(&self) -> Result<Vec<(String, Option<String>)>, StoreError> {
        let sql = "SELECT c.project, r.name FROM sync_changes c \
                   LEFT JOIN records r ON r.space = c.owner AND r.id = c.project WHERE c.owner = ? ORDER BY c.project";
        let mut statement = self.connection().prepare(sql)?;
        let rows = statement.query_map([self.space()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
