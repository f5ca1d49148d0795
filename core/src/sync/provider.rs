//! What the engine needs from a backend: one operation, `exchange`. A WASM provider implements it, and so do the tests'
//! in-memory backends. The words and obligations are those of `wit/orkee-sync.wit`.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};

/// The longest that one [`Provider::watch`] waits.
pub const MAX_WATCH: Duration = Duration::from_secs(300);

/// The backend's name for one stored version. Compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(pub String);

/// The backend's mark in its order of changes. Compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position(pub String);

/// A commit of the backend, by number and random tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Grows with every commit.
    pub number: u64,
    /// Tells this commit from another of the same number.
    pub tag: String,
}

/// Where this device left off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// None: a full listing begins.
    pub position: Option<Position>,
    /// The newest commit that this device was told of.
    pub head: Option<Head>,
}

/// One round trip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Where this device left off.
    pub cursor: Cursor,
    /// What it wants written.
    pub mutations: Vec<Mutation>,
    /// Changes wanted; 0: a push alone.
    pub limit: u32,
}

/// A new version of a record, for a backend that still holds `guard`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// The record.
    pub id: String,
    /// None: it must not exist.
    pub guard: Option<Revision>,
    /// Opaque bytes.
    pub envelope: Vec<u8>,
}

/// A version that the backend holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub revision: Revision,
    /// Opaque bytes.
    pub envelope: Vec<u8>,
}

/// What became of one mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Stored under this revision.
    Accepted(Revision),
    /// The guard did not match; what is there instead.
    Conflict(Option<Stored>),
    /// Will not be taken; why, in a sentence.
    Rejected {
        /// `too-large`, `invalid`, `forbidden`, `other`.
        reason: RejectReason,
        /// For the user.
        message: String,
    },
}

/// Why a backend will not take a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// Larger than it takes.
    TooLarge,
    /// Not what it expects.
    Invalid,
    /// Not allowed to this account.
    Forbidden,
    /// Anything else.
    Other,
}

/// A changed record on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The record.
    pub id: String,
    /// Its version.
    pub stored: Stored,
}

/// What a backend answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Outcomes and a page.
    Page(Reply),
    /// Tombstones since the cursor were pruned: list everything anew. Nothing was carried out.
    Expired,
    /// The backend was put back to an older state. Nothing was carried out.
    NewEpoch,
}

/// Outcomes and a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// One for each mutation, in order.
    pub outcomes: Vec<Outcome>,
    /// Changes since the request's cursor, oldest first, without the request's own.
    pub changes: Vec<Change>,
    /// To be handed in next.
    pub cursor: Cursor,
    /// There are further changes.
    pub more: bool,
    /// The commits of this request.
    pub written: Option<Span>,
    /// What the backend calls the request.
    pub request_id: Option<String>,
}

/// All commits after `after`, up to and including `until`, were made by one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Exclusive.
    pub after: Position,
    /// Inclusive.
    pub until: Position,
}

/// What a backend takes at most in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Mutations.
    pub max_mutations: u32,
    /// Bytes of all envelopes together.
    pub max_bytes: u64,
    /// Bytes of one envelope.
    pub max_record_bytes: u64,
    /// Changes on a page.
    pub max_page: u32,
}

/// A call failed as a whole. Whether the backend carried it out is unknown.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct ProviderError {
    /// What kind of failure.
    pub failure: Failure,
    /// In a sentence, naming the provider.
    pub message: String,
    /// What caused it.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// What to do, where it is not the usual.
    pub hint: Option<String>,
    /// What the backend calls the request.
    pub request_id: Option<String>,
}

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Sign-in is missing, expired or refused.
    Auth,
    /// Signed in, but not allowed.
    Forbidden,
    /// Asked too often or overloaded; how long to wait, where that was said.
    Busy(Option<Duration>),
    /// No connection, or none in time.
    Unreachable,
    /// No answer within the deadline.
    Timeout,
    /// The backend failed, or its answer is not of the protocol.
    Backend,
    /// The batch is too large; smaller ones may pass.
    TooLarge,
    /// The backend, as it is set up, cannot serve: asking again changes nothing.
    Unsuitable,
    /// The backend will not do this one thing; its words say why.
    Refused,
    /// The provider itself failed: a trap, or a limit that it ran into.
    Plugin,
}

impl Failure {
    /// Whether asking again later may help.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Busy(_) | Self::Unreachable | Self::Timeout | Self::Backend)
    }
}

impl ProviderError {
    /// An error of this kind.
    pub fn new(failure: Failure, message: impl fmt::Display) -> Self {
        Self { failure, message: message.to_string(), source: None, hint: None, request_id: None }
    }
}

impl Diagnostic for ProviderError {
    fn code(&self) -> &'static str {
        match self.failure {
            Failure::Auth => "E-AUTH-001",
            Failure::Forbidden => "E-AUTH-002",
            Failure::Busy(_) => "E-NET-003",
            Failure::Unreachable => "E-NET-001",
            Failure::Timeout => "E-NET-002",
            Failure::Backend => "E-NET-004",
            Failure::TooLarge => "E-NET-005",
            Failure::Unsuitable => "E-PLUGIN-013",
            Failure::Refused => "E-PLUGIN-023",
            Failure::Plugin => "E-PLUGIN-001",
        }
    }

    fn kind(&self) -> Kind {
        match self.failure {
            Failure::Auth | Failure::Forbidden => Kind::Auth,
            Failure::Timeout => Kind::Timeout,
            Failure::Unsuitable | Failure::Refused => Kind::Usage,
            Failure::Plugin => Kind::Failed,
            Failure::Busy(_) | Failure::Unreachable | Failure::Backend | Failure::TooLarge => Kind::Network,
        }
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone().or_else(|| match self.failure {
            Failure::Auth => Some("run `orkee cloud login`".to_owned()),
            Failure::Busy(_) | Failure::Unreachable | Failure::Timeout => Some(
                "nothing is lost: run `orkee cloud sync` again when the server can be reached".to_owned(),
            ),
            Failure::Backend => Some(
                "nothing is lost: run `orkee cloud sync` again; if it stays so, check ORKEE_CLOUD_API_URL, or tell who runs the server"
                    .to_owned(),
            ),
            Failure::TooLarge => {
                Some("nothing is lost; tell who runs the server that it takes less than it says".to_owned())
            }
            Failure::Forbidden => Some("run `orkee cloud status` to see whose account it is".to_owned()),
            Failure::Unsuitable | Failure::Refused | Failure::Plugin => None,
        })
    }

    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// A backend, as the engine sees it.
pub trait Provider: Send + Sync {
    /// What messages call it.
    fn name(&self) -> &str {
        "sync"
    }

    /// What it takes at most.
    fn limits(&self) -> Limits;

    /// Carries out the mutations, then lists what changed since the cursor. Several calls may be under way at once.
    fn exchange(&self, request: Request) -> impl Future<Output = Result<Answer, ProviderError>> + Send;

    /// Whether [`Provider::watch`] learns soon that others wrote.
    fn can_watch(&self) -> bool {
        false
    }

    /// Waits until the backend holds something after `cursor`, for as long as `wait` and [`MAX_WATCH`] say. `true`: ask for a page.
    /// `false`: the time is over, or the backend waits no longer. Changes nothing. Beside it other calls may be under way.
    fn watch(
        &self,
        cursor: Cursor,
        wait: Duration,
    ) -> impl Future<Output = Result<bool, ProviderError>> + Send {
        let _ = (cursor, wait);
        let message = format!("the provider `{}` cannot tell when something is new", self.name());
        async { Err(ProviderError::new(Failure::Unsuitable, message)) }
    }
}
