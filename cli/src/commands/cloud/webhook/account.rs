//! Webhooks of the account: kept by its server, which sends what happens on any device. The provider asks it.

use jiff::SignedDuration;
use orkee_core::event::WebhookSecret;
use orkee_core::plugin::{
    DeliveryAttempt, DeliveryQuery, EndpointState, PartError, PastDelivery, Registration, Target,
    TargetError, Terms, WasmProvider,
};

use super::error::WebhookError;
use super::here::SIGNING;
use super::place::{Attempt, Delivery, Place, Pulled, Query, Reach, Tested, Wanted, Webhook, Where};
use super::view;
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::Failure;

/// Deliveries that a server is asked for at once.
const PAGE: u32 = 200;

/// The account that is signed in.
pub(super) struct Account<'a> {
    cx: &'a Context,
    cloud: Cloud,
}

impl<'a> Account<'a> {
    /// For a command that needs it. Asks the server nothing yet.
    pub(super) fn open(cx: &'a Context) -> Result<Self, Failure> {
        let account = Self { cx, cloud: Cloud::open(cx, None)? };
        // Whom it would not help to sign in is not told to.
        if !account.cloud.choice.is_orkee_cloud() && !account.knows_webhooks()? {
            return Err(account.no_webhooks());
        }
        match is_signed_in(&account.cloud) {
            true => Ok(account),
            false => Err(WebhookError::NotSignedIn(account.cloud.host()).into()),
        }
    }

    /// For a command that asks everywhere: none where nobody is signed in, or to a backend without webhooks.
    pub(super) fn if_there(cx: &'a Context) -> Result<Option<Self>, Failure> {
        let account = Self { cx, cloud: Cloud::open(cx, None)? };
        let is_there = is_signed_in(&account.cloud) && account.knows_webhooks()?;
        Ok(Some(account).filter(|_| is_there))
    }

    fn knows_webhooks(&self) -> Result<bool, Failure> {
        surroundings::run(async {
            Ok(Connection::open(self.cx, &self.cloud).await?.provider.knows_webhooks())
        })
    }

    /// Asks the provider something; in team mode, about the team's webhooks.
    fn ask<T>(&self, what: impl AsyncFnOnce(&WasmProvider) -> Result<T, PartError>) -> Result<T, Failure> {
        surroundings::run(async {
            let mut connection = Connection::open(self.cx, &self.cloud).await?;
            if !connection.provider.knows_webhooks() {
                return Err(self.no_webhooks());
            }
            connection.enter_team().await?;
            what(&connection.provider).await.map_err(|error| match error {
                absent @ PartError::Absent(_) => WebhookError::OlderProvider(absent).into(),
                failed => failed.into(),
            })
        })
    }

    fn no_webhooks(&self) -> Failure {
        WebhookError::NoWebhooks(self.cloud.choice.name().to_owned()).into()
    }
}

/// Whether there is something to sign requests with. Nobody is asked whether it is still good.
fn is_signed_in(cloud: &Cloud) -> bool {
    cloud.purpose.is_none() || cloud.env_token().is_some() || cloud.login().is_ok()
}

impl Place for Account<'_> {
    fn name(&self) -> Where {
        Where::Account
    }

    fn asking(&self) -> (Option<String>, Option<String>) {
        (self.cloud.who(), Some(self.cloud.choice.name().to_owned()))
    }

    fn add(&self, wanted: Wanted, secret: &WebhookSecret) -> Result<Webhook, Failure> {
        let Wanted { url, filters, description, dispatcher, ordered, pulled, access, .. } = wanted;
        match Target::parse(&url, &access) {
            // Which networks its server reaches is for its administrator to say.
            Ok(_) | Err(TargetError::Blocked(_) | TargetError::Name { .. }) => {}
            Err(refused) => return Err(refused.into()),
        }
        let events: Vec<String> = filters.iter().map(ToString::to_string).collect();
        let registration =
            Registration { url: url.clone(), events: events.clone(), description: description.clone() };
        let terms = Terms { dispatcher: dispatcher.clone(), ordered, pulled };
        let secret = secret.secret();
        let plain = dispatcher == SIGNING && !ordered && !pulled;
        let id = self.ask(async |provider| match provider.tells_deliveries() || !plain {
            true => provider.register_with(registration, terms, secret).await,
            // A backend that knows of no terms sends as everybody does.
            false => Ok(provider.register_webhook(registration, secret).await?.id),
        })?;
        Ok(Webhook {
            place: Where::Account,
            id,
            url,
            events,
            description,
            dispatcher,
            ordered,
            pulled,
            disabled_because: None,
            failing_since: None,
            rotating_until: None,
            created_at: None,
            reach: Reach::default(),
        })
    }

    fn all(&self) -> Result<Vec<Webhook>, Failure> {
        let (endpoints, states) = self.ask(async |provider| {
            let states = match provider.tells_deliveries() {
                true => provider.endpoint_states().await?,
                false => Vec::new(),
            };
            Ok((provider.webhooks().await?, states))
        })?;
        let of = |id: &str| states.iter().find(|state| state.endpoint == id);
        let webhook = |endpoint: orkee_core::plugin::Endpoint| {
            let state = of(&endpoint.id);
            webhook(endpoint, state)
        };
        Ok(endpoints.into_iter().map(webhook).collect())
    }

    fn test(&self, webhook: &Webhook) -> Result<Tested, Failure> {
        let attempt = self.ask(async |provider| provider.test_endpoint(&webhook.id).await)?;
        Ok(Tested { id: None, attempt: of_attempt(attempt), why: None })
    }

    fn deliveries(&self, query: &Query) -> Result<Vec<Delivery>, Failure> {
        let limit = query.limit as usize;
        let mut asked = DeliveryQuery {
            endpoint: query.endpoint.clone(),
            id: query.id.clone(),
            since: query.since.map(view::at),
            after: None,
            failed: query.failed,
            limit: query.limit.min(PAGE),
        };
        self.ask(async |provider| {
            let mut found = Vec::new();
            loop {
                let page = provider.deliveries(&asked).await?;
                found.extend(page.deliveries.into_iter().map(delivery));
                match page.next {
                    Some(next) if found.len() < limit => asked.after = Some(next),
                    _ => break,
                }
            }
            found.truncate(limit);
            Ok(found)
        })
    }

    fn redeliver(&self, webhook: &str, ids: &[String]) -> Result<u64, Failure> {
        self.ask(async |provider| provider.redeliver(Some(webhook), ids).await.map(u64::from))
    }

    fn enable(&self, webhook: &Webhook, replay: bool) -> Result<Option<u64>, Failure> {
        let id = &webhook.id;
        self.ask(async |provider| match provider.tells_deliveries() || replay {
            true => provider.enable_with(id, replay).await,
            false => provider.set_webhook_enabled(id, true).await,
        })?;
        Ok((!replay).then_some(0))
    }

    fn disable(&self, webhook: &Webhook) -> Result<(), Failure> {
        self.ask(async |provider| provider.set_webhook_enabled(&webhook.id, false).await)
    }

    fn rotate(
        &self,
        webhook: &Webhook,
        secret: &WebhookSecret,
        overlap: SignedDuration,
    ) -> Result<(), Failure> {
        let (id, secret) = (&webhook.id, secret.secret());
        self.ask(async |provider| match provider.tells_deliveries() || !overlap.is_zero() {
            true => provider.rotate_with(id, secret, overlap.unsigned_abs()).await,
            false => provider.rotate_webhook_secret(id, secret).await,
        })
    }

    fn remove(&self, webhook: &Webhook) -> Result<(), Failure> {
        self.ask(async |provider| provider.remove_webhook(&webhook.id).await)
    }

    fn pull(&self, webhook: &Webhook, taken: &[String], limit: u32) -> Result<Vec<Pulled>, Failure> {
        let events = self.ask(async |provider| provider.pull(&webhook.id, taken, limit).await)?;
        let pulled = events.into_iter().map(|one| Pulled { id: one.id, event: one.event, body: one.body });
        Ok(pulled.collect())
    }
}

fn webhook(endpoint: orkee_core::plugin::Endpoint, state: Option<&EndpointState>) -> Webhook {
    let because = state.and_then(|state| state.disabled_because.clone());
    let terms = state.map(|state| state.terms.clone());
    let (dispatcher, ordered, pulled) = terms
        .map_or((SIGNING.to_owned(), false, false), |terms| (terms.dispatcher, terms.ordered, terms.pulled));
    Webhook {
        place: Where::Account,
        id: endpoint.id,
        url: endpoint.url,
        events: endpoint.events,
        description: endpoint.description,
        dispatcher,
        ordered,
        pulled,
        disabled_because: because.or_else(|| (!endpoint.enabled).then(|| "not said".to_owned())),
        failing_since: state.and_then(|state| state.failing_since.clone()),
        rotating_until: state.and_then(|state| state.rotating_until.clone()),
        created_at: endpoint.created_at,
        reach: Reach::default(),
    }
}

fn delivery(given: PastDelivery) -> Delivery {
    Delivery {
        place: Where::Account,
        id: given.id,
        endpoint: given.endpoint,
        event: given.event,
        project: given.project_id,
        at: given.at,
        state: given.state,
        reason: given.reason,
        attempts: given.attempts.into_iter().map(of_attempt).collect(),
    }
}

fn of_attempt(given: DeliveryAttempt) -> Attempt {
    let DeliveryAttempt { number, at, status, class, duration_ms, tls, request_id, reply, next_retry_at } =
        given;
    Attempt { number, at, status, class, duration_ms, tls, request_id, reply, next_retry_at }
}
