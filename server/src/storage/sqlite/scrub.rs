//! What was wiped leaves the log beside the database, too. While somebody reads an older state the log has to stay, and nobody waits
//! for them: it is owed, and tried again until it is done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orkee_core::event::empty_log;

use super::{Result, Sqlite, failed, lock};

/// Whether something that was wiped may be in the log, and whether that was said. Both change under the writer's mutex alone.
pub(super) struct Scrub {
    owed: AtomicBool,
    said: AtomicBool,
}

impl Default for Scrub {
    /// A server before this one may have ended while it owed it.
    fn default() -> Self {
        Self { owed: AtomicBool::new(true), said: AtomicBool::new(false) }
    }
}

impl Sqlite {
    /// Empties the log, if nobody reads an older state just now. False: it is owed.
    pub(super) fn scrub(&self) -> Result<bool> {
        let writer = lock(&self.writer);
        self.scrub.owed.store(true, Ordering::Release);
        let emptied = empty_log(&writer, Duration::ZERO).map_err(failed("emptying the log"));
        let is_empty = matches!(emptied, Ok(true));
        self.scrub.owed.store(!is_empty, Ordering::Release);
        match (is_empty, self.scrub.said.swap(!is_empty, Ordering::AcqRel)) {
            (false, false) => tracing::warn!(
                "somebody reads an older state of the database: what was wiped stays in its log until they end"
            ),
            (true, true) => tracing::info!("what was wiped is out of the database's log, too"),
            _ => {}
        }
        emptied
    }

    /// The same for whoever's work is done already: a failure is owed, too.
    pub(super) fn scrub_if_possible(&self) {
        if let Err(error) = self.scrub() {
            tracing::warn!(%error, "what was wiped stays in the database's log for now");
        }
    }

    /// Whether the log may hold something that was wiped.
    pub(super) fn owes_scrub(&self) -> bool {
        self.scrub.owed.load(Ordering::Acquire)
    }
}
