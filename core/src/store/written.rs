//! Who wrote the value that stands beside a conflict: found in the record's history, one record at a time.

use rusqlite::Row;

use super::record::ancestry;
use super::{Ancestry, Conflict, Store, StoreError, field};
use crate::project::{Payload, ProjectId};

/// Who wrote a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The device.
    pub device: String,
    /// When, RFC 3339.
    pub at: String,
}

struct Old {
    payload: Option<Payload>,
    ancestry: Ancestry,
    written: Written,
}

impl Store {
    /// Who wrote the value that stands, as far back as this store's history tells. None: the project is gone.
    pub fn written(&self, conflict: &Conflict) -> Result<Option<Written>, StoreError> {
        let Some(newest) = self.found(conflict.id)? else {
            return Ok(None);
        };
        let is_same = |payload: &Option<Payload>| {
            let value = payload.as_ref().and_then(|payload| field::value_of(payload, &conflict.field));
            value.as_ref().map(|value| value.get()) == conflict.local.as_ref().map(|value| value.get())
        };
        let mut written = Written { device: newest.version.device, at: newest.version.at };
        let sql = "SELECT payload, ancestry, device, at FROM history WHERE record = ? ORDER BY version DESC";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([newest.row])?;
        let mut newer: Option<Old> = None;
        while let Some(row) = rows.next()? {
            let older = self.old(conflict.id, row)?;
            let stood = newer.replace(older);
            let Some((stood, before)) = stood.zip(newer.as_ref()) else { continue };
            // What was filed below a merge does not contain what stood here before it, and never stood itself.
            if !contains(&stood.ancestry, &before.ancestry) {
                continue;
            }
            if !is_same(&stood.payload) {
                return Ok(Some(written));
            }
            written = stood.written;
        }
        Ok(Some(match newer {
            Some(first) if is_same(&first.payload) => first.written,
            _ => written,
        }))
    }

    fn old(&self, id: ProjectId, row: &Row<'_>) -> Result<Old, StoreError> {
        let text: Option<String> = row.get(0)?;
        Ok(Old {
            payload: text.map(|text| self.payload(id, &text)).transpose()?,
            ancestry: ancestry(id, &row.get::<_, String>(1)?)?,
            written: Written { device: row.get(2)?, at: row.get(3)? },
        })
    }
}

pub(super) fn contains(version: &Ancestry, other: &Ancestry) -> bool {
    other.iter().all(|(writer, clock)| version.get(writer).is_some_and(|has| has >= clock))
}
