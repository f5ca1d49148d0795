//! Records in SQLite.

use jiff::Timestamp;
use orkee_core::event::{Listeners, Owner};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::super::exchange::{self, ExchangeTx, Marks};
use super::super::records::KEPT_REPLACED;
use super::super::{
    Cursor, Deed, Entry, Exchange, Exchanged, Kind, LivePage, PageLimit, RecordId, Records, Replaced, Result,
    Sealing, SpaceKey, Stored, Witness, Write, WriteOutcome,
};
use super::sealing::{self, Noticed};
use super::{Sqlite, audit, events, failed};

const SYNCING: &str = "syncing records";

const MARKS: &str = "SELECT newest, pruned FROM spaces WHERE rowid = ?1";
const TAG_OF: &str = "SELECT tag FROM runs WHERE space = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
const BEGIN_RUN: &str = "INSERT INTO runs (space, first, tag) VALUES (?1, ?2, ?3)";
const ADVANCE: &str = "UPDATE spaces SET newest = ?2 WHERE rowid = ?1";
const INSERT: &str = "INSERT INTO records (space, id, revision, created, written_at, kind, envelope)
                      VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6) ON CONFLICT (space, id) DO NOTHING";
const REPLACE: &str = "UPDATE records SET revision = ?3, written_at = ?4, kind = ?5, envelope = ?6
                       WHERE space = ?1 AND id = ?2 AND revision = ?7";
const KEEP_REPLACED: &str = "INSERT OR IGNORE INTO replaced (record, revision, replaced_at, envelope)
                             SELECT rowid, revision, ?3, envelope FROM records
                             WHERE space = ?1 AND id = ?2 AND revision = ?4 AND kind <> 1";
const FORGET_REPLACED: &str = "DELETE FROM replaced WHERE rowid IN (
                               SELECT v.rowid FROM replaced v JOIN records r ON r.rowid = v.record
                               WHERE r.space = ?1 AND r.id = ?2 ORDER BY v.revision DESC LIMIT -1 OFFSET ?3)";
const REPLACED: &str =
    "SELECT v.revision, v.envelope, v.replaced_at FROM replaced v JOIN records r ON r.rowid = v.record
                        WHERE r.space = ?1 AND r.id = ?2 ORDER BY v.revision DESC";
const CURRENT: &str = "SELECT revision, envelope FROM records WHERE space = ?1 AND id = ?2";
const CHANGES: &str = "SELECT id, revision, envelope FROM records
                       WHERE space = ?1 AND revision > ?2 AND revision <= ?3 ORDER BY revision";
const LIVE: &str = "SELECT created, id, revision, envelope FROM records
                    WHERE space = ?1 AND kind <> 1 AND kind <> 3 AND created > ?2 ORDER BY created LIMIT ?3";
const SEALED: &str = "SELECT EXISTS (SELECT 1 FROM records WHERE space = ?1 AND kind = 2)";
const NOTE_PRUNED: &str = "UPDATE spaces SET pruned = max(pruned, ?2) WHERE rowid = ?1";
const PRUNE: &str = "DELETE FROM records WHERE kind = 1 AND written_at < ?1 RETURNING space, revision";

/// What is read while devices sync and people look at their projects.
#[cfg(test)]
pub(super) const READS: &[&str] =
    &[MARKS, sealing::SEALING, TAG_OF, CURRENT, CHANGES, LIVE, SEALED, REPLACED];

/// One space's records inside a transaction.
struct Tx<'a> {
    tx: &'a Transaction<'a>,
    space: SpaceKey,
    run: &'a str,
    now: Timestamp,
    /// Whether somebody wants to know what is replaced.
    notices: bool,
    noticed: Noticed,
}

impl<'a> Tx<'a> {
    fn new(tx: &'a Transaction<'a>, space: SpaceKey, run: &'a str, now: Timestamp) -> Self {
        Self { tx, space, run, now, notices: false, noticed: Noticed::default() }
    }

    /// Runs a statement that writes at most one row; whether it did.
    fn wrote(&self, sql: &str, params: impl rusqlite::Params) -> Result<bool> {
        let rows =
            self.tx.prepare_cached(sql).and_then(|mut s| s.execute(params)).map_err(failed(SYNCING))?;
        Ok(rows > 0)
    }
}

impl ExchangeTx for Tx<'_> {
    fn marks(&mut self) -> Result<Marks> {
        self.tx
            .prepare_cached(MARKS)
            .and_then(|mut s| {
                s.query_row([self.space.0], |row| Ok(Marks { newest: row.get(0)?, pruned: row.get(1)? }))
            })
            .map_err(failed(SYNCING))
    }

    fn sealing(&mut self) -> Result<Sealing> {
        sealing::sealing(self.tx, self.space).map_err(failed(SYNCING))
    }

    fn seal(&mut self, sealing: Sealing) -> Result<()> {
        sealing::seal(self.tx, self.space, sealing, &mut self.noticed).map_err(failed(SYNCING))
    }

    fn tag_of(&mut self, commit: u64) -> Result<Option<String>> {
        self.tx
            .prepare_cached(TAG_OF)
            .and_then(|mut s| s.query_row(params![self.space.0, commit], |row| row.get(0)).optional())
            .map_err(failed(SYNCING))
    }

    fn insert(&mut self, commit: u64, write: &Write<'_>) -> Result<bool> {
        let (id, at) = (write.id.as_str(), self.now.as_millisecond());
        self.wrote(INSERT, params![self.space.0, id, commit, at, write.kind.code(), write.envelope])
    }

    fn replace(&mut self, commit: u64, guard: u64, write: &Write<'_>) -> Result<bool> {
        let (id, at) = (write.id.as_str(), self.now.as_millisecond());
        if self.notices {
            sealing::notice(self.tx, self.space, guard, write, &mut self.noticed).map_err(failed(SYNCING))?;
        }
        if write.keep_replaced {
            self.wrote(KEEP_REPLACED, params![self.space.0, id, at, guard])?;
            self.wrote(FORGET_REPLACED, params![self.space.0, id, KEPT_REPLACED as i64])?;
        }
        self.wrote(REPLACE, params![self.space.0, id, commit, at, write.kind.code(), write.envelope, guard])
    }

    fn current(&mut self, id: RecordId<'_>) -> Result<Option<Stored>> {
        current(self.tx, self.space, id)
    }

    fn advance(&mut self, after: u64, until: u64) -> Result<()> {
        if self.tag_of(until)?.as_deref() != Some(self.run) {
            self.wrote(BEGIN_RUN, params![self.space.0, after + 1, self.run])?;
        }
        self.wrote(ADVANCE, params![self.space.0, until]).map(drop)
    }

    fn changes(&mut self, after: u64, until: u64, take: &mut dyn FnMut(Entry) -> bool) -> Result<()> {
        let mut statement = self.tx.prepare_cached(CHANGES).map_err(failed(SYNCING))?;
        let mut rows = statement.query(params![self.space.0, after, until]).map_err(failed(SYNCING))?;
        while let Some(row) = rows.next().map_err(failed(SYNCING))? {
            let entry = (|| {
                Ok(Entry { id: row.get(0)?, stored: Stored { revision: row.get(1)?, envelope: row.get(2)? } })
            })();
            if !take(entry.map_err(failed(SYNCING))?) {
                break;
            }
        }
        Ok(())
    }
}

impl Records for Sqlite {
    fn exchange(&self, space: SpaceKey, exchange: &Exchange<'_>, now: Timestamp) -> Result<Exchanged> {
        if exchange.writes.is_empty() {
            return self.read(SYNCING, |tx| exchange::run(&mut Tx::new(tx, space, "", now), exchange));
        }
        let run = self.run_tag(now);
        let (done, wiped) = self.write_if(
            SYNCING,
            |tx| write(&mut Tx::new(tx, space, &run, now), exchange),
            |(done, _)| matches!(done, Exchanged::Reply(_)),
        )?;
        if wiped {
            self.scrub_if_possible();
        }
        Ok(done)
    }

    fn has_changed(&self, space: SpaceKey, cursor: &Cursor) -> Result<bool> {
        let now = Timestamp::UNIX_EPOCH;
        self.read(SYNCING, |tx| exchange::has_changed(&mut Tx::new(tx, space, "", now), cursor))
    }

    fn record(&self, space: SpaceKey, id: RecordId<'_>) -> Result<Option<Stored>> {
        self.read("reading a record", |tx| current(tx, space, id))
    }

    fn live_records(&self, space: SpaceKey, mark: u64, limit: PageLimit) -> Result<LivePage> {
        let doing = "listing projects";
        self.read(doing, |tx| {
            let mut statement = tx.prepare_cached(LIVE).map_err(failed(doing))?;
            // One more than asked for tells whether there is a next page.
            let mut rows = statement
                .query(params![space.0, mark, u64::from(limit.changes) + 1])
                .map_err(failed(doing))?;
            let mut page = LivePage::default();
            let (mut last, mut left) = (mark, limit.bytes);
            while let Some(row) = rows.next().map_err(failed(doing))? {
                let (created, entry) = live(row).map_err(failed(doing))?;
                let bytes = entry.stored.envelope.len() as u64;
                if page.entries.len() as u64 == u64::from(limit.changes)
                    || (bytes > left && !page.entries.is_empty())
                {
                    page.next = Some(last);
                    break;
                }
                left = left.saturating_sub(bytes);
                last = created;
                page.entries.push(entry);
            }
            Ok(page)
        })
    }

    fn seals(&self, space: SpaceKey) -> Result<bool> {
        let doing = "looking whether records are sealed";
        self.read(doing, |tx| sealing::sealing(tx, space).map_err(failed(doing))).map(|sealing| sealing.seals)
    }

    fn holds_sealed(&self, space: SpaceKey) -> Result<bool> {
        let doing = "looking for sealed records";
        self.read(doing, |tx| tx.query_row(SEALED, [space.0], |row| row.get(0)).map_err(failed(doing)))
    }

    fn replaced(&self, space: SpaceKey, id: RecordId<'_>) -> Result<Vec<Replaced>> {
        let doing = "reading replaced versions";
        self.read(doing, |tx| {
            let mut statement = tx.prepare_cached(REPLACED).map_err(failed(doing))?;
            let rows = statement.query_map(params![space.0, id.as_str()], |row| {
                let at = Timestamp::from_millisecond(row.get(2)?).unwrap_or_default();
                Ok(Replaced { stored: Stored { revision: row.get(0)?, envelope: row.get(1)? }, at })
            });
            rows.and_then(Iterator::collect).map_err(failed(doing))
        })
    }

    fn prune(&self, before: Timestamp) -> Result<u64> {
        let doing = "pruning tombstones";
        self.write(doing, |tx| {
            let mut statement = tx.prepare(PRUNE).map_err(failed(doing))?;
            let pruned: Vec<(i64, u64)> = statement
                .query_map([before.as_millisecond()], |row| Ok((row.get(0)?, row.get(1)?)))
                .and_then(Iterator::collect)
                .map_err(failed(doing))?;
            let mut note = tx.prepare(NOTE_PRUNED).map_err(failed(doing))?;
            for (space, revision) in &pruned {
                note.execute(params![space, revision]).map_err(failed(doing))?;
            }
            Ok(pruned.len() as u64)
        })
    }
}

impl Kind {
    /// As it stands in column `kind`.
    pub(super) fn code(self) -> i64 {
        match self {
            Self::Project => 0,
            Self::Tombstone => 1,
            Self::Sealed => 2,
            Self::Keys(_) => 3,
        }
    }
}

/// An exchange with writes, and whether something was wiped that should leave the log, too.
fn write(tx: &mut Tx<'_>, exchange: &Exchange<'_>) -> Result<(Exchanged, bool)> {
    let listeners = Listeners::of(tx.tx, Owner(tx.space.0)).map_err(failed(SYNCING))?;
    tx.notices = !listeners.is_empty() || tx.sealing()?.floor > 0;
    let done = exchange::run(tx, exchange)?;
    let Exchanged::Reply(reply) = &done else { return Ok((done, false)) };
    if let Some(witness) = exchange.witness {
        tell(tx.tx, witness, &exchange.writes, &reply.outcomes, tx.now)?;
    }
    events::of_exchange(tx.tx, &listeners, exchange, &reply.outcomes, &tx.noticed.same, tx.now)
        .map_err(failed(SYNCING))?;
    Ok((done, tx.noticed.wiped))
}

/// Tells the audit trail of each write that was accepted.
fn tell(
    tx: &Transaction<'_>,
    by: &Witness,
    writes: &[Write<'_>],
    outcomes: &[WriteOutcome],
    now: Timestamp,
) -> Result<()> {
    for (write, outcome) in writes.iter().zip(outcomes) {
        if let WriteOutcome::Accepted(revision) = outcome {
            let action = match write.kind {
                Kind::Tombstone => "delete",
                Kind::Keys(_) => "keys",
                Kind::Project | Kind::Sealed => "write",
            };
            let deed = Deed {
                action: action.to_owned(),
                subject: Some(write.id.as_str().to_owned()),
                outcome: format!("revision {revision}"),
            };
            audit::add(tx, by, &deed, now).map_err(failed(SYNCING))?;
        }
    }
    Ok(())
}

fn live(row: &Row<'_>) -> rusqlite::Result<(u64, Entry)> {
    let stored = Stored { revision: row.get(2)?, envelope: row.get(3)? };
    Ok((row.get(0)?, Entry { id: row.get(1)?, stored }))
}

fn current(tx: &Transaction<'_>, space: SpaceKey, id: RecordId<'_>) -> Result<Option<Stored>> {
    tx.prepare_cached(CURRENT)
        .and_then(|mut s| {
            s.query_row(params![space.0, id.as_str()], |row| {
                Ok(Stored { revision: row.get(0)?, envelope: row.get(1)? })
            })
            .optional()
        })
        .map_err(failed(SYNCING))
}
