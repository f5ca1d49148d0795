//! Sign-in: OAuth in the person's browser, the tokens it yields, and who may use them.
//!
//! Invariants: a token goes to the origin it was issued for and to no other; the token file changes only under the lock, as a
//! whole, with its room on disk made before a refresh token is spent; a refresh token is dropped only when the server calls it
//! invalid; no error, log or event holds a secret. Rendering, terminals and signals are left to the caller.

mod attempt;
mod bound;
mod browser;
mod client;
mod device;
mod discovery;
mod document;
mod endpoint;
mod env_token;
mod error;
mod exchange;
mod file;
mod forget;
mod keyring;
mod listener;
mod lock;
mod login;
mod logins;
mod logout;
mod method;
mod oidc;
mod pages;
mod process;
mod purpose;
mod refresh;
mod section;
mod tenant;
mod token_account;
mod token_exchange;
mod tokens;
mod trail;
mod under_way;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use url::Url;

pub use bound::Keys;
pub use browser::{BrowserWish, Surroundings, open as open_browser};
pub use client::Client;
pub use env_token::EnvToken;
pub use error::AuthError;
pub(crate) use error::plain;
pub use exchange::Device;
pub use file::FileError;
pub(crate) use file::Folder;
pub use keyring::SecretStore;
pub use login::{LoginEvent, LoginRequest, LoginUi, Opener};
pub use logins::has_login;
pub use logout::{LoggedOut, Revocation};
pub use method::Method;
pub use process::protect;
pub use purpose::Purpose;
pub use section::{Account, Login, Section};
pub use tenant::{
    Allowed, Asking, Encryption, IdentityProvider, Policy, Running, Sso, Tenant, TenantError, TokenUse,
};
pub use tokens::{TokenSource, Tokens};
pub use under_way::at_rest;

use self::keyring::Vault;
use crate::clock::Clock;
use crate::home::Home;
use crate::net::Http;
use crate::store::Trail;

/// Something that the person should hear of while the work goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Other users can read the token file; the next write makes it 0600.
    ReadableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// This machine's clock and the server's differ by so much that tokens are renewed too early or too late.
    ClockOff {
        /// The server.
        host: String,
        /// How far its clock is ahead.
        ahead: SignedDuration,
    },
    /// Another process changes the tokens.
    WaitingForLock {
        /// Which, where it said so.
        pid: Option<u32>,
    },
    /// What happened to a sign-in could not be written into the audit trail.
    Unrecorded {
        /// Why.
        reason: String,
    },
}

/// The logins of one home folder.
#[derive(Clone)]
pub struct Auth {
    root: PathBuf,
    http: Http,
    clock: Arc<dyn Clock>,
    notices: Arc<dyn Fn(Notice) + Send + Sync>,
    trail: Trail,
    vault: Vault,
}

/// Clocks that are set by hand differ by less.
const CLOCKS_AGREE: SignedDuration = SignedDuration::from_mins(5);

impl Auth {
    /// Tells the person if the server that gave tokens just now lives in another time.
    fn compare_clocks(&self, issuer: &str) {
        if let Some(ahead) = self.http.server_clock_ahead().filter(|ahead| ahead.abs() > CLOCKS_AGREE) {
            (self.notices)(Notice::ClockOff { host: host_of(issuer), ahead });
        }
    }

    /// Reads nothing yet. `notices` is told what the person should know.
    pub fn new(
        home: &Home,
        http: Http,
        clock: Arc<dyn Clock>,
        notices: impl Fn(Notice) + Send + Sync + 'static,
    ) -> Self {
        let notices: Arc<dyn Fn(Notice) + Send + Sync> = Arc::new(notices);
        let tell = Arc::clone(&notices);
        let trail = Trail::new(home, move |error| tell(Notice::Unrecorded { reason: trail::reason(error) }));
        Self { root: home.root().to_owned(), http, clock, notices, trail, vault: Vault::default() }
    }

    /// From here on, sign-ins are kept there. Those that are elsewhere move with the next change of the token file.
    pub fn keeping_in(self, store: SecretStore) -> Self {
        Self { vault: Vault::new(store), ..self }
    }
}

/// The host of an API or issuer, for messages.
fn host_of(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| endpoint::host(&url))
}
