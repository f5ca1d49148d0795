//! How many projects a person made, changed and deleted in a process: for whoever has something to do once a command is over.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted as transactions are committed. What a sync brings is not counted.
#[derive(Debug, Default)]
pub struct Made {
    created: AtomicU64,
    updated: AtomicU64,
    deleted: AtomicU64,
}

/// The same of one transaction, or of all so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MadeCounts {
    /// Projects that are new, or were brought back.
    pub created: u64,
    /// Projects that were changed.
    pub updated: u64,
    /// Projects that were deleted.
    pub deleted: u64,
}

impl Made {
    /// How many there are since this was asked last.
    pub fn take(&self) -> MadeCounts {
        let read = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        MadeCounts {
            created: read(&self.created),
            updated: read(&self.updated),
            deleted: read(&self.deleted),
        }
    }

    pub(super) fn add(&self, more: MadeCounts) {
        let MadeCounts { created, updated, deleted } = more;
        self.created.fetch_add(created, Ordering::Relaxed);
        self.updated.fetch_add(updated, Ordering::Relaxed);
        self.deleted.fetch_add(deleted, Ordering::Relaxed);
    }
}

impl MadeCounts {
    /// Whether there is any.
    pub fn is_any(self) -> bool {
        self != Self::default()
    }

    /// Counts a write, by whether there was and is a project.
    pub(super) fn count(&mut self, was: bool, is: bool) {
        match (was, is) {
            (false, true) => self.created += 1,
            (true, true) => self.updated += 1,
            (true, false) => self.deleted += 1,
            (false, false) => {}
        }
    }
}
