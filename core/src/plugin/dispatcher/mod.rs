//! A component as a webhook dispatcher: one call is one attempt to deliver one event to one endpoint.
//!
//! The host owns the schedule, the keys and the list of what is due; none of that is here. Each delivery gets a gateway of its
//! own that reaches the endpoint's origin alone, signs with that delivery's keys, and has no sign-in. What a dispatcher says of an
//! attempt stands beside what the host saw of it.

mod class;
mod errand;
mod key;
mod library;
mod target;
mod transport;
mod validate;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::bindings::exports::orkee::sync::dispatcher as wit;
use super::call::{Context, Sandbox};
use super::error::PluginError;
use super::gateway::{Gateway, Hidden, Way, Witness};
use super::host::Plugin;
use super::limits::Limits;
use super::state::StateStore;
use crate::net::{Courier, NoCredentials, Secret};

pub use crate::net::Access;
pub use class::{Class, UnknownClass};
pub(super) use errand::{Errand, Request};
pub use key::{Algorithm, KeyError, SigningKey};
pub use library::{DispatcherError, DispatcherLibrary};
pub use target::{Target, TargetError};
pub use transport::{RetryAfter, Transport};

/// Of the time of a call, what is left to the dispatcher when a request has taken all that it may; of a short one, a tenth.
const SPARE: Duration = Duration::from_secs(2);

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
    /// Who takes the requests to the endpoints.
    pub courier: Courier,
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
    /// The endpoint's own headers. The host attaches them, and the dispatcher does not see them.
    pub headers: Vec<(String, Secret)>,
}

/// What became of an attempt: what the dispatcher says, and what the host saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The dispatcher's word, as far as it agrees with what was seen.
    pub attempt: Attempt,
    /// What the host saw of the last request.
    pub transport: Transport,
}

impl Delivered {
    /// How the attempt ended, from both: a dispatcher may call less a success than the host would, and never more.
    pub fn class(&self) -> Class {
        match (&self.attempt, self.transport.class) {
            (Attempt::Gone, _) | (_, Class::Gone) => Class::Gone,
            (Attempt::Failed { .. }, Class::Delivered) => Class::Dispatcher,
            (_, seen) => seen,
        }
    }

    /// Why it failed, in a sentence. None: it did not.
    pub fn why(&self) -> Option<&str> {
        match (self.class(), &self.attempt) {
            (Class::Delivered, _) => None,
            (Class::Dispatcher, Attempt::Failed { reason, .. }) => Some(reason),
            _ => self.transport.why.as_deref(),
        }
    }
}

/// What a dispatcher says of an attempt.
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
    courier: Courier,
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
        Ok(Self { sandbox, courier: setup.courier, description, dispatcher: indices })
    }

    /// Who it is.
    pub fn description(&self) -> &DispatcherDescription {
        &self.description
    }

    /// Makes one attempt. An error is the dispatcher's own fault: it trapped, ran into a limit, or told what was not so.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Delivered, PluginError> {
        let hidden = Hidden::withheld(delivery.keys.iter().map(SigningKey::secret));
        let (courier, access) = (self.courier.clone(), delivery.target.access().clone());
        let errand = Errand::new(courier, access, &delivery.headers, &hidden, self.courier.timeout());
        let sandbox = self.sandbox.with(|context| {
            context.gateway = Some(self.gateway(context, &delivery, errand.clone(), hidden));
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
        let seen = errand.seen();
        let attempt = validate::attempt(outcome, seen.as_ref())
            .map_err(|what| PluginError::Contract { plugin: plugin.clone(), what })?;
        let transport = seen.unwrap_or_else(|| {
            let refused = aftermath.failure.map(|error| error.to_string());
            Transport::none(
                Class::Dispatcher,
                refused.unwrap_or_else(|| "the dispatcher made no request".to_owned()),
            )
        });
        Ok(Delivered { attempt, transport })
    }

    /// The way to the endpoint, and nowhere else.
    fn gateway(&self, context: &Context, delivery: &Delivery, errand: Errand, hidden: Hidden) -> Gateway {
        Gateway {
            plugin: context.plugin.clone(),
            api_url: delivery.target.base().clone(),
            grants: delivery.target.grants(),
            reply_body: context.limits.reply_body,
            // A receiver that says nothing is told of as such, before the dispatcher's own time is over.
            timeout: context.limits.wall_clock - SPARE.min(context.limits.wall_clock / 10),
            way: Way::Endpoint(Box::new(errand)),
            credentials: Arc::new(NoCredentials),
            hidden,
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
