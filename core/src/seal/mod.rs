//! Records that only their owner can read: the sealed form, the account's keys, the document that says how an account is sealed.
//!
//! Nothing here reads a file, a network or a clock; `docs/sealing.md` has every byte, so that somebody else can read what is
//! written here. What is parsed is hostile until a key has vouched for it: each size has a bound, and what is wrong is an error.

mod format;
mod key;
mod pack;

pub use format::{Place, SealError, open, seal};
pub use key::{AccountKey, KeyId, KeyIdError};
