//! The form in which the other side holds each record: plain, or sealed under an epoch of the account's key.
//!
//! A record whose form is not wanted any more is marked to be sent again as it is. The ordinary sync does the rest, so that a change
//! over goes on where it was broken off. Statements that go over all records are for such a change alone.

use rusqlite::OptionalExtension as _;

use super::{Agreed, Parked, StoreError, There, Tracked, Tx};
use crate::sync::document::epoch_of;
use crate::sync::provider::{Revision, Stored};

impl Tx<'_> {
    /// From now on no record is to stay on the other side in an older form than this epoch's. Returns how many have to go again. Goes
    /// over all records.
    pub fn reseal_below(&mut self, epoch: u32) -> Result<u64, StoreError> {
        self.set_resealing(Some(epoch))?;
        self.mark_below(epoch)
    }

    /// From now on no record is to stay sealed on the other side. Returns how many have to go again. Goes over all records.
    pub fn unseal_all(&mut self) -> Result<u64, StoreError> {
        self.set_resealing(Some(0))?;
        self.mark_sealed()
    }

    /// The change over that this device saw to has come to its end.
    pub fn end_reseal(&mut self) -> Result<(), StoreError> {
        self.set_resealing(None)
    }

    fn set_resealing(&self, epoch: Option<u32>) -> Result<(), StoreError> {
        let sql = "UPDATE spaces SET resealing = ? WHERE rowid = ?";
        self.connection().prepare_cached(sql)?.execute((epoch, self.space()))?;
        Ok(())
    }

    /// Records that the other side holds in an older form than this epoch's go again.
    pub fn mark_below(&self, epoch: u32) -> Result<u64, StoreError> {
        self.mark("epoch < ?2", epoch)
    }

    /// Records that the other side holds sealed go again.
    pub fn mark_sealed(&self) -> Result<u64, StoreError> {
        self.mark("epoch > ?2", 0)
    }

    /// The keys that were here turned out not to be the account's: all that the other side holds goes again. Goes over all records.
    pub fn seal_anew(&mut self) -> Result<u64, StoreError> {
        let sql = "UPDATE spaces SET resealing = NULL, document = 0 WHERE rowid = ?";
        self.connection().prepare_cached(sql)?.execute([self.space()])?;
        self.mark("epoch >= ?2", 0)
    }

    fn mark(&self, form: &str, epoch: u32) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE tracking SET clean_at = 0 WHERE space = ?1 AND clean_at IS version AND revision IS NOT NULL AND {form}"
        );
        Ok(self.connection().prepare(&sql)?.execute((self.space(), epoch))? as u64)
    }

    /// The record of this row, if it is agreed, goes again in another form.
    pub fn mark_form(&self, row: i64) -> Result<(), StoreError> {
        let sql = "UPDATE tracking SET clean_at = 0 WHERE record = ? AND clean_at IS version AND revision IS NOT NULL";
        self.connection().prepare_cached(sql)?.execute([row])?;
        Ok(())
    }

    /// How many records the other side holds in an older form than this epoch's; 0: how many sealed. Goes over all records.
    pub fn count_in_other_form(&self, epoch: u32) -> Result<u64, StoreError> {
        let form = if epoch == 0 { "epoch > ?2" } else { "epoch < ?2" };
        let sql =
            format!("SELECT count(*) FROM tracking WHERE space = ?1 AND revision IS NOT NULL AND {form}");
        Ok(self.connection().query_row(&sql, (self.space(), epoch), |row| row.get(0))?)
    }

    /// The other side holds a version in a form that is not accepted, which says nothing that ours does not contain: ours goes over
    /// it. What is on the wire stays so. `base_at`: our own version of the same writes, where there is one.
    pub fn go_over(&self, known: &Tracked, there: &There, base_at: u64) -> Result<(), StoreError> {
        let clean_at = (!known.is_dirty() && base_at == known.number).then_some(Agreed::IN_ANOTHER_FORM);
        let sql = "UPDATE tracking SET base_at = ?, revision = ?, epoch = ?, clean_at = ?, parked_at = NULL, parked = NULL \
                   WHERE record = ?";
        let values = (base_at, &there.revision.0, there.epoch, clean_at, known.row);
        self.connection().prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// Which versions could not be read: all, or those that are to be tried again.
    pub fn aside(&self, all: bool) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT id FROM unreadable WHERE space = ? AND revision <> '' AND (? OR again) ORDER BY id";
        let mut statement = self.connection().prepare_cached(sql)?;
        let ids = statement.query_map((self.space(), all), |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// One of them. Each may be as large as a record can be, and a backend can have any number set aside: they are looked at singly.
    pub fn unread(&self, id: &str) -> Result<Option<Stored>, StoreError> {
        let sql = "SELECT revision, envelope FROM unreadable WHERE space = ? AND id = ? AND revision <> ''";
        let found = self.connection().prepare_cached(sql)?.query_row((self.space(), id), |row| {
            Ok(Stored { revision: Revision(row.get(0)?), envelope: row.get(1)? })
        });
        let Some(stored) = found.optional()? else { return Ok(None) };
        let envelope = self.envelope(id, stored.envelope)?;
        Ok(Some(Stored { envelope, ..stored }))
    }

    /// How many records keep the floor from being raised to this epoch: those that the other side holds in an older form, and those
    /// that came in one, are accepted by the floor of now, and cannot be read here. Nobody may be able to take them in after that.
    pub fn count_below(&self, floor: u32, epoch: u32) -> Result<u64, StoreError> {
        Ok(self.count_in_other_form(epoch)? + self.unread_below(floor, epoch)?.len() as u64)
    }

    fn unread_below(&self, floor: u32, epoch: u32) -> Result<Vec<String>, StoreError> {
        let mut below = Vec::new();
        for id in self.aside(true)? {
            let stored = self.unread(&id)?;
            let form = stored.and_then(|stored| epoch_of(&stored.envelope));
            if form.is_some_and(|form| (floor..epoch).contains(&form)) {
                below.push(id);
            }
        }
        Ok(below)
    }

    /// Of those, the ones that no sync gets on with: what the other side does not take, and what cannot be read here.
    pub fn stuck_below(&self, floor: u32, epoch: u32) -> Result<Vec<Parked>, StoreError> {
        let sql = "SELECT r.id, r.name, t.parked, 0 FROM tracking t CROSS JOIN records r ON r.rowid = t.record \
                   WHERE t.space = ?1 AND t.version IS NOT t.clean_at AND t.parked_at IS t.version \
                   AND t.revision IS NOT NULL AND t.epoch < ?2 ORDER BY 1";
        let mut statement = self.connection().prepare(sql)?;
        let rejected = statement.query_map((self.space(), epoch), super::parked::parked)?;
        let mut stuck: Vec<Parked> = rejected.collect::<Result<_, _>>()?;
        let sql = "SELECT u.id, r.name, u.reason, 1 FROM unreadable u LEFT JOIN records r ON r.space = u.space AND r.id = u.id \
                   WHERE u.space = ? AND u.id = ?";
        let mut statement = self.connection().prepare_cached(sql)?;
        for id in self.unread_below(floor, epoch)? {
            stuck.push(statement.query_row((self.space(), id), super::parked::parked)?);
        }
        Ok(stuck)
    }
}
