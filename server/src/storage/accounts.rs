//! Accounts: who may sign in.

use jiff::Timestamp;

use super::Result;

/// An account's key inside the storage. Everything that a person owns is found through it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AccountKey(pub(crate) i64);

/// An account, as others may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) key: AccountKey,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) plan: String,
}

/// An account to be made.
#[derive(Debug)]
pub(crate) struct NewAccount<'a> {
    /// Trimmed and in lower case.
    pub(crate) email: &'a str,
    /// A PHC string.
    pub(crate) password: &'a str,
    pub(crate) plan: &'a str,
}

/// Accounts and the sessions of people at the sign-in pages.
pub(crate) trait Accounts {
    /// Makes an account; [`super::StorageError::AccountExists`] where there is one for the address.
    fn create_account(&self, new: &NewAccount<'_>, now: Timestamp) -> Result<Account>;
    /// The account of an address, with its password's PHC string.
    fn account_by_email(&self, email: &str) -> Result<Option<(Account, String)>>;
    /// Remembers that a browser is signed in.
    fn create_session(
        &self,
        hash: crate::secret::SecretHash,
        account: AccountKey,
        expires: Timestamp,
    ) -> Result<()>;
    /// Whose session it is, while it lasts.
    fn session(&self, hash: crate::secret::SecretHash, now: Timestamp) -> Result<Option<Account>>;
    /// Ends a session.
    fn end_session(&self, hash: crate::secret::SecretHash) -> Result<()>;
}
