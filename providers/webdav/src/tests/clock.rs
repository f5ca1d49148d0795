//! A clock that the tests move: the server's, and what the provider measures.

use std::cell::Cell;
use std::time::Duration;

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::from_secs(1_800_000_000)) };
}

/// The time.
pub(crate) fn now() -> Duration {
    NOW.get()
}

/// Lets time pass.
pub(crate) fn pass(time: Duration) {
    NOW.set(NOW.get() + time);
}

pub(crate) struct Watch(Duration);

impl Watch {
    pub(crate) fn start() -> Self {
        Self(now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        now() - self.0
    }
}

pub(crate) fn pause() {
    super::server::somebody_else_goes_on();
    pass(Duration::from_millis(300));
}
