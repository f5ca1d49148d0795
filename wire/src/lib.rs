//! What the `orkee-cloud` provider and `orkee-server` say to each other over HTTP.
//!
//! Bulk traffic (`POST /v1/sync` with [`SYNC_MEDIA_TYPE`]) is *framed*: a head in JSON on one line, then the raw bytes of
//! all envelopes, one after another, each as long as the head says. Neither side parses or escapes an envelope.
//! Everything else is plain JSON.

mod envelope;
mod error;
mod frame;
pub mod sealed;
mod sync;

pub use envelope::{Ancestry, Envelope, EnvelopeError, EnvelopeHead};
pub use error::{ErrorBody, ErrorDetail};
pub use frame::{FrameError, join, split};
pub use sealed::{KEYS_ID, MAX_KEYS_BYTES};
pub use sync::{
    Change, Cursor, Head, MAX_BODY_BYTES, MAX_MUTATIONS, MAX_PAGE, MAX_RECORD_BYTES, Mutation, Outcome,
    SYNC_MEDIA_TYPE, Span, SyncReply, SyncRequest,
};
