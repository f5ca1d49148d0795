//! Time: how long a turn may take, how long others wait for it, and a pause.

use std::time::Duration;
#[cfg(not(test))]
use std::time::Instant;

/// The times of a turn. They fit together, and all devices of a folder have the same.
pub(crate) struct Turns {
    /// After this long, by its own clock, the holder of a turn begins no further request.
    pub(crate) hold: Duration,
    /// A request that belongs to a turn is given up after this many milliseconds.
    pub(crate) request_ms: u32,
    /// A turn that was taken this long ago, by the server's clock in seconds, is over whatever became of its holder: more than
    /// `hold` and a request together.
    pub(crate) expiry: u64,
    /// How long a call waits for another's turn before it says that the server is busy.
    pub(crate) patience: Duration,
}

#[cfg(not(feature = "quick-turns"))]
pub(crate) const TURNS: Turns = Turns {
    hold: Duration::from_secs(20),
    request_ms: 15_000,
    expiry: 60,
    patience: Duration::from_secs(12),
};

/// For trials in which turn after turn is left behind.
#[cfg(feature = "quick-turns")]
pub(crate) const TURNS: Turns =
    Turns { hold: Duration::from_secs(3), request_ms: 2_000, expiry: 6, patience: Duration::from_secs(2) };

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
