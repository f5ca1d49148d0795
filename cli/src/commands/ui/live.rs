//! How far projects are in step with the cloud, as it is known here: nobody is asked for it.

use std::collections::HashSet;
use std::time::Instant;

use jiff::Timestamp;
use orkee_core::project::ProjectId;
use orkee_core::store::{Standing, Store, StoreError};

use super::sync::Sync;
use crate::commands::cloud::automatic::Brief;

/// Of more changes than these, nobody looks which ones wait.
const MARKED: u64 = 1_000;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) standing: Standing,
    /// When a sync last came to its end; none: there was none yet.
    pub(super) last_sync_at: Option<Timestamp>,
    /// Projects with changes that wait to be sent.
    pub(super) unsent: HashSet<ProjectId>,
    /// Of syncs that nobody types, and how the last one went.
    pub(super) automatic: Brief,
    /// When the latter was looked at.
    pub(super) asked: Option<Instant>,
    /// The one that the person started.
    pub(super) sync: Option<Sync>,
}

impl Live {
    /// Reads what the store knows.
    pub(super) fn read(&mut self, store: &Store) -> Result<(), StoreError> {
        self.standing = store.standing()?;
        let (space, _) = store.space_state()?;
        self.last_sync_at = space.last_sync_at.and_then(|at| at.parse().ok());
        // Before the first sync everything waits, and a mark at each says nothing.
        let is_marked = self.last_sync_at.is_some() && self.standing.waiting <= MARKED;
        let unsent = if is_marked { store.unsent()? } else { Vec::new() };
        self.unsent = unsent.into_iter().map(|(id, _)| id).collect();
        Ok(())
    }
}
