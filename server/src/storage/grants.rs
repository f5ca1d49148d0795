//! Grants: devices and API tokens that were let in, and the codes and tokens by which they prove it.

use jiff::Timestamp;

use super::{Account, AccountKey, Result};
use crate::dpop::Thumbprint;
use crate::secret::SecretHash;

/// What stands before a provider's name, where its token is all that there is.
pub(crate) const OF_PROVIDER: &str = "idp:";

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: Account,
    /// The grant's id and name.
    pub(crate) grant: String,
    pub(crate) device: String,
    /// The key that the grant is bound to.
    pub(crate) key: Option<Thumbprint>,
    /// Somebody signed in for it: it has refresh tokens, other than an API token.
    pub(crate) is_sign_in: bool,
    /// When they signed in at their company's identity provider, if that is where.
    pub(crate) signed_in_at: Option<Timestamp>,
    /// What their tenant asks of requests; filled in where a request is judged.
    pub(crate) rules: Rules,
}

impl Caller {
    /// The id of the grant of this server's by which they ask. None: they ask by a token of their identity provider's.
    pub(crate) fn own_grant(&self) -> Option<&str> {
        (!self.grant.starts_with(OF_PROVIDER)).then_some(&self.grant)
    }
}

/// What a tenant asks of its people's requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The tenant's name.
    pub(crate) tenant: Option<String>,
    /// Only sealed records are taken.
    pub(crate) seals: bool,
}

/// What a device calls itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeviceName {
    pub(crate) name: Option<String>,
    pub(crate) platform: Option<String>,
}

/// Who asked for a code, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) redirect_uri: String,
}

/// An authorization code.
#[derive(Debug)]
pub(crate) struct NewCode<'a> {
    pub(crate) hash: SecretHash,
    pub(crate) account: AccountKey,
    pub(crate) client: &'a Client,
    /// S256 of the verifier, base64url.
    pub(crate) challenge: &'a str,
    pub(crate) device: &'a DeviceName,
    pub(crate) expires: Timestamp,
}

/// A pair of tokens to be kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenPair {
    pub(crate) access: SecretHash,
    pub(crate) access_expires: Timestamp,
    pub(crate) refresh: SecretHash,
    pub(crate) refresh_expires: Timestamp,
    /// What the grant is bound to.
    pub(crate) key: Option<Thumbprint>,
}

/// A code, brought to be redeemed.
#[derive(Debug)]
pub(crate) struct Redemption<'a> {
    pub(crate) code: SecretHash,
    pub(crate) client: &'a Client,
    pub(crate) challenge: &'a str,
    /// Goes before what the code was asked with.
    pub(crate) device: &'a DeviceName,
    pub(crate) tokens: TokenPair,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// The tokens are good.
    Granted,
    /// There is no such code, it has expired, or client, redirect or verifier are not those it was made for. It is spent.
    Refused,
    /// It was redeemed before; what it was redeemed for is revoked.
    Replayed,
}

/// What came of a refresh.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rotated {
    /// The new tokens are good, the old refresh token is spent.
    Granted,
    /// There is no such token, or it has expired.
    Refused,
    /// It was spent before; the whole grant is revoked.
    Reused,
}

/// A grant without a refresh token, for scripts.
#[derive(Debug)]
pub(crate) struct NewGrant<'a> {
    pub(crate) account: AccountKey,
    pub(crate) name: &'a str,
    pub(crate) access: SecretHash,
    pub(crate) expires: Option<Timestamp>,
}

/// A grant, for its owner to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) platform: Option<String>,
    pub(crate) last_seen: Option<Timestamp>,
}

/// Grants, codes and tokens.
pub(crate) trait Grants {
    /// Keeps a code, unless the account is disabled, possibly a moment ago. Whether it is kept.
    fn create_code(&self, code: &NewCode<'_>) -> Result<bool>;
    /// Redeems a code, once.
    fn redeem_code(&self, redemption: &Redemption<'_>, now: Timestamp) -> Result<Redeemed>;
    /// Spends a refresh token for a new pair.
    fn rotate(&self, refresh: SecretHash, tokens: TokenPair, now: Timestamp) -> Result<Rotated>;
    /// The key that the grant of a refresh token is bound to, if it is bound. None: there is no such token, or it has expired.
    fn bound_to(&self, refresh: SecretHash, now: Timestamp) -> Result<Option<Option<Thumbprint>>>;
    /// Makes a grant for a script.
    fn create_grant(&self, grant: &NewGrant<'_>, now: Timestamp) -> Result<()>;
    /// Revokes a token; a refresh token, or the last one of a grant, takes the grant along. Whether there was such a token.
    fn revoke_token(&self, token: SecretHash, now: Timestamp) -> Result<bool>;
    /// Revokes a grant of an account. Whether there was one.
    fn revoke_grant(&self, account: AccountKey, id: &str, now: Timestamp) -> Result<bool>;
    /// Who brings an access token, unless the account is disabled, and notes that they were seen.
    fn caller(&self, access: SecretHash, now: Timestamp) -> Result<Option<Caller>>;
    /// Whether an account is still one that may ask, and, where it asks by a grant of this server's, whether that is still good.
    fn is_good(&self, account: AccountKey, grant: Option<&str>, now: Timestamp) -> Result<bool>;
    /// The grants of an account, newest first.
    fn devices(&self, account: AccountKey, now: Timestamp) -> Result<Vec<Device>>;
}
