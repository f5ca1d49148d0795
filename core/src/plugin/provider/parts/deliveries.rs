//! What a backend that sends events itself knows of its deliveries: how its endpoints stand, what was sent when and how that
//! ended, and the events that a developer's machine takes instead of having them sent.
//!
//! A backend's word is held within bounds here, and an event's id within the letters that a header may have: it is put into one
//! where `listen` hands the event on.

use super::{MAX_ENTRIES, PartError, failure, text};
use crate::net::Secret;
use crate::plugin::bindings::exports::orkee::sync::webhook_deliveries as wit;
use crate::plugin::provider::WasmProvider;

use super::webhooks::Registration;

/// Attempts of one delivery.
const MAX_ATTEMPTS: usize = 100;
/// Of a receiver's reply, the bytes that are kept.
const MAX_REPLY: usize = 1024;
/// The body of an event, in bytes: twice what a backend should send at most.
const MAX_BODY: usize = 40_000;
/// A mark in a listing, in bytes.
const MAX_MARK: usize = 4096;
/// An event's id or kind, in bytes.
const MAX_NAME: usize = 100;
/// What a delivery can be.
const STATES: [&str; 4] = ["pending", "delivered", "dead", "cancelled"];

/// How an endpoint is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Which dispatcher of the backend's makes the requests.
    pub dispatcher: String,
    /// One event at a time, in their order.
    pub ordered: bool,
    /// Nothing is sent: events wait until [`WasmProvider::pull`] takes them.
    pub pulled: bool,
}

/// How an endpoint stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointState {
    /// The endpoint's id.
    pub endpoint: String,
    /// How it is served.
    pub terms: Terms,
    /// None: it is enabled.
    pub disabled_because: Option<String>,
    /// Since when every attempt failed. RFC 3339, as all times here.
    pub failing_since: Option<String>,
    /// Until when events are signed with the secret before, too.
    pub rotating_until: Option<String>,
}

/// One attempt of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// 1: the first.
    pub number: u32,
    /// When it was made.
    pub at: String,
    /// Of the reply, if there was one.
    pub status: Option<u16>,
    /// How it ended, in one word.
    pub class: String,
    /// From the first byte to the last.
    pub duration_ms: u64,
    /// The first KiB of the reply's body, as the receiver wrote it: not fit for a terminal.
    pub reply: Option<String>,
    /// The version of TLS.
    pub tls: Option<String>,
    /// What the receiver calls this request.
    pub request_id: Option<String>,
    /// None: there is no next one.
    pub next_retry_at: Option<String>,
}

/// A delivery that was made, or waits, or will not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastDelivery {
    /// The event's, the same at every endpoint.
    pub id: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// Such as `project.updated`.
    pub event: String,
    /// None: the event is of no project.
    pub project_id: Option<String>,
    /// When it happened.
    pub at: String,
    /// `pending`, `delivered`, `dead` or `cancelled`.
    pub state: String,
    /// Why it is dead or cancelled.
    pub reason: Option<String>,
    /// Oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryQuery {
    /// Of this endpoint alone.
    pub endpoint: Option<String>,
    /// Of this event alone.
    pub id: Option<String>,
    /// Of events from then on (RFC 3339).
    pub since: Option<String>,
    /// The page before's `next`.
    pub after: Option<String>,
    /// Only those of which an attempt failed, or that will not be delivered.
    pub failed: bool,
    /// At most so many.
    pub limit: u32,
}

/// A page of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPage {
    /// Newest first.
    pub deliveries: Vec<PastDelivery>,
    /// To be handed in for the next page.
    pub next: Option<String>,
}

/// An event that was taken instead of being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledEvent {
    /// Letters, digits, hyphens and underscores.
    pub id: String,
    /// Such as `project.updated`.
    pub event: String,
    /// As it would be sent.
    pub body: Vec<u8>,
}

impl WasmProvider {
    /// Whether its backend tells of deliveries, takes terms, and can test, redeliver and be pulled from.
    pub fn tells_deliveries(&self) -> bool {
        self.webhook_deliveries.is_some()
    }

    /// Makes an endpoint known on terms, as [`WasmProvider::register_webhook`] does without. Answers with its id.
    pub async fn register_with(
        &self,
        registration: Registration,
        terms: Terms,
        secret: &Secret,
    ) -> Result<String, PartError> {
        let (sandbox, reference) = self.hiding(secret);
        let Registration { url, events, description } = registration;
        let Terms { dispatcher, ordered, pulled } = terms;
        let terms = wit::Terms { dispatcher, ordered, pulled };
        let registration = wit::Registration { url, events, description, secret: reference, terms };
        let id = ask!(self, webhook_deliveries, "register webhooks on terms", in sandbox, |guest, store| guest
            .call_register_with(store, &registration))?;
        Some(text(&id))
            .filter(|id| !id.is_empty())
            .ok_or_else(|| self.broke("the webhook that it registered has no id"))
    }

    /// How the endpoints stand.
    pub async fn endpoint_states(&self) -> Result<Vec<EndpointState>, PartError> {
        let states = ask!(self, webhook_deliveries, "say how its webhooks stand", |guest, store| guest
            .call_states(store))?;
        if states.len() > MAX_ENTRIES {
            return Err(self.broke("it lists more webhooks than anyone has"));
        }
        Ok(states.into_iter().map(state).collect())
    }

    /// Gives an endpoint another secret, and lets the one before sign, too, for as long as this.
    pub async fn rotate_with(
        &self,
        id: &str,
        secret: &Secret,
        overlap: std::time::Duration,
    ) -> Result<(), PartError> {
        let (sandbox, reference) = self.hiding(secret);
        let (id, overlap) = (id.to_owned(), overlap.as_secs());
        ask!(self, webhook_deliveries, "let two secrets overlap", in sandbox, |guest, store| guest
            .call_rotate_with(store, &id, &reference, overlap))
    }

    /// Switches an endpoint on; with `replay`, what was cancelled while it was off is sent after all.
    pub async fn enable_with(&self, id: &str, replay: bool) -> Result<(), PartError> {
        let id = id.to_owned();
        ask!(self, webhook_deliveries, "replay events", |guest, store| guest
            .call_enable_with(store, &id, replay))
    }

    /// A page of deliveries.
    pub async fn deliveries(&self, query: &DeliveryQuery) -> Result<DeliveryPage, PartError> {
        let DeliveryQuery { endpoint, id, since, after, failed, limit } = query.clone();
        let asked = wit::Query { endpoint, id, since, after, failed, limit };
        let page = ask!(self, webhook_deliveries, "tell of deliveries", |guest, store| guest
            .call_deliveries(store, &asked))?;
        if page.deliveries.len() > query.limit as usize {
            return Err(self.broke("it lists more deliveries than were asked for"));
        }
        if page.next.as_ref().is_some_and(|mark| mark.len() > MAX_MARK || Some(mark) == query.after.as_ref())
        {
            return Err(self.broke("its listing of deliveries does not move on"));
        }
        if page.next.is_some() && page.deliveries.is_empty() {
            return Err(self.broke("it says that there are more deliveries, and lists none"));
        }
        let deliveries =
            page.deliveries.into_iter().map(|one| self.past_delivery(one)).collect::<Result<_, _>>()?;
        Ok(DeliveryPage { deliveries, next: page.next })
    }

    /// Has a test event sent now, and waits for the end of that attempt.
    pub async fn test_endpoint(&self, id: &str) -> Result<DeliveryAttempt, PartError> {
        let id = id.to_owned();
        ask!(self, webhook_deliveries, "test webhooks", |guest, store| guest.call_test(store, &id))
            .map(attempt)
    }

    /// Has events sent again, to one endpoint or to all that had them. Answers with how many deliveries that makes.
    pub async fn redeliver(&self, endpoint: Option<&str>, ids: &[String]) -> Result<u32, PartError> {
        let (endpoint, ids) = (endpoint.map(str::to_owned), ids.to_vec());
        ask!(self, webhook_deliveries, "send events again", |guest, store| guest.call_redeliver(
            store,
            endpoint.as_deref(),
            &ids
        ))
    }

    /// Takes the oldest events that wait at an endpoint which is pulled from; those of `taken` are delivered.
    pub async fn pull(
        &self,
        endpoint: &str,
        taken: &[String],
        limit: u32,
    ) -> Result<Vec<PulledEvent>, PartError> {
        let (endpoint, taken) = (endpoint.to_owned(), taken.to_vec());
        let events = ask!(self, webhook_deliveries, "hand out events", |guest, store| guest
            .call_pull(store, &endpoint, &taken, limit))?;
        if events.len() > limit as usize {
            return Err(self.broke("it hands out more events than were asked for"));
        }
        events.into_iter().map(|one| self.pulled_event(one)).collect()
    }

    fn past_delivery(&self, given: wit::Delivery) -> Result<PastDelivery, PartError> {
        if !is_id(&given.id) || !is_kind(&given.event) {
            return Err(self.broke("it tells of an event whose id or name is none"));
        }
        if !STATES.contains(&given.state.as_str()) {
            return Err(self.broke("it tells of a delivery in a state that there is not"));
        }
        if given.attempts.len() > MAX_ATTEMPTS {
            return Err(self.broke("it tells of more attempts than anyone makes"));
        }
        Ok(PastDelivery {
            id: given.id,
            endpoint: text(&given.endpoint),
            event: given.event,
            project_id: given.project_id.as_deref().map(text),
            at: text(&given.at),
            state: given.state,
            reason: given.reason.as_deref().map(text),
            attempts: given.attempts.into_iter().map(attempt).collect(),
        })
    }

    fn pulled_event(&self, given: wit::PulledEvent) -> Result<PulledEvent, PartError> {
        if !is_id(&given.id) || !is_kind(&given.event) {
            return Err(self.broke("it hands out an event whose id or name is none"));
        }
        if given.body.len() > MAX_BODY {
            return Err(self.broke("it hands out an event that is larger than any"));
        }
        Ok(PulledEvent { id: given.id, event: given.event, body: given.body })
    }
}

fn state(given: wit::EndpointState) -> EndpointState {
    let wit::Terms { dispatcher, ordered, pulled } = given.terms;
    EndpointState {
        endpoint: text(&given.endpoint),
        terms: Terms { dispatcher: text(&dispatcher), ordered, pulled },
        disabled_because: given.disabled_because.as_deref().map(text),
        failing_since: given.failing_since.as_deref().map(text),
        rotating_until: given.rotating_until.as_deref().map(text),
    }
}

fn attempt(given: wit::Attempt) -> DeliveryAttempt {
    DeliveryAttempt {
        number: given.number,
        at: text(&given.at),
        status: given.status,
        class: text(&given.class),
        duration_ms: given.duration_ms,
        reply: given.reply.map(beginning),
        tls: given.tls.as_deref().map(text),
        request_id: given.request_id.as_deref().map(text),
        next_retry_at: given.next_retry_at.as_deref().map(text),
    }
}

/// Of a receiver's reply, what is kept.
fn beginning(mut reply: String) -> String {
    reply.truncate(reply.floor_char_boundary(MAX_REPLY));
    reply
}

/// Whether it can stand in a header and in a signature, which takes a dot for an end.
fn is_id(id: &str) -> bool {
    (1..=MAX_NAME).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether it can be an event's name: lower case words with dots between them.
fn is_kind(kind: &str) -> bool {
    (1..=MAX_NAME).contains(&kind.len())
        && kind
            .split('.')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}
