//! Which identity provider signs a person in, and what a sign-in through it has to know.

use super::description::{IdentityProvider, Tenant};
use super::error::TenantError;
use crate::net::ApiUrl;

/// A sign-in through an identity provider of a tenant.
#[derive(Debug, Clone)]
pub struct Sso {
    /// The tenant's id.
    pub tenant: String,
    /// Who signs the person in.
    pub identity_provider: IdentityProvider,
    /// The authorization server that takes its ID token.
    pub exchange_at: ApiUrl,
}

impl Tenant {
    /// The identity provider of this id, or the only one there is. None: there is none, and nobody asked for one.
    pub fn identity_provider(&self, asked: Option<&str>) -> Result<Option<&IdentityProvider>, TenantError> {
        let all = &self.identity_providers;
        match (asked, all.as_slice()) {
            (Some(asked), _) => {
                let found = all.iter().find(|one| one.id == asked);
                let found = found.or_else(|| all.iter().find(|one| one.id.eq_ignore_ascii_case(asked)));
                found.map(Some).ok_or_else(|| TenantError::NoSuchIdentityProvider {
                    tenant: self.id.clone(),
                    asked: asked.to_owned(),
                    there: self.there(),
                })
            }
            (None, []) => Ok(None),
            (None, [only]) => Ok(Some(only)),
            (None, _) => {
                Err(TenantError::WhichIdentityProvider { tenant: self.id.clone(), there: self.there() })
            }
        }
    }

    /// A sign-in through this one.
    pub fn sso(&self, identity_provider: &IdentityProvider) -> Sso {
        Sso {
            tenant: self.id.clone(),
            identity_provider: identity_provider.clone(),
            exchange_at: self.issuer.clone(),
        }
    }

    /// The identity providers, for a message.
    fn there(&self) -> Vec<String> {
        let shown = |one: &IdentityProvider| match one.name.eq_ignore_ascii_case(&one.id) {
            true => one.id.clone(),
            false => format!("{} ({})", one.id, one.name),
        };
        self.identity_providers.iter().map(shown).collect()
    }
}
