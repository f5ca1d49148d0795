//! The sync provider that the settings choose, loaded and given what it may use.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use orkee_core::auth::Tokens;
use orkee_core::plugin::{Code, Embedded, Grants, Host, Limits, Selection, Setup, WasmProvider, select};

use super::surroundings::Cloud;
use crate::context::Context;
use crate::failure::Failure;

/// The provider that is part of this program.
const ORKEE_CLOUD: Embedded = Embedded {
    bytes: include_bytes!(concat!(env!("OUT_DIR"), "/orkee-cloud.wasm")),
    digest: *include_bytes!(concat!(env!("OUT_DIR"), "/orkee-cloud.blake3")),
};

/// A provider, ready to be asked.
pub(super) struct Connection<'a> {
    pub(super) provider: WasmProvider,
    cloud: &'a Cloud,
}

impl<'a> Connection<'a> {
    /// Loads the provider; makes no request.
    pub(super) async fn open(cx: &Context, cloud: &'a Cloud) -> Result<Self, Failure> {
        let tenant = cloud.tenant.as_deref().unwrap_or_default();
        let selection = select(tenant, cx.settings()?.tenant_provider(tenant)?.as_deref())?;
        let tokens = Arc::new(cloud.tokens(cx));
        let provider = load(cx, cloud, &selection, tokens).await?;
        Ok(Self { provider, cloud })
    }

    /// What people call the backend.
    pub(super) fn name(&self) -> &str {
        &self.provider.description().name
    }

    /// The account and backend that the store is about to be synced with: another one than the last is never taken silently.
    pub(super) async fn remote(&self) -> Result<String, Failure> {
        Ok(format!("{} at {}", self.account().await?, self.cloud.api))
    }

    async fn account(&self) -> Result<String, Failure> {
        let (auth, api) = (&self.cloud.auth, &self.cloud.api);
        if let Some(token) = self.cloud.env_token() {
            if let Some(known) = auth.account_of_token(api, token) {
                return Ok(known);
            }
            let asked = self.provider.whoami().await?.email;
            auth.remember_account_of_token(api, token, &asked);
            return Ok(asked);
        }
        match auth.login_for(api, self.cloud.tenant.as_deref())?.1.account {
            Some(account) => Ok(account.email),
            None => Ok(self.provider.whoami().await?.email),
        }
    }
}

async fn load(
    cx: &Context,
    cloud: &Cloud,
    selection: &Selection,
    tokens: Arc<Tokens>,
) -> Result<WasmProvider, Failure> {
    let started = Instant::now();
    let home = cx.home()?;
    let limits = Limits::default();
    let host = Host::new(Some(home.cache()))?;
    let plugin = host.load_embedded(selection.provider, &ORKEE_CLOUD)?;
    if let Code::Recompiled(why) = plugin.code() {
        let (name, folder) = (plugin.name(), home.cache());
        cx.out.warn(format_args!(
            "the compiled code of the provider `{name}` in {} was not used and was made anew: {why}",
            folder.display()
        ));
    }
    let setup = Setup {
        tenant: cloud.tenant.clone(),
        api_url: cloud.api.clone(),
        grants: Grants::built_in(&cloud.api),
        limits,
        credentials: tokens,
        state_folder: home.plugins(),
        settings: BTreeMap::new(),
        http: cloud.http.clone(),
    };
    let provider = WasmProvider::open(&plugin, setup).await?;
    tracing::debug!(
        target: "orkee::cloud",
        provider = selection.provider,
        because = selection.because,
        code = ?plugin.code(),
        load_us = started.elapsed().as_micros() as u64,
        "loaded the provider"
    );
    Ok(provider)
}
