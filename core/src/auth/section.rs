//! A login and where it stands in the token file.

use std::fmt;

use jiff::Timestamp;

use super::discovery::Standard;
use super::method::Method;
use crate::net::{ApiUrl, Secret};

/// Which login: the one of a tenant, of a named environment, or the default one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Section {
    /// `[orkee_cloud]`: the last login without an environment or a tenant.
    Default,
    /// `[environments.NAME]`, of `login --env NAME`.
    Environment(String),
    /// `[tenants.NAME]`.
    Tenant(String),
}

impl Section {
    /// The table that holds it, and its key there.
    pub(super) fn path(&self) -> (Option<&'static str>, &str) {
        match self {
            Self::Default => (None, "orkee_cloud"),
            Self::Environment(name) => (Some("environments"), name),
            Self::Tenant(name) => (Some("tenants"), name),
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            (None, name) => f.write_str(name),
            (Some(group), name) => write!(f, "{group}.{name}"),
        }
    }
}

/// Whose login it is, as the server said when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The address that the person signs in with.
    pub email: String,
    /// As the server names it, such as "Pro Plan".
    pub plan: Option<String>,
}

/// What a section of the token file holds.
#[derive(Debug, Clone)]
pub struct Login {
    /// What the secret is.
    pub method: Method,
    /// The provider that may name it. None: the built-in one for Orkee Cloud.
    pub provider: Option<String>,
    /// Who this program is to the authorization server. None: the usual client.
    pub client_id: Option<String>,
    /// The API that the tokens are for; they go to no other origin.
    pub api: String,
    /// The authorization server.
    pub issuer: String,
    /// The access token, or the secret that stands in its place. None: signed out, though the rest is kept.
    pub token: Option<Secret>,
    /// None: unknown; the token is used until the server refuses it.
    pub expires_at: Option<Timestamp>,
    /// None: the login lasts as long as its token.
    pub refresh_token: Option<Secret>,
    /// Whose it is, where the server said so.
    pub account: Option<Account>,
    /// The thumbprint of the key that the tokens are bound to.
    pub bound_to: Option<String>,
    /// The access token needs no proof of that key, though the refresh token may.
    pub bearer: bool,
    /// The identity provider of the tenant that signed the person in.
    pub identity_provider: Option<String>,
    /// When the person signed in, where it matters.
    pub signed_in_at: Option<Timestamp>,
    /// When the tenant wants a new sign-in, however fresh the token is.
    pub ends_at: Option<Timestamp>,
}

impl Login {
    /// What its issuer keeps to: that of an API's own server is told by the API, and an identity provider is another.
    pub(super) fn standard(&self) -> Standard {
        let origin = |url: &str| ApiUrl::parse(url).ok().map(|url| url.origin().clone());
        match self.identity_provider.is_some() && origin(&self.issuer) != origin(&self.api) {
            true => Standard::OpenId,
            false => Standard::Oauth,
        }
    }

    /// Whether the access token goes out with a proof of the key that the login is bound to.
    pub(super) fn is_sent_bound(&self) -> bool {
        self.bound_to.is_some() && !self.bearer
    }

    /// The part of the secret that is none, such as the user name.
    pub fn holder(&self) -> Option<&str> {
        self.method.holder(self.token.as_ref()?.expose())
    }
}
