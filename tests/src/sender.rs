//! A device that sends webhooks: endpoints of the tests' own in its database, events for them, and a clock that tests move on by
//! setting back what the database says.

use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use orkee_core::event::{
    self, Access, EventKind, FileLedger, Ledger, NewEndpoint, NewEvent, WebhookSecret, deliveries, endpoints,
};
use orkee_core::id::SystemIds;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::home::{Home, Ran};

/// All times of the tables.
const TIMES: &[(&str, &[&str])] = &[
    ("events", &["at"]),
    ("deliveries", &["since", "due", "lease_until", "settled_at"]),
    ("attempts", &["at", "next_at"]),
    ("endpoints", &["created_at", "disabled_at", "failing_since"]),
    ("signing_keys", &["until"]),
    ("breakers", &["opened_until"]),
];

/// A device with endpoints.
pub struct Sender {
    /// The device. Nothing is sent in the background unless a test wants it.
    pub home: Home,
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}

impl Sender {
    /// One that sends when it is told to: `orkee cloud webhook drain`.
    pub fn new() -> Self {
        let mut home = Home::new();
        home.set("ORKEE_WEBHOOK_DRAIN", "off");
        Self { home }
    }

    /// One that sends in the background, as a person's device does.
    pub fn in_background() -> Self {
        Self { home: Home::new() }
    }

    /// Its database, as `orkee` opens it.
    pub fn ledger(&self) -> FileLedger {
        FileLedger::open(&self.home.orkee().join("orkee.db")).unwrap()
    }

    /// Its database, as SQLite does.
    pub fn database(&self) -> Connection {
        // Made by whoever is first.
        drop(self.ledger());
        let database = Connection::open(self.home.orkee().join("orkee.db")).unwrap();
        database.busy_timeout(Duration::from_secs(20)).unwrap();
        database
    }

    /// Sends all events to this URL from now on, by Standard Webhooks. Returns the endpoint's id.
    pub fn endpoint(&self, url: &str) -> String {
        self.endpoint_with(url, |_| {})
    }

    /// The same, one event after the other.
    pub fn ordered_endpoint(&self, url: &str) -> String {
        self.endpoint_with(url, |endpoint| endpoint.ordered = true)
    }

    /// The same, with something changed.
    pub fn endpoint_with(&self, url: &str, change: impl FnOnce(&mut NewEndpoint)) -> String {
        let mut new = NewEndpoint {
            url: url.to_owned(),
            filters: Vec::new(),
            description: None,
            dispatcher: "webhook".to_owned(),
            ordered: false,
            pulled: false,
            access: Access { loopback: true, ..Access::default() },
            headers: Vec::new(),
            secret: WebhookSecret::generate(),
        };
        change(&mut new);
        let ledger = self.ledger();
        let owner = ledger.owner();
        let ledger: &dyn Ledger = &ledger;
        ledger.writing(|db| endpoints::add(db, owner, &new, Timestamp::now(), &SystemIds)).unwrap().id
    }

    /// Writes so many events of a project, as its changes would.
    pub fn emit(&self, project: &str, count: usize) {
        let ledger = self.ledger();
        let owner = ledger.owner();
        let ledger: &dyn Ledger = &ledger;
        let written = ledger.writing(|db| {
            for n in 0..count {
                let event = NewEvent::of(EventKind::ProjectUpdated, project).with([("n", json!(n))]);
                event::emit(db, owner, &event, Timestamp::now(), &SystemIds)?;
            }
            Ok(())
        });
        written.unwrap();
    }

    /// `orkee cloud webhook drain`, not started.
    pub fn drain_command(&self) -> Command {
        self.home.command(["cloud", "webhook", "drain", "--json"])
    }

    /// Sends what is due, to a good end, and hands back what was done.
    #[track_caller]
    pub fn drain(&self) -> Value {
        self.home.json(["cloud", "webhook", "drain"])
    }

    /// As [`drain`](Self::drain), for whoever wants to see it.
    pub fn try_drain(&self) -> Ran {
        self.home.run(["cloud", "webhook", "drain", "--json"])
    }

    /// So much time passes: everything that the database knows was that much longer ago.
    pub fn pass(&self, time: Duration) {
        set_back(&self.database(), time);
    }

    /// So much time passes as is left until something can be sent, leases and breakers considered, which is returned. None: nothing
    /// waits.
    pub fn pass_to_next(&self) -> Option<Duration> {
        let ledger = self.ledger();
        let ledger: &dyn Ledger = &ledger;
        let now = Timestamp::now();
        let next = ledger.reading(|db| deliveries::next_due(db, None, now)).unwrap()?;
        let left = Duration::from_millis((next.as_millisecond() - now.as_millisecond()).max(0) as u64);
        self.pass(left);
        Some(left)
    }

    /// All deliveries in the order of their events: endpoint, event, state, attempts, and why.
    pub fn deliveries(&self) -> Vec<Sent> {
        let sql = "SELECT p.id, e.id, e.sequence, d.state, d.attempts, d.due, d.why \
                   FROM deliveries d JOIN events e ON e.rowid = d.event JOIN endpoints p ON p.rowid = d.endpoint \
                   ORDER BY d.rowid";
        let database = self.database();
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok(Sent {
                endpoint: row.get(0)?,
                event: row.get(1)?,
                sequence: row.get(2)?,
                state: row.get(3)?,
                attempts: row.get(4)?,
                due: row.get(5)?,
                why: row.get(6)?,
            })
        });
        rows.unwrap().map(|row| row.unwrap()).collect()
    }

    /// The deliveries to one endpoint.
    pub fn deliveries_to(&self, endpoint: &str) -> Vec<Sent> {
        self.deliveries().into_iter().filter(|sent| sent.endpoint == endpoint).collect()
    }

    /// The classes of all attempts for an endpoint, in the order of their making, with the statuses.
    pub fn attempts(&self, endpoint: &str) -> Vec<(String, Option<u16>)> {
        let sql = "SELECT a.class, a.status FROM attempts a JOIN deliveries d ON d.rowid = a.delivery \
                   JOIN endpoints p ON p.rowid = d.endpoint WHERE p.id = ? ORDER BY a.rowid";
        let database = self.database();
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([endpoint], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(|row| row.unwrap()).collect()
    }

    /// Why an endpoint is disabled; none: it is not.
    pub fn disabled(&self, endpoint: &str) -> Option<String> {
        let sql = "SELECT disabled_why FROM endpoints WHERE id = ? AND disabled_at IS NOT NULL";
        self.database().query_row(sql, [endpoint], |row| row.get(0)).ok()
    }
}

/// Everything that a database says of events was so much longer ago.
pub fn set_back(database: &Connection, time: Duration) {
    let by = time.as_millis() as i64;
    for (table, columns) in TIMES {
        let set: Vec<_> = columns.iter().map(|column| format!("{column} = {column} - {by}")).collect();
        database.execute(&format!("UPDATE {table} SET {}", set.join(", ")), []).unwrap();
    }
}

/// A delivery, as it stands.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Where it goes.
    pub endpoint: String,
    /// The event's id.
    pub event: String,
    /// Its number among those of its project.
    pub sequence: u64,
    /// `pending`, `delivered`, `dead` or `cancelled`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, in milliseconds since 1970.
    pub due: i64,
    /// Why it was given up.
    pub why: Option<String>,
}
