//! Merging two versions of a project that were written without knowledge of each other, three ways, field by field.
//!
//! What one side alone changed since the base is taken from that side. A field that both changed goes to the winner, and the
//! other value becomes a [`FieldConflict`]. Lists of tags and of tasks and the map of MCP servers are merged by their members, so
//! that two additions are no conflict. An edit beats a delete. Nothing comes out that nobody put in, but the numbers of tasks
//! and what refers to them (see `tasks`).

mod order;
mod references;
mod tasks;
mod value;

use serde_json::value::RawValue;

use crate::project::{Payload, RawObject};
use references::Level;
use value::{Fields, Kind, merge_fields};

/// One of the two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// This store's.
    Ours,
    /// The one that arrived. It reached the backend first.
    Theirs,
}

/// A field that both sides changed.
#[derive(Debug, Clone)]
pub struct FieldConflict {
    /// Where: `name`, `mcpServers.NAME`, `manualTasks.3.title`.
    pub field: String,
    /// What this store has; none: nothing.
    pub ours: Option<Box<RawValue>>,
    /// What arrived.
    pub theirs: Option<Box<RawValue>>,
}

/// A task, or a subtask, of ours that has another number now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedTask {
    /// Where it was: `manualTasks.3`.
    pub from: String,
    /// Where it is: `manualTasks.5`.
    pub to: String,
}

/// The outcome of a merge.
#[derive(Debug, Clone)]
pub struct Merged {
    /// None: a tombstone.
    pub payload: Option<Payload>,
    /// Fields that both sides changed; the payload has the winner's values.
    pub conflicts: Vec<FieldConflict>,
    /// Our tasks that gave their numbers to others. The conflicts name them by their new ones.
    pub moved: Vec<MovedTask>,
}

/// What a merge has to say beside the payload.
#[derive(Default)]
struct Told {
    conflicts: Vec<FieldConflict>,
    moved: Vec<MovedTask>,
}

/// Merges `theirs` into `ours`. None is a tombstone; a base of none makes strangers of the two.
pub fn merge(
    base: Option<&Payload>,
    ours: Option<&Payload>,
    theirs: Option<&Payload>,
    winner: Side,
) -> Merged {
    let whole = |payload: Option<&Payload>| Merged {
        payload: payload.cloned(),
        conflicts: Vec::new(),
        moved: Vec::new(),
    };
    match (ours, theirs) {
        _ if ours == theirs || theirs == base => whole(ours),
        _ if ours == base => whole(theirs),
        // An edit beats a delete.
        (Some(edited), None) | (None, Some(edited)) => whole(Some(edited)),
        (None, None) => whole(None),
        (Some(ours), Some(theirs)) => both(base, ours, theirs, winner),
    }
}

fn both(base: Option<&Payload>, ours: &Payload, theirs: &Payload, winner: Side) -> Merged {
    let none = RawObject::default();
    let object = |payload: &Payload| payload.clone().into_object();
    let base = base.map_or(none, object);
    let mut told = Told::default();
    let sides = Fields { base: &base, ours: &object(ours), theirs: &object(theirs), winner };
    let merged = merge_fields(&sides, top_level, "", &mut told);
    match Payload::from_object(merged) {
        Ok(payload) => Merged { payload: Some(payload), conflicts: told.conflicts, moved: told.moved },
        // Together they are larger than a project may be: the winner stays, every difference is told.
        Err(_) => Merged {
            payload: Some(if winner == Side::Ours { ours.clone() } else { theirs.clone() }),
            conflicts: ours
                .differences(theirs)
                .into_iter()
                .map(|d| FieldConflict {
                    field: d.field.to_owned(),
                    ours: d.here.map(ToOwned::to_owned),
                    theirs: d.there.map(ToOwned::to_owned),
                })
                .collect(),
            moved: Vec::new(),
        },
    }
}

fn top_level(field: &str) -> Kind {
    match field {
        "tags" => Kind::Set,
        "mcpServers" => Kind::Map,
        "manualTasks" => Kind::Tasks(Level::Project),
        "updatedAt" => Kind::Later,
        "createdAt" => Kind::Earlier,
        _ => Kind::Whole,
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
