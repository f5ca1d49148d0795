//! Records: what devices sync.
//!
//! Each space has a sequence of commits, and a record's revision is the number of the commit that wrote it. A position is
//! a number in that sequence, with the number at which a full listing began while one is under way. What an exchange
//! means is in `exchange.rs`, once for every database.

use jiff::Timestamp;
use orkee_wire::KEYS_ID;

use super::{Result, SpaceKey, Witness};

/// How many replaced versions of a record are kept.
pub(crate) const KEPT_REPLACED: usize = 10;

/// A record's id: eight of 0-9A-Za-z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordId<'a>(&'a str);

/// What a version is, as far as the server can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its payload can be read by whoever has it.
    Project,
    /// It says that the record was deleted.
    Tombstone,
    /// Its payload is for the space's devices alone.
    Sealed,
    /// It says how the space is sealed, and is no project. A space has one, which is replaced and never deleted.
    Keys(Sealing),
}

/// What a space's devices say of its records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sealing {
    /// None is written any more that can be read.
    pub(crate) seals: bool,
    /// The lowest epoch of those that are there; from 1 on none can be read.
    pub(crate) floor: u32,
}

/// Where a device stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// None: a full listing begins.
    pub(crate) position: Option<Position>,
    /// The newest commit that the device was told of.
    pub(crate) head: Option<Head>,
}

/// A place in a space's sequence of commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Everything up to this commit has been told.
    pub(crate) since: u64,
    /// The commit at which the full listing began that is under way; 0: none is.
    pub(crate) listing: u64,
}

/// A commit by number, and the tag of the run that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: u64,
    pub(crate) tag: String,
}

/// A version to be stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) id: RecordId<'a>,
    /// The revision that the record must have; none: it must not exist.
    pub(crate) guard: Option<u64>,
    pub(crate) kind: Kind,
    pub(crate) envelope: &'a [u8],
    /// Keep the version that this one replaces.
    pub(crate) keep_replaced: bool,
}

/// One round trip of one device.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) cursor: Cursor,
    pub(crate) writes: Vec<Write<'a>>,
    pub(crate) page: PageLimit,
    /// Whom the audit trail is to name for each accepted write; none: it is told of none.
    pub(crate) witness: Option<&'a Witness>,
    pub(crate) origin: Origin<'a>,
}

/// Who makes an exchange, for those who are told of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A device, which syncs.
    Device,
    /// The published API, for a script. It merges by itself: of which project it replaces what somebody else wrote, and in which field.
    Api { replaced: &'a [(&'a str, &'a str)] },
}

/// How much a reply may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageLimit {
    /// Changes; 0: none are wanted.
    pub(crate) changes: u32,
    /// Bytes, of conflicts and changes together.
    pub(crate) bytes: u64,
}

/// What an exchange came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exchanged {
    /// It was carried out.
    Reply(Reply),
    /// Tombstones since the cursor were pruned. Nothing was carried out.
    Expired,
    /// The cursor names a commit that this database never made: it was put back to an older state. Nothing was carried out.
    NewEpoch,
    /// The versions that stand in the way are too large for one reply. Nothing was carried out.
    TooLarge,
    /// The space seals, and a record could be read. Nothing was carried out.
    Plain,
}

/// What was done, and what is new.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// One for each write, in order.
    pub(crate) outcomes: Vec<WriteOutcome>,
    /// Oldest first.
    pub(crate) page: Vec<Entry>,
    pub(crate) cursor: Cursor,
    pub(crate) more: bool,
    /// The commits made: after the first number, up to the second.
    pub(crate) written: Option<(u64, u64)>,
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    /// It stands, under this revision.
    Accepted(u64),
    /// The guard did not match; this is there.
    Conflict(Option<Stored>),
}

/// A version that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) revision: u64,
    pub(crate) envelope: Vec<u8>,
}

/// A record on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) stored: Stored,
}

/// Some of the records that are not deleted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LivePage {
    pub(crate) entries: Vec<Entry>,
    /// The mark to go on after; none: there are no more.
    pub(crate) next: Option<u64>,
}

/// A version that the API replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replaced {
    pub(crate) stored: Stored,
    /// When it was replaced.
    pub(crate) at: Timestamp,
}

/// The records of all spaces.
pub(crate) trait Records {
    /// One round trip of a device.
    fn exchange(&self, space: SpaceKey, exchange: &Exchange<'_>, now: Timestamp) -> Result<Exchanged>;
    /// Whether an exchange from this cursor would tell something, or that the cursor is of no use.
    fn has_changed(&self, space: SpaceKey, cursor: &Cursor) -> Result<bool>;
    /// One record, tombstones included.
    fn record(&self, space: SpaceKey, id: RecordId<'_>) -> Result<Option<Stored>>;
    /// Projects that are not deleted, in the order of their creation, after `mark`; as many as fit `limit`, but one at least.
    fn live_records(&self, space: SpaceKey, mark: u64, limit: PageLimit) -> Result<LivePage>;
    /// Whether records of the space are to be sealed.
    fn seals(&self, space: SpaceKey) -> Result<bool>;
    /// Whether the space holds a sealed record.
    fn holds_sealed(&self, space: SpaceKey) -> Result<bool>;
    /// Versions of a record that were replaced by a write that keeps them, newest first; the last [`KEPT_REPLACED`].
    fn replaced(&self, space: SpaceKey, id: RecordId<'_>) -> Result<Vec<Replaced>>;
    /// Drops tombstones written before `before`. How many.
    fn prune(&self, before: Timestamp) -> Result<u64>;
}

/// A commit's number in a text of ours that a client hands back; none where no commit can have it. Databases count to 2^63.
pub(crate) fn commit_number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| i64::try_from(*number).is_ok())
}

impl Write<'_> {
    /// Whether it would delete the key document, which a space has for good.
    pub(crate) fn deletes_keys(&self) -> bool {
        self.kind == Kind::Tombstone && self.id.is_keys()
    }
}

impl<'a> RecordId<'a> {
    /// None where it is not one.
    pub(crate) fn new(id: &'a str) -> Option<Self> {
        (id.len() == 8 && id.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(Self(id))
    }

    /// Whether it is the key document's, which no project has.
    pub(crate) fn is_keys(self) -> bool {
        self.0 == KEYS_ID
    }

    /// As it was written.
    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }
}
