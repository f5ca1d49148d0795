//! What a sync is asked to do beyond the usual.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::project::ProjectId;
use crate::seal::keys::Keys;

/// What a sync is asked to do. The default: push what changed, pull what is new, merge.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What is compared.
    pub compare: Compare,
    /// What is sent.
    pub push: Push,
    /// What becomes of records that differ.
    pub decide: Decide,
    /// Whether a listing may delete many records here.
    pub deletions: Deletions,
    /// The restore point that keeps what this sync overwrites, see [`Store::open_point`](crate::store::Store::open_point).
    pub point: Option<u64>,
    /// In a team: the address of the account that syncs, which the envelopes tell.
    pub author: Option<String>,
    /// The keys of the account, in which versions are written and read.
    pub keys: Arc<Keys>,
    /// Unless what it sends is sealed, it looks at what changed there before it sends anything: the backend would take plain records
    /// into a sealed account.
    pub looks_first: bool,
    /// Nothing may leave plain: the session ends where the account is not sealed, or not any more.
    pub must_seal: bool,
    /// Say what would be done, and do nothing: no mutation is sent, nothing is written.
    pub dry_run: bool,
    /// Pushes in flight at once; 0 for the usual.
    pub in_flight: usize,
    /// Records in a push at most; 0 for the usual, or what the backend takes if that is less.
    pub batch: u32,
}

/// What is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compare {
    /// What changed since the last sync.
    #[default]
    Changes,
    /// Everything, from the start. Nothing is deleted: what one side misses is copied to it.
    Everything,
    /// Everything, also with another account or backend than the last one: the two are joined. Anything else refuses another one,
    /// so that nobody's projects get into somebody else's account by mistake.
    Joining,
}

/// What is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Push {
    /// All that changed.
    #[default]
    All,
    /// These projects alone.
    Only(BTreeSet<ProjectId>),
    /// Nothing.
    Nothing,
}

impl Push {
    pub(super) fn takes(&self, id: ProjectId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
            Self::Nothing => false,
        }
    }
}

/// What becomes of records that differ. What is overwritten stays in the record's history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Decide {
    /// Both are merged; where both changed a field, this store's value stands and the other becomes a conflict.
    #[default]
    Merge,
    /// This store wins: the fields that both changed; where everything is compared, each record that differs as a whole. In all
    /// records, or in these alone; others are merged.
    Local(Option<BTreeSet<ProjectId>>),
    /// The cloud wins, in the same way.
    Cloud(Option<BTreeSet<ProjectId>>),
}

impl Decide {
    pub(super) fn is_local(&self, id: ProjectId) -> bool {
        matches!(self, Self::Local(ids) if has(ids.as_ref(), id))
    }

    pub(super) fn is_cloud(&self, id: ProjectId) -> bool {
        matches!(self, Self::Cloud(ids) if has(ids.as_ref(), id))
    }
}

fn has(ids: Option<&BTreeSet<ProjectId>>, id: ProjectId) -> bool {
    ids.is_none_or(|ids| ids.contains(&id))
}

/// Whether a full listing may delete many records here: more than ten and a tenth of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deletions {
    /// Stop and ask.
    #[default]
    Ask,
    /// The person said yes.
    Allow,
}
