//! A component as a webhook dispatcher: one call is one attempt to deliver one event to one endpoint.
//!
//! The host owns the schedule, the keys and the list of what is due; none of that is here. Each delivery gets a gateway of its
//! own that reaches the endpoint's origin alone, signs with that delivery's keys, and has no sign-in.

mod access;
mod class;
mod key;
mod library;
mod target;
mod validate;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::bindings::exports::orkee::sync::dispatcher as wit;
use super::call::{Context, Sandbox};
use super::error::PluginError;
use super::gateway::{Gateway, Hidden, Witness};
use super::host::Plugin;
use super::limits::Limits;
use super::state::StateStore;
use crate::net::{Http, NoCredentials};

pub use access::Access;
pub use class::{Class, UnknownClass};
pub use key::{Algorithm, KeyError, SigningKey};
pub use library::{DispatcherError, DispatcherLibrary};
pub use target::{Target, TargetError};

/// What a dispatcher is given for all of its deliveries.
pub struct DispatcherSetup {
    /// None: the personal account.
    pub tenant: Option<String>,
    /// What one attempt may use.
    pub limits: Limits,
    /// The folder of all plugins' states.
    pub state_folder: PathBuf,
    /// What the user set for it.
    pub settings: BTreeMap<String, String>,
    /// The clients of this process.
    pub http: Http,
}

/// Who a dispatcher says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatcherDescription {
    /// Lower case, digits and hyphens.
    pub id: String,
    /// For people.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One attempt, before it is made.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Of this event for this endpoint, the same at every attempt.
    pub id: String,
    /// Such as `project.updated`.
    pub event: String,
    /// When this attempt is made, in seconds since 1970.
    pub timestamp: u64,
    /// 1: the first.
    pub attempt: u32,
    /// The endpoint.
    pub target: Target,
    /// The event, as JSON.
    pub body: Vec<u8>,
    /// The endpoint's keys, newest first.
    pub keys: Vec<SigningKey>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The receiver took it, with a status of 2xx.
    Delivered {
        /// The reply's.
        status: u16,
    },
    /// It did not; the schedule says when to try again.
    Failed {
        /// The reply's, if there was one.
        status: Option<u16>,
        /// In a sentence.
        reason: String,
        /// How long to wait at least, where the receiver says so; a day at most.
        wait: Option<Duration>,
    },
    /// The receiver wants no more of this.
    Gone,
}

/// A dispatcher in a component.
pub struct WasmDispatcher {
    /// With nothing to reach and no key: for `describe`, and to be changed for each delivery.
    sandbox: Sandbox,
    http: Http,
    description: DispatcherDescription,
    dispatcher: wit::GuestIndices,
}

impl WasmDispatcher {
    /// Asks a plugin who it is. Makes no request.
    pub async fn open(plugin: &Plugin, setup: DispatcherSetup) -> Result<Self, PluginError> {
        if !plugin.has("dispatcher") {
            return Err(PluginError::NotADispatcher { plugin: plugin.name().to_owned() });
        }
        let indices = wit::GuestIndices::new(plugin.instance())
            .map_err(|e| PluginError::Unusable { plugin: plugin.name().to_owned(), source: e.into() })?;
        let state =
            StateStore::new(&setup.state_folder, plugin.name(), setup.tenant.as_deref(), setup.limits.state);
        let sandbox = plugin.sandbox(Context {
            plugin: plugin.name().to_owned(),
            limits: setup.limits,
            gateway: None,
            state,
            settings: setup.settings,
            keys: Vec::new(),
        });
        let own = indices.clone();
        let (described, _) = sandbox
            .call(move |store, instance| {
                Box::pin(async move {
                    let guest = own.load(&mut *store, instance)?;
                    guest.call_describe(store).await
                })
            })
            .await?;
        let description = validate::description(plugin.name(), &described)?;
        Ok(Self { sandbox, http: setup.http, description, dispatcher: indices })
    }

    /// Who it is.
    pub fn description(&self) -> &DispatcherDescription {
        &self.description
    }

    /// Makes one attempt. An error is the dispatcher's own fault: it trapped, ran into a limit, or told what was not so.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Attempt, PluginError> {
        let sandbox = self.sandbox.with(|context| {
            context.gateway = Some(self.gateway(context, &delivery));
            context.keys.clone_from(&delivery.keys);
        });
        let delivery = convert(delivery);
        let indices = self.dispatcher.clone();
        let called = sandbox.call(move |store, instance| {
            Box::pin(async move {
                let guest = indices.load(&mut *store, instance)?;
                guest.call_deliver(store, &delivery).await
            })
        });
        let (outcome, aftermath) = called.await?;
        let plugin = &self.sandbox.context.plugin;
        validate::attempt(outcome, &aftermath.statuses)
            .map_err(|what| PluginError::Contract { plugin: plugin.clone(), what })
    }

    /// The way to the endpoint, and nowhere else.
    fn gateway(&self, context: &Context, delivery: &Delivery) -> Gateway {
        Gateway {
            plugin: context.plugin.clone(),
            api_url: delivery.target.base().clone(),
            grants: delivery.target.grants(),
            reply_body: context.limits.reply_body,
            // A receiver that says nothing is told of as such, before the dispatcher's own time is over.
            timeout: context.limits.wall_clock.mul_f64(0.9),
            http: self.http.clone(),
            credentials: Arc::new(NoCredentials),
            hidden: Hidden::withheld(delivery.keys.iter().map(SigningKey::secret)),
            witness: Witness::default(),
        }
    }
}

fn convert(delivery: Delivery) -> wit::Delivery {
    let key = |key: &SigningKey| wit::Key {
        name: key.name().to_owned(),
        algorithm: key.algorithm().as_str().to_owned(),
    };
    wit::Delivery {
        url: delivery.target.url().to_owned(),
        keys: delivery.keys.iter().map(key).collect(),
        id: delivery.id,
        event: delivery.event,
        timestamp: delivery.timestamp,
        attempt: delivery.attempt,
        body: delivery.body,
    }
}
