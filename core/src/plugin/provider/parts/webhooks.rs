//! Endpoints that the backend itself sends events to. The signing secret is the host's: the provider gets a reference, and the
//! gateway puts the secret in its place on the way to the backend.

use super::{MAX_ENTRIES, PartError, failure, text};
use crate::id;
use crate::net::Secret;
use crate::plugin::bindings::exports::orkee::sync::webhooks as wit;
use crate::plugin::call::Sandbox;
use crate::plugin::gateway::Hidden;
use crate::plugin::provider::WasmProvider;
use crate::plugin::text::clean;

/// Of an endpoint's URL, the part that is kept.
const MAX_URL: usize = 2000;
/// Event names of one endpoint.
const MAX_EVENTS: usize = 100;

/// An endpoint that the backend knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The backend's name for it.
    pub id: String,
    /// Where events go.
    pub url: String,
    /// Such as `project.updated`. Empty: all.
    pub events: Vec<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether events go there now.
    pub enabled: bool,
    /// RFC 3339.
    pub created_at: Option<String>,
}

/// An endpoint that is to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Where events go.
    pub url: String,
    /// Such as `project.updated`. Empty: all.
    pub events: Vec<String>,
    /// For people.
    pub description: Option<String>,
}

impl Registration {
    /// Of all events, without a description.
    pub fn to(url: impl Into<String>) -> Self {
        Self { url: url.into(), events: Vec::new(), description: None }
    }
}

impl WasmProvider {
    /// Whether its backend sends events.
    pub fn knows_webhooks(&self) -> bool {
        self.webhooks.is_some()
    }

    /// The endpoints that the backend sends events to.
    pub async fn webhooks(&self) -> Result<Vec<Endpoint>, PartError> {
        let endpoints = ask!(self, webhooks, "list webhooks", |guest, store| guest.call_enumerate(store))?;
        if endpoints.len() > MAX_ENTRIES {
            return Err(self.broke("it lists more webhooks than anyone has"));
        }
        endpoints.into_iter().map(|one| self.endpoint(one)).collect()
    }

    /// Makes an endpoint known, with the secret that its events are signed with. The provider never sees the secret.
    pub async fn register_webhook(
        &self,
        registration: Registration,
        secret: &Secret,
    ) -> Result<Endpoint, PartError> {
        let (sandbox, reference) = self.hiding(secret);
        let Registration { url, events, description } = registration;
        let registration = wit::Registration { url, events, description, secret: reference };
        let registered = ask!(self, webhooks, "register webhooks", in sandbox, |guest, store| guest
            .call_register(store, &registration))?;
        self.endpoint(registered)
    }

    /// Switches an endpoint on or off.
    pub async fn set_webhook_enabled(&self, id: &str, enabled: bool) -> Result<(), PartError> {
        let id = id.to_owned();
        ask!(self, webhooks, "switch webhooks", |guest, store| guest.call_set_enabled(store, &id, enabled))
    }

    /// Gives an endpoint another secret, as [`WasmProvider::register_webhook`] does.
    pub async fn rotate_webhook_secret(&self, id: &str, secret: &Secret) -> Result<(), PartError> {
        let (sandbox, reference) = self.hiding(secret);
        let id = id.to_owned();
        ask!(self, webhooks, "change a webhook's secret", in sandbox, |guest, store| guest
            .call_rotate_secret(store, &id, &reference))
    }

    /// Takes an endpoint away.
    pub async fn remove_webhook(&self, id: &str) -> Result<(), PartError> {
        let id = id.to_owned();
        ask!(self, webhooks, "remove webhooks", |guest, store| guest.call_remove(store, &id))
    }

    /// For one call: what stands for `secret` there. Another one each time, so that nothing can be kept for later.
    pub(super) fn hiding(&self, secret: &Secret) -> (Sandbox, String) {
        let reference = format!("orkee-secret-{}", id::random(32));
        let hidden = Hidden::behind(&reference, secret);
        let sandbox = self.sandbox.with(|context| {
            if let Some(gateway) = &mut context.gateway {
                gateway.hidden = hidden;
            }
        });
        (sandbox, reference)
    }

    fn endpoint(&self, given: wit::Endpoint) -> Result<Endpoint, PartError> {
        if given.id.is_empty() || given.events.len() > MAX_EVENTS {
            return Err(self.broke("a webhook has no id, or more events than there are"));
        }
        Ok(Endpoint {
            id: text(&given.id),
            url: clean(&given.url, MAX_URL),
            events: given.events.iter().map(|event| text(event)).collect(),
            description: given.description.as_deref().map(text),
            enabled: given.enabled,
            created_at: given.created_at.as_deref().map(text),
        })
    }
}
