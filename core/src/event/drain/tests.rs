//! Drains over days, in a moment: time is tokio's, which goes on by itself where nothing is to be done, and receivers are functions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

mod trouble;

use super::*;
use crate::clock::Clock;
use crate::event::{
    Access, Class, EventKind, FileLedger, NewEndpoint, NewEvent, WebhookSecret, emit, endpoints,
};
use crate::id::SystemIds;
use crate::plugin::{Attempt, Delivered, Delivery, DispatcherError, PluginError, Transport};
use crate::store::Options;

const START: i64 = 1_800_000_000;

/// Tokio's time on a calendar, and what a sleep of the machine adds to it.
struct Virtual {
    begun: Instant,
    slept: AtomicI64,
}

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        let since = SignedDuration::try_from(self.begun.elapsed()).unwrap();
        let slept = SignedDuration::from_secs(self.slept.load(Ordering::SeqCst));
        Timestamp::from_second(START).unwrap() + since + slept
    }
}

/// What a receiver answers, by the endpoint's URL and the attempt; and after how long.
type Receiver = dyn Fn(&Delivery) -> (Duration, Class) + Send + Sync;

/// Attempts as they were made: when, where, which event, which attempt.
type Seen = Vec<(Timestamp, String, String, u32)>;

struct Scripted {
    clock: Arc<Virtual>,
    receiver: Box<Receiver>,
    seen: Mutex<Seen>,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Dispatch for Scripted {
    async fn deliver(&self, delivery: Delivery) -> Result<Delivered, PluginError> {
        let (takes, class) = (self.receiver)(&delivery);
        let url = delivery.target.origin().to_string();
        self.seen.lock().unwrap().push((self.clock.now(), url, delivery.id, delivery.attempt));
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(takes).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let status = match class {
            Class::Delivered => Some(204),
            Class::Gone => Some(410),
            Class::ServerError => Some(500),
            _ => None,
        };
        let attempt = match class {
            Class::Delivered => Attempt::Delivered { status: 204 },
            Class::Gone => Attempt::Gone,
            _ => Attempt::Failed { status, reason: "no".to_owned(), wait: None },
        };
        Ok(Delivered { attempt, transport: Transport { status, ..Transport::none(class, "no") } })
    }
}

struct Only(Arc<Scripted>);

#[async_trait]
impl Dispatchers for Only {
    async fn open(&self, _: &str) -> Result<Arc<dyn Dispatch>, DispatcherError> {
        Ok(self.0.clone())
    }
}

/// A database, a receiver, and what drains are given.
struct World {
    clock: Arc<Virtual>,
    ledger: Arc<FileLedger>,
    scripted: Arc<Scripted>,
    options: DrainOptions,
}

impl World {
    fn new(receiver: impl Fn(&Delivery) -> (Duration, Class) + Send + Sync + 'static) -> Self {
        let clock = Arc::new(Virtual { begun: Instant::now(), slept: AtomicI64::new(0) });
        let ledger = Arc::new(FileLedger::over(Options::default().in_memory().unwrap()));
        let scripted = Arc::new(Scripted {
            clock: clock.clone(),
            receiver: Box::new(receiver),
            seen: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let options =
            DrainOptions { clock: clock.clone(), poll: Duration::from_secs(3600), ..DrainOptions::default() };
        Self { clock, ledger, scripted, options }
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, EventError>) -> T {
        (&*self.ledger as &dyn Ledger).writing(work).unwrap()
    }

    fn endpoint(&self, url: &str, ordered: bool) {
        self.endpoint_of(self.ledger.owner(), url, ordered);
    }

    fn endpoint_of(&self, owner: Owner, url: &str, ordered: bool) {
        let new = NewEndpoint {
            url: url.to_owned(),
            filters: Vec::new(),
            description: None,
            dispatcher: "scripted".to_owned(),
            ordered,
            pulled: false,
            access: Access::default(),
            headers: Vec::new(),
            secret: WebhookSecret::generate(),
        };
        let now = self.clock.now();
        self.with(|db| endpoints::add(db, owner, &new, now, &SystemIds));
    }

    fn emit(&self, count: usize) {
        self.emit_of(self.ledger.owner(), count);
    }

    fn emit_of(&self, owner: Owner, count: usize) {
        let now = self.clock.now();
        self.with(|db| {
            for _ in 0..count {
                emit(db, owner, &NewEvent::of(EventKind::ProjectUpdated, "p"), now, &SystemIds)?;
            }
            Ok(())
        });
    }

    /// Somebody else in the same database.
    fn owner(&self, name: &str) -> Owner {
        self.with(|db| {
            db.execute("INSERT INTO spaces (tenant) VALUES (?)", [name])?;
            Ok(Owner(db.last_insert_rowid()))
        })
    }

    async fn drain(&self, until: Until) -> Drained {
        self.drain_by(self.ledger.clone(), until).await
    }

    async fn drain_by(&self, ledger: Arc<dyn Ledger>, until: Until) -> Drained {
        let dispatchers = Arc::new(Only(self.scripted.clone()));
        let drainer = Drainer::new(ledger, dispatchers, self.options.clone());
        drainer.drain(None, until).await.unwrap()
    }

    fn seen(&self) -> Seen {
        self.scripted.seen.lock().unwrap().clone()
    }

    fn states(&self) -> BTreeMap<String, usize> {
        let mut states = BTreeMap::new();
        self.with(|db| {
            let mut statement = db.prepare("SELECT state FROM deliveries")?;
            for state in statement.query_map([], |row| row.get::<_, String>(0))? {
                *states.entry(state?).or_default() += 1;
            }
            Ok(())
        });
        states
    }
}

/// The database, and what a drain writes there.
struct Watched {
    ledger: Arc<FileLedger>,
    transactions: AtomicUsize,
    /// Rows of the largest one.
    most: AtomicUsize,
}

impl Watched {
    fn of(world: &World) -> Arc<Self> {
        let (transactions, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { ledger: world.ledger.clone(), transactions, most })
    }
}

impl Ledger for Watched {
    fn read(&self, work: &mut dyn FnMut(&Connection) -> Result<(), EventError>) -> Result<(), EventError> {
        self.ledger.read(work)
    }

    fn write(&self, work: &mut dyn FnMut(&Connection) -> Result<(), EventError>) -> Result<(), EventError> {
        self.transactions.fetch_add(1, Ordering::SeqCst);
        self.ledger.write(&mut |db| {
            let before = db.total_changes();
            work(db)?;
            self.most.fetch_max((db.total_changes() - before) as usize, Ordering::SeqCst);
            Ok(())
        })
    }

    fn scrub(&self) -> Result<bool, EventError> {
        self.ledger.scrub()
    }

    fn owes_scrub(&self) -> bool {
        self.ledger.owes_scrub()
    }
}

fn at_once(class: Class) -> (Duration, Class) {
    (Duration::ZERO, class)
}

const DAYS: Until = Until::Quiet(Duration::from_secs(3 * 24 * 3600));

#[tokio::test(start_paused = true)]
async fn w11_ten_attempts_are_made_at_the_schedule_and_no_two_endpoints_keep_step() {
    let world = World::new(|_| at_once(Class::ServerError));
    world.endpoint("https://one.example", false);
    world.endpoint("https://two.example", false);
    world.emit(1);
    let drained = world.drain(DAYS).await;
    assert_eq!((drained.failed, drained.given_up, drained.next), (20, 2, None));
    let seen = world.seen();
    let of = |url: &str| -> Vec<Timestamp> { seen.iter().filter(|s| s.1 == url).map(|s| s.0).collect() };
    let (one, two) = (of("https://one.example"), of("https://two.example"));
    let pauses = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for attempts in [&one, &two] {
        assert_eq!(attempts.len(), 10);
        for (n, pause) in pauses.iter().enumerate() {
            let waited = attempts[n + 1].duration_since(attempts[n]).as_secs_f64() / f64::from(*pause);
            assert!((0.79..1.21).contains(&waited), "attempt {}: {waited} of {pause} s", n + 2);
        }
    }
    assert!(one[1..].iter().zip(&two[1..]).all(|(one, two)| one != two), "{one:?} {two:?}");
    assert_eq!(world.states(), [("dead".to_owned(), 2)].into());
}

#[tokio::test(start_paused = true)]
async fn w14_an_endpoint_that_fails_for_five_days_is_switched_off_once() {
    let mut world = World::new(|_| at_once(Class::ServerError));
    let noted = Arc::new(AtomicUsize::new(0));
    let count = noted.clone();
    world.options.on_disabled = Arc::new(move |_, _, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    world.endpoint("https://one.example", false);
    let mut disabled = Vec::new();
    for _ in 0..7 {
        world.emit(2);
        disabled.extend(world.drain(Until::Due).await.disabled);
        tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    }
    assert_eq!((disabled.len(), noted.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(world.states().get("pending"), None);
    let last = world.seen().last().unwrap().0;
    let after = last.duration_since(Timestamp::from_second(START).unwrap());
    assert!((SignedDuration::from_hours(120)..SignedDuration::from_hours(121)).contains(&after), "{after}");
}

#[tokio::test(start_paused = true)]
async fn w21_a_hanging_endpoint_has_four_attempts_under_way_and_the_others_go_on() {
    let world = World::new(|delivery| match delivery.target.origin().to_string().as_str() {
        "https://hang.example" => (Duration::from_secs(20), Class::Timeout),
        _ => (Duration::from_millis(10), Class::Delivered),
    });
    world.endpoint("https://hang.example", false);
    for n in 0..9 {
        world.endpoint(&format!("https://n{n}.example"), false);
    }
    world.emit(100);
    world.drain(Until::Due).await;
    let seen = world.seen();
    let begun = seen[0].0;
    let others: Vec<_> = seen.iter().filter(|s| !s.1.contains("hang")).collect();
    assert_eq!(others.len(), 900);
    assert!(others.iter().all(|s| s.0.duration_since(begun) < SignedDuration::from_secs(2)));
    let hung: Vec<_> = seen.iter().filter(|s| s.1.contains("hang")).collect();
    let at_first = hung.iter().filter(|s| s.0.duration_since(begun) < SignedDuration::from_secs(20)).count();
    assert_eq!(at_first, 4);
    // The fifth failure in a row opens the breaker; what waits has used up no attempt.
    assert!((5..8).contains(&hung.len()), "{}", hung.len());
    assert!(world.scripted.most.load(Ordering::SeqCst) <= AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn w21_an_owner_of_many_slow_endpoints_and_a_backlog_keeps_no_other_owner_waiting() {
    let mut world = World::new(|delivery| match delivery.target.origin().to_string().as_str() {
        "https://other.example" => (Duration::from_millis(10), Class::Delivered),
        _ => (Duration::from_secs(19), Class::Delivered),
    });
    world.options.per_owner = Some(16);
    world.options.poll = Duration::from_secs(1);
    let (stop, stopped) = watch::channel(false);
    world.options.stop = Some(stopped);
    // As many as could fill all places together, and again.
    for slow in 0..8 {
        let owner = world.owner(&format!("slow {slow}"));
        for n in 0..20 {
            world.endpoint_of(owner, &format!("https://slow{slow}n{n}.example"), false);
        }
        world.emit_of(owner, 50);
    }
    let other = world.owner("other");
    world.endpoint_of(other, "https://other.example", false);
    let telling = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begun = world.clock.now();
        world.emit_of(other, 20);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let seen = world.seen();
        stop.send(true).unwrap();
        (begun, seen)
    };
    let (_, (begun, seen)) = tokio::join!(world.drain(Until::Stopped), telling);
    let served: Vec<_> = seen.iter().filter(|s| s.1.contains("other")).collect();
    assert_eq!(served.len(), 20);
    assert!(served.iter().all(|s| s.0.duration_since(begun) < SignedDuration::from_secs(2)), "{served:?}");
    let first_round = |slow: usize| {
        let first =
            |s: &&(Timestamp, String, String, u32)| s.0 == seen[0].0 && s.1.contains(&format!("slow{slow}n"));
        seen.iter().filter(first).count()
    };
    let shares: Vec<_> = (0..8).map(first_round).collect();
    assert!(shares.iter().all(|share| (7..=8).contains(share)), "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn w21_an_owner_has_so_many_attempts_under_way_and_no_more() {
    let mut world = World::new(|_| (Duration::from_secs(1), Class::Delivered));
    world.options.per_owner = Some(16);
    for n in 0..40 {
        world.endpoint(&format!("https://n{n}.example"), false);
    }
    world.emit(2);
    let drained = world.drain(Until::Due).await;
    assert_eq!((drained.delivered, world.scripted.most.load(Ordering::SeqCst)), (80, 16));
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_are_under_way_at_once_than_there_may_be() {
    let world = World::new(|_| (Duration::from_secs(1), Class::Delivered));
    for n in 0..40 {
        world.endpoint(&format!("https://n{n}.example"), false);
    }
    world.emit(10);
    let drained = world.drain(Until::Due).await;
    assert_eq!((drained.delivered, world.scripted.most.load(Ordering::SeqCst)), (400, AT_ONCE));
}

#[tokio::test(start_paused = true)]
async fn w19_an_ordered_endpoint_is_sent_one_after_the_other_through_failures() {
    let world = World::new(|delivery| match delivery.attempt {
        1 => at_once(Class::ServerError),
        _ => (Duration::from_secs(1), Class::Delivered),
    });
    world.endpoint("https://one.example", true);
    world.emit(20);
    world.drain(Until::Quiet(Duration::from_secs(60))).await;
    let seen = world.seen();
    assert_eq!(seen.len(), 40);
    for pair in seen.chunks(2) {
        assert_eq!((&pair[0].2, pair[0].3, pair[1].3), (&pair[1].2, 1, 2));
    }
    assert_eq!(world.scripted.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn w22_a_machine_that_slept_spreads_what_it_missed_and_gives_up_what_is_too_old() {
    let mut world = World::new(|_| at_once(Class::Delivered));
    world.options.poll = Duration::from_secs(1);
    world.endpoint("https://one.example", false);
    let (stop, stopped) = watch::channel(false);
    world.options.stop = Some(stopped);
    let world = Arc::new(world);
    let draining = tokio::spawn({
        let world = world.clone();
        async move { world.drain(Until::Stopped).await }
    });
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Nobody looks between the two: the lid is closed.
    world.emit(100);
    world.with(|db| Ok(db.execute("UPDATE deliveries SET since = since - 300000000 WHERE rowid <= 10", [])?));
    world.clock.slept.store(3 * 24 * 3600, Ordering::SeqCst);
    let awake = world.clock.now();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let seen = world.seen();
    assert_eq!(world.states(), [("dead".to_owned(), 10), ("delivered".to_owned(), 90)].into());
    let late: Vec<_> = seen.iter().map(|s| s.0.duration_since(awake).as_secs_f64()).collect();
    assert!(late.last().unwrap() > &4.0, "{late:?}");
    let busiest = |from: f64| late.iter().filter(|at| (from..from + 1.0).contains(*at)).count();
    assert!((0..6).all(|second| busiest(f64::from(second)) <= 45), "{late:?}");
    stop.send(true).unwrap();
    assert_eq!(draining.await.unwrap().delivered, 90);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_stopped_begins_nothing_and_writes_what_is_under_way() {
    let mut world = World::new(|_| (Duration::from_secs(5), Class::Delivered));
    world.endpoint("https://one.example", false);
    world.emit(20);
    let (stop, stopped) = watch::channel(false);
    world.options.stop = Some(stopped);
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        stop.send(true).unwrap();
    };
    let (drained, ()) = tokio::join!(world.drain(Until::Due), stopping);
    assert_eq!(drained.delivered, 8);
    assert_eq!(world.states(), [("delivered".to_owned(), 8), ("pending".to_owned(), 12)].into());
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_woken_does_not_wait_until_it_looks_by_itself() {
    let mut world = World::new(|_| at_once(Class::Delivered));
    world.endpoint("https://one.example", false);
    let ((stop, stopped), wake) = (watch::channel(false), Arc::new(Notify::new()));
    world.options.stop = Some(stopped);
    world.options.wake = Some(wake.clone());
    let waking = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        world.emit(1);
        wake.notify_one();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let seen = world.seen();
        stop.send(true).unwrap();
        seen
    };
    let (_, seen) = tokio::join!(world.drain(Until::Stopped), waking);
    let ids: BTreeSet<_> = seen.iter().map(|s| &s.2).collect();
    assert_eq!((seen.len(), ids.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn w13_an_endpoint_that_is_gone_is_asked_no_more_even_for_what_was_queued() {
    let world = World::new(|_| at_once(Class::Gone));
    world.endpoint("https://one.example", true);
    world.emit(5);
    let drained = world.drain(DAYS).await;
    assert_eq!((world.seen().len(), drained.disabled.len()), (1, 1));
    assert!(drained.disabled[0].why.contains("410"), "{:?}", drained.disabled);
    assert_eq!(world.states(), [("cancelled".to_owned(), 4), ("dead".to_owned(), 1)].into());
}

#[tokio::test(start_paused = true)]
async fn w22_what_was_missed_is_spread_in_transactions_of_a_bounded_size() {
    let world = World::new(|_| at_once(Class::Delivered));
    world.endpoint("https://one.example", false);
    world.emit(2500);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let begun = world.clock.now();
    let watched = Watched::of(&world);
    assert_eq!(world.drain_by(watched.clone(), Until::Due).await.delivered, 2500);
    assert_eq!(watched.most.load(Ordering::SeqCst), 1000);
    let late: Vec<_> = world.seen().iter().map(|s| s.0.duration_since(begun).as_secs_f64()).collect();
    let busiest = (0..125).map(|second| late.iter().filter(|late| **late as usize == second).count()).max();
    assert!(late.last().unwrap() > &124.0 && busiest < Some(30), "{busiest:?}, {:?}", late.last());
}

#[tokio::test(start_paused = true)]
async fn w42_a_queue_is_sent_each_event_once_by_few_at_a_time_and_two_transactions_for_four() {
    const EVENTS: usize = 2000;
    let world = World::new(|_| (Duration::from_millis(1), Class::Delivered));
    world.endpoint("https://one.example", false);
    world.emit(EVENTS);
    let watched = Watched::of(&world);
    assert_eq!(world.drain_by(watched.clone(), Until::Due).await.delivered, EVENTS as u64);
    let seen = world.seen();
    let ids: BTreeSet<_> = seen.iter().map(|s| &s.2).collect();
    assert_eq!((seen.len(), ids.len()), (EVENTS, EVENTS));
    assert_eq!(world.scripted.most.load(Ordering::SeqCst), PER_ENDPOINT);
    let transactions = watched.transactions.load(Ordering::SeqCst);
    assert!(transactions <= EVENTS / 2, "{transactions} transactions");
}
