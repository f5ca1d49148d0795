//! `prune`: what `serve` does by itself after `--prune-after` days, now.

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{CommandError, Data, print};
use crate::storage::Records;
use crate::storage::sqlite::Sqlite;

#[derive(Debug, Args)]
pub(super) struct Prune {
    #[command(flatten)]
    data: Data,
    /// Drop those older than this; 0 drops all.
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    older_than: u16,
}

impl Prune {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let storage = Sqlite::open(&self.data.folder)?;
        let now = Timestamp::now();
        // A tombstone of this very millisecond is older than nothing.
        let before = match self.older_than {
            0 => now + SignedDuration::from_secs(1),
            days => now - SignedDuration::from_hours(24 * i64::from(days)),
        };
        let pruned = storage.prune(before)?;
        print(&format!("dropped {pruned} tombstones"))
    }
}
