//! Mending a store that makes no sense.
//!
//! What people wrote is in payloads and ancestries; all else (numbers, bases, revisions, the cursor, copied columns) can be
//! made anew from them or learnt again from the backend. So mending never touches a payload that can be read. What it is not
//! sure of it forgets, and the next comparison finds it out.

use super::check::{self, Damage};
use super::{Ancestry, StoreError, Tx, Version, record};
use crate::project::ProjectId;

const MEND_CURSOR: &str = "UPDATE spaces SET position = NULL, head_number = NULL, head_tag = NULL, listing_goal = 'compare', \
                           listing = max(listing, 0), document = NULL, document_listed = 0, \
                           resealing = iif(resealing BETWEEN 0 AND 4294967295, resealing, NULL) WHERE rowid = ?1";

const MEND_CLOCK: &str = "UPDATE writer SET clock = max(clock, (SELECT coalesce(max(json_extract(r.ancestry, \
                          '$.\"' || writer.name || '\"')), 0) FROM records r WHERE json_valid(r.ancestry)))";

impl Tx<'_> {
    /// Mends what is known of this space's records, and of the other side. What it forgets has to be compared again, in a
    /// listing that compares. Goes over all records.
    pub fn mend(&mut self) -> Result<Vec<Damage>, StoreError> {
        self.must_be_open()?;
        let mut findings = check::findings_in(self.connection(), self.space(), self.lock()?)?;
        // What the other side says takes its place when it is met.
        findings.retain(|(_, damage)| !matches!(damage, Damage::Locked(_)));
        if findings.is_empty() {
            return Ok(Vec::new());
        }
        let space = [self.space()];
        for rule in check::RULES {
            self.connection().execute(&check::sql(rule.mend), space)?;
        }
        for (id, damage) in &findings {
            match (id, damage) {
                (_, Damage::Cursor) => drop(self.connection().execute(MEND_CURSOR, space)?),
                (_, Damage::Clock) => drop(self.connection().execute(MEND_CLOCK, [])?),
                (Some(id), Damage::Columns | Damage::Ancestry | Damage::Payload) => {
                    self.mend_record(id, damage)?
                }
                _ => {}
            }
        }
        Ok(findings.into_iter().map(|(_, damage)| damage).collect())
    }

    /// Writes a record's row anew from what of it can be read: its payload, else its newest older version, else a tombstone that
    /// contains nothing, which gives way to whatever the backend has. A text that cannot be read is kept beside it.
    fn mend_record(&mut self, id: &str, damage: &Damage) -> Result<(), StoreError> {
        let Ok(parsed) = id.parse::<ProjectId>() else { return self.drop_nameless(id) };
        let sql = "SELECT r.rowid, t.version, r.payload, r.ancestry, r.device, r.at, r.author FROM records r \
                   JOIN tracking t ON t.record = r.rowid WHERE r.space = ? AND r.id = ?";
        type Row = (i64, u64, Option<String>, String, String, String, Option<String>);
        let (row, number, text, ancestry, by, when, author): Row =
            self.connection().query_row(sql, (self.space(), id), |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                ))
            })?;
        let readable =
            text.as_deref().and_then(|text| self.payload(parsed, text).ok()).filter(|p| p.id() == parsed);
        let ancestry = record::ancestry(parsed, &ancestry).ok();
        let (device, at) = (self.writer()?.device.clone(), self.at().to_owned());
        let version = match (readable, ancestry, damage) {
            // Whoever wrote it wrote it: the columns alone are made anew.
            (Some(payload), Some(ancestry), _) => {
                Version { payload: Some(payload), ancestry, device: by, at: when, author }
            }
            // What it came from is unknown: it is a write of this device, and no other's.
            (Some(payload), None, _) => {
                let ancestry = self.tick(&Ancestry::new())?;
                Version { payload: Some(payload), ancestry, device, at, author: None }
            }
            (None, _, Damage::Payload) => {
                self.keep_unreadable(id, text.as_deref().unwrap_or_default())?;
                self.last_readable(parsed, row)?.unwrap_or(Version {
                    payload: None,
                    ancestry: Ancestry::new(),
                    device,
                    at,
                    author: None,
                })
            }
            (None, ancestry, _) => {
                Version { payload: None, ancestry: ancestry.unwrap_or_default(), device, at, author: None }
            }
        };
        self.rewrite(parsed, row, number, &version)
    }

    /// The newest older version that can be read, as a write of its own: it may be far behind.
    fn last_readable(&mut self, id: ProjectId, row: i64) -> Result<Option<Version>, StoreError> {
        let sql = "SELECT payload, ancestry, device, at, author FROM history WHERE record = ? AND payload IS NOT NULL \
                   ORDER BY version DESC";
        let mut statement = self.connection().prepare(sql)?;
        let mut rows = statement.query([row])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            let payload = self.payload(id, &text).ok().filter(|payload| payload.id() == id);
            let ancestry = record::ancestry(id, &row.get::<_, String>(1)?).ok();
            if let (Some(payload), Some(ancestry)) = (payload, ancestry) {
                return Ok(Some(Version {
                    payload: Some(payload),
                    ancestry,
                    device: row.get(2)?,
                    at: row.get(3)?,
                    author: row.get(4)?,
                }));
            }
        }
        Ok(None)
    }

    fn keep_unreadable(&self, id: &str, text: &str) -> Result<(), StoreError> {
        let text = self.lock()?.whole(id, text);
        // Under a name of its own: what the backend has of the record does not replace it.
        let (id, reason) = (format!("{id} (stored here)"), "what was stored here could not be read");
        let sql = "INSERT INTO unreadable (space, id, revision, envelope, reason) VALUES (?, ?, '', ?, ?) ON CONFLICT DO NOTHING";
        let text = self.envelope_column(&id, text.as_bytes())?;
        self.connection().execute(sql, (self.space(), id, text, reason))?;
        Ok(())
    }

    /// A record whose id is none: nothing can refer to it.
    fn drop_nameless(&self, id: &str) -> Result<(), StoreError> {
        let sql = "SELECT payload FROM records WHERE space = ? AND id = ?";
        let text: Option<String> = self.connection().query_row(sql, (self.space(), id), |row| row.get(0))?;
        self.keep_unreadable(id, text.as_deref().unwrap_or_default())?;
        self.connection().execute("DELETE FROM records WHERE space = ? AND id = ?", (self.space(), id))?;
        Ok(())
    }
}
