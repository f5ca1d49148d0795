//! Webhooks of this device: kept in the store, and sent to by commands that run here.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orkee_core::event::deliveries::Which;
use orkee_core::event::{
    Endpoint, FileLedger, Ledger, NewEndpoint, Owner, WebhookSecret, deliveries, endpoints, rules,
};
use orkee_core::id::SystemIds;
use orkee_core::plugin::Target;

use super::place::{Attempt, Delivery, Place, Pulled, Query, Reach, Tested, Wanted, Webhook, Where};
use super::sender::Receiver;
use super::trouble::Trouble;
use super::{listen, sender, test, view};
use crate::commands::cloud::surroundings;
use crate::context::Context;
use crate::failure::Failure;

/// The dispatcher that signs as Standard Webhooks does.
pub(super) const SIGNING: &str = "webhook";

/// Why a webhook is off that a person switched off.
pub(super) const BY_HAND: &str = "switched off by hand";

/// Something that was due so long ago was forgotten.
const OVERDUE: SignedDuration = SignedDuration::from_mins(10);

/// The webhooks of this device, in the space of the tenant in use.
pub(crate) struct Here<'a> {
    cx: &'a Context,
    ledger: Arc<dyn Ledger>,
    owner: Owner,
}

impl<'a> Here<'a> {
    pub(crate) fn open(cx: &'a Context) -> Result<Self, Failure> {
        let ledger = FileLedger::over(cx.store()?);
        let owner = ledger.owner();
        let here = Self { cx, ledger: Arc::new(ledger), owner };
        // A secret whose time is over is no use to anybody but a thief.
        here.ledger.wipe_old_secrets(Timestamp::now())?;
        Ok(here)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> Result<bool, Failure> {
        Ok(self.ledger.reading(|db| endpoints::list(db, self.owner))?.is_empty())
    }

    /// What is amiss.
    pub(crate) fn troubles(&self) -> Result<Vec<Trouble>, Failure> {
        let long_ago = Timestamp::now().checked_sub(OVERDUE).unwrap_or(Timestamp::MIN);
        let (endpoints, overdue) = self.ledger.reading(|db| {
            Ok((endpoints::list(db, self.owner)?, deliveries::due_count(db, Some(self.owner), long_ago)?))
        })?;
        let mut troubles: Vec<Trouble> = endpoints.into_iter().filter_map(trouble).collect();
        if overdue > 0 {
            troubles.push(Trouble::Overdue { deliveries: overdue });
        }
        Ok(troubles)
    }

    /// The log beside the database has a copy of what was wiped. Where it has to stay for now, a later command takes it away.
    fn scrub(&self) -> Result<(), Failure> {
        self.ledger.scrub()?;
        Ok(())
    }

    fn find(&self, id: &str) -> Result<Endpoint, Failure> {
        Ok(self.ledger.reading(|db| endpoints::find(db, self.owner, id))?)
    }
}

impl Place for Here<'_> {
    fn name(&self) -> Where {
        Where::Here
    }

    fn asking(&self) -> (Option<String>, Option<String>) {
        (None, None)
    }

    fn add(&self, wanted: Wanted, secret: &WebhookSecret) -> Result<Webhook, Failure> {
        sender::library(self.cx)?.check(&wanted.dispatcher)?;
        let target = Target::parse(&wanted.url, &wanted.access)?;
        rules::check_headers(&wanted.headers)?;
        // Only what is sent there leads anywhere.
        if !wanted.pulled {
            surroundings::run(async { Ok(rules::look_up(&target).await?) })?;
        }
        let Wanted { url, filters, description, dispatcher, ordered, pulled, access, headers } = wanted;
        let secret = secret.clone();
        let new =
            NewEndpoint { url, filters, description, dispatcher, ordered, pulled, access, headers, secret };
        let now = Timestamp::now();
        let added = self.ledger.writing(|db| endpoints::add(db, self.owner, &new, now, &SystemIds))?;
        Ok(webhook(added))
    }

    fn all(&self) -> Result<Vec<Webhook>, Failure> {
        let endpoints = self.ledger.reading(|db| endpoints::list(db, self.owner))?;
        Ok(endpoints.into_iter().map(webhook).collect())
    }

    fn test(&self, webhook: &Webhook) -> Result<Tested, Failure> {
        let endpoint = self.find(&webhook.id)?;
        let (keys, headers) = self.ledger.reading(|db| {
            Ok((endpoints::keys(db, &endpoint, Timestamp::now())?, endpoints::headers(db, &endpoint)?))
        })?;
        let Endpoint { url, access, dispatcher, .. } = endpoint;
        test::send(self.cx, &dispatcher, &Receiver { url, access, keys, headers })
    }

    fn deliveries(&self, query: &Query) -> Result<Vec<Delivery>, Failure> {
        let mut asked = deliveries::Query {
            endpoint: query.endpoint.clone(),
            id: query.id.clone(),
            since: query.since,
            failed: query.failed,
            after: None,
            limit: query.limit,
        };
        let mut found = Vec::new();
        loop {
            // A page may end before as many are there as are wanted.
            let page = self.ledger.reading(|db| deliveries::list(db, self.owner, &asked))?;
            found.extend(page.deliveries.into_iter().map(delivery));
            asked.limit = query.limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            asked.after = page.next;
            if asked.after.is_none() || asked.limit == 0 {
                return Ok(found);
            }
        }
    }

    fn redeliver(&self, webhook: &str, ids: &[String]) -> Result<u64, Failure> {
        let which = Which::Events(ids.to_vec());
        let now = Timestamp::now();
        Ok(self.ledger.writing(|db| deliveries::redeliver(db, self.owner, Some(webhook), &which, now))?)
    }

    fn enable(&self, webhook: &Webhook, replay: bool) -> Result<Option<u64>, Failure> {
        let endpoint = self.find(&webhook.id)?;
        let enabled = self.ledger.writing(|db| endpoints::enable(db, &endpoint, replay, Timestamp::now()))?;
        Ok(Some(enabled.replayed))
    }

    fn disable(&self, webhook: &Webhook) -> Result<(), Failure> {
        let endpoint = self.find(&webhook.id)?;
        self.ledger.writing(|db| endpoints::disable(db, &endpoint, BY_HAND, Timestamp::now()))?;
        Ok(())
    }

    fn rotate(
        &self,
        webhook: &Webhook,
        secret: &WebhookSecret,
        overlap: SignedDuration,
    ) -> Result<(), Failure> {
        let endpoint = self.find(&webhook.id)?;
        let (now, overlap) = (Timestamp::now(), overlap.unsigned_abs());
        self.ledger.writing(|db| endpoints::rotate(db, &endpoint, secret, overlap, now))?;
        self.scrub()
    }

    fn remove(&self, webhook: &Webhook) -> Result<(), Failure> {
        let endpoint = self.find(&webhook.id)?;
        self.ledger.writing(|db| endpoints::remove(db, &endpoint, Timestamp::now()))?;
        self.scrub()
    }

    fn pull(&self, webhook: &Webhook, taken: &[String], limit: u32) -> Result<Vec<Pulled>, Failure> {
        let endpoint = self.find(&webhook.id)?;
        let now = Timestamp::now();
        if !taken.is_empty() {
            self.ledger.noting(|db| deliveries::take(db, &endpoint, taken, now))?;
        }
        let waiting = self.ledger.reading(|db| deliveries::waiting(db, &endpoint, limit))?;
        let pulled = |one: deliveries::Waiting| Pulled { id: one.id, event: one.event, body: one.body };
        Ok(waiting.into_iter().map(pulled).collect())
    }
}

fn delivery(given: deliveries::Delivery) -> Delivery {
    Delivery {
        place: Where::Here,
        id: given.id,
        endpoint: given.endpoint,
        event: given.event,
        project: given.project,
        at: view::at(given.at),
        state: given.state.as_str().to_owned(),
        reason: given.why,
        attempts: given.attempts.into_iter().map(attempt).collect(),
    }
}

fn attempt(given: deliveries::Attempted) -> Attempt {
    Attempt {
        number: given.number,
        at: view::at(given.at),
        status: given.status,
        class: given.class.as_str().to_owned(),
        duration_ms: u64::try_from(given.duration.as_millis()).unwrap_or(u64::MAX),
        tls: given.tls,
        request_id: given.request_id,
        reply: view::reply(&given.reply),
        next_retry_at: given.next_at.map(view::at),
    }
}

fn trouble(endpoint: Endpoint) -> Option<Trouble> {
    let (id, url) = (endpoint.id, view::cut(&endpoint.url, &endpoint.dispatcher));
    if endpoint.pulled {
        let is_left = listen::is_left_behind(endpoint.description.as_deref());
        return is_left.then_some(Trouble::Unheard { id });
    }
    match (endpoint.disabled, endpoint.failing_since) {
        (Some((_, because)), _) => Some(Trouble::Off { id, url, because }),
        (None, Some(since)) => Some(Trouble::Failing { id, url, since }),
        (None, None) => None,
    }
}

fn webhook(endpoint: Endpoint) -> Webhook {
    Webhook {
        place: Where::Here,
        id: endpoint.id,
        url: endpoint.url,
        events: endpoint.filters.iter().map(ToString::to_string).collect(),
        description: endpoint.description,
        dispatcher: endpoint.dispatcher,
        ordered: endpoint.ordered,
        pulled: endpoint.pulled,
        disabled_because: endpoint.disabled.map(|(_, why)| why),
        failing_since: endpoint.failing_since.map(view::at),
        rotating_until: endpoint.rotating_until.map(view::at),
        created_at: Some(view::at(endpoint.created_at)),
        reach: Reach {
            loopback: endpoint.access.loopback,
            private: endpoint.access.private.iter().map(ToString::to_string).collect(),
            own_authority: endpoint.access.ca.is_some(),
            headers: endpoint.header_names,
        },
    }
}
