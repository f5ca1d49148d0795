//! Merging the fields of an object, each in the way of its kind.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::order::Orders;
use super::references::Level;
use super::tasks::merge_tasks;
use super::{FieldConflict, Side, Told};
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
    Tasks(Level),
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
    told: &mut Told,
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
        merged.set(key, merge_value(&values, kind(key), &format!("{path}{key}"), told));
    }
    merged
}

fn merge_value(values: &Values<'_>, kind: Kind, path: &str, told: &mut Told) -> Option<Box<RawValue>> {
    if let Some(one) = values.one_sided() {
        return one.map(ToOwned::to_owned);
    }
    let by_kind = match kind {
        Kind::Whole => None,
        Kind::Set => merge_set(values),
        Kind::Map => merge_map(values, path, told),
        Kind::Tasks(level) => merge_tasks(values, level, path, told),
        Kind::Later => values.by_time(|ours, theirs| ours >= theirs),
        Kind::Earlier => values.by_time(|ours, theirs| ours <= theirs),
    };
    by_kind.or_else(|| values.contested(path, told))
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
    fn contested(&self, path: &str, told: &mut Told) -> Option<Box<RawValue>> {
        let own = |value: Option<&RawValue>| value.map(ToOwned::to_owned);
        told.conflicts.push(FieldConflict {
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

/// Members that either side added, without those that either took out.
fn merge_set(values: &Values<'_>) -> Option<Box<RawValue>> {
    let (base, ours, theirs) =
        (Members::read(values.base)?, Members::read(values.ours)?, Members::read(values.theirs)?);
    let order = Orders {
        base: &base.spellings(),
        ours: &ours.spellings(),
        theirs: &theirs.spellings(),
        winner: values.winner,
    };
    let (first, second) = if values.winner == Side::Ours { (&ours, &theirs) } else { (&theirs, &ours) };
    let stays = |member: &&str| {
        let in_both = || first.get(member).is_some() && second.get(member).is_some();
        base.get(member).is_none() || in_both()
    };
    let kept = order.merged().into_iter().filter(stays);
    raw(&kept.filter_map(|member| first.get(member).or_else(|| second.get(member))).collect::<Vec<_>>())
}

/// A list's members by their one spelling, each once, in their order.
struct Members<'a> {
    list: Vec<(String, &'a RawValue)>,
    places: HashMap<String, usize>,
}

impl<'a> Members<'a> {
    /// None where it is no list; nothing is an empty one.
    fn read(value: Option<&'a RawValue>) -> Option<Self> {
        let raws: Vec<&RawValue> =
            value.map_or(Some(Vec::new()), |value| serde_json::from_str(value.get()).ok())?;
        let (mut list, mut places) = (Vec::with_capacity(raws.len()), HashMap::with_capacity(raws.len()));
        for member in raws {
            let spelling = spelling(member);
            if !places.contains_key(&spelling) {
                places.insert(spelling.clone(), list.len());
                list.push((spelling, member));
            }
        }
        Some(Self { list, places })
    }

    fn get(&self, member: &str) -> Option<&'a RawValue> {
        self.places.get(member).and_then(|at| self.list.get(*at)).map(|(_, value)| *value)
    }

    fn spellings(&self) -> Vec<&str> {
        self.list.iter().map(|(spelling, _)| &**spelling).collect()
    }
}

/// `"\u0041"` and `"A"` are the same member.
fn spelling(member: &RawValue) -> String {
    let text = member.get();
    let one = text.contains('\\').then(|| serde_json::from_str::<String>(text).ok()).flatten();
    one.and_then(|one| serde_json::to_string(&one).ok()).unwrap_or_else(|| text.to_owned())
}

fn object(value: Option<&RawValue>) -> Option<RawObject> {
    value.map_or_else(|| Some(RawObject::default()), |value| RawObject::parse(value.get()).ok())
}

fn merge_map(values: &Values<'_>, path: &str, told: &mut Told) -> Option<Box<RawValue>> {
    let (base, ours, theirs) = (object(values.base)?, object(values.ours)?, object(values.theirs)?);
    let sides = Fields { base: &base, ours: &ours, theirs: &theirs, winner: values.winner };
    raw(&merge_fields(&sides, |_| Kind::Whole, &format!("{path}."), told))
}
