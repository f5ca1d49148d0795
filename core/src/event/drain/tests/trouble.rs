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

/// One dispatcher that never opens, beside one that does.
struct Stuck(Arc<Scripted>);

#[async_trait]
impl Dispatchers for Stuck {
    async fn open(&self, name: &str) -> Result<Arc<dyn Dispatch>, DispatcherError> {
        match name {
            "stuck" => std::future::pending().await,
            _ => Ok(self.0.clone()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn w21_a_dispatcher_that_never_opens_holds_up_no_other() {
    let world = World::new(|_| at_once(Class::Delivered));
    for n in 0..6 {
        world.endpoint(&format!("https://n{n}.example"), false);
    }
    let stuck = "UPDATE endpoints SET dispatcher = 'stuck' WHERE url = 'https://n0.example'";
    world.with(|db| Ok(db.execute(stuck, [])?));
    world.emit(10);
    let options = world.options.clone();
    let drainer = Drainer::new(world.ledger.clone(), Arc::new(Stuck(world.scripted.clone())), options);
    let drained = drainer.drain(None, Until::Due).await.unwrap();
    let seen = world.seen();
    assert!(seen.iter().all(|s| s.0.as_second() == START), "{seen:?}");
    assert_eq!((drained.delivered, seen.len()), (50, 50));
    // It is the dispatcher's failure, and opens no breaker of the receiver.
    let (classes, breakers) = world.with(|db| {
        let classes: String =
            db.query_row("SELECT group_concat(DISTINCT class) FROM attempts", [], |row| row.get(0))?;
        let breakers: u32 = db.query_row("SELECT count(*) FROM breakers", [], |row| row.get(0))?;
        Ok((classes, breakers))
    });
    assert_eq!((classes.as_str(), breakers), ("delivered,dispatcher", 0));
}

#[tokio::test(start_paused = true)]
async fn w18_a_drain_never_sends_what_it_has_under_way_itself_whatever_the_clock_does() {
    let mut world = World::new(|_| (Duration::from_secs(20), Class::Delivered));
    world.options.poll = Duration::from_secs(1);
    world.endpoint("https://one.example", false);
    world.endpoint("https://two.example", true);
    world.emit(2);
    let jumping = async {
        for lease in ["", ", lease = NULL", ", lease = 'another'", ", lease = NULL"] {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let over = format!("UPDATE deliveries SET lease_until = 1{lease} WHERE lease IS NOT NULL");
            world.with(|db| Ok(db.execute(&over, [])?));
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        world.seen()
    };
    let (drained, seen) = tokio::join!(world.drain(Until::Due), jumping);
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert_eq!((drained.delivered, world.seen().len()), (4, 4));
    let attempts = world.with(|db| {
        Ok(db.query_row("SELECT group_concat(attempts) FROM deliveries", [], |row| row.get::<_, String>(0))?)
    });
    assert_eq!(attempts, "1,1,1,1", "each result was its own");
}
