//! What a tenant is set up as, and how it is kept: JSON in the storage, read anew whenever it is needed, so that a running server
//! sees what an administrator changed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use orkee_core::jwt::Jwt;
use serde::{Deserialize, Serialize};

use crate::storage::{NoRole, Role, Tenant};

/// A tenant's settings, checked when they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// For people.
    pub(crate) name: String,
    pub(crate) identity_providers: Vec<IdentityProvider>,
    /// What a group of the identity provider's may do.
    pub(crate) groups: BTreeMap<String, GroupRole>,
    /// What those may do who are in no such group; none: they may not in.
    pub(crate) default_role: Option<GroupRole>,
    pub(crate) policy: Policy,
}

/// Where the tenant's people sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdentityProvider {
    /// What it is chosen by.
    pub(crate) id: String,
    pub(crate) name: String,
    /// Exactly as its tokens have it.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) audience: Option<String>,
    pub(crate) token: TokenUse,
    pub(crate) groups_claim: String,
    /// Its addresses are good although it does not say that they were verified.
    pub(crate) trust_email: bool,
}

/// What of the identity provider's the API is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenUse {
    /// Nothing: the ID token is exchanged for tokens of this server.
    Exchange,
    /// Its access token.
    Direct,
}

/// A role, in texts by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub(crate) struct GroupRole(pub(crate) Role);

/// What holds for the tenant's people and their devices. A part that is missing restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) providers: Option<Vec<AllowedProvider>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encryption: Option<Encryption>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sign_in_lifetime: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_origins: Option<Vec<String>>,
}

/// A provider that devices may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AllowedProvider {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

/// Whether records have to be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encryption {
    Required,
    Optional,
}

impl Settings {
    /// Those of a tenant as it is kept.
    pub(crate) fn of(tenant: &Tenant) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&tenant.settings)
    }

    /// The identity provider whose tokens name this issuer.
    pub(crate) fn issued_by(&self, issuer: &str) -> Option<&IdentityProvider> {
        self.identity_providers.iter().find(|provider| provider.issuer == issuer)
    }

    /// What somebody in these groups may do; the most of it where several are mapped.
    pub(crate) fn role(&self, groups: &[&str]) -> Option<Role> {
        let mapped = groups.iter().filter_map(|group| self.groups.get(*group));
        mapped.max_by_key(|role| role.rank()).or(self.default_role.as_ref()).map(|role| role.0)
    }

    /// The id of the provider that a token names as its issuer.
    pub(crate) fn signer(&self, token: &str) -> Option<String> {
        let issuer = Jwt::parse(token).ok()?.claimed_issuer()?;
        self.issued_by(&issuer).map(|provider| provider.id.clone())
    }

    /// When a sign-in of this moment is over; none: never.
    pub(crate) fn end_of(&self, signed_in: Timestamp) -> Option<Timestamp> {
        let lifetime = SignedDuration::from_secs(self.policy.sign_in_lifetime?.into());
        Some(signed_in.checked_add(lifetime).unwrap_or(Timestamp::MAX))
    }

    /// Whether records have to be sealed.
    pub(crate) fn seals(&self) -> bool {
        self.policy.encryption == Some(Encryption::Required)
    }
}

impl GroupRole {
    fn rank(self) -> u8 {
        match self.0 {
            Role::ReadOnly => 0,
            Role::Member => 1,
            Role::Owner => 2,
        }
    }
}

impl TryFrom<String> for GroupRole {
    type Error = NoRole;

    fn try_from(text: String) -> Result<Self, NoRole> {
        text.parse().map(Self)
    }
}

impl From<GroupRole> for &'static str {
    fn from(role: GroupRole) -> Self {
        role.0.as_str()
    }
}
