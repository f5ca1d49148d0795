//! A token of an identity provider, verified: who signed in there, when, and in which groups they are.
//!
//! Two kinds, and neither is taken in the other's place: ID tokens, which are for the client and are exchanged (OpenID Connect
//! Core, 3.1.3.7; the nonce is the client's to check), and access tokens, which are for this API (RFC 9068).

use jiff::{SignedDuration, Timestamp};
use orkee_core::jwt::{Claims, Expected, Jwt, JwtError};
use serde_json::Value;
use thiserror::Error;

use super::issuers::{IssuerError, Issuers};
use super::{IdentityProvider, Settings, TokenUse};
use crate::oauth::email;
use crate::secret::SecretHash;

/// How far clocks may differ.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// Who somebody is, as their identity provider says.
#[derive(Debug)]
pub(crate) struct Proof {
    /// The provider's id.
    pub(crate) provider: String,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// An address that the provider has verified.
    pub(crate) email: Option<String>,
    pub(crate) groups: Vec<String>,
    /// When they signed in.
    pub(crate) signed_in: Timestamp,
    /// When the token was issued, and until when it is taken.
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    /// Tells the token from all others.
    pub(crate) id: SecretHash,
}

/// Why a token proves nothing.
#[derive(Debug, Error)]
pub(crate) enum Unproved {
    /// The tenant does not know who issued it.
    #[error("it is of none of the tenant's identity providers")]
    Stranger,
    /// The provider that issued it is set up otherwise.
    #[error("tokens of this identity provider are not used in this way")]
    OtherUse,
    /// It is bound to a key, and nobody has shown that they have it.
    #[error("it is bound to a key")]
    Bound,
    /// Nobody knows whether its issuer signed it, or they did not.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// Its issuer signed it, and it is not good.
    #[error(transparent)]
    Flawed(JwtError),
}

impl From<JwtError> for Unproved {
    fn from(error: JwtError) -> Self {
        Self::Issuer(error.into())
    }
}

impl Proof {
    /// The groups that the provider names.
    pub(super) fn group_names(&self) -> Vec<&str> {
        self.groups.iter().map(String::as_str).collect()
    }

    /// From an ID token.
    pub(crate) async fn of_id_token(
        issuers: &Issuers,
        settings: &Settings,
        token: &str,
        now: Timestamp,
    ) -> Result<Self, Unproved> {
        let (provider, kind, claims) = verified(issuers, settings, TokenUse::Exchange, token).await?;
        let proof = || {
            if kind.is_some_and(|kind| kind != "jwt") || claims.get("events").is_some() {
                return Err(JwtError::Kind);
            }
            check(&claims, provider, &provider.client_id, now)?;
            claims.check_id_token(&provider.client_id)?;
            Self::new(&claims, provider, token)
        };
        proof().map_err(Unproved::Flawed)
    }

    /// From an access token.
    pub(crate) async fn of_access_token(
        issuers: &Issuers,
        settings: &Settings,
        token: &str,
        now: Timestamp,
    ) -> Result<Self, Unproved> {
        let (provider, kind, claims) = verified(issuers, settings, TokenUse::Direct, token).await?;
        let is_id_token = ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.get(name).is_some());
        if is_id_token || kind.is_some_and(|kind| !["at+jwt", "jwt"].contains(&kind.as_str())) {
            return Err(Unproved::Flawed(JwtError::Kind));
        }
        if claims.get("cnf").is_some() {
            return Err(Unproved::Bound);
        }
        let audience = provider.audience.as_deref().ok_or(Unproved::OtherUse)?;
        let proof = || {
            check(&claims, provider, audience, now)?;
            Self::new(&claims, provider, token)
        };
        proof().map_err(Unproved::Flawed)
    }

    fn new(claims: &Claims, provider: &IdentityProvider, token: &str) -> Result<Self, JwtError> {
        let issued = claims.time("iat")?.ok_or(JwtError::Missing("iat"))?;
        // An ID token's `auth_time` may lie far before it: whoever has a session at the provider is signed in anew there.
        let signed_in = match provider.token {
            TokenUse::Exchange => issued,
            TokenUse::Direct => claims.time("auth_time")?.unwrap_or(issued).min(issued),
        };
        let expires = claims.time("exp")?.ok_or(JwtError::Missing("exp"))?;
        let id = match claims.text("jti") {
            Some(id) => SecretHash::of(&format!("{}\n{id}", provider.issuer)),
            None => SecretHash::of(token),
        };
        Ok(Self {
            provider: provider.id.clone(),
            issuer: provider.issuer.clone(),
            subject: claims.subject()?.to_owned(),
            email: verified_email(claims, provider),
            groups: groups(claims.get(&provider.groups_claim)),
            signed_in,
            issued,
            expires: expires.checked_add(LEEWAY).unwrap_or(Timestamp::MAX),
            id,
        })
    }
}

/// The provider, what the token calls itself, and what it says.
async fn verified<'a>(
    issuers: &Issuers,
    settings: &'a Settings,
    usage: TokenUse,
    token: &str,
) -> Result<(&'a IdentityProvider, Option<String>, Claims), Unproved> {
    let token = Jwt::parse(token)?;
    let issuer = token.claimed_issuer().ok_or(JwtError::Missing("iss"))?;
    let provider = settings.issued_by(&issuer).ok_or(Unproved::Stranger)?;
    if provider.token != usage {
        return Err(Unproved::OtherUse);
    }
    let claims = issuers.verify(&provider.issuer, &token).await?;
    Ok((provider, token.kind(), claims))
}

fn check(
    claims: &Claims,
    provider: &IdentityProvider,
    audience: &str,
    now: Timestamp,
) -> Result<(), JwtError> {
    claims.check(&Expected { issuer: &provider.issuer, audience, now, leeway: LEEWAY })
}

/// Anybody can write somebody else's address into a profile: one that was not verified is nobody's.
fn verified_email(claims: &Claims, provider: &IdentityProvider) -> Option<String> {
    let verified = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(text)) => text == "true",
        Some(_) => false,
        None => provider.trust_email,
    };
    claims.text("email").filter(|_| verified).and_then(email)
}

/// One group or a list of them; what is no text is none.
fn groups(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(group)) => vec![group.clone()],
        Some(Value::Array(groups)) => {
            groups.iter().filter_map(|group| group.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
