//! Webhooks: what happened, who is told of it, and what became of that.
//!
//! An *event* is written by [`emit`] in the transaction of what it tells of, so that there is one if and only if that was
//! committed. It has one id and one body, whose bytes are kept. It goes to each *endpoint* of its *owner* whose filters let it through:
//! that is a *delivery*, which *attempts* are made of until one succeeds or the schedule ends. Where nobody listens, nothing is written.
//!
//! The tables ([`SCHEMA`]) are the same in a device's store and in a server's database. What stands here without the feature `event` is what
//! a program without network needs; with it come `endpoints`, `deliveries` and the `Ledger` that both are kept in.

mod body;
mod filter;
mod kind;
mod outbox;
mod time;

#[cfg(feature = "event")]
pub mod breakers;
#[cfg(feature = "event")]
pub mod deliveries;
#[cfg(feature = "event")]
mod drain;
#[cfg(feature = "event")]
mod endpoint;
#[cfg(feature = "event")]
pub mod endpoints;
#[cfg(feature = "event")]
mod error;
#[cfg(feature = "event")]
mod ledger;
#[cfg(feature = "event")]
pub mod rules;
#[cfg(feature = "event")]
pub mod schedule;
#[cfg(feature = "event")]
mod secret;
#[cfg(feature = "event")]
pub mod sent;
#[cfg(feature = "event")]
pub mod verify;

pub use body::{Body, THIN_FROM};
pub use filter::{Filter, UnknownEvent};
pub use kind::EventKind;
pub use outbox::{Listeners, MOST_WAITING, NewEvent, emit, emit_to, forget_names, new_id};

#[cfg(feature = "event")]
pub use crate::plugin::{Access, Class};
#[cfg(feature = "event")]
pub use drain::{
    Attempted, Disabled, Dispatch, Dispatchers, DrainLock, DrainOptions, Drained, Drainer, Notice, OnAttempt,
    OnDisabled, Pulled, Standing, Until, is_told, note_disabled, note_obstacle, standing,
};
#[cfg(feature = "event")]
pub use endpoint::{Endpoint, NewEndpoint};
#[cfg(feature = "event")]
pub use error::EventError;
#[cfg(feature = "event")]
pub use ledger::{FileLedger, Ledger, empty_log};
#[cfg(feature = "event")]
pub use secret::WebhookSecret;

/// The tables, as SQL that makes them. A released database has them in this form: whatever is to change takes a migration of its own.
pub const SCHEMA: &str = include_str!("schema.sql");

/// Whose events and endpoints they are: the row of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(pub i64);

#[cfg(test)]
pub(crate) mod tests;
