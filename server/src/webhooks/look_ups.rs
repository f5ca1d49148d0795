//! Names of endpoints that are about to be added. The system's resolver takes as long as a stranger's name server likes, and nothing can
//! call it back: so few are asked for at once, each on a thread of its own, and a request waits for an answer no longer than it has to.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use orkee_core::event::rules::{self, RuleError};
use orkee_core::plugin::Target;
use tokio::sync::{Semaphore, oneshot};

/// Names that are looked up at the same time.
const AT_ONCE: usize = 8;
/// A name that takes longer is judged when something is sent there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever looks a name up holds one of these, until the resolver has answered.
#[derive(Debug)]
pub(crate) struct LookUps {
    places: Arc<Semaphore>,
}

impl Default for LookUps {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl LookUps {
    /// Refuses an endpoint whose name leads, as far as that is known in time, to addresses alone that no delivery goes to.
    pub(crate) async fn judge(&self, target: Target) -> Result<(), RuleError> {
        let looked = self.within(PATIENCE, move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            // What cannot be looked up now is judged when something is sent there, as what leads nowhere is.
            runtime.map_or(Ok(()), |runtime| runtime.block_on(rules::look_up(&target)))
        });
        looked.await.unwrap_or(Ok(()))
    }

    /// None: there was no place in time, or no answer.
    async fn within<T: Send + 'static>(
        &self,
        patience: Duration,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let looked = async {
            let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
            let (answer, answered) = oneshot::channel();
            let asking = thread::Builder::new().name("look-up".to_owned()).spawn(move || {
                let _place = place;
                // Whoever asked may be gone.
                let _ = answer.send(look());
            });
            asking.ok()?;
            answered.await.ok()
        };
        tokio::time::timeout(patience, looked).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn resolvers_that_hang_hold_up_no_request_and_take_no_more_than_their_places() {
        let (look_ups, begun) = (LookUps::default(), Arc::new(AtomicUsize::new(0)));
        let short = Duration::from_millis(50);
        let mut hanging = Vec::new();
        let start = Instant::now();
        for _ in 0..AT_ONCE + 4 {
            let (end, ended) = mpsc::channel::<()>();
            let begun = Arc::clone(&begun);
            let look = move || {
                begun.fetch_add(1, Ordering::SeqCst);
                let _ = ended.recv();
            };
            assert_eq!(look_ups.within(short, look).await, None);
            hanging.push(end);
        }
        // A busy machine begins the last of them later than nobody waits for it any more.
        while begun.load(Ordering::SeqCst) < AT_ONCE && start.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(short).await;
        }
        assert_eq!(begun.load(Ordering::SeqCst), AT_ONCE);
        assert!(start.elapsed() < Duration::from_secs(60));
        // Storage's threads are others.
        assert_eq!(tokio::task::spawn_blocking(|| 7).await.unwrap(), 7);
        drop(hanging);
        assert_eq!(
            look_ups.within(Duration::from_secs(10), || 7).await,
            Some(7),
            "the places are free again"
        );
    }
}
