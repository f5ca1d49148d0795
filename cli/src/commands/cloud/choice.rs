//! The provider that the settings choose, and all that is known of it before it is loaded: its manifest as granted, what the user
//! set for the tenant, and what follows from both.

use std::path::PathBuf;

use orkee_core::auth::{
    Asking, Auth, AuthError, Client, Encryption, Method, Purpose, Running, Tenant, TenantError,
};
use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::net::{ApiUrl, ApiUrlError};
use orkee_core::plugin::{
    ApiUrlSetBy, Chosen, Claimant, ComponentDigest, ENTERPRISE, Grants, Host, Installed, Limits, LoginKind,
    Manifest, ORKEE_CLOUD, OptionValues, Plugin, Providers, Registry, Selection, select, select_at_api,
    tenant_table,
};
use orkee_core::seal::keys::Standing;
use orkee_core::settings::{DEFAULT_API_URL, Origin, Setting, Settings, TenantSettings};
use thiserror::Error;

use super::builtin::{self, BuiltIn};
use super::surroundings;
use crate::context::Context;
use crate::failure::{CliError, Failure};

/// A provider that was chosen.
pub(super) struct Choice {
    pub(super) selection: Selection,
    /// For an installed provider, as the user granted it.
    pub(super) manifest: Manifest,
    tenant: String,
    settings: TenantSettings,
    source: Source,
    /// What an API says of the tenant. None: none is known to have it.
    known: Option<Tenant>,
}

/// Who asks an API whether it knows a tenant, and whether at all.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) auth: &'a Auth,
    pub(super) asking: Asking,
}

/// Where its component is.
enum Source {
    BuiltIn(&'static BuiltIn),
    Installed(Registry),
}

impl Choice {
    /// Chooses for a tenant (empty: none). What is installed is read only where the choice may fall on it, and an API asked only
    /// where nothing here decides, or where it is known to have the tenant.
    pub(super) fn of(cx: &Context, tenant: &str, ask: Ask<'_>) -> Result<Self, Failure> {
        let set = cx.settings()?;
        let settings =
            if tenant.is_empty() { TenantSettings::default() } else { set.tenant_settings(tenant)? };
        let configured = settings.provider.as_ref().map(|setting| setting.value.as_str());
        let needs_no_registry =
            tenant.is_empty() || configured.is_some_and(|name| builtin::provider(name).is_some());
        let registry = if needs_no_registry { None } else { Some(Registry::open(cx.home()?)?) };
        let (selection, known) = choose(cx, tenant, &settings, registry.as_ref(), ask)?;
        let (manifest, source) = match (&selection.provider, registry) {
            (Chosen::Installed(name), Some(registry)) => {
                let granted = registry.expect(name)?.current.granted.clone();
                if !granted.roles.syncs() {
                    return Err(SyncsNothing { name: name.clone(), tenant: tenant.to_owned() }.into());
                }
                (granted, Source::Installed(registry))
            }
            (chosen, _) => {
                let built_in =
                    builtin::provider(chosen.name()).ok_or_else(|| NotBuiltIn(chosen.name().to_owned()))?;
                (built_in.manifest()?, Source::BuiltIn(built_in))
            }
        };
        Ok(Self { selection, manifest, tenant: tenant.to_owned(), settings, source, known })
    }

    /// Its id.
    pub(super) fn name(&self) -> &str {
        self.selection.provider.name()
    }

    /// Whether it is the one for Orkee Cloud and for servers like it.
    pub(super) fn is_orkee_cloud(&self) -> bool {
        self.name() == ORKEE_CLOUD
    }

    /// Whether it is the one for tenants of such servers.
    fn is_enterprise(&self) -> bool {
        self.name() == ENTERPRISE
    }

    /// The tenant whose identity providers sign people in. None: the provider has another sign-in.
    pub(super) fn enterprise(&self) -> Option<&Tenant> {
        self.known.as_ref().filter(|_| self.is_enterprise())
    }

    /// Refuses what the policy of the tenant does not allow: this provider, these bytes, or another place to send projects to.
    pub(super) fn check_policy(&self, api: &ApiUrl) -> Result<(), Failure> {
        let Some(Tenant { policy, .. }) = &self.known else { return Ok(()) };
        let sha256 = || self.sha256();
        let built_in = matches!(self.source, Source::BuiltIn(_));
        policy.check_provider(&self.tenant, Running { name: self.name(), built_in, sha256: &sha256 })?;
        policy.check_origin(&self.tenant, &api.origin().to_string())?;
        for host in &self.manifest.hosts {
            policy.check_origin(&self.tenant, &host.to_string())?;
        }
        Ok(())
    }

    /// Refuses to send projects as they are where the tenant wants them sealed.
    pub(super) fn check_encryption(&self, standing: Standing) -> Result<(), Failure> {
        match self.requires_encryption() && !standing.seals {
            true => {
                Err(AuthError::from(TenantError::EncryptionRequired { tenant: self.tenant.clone() }).into())
            }
            false => Ok(()),
        }
    }

    /// Whether the tenant wants its projects sealed.
    pub(super) fn requires_encryption(&self) -> bool {
        let policy = self.known.as_ref().map(|tenant| &tenant.policy);
        policy.is_some_and(|policy| policy.encryption == Encryption::Required)
    }

    /// Whether its backend refuses plain records of a sealed account by itself: others take what they are sent.
    pub(super) fn refuses_plain(&self) -> bool {
        matches!(self.source, Source::BuiltIn(_)) && (self.is_orkee_cloud() || self.is_enterprise())
    }

    /// The digest of its component, in hexadecimal.
    fn sha256(&self) -> String {
        match &self.source {
            Source::BuiltIn(built_in) => ComponentDigest::of(built_in.component.bytes).to_string(),
            Source::Installed(registry) => {
                registry.get(self.name()).map(|plugin| plugin.current.sha256.to_string()).unwrap_or_default()
            }
        }
    }

    /// Where its API is; `environment` is what `--env` names.
    pub(super) fn api(
        &self,
        settings: &Settings,
        environment: Option<&str>,
    ) -> Result<(ApiUrl, ApiUrlSetBy), Failure> {
        if let Some(name) = environment.filter(|_| !self.is_orkee_cloud()) {
            return Err(CliError::usage(
                format!("--env {name} is for Orkee Cloud, and the provider in use is `{}`", self.name()),
                format!(
                    "leave it out, or set `api_url` under [{}] in config.toml",
                    tenant_table(&self.tenant)
                ),
            )
            .into());
        }
        if let Some(tenant) = self.enterprise() {
            return Ok((tenant.api.clone(), ApiUrlSetBy::User));
        }
        let set = match settings.api_url_of_environment()? {
            Some(set) => Some(set),
            None => self.settings.api_url.clone().filter(|_| environment.is_none()),
        };
        match (set, &self.manifest.api_url) {
            (Some(set), _) => {
                let url = ApiUrl::parse(&set.value);
                let url = url.map_err(|source| UnusableApiUrl { origin: set.origin, source })?;
                Ok((url, ApiUrlSetBy::User))
            }
            (None, _) if self.is_orkee_cloud() => {
                Ok((ApiUrl::parse(&settings.api_url(environment)?.value)?, ApiUrlSetBy::User))
            }
            (None, Some(default)) => Ok((default.clone(), ApiUrlSetBy::Manifest)),
            (None, None) => {
                Err(NoApiUrl { provider: self.name().to_owned(), tenant: self.tenant.clone() }.into())
            }
        }
    }

    /// What a sign-in has to be for; none: it needs none.
    pub(super) fn purpose(&self, api: &ApiUrl) -> Option<Purpose> {
        let (method, issuer) = match self.manifest.login.as_ref()? {
            LoginKind::Oauth { issuer, .. } => (Method::Oauth, issuer.clone()),
            LoginKind::Token => (Method::Token, None),
            LoginKind::Password => (Method::Password, None),
            LoginKind::AwsKeys { .. } => (Method::AwsKeys, None),
        };
        Some(Purpose {
            api: api.clone(),
            tenant: Some(self.tenant.clone()).filter(|tenant| !tenant.is_empty()),
            provider: Some(self.name().to_owned()).filter(|_| !self.is_orkee_cloud()),
            method,
            issuer,
            sso: self.enterprise().is_some_and(|tenant| !tenant.identity_providers.is_empty()),
            sign_in_lifetime: self.known.as_ref().and_then(|tenant| tenant.policy.sign_in_lifetime),
        })
    }

    /// Who this program is to the authorization server that the provider names.
    pub(super) fn client(&self) -> Client {
        let usual = Client::default();
        match &self.manifest.login {
            Some(LoginKind::Oauth { client_id, scopes, .. }) => Client {
                id: client_id.clone().unwrap_or(usual.id),
                scopes: scopes.clone().unwrap_or(usual.scopes),
                request_id: usual.request_id,
            },
            _ => usual,
        }
    }

    /// Refuses an installed provider that wants a sign-in of Orkee Cloud sent to another server: with it, that server could do
    /// there whatever the user may.
    pub(super) fn check_issuer(&self, settings: &Settings, api: &ApiUrl) -> Result<(), Failure> {
        let (Source::Installed(_), Some(LoginKind::Oauth { issuer: Some(issuer), client_id, .. })) =
            (&self.source, &self.manifest.login)
        else {
            return Ok(());
        };
        let general = ApiUrl::parse(&settings.api_url(None)?.value)?;
        let is_orkees = issuer.origin() == general.origin()
            || issuer.origin() == ApiUrl::parse(DEFAULT_API_URL)?.origin()
            || client_id.as_ref() == Some(&Client::default().id);
        match is_orkees && issuer.origin() != api.origin() {
            true => Err(BorrowedSignIn {
                provider: self.name().to_owned(),
                issuer: issuer.to_string(),
                api: api.origin().authority(),
            }
            .into()),
            false => Ok(()),
        }
    }

    /// Why a token of the environment is not sent: it is for the general API URL, and for providers that are part of the program.
    pub(super) fn refuses_env_token(
        &self,
        settings: &Settings,
        api: &ApiUrl,
    ) -> Result<Option<String>, Failure> {
        if matches!(self.source, Source::Installed(_)) && !self.manifest.env_token {
            let name = self.name();
            return Ok(Some(format!(
                "the provider `{name}` is not part of Orkee (`orkee cloud provider grant {name} --env-token` lets it stand for its login)"
            )));
        }
        let general = settings.api_url(None)?;
        let is_there = ApiUrl::parse(&general.value).is_ok_and(|general| general.origin() == api.origin());
        Ok((!is_there).then(|| {
            format!(
                "it is for the server of ORKEE_CLOUD_API_URL, and {} is another",
                api.origin().authority()
            )
        }))
    }

    /// What the user set for it, checked, and what it is told of the tenant.
    pub(super) fn options(&self) -> Result<OptionValues, Failure> {
        let table = format!("[{}.options]", tenant_table(&self.tenant));
        let mut options =
            OptionValues::resolve(self.name(), &self.manifest.options, &self.settings.options, &table)?;
        if self.is_enterprise() {
            options.values.insert("tenant".to_owned(), self.tenant.clone());
        }
        Ok(options)
    }

    /// What it may reach and name. A credential that signs does it for the region that the options name.
    pub(super) fn grants(&self, api: &ApiUrl, set_by: ApiUrlSetBy, options: &OptionValues) -> Grants {
        let grants = Grants::of(&self.manifest, api, set_by);
        match options.values.get("region") {
            Some(region) => grants.in_region(region),
            None => grants,
        }
    }

    /// What it may use in a call: a grant raises the usual limits, the configuration lowers them.
    pub(super) fn limits(&self) -> Limits {
        Limits::default().raised(&self.manifest.limits).lowered(&self.settings.limits)
    }

    /// The host that it is loaded into. Components of others may need more than a pool has room for.
    pub(super) fn host(&self, cache: PathBuf) -> Result<Host, Failure> {
        Ok(match &self.source {
            Source::BuiltIn(_) => Host::for_built_in(Some(cache))?,
            Source::Installed(_) => Host::new(Some(cache))?,
        })
    }

    /// Its component, compiled and checked. Nothing of it has run. One that the tenant's policy does not allow is not loaded.
    pub(super) fn load(&self, host: &Host, api: &ApiUrl) -> Result<Plugin, Failure> {
        self.check_policy(api)?;
        match &self.source {
            Source::BuiltIn(built_in) => Ok(host.load_embedded(built_in.name, &built_in.component)?),
            Source::Installed(registry) => Ok(registry.load(host, self.name())?),
        }
    }
}

/// What is installed, as far as the choice goes by it.
fn claimants(registry: Option<&Registry>) -> Vec<Claimant> {
    let claimant = |plugin: &Installed| Claimant {
        name: plugin.name().to_string(),
        tenants: plugin.current.granted.tenants.clone(),
    };
    registry.into_iter().flat_map(Registry::installed).map(claimant).collect()
}

fn choose(
    cx: &Context,
    tenant: &str,
    of_tenant: &TenantSettings,
    registry: Option<&Registry>,
    Ask { auth, asking }: Ask<'_>,
) -> Result<(Selection, Option<Tenant>), Failure> {
    let set = cx.settings()?;
    let installed = claimants(registry);
    let (built_in, tenants) = (builtin::names(), set.tenants());
    let there = Providers { built_in: &built_in, installed: &installed, tenants: &tenants };
    let configured = of_tenant.provider.as_ref().map(|setting| setting.value.as_str());
    let selection = match select(tenant, configured, there)? {
        Some(selection) if tenant.is_empty() => return Ok((selection, None)),
        // Whatever serves it now: where the tenant is known to an API, its policy holds.
        Some(selection) if selection.provider.name() != ENTERPRISE => {
            let asking = if asking == Asking::Always { Asking::IfOld } else { asking };
            // The provider for Orkee's own API sends its projects to whom can be asked, so that no policy waits for this machine to have
            // heard of it. A server may know no tenants, and need not answer.
            let orkees = selection.provider.name() == ORKEE_CLOUD;
            let api = discovery_url(of_tenant, set).ok().filter(|_| orkees);
            let known = surroundings::run(async {
                if let Some(api) = &api {
                    match auth.tenant(api, tenant, asking).await {
                        Ok(Some(known)) => return Ok(Some(known)),
                        Ok(None) => {}
                        // It knows the tenant, and what it says of it cannot be kept to.
                        Err(error @ AuthError::Tenant(TenantError::Unusable { .. })) => {
                            return Err(error.into());
                        }
                        Err(error) => {
                            tracing::debug!(target: "orkee::cloud", tenant, %error, "the API was not asked for the tenant")
                        }
                    }
                }
                Ok(auth.known_tenant(tenant, asking).await?)
            })?;
            return Ok((selection, known));
        }
        selection => selection,
    };
    let api = discovery_url(of_tenant, set)?;
    let known = surroundings::run(async { Ok(auth.tenant(&api, tenant, asking).await?) })?;
    // Where the registry was not needed: for the message alone, which tells all that there is.
    let unasked = match known.is_none() && registry.is_none() {
        true => claimants(Registry::open(cx.home()?).ok().as_ref()),
        false => Vec::new(),
    };
    let there = if unasked.is_empty() { there } else { Providers { installed: &unasked, ..there } };
    let found = select_at_api(tenant, &api.origin().authority(), known.is_some(), there)?;
    Ok((selection.unwrap_or(found), known))
}

/// The API that is asked for a tenant.
fn discovery_url(of_tenant: &TenantSettings, set: &Settings) -> Result<ApiUrl, Failure> {
    let named = match set.api_url_of_environment()? {
        Some(named) => Some(named),
        None => of_tenant.api_url.clone(),
    };
    let Setting { value, origin } = named.map_or_else(|| set.api_url(None), Ok)?;
    Ok(ApiUrl::parse(&value).map_err(|source| UnusableApiUrl { origin, source })?)
}

/// What a tenant is to sync through is a dispatcher.
#[derive(Debug, Error)]
#[error("the tenant `{tenant}` uses `{name}`, which is a dispatcher: it delivers events, and syncs nothing")]
struct SyncsNothing {
    name: String,
    tenant: String,
}

impl Diagnostic for SyncsNothing {
    fn code(&self) -> &'static str {
        "E-HOOK-035"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(format!("name a provider under [{}] in config.toml", tenant_table(&self.tenant)))
    }
}

/// Nothing says where the provider's API is.
#[derive(Debug, Error)]
#[error("the provider `{provider}` has no API URL for the tenant `{tenant}`")]
struct NoApiUrl {
    provider: String,
    tenant: String,
}

impl Diagnostic for NoApiUrl {
    fn code(&self) -> &'static str {
        "E-PLUGIN-017"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        let table = tenant_table(&self.tenant);
        Some(format!("write `api_url = \"https://…\"` under [{table}] in config.toml"))
    }
}

/// A sign-in of one server's is wanted for another.
#[derive(Debug, Error)]
#[error("the provider `{provider}` wants the sign-in of {issuer} sent to {api}")]
struct BorrowedSignIn {
    provider: String,
    issuer: String,
    api: String,
}

impl Diagnostic for BorrowedSignIn {
    fn code(&self) -> &'static str {
        "E-PLUGIN-019"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(format!(
            "with it, {} could act as you there; ask the provider's author for a sign-in of its own",
            self.api
        ))
    }
}

/// The API URL that was set is none.
#[derive(Debug, Error)]
#[error("{source} (set by {origin})")]
struct UnusableApiUrl {
    origin: Origin,
    source: ApiUrlError,
}

impl Diagnostic for UnusableApiUrl {
    fn code(&self) -> &'static str {
        self.source.code()
    }

    fn kind(&self) -> Kind {
        self.source.kind()
    }

    fn hint(&self) -> Option<String> {
        match (&self.origin, &self.source) {
            (Origin::Config(_), ApiUrlError::Origin(_) | ApiUrlError::Extra) => {
                Some("write a URL such as `https://api.example.com`".to_owned())
            }
            _ => self.source.hint(),
        }
    }
}

/// A provider that the choice calls built in is not there.
#[derive(Debug, Error)]
#[error("the provider `{0}` is not part of this build of orkee")]
struct NotBuiltIn(String);

impl Diagnostic for NotBuiltIn {
    fn code(&self) -> &'static str {
        "E-PLUGIN-012"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }
}
