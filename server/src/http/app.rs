//! What all handlers share.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Semaphore;

use super::ApiError;
use super::rate::RateLimiter;
use super::waits::Waits;
use crate::api::publish::Author;
use crate::dpop::{Binding, Dpop};
use crate::oauth::Pending;
use crate::storage::{AccountKey, Storage};
use crate::tenant::{Issuers, Seen};
use crate::webhooks::Hooks;

/// Passwords hashed at the same time: each takes 19 MiB and a processor.
const HASHING: usize = 2;

/// How the server was set up.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The base URL as clients see it, without a slash at its end. It is also the OAuth issuer.
    pub(crate) public_url: String,
    /// A proxy stands in front, and says in `X-Forwarded-For` who is asking.
    pub(crate) behind_proxy: bool,
    /// Requests that an account may make in a minute.
    pub(crate) rate_limit: u32,
    /// Anybody may create an account.
    pub(crate) open_registration: bool,
    /// How long an access token is good.
    pub(crate) access_lifetime: SignedDuration,
    /// How long a person may take to type a device's code.
    pub(crate) device_lifetime: SignedDuration,
    /// Whether sign-ins are bound to keys.
    pub(crate) binding: Binding,
    /// The largest backup, in bytes.
    pub(crate) backup_limit: u64,
}

/// Shared by all handlers.
pub(crate) struct App {
    pub(crate) settings: Settings,
    /// By account.
    pub(crate) rate: RateLimiter<AccountKey>,
    /// Sign-ins, by account and address.
    pub(crate) sign_ins: RateLimiter<(String, String)>,
    /// Wrong passwords, by account.
    pub(crate) passwords: RateLimiter<String>,
    /// Sign-ins, registrations and token requests, by address.
    pub(crate) addresses: RateLimiter<String>,
    /// Devices whose code has to be typed.
    pub(crate) devices: Pending,
    /// Codes of devices that were typed, by account and by address.
    pub(crate) code_accounts: RateLimiter<AccountKey>,
    pub(crate) code_addresses: RateLimiter<String>,
    /// Checks what proves that a token is its bearer's.
    pub(crate) dpop: Dpop,
    /// Whoever hashes a password holds one of these.
    pub(crate) hashing: Semaphore,
    /// Who writes what scripts send.
    pub(crate) author: Arc<Author>,
    /// The keys of tenants' identity providers.
    pub(crate) issuers: Issuers,
    /// The access tokens of theirs that were met.
    pub(crate) seen: Seen,
    /// Where events go.
    pub(crate) webhooks: Hooks,
    /// Who waits for commits.
    pub(crate) waits: Arc<Waits>,
    storage: Arc<dyn Storage>,
}

impl App {
    /// Over a storage.
    pub(crate) fn new(
        settings: Settings,
        storage: Arc<dyn Storage>,
        issuers: Issuers,
        webhooks: Hooks,
        waits: Waits,
    ) -> Self {
        Self {
            rate: RateLimiter::new(settings.rate_limit, Duration::from_secs(60)),
            sign_ins: RateLimiter::new(10, Duration::from_secs(5 * 60)),
            passwords: RateLimiter::new(50, Duration::from_secs(60 * 60)),
            addresses: RateLimiter::new(300, Duration::from_secs(60)),
            devices: Pending::new(settings.device_lifetime),
            code_accounts: RateLimiter::new(10, Duration::from_secs(10 * 60)),
            code_addresses: RateLimiter::new(30, Duration::from_secs(10 * 60)),
            dpop: Dpop::new(settings.binding),
            hashing: Semaphore::new(HASHING),
            author: Arc::new(Author::new()),
            settings,
            issuers,
            seen: Seen::default(),
            webhooks,
            waits: Arc::new(waits),
            storage,
        }
    }

    /// Whether cookies may be kept from plain http.
    pub(crate) fn is_https(&self) -> bool {
        self.settings.public_url.starts_with("https:")
    }

    /// Runs blocking work over the storage.
    pub(crate) async fn storage<T, E>(
        &self,
        work: impl FnOnce(&dyn Storage) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
    {
        let storage = Arc::clone(&self.storage);
        match tokio::task::spawn_blocking(move || work(storage.as_ref())).await {
            Ok(done) => done.map_err(Into::into),
            Err(panicked) => Err(ApiError::internal(&panicked)),
        }
    }
}
