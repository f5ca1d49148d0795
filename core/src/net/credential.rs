//! Where credentials come from. Sign-in implements it; the plugin host asks it and attaches what it gets.

use std::error::Error as StdError;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use thiserror::Error;

use super::origin::Origin;
use super::proof::ProofKey;
use super::secret::Secret;
use crate::diagnostic::{Diagnostic, Kind};

/// The name of the credential that the host's own sign-in makes.
pub const LOGIN: &str = "login";

/// Hands out secrets for the origin that they belong to. An implementation checks the origin itself: a secret that is asked
/// for with another origin than its own is an error, never an answer.
pub trait CredentialSource: Send + Sync {
    /// Whether there is a secret of this name for this origin. Sends nothing.
    fn is_signed_in(&self, name: &str, audience: &Origin) -> bool;

    /// The secret, fresh enough to be used; None: not signed in. May refresh.
    fn token<'a>(
        &'a self,
        name: &'a str,
        audience: &'a Origin,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>>;

    /// The key that a secret is bound to: every request with the secret needs a proof of it. None: whoever has the secret may use
    /// it.
    fn bound_to<'a>(
        &'a self,
        _name: &'a str,
        _audience: &'a Origin,
        _secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Arc<ProofKey>>, CredentialError>> {
        Box::pin(async { Ok(None) })
    }

    /// The command by which a person signs in anew for the secret of this name. None where it came from elsewhere.
    fn sign_in_command(&self, _name: &str) -> Option<String> {
        Some("orkee cloud login".to_owned())
    }

    /// Whether that command takes `--sso`: people sign in through an identity provider of their tenant.
    fn offers_single_sign_on(&self, _name: &str) -> bool {
        false
    }

    /// Called when the origin answered 401 to `refused`. Another secret to try once; None: there is no other.
    fn refresh_after_401<'a>(
        &'a self,
        name: &'a str,
        audience: &'a Origin,
        refused: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>>;
}

/// A secret could not be had.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct CredentialError {
    /// Stable, of the underlying error.
    pub code: &'static str,
    /// `Auth`, `Network`, `Timeout`, …
    pub kind: Kind,
    /// In a sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// What caused it.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl CredentialError {
    /// Takes over what an error says of itself, with its causes.
    pub fn from_diagnostic(error: impl Diagnostic + Send + Sync + 'static) -> Self {
        let (code, kind, hint) = (error.code(), error.kind(), error.hint());
        Self { code, kind, message: error.to_string(), hint, source: Some(Box::new(error)) }
    }
}

impl Diagnostic for CredentialError {
    fn code(&self) -> &'static str {
        self.code
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

/// Nobody is signed in.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCredentials;

impl CredentialSource for NoCredentials {
    fn is_signed_in(&self, _: &str, _: &Origin) -> bool {
        false
    }

    fn token<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        Box::pin(async { Ok(None) })
    }

    fn refresh_after_401<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        Box::pin(async { Ok(None) })
    }
}
