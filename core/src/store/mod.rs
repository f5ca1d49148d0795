//! The store: one SQLite file that every process of this user shares.
//!
//! A [`Store`] is one connection, scoped to one *space* (`""` is the personal one, else a tenant's name); projects of different
//! spaces never meet. Reading needs no transaction. Writing happens in [`Store::write`], which takes the write lock first and
//! so sees the newest state: two processes that edit at once both succeed, one after the other.
//!
//! Layers: `tx` (transactions, this store as a writer), `record` (one row; how another version takes its place), on
//! these the operations on projects (`projects`, `list`, `history`), ways back (`points`, `put_back`), and `sync`, `space` and
//! `standing` for the engine. [`Tx::put`] keeps every overwritten version in history, whoever overwrote it, and `trim` bounds that.
//! `at_rest` stands between texts and their columns, where chosen fields are sealed on disk.
//! `check` and `mend` are about a store that makes no sense, `audit` about who did what.
//!
//! Files are 0600. A local edit is durable when the call returns.

mod at_rest;
mod audit;
mod changed;
mod check;
mod conflicts;
mod error;
mod field;
mod history;
#[cfg(feature = "sync")]
#[cfg(test)]
mod image;
mod list;
mod made;
mod mend;
mod migrations;
mod near;
mod open;
#[cfg(feature = "sync")]
mod parked;
mod peek;
mod places;
mod points;
mod projects;
mod put_back;
mod record;
#[cfg(feature = "sync")]
mod reseal;
#[cfg(feature = "sync")]
mod space;
#[cfg(feature = "sync")]
mod standing;
#[cfg(feature = "sync")]
mod sync;
mod telling;
mod trim;
mod turn;
mod tx;
mod written;

#[cfg(all(feature = "auth", feature = "seal"))]
pub(crate) use at_rest::lock_of;
pub use at_rest::{FieldSeal, LOCKABLE, LockKeys, LockStage, LockStanding, Swept, is_damaged, is_locked};
#[cfg(feature = "sync")]
pub(crate) use at_rest::{damaged_fields, names_damaged};
pub use audit::{
    AuditAction, AuditEntry, AuditOutcome, AuditProblem, AuditRow, Trail, VerifiedTrail, note_in,
};
pub use check::{Damage, Finding};
pub use conflicts::{Choice, Conflict, Decided};
pub use error::StoreError;
pub use history::{FieldChange, HistoryEntry};
pub use list::{Filter, Sort, Summary};
pub use made::{Made, MadeCounts};
pub(crate) use migrations::schema;
pub use open::{Options, Store};
#[cfg(feature = "sync")]
pub use parked::Parked;
pub use peek::Peek;
pub use places::Place;
pub use points::{Point, Undone};
pub use projects::{Stored, Updated};
pub use put_back::PutBack;
pub use record::{Ancestry, Record, Version, contains};
#[cfg(feature = "sync")]
pub use space::{ListingGoal, SpaceState};
#[cfg(feature = "sync")]
pub use standing::Standing;
#[cfg(feature = "sync")]
pub use sync::{Agreed, RawVersion, There, Tracked, Waiting};
pub use trim::Keep;
pub use tx::{Durability, Tx, Writer};
pub use written::Written;

#[cfg(test)]
mod tests;
