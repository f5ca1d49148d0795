//! Merging the fields of an object, each in the way of its kind.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::tasks::merge_tasks;
use super::{FieldConflict, Side};
use crate::project::{RawObject, raw};

/// How the values of a field are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As one value.
    Whole,
    /// A list whose members matter, not their number or place.
    Set,
    /// An object, by key.
    Map,
    /// A list of tasks, by number.
    Tasks,
    /// The later time.
    Later,
    /// The earlier time.
    Earlier,
}

/// Three versions of one object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) base: &'a RawObject,
    pub(super) ours: &'a RawObject,
    pub(super) theirs: &'a RawObject,
    pub(super) winner: Side,
}

/// Three versions of one value.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) base: Option<&'a RawValue>,
    pub(super) ours: Option<&'a RawValue>,
    pub(super) theirs: Option<&'a RawValue>,
    pub(super) winner: Side,
}

/// Merges three versions of an object; `path` is where it stands, with a dot at its end.
pub(super) fn merge_fields(
    sides: &Fields<'_>,
    kind: fn(&str) -> Kind,
    path: &str,
    conflicts: &mut Vec<FieldConflict>,
) -> RawObject {
    let (first, second) = match sides.winner {
        Side::Ours => (sides.ours, sides.theirs),
        Side::Theirs => (sides.theirs, sides.ours),
    };
    let keys =
        first.iter().chain(second.iter().filter(|(key, _)| first.get(key).is_none())).map(|(key, _)| key);
    let mut merged = RawObject::default();
    for key in keys {
        let values = Values {
            base: sides.base.get(key),
            ours: sides.ours.get(key),
            theirs: sides.theirs.get(key),
            winner: sides.winner,
        };
        merged.set(key, merge_value(&values, kind(key), &format!("{path}{key}"), conflicts));
    }
    merged
}

fn merge_value(
    values: &Values<'_>,
    kind: Kind,
    path: &str,
    conflicts: &mut Vec<FieldConflict>,
) -> Option<Box<RawValue>> {
    if let Some(one) = values.one_sided() {
        return one.map(ToOwned::to_owned);
    }
    let by_kind = match kind {
        Kind::Whole => None,
        Kind::Set => merge_set(values),
        Kind::Map => merge_map(values, path, conflicts),
        Kind::Tasks => merge_tasks(values, path, conflicts),
        Kind::Later => values.by_time(|ours, theirs| ours >= theirs),
        Kind::Earlier => values.by_time(|ours, theirs| ours <= theirs),
    };
    by_kind.or_else(|| values.contested(path, conflicts))
}

impl<'a> Values<'a> {
    /// The value, where at most one side changed it.
    fn one_sided(&self) -> Option<Option<&'a RawValue>> {
        let text = |value: Option<&'a RawValue>| value.map(RawValue::get);
        if text(self.ours) == text(self.theirs) || text(self.theirs) == text(self.base) {
            return Some(self.ours);
        }
        (text(self.ours) == text(self.base)).then_some(self.theirs)
    }

    /// Both sides changed it: the winner's value, and a conflict.
    fn contested(&self, path: &str, conflicts: &mut Vec<FieldConflict>) -> Option<Box<RawValue>> {
        let own = |value: Option<&RawValue>| value.map(ToOwned::to_owned);
        conflicts.push(FieldConflict {
            field: path.to_owned(),
            ours: own(self.ours),
            theirs: own(self.theirs),
        });
        own(if self.winner == Side::Ours { self.ours } else { self.theirs })
    }

    /// The side whose time fits; a time beats what is none.
    fn by_time(&self, ours_fits: impl Fn(Timestamp, Timestamp) -> bool) -> Option<Box<RawValue>> {
        let time = |value: Option<&RawValue>| {
            value
                .and_then(|value| serde_json::from_str::<String>(value.get()).ok()?.parse::<Timestamp>().ok())
        };
        let take_ours = match (time(self.ours), time(self.theirs)) {
            (Some(ours), Some(theirs)) => ours_fits(ours, theirs),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.winner == Side::Ours,
        };
        (if take_ours { self.ours } else { self.theirs }).map(ToOwned::to_owned)
    }
}

/// A list's members, as text. None where it is no list; nothing is an empty one.
fn members(value: Option<&RawValue>) -> Option<Vec<&RawValue>> {
    value.map_or(Some(Vec::new()), |value| serde_json::from_str(value.get()).ok())
}

/// Members that either side added, without those that either took out. In the winner's order, then the other's.
fn merge_set(values: &Values<'_>) -> Option<Box<RawValue>> {
    let (base, ours, theirs) = (members(values.base)?, members(values.ours)?, members(values.theirs)?);
    let has = |list: &[&RawValue], member: &RawValue| list.iter().any(|one| one.get() == member.get());
    let (first, second) = if values.winner == Side::Ours { (&ours, &theirs) } else { (&theirs, &ours) };
    let mut kept: Vec<&RawValue> = Vec::with_capacity(first.len() + second.len());
    for member in first.iter().chain(second) {
        let stays = !has(&base, member) || (has(&ours, member) && has(&theirs, member));
        if stays && !has(&kept, member) {
            kept.push(member);
        }
    }
    raw(&kept)
}

fn object(value: Option<&RawValue>) -> Option<RawObject> {
    value.map_or_else(|| Some(RawObject::default()), |value| RawObject::parse(value.get()).ok())
}

fn merge_map(values: &Values<'_>, path: &str, conflicts: &mut Vec<FieldConflict>) -> Option<Box<RawValue>> {
    let (base, ours, theirs) = (object(values.base)?, object(values.ours)?, object(values.theirs)?);
    let sides = Fields { base: &base, ours: &ours, theirs: &theirs, winner: values.winner };
    raw(&merge_fields(&sides, |_| Kind::Whole, &format!("{path}."), conflicts))
}
