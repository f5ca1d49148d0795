//! Ours has a text that does not open on this device any more: what becomes of it when the cloud's version comes.
//!
//! An ordinary sync takes nothing for it: the other fields are merged, the damaged one stays what it is, and what the cloud says of it
//! waits in a conflict if it was changed there. A forced one mends: with what the newest own version that the cloud does not have
//! said, so that no edit that was never sent gives way to an older text, else with the cloud's.

use serde_json::value::RawValue;

use super::{Session, SyncError};
use crate::project::{Payload, ProjectId};
use crate::store::{Ancestry, Record, Tracked, Tx, Version, damaged_fields};
use crate::sync::merge::{FieldConflict, Merged, Side, merge};
use crate::sync::options::Compare;

impl Session {
    /// Whether a person asked to mend what is damaged.
    fn mends(&self) -> bool {
        self.options.compare != Compare::Changes
    }

    /// What is damaged in ours is mended, as a write of this device; theirs is contained in ours. None: nothing is so.
    pub(super) fn heal(
        &mut self,
        tx: &mut Tx<'_>,
        id: ProjectId,
        theirs: &Version,
    ) -> Result<Option<Tracked>, SyncError> {
        if !self.mends() {
            return Ok(None);
        }
        let Some(current) = tx.record(id)? else { return Ok(None) };
        let Some(ours) = &current.version.payload else { return Ok(None) };
        let (mut changes, mut waiting) = (Vec::new(), Vec::new());
        for field in damaged_fields(ours) {
            let Some((value, other)) = mended(tx, &current, field, theirs)? else { continue };
            if let Some(theirs) = other {
                waiting.push(FieldConflict { field: field.to_owned(), ours: value.clone(), theirs });
            }
            changes.push((field, value));
        }
        if changes.is_empty() {
            return Ok(None);
        }
        let payload = ours.with(changes).ok();
        let ancestry = tx.tick(&current.version.ancestry)?;
        let (device, at) = (tx.writer()?.device.clone(), tx.at().to_owned());
        let record = tx.put(id, Some(current), Version { payload, ancestry, device, at, author: None })?;
        for FieldConflict { field, ours, theirs: cloud } in waiting {
            tx.add_conflict(&record, &field, ours.as_deref(), cloud.as_deref(), theirs)?;
            self.tell_conflict(&record, field);
        }
        Ok(tx.tracked(id)?)
    }

    /// As [`merge`], where something in ours, or in the base, may be damaged.
    pub(super) fn merge_around(
        &self,
        tx: &Tx<'_>,
        current: &Record,
        base: Option<&Payload>,
        theirs: &Version,
        winner: Side,
    ) -> Result<Merged, SyncError> {
        let ours = current.version.payload.as_ref();
        let damaged: Vec<&str> = ours.into_iter().flat_map(damaged_fields).collect();
        // What is damaged in the base is not known, and counts as changed on both sides.
        let unknown: Vec<&str> = base.into_iter().flat_map(damaged_fields).collect();
        let known = without(base, &unknown);
        let (Some(ours), false) = (ours, damaged.is_empty()) else {
            return Ok(merge(known.as_ref(), ours, theirs.payload.as_ref(), winner));
        };
        let Some(there) = &theirs.payload else {
            // An edit beats a delete, and is mended by the next comparison, which knows the delete.
            return Ok(merge(known.as_ref(), Some(ours), None, winner));
        };
        if self.mends() {
            let mut changes = Vec::new();
            for field in damaged {
                let own = tx.unsent_text(current, field, &theirs.ancestry)?;
                let own = own.as_ref().and_then(|own| own.payload.as_ref()?.get(field));
                changes.push((field, own.or(there.get(field)).map(ToOwned::to_owned)));
            }
            let mended = ours.with(changes).ok();
            return Ok(merge(known.as_ref(), mended.as_ref().or(Some(ours)), Some(there), winner));
        }
        let [base, mine, other] =
            [known.as_ref(), Some(ours), Some(there)].map(|side| without(side, &damaged));
        let mut merged = merge(base.as_ref(), mine.as_ref(), other.as_ref(), winner);
        let mut changes = Vec::new();
        for field in damaged {
            let value = there.get(field);
            let was = known.as_ref().and_then(|base| base.get(field));
            let is_changed = !is_same(value, was);
            let stands = if is_changed && winner == Side::Theirs { value } else { ours.get(field) };
            changes.push((field, stands.map(ToOwned::to_owned)));
            if is_changed {
                let theirs = value.map(ToOwned::to_owned);
                merged.conflicts.push(FieldConflict { field: field.to_owned(), ours: None, theirs });
            }
        }
        let whole = merged.payload.as_ref().and_then(|payload| payload.with(changes).ok());
        // Too large together: ours stays, and what theirs says is in the version that is filed below it.
        Ok(Merged { payload: Some(whole.unwrap_or_else(|| ours.clone())), ..merged })
    }
}

/// What a damaged field of `current` is to be, given what theirs says, and what of theirs has to wait beside that. None: nobody knows.
type Mended = (Option<Box<RawValue>>, Option<Option<Box<RawValue>>>);

fn mended(tx: &Tx<'_>, current: &Record, field: &str, theirs: &Version) -> Result<Option<Mended>, SyncError> {
    let text = |version: &Version| {
        version.payload.as_ref().and_then(|payload| payload.get(field)).map(ToOwned::to_owned)
    };
    if theirs.payload.is_none() {
        // It was deleted there, and edited here: what it was last.
        let last = match tx.unsent_text(current, field, &theirs.ancestry)? {
            None => tx.unsent_text(current, field, &Ancestry::new())?,
            unsent => unsent,
        };
        return Ok(last.map(|last| (text(&last), None)));
    }
    let there = text(theirs);
    let Some(version) = tx.unsent_text(current, field, &theirs.ancestry)? else {
        return Ok(Some((there, None)));
    };
    let own = text(&version);
    let mut then = current.clone();
    then.version = version;
    let base = tx.common_version(&then, None, &theirs.ancestry)?.and_then(|base| base.payload);
    let was = base.as_ref().filter(|base| !damaged_fields(base).any(|damaged| damaged == field));
    let is_as_it_was = |value: Option<&RawValue>| was.is_some_and(|was| is_same(value, was.get(field)));
    if is_as_it_was(own.as_deref()) {
        return Ok(Some((there, None)));
    }
    let waits = !is_as_it_was(there.as_deref()) && !is_same(own.as_deref(), there.as_deref());
    Ok(Some((own, waits.then_some(there))))
}

fn is_same(one: Option<&RawValue>, other: Option<&RawValue>) -> bool {
    one.map(RawValue::get) == other.map(RawValue::get)
}

fn without(payload: Option<&Payload>, fields: &[&str]) -> Option<Payload> {
    let payload = payload?;
    Some(payload.with(fields.iter().map(|field| (*field, None))).unwrap_or_else(|_| payload.clone()))
}
