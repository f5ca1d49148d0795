//! Accounts: who may sign in.

use jiff::Timestamp;

use super::{Result, SpaceKey, TenantKey};

/// An account's key inside the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AccountKey(pub(crate) i64);

/// An account, as others may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) key: AccountKey,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) plan: String,
    /// Its own.
    pub(crate) space: SpaceKey,
    /// None: Orkee Cloud's own.
    pub(crate) tenant: Option<TenantKey>,
    /// It may not sign in, and nothing that it brings is good.
    pub(crate) disabled: bool,
}

/// An account to be made.
#[derive(Debug)]
pub(crate) struct NewAccount<'a> {
    /// Trimmed and in lower case.
    pub(crate) email: &'a str,
    /// A PHC string; none: it signs in elsewhere.
    pub(crate) password: Option<&'a str>,
    pub(crate) plan: &'a str,
}

/// Accounts and the sessions of people at the sign-in pages.
pub(crate) trait Accounts {
    /// Makes an account; [`super::StorageError::AccountExists`] where there is one for the address.
    fn create_account(&self, new: &NewAccount<'_>, now: Timestamp) -> Result<Account>;
    /// The account of an address among those of no tenant, with its password's PHC string.
    fn account_by_email(&self, email: &str) -> Result<Option<(Account, Option<String>)>>;
    /// Disables an account, and ends its sessions, codes and grants; or enables it again.
    fn set_disabled(&self, account: AccountKey, disabled: Option<Timestamp>) -> Result<()>;
    /// Remembers that a browser is signed in.
    fn create_session(
        &self,
        hash: crate::secret::SecretHash,
        account: AccountKey,
        expires: Timestamp,
    ) -> Result<()>;
    /// Whose session it is, while it lasts and the account is not disabled.
    fn session(&self, hash: crate::secret::SecretHash, now: Timestamp) -> Result<Option<Account>>;
    /// Ends a session.
    fn end_session(&self, hash: crate::secret::SecretHash) -> Result<()>;
}
