//! What a drain makes of a database that fails for a while, and of clocks that jump.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::store::StoreError;

/// A database that another holds locked at times.
struct Lockable {
    ledger: Arc<FileLedger>,
    is_locked: AtomicBool,
}

impl Lockable {
    fn over(world: &World) -> Arc<Self> {
        Arc::new(Self { ledger: world.ledger.clone(), is_locked: AtomicBool::new(false) })
    }

    fn lock(&self, is_locked: bool) {
        self.is_locked.store(is_locked, Ordering::SeqCst);
    }
}

impl Ledger for Lockable {
    fn read(&self, work: &mut dyn FnMut(&Connection) -> Result<(), EventError>) -> Result<(), EventError> {
        self.ledger.read(work)
    }

    fn write(&self, work: &mut dyn FnMut(&Connection) -> Result<(), EventError>) -> Result<(), EventError> {
        match self.is_locked.load(Ordering::SeqCst) {
            true => Err(StoreError::Locked.into()),
            false => self.ledger.write(work),
        }
    }
}

impl World {
    fn drainer(&self, ledger: Arc<dyn Ledger>) -> Drainer {
        Drainer::new(ledger, Arc::new(Only(self.scripted.clone())), self.options.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_that_were_made_while_the_database_is_locked_are_written_afterwards() {
    let world = World::new(|_| (Duration::from_secs(2), Class::Delivered));
    world.endpoint("https://one.example", false);
    world.emit(10);
    let ledger = Lockable::over(&world);
    let locking = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ledger.lock(true);
        // Longer than it takes until those that were claimed have ended.
        tokio::time::sleep(Duration::from_secs(50)).await;
        let begun = world.seen().len();
        ledger.lock(false);
        begun
    };
    let drainer = world.drainer(ledger.clone());
    let (drained, begun) = tokio::join!(drainer.drain(None, Until::Due), locking);
    assert_eq!(begun, 4, "nothing is claimed meanwhile");
    assert_eq!((drained.unwrap().delivered, world.seen().len()), (10, 10), "none was made twice");
    assert_eq!(world.states(), [("delivered".to_owned(), 10)].into());
}

#[tokio::test(start_paused = true)]
async fn a_database_that_stays_locked_ends_a_drain_after_a_minute() {
    let world = World::new(|_| (Duration::from_secs(2), Class::Delivered));
    world.endpoint("https://one.example", false);
    world.emit(4);
    let ledger = Lockable::over(&world);
    let drainer = world.drainer(ledger.clone());
    let begun = Instant::now();
    let locking = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ledger.lock(true);
    };
    let (drained, ()) = tokio::join!(drainer.drain(None, Until::Due), locking);
    assert!(matches!(drained, Err(EventError::Store(StoreError::Locked))), "{drained:?}");
    assert!((60..65).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    // With nothing under way there is nothing to bear it for.
    let begun = Instant::now();
    world.emit(1);
    assert!(drainer.drain(None, Until::Due).await.is_err());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
