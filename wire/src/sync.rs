//! `POST /v1/sync`, the full exchange: heads of the framed request and reply.
//!
//! Blobs of the request: the mutations' envelopes, in order. Blobs of the reply: the envelopes of the conflicts that carry
//! one (in the order of the outcomes), then those of the changes.

use serde::{Deserialize, Serialize};

/// `Content-Type` and `Accept` of the framed exchange.
pub const SYNC_MEDIA_TYPE: &str = "application/vnd.orkee.sync";
/// Mutations that one request may carry.
pub const MAX_MUTATIONS: u32 = 500;
/// Changes that one reply may carry.
pub const MAX_PAGE: u32 = 1000;
/// One envelope, in bytes.
pub const MAX_RECORD_BYTES: u64 = 1 << 20;
/// One body, decompressed, in bytes. Pages are cut to stay below it.
pub const MAX_BODY_BYTES: u64 = 8 << 20;

/// Where a device left off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The server's mark in the order of changes; none starts a full listing.
    pub position: Option<String>,
    /// The newest commit that the device was told of.
    pub head: Option<Head>,
}

/// A commit, by number and random tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Grows with every commit.
    pub number: u64,
    /// Chosen at random for this commit.
    pub tag: String,
}

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// Where the device left off.
    #[serde(default)]
    pub cursor: Cursor,
    /// What it wants written.
    #[serde(default)]
    pub mutations: Vec<Mutation>,
    /// Changes wanted in the reply; 0 for a push alone.
    pub limit: u32,
}

/// One record to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutation {
    /// The record.
    pub id: String,
    /// The revision that it must still have; none: it must not exist.
    pub guard: Option<String>,
    /// Bytes of its envelope.
    pub len: u64,
}

/// The head of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReply {
    /// One for each mutation, in order.
    pub outcomes: Vec<Outcome>,
    /// Changes since the cursor, oldest first, without those that this request made.
    pub changes: Vec<Change>,
    /// To be handed in next.
    pub cursor: Cursor,
    /// There are further changes.
    pub more: bool,
    /// The commits that this request made, where nobody else's lie between them and it made any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Span>,
}

/// What became of one mutation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Outcome {
    /// Stored.
    Accepted {
        /// Its revision now.
        revision: String,
    },
    /// The guard did not match; what is there instead.
    Conflict {
        /// None: there is no such record.
        revision: Option<String>,
        /// Bytes of its envelope.
        #[serde(default)]
        len: u64,
    },
    /// Will not be taken.
    Rejected {
        /// `too-large`, `invalid`, `forbidden` or `other`.
        reason: String,
        /// For the user.
        message: String,
    },
}

/// One changed record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The record.
    pub id: String,
    /// Its revision.
    pub revision: String,
    /// Bytes of its envelope.
    pub len: u64,
}

/// All commits after `after` up to and including `until`, both positions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Exclusive.
    pub after: String,
    /// Inclusive.
    pub until: String,
}

impl SyncRequest {
    /// Lengths of the blobs that follow.
    pub fn blob_lengths(&self) -> Vec<u64> {
        self.mutations.iter().map(|m| m.len).collect()
    }
}

impl SyncReply {
    /// Lengths of the blobs that follow.
    pub fn blob_lengths(&self) -> Vec<u64> {
        let conflicts = self.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Conflict { revision: Some(_), len } => Some(*len),
            _ => None,
        });
        conflicts.chain(self.changes.iter().map(|c| c.len)).collect()
    }
}
