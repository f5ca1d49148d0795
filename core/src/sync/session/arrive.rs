//! A version of the other side arrives, on a page or in the place of ours: what becomes of the record.

use std::collections::BTreeSet;

use super::{Session, SyncError};
use crate::project::{Payload, ProjectId};
use crate::seal::keys::Opened;
use crate::store::{Agreed, Ancestry, ListingGoal, Record, There, Tracked, Tx, Version};
use crate::sync::ancestry::{Relation, contains, join, relation};
use crate::sync::envelope::Unreadable;
use crate::sync::event::{Event, What};
use crate::sync::merge::{Merged, Side};
use crate::sync::options::Compare;
use crate::sync::provider::{Revision, Stored};

impl Session {
    /// Takes in a version. False: it cannot be read; it was set aside, and what is here stays.
    pub(super) fn arrive(&mut self, tx: &mut Tx<'_>, id: &str, stored: Stored) -> Result<bool, SyncError> {
        let Stored { revision, envelope } = stored;
        let read = match id.parse::<ProjectId>() {
            Ok(id) => self.options.keys.read(id, &envelope).map(|theirs| (id, theirs)),
            Err(_) => Err(Unreadable::Id),
        };
        let (id, Opened { version: theirs, epoch, refused }) = match read {
            Ok(read) => read,
            Err(why) => {
                self.set_aside_theirs(tx, id, &revision, &envelope, &why.to_string())?;
                return Ok(false);
            }
        };
        let there = There { revision, epoch };
        if let Some(why) = refused {
            let is_over = self.go_over(tx, &there, id, &theirs)?;
            if !is_over {
                self.set_aside_theirs(tx, id.as_str(), &there.revision, &envelope, &why.to_string())?;
            }
            return Ok(is_over);
        }
        if self.has_aside {
            tx.clear_aside(id)?;
        }
        let known = tx.tracked(id)?;
        let known = if self.is_copy(tx, id, known.as_ref(), &theirs)? { tx.tracked(id)? } else { known };
        match known {
            None => self.add(tx, id, there, theirs)?,
            Some(known) => self.meet_known(tx, id, known, there, theirs)?,
        }
        if !self.is_fit(epoch)
            && let Some(known) = tx.tracked(id)?
        {
            tx.mark_form(known.row)?;
        }
        if self.options.dry_run {
            self.met.insert(id);
        }
        Ok(true)
    }

    fn set_aside_theirs(
        &mut self,
        tx: &Tx<'_>,
        id: &str,
        revision: &Revision,
        envelope: &[u8],
        reason: &str,
    ) -> Result<(), SyncError> {
        tx.set_aside(id, revision, envelope, reason)?;
        self.has_aside = true;
        if let Ok(id) = id.parse() {
            tx.mark_listed(id, self.state.listing)?;
            self.met.insert(id);
        }
        // It may be anything, of any length, and goes to terminals.
        let id = id.escape_debug().take(80).collect();
        let what = What::Unreadable { reason: reason.to_owned() };
        self.events.push(Event { id, name: String::new(), what });
        Ok(())
    }

    fn add(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        there: There,
        theirs: Version,
    ) -> Result<(), SyncError> {
        if let Some(payload) = &theirs.payload {
            self.tell_of(id, payload, What::Added);
        }
        tx.add_agreed(id, &theirs, &there, self.state.listing)?;
        Ok(())
    }

    fn meet_known(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        mut known: Tracked,
        there: There,
        theirs: Version,
    ) -> Result<(), SyncError> {
        tx.mark_row_listed(known.row, self.state.listing)?;
        if self.decides_whole(id) {
            return self.decide(tx, id, known, there, theirs);
        }
        if known.agreed.revision() == Some(&there.revision) && self.state.goal != Some(ListingGoal::Compare) {
            return Ok(());
        }
        if let Some(sent) = known.sent_at
            && let ours = tx.ancestry_at(id, &known, sent)?
            && contains(&theirs.ancestry, &ours)
        {
            // Ours arrived, whatever came on top of it.
            if theirs.ancestry == ours {
                self.tell_pushed(id, &theirs);
                if let Some(author) = &theirs.author {
                    tx.note_author(known.row, sent, author)?;
                }
            }
            known.agreed = Agreed { base_at: Some(sent), clean_at: Some(sent), ..known.agreed };
            tx.agree(known.row, &known.agreed)?;
        }
        match relation(&theirs.ancestry, &known.ancestry) {
            Relation::Same => self.meet_same(tx, id, &known, there, theirs),
            Relation::After => self.replace(tx, id, there, theirs),
            Relation::Before => self.say_again(tx, id, &known, there, &theirs),
            Relation::Concurrent => self.merge_in(tx, id, &known, there, theirs),
        }
    }

    /// The same writes: the same version, unless a merge came out differently there.
    fn meet_same(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        known: &Tracked,
        there: There,
        theirs: Version,
    ) -> Result<(), SyncError> {
        let is_equal = tx.record(id)?.is_some_and(|record| record.version.payload == theirs.payload);
        match (is_equal, known.is_dirty()) {
            (true, _) => Ok(tx.agree(known.row, &Agreed::on(known.number, there))?),
            (false, false) => self.replace(tx, id, there, theirs),
            (false, true) => self.say_again(tx, id, known, there, &theirs),
        }
    }

    /// It went up, turns out to have gone up before, or would go up.
    fn tell_pushed(&mut self, id: ProjectId, version: &Version) {
        let name = version.payload.as_ref().map(Payload::name).unwrap_or_default();
        let what = if version.payload.is_some() { What::Pushed } else { What::PushedDelete };
        self.events.push(Event { id: id.to_string(), name, what });
    }

    /// It comes after ours.
    fn replace(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        there: There,
        theirs: Version,
    ) -> Result<(), SyncError> {
        let current = tx.record(id)?;
        let before = current.as_ref().and_then(|record| record.version.payload.clone());
        match (&before, &theirs.payload) {
            (_, Some(now)) => self.tell_of(id, now, What::Pulled),
            (Some(before), None) => self.tell_of(id, before, What::Deleted),
            (None, None) => {}
        }
        if let Some(current) = &current {
            self.settle_decided(tx, current, theirs.payload.as_ref())?;
        }
        let lost = current.as_ref().map(|current| current.number);
        let record = tx.put(id, current, theirs)?;
        if let Some(lost) = lost {
            self.note_overwritten(tx, &record, lost, None)?;
        }
        Ok(tx.agree_on(&record, &Agreed::on(record.number, there))?)
    }

    /// It comes before ours: a page that lags, or a backend that was put back. Ours is said again.
    fn say_again(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        known: &Tracked,
        there: There,
        theirs: &Version,
    ) -> Result<(), SyncError> {
        let healed = self.heal(tx, id, theirs)?;
        let known = healed.as_ref().unwrap_or(known);
        let base_at = match known.agreed.base_at {
            Some(base) if contains(&tx.ancestry_at(id, known, base)?, &theirs.ancestry) => base,
            _ => match tx.find_version(id, known.row, &theirs.ancestry)? {
                Some(number) => number,
                None => tx.slip_in(known, id, theirs)?,
            },
        };
        if self.options.dry_run && !known.is_dirty() {
            self.tell_offered(tx, id)?;
        }
        let agreed = Agreed { base_at: Some(base_at), there: Some(there), clean_at: None };
        Ok(tx.agree(known.row, &agreed)?)
    }

    /// In a dry run: a record that counts as agreed would be sent.
    fn tell_offered(&mut self, tx: &Tx<'_>, id: ProjectId) -> Result<(), SyncError> {
        if let Some(record) = tx.record(id)? {
            self.tell_pushed(id, &record.version);
        }
        Ok(())
    }

    /// Neither contains the other.
    fn merge_in(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        known: &Tracked,
        there: There,
        theirs: Version,
    ) -> Result<(), SyncError> {
        let Some(current) = tx.record(id)? else {
            return Ok(());
        };
        let base = tx.common_version(&current, known.agreed.base_at, &theirs.ancestry)?;
        let base = base.and_then(|base| base.payload);
        let ours = current.version.payload.clone();
        let (is_local, is_cloud) = (self.options.decide.is_local(id), self.options.decide.is_cloud(id));
        let winner = if is_cloud { Side::Theirs } else { Side::Ours };
        let Merged { payload, conflicts, moved } =
            self.merge_around(tx, &current, base.as_ref(), &theirs, winner)?;
        for task in &moved {
            tx.move_conflicts(&current, &task.from, &task.to)?;
        }
        if payload == theirs.payload {
            return self.replace(tx, id, there, theirs);
        }
        self.tell_merged(id, payload.as_ref().or(ours.as_ref()));
        let lost = current.number;
        let record = self.put_on_top(tx, current, there, &theirs, payload)?;
        if is_local {
            let fields = conflicts.iter().map(|conflict| conflict.field.clone()).collect();
            if !conflicts.is_empty() {
                self.note_overwritten(tx, &record, record.number - 1, Some(fields))?;
            }
        } else {
            self.note_overwritten(tx, &record, lost, None)?;
        }
        if !is_local && !is_cloud {
            for conflict in conflicts {
                let (ours, cloud) = (conflict.ours.as_deref(), conflict.theirs.as_deref());
                tx.add_conflict(&record, &conflict.field, ours, cloud, &theirs)?;
                self.tell_conflict(&record, conflict.field);
            }
        }
        Ok(())
    }

    /// Ours, or what was merged, becomes a write of its own on top of both.
    fn put_on_top(
        &mut self,
        tx: &mut Tx<'_>,
        current: Record,
        there: There,
        theirs: &Version,
        payload: Option<Payload>,
    ) -> Result<Record, SyncError> {
        self.settle_decided(tx, &current, payload.as_ref())?;
        let ancestry = tx.tick(&join(&current.version.ancestry, &theirs.ancestry))?;
        let (device, at) = (tx.writer()?.device.clone(), tx.at().to_owned());
        let merged = Version { payload, ancestry, device, at, author: None };
        let (record, base_at) = tx.put_over(current, theirs, merged)?;
        let agreed = Agreed { base_at: Some(base_at), there: Some(there), clean_at: None };
        tx.agree_on(&record, &agreed)?;
        Ok(record)
    }

    /// Who says that the cloud wins has chosen for the fields that it changes here.
    fn settle_decided(&self, tx: &Tx<'_>, current: &Record, now: Option<&Payload>) -> Result<(), SyncError> {
        if self.options.decide.is_cloud(current.id) {
            tx.settle_changed(current, now)?;
        }
        Ok(())
    }

    /// Keeps the way back to what gave way, where the person asked for something that needs one.
    fn note_overwritten(
        &self,
        tx: &Tx<'_>,
        record: &Record,
        lost: u64,
        fields: Option<BTreeSet<String>>,
    ) -> Result<(), SyncError> {
        match self.options.point {
            Some(point) => Ok(tx.note_overwritten(point, record, lost, fields)?),
            None => Ok(()),
        }
    }

    /// Whether one side's version of the record is to win as a whole.
    fn decides_whole(&self, id: ProjectId) -> bool {
        let decide = &self.options.decide;
        self.options.compare != Compare::Changes && (decide.is_local(id) || decide.is_cloud(id))
    }

    fn decide(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        known: Tracked,
        there: There,
        theirs: Version,
    ) -> Result<(), SyncError> {
        let Some(current) = tx.record(id)? else {
            return Ok(());
        };
        if current.version.payload == theirs.payload {
            return match relation(&theirs.ancestry, &known.ancestry) {
                Relation::Same => Ok(tx.agree(known.row, &Agreed::on(known.number, there))?),
                Relation::Before => self.say_again(tx, id, &known, there, &theirs),
                _ => self.take_quietly(tx, id, current, there, theirs),
            };
        }
        if !self.options.decide.is_local(id) {
            return self.replace(tx, id, there, theirs);
        }
        match relation(&theirs.ancestry, &known.ancestry) {
            Relation::Before => self.say_again(tx, id, &known, there, &theirs),
            _ => {
                let payload = current.version.payload.clone();
                self.tell_merged(id, payload.as_ref().or(theirs.payload.as_ref()));
                let record = self.put_on_top(tx, current, there, &theirs, payload)?;
                self.note_overwritten(tx, &record, record.number - 1, None)
            }
        }
    }

    /// Their version says the same as ours.
    fn take_quietly(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        current: Record,
        there: There,
        theirs: Version,
    ) -> Result<(), SyncError> {
        let record = tx.put(id, Some(current), theirs)?;
        Ok(tx.agree_on(&record, &Agreed::on(record.number, there))?)
    }

    /// Both sides had the record, and a full listing did not show it.
    pub(super) fn is_gone(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        goal: ListingGoal,
    ) -> Result<(), SyncError> {
        let Some(known) = tx.tracked(id)? else {
            return Ok(());
        };
        let nothing_to_do = known.is_tombstone && !known.is_dirty();
        if nothing_to_do || known.is_dirty() || goal != ListingGoal::Delete {
            if self.options.dry_run && !nothing_to_do && !known.is_dirty() {
                self.tell_offered(tx, id)?;
            }
            let clean_at = nothing_to_do.then_some(known.number);
            let agreed = Agreed { base_at: known.agreed.base_at, there: None, clean_at };
            return Ok(tx.agree(known.row, &agreed)?);
        }
        let Some(current) = tx.record(id)? else {
            return Ok(());
        };
        if let Some(payload) = &current.version.payload {
            self.tell_of(id, payload, What::Deleted);
        }
        // A version of it that could not be read is gone there, too.
        tx.forget_aside(id.as_str())?;
        // It is not a write of ours: it contains what the record contained.
        let tombstone = Version { payload: None, ..current.version.clone() };
        let lost = current.number;
        let record =
            tx.put(id, Some(current), Version { at: tx.at().to_owned(), author: None, ..tombstone })?;
        self.note_overwritten(tx, &record, lost, None)?;
        let agreed = Agreed { base_at: Some(record.number), there: None, clean_at: Some(record.number) };
        Ok(tx.agree_on(&record, &agreed)?)
    }

    /// Whether the version has a write in our name that no version here knows of. Then this store is an older state or a copy of
    /// itself: it takes another name, for what it has not sent, too.
    fn is_copy(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        known: Option<&Tracked>,
        theirs: &Version,
    ) -> Result<bool, SyncError> {
        let writer = tx.writer()?.name.clone();
        let Some(newest) = theirs.ancestry.get(&writer).copied() else {
            return Ok(false);
        };
        if let Some(known) = known {
            let base = match known.agreed.base_at {
                Some(base) => tx.ancestry_at(id, known, base)?,
                None => Ancestry::new(),
            };
            let is_known = known.forgotten >= newest
                || base.get(&writer).is_some_and(|clock| *clock >= newest)
                || known.ancestry.get(&writer) == Some(&newest)
                || tx.remembers_write(id, known.row, &writer, newest)?;
            if is_known {
                return Ok(false);
            }
        }
        self.become_another(tx, &writer)?;
        Ok(true)
    }

    fn become_another(&mut self, tx: &mut Tx<'_>, old: &str) -> Result<(), SyncError> {
        tx.rename_writer()?;
        self.summary.was_a_copy = true;
        for id in tx.dirty_ids()? {
            let (Some(current), Some(known)) = (tx.record(id)?, tx.tracked(id)?) else {
                continue;
            };
            let base = match known.agreed.base_at {
                Some(number) => tx.ancestry_at(id, &known, number)?,
                None => Ancestry::new(),
            };
            let mut seen = current.version.ancestry.clone();
            match base.get(old) {
                Some(clock) => drop(seen.insert(old.to_owned(), *clock)),
                None => drop(seen.remove(old)),
            }
            let ancestry = tx.tick(&seen)?;
            let version = Version { ancestry, ..current.version.clone() };
            let record = tx.put(id, Some(current), version)?;
            tx.agree_on(&record, &Agreed { clean_at: None, ..known.agreed })?;
        }
        Ok(())
    }

    fn tell_of(&mut self, id: ProjectId, payload: &Payload, what: What) {
        self.events.push(Event { id: id.to_string(), name: payload.name(), what });
    }

    fn tell_merged(&mut self, id: ProjectId, payload: Option<&Payload>) {
        let name = payload.map(Payload::name).unwrap_or_default();
        self.events.push(Event { id: id.to_string(), name, what: What::Merged });
    }

    pub(super) fn tell_conflict(&mut self, record: &Record, field: String) {
        let name = record.version.payload.as_ref().map(Payload::name).unwrap_or_default();
        self.events.push(Event { id: record.id.to_string(), name, what: What::Conflict { field } });
    }
}
