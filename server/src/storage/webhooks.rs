//! Webhooks: who is told of what happens in a space. The tables, and what they mean, are `orkee_core::event`'s, the same as in a
//! device's store; a space is the *owner* of its endpoints.

use std::time::Duration;

use jiff::Timestamp;
use orkee_core::event::deliveries::{Delivery, Page, Query};
use orkee_core::event::{Access, Endpoint, NewEndpoint, WebhookSecret};

use super::{Result, SpaceKey, Witness};

/// Endpoints that a space may have.
pub(crate) const MOST: usize = 50;

/// Whose endpoint it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The account's of this address.
    Account(String),
    /// The team's of this name.
    Team(String),
}

/// An event that was taken instead of being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pulled {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) body: Vec<u8>,
}

/// Who changes something, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) space: SpaceKey,
    pub(crate) by: &'a Witness,
    pub(crate) now: Timestamp,
}

/// The endpoints of all spaces, and what became of their events. Whatever changes one tells the audit trail in the same transaction.
/// An endpoint that the space does not have is an [`orkee_core::event::EventError::NoEndpoint`].
pub(crate) trait Webhooks {
    /// The endpoints of a space, oldest first.
    fn webhooks(&self, space: SpaceKey) -> Result<Vec<Endpoint>>;
    /// Those of all spaces.
    fn all_webhooks(&self) -> Result<Vec<(Whose, Endpoint)>>;
    /// Adds an endpoint, of which there are not [`MOST`].
    fn add_webhook(&self, change: Change<'_>, new: &NewEndpoint) -> Result<Endpoint>;
    /// Takes one away, and cancels what waits for it.
    fn remove_webhook(&self, change: Change<'_>, id: &str) -> Result<()>;
    /// Switches one on. `replay`: what was cancelled when it was switched off is sent.
    fn enable_webhook(&self, change: Change<'_>, id: &str, replay: bool) -> Result<()>;
    /// Switches one off, and cancels what waits for it.
    fn disable_webhook(&self, change: Change<'_>, id: &str) -> Result<()>;
    /// The same, whosever it is, for whoever runs the server. Whose it is.
    fn disable_any_webhook(&self, id: &str, now: Timestamp) -> Result<Whose>;
    /// Gives one another secret, beside which the one before signs for as long as this.
    fn rotate_webhook(
        &self,
        change: Change<'_>,
        id: &str,
        secret: &WebhookSecret,
        overlap: Duration,
    ) -> Result<()>;
    /// Queues a test event for one. The event's id; none: the endpoint is disabled.
    fn test_webhook(&self, space: SpaceKey, id: &str, now: Timestamp) -> Result<Option<String>>;
    /// What was sent, newest first.
    fn deliveries(&self, space: SpaceKey, query: &Query) -> Result<Page>;
    /// The delivery of an event to an endpoint.
    fn delivery(&self, space: SpaceKey, endpoint: &str, event: &str) -> Result<Option<Delivery>>;
    /// Has events sent again, to one endpoint or to all that had them. How many deliveries that makes.
    fn redeliver(&self, change: Change<'_>, endpoint: Option<&str>, ids: Vec<String>) -> Result<u64>;
    /// The oldest events that wait at an endpoint which is pulled from; those of `taken` are delivered. None: they are sent there.
    fn pull(
        &self,
        space: SpaceKey,
        id: &str,
        taken: &[String],
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Vec<Pulled>>>;
    /// The ids of the endpoints that are pulled from.
    fn pulled_webhooks(&self) -> Result<Vec<String>>;
    /// Takes one of those away that nobody pulls from any more. Whether there was one.
    fn abandon_webhook(&self, id: &str, now: Timestamp) -> Result<bool>;
    /// From now on, this is what every endpoint may be reached by: it is for whoever runs the server to say.
    fn set_access(&self, access: &Access) -> Result<()>;
    /// Wipes secrets whose time is over.
    fn wipe_old_secrets(&self, now: Timestamp) -> Result<()>;
    /// Forgets old deliveries. How many.
    fn forget_deliveries(&self, now: Timestamp) -> Result<u64>;
}

impl Whose {
    /// For people.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Account(name) | Self::Team(name) => name,
        }
    }
}
