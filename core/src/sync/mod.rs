//! Sync: the engine that keeps the store and a backend in step. `docs/sync.md` tells the algorithm in words; `tests/model` is it
//! as a model, checked by random schedules, and the simulation runs such schedules over this code.
//!
//! [`Session`] is the algorithm without I/O: it says which request comes next and applies each reply in one transaction. [`sync`]
//! runs one over a [`Provider`](provider::Provider), with several pushes in flight and one page at a time. No transaction is
//! open while anything is under way.

pub mod ancestry;
pub(crate) mod document;
mod driver;
pub(crate) mod envelope;
mod error;
mod event;
mod give_up;
mod heap;
mod lock;
pub mod merge;
mod options;
pub mod provider;
pub mod retry;
mod session;

pub use document::document_request;
pub use driver::sync;
pub use error::SyncError;
pub use event::{Event, Parked, Summary, What};
pub use give_up::{Aside, GiveUpError, GivenUp, give_up, look_at_aside};
pub use lock::{LockError, SyncLock};
pub use options::{Compare, Decide, Deletions, Options, Push};
pub use session::{FlightId, Next, Session};

#[cfg(test)]
mod driver_tests;
#[cfg(test)]
mod simulation;
