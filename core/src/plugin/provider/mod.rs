//! A component as a sync provider: calls it, checks what it returns, and turns its failures into errors that name it.

mod convert;
mod failure;
mod parts;
mod validate;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::bindings::exports::orkee::sync::{
    account, devices, listing, provider, team, watch, webhook_deliveries, webhooks,
};
use super::call::{Context, Sandbox};
use super::error::PluginError;
use super::gateway::{Gateway, Hidden, Refusals, Way, Witness};
use super::grants::Grants;
use super::host::Plugin;
use super::limits::Limits;
use super::state::StateStore;
use crate::net::{ApiUrl, CredentialSource, Http};
use crate::sync::provider::{self as engine, Answer, Cursor, Provider, ProviderError, Request};

pub use parts::{
    DeliveryAttempt, DeliveryPage, DeliveryQuery, Device, Endpoint, EndpointState, Entry, Invitation,
    Listing, Member, Membership, PartError, PastDelivery, Profile, PulledEvent, Registration, Role,
    TeamStanding, Terms,
};
pub use validate::Description;

/// What a provider is given.
pub struct Setup {
    /// None: the personal account.
    pub tenant: Option<String>,
    /// What its relative URLs are resolved against.
    pub api_url: ApiUrl,
    /// What it may reach and name.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// Where secrets come from.
    pub credentials: Arc<dyn CredentialSource>,
    /// The folder of all plugins' states.
    pub state_folder: PathBuf,
    /// What the user set for it.
    pub settings: BTreeMap<String, String>,
    /// The clients of this process.
    pub http: Http,
}

/// A provider in a component.
pub struct WasmProvider {
    sandbox: Sandbox,
    description: Description,
    provider: provider::GuestIndices,
    account: Option<account::GuestIndices>,
    listing: Option<listing::GuestIndices>,
    devices: Option<devices::GuestIndices>,
    watch: Option<watch::GuestIndices>,
    team: Option<team::GuestIndices>,
    webhooks: Option<webhooks::GuestIndices>,
    webhook_deliveries: Option<webhook_deliveries::GuestIndices>,
}

impl WasmProvider {
    /// Asks a plugin who it is. Makes no request.
    pub async fn open(plugin: &Plugin, setup: Setup) -> Result<Self, PluginError> {
        let unusable =
            |e: wasmtime::Error| PluginError::Unusable { plugin: plugin.name().to_owned(), source: e.into() };
        let pre = plugin.instance();
        if !plugin.has("provider") {
            return Err(PluginError::NotAProvider {
                plugin: plugin.name().to_owned(),
                wanted: "provider".to_owned(),
            });
        }
        let indices = provider::GuestIndices::new(pre).map_err(unusable)?;
        let account =
            plugin.has("account").then(|| account::GuestIndices::new(pre)).transpose().map_err(unusable)?;
        let listing =
            plugin.has("listing").then(|| listing::GuestIndices::new(pre)).transpose().map_err(unusable)?;
        let devices =
            plugin.has("devices").then(|| devices::GuestIndices::new(pre)).transpose().map_err(unusable)?;
        let watch =
            plugin.has("watch").then(|| watch::GuestIndices::new(pre)).transpose().map_err(unusable)?;
        let team = plugin.has("team").then(|| team::GuestIndices::new(pre)).transpose().map_err(unusable)?;
        let webhooks =
            plugin.has("webhooks").then(|| webhooks::GuestIndices::new(pre)).transpose().map_err(unusable)?;
        let webhook_deliveries = plugin
            .has("webhook-deliveries")
            .then(|| webhook_deliveries::GuestIndices::new(pre))
            .transpose()
            .map_err(unusable)?;
        let sandbox = plugin.sandbox(context(plugin.name(), setup));
        let own = indices.clone();
        let (described, _) = sandbox
            .with(|context| context.gateway = None)
            .call(move |store, instance| {
                Box::pin(async move {
                    let guest = own.load(&mut *store, instance)?;
                    guest.call_describe(store).await
                })
            })
            .await?;
        let description = validate::description(plugin.name(), described)?;
        Ok(Self {
            sandbox,
            description,
            provider: indices,
            account,
            listing,
            devices,
            watch,
            team,
            webhooks,
            webhook_deliveries,
        })
    }

    /// From here on, `told` hears of every request that this provider may not make.
    pub fn telling(self, told: Refusals) -> Self {
        let sandbox = self.sandbox.with(|context| {
            if let Some(gateway) = &mut context.gateway {
                gateway.witness = Witness(Some(told));
            }
        });
        Self { sandbox, ..self }
    }

    /// Who it is, and what its backend takes.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether it can say whose account it uses.
    pub fn tells_account(&self) -> bool {
        self.account.is_some()
    }

    fn name(&self) -> &str {
        &self.sandbox.context.plugin
    }
}

fn context(plugin: &str, setup: Setup) -> Context {
    let limits = setup.limits;
    let gateway = Gateway {
        plugin: plugin.to_owned(),
        api_url: setup.api_url,
        grants: setup.grants,
        reply_body: limits.reply_body,
        // A server that says nothing is the server's fault, and told as such before the plugin's own time is over.
        timeout: limits.wall_clock.mul_f64(0.9),
        way: Way::Clients(setup.http),
        credentials: setup.credentials,
        hidden: Hidden::default(),
        witness: Witness::default(),
    };
    let state = StateStore::new(&setup.state_folder, plugin, setup.tenant.as_deref(), limits.state);
    Context {
        plugin: plugin.to_owned(),
        limits,
        gateway: Some(gateway),
        state,
        settings: setup.settings,
        keys: Vec::new(),
    }
}

impl Provider for WasmProvider {
    fn name(&self) -> &str {
        &self.sandbox.context.plugin
    }

    fn limits(&self) -> engine::Limits {
        self.description.limits
    }

    async fn exchange(&self, request: Request) -> Result<Answer, ProviderError> {
        let asked = validate::Asked::of(&request);
        let request = convert::request(request);
        let indices = self.provider.clone();
        let called = self.sandbox.call(move |store, instance| {
            Box::pin(async move {
                let guest = indices.load(&mut *store, instance)?;
                guest.call_exchange(store, &request).await
            })
        });
        let (answered, aftermath) = called.await.map_err(|e| failure::of_plugin(self.name(), e))?;
        let answer = match answered {
            Ok(answer) => convert::answer(answer, aftermath.request_id.clone()),
            Err(failed) => return Err(failure::of_guest(self.name(), failed, aftermath)),
        };
        match validate::answer(&asked, &answer) {
            Ok(()) => Ok(answer),
            Err(what) => Err(failure::of_contract(self.name(), what, aftermath.request_id)),
        }
    }

    fn can_watch(&self) -> bool {
        self.watch.is_some()
    }

    async fn watch(&self, cursor: Cursor, wait: Duration) -> Result<bool, ProviderError> {
        self.waited(cursor, wait).await
    }
}
