//! What a sign-in has to be for, to be used: where, whose, by which provider, and of which kind.

use super::host_of;
use super::method::Method;
use super::section::{Login, Section};
use crate::net::ApiUrl;

/// The use that a sign-in is wanted for. One that was made for another is not handed out.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// The API that the secret goes to, and no other.
    pub api: ApiUrl,
    /// None: the personal account.
    pub tenant: Option<String>,
    /// The provider that names it. None: the built-in one for Orkee Cloud.
    pub provider: Option<String>,
    /// What the provider needs.
    pub method: Method,
    /// The authorization server that has to have issued it. None: whichever did, for this API.
    pub issuer: Option<ApiUrl>,
}

impl Purpose {
    /// Orkee Cloud, or a server of one's own.
    pub fn orkee_cloud(api: ApiUrl, tenant: Option<String>) -> Self {
        Self { api, tenant, provider: None, method: Method::Oauth, issuer: None }
    }

    /// The API's host, for messages.
    pub(super) fn host(&self) -> String {
        host_of(&self.api.to_string())
    }

    /// Whether a section may hold such a login at all.
    pub(super) fn is_about(&self, section: &Section) -> bool {
        match (section, &self.tenant) {
            (Section::Tenant(name), Some(tenant)) => name == tenant,
            (Section::Default | Section::Environment(_), None) => true,
            _ => false,
        }
    }

    /// Whether a login was made for the same API.
    pub(super) fn is_there(&self, login: &Login) -> bool {
        ApiUrl::parse(&login.api).is_ok_and(|api| api.origin() == self.api.origin())
    }

    /// Whether a login was made for the same provider, in the way that it needs, by the issuer that it names.
    pub(super) fn is_served_by(&self, login: &Login) -> bool {
        let issued = |wanted: &ApiUrl| ApiUrl::parse(&login.issuer).is_ok_and(|issuer| issuer == *wanted);
        self.provider == login.provider
            && self.method == login.method
            && self.issuer.as_ref().is_none_or(issued)
    }
}
