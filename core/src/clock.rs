//! Time as a parameter, so that a test decides what time it is.

use jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// RFC 3339, UTC, milliseconds: how times stand in records and in JSON output.
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}
