//! What can go wrong between a tenant, its identity provider and this program. No variant holds a secret, and text that came from
//! elsewhere is stripped of control characters before it gets in here.

use jiff::Timestamp;
use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};

/// The command that signs in through an identity provider.
pub(in crate::auth) const AGAIN: &str = "run `orkee cloud login --sso`";

/// A tenant cannot be used, or not so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TenantError {
    /// What the API says of the tenant makes no sense, or leads elsewhere.
    #[error("the description of the tenant `{tenant}` at {host} cannot be used: {reason}")]
    Unusable {
        /// Which tenant.
        tenant: String,
        /// The API's host.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// Nothing is known here, and nobody may be asked.
    #[error("nothing is known here of the tenant `{tenant}`")]
    NotAsked {
        /// Which tenant.
        tenant: String,
    },
    /// The tenant has no such identity provider.
    #[error("the tenant `{tenant}` has no identity provider `{asked}`")]
    NoSuchIdentityProvider {
        /// Which tenant.
        tenant: String,
        /// Who was named.
        asked: String,
        /// Those that there are.
        there: Vec<String>,
    },
    /// The tenant has several, and nobody said which.
    #[error("the tenant `{tenant}` has several identity providers")]
    WhichIdentityProvider {
        /// Which tenant.
        tenant: String,
        /// Those that there are.
        there: Vec<String>,
    },
    /// The ID token of an identity provider does not prove who signed in.
    #[error("the ID token of {host} cannot be trusted: {reason}")]
    IdToken {
        /// The issuer's host.
        host: String,
        /// Which check it failed.
        reason: String,
    },
    /// The API's authorization server takes no ID tokens.
    #[error("{host} does not exchange the sign-in of an identity provider for its own")]
    NoExchange {
        /// The authorization server's host.
        host: String,
    },
    /// It does not take this one.
    #[error(
        "{host} did not accept the sign-in at {identity_provider} for the tenant `{tenant}`{}",
        tail(description)
    )]
    ExchangeRefused {
        /// The authorization server's host.
        host: String,
        /// Which tenant.
        tenant: String,
        /// Who signed the person in.
        identity_provider: String,
        /// What the server added.
        description: String,
    },
    /// The person is none of the tenant's.
    #[error("this account at {identity_provider} may not use the tenant `{tenant}`{}", tail(description))]
    NoAccess {
        /// Which tenant.
        tenant: String,
        /// Who signed the person in.
        identity_provider: String,
        /// What the server added.
        description: String,
    },
    /// The tenant wants its people to sign in again.
    #[error("the sign-in for the tenant `{tenant}` {}, and its policy wants a new one from time to time", ended(*at))]
    SignInEnded {
        /// Which tenant.
        tenant: String,
        /// When. None: nobody knows when it began.
        at: Option<Timestamp>,
    },
    /// The tenant's policy does not allow a provider.
    #[error("the policy of the tenant `{tenant}` does not allow the provider `{provider}`")]
    ProviderForbidden {
        /// Which tenant.
        tenant: String,
        /// Which provider.
        provider: String,
        /// Those that it allows.
        allowed: Vec<String>,
    },
    /// It allows one of this name, but not these bytes.
    #[error(
        "the policy of the tenant `{tenant}` does not allow this component of the provider `{provider}` (sha256 {sha256})"
    )]
    DigestForbidden {
        /// Which tenant.
        tenant: String,
        /// Which provider.
        provider: String,
        /// What it is.
        sha256: String,
    },
    /// The tenant's policy does not allow an API.
    #[error("the policy of the tenant `{tenant}` does not let its projects go to {place}")]
    OriginForbidden {
        /// Which tenant.
        tenant: String,
        /// Where they would have gone.
        place: String,
        /// Where they may go.
        allowed: Vec<String>,
    },
    /// The tenant wants its projects sealed.
    #[error(
        "the policy of the tenant `{tenant}` requires its projects to be encrypted, and this device has no key for that"
    )]
    EncryptionRequired {
        /// Which tenant.
        tenant: String,
    },
}

fn ended(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "is of an unknown time".to_owned(), |at| format!("ended at {at:.0}"))
}

fn tail(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}

/// Names for a sentence; that there are none is told, too.
fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Diagnostic for TenantError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unusable { .. } => "E-AUTH-030",
            Self::NotAsked { .. } => "E-AUTH-031",
            Self::NoSuchIdentityProvider { .. } => "E-AUTH-032",
            Self::WhichIdentityProvider { .. } => "E-AUTH-033",
            Self::IdToken { .. } => "E-AUTH-034",
            Self::NoExchange { .. } | Self::ExchangeRefused { .. } => "E-AUTH-035",
            Self::NoAccess { .. } => "E-AUTH-036",
            Self::SignInEnded { .. } => "E-AUTH-037",
            Self::ProviderForbidden { .. } => "E-AUTH-040",
            Self::DigestForbidden { .. } => "E-AUTH-041",
            Self::OriginForbidden { .. } => "E-AUTH-042",
            Self::EncryptionRequired { .. } => "E-AUTH-043",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Unusable { .. }
            | Self::IdToken { .. }
            | Self::NoExchange { .. }
            | Self::ExchangeRefused { .. }
            | Self::NoAccess { .. }
            | Self::SignInEnded { .. } => Kind::Auth,
            Self::NotAsked { .. }
            | Self::NoSuchIdentityProvider { .. }
            | Self::WhichIdentityProvider { .. }
            | Self::ProviderForbidden { .. }
            | Self::DigestForbidden { .. }
            | Self::OriginForbidden { .. }
            | Self::EncryptionRequired { .. } => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unusable { .. } => {
                "check ORKEE_CLOUD_API_URL and ORKEE_CLOUD_TENANT; if they are right, tell the tenant's administrator"
                    .to_owned()
            }
            Self::NotAsked { .. } => "run the command without --offline".to_owned(),
            Self::NoSuchIdentityProvider { there, .. } => {
                format!("set ORKEE_CLOUD_SSO_PROVIDER to one of these, or unset it: {}", list(there))
            }
            Self::WhichIdentityProvider { there, .. } => {
                format!("set ORKEE_CLOUD_SSO_PROVIDER to one of these: {}", list(there))
            }
            Self::IdToken { .. } | Self::NoExchange { .. } => {
                "nothing was signed in; tell the tenant's administrator if it stays so".to_owned()
            }
            Self::ExchangeRefused { .. } => format!("{AGAIN} to try again"),
            Self::NoAccess { .. } => {
                "ask the tenant's administrator for access, or sign in there with another account".to_owned()
            }
            Self::SignInEnded { .. } => AGAIN.to_owned(),
            Self::ProviderForbidden { allowed, .. } => format!("it allows: {}", list(allowed)),
            Self::DigestForbidden { .. } => {
                "install the version that the tenant's administrator names".to_owned()
            }
            Self::OriginForbidden { allowed, .. } => format!("it allows: {}", list(allowed)),
            Self::EncryptionRequired { .. } => {
                "nothing was sent, and your changes are kept here: run `orkee cloud key init`, or `orkee cloud key recover` where the account has a key"
                    .to_owned()
            }
        })
    }
}
