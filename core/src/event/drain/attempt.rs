//! One attempt: from a claim to what is written of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Drainer;
use super::options::Attempted;
use crate::event::deliveries::{Claimed, Ended, Next, Record, Settled};
use crate::event::{Access, Class, Endpoint, schedule};
use crate::net::Scheme;
use crate::plugin::{Attempt, Delivered, Delivery, Target, Transport};

/// For so long an attempt waits until its dispatcher is open. It takes time where it has to be compiled.
const OPENING: Duration = Duration::from_secs(30);
/// Nothing that a dispatcher or a receiver does makes an attempt last longer, so that it ends within its lease, the opening included.
const LONGEST: Duration = Duration::from_secs(25);

/// How an attempt ended, before the schedule is asked.
struct Outcome {
    record: Record,
    /// When the receiver wants to be asked again.
    asked: Option<Timestamp>,
    /// Why the dispatcher cannot be used.
    obstacle: Option<String>,
}

impl Drainer {
    /// Makes the attempt that `holder` claimed.
    pub(super) async fn attempt(&self, claimed: Claimed, holder: Arc<str>) -> (Settled, Attempted) {
        let at = self.now();
        let begun = Instant::now();
        let outcome = match self.deliver(&claimed, at).await {
            Ok(delivered) => outcome(delivered, at, self.now()),
            Err((class, obstacle)) => Outcome { obstacle, ..not_sent(class, at, begun.elapsed()) },
        };
        let outcome = self.guarded(&claimed.endpoint, outcome);
        self.judge(claimed, &holder, outcome)
    }

    /// Of a reply that is not for the endpoint's owner to read, what it was, and nothing that it said.
    fn guarded(&self, endpoint: &Endpoint, mut outcome: Outcome) -> Outcome {
        let record = &mut outcome.record;
        let known = Access { loopback: endpoint.access.loopback, ..Access::default() };
        let is_private = |address| known.permits(Scheme::Https, address).is_err();
        if !self.options.keep_private_replies && record.address.is_some_and(is_private) {
            (record.reply, record.request_id) = (Vec::new(), None);
        }
        outcome
    }

    /// An error is how it ended, and what is amiss with the dispatcher.
    async fn deliver(&self, claimed: &Claimed, at: Timestamp) -> Result<Delivered, (Class, Option<String>)> {
        let endpoint = &claimed.endpoint;
        // A URL that was good when it was added, and is not by the rules of this version.
        let target =
            Target::parse(&endpoint.url, &endpoint.access).map_err(|_| (Class::BlockedAddress, None))?;
        let failed = |error: &dyn std::error::Error| {
            tracing::warn!(target: "orkee::webhook", dispatcher = endpoint.dispatcher, "{error}");
            (Class::Dispatcher, Some(error.to_string()))
        };
        // That it takes too long says nothing of the receiver.
        let opening = tokio::time::timeout(OPENING, self.dispatchers.get(&endpoint.dispatcher));
        let dispatcher = opening.await.map_err(|late| failed(&late))?.map_err(|error| failed(&error))?;
        let delivery = Delivery {
            id: claimed.id.clone(),
            event: claimed.kind.as_str().to_owned(),
            timestamp: u64::try_from(at.as_second()).unwrap_or(0),
            attempt: claimed.number,
            target,
            body: claimed.body.clone(),
            keys: claimed.keys.clone(),
            headers: claimed.headers.clone(),
        };
        let delivering = tokio::time::timeout(LONGEST, dispatcher.deliver(delivery));
        delivering.await.map_err(|_| (Class::Timeout, None))?.map_err(|error| failed(&error))
    }

    /// What comes next, by the schedule.
    fn judge(&self, claimed: Claimed, holder: &str, outcome: Outcome) -> (Settled, Attempted) {
        let Outcome { record, asked, obstacle } = outcome;
        let next = match record.class {
            Class::Delivered => Next::Delivered,
            Class::Gone => Next::Disable(gone(record.status)),
            _ => {
                let tried = claimed.tried.saturating_add(1);
                match schedule::again(tried, claimed.since, self.now(), asked, (self.options.random)()) {
                    Ok(due) => Next::Retry(due),
                    Err(why) => Next::Dead(why.as_str().to_owned()),
                }
            }
        };
        let told = Attempted {
            id: claimed.id,
            kind: claimed.kind,
            endpoint: claimed.endpoint.clone(),
            number: claimed.number,
            class: record.class,
            status: record.status,
            duration: record.duration,
            again: match next {
                Next::Retry(due) => Some(due),
                Next::Delivered | Next::Dead(_) | Next::Disable(_) => None,
            },
            obstacle,
        };
        let settled = Settled {
            delivery: claimed.delivery,
            holder: holder.to_owned(),
            endpoint: claimed.endpoint,
            ended: Ended::Attempted(record, next),
        };
        (settled, told)
    }
}

fn outcome(delivered: Delivered, at: Timestamp, now: Timestamp) -> Outcome {
    let class = delivered.class();
    let Delivered { attempt, transport } = delivered;
    let Transport { status, tls, address, request_id, retry_after, reply, duration, .. } = transport;
    let said = match attempt {
        Attempt::Failed { wait, .. } => wait,
        Attempt::Delivered { .. } | Attempt::Gone => None,
    };
    // The receiver's own word, and what the dispatcher made of it.
    let asked = retry_after.map(|after| after.from(now)).max(said);
    let record = Record { at, duration, class, status, tls, address, request_id, reply };
    let asked = asked.map(|wait| now.checked_add(wait).unwrap_or(Timestamp::MAX));
    Outcome { record, asked, obstacle: None }
}

/// Nothing was sent, or nobody knows.
fn not_sent(class: Class, at: Timestamp, duration: Duration) -> Outcome {
    let record = Record {
        at,
        duration,
        class,
        status: None,
        tls: None,
        address: None,
        request_id: None,
        reply: Vec::new(),
    };
    Outcome { record, asked: None, obstacle: None }
}

fn gone(status: Option<u16>) -> String {
    let answered = status.map_or_else(String::new, |status| format!("it answered {status}: "));
    format!("{answered}the receiver wants no more events")
}
