//! Sign-ins at a company's identity provider, and what of an account only they change.

use jiff::Timestamp;

use super::{Account, AccountKey, DeviceName, Identity, Result, Tenant, TenantKey, TokenPair};
use crate::secret::SecretHash;

/// Somebody signed in elsewhere, and is given tokens.
#[derive(Debug)]
pub(crate) struct NewSignIn<'a> {
    pub(crate) account: AccountKey,
    pub(crate) device: &'a DeviceName,
    pub(crate) tokens: TokenPair,
    /// When.
    pub(crate) at: Timestamp,
    /// The identity provider's token that says so.
    pub(crate) proof: SecretHash,
    /// When the proof is good no longer.
    pub(crate) proof_expires: Timestamp,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// The tokens are good, and this is their grant's id.
    Granted(String),
    /// The proof was exchanged before.
    Spent,
    /// The account is disabled.
    Disabled,
}

/// Sign-ins of tenants' people.
pub(crate) trait SignIns {
    /// Keeps a sign-in and its tokens, once for each proof.
    fn sign_in(&self, sign_in: &NewSignIn<'_>, now: Timestamp) -> Result<SignedIn>;
    /// Whether a proof was exchanged.
    fn is_spent(&self, proof: SecretHash) -> Result<bool>;
    /// Whose refresh token it is, and when they signed in elsewhere for it.
    fn signed_in(&self, refresh: SecretHash) -> Result<Option<(Account, Option<Timestamp>)>>;
    /// Revokes all grants of an account.
    fn end_grants(&self, account: AccountKey, now: Timestamp) -> Result<()>;
    /// Tokens of identity providers issued to an account before this are no longer good.
    fn set_tokens_since(&self, account: AccountKey, since: Timestamp) -> Result<()>;
    /// Since when they are good; none: always.
    fn tokens_since(&self, account: AccountKey) -> Result<Option<Timestamp>>;
    /// When the newest token of an identity provider was issued by which the account was judged; none: it never was.
    fn judged_at(&self, account: AccountKey) -> Result<Option<Timestamp>>;
    /// The account was judged by a token issued then. A newer one stays the newest.
    fn set_judged_at(&self, account: AccountKey, issued: Timestamp) -> Result<()>;
    /// Gives an account another address; [`super::StorageError::AccountExists`] where its tenant has one for it.
    fn set_email(&self, account: AccountKey, email: &str) -> Result<()>;
    /// Forgets who an account is at identity providers: whoever signs in with its address next is its owner.
    fn forget_identities(&self, account: AccountKey) -> Result<()>;
    /// Gives an account that is nobody at any identity provider to an identity, by its address. None: there is no such.
    fn adopt(&self, identity: Identity<'_>, email: &str) -> Result<Option<Account>>;
    /// The tenant of a key.
    fn tenant_by_key(&self, tenant: TenantKey) -> Result<Option<Tenant>>;
    /// The accounts of a tenant, by address.
    fn tenant_accounts(&self, tenant: TenantKey) -> Result<Vec<Account>>;
}
