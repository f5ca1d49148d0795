//! Tenants: companies whose people sign in at identity providers of their own. What a tenant's settings say is for those
//! who read them; here they are text.

use jiff::Timestamp;

use super::{Account, Result, Team};

/// A tenant's key inside the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TenantKey(pub(crate) i64);

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub(crate) key: TenantKey,
    pub(crate) name: String,
    /// JSON.
    pub(crate) settings: String,
    /// Its shared projects are this team's.
    pub(crate) team: Team,
}

/// Who somebody is at an identity provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) tenant: TenantKey,
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
}

/// Tenants, and the accounts of those who sign in at their identity providers.
pub(crate) trait Tenants {
    /// Makes a tenant, with a team of the same name, or gives the one there is other settings;
    /// [`super::StorageError::TeamExists`] where the team is another's.
    fn set_tenant(&self, name: &str, settings: &str, now: Timestamp) -> Result<Tenant>;
    /// The tenant of a name.
    fn tenant(&self, name: &str) -> Result<Option<Tenant>>;
    /// All tenants, by name.
    fn tenants(&self) -> Result<Vec<Tenant>>;
    /// Removes a tenant with its accounts, its team, and all their records. Whether there was one.
    fn remove_tenant(&self, name: &str) -> Result<bool>;
    /// The account of a tenant by its address.
    fn tenant_account(&self, tenant: TenantKey, email: &str) -> Result<Option<Account>>;
    /// The account of an identity.
    fn account_by_identity(&self, identity: Identity<'_>) -> Result<Option<Account>>;
    /// Makes an account without a password for an identity that has none;
    /// [`super::StorageError::AccountExists`] where the tenant has one for the address.
    fn create_identity_account(
        &self,
        identity: Identity<'_>,
        email: &str,
        plan: &str,
        now: Timestamp,
    ) -> Result<Account>;
}
