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

    fn scrub(&self) -> Result<bool, EventError> {
        self.ledger.scrub()
    }

    fn owes_scrub(&self) -> bool {
        self.ledger.owes_scrub()
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

#[tokio::test(start_paused = true)]
async fn w41_what_is_kept_no_longer_is_deleted_while_attempts_are_under_way() {
    let mut world = World::new(|_| (Duration::from_secs(20), Class::Delivered));
    world.options.poll = Duration::from_secs(1);
    let (stop, stopped) = watch::channel(false);
    world.options.stop = Some(stopped);
    for n in 0..2 {
        world.endpoint(&format!("https://n{n}.example"), false);
    }
    // Four of each at once take 20 s: there is something under way for hours.
    world.emit(4000);
    let old = SignedDuration::from_hours(24 * 40);
    let outdated = |db: &Connection, now: Timestamp| {
        let settled = (now - old).as_millisecond();
        let sql = "UPDATE deliveries SET state = 'delivered', settled_at = ?1 \
                   WHERE rowid = (SELECT max(rowid) FROM deliveries WHERE state = 'pending')";
        db.execute(sql, [settled])?;
        let sql = "INSERT INTO signing_keys (endpoint, secret, until) SELECT endpoint, secret, ?1 FROM signing_keys LIMIT 1";
        Ok(db.execute(sql, [(now + SignedDuration::from_secs(5)).as_millisecond()])?)
    };
    let left = |db: &Connection| {
        let old = "SELECT (SELECT count(*) FROM deliveries WHERE settled_at < ?1), \
                   (SELECT count(*) FROM signing_keys WHERE until IS NOT NULL)";
        let before = Timestamp::from_second(START).unwrap().as_millisecond() - 1;
        Ok(db.query_row(old, [before], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)))?)
    };
    let looking = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        world.with(|db| outdated(db, world.clock.now()));
        let before = world.with(left);
        tokio::time::sleep(Duration::from_secs(20)).await;
        let soon = world.with(left);
        tokio::time::sleep(Duration::from_secs(3700)).await;
        let later = (world.with(left), world.scripted.under_way.load(Ordering::SeqCst));
        stop.send(true).unwrap();
        (before, soon, later)
    };
    let (_, seen) = tokio::join!(world.drain(Until::Stopped), looking);
    assert_eq!(seen, ((1, 1), (1, 0), ((0, 0), 8)));
}

#[tokio::test(start_paused = true)]
async fn w22_what_a_clock_that_was_ahead_left_behind_is_sent_all_the_same() {
    let world = World::new(|_| at_once(Class::Delivered));
    for n in 0..3 {
        world.endpoint(&format!("https://n{n}.example"), false);
    }
    world.emit(1);
    let year = 365 * 86_400_000i64;
    world.with(|db| {
        db.execute("UPDATE deliveries SET due = due + ?1 WHERE rowid = 1", [year])?;
        db.execute("UPDATE deliveries SET lease = 'dead', lease_until = due + ?1 WHERE rowid = 2", [year])?;
        let breaker = "INSERT INTO breakers SELECT endpoint, due + ?1, 9 FROM deliveries WHERE rowid = 3";
        Ok(db.execute(breaker, [year])?)
    });
    let drained = world.drain(Until::Due).await;
    assert_eq!((drained.delivered, drained.failed), (2, 0));
    // Whoever holds it may be at work, and has as long as anybody.
    let next = drained.next.unwrap().duration_since(world.clock.now());
    assert_eq!(next, SignedDuration::from_secs(60));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.drain(Until::Due).await.delivered, 1);
}

#[tokio::test(start_paused = true)]
async fn w22_no_time_that_is_written_by_the_rules_is_taken_for_one_of_a_clock_that_was_ahead() {
    let mut world = World::new(|_| at_once(Class::Reset));
    world.options.random = Arc::new(|| 1.0);
    world.endpoint("https://one.example", false);
    world.emit(12);
    for _ in 0..8 {
        world.drain(Until::Quiet(Duration::from_secs(12 * 3600))).await;
        let now = world.clock.now();
        assert!(!world.with(|db| ahead::is_any(db, now)));
        tokio::time::sleep(Duration::from_secs(12 * 3600)).await;
    }
}
