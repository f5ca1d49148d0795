//! Whether what the store holds makes sense: the file, and every rule that numbers, bases, revisions, the cursor and the copied
//! columns follow. Only looks; `mend` makes it right.

use std::fmt;

use super::at_rest::{Lock, damaged};
use super::record::{self, Columns};
use super::{Store, StoreError, Version};
use crate::project::ProjectId;

/// Something that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The tenant whose projects they are; empty for the personal ones.
    pub tenant: String,
    /// The record, where it is about one.
    pub id: Option<String>,
    /// What is wrong.
    pub damage: Damage,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The file itself, in SQLite's words.
    File(String),
    /// A row belongs to nothing; the table.
    Orphan(String),
    /// Sync has no state of the record, or another space's.
    Untracked,
    /// An older version has a number that is not below the newest one's.
    Number,
    /// The base is a version that is not there, or that the record does not come from.
    Base,
    /// The version on the wire is not there.
    Sent,
    /// It counts as agreed without anything to agree on.
    Agreed,
    /// It counts as met in a listing that never began.
    Listed,
    /// It counts as sealed under an epoch that cannot be one.
    Form,
    /// The cursor is half there.
    Cursor,
    /// What lists show is not what the project says.
    Columns,
    /// Who wrote it cannot be read.
    Ancestry,
    /// The project cannot be read.
    Payload,
    /// A field that is locked on this device, and whose sealed text does not open.
    Locked(&'static str),
    /// This device's clock is behind its own writes.
    Clock,
    /// An endpoint of webhooks cannot be used: nothing can be signed for it, or what it listens for cannot be read.
    Endpoint,
}

impl Damage {
    /// Whether `orkee cloud sync --force` mends it.
    pub fn is_mendable(&self) -> bool {
        !matches!(self, Self::File(_) | Self::Orphan(_) | Self::Endpoint)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(message) => write!(f, "the database file is damaged: {message}"),
            Self::Orphan(table) => write!(f, "a row of {table} belongs to nothing"),
            Self::Untracked => f.write_str("sync knows nothing of it"),
            Self::Number => f.write_str("its newest version is numbered below an older one"),
            Self::Base => f.write_str("the version that sync builds on is not one of its versions"),
            Self::Sent => f.write_str("the version that is on its way is not there"),
            Self::Agreed => f.write_str("it counts as synced, without a version that both sides have"),
            Self::Listed => f.write_str("it counts as seen in a listing that never began"),
            Self::Form => f.write_str("how the other side has it makes no sense"),
            Self::Cursor => f.write_str("the place where sync goes on makes no sense"),
            Self::Columns => f.write_str("lists show something else than the project says"),
            Self::Ancestry => f.write_str("who wrote it cannot be read"),
            Self::Payload => f.write_str("the project cannot be read"),
            Self::Locked(field) => {
                write!(f, "the locked text of {field} is damaged; all else of it can be read")
            }
            Self::Clock => f.write_str("this device's clock is behind its own writes"),
            Self::Endpoint => f.write_str("the endpoint cannot be read, and is sent nothing"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.tenant.is_empty() {
            write!(f, "[{}] ", self.tenant)?;
        }
        match &self.id {
            Some(id) => write!(f, "{id}: {}", self.damage),
            None => write!(f, "{}", self.damage),
        }
    }
}

/// A rule about what sync knows, as SQL: ?1 is the space.
pub(super) struct Rule {
    damage: Damage,
    /// Lists the ids of the records that break it.
    find: &'static str,
    /// Makes them follow it.
    pub(super) mend: &'static str,
}

const VERSIONS: &str = "(SELECT version FROM history h WHERE h.record = t.record UNION ALL SELECT t.version)";

/// In the order in which they are mended: later ones rely on earlier ones. `{V}` stands for [`VERSIONS`].
pub(super) const RULES: &[Rule] = &[
    Rule {
        damage: Damage::Untracked,
        find: "SELECT r.id FROM records r LEFT JOIN tracking t ON t.record = r.rowid \
               WHERE r.space = ?1 AND t.space IS NOT r.space",
        mend: "INSERT INTO tracking (record, space, version) SELECT r.rowid, r.space, \
               1 + coalesce((SELECT max(version) FROM history WHERE record = r.rowid), 0) FROM records r \
               WHERE r.space = ?1 ON CONFLICT DO UPDATE SET space = excluded.space WHERE space <> excluded.space",
    },
    Rule {
        damage: Damage::Number,
        find: "SELECT r.id FROM tracking t JOIN records r ON r.rowid = t.record WHERE t.space = ?1 AND \
               t.version <= coalesce((SELECT max(version) FROM history WHERE record = t.record), 0)",
        mend: "UPDATE tracking SET version = 1 + (SELECT max(version) FROM history h WHERE h.record = tracking.record), \
               base_at = NULL, revision = NULL, clean_at = NULL, sent_at = NULL WHERE space = ?1 AND \
               version <= coalesce((SELECT max(version) FROM history h WHERE h.record = tracking.record), 0)",
    },
    Rule {
        damage: Damage::Base,
        find: "SELECT r.id FROM tracking t JOIN records r ON r.rowid = t.record WHERE t.space = ?1 AND \
               (t.base_at NOT IN {V} OR (t.base_at IS NULL AND t.revision IS NOT NULL))",
        mend: "UPDATE tracking AS t SET base_at = NULL, revision = NULL, clean_at = NULL WHERE space = ?1 AND \
               (base_at NOT IN {V} OR (base_at IS NULL AND revision IS NOT NULL))",
    },
    Rule {
        damage: Damage::Sent,
        find: "SELECT r.id FROM tracking t JOIN records r ON r.rowid = t.record WHERE t.space = ?1 AND t.sent_at NOT IN {V}",
        mend: "UPDATE tracking AS t SET sent_at = NULL WHERE space = ?1 AND sent_at NOT IN {V}",
    },
    Rule {
        damage: Damage::Agreed,
        find: "SELECT r.id FROM tracking t JOIN records r ON r.rowid = t.record WHERE t.space = ?1 AND \
               (t.clean_at > t.version OR (t.clean_at IS t.version AND t.revision IS NULL AND r.name IS NOT NULL))",
        mend: "UPDATE tracking SET clean_at = NULL WHERE space = ?1 AND (clean_at > version OR (clean_at IS version \
               AND revision IS NULL AND (SELECT name IS NOT NULL FROM records WHERE rowid = record)))",
    },
    Rule {
        damage: Damage::Listed,
        find: "SELECT r.id FROM tracking t JOIN records r ON r.rowid = t.record WHERE t.space = ?1 AND \
               t.listed NOT BETWEEN 0 AND (SELECT listing FROM spaces WHERE rowid = ?1)",
        mend: "UPDATE tracking SET listed = 0 WHERE space = ?1 AND \
               listed NOT BETWEEN 0 AND (SELECT listing FROM spaces WHERE rowid = ?1)",
    },
    Rule {
        damage: Damage::Form,
        find: "SELECT r.id FROM tracking t JOIN records r ON r.rowid = t.record WHERE t.space = ?1 AND \
               t.epoch NOT BETWEEN 0 AND 4294967295",
        mend: "UPDATE tracking SET epoch = 0 WHERE space = ?1 AND epoch NOT BETWEEN 0 AND 4294967295",
    },
];

const BAD_CURSOR: &str = "SELECT EXISTS (SELECT 1 FROM spaces WHERE rowid = ?1 AND ((position IS NOT NULL AND remote IS NULL) \
                          OR (head_number IS NULL) <> (head_tag IS NULL) OR head_number < 0 OR listing < 0 OR document < 0 \
                          OR document_listed NOT BETWEEN 0 AND listing OR resealing NOT BETWEEN 0 AND 4294967295 \
                          OR listing_goal NOT IN ('delete', 'offer', 'compare')))";

const OWN_CLOCK: &str = "SELECT coalesce(max(json_extract(r.ancestry, '$.\"' || w.name || '\"')), 0) > w.clock \
                         FROM writer w, records r WHERE json_valid(r.ancestry)";

const BAD_ENDPOINT: &str = "SELECT e.id FROM endpoints e WHERE e.owner = ? AND e.removed_at IS NULL AND \
                            (NOT EXISTS (SELECT 1 FROM signing_keys k WHERE k.endpoint = e.rowid AND k.until IS NULL) \
                            OR NOT json_valid(e.filters) OR NOT json_valid(e.private)) ORDER BY e.id";

pub(super) fn sql(rule: &str) -> String {
    rule.replace("{V}", VERSIONS)
}

impl Store {
    /// Looks at the whole file and every space, and changes nothing. Reads everything.
    pub fn examine(&mut self) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.examine_file()?;
        if !findings.is_empty() {
            return Ok(findings);
        }
        let sql = "SELECT rowid, tenant FROM spaces ORDER BY tenant";
        let mut statement = self.connection.prepare(sql)?;
        let spaces = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let spaces: Vec<(i64, String)> = spaces.collect::<Result<_, _>>()?;
        drop(statement);
        let lock = self.lock()?;
        for (space, tenant) in spaces {
            let mut found = findings_in(&self.connection, space, &lock)?;
            found.extend(unusable(&self.connection, space)?);
            findings.extend(found.into_iter().map(|(id, damage)| Finding {
                tenant: tenant.clone(),
                id,
                damage,
            }));
        }
        Ok(findings)
    }

    fn examine_file(&self) -> Result<Vec<Finding>, StoreError> {
        let about_all = |damage| Finding { tenant: String::new(), id: None, damage };
        let mut statement = self.connection.prepare("PRAGMA integrity_check(10)")?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut findings = Vec::new();
        for line in lines {
            match line? {
                fine if fine == "ok" => {}
                message => findings.push(about_all(Damage::File(message))),
            }
        }
        let mut statement =
            self.connection.prepare("SELECT DISTINCT \"table\" FROM pragma_foreign_key_check")?;
        let tables = statement.query_map([], |row| row.get::<_, String>(0))?;
        for table in tables {
            findings.push(about_all(Damage::Orphan(table?)));
        }
        Ok(findings)
    }
}

pub(super) type Found = (Option<String>, Damage);

pub(super) fn findings_in(
    connection: &rusqlite::Connection,
    space: i64,
    lock: &Lock,
) -> Result<Vec<Found>, StoreError> {
    let mut findings = Vec::new();
    if connection.query_row(BAD_CURSOR, [space], |row| row.get(0))? {
        findings.push((None, Damage::Cursor));
    }
    for rule in RULES {
        let mut statement = connection.prepare(&sql(rule.find))?;
        let ids = statement.query_map([space], |row| row.get::<_, String>(0))?;
        for id in ids {
            findings.push((Some(id?), rule.damage.clone()));
        }
    }
    let behind: Option<bool> = connection.query_row(OWN_CLOCK, [], |row| row.get(0))?;
    if behind == Some(true) {
        findings.push((None, Damage::Clock));
    }
    findings.extend(unreadable(connection, space, lock)?.into_iter().map(|(id, damage)| (Some(id), damage)));
    Ok(findings)
}

/// Endpoints that nothing can be sent to. Mending what sync knows touches none of them.
fn unusable(connection: &rusqlite::Connection, space: i64) -> Result<Vec<Found>, StoreError> {
    let mut statement = connection.prepare(BAD_ENDPOINT)?;
    let ids = statement.query_map([space], |row| row.get::<_, String>(0))?;
    Ok(ids.map(|id| id.map(|id| (Some(id), Damage::Endpoint))).collect::<Result<_, _>>()?)
}

/// Records whose content cannot be read, or is listed as another.
fn unreadable(
    connection: &rusqlite::Connection,
    space: i64,
    lock: &Lock,
) -> Result<Vec<(String, Damage)>, StoreError> {
    let sql = "SELECT id, payload, ancestry, device, at, name, status, priority, rank, tags, created_at, updated_at \
               FROM records WHERE space = ?";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([space])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let text: Option<String> = row.get(1)?;
        let Ok(parsed) = id.parse::<ProjectId>() else {
            found.push((id, Damage::Payload));
            continue;
        };
        let payload = text.as_deref().map(|text| lock.examined(parsed, text));
        if matches!(payload, Some(None)) {
            found.push((id, Damage::Payload));
            continue;
        }
        let payload = payload.flatten();
        let damaged = payload.iter().flat_map(damaged::fields);
        found.extend(damaged.map(|field| (id.clone(), Damage::Locked(field))));
        let Ok(ancestry) = record::ancestry(parsed, &row.get::<_, String>(2)?) else {
            found.push((id, Damage::Ancestry));
            continue;
        };
        if payload.as_ref().is_some_and(|payload| payload.id() != parsed) {
            found.push((id, Damage::Payload));
            continue;
        }
        let version = Version { payload, ancestry, device: row.get(3)?, at: row.get(4)?, author: None };
        if !Columns::of(parsed, &version)?.are_in(row, 5)? {
            found.push((id, Damage::Columns));
        }
    }
    Ok(found)
}
