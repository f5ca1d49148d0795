//! Refreshes that this process has sent and not yet kept. Ended in between, it would lose the tokens that are on their way.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

static COUNT: AtomicUsize = AtomicUsize::new(0);
static ENDED: Notify = Notify::const_new();

/// A refresh is under way, until this is dropped.
pub(super) struct UnderWay(());

impl UnderWay {
    pub(super) fn begin() -> Self {
        COUNT.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::SeqCst);
        ENDED.notify_waiters();
    }
}

/// Waits until no refresh of this process is under way. Whoever is about to drop what asks for tokens waits for this first, and goes on
/// with that meanwhile.
pub async fn at_rest() {
    loop {
        // Asked for before the count is looked at, so that an end in between is not missed.
        let ended = ENDED.notified();
        if COUNT.load(Ordering::SeqCst) == 0 {
            return;
        }
        ended.await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_refresh_that_is_under_way_is_waited_for() {
        let one = UnderWay::begin();
        let two = UnderWay::begin();
        let waiting = tokio::spawn(at_rest());
        drop(one);
        assert!(tokio::time::timeout(Duration::from_millis(20), at_rest()).await.is_err());
        drop(two);
        waiting.await.unwrap();
        at_rest().await;
    }
}
