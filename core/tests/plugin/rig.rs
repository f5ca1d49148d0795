//! A host, a home and one plugin with what it is given.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use orkee_core::net::{ApiUrl, CredentialError, CredentialSource, Http, HttpOptions, Origin, Secret};
use orkee_core::plugin::{Grants, Host, Limits, PluginError, Setup, WasmProvider};
use orkee_core::sync::provider::{Answer, Provider, ProviderError, Request};
use tempfile::TempDir;

use crate::guests;

/// The secret that no guest may ever see.
pub const CANARY: &str = "orkee_canary_0123456789abcdef";
/// What it is after a refresh.
pub const FRESH: &str = "orkee_fresh_fedcba9876543210";

pub struct Rig {
    pub home: TempDir,
    pub http: Http,
    pub host: Host,
    pub api_url: ApiUrl,
    pub grants: Grants,
    pub limits: Limits,
    pub credentials: Arc<Tokens>,
    pub tenant: Option<String>,
}

impl Rig {
    /// A built-in provider's rights at `url`, signed in, with the usual limits.
    pub fn new(url: &str) -> Self {
        let api_url = ApiUrl::parse(url).unwrap();
        Self {
            home: tempfile::tempdir().unwrap(),
            http: Http::new(HttpOptions::default()).unwrap(),
            host: Host::new(Some(compiled())).unwrap(),
            grants: Grants::built_in(&api_url),
            api_url,
            limits: Limits::default(),
            credentials: Arc::new(Tokens::signed_in()),
            tenant: None,
        }
    }

    /// Nobody answers at this one's API URL.
    pub fn offline() -> Self {
        Self::new("http://127.0.0.1:9")
    }

    /// The same, with the host of components that are part of the program.
    pub fn pooled(self) -> Self {
        Self { host: Host::for_built_in(Some(compiled())).unwrap(), ..self }
    }

    pub async fn open(
        &self,
        component: &[u8],
        settings: &[(&str, &str)],
    ) -> Result<WasmProvider, PluginError> {
        let credentials = Arc::clone(&self.credentials) as Arc<dyn CredentialSource>;
        self.open_with(component, settings, credentials).await
    }

    /// As [`Rig::open`], with another sign-in.
    pub async fn open_with(
        &self,
        component: &[u8],
        settings: &[(&str, &str)],
        credentials: Arc<dyn CredentialSource>,
    ) -> Result<WasmProvider, PluginError> {
        let plugin = self.host.load("fixture", component, self.limits.component)?;
        let setup = Setup {
            tenant: self.tenant.clone(),
            api_url: self.api_url.clone(),
            grants: self.grants.clone(),
            limits: self.limits.clone(),
            credentials,
            state_folder: self.home.path().to_owned(),
            settings: settings
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            http: self.http.clone(),
        };
        WasmProvider::open(&plugin, setup).await
    }

    /// What the rogue found out by doing what `settings` say, or how it was stopped.
    pub async fn rogue(&self, settings: &[(&str, &str)]) -> Result<String, ProviderError> {
        found(&self.open(guests::rogue(), settings).await.unwrap()).await
    }

    /// As [`Rig::rogue`], for what must fail because of the plugin; and the next call of the same host works.
    pub async fn stopped(&self, settings: &[(&str, &str)]) -> PluginError {
        let error = self.rogue(settings).await.unwrap_err();
        assert_eq!(self.rogue(&[("do", "behave")]).await.unwrap(), "behaved");
        let source = error.source.unwrap_or_else(|| panic!("{} has no source", error.message));
        *source.downcast::<PluginError>().unwrap()
    }
}

/// Shared by all tests: each would otherwise compile the same components anew.
fn compiled() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

/// What a provider answers to an empty request with a page.
pub async fn found(provider: &WasmProvider) -> Result<String, ProviderError> {
    let request = Request { limit: 5, ..Request::default() };
    match alive(provider.exchange(request)).await? {
        Answer::Page(reply) => Ok(reply.cursor.position.unwrap().0),
        other => panic!("{other:?}"),
    }
}

/// The result, or a failure where it hangs.
pub async fn alive<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("it hangs")
}

/// Sign-in as the tests want it.
pub struct Tokens {
    token: Mutex<Option<&'static str>>,
    next: Option<&'static str>,
    pub refreshes: AtomicUsize,
}

impl Tokens {
    pub fn signed_in() -> Self {
        Self { token: Mutex::new(Some(CANARY)), next: Some(FRESH), refreshes: AtomicUsize::new(0) }
    }

    pub fn signed_out() -> Self {
        Self { token: Mutex::new(None), next: None, refreshes: AtomicUsize::new(0) }
    }

    pub fn without_refresh() -> Self {
        Self { next: None, ..Self::signed_in() }
    }
}

impl CredentialSource for Tokens {
    fn is_signed_in(&self, _: &str, _: &Origin) -> bool {
        self.token.lock().unwrap().is_some()
    }

    fn token<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        let token = self.token.lock().unwrap().map(Secret::new);
        Box::pin(async { Ok(token) })
    }

    fn refresh_after_401<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        self.refreshes.fetch_add(1, SeqCst);
        let fresh = self.next;
        if fresh.is_some() {
            *self.token.lock().unwrap() = fresh;
        }
        Box::pin(async move { Ok(fresh.map(Secret::new)) })
    }
}
