//! What a sign-in has to be for, to be used: where, whose, by which provider, and of which kind.

use std::time::Duration;

use jiff::Timestamp;

use super::error::AuthError;
use super::host_of;
use super::method::Method;
use super::section::{Login, Section};
use super::tenant::TenantError;
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
    /// People sign in through an identity provider of the tenant's.
    pub sso: bool,
    /// How long the tenant lets a sign-in last.
    pub sign_in_lifetime: Option<Duration>,
}

impl Purpose {
    /// Orkee Cloud, or a server of one's own.
    pub fn orkee_cloud(api: ApiUrl, tenant: Option<String>) -> Self {
        let (provider, issuer, sign_in_lifetime) = (None, None, None);
        Self { api, tenant, provider, method: Method::Oauth, issuer, sso: false, sign_in_lifetime }
    }

    /// Refuses a login that the tenant wants made anew.
    pub(super) fn check_end(&self, login: &Login, now: Timestamp) -> Result<(), AuthError> {
        let Some(tenant) = &self.tenant else { return Ok(()) };
        let end = self.end_of(login);
        // Of one that began nobody knows when, nobody knows that it goes on.
        let is_unknown = self.sign_in_lifetime.is_some() && login.signed_in_at.is_none();
        match is_unknown || end.is_some_and(|end| now >= end) {
            true => Err(TenantError::SignInEnded { tenant: tenant.clone(), at: end }.into()),
            false => Ok(()),
        }
    }

    /// When the tenant wants a login made anew: as it was when that was made, or as it is now, whichever is sooner.
    pub(super) fn end_of(&self, login: &Login) -> Option<Timestamp> {
        let by_policy =
            self.sign_in_lifetime.and_then(|lifetime| login.signed_in_at?.checked_add(lifetime).ok());
        by_policy.into_iter().chain(login.ends_at).min()
    }

    /// An error as the people of the tenant are to be told it.
    pub(super) fn told(&self, error: AuthError) -> AuthError {
        match error {
            error if !self.sso => error,
            error @ (AuthError::Tenant(_) | AuthError::OfTenant(_)) => error,
            error => AuthError::OfTenant(Box::new(error)),
        }
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
