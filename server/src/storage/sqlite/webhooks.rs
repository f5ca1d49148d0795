//! Endpoints and deliveries in SQLite: `orkee_core::event`'s functions, each in a transaction with its row of the audit trail.

use std::time::Duration;

use jiff::Timestamp;
use orkee_core::event::deliveries::{self, Delivery, Kept, Page, Query, Which};
use orkee_core::event::{
    Access, Endpoint, EventError, EventKind, Ledger, NewEndpoint, NewEvent, Owner, WebhookSecret, emit_to,
    endpoints,
};
use orkee_core::id::SystemIds;
use rusqlite::{Connection, Transaction};
use url::Url;

use super::super::webhooks::MOST;
use super::super::{AccountKey, Change, Deed, Pulled, Result, SpaceKey, Webhooks, Whose, Witness};
use super::{Database, Sqlite, audit, failed};

/// Why an endpoint is disabled whose owner wanted it.
const BY_OWNER: &str = "disabled by its owner";
const BY_OPERATOR: &str = "disabled by whoever runs the server";
const ACCOUNT_DISABLED: &str = "the account is disabled";

/// Others read all the time, each for a moment: so often it is tried to find one in which nobody does, and so far apart.
const SCRUBS: u32 = 5;
const BETWEEN_SCRUBS: Duration = Duration::from_millis(20);

const WHOSE: &str = "SELECT a.email, t.name FROM spaces s LEFT JOIN accounts a ON a.space = s.rowid
                     LEFT JOIN teams t ON t.space = s.rowid WHERE s.rowid = ?1";

/// The endpoint of a space, by its id alone.
fn find(tx: &Transaction<'_>, space: SpaceKey, id: &str) -> Result<Endpoint> {
    Ok(endpoints::by_id(tx, Owner(space.0), id)?)
}

/// Disables what an account's own events go to.
pub(super) fn silence(tx: &Transaction<'_>, account: AccountKey, now: Timestamp) -> Result<()> {
    let doing = "disabling an account's webhooks";
    let sql = "SELECT space FROM accounts WHERE rowid = ?1";
    let space: i64 = tx.query_row(sql, [account.0], |row| row.get(0)).map_err(failed(doing))?;
    for endpoint in endpoints::list(tx, Owner(space))? {
        endpoints::disable(tx, &endpoint, ACCOUNT_DISABLED, now)?;
    }
    Ok(())
}

/// Of a URL, what may be told on: the rest of it may be a secret, as with Slack's.
pub(super) fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

fn note(tx: &Transaction<'_>, change: Change<'_>, action: &str, id: &str, outcome: String) -> Result<()> {
    let deed = Deed { action: action.to_owned(), subject: Some(id.to_owned()), outcome };
    audit::add(tx, change.by, &deed, change.now).map_err(failed("telling the audit trail of a webhook"))
}

/// A secret was wiped: out of the log with it, too. It is gone from the database whether or not that works now.
fn scrub(storage: &Sqlite) {
    if let Err(error) = storage.scrub() {
        tracing::warn!(%error, "a secret that was wiped may stay in the database's log for a while");
    }
}

/// Whose a space is.
pub(super) fn whose(tx: &Connection, owner: Owner) -> rusqlite::Result<Whose> {
    tx.prepare_cached(WHOSE)?.query_row([owner.0], |row| {
        let (account, team): (Option<String>, Option<String>) = (row.get(0)?, row.get(1)?);
        Ok(team.map(Whose::Team).unwrap_or_else(|| Whose::Account(account.unwrap_or_default())))
    })
}

/// Whom the audit trail names where the server itself did it.
pub(super) fn of_server(whose: &Whose) -> Witness {
    match whose {
        Whose::Team(team) => Witness { team: Some(team.clone()), ..Witness::default() },
        Whose::Account(_) => Witness::default(),
    }
}

/// Tells the audit trail of an endpoint that the drain switched off, in its transaction.
pub(crate) fn note_disabled(
    db: &Connection,
    endpoint: &Endpoint,
    why: &str,
    now: Timestamp,
) -> std::result::Result<(), EventError> {
    let by = of_server(&whose(db, endpoint.owner)?);
    let action = "disable-webhook".to_owned();
    let deed = Deed { action, subject: Some(endpoint.id.clone()), outcome: why.to_owned() };
    Ok(audit::add(db, &by, &deed, now)?)
}

impl Webhooks for Sqlite {
    fn webhooks(&self, space: SpaceKey) -> Result<Vec<Endpoint>> {
        self.read("listing webhooks", |tx| Ok(endpoints::list(tx, Owner(space.0))?))
    }

    fn all_webhooks(&self) -> Result<Vec<(Whose, Endpoint)>> {
        let doing = "listing webhooks";
        let sql = "SELECT DISTINCT owner FROM endpoints WHERE removed_at IS NULL ORDER BY owner";
        self.read(doing, |tx| {
            let mut statement = tx.prepare(sql).map_err(failed(doing))?;
            let owners = statement.query_map([], |row| row.get(0).map(Owner));
            let owners: Vec<Owner> = owners.and_then(Iterator::collect).map_err(failed(doing))?;
            let mut all = Vec::new();
            for owner in owners {
                let whose = whose(tx, owner).map_err(failed(doing))?;
                all.extend(endpoints::list(tx, owner)?.into_iter().map(|endpoint| (whose.clone(), endpoint)));
            }
            Ok(all)
        })
    }

    fn add_webhook(&self, change: Change<'_>, new: &NewEndpoint) -> Result<Endpoint> {
        Database::write(self, "adding a webhook", |tx| {
            let owner = Owner(change.space.0);
            if endpoints::list(tx, owner)?.len() >= MOST {
                return Err(EventError::Many { most: MOST as u32 }.into());
            }
            let endpoint = endpoints::add(tx, owner, new, change.now, &SystemIds)?;
            note(tx, change, "add-webhook", &endpoint.id, origin(&endpoint.url))?;
            Ok(endpoint)
        })
    }

    fn remove_webhook(&self, change: Change<'_>, id: &str) -> Result<()> {
        Database::write(self, "removing a webhook", |tx| {
            let endpoint = find(tx, change.space, id)?;
            endpoints::remove(tx, &endpoint, change.now)?;
            note(tx, change, "remove-webhook", id, origin(&endpoint.url))
        })?;
        scrub(self);
        Ok(())
    }

    fn enable_webhook(&self, change: Change<'_>, id: &str, replay: bool) -> Result<()> {
        Database::write(self, "enabling a webhook", |tx| {
            let endpoint = find(tx, change.space, id)?;
            let enabled = endpoints::enable(tx, &endpoint, replay, change.now)?;
            let outcome = match enabled.replayed {
                0 => "done".to_owned(),
                replayed => format!("{replayed} deliveries go on"),
            };
            note(tx, change, "enable-webhook", id, outcome)
        })
    }

    fn disable_webhook(&self, change: Change<'_>, id: &str) -> Result<()> {
        Database::write(self, "disabling a webhook", |tx| {
            let endpoint = find(tx, change.space, id)?;
            match endpoints::disable(tx, &endpoint, BY_OWNER, change.now)? {
                None => Ok(()),
                Some(_) => note(tx, change, "disable-webhook", id, origin(&endpoint.url)),
            }
        })
    }

    fn disable_any_webhook(&self, id: &str, now: Timestamp) -> Result<Whose> {
        let doing = "disabling a webhook";
        let sql = "SELECT owner FROM endpoints WHERE id = ?1 AND removed_at IS NULL";
        Database::write(self, doing, |tx| {
            let owner = match tx.query_row(sql, [id], |row| row.get(0).map(Owner)) {
                Err(rusqlite::Error::QueryReturnedNoRows) => {
                    return Err(EventError::NoEndpoint { query: id.to_owned() }.into());
                }
                found => found.map_err(failed(doing))?,
            };
            let endpoint = endpoints::by_id(tx, owner, id)?;
            let whose = whose(tx, owner).map_err(failed(doing))?;
            endpoints::disable(tx, &endpoint, BY_OPERATOR, now)?;
            let change = Change { space: SpaceKey(owner.0), by: &of_server(&whose), now };
            note(tx, change, "disable-webhook", id, origin(&endpoint.url))?;
            Ok(whose)
        })
    }

    fn rotate_webhook(
        &self,
        change: Change<'_>,
        id: &str,
        secret: &WebhookSecret,
        overlap: Duration,
    ) -> Result<()> {
        Database::write(self, "changing a webhook's secret", |tx| {
            let endpoint = find(tx, change.space, id)?;
            endpoints::rotate(tx, &endpoint, secret, overlap, change.now)?;
            note(
                tx,
                change,
                "rotate-webhook-secret",
                id,
                format!("the old one signs for {} s", overlap.as_secs()),
            )
        })?;
        scrub(self);
        Ok(())
    }

    fn test_webhook(&self, space: SpaceKey, id: &str, now: Timestamp) -> Result<Option<String>> {
        let doing = "testing a webhook";
        Database::write(self, doing, |tx| {
            let endpoint = find(tx, space, id)?;
            let event = NewEvent::new(EventKind::Test);
            let queued = emit_to(tx, Owner(space.0), &endpoint.id, &event, now, &SystemIds);
            let Some(delivery) = queued.map_err(failed(doing))? else { return Ok(None) };
            let sql = "SELECT v.id FROM deliveries d JOIN events v ON v.rowid = d.event WHERE d.rowid = ?1";
            tx.query_row(sql, [delivery], |row| row.get(0)).map(Some).map_err(failed(doing))
        })
    }

    fn deliveries(&self, space: SpaceKey, query: &Query) -> Result<Page> {
        self.read("listing deliveries", |tx| Ok(deliveries::list(tx, Owner(space.0), query)?))
    }

    fn delivery(&self, space: SpaceKey, endpoint: &str, event: &str) -> Result<Option<Delivery>> {
        let (endpoint, id) = (Some(endpoint.to_owned()), Some(event.to_owned()));
        let page = self.deliveries(space, &Query { endpoint, id, limit: 1, ..Query::default() })?;
        Ok(page.deliveries.into_iter().next())
    }

    fn redeliver(&self, change: Change<'_>, endpoint: Option<&str>, ids: Vec<String>) -> Result<u64> {
        Database::write(self, "sending events again", |tx| {
            if let Some(id) = endpoint {
                find(tx, change.space, id)?;
            }
            let which = Which::Events(ids);
            let count = deliveries::redeliver(tx, Owner(change.space.0), endpoint, &which, change.now)?;
            note(
                tx,
                change,
                "redeliver",
                endpoint.unwrap_or("all endpoints"),
                format!("{count} deliveries"),
            )?;
            Ok(count)
        })
    }

    fn pull(
        &self,
        space: SpaceKey,
        id: &str,
        taken: &[String],
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Vec<Pulled>>> {
        let doing = "handing out events";
        let pulled = |one: deliveries::Waiting| Pulled { id: one.id, event: one.event, body: one.body };
        let hand_out = |tx: &Transaction<'_>| {
            let endpoint = find(tx, space, id)?;
            if !endpoint.pulled {
                return Ok(None);
            }
            deliveries::take(tx, &endpoint, taken, now)?;
            Ok(Some(deliveries::waiting(tx, &endpoint, limit)?.into_iter().map(pulled).collect()))
        };
        // Whoever asks again and again with nothing to say writes nothing.
        if taken.is_empty() { self.read(doing, hand_out) } else { Database::write(self, doing, hand_out) }
    }

    fn pulled_webhooks(&self) -> Result<Vec<String>> {
        let doing = "listing webhooks";
        let sql = "SELECT id FROM endpoints WHERE pulled AND removed_at IS NULL";
        self.read(doing, |tx| {
            let mut statement = tx.prepare(sql).map_err(failed(doing))?;
            statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed(doing))
        })
    }

    fn abandon_webhook(&self, id: &str, now: Timestamp) -> Result<bool> {
        let doing = "removing a webhook";
        let sql = "SELECT owner FROM endpoints WHERE id = ?1 AND pulled AND removed_at IS NULL";
        let removed = Database::write(self, doing, |tx| {
            let owner = match tx.query_row(sql, [id], |row| row.get(0).map(Owner)) {
                Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(false),
                found => found.map_err(failed(doing))?,
            };
            let endpoint = endpoints::by_id(tx, owner, id)?;
            endpoints::remove(tx, &endpoint, now)?;
            let by = of_server(&whose(tx, owner).map_err(failed(doing))?);
            let change = Change { space: SpaceKey(owner.0), by: &by, now };
            note(tx, change, "remove-webhook", id, "nobody pulled from it".to_owned())?;
            Ok(true)
        })?;
        if removed {
            scrub(self);
        }
        Ok(removed)
    }

    fn set_access(&self, access: &Access) -> Result<()> {
        Database::write(self, "saying how webhooks may be reached", |tx| {
            Ok(endpoints::set_access(tx, access)?)
        })
    }

    fn wipe_old_secrets(&self, now: Timestamp) -> Result<()> {
        let ledger: &dyn Ledger = self;
        for _ in 0..SCRUBS {
            ledger.wipe_old_secrets(now)?;
            if !self.owes_scrub() {
                break;
            }
            std::thread::sleep(BETWEEN_SCRUBS);
        }
        Ok(())
    }

    fn forget_deliveries(&self, now: Timestamp) -> Result<u64> {
        let ledger: &dyn Ledger = self;
        Ok(ledger.prune(Kept::default(), now, u64::MAX)?.deliveries)
    }
}
