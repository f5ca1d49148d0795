//! Records that only their owner can read: the sealed form, the account's keys, the document that says how an account is sealed.
//!
//! Nothing here reads a file or a network; `docs/sealing.md` has every byte, so that somebody else can read what is written here.
//! What is parsed is hostile until a key has vouched for it: each size has a bound, and what is wrong is an error.

mod document;
mod document_error;
mod epochs;
mod format;
mod key;
#[cfg(feature = "sync")]
pub mod keys;
pub mod lock;
mod older;
mod pack;
pub mod passphrase;
mod phrase;
mod recipient;
mod secret;

pub use document::{Document, Made};
pub use document_error::DocumentError;
pub use epochs::Epochs;
pub use format::{Place, SealError, open, seal};
pub use key::{AccountKey, KeyId, KeyIdError};
pub use phrase::{PHRASE_WORDS, Phrase, PhraseError};
pub use recipient::{NotBytes, Recipient, RecipientKey, RecipientKind, RecipientSecret};
