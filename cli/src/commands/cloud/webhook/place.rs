//! What both places can do: this device, and the account.

use jiff::{SignedDuration, Timestamp};
use orkee_core::event::{Class, EventError, Filter, WebhookSecret};
use orkee_core::net::Secret;

use super::account::Account;
use super::error::WebhookError;
use super::here::Here;
use crate::context::Context;
use crate::failure::Failure;

/// Where a webhook is kept, and who sends to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// This device.
    Here,
    /// The account's server.
    Account,
}

impl Where {
    /// The word for it, for scripts and people alike.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Here => "local",
            Self::Account => "account",
        }
    }

    /// As a part of a sentence.
    pub(super) fn sender(self) -> &'static str {
        match self {
            Self::Here => "this device sends what happens here",
            Self::Account => "the account's server sends what happens on any device",
        }
    }
}

/// A webhook that there is.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub(super) place: Where,
    pub(super) id: String,
    pub(super) url: String,
    /// Empty: all.
    pub(super) events: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) dispatcher: String,
    pub(super) ordered: bool,
    /// Nothing is sent there: `listen` fetches.
    pub(super) pulled: bool,
    pub(super) disabled_because: Option<String>,
    pub(super) failing_since: Option<String>,
    pub(super) rotating_until: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) reach: Reach,
}

/// How a webhook is reached, beyond what any is.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    pub(super) loopback: bool,
    pub(super) private: Vec<String>,
    pub(super) own_authority: bool,
    /// Names alone.
    pub(super) headers: Vec<String>,
}

/// A webhook that is wanted.
pub(super) struct Wanted {
    pub(super) url: String,
    pub(super) filters: Vec<Filter>,
    pub(super) description: Option<String>,
    pub(super) dispatcher: String,
    pub(super) ordered: bool,
    pub(super) pulled: bool,
    pub(super) access: orkee_core::event::Access,
    pub(super) headers: Vec<(String, Secret)>,
}

/// One attempt, as it ended.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) at: String,
    pub(super) status: Option<u16>,
    pub(super) class: String,
    pub(super) duration_ms: u64,
    pub(super) tls: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) reply: Option<String>,
    pub(super) next_retry_at: Option<String>,
}

impl Attempt {
    /// Whether the receiver took it.
    pub(super) fn is_delivered(&self) -> bool {
        self.class == Class::Delivered.as_str()
    }
}

/// An event on its way to a webhook.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) place: Where,
    /// The event's.
    pub(super) id: String,
    pub(super) endpoint: String,
    pub(super) event: String,
    pub(super) project: Option<String>,
    /// When it happened.
    pub(super) at: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    /// The oldest first.
    pub(super) attempts: Vec<Attempt>,
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pub(super) endpoint: Option<String>,
    /// Of one event.
    pub(super) id: Option<String>,
    pub(super) since: Option<Timestamp>,
    /// Those alone that did not arrive.
    pub(super) failed: bool,
    pub(super) limit: u32,
}

/// An event that was fetched.
pub(super) struct Pulled {
    pub(super) id: String,
    pub(super) event: String,
    pub(super) body: Vec<u8>,
}

/// What came of a test.
pub(super) struct Tested {
    /// What the receiver saw as `webhook-id`, where it is known.
    pub(super) id: Option<String>,
    pub(super) attempt: Attempt,
    /// What went wrong, in a sentence without its subject, which is the receiver; none, too, where the server does not tell.
    pub(super) why: Option<String>,
}

/// A place where webhooks are.
pub(super) trait Place {
    fn name(&self) -> Where;

    /// For the audit trail: who asks, and through which provider.
    fn asking(&self) -> (Option<String>, Option<String>);

    fn add(&self, wanted: Wanted, secret: &WebhookSecret) -> Result<Webhook, Failure>;

    /// Those of `listen` among them.
    fn all(&self) -> Result<Vec<Webhook>, Failure>;

    /// Sends `orkee.test` to it now.
    fn test(&self, webhook: &Webhook) -> Result<Tested, Failure>;

    /// The newest first.
    fn deliveries(&self, query: &Query) -> Result<Vec<Delivery>, Failure>;

    /// Has these events sent once more to a webhook; how many deliveries that is.
    fn redeliver(&self, webhook: &str, ids: &[String]) -> Result<u64, Failure>;

    /// With `replay`, what was cancelled when it was switched off goes on. Returns how many deliveries that is; none: it is not told.
    fn enable(&self, webhook: &Webhook, replay: bool) -> Result<Option<u64>, Failure>;

    fn disable(&self, webhook: &Webhook) -> Result<(), Failure>;

    /// Gives it another secret; the one before signs, too, for so long.
    fn rotate(
        &self,
        webhook: &Webhook,
        secret: &WebhookSecret,
        overlap: SignedDuration,
    ) -> Result<(), Failure>;

    fn remove(&self, webhook: &Webhook) -> Result<(), Failure>;

    /// What waits to be fetched, the oldest first; those that were `taken` do not come again.
    fn pull(&self, webhook: &Webhook, taken: &[String], limit: u32) -> Result<Vec<Pulled>, Failure>;
}

/// Where a new webhook goes: to the account, if nothing else is said.
pub(super) fn of_new<'a>(cx: &'a Context, local: bool) -> Result<Box<dyn Place + 'a>, Failure> {
    match local {
        true => Ok(Box::new(Here::open(cx)?)),
        false => Ok(Box::new(Account::open(cx)?)),
    }
}

/// All places that are asked: this device, and the account where somebody is signed in to one that has webhooks.
pub(super) fn all<'a>(cx: &'a Context, local: bool) -> Result<Vec<Box<dyn Place + 'a>>, Failure> {
    let mut places: Vec<Box<dyn Place + 'a>> = vec![Box::new(Here::open(cx)?)];
    if !local && let Some(account) = Account::if_there(cx)? {
        places.push(Box::new(account));
    }
    Ok(places)
}

/// A webhook, and where it is.
pub(super) type Found<'a> = (Box<dyn Place + 'a>, Webhook);

/// The webhook that somebody means by its id or URL. This device is asked first, as it costs nothing.
pub(super) fn find<'a>(cx: &'a Context, meant: &str) -> Result<Found<'a>, Failure> {
    match find_if_there(cx, meant)? {
        Some(found) => Ok(found),
        None => Err(WebhookError::unknown(cx, meant).into()),
    }
}

/// The webhook that somebody means to change. This device and the account may each have one of this URL: then it takes the id to say which,
/// and so the account is asked, too, wherever it is no id. Where it cannot be asked, what is here can be changed all the same.
pub(super) fn find_to_change<'a>(cx: &'a Context, meant: &str) -> Result<Found<'a>, Failure> {
    let found = find(cx, meant)?;
    let (place, webhook) = &found;
    if webhook.id == meant || place.name() == Where::Account {
        return Ok(found);
    }
    let others = match Account::if_there(cx)
        .and_then(|account| account.map(|account| account.all()).transpose())
    {
        Ok(others) => others.unwrap_or_default(),
        Err(failure) => {
            let why = failure.diagnostic();
            cx.out.warn(format_args!("the account cannot be asked whether it has this webhook, too: {why}"));
            return Ok(found);
        }
    };
    match the_one(others, meant)? {
        Some(other) => Err(EventError::Ambiguous { ids: vec![found.1.id, other.id] }.into()),
        None => Ok(found),
    }
}

/// The same, where there may be none.
pub(super) fn find_if_there<'a>(cx: &'a Context, meant: &str) -> Result<Option<Found<'a>>, Failure> {
    let here = Here::open(cx)?;
    if let Some(found) = the_one(here.all()?, meant)? {
        return Ok(Some((Box::new(here), found)));
    }
    let Some(account) = Account::if_there(cx)? else { return Ok(None) };
    Ok(match the_one(account.all()?, meant)? {
        Some(found) => Some((Box::new(account), found)),
        None => None,
    })
}

/// The webhook that is meant, in the first of these places that has one.
pub(super) fn among<'p, 'a>(
    places: &'p [Box<dyn Place + 'a>],
    meant: &str,
) -> Result<Option<(&'p (dyn Place + 'a), Webhook)>, Failure> {
    for place in places {
        if let Some(found) = the_one(place.all()?, meant)? {
            return Ok(Some((&**place, found)));
        }
    }
    Ok(None)
}

/// The webhook of this id, or the only one of this URL.
fn the_one(webhooks: Vec<Webhook>, meant: &str) -> Result<Option<Webhook>, EventError> {
    let (of_id, others): (Vec<_>, Vec<_>) = webhooks.into_iter().partition(|webhook| webhook.id == meant);
    if let Some(webhook) = of_id.into_iter().next() {
        return Ok(Some(webhook));
    }
    let mut of_url: Vec<_> = others.into_iter().filter(|webhook| webhook.url == meant).collect();
    match of_url.len() {
        0 | 1 => Ok(of_url.pop()),
        _ => Err(EventError::Ambiguous { ids: of_url.into_iter().map(|webhook| webhook.id).collect() }),
    }
}
