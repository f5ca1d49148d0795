//! Time: how long a turn may take, how long others wait for it, and a pause.

use std::time::Duration;
#[cfg(not(test))]
use std::time::Instant;

/// After this long, by its own clock, the holder of a turn begins no further request.
pub(crate) const HOLD: Duration = Duration::from_secs(20);
/// A turn that was taken this long ago, by the server's clock in seconds, is over whatever became of its holder: it began its last
/// request 20 seconds after it took the turn, which was given up 15 seconds later.
pub(crate) const EXPIRY: u64 = 60;
/// How long a call waits for another's turn before it says that the server is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(12);

/// How long something has taken.
#[cfg(not(test))]
pub(crate) struct Watch(Instant);

#[cfg(not(test))]
impl Watch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Between two looks at another's turn.
#[cfg(not(test))]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(300));
}

#[cfg(test)]
pub(crate) use crate::tests::clock::{Watch, pause};
