//! Signing in on another device (RFC 8628): a device without a browser shows a code, a person types it at `/device`, and
//! the device asks the token endpoint until that is done.
//!
//! What waits is kept in memory, for nobody has signed in yet who could answer for it: it is bounded, and a restart of the
//! server costs a person no more than asking the device for another code. Once somebody approved, it is an authorization code
//! like any other in the storage, good once.
//!
//! A code is short because people type it, so what can be tried is counted, by account and by address, nothing is told of a code
//! before somebody has signed in, and only the browser that was shown which device asks can answer. A person may also be tricked into typing a stranger's code: the page says which
//! device asks, from which address, and what to make of it.

mod ask;
mod page;
mod pending;
mod poll;
mod user_code;

use jiff::SignedDuration;

pub(super) use ask::ask;
pub(super) use page::{ADDRESS, decide, show, typed};
pub(crate) use pending::Pending;
pub(super) use pending::{Asking, Decision};
pub(super) use poll::poll;
pub(super) use user_code::UserCode;

/// The grant's name at the token endpoint.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How long a device waits between two questions, if nobody tells it otherwise.
const INTERVAL: SignedDuration = SignedDuration::from_secs(5);
