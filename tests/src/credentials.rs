//! What a provider under test is signed in with.

use std::future::Future;
use std::pin::Pin;

use orkee_core::net::{CredentialError, CredentialSource, Origin, Secret};

/// A token that is always there.
pub struct Bearer(Secret);

impl Bearer {
    /// This one.
    pub fn new(token: &str) -> Self {
        Self(Secret::new(token))
    }
}

type Later<'a> = Pin<Box<dyn Future<Output = Result<Option<Secret>, CredentialError>> + Send + 'a>>;

impl CredentialSource for Bearer {
    fn is_signed_in(&self, _: &str, _: &Origin) -> bool {
        true
    }

    fn token<'a>(&'a self, _: &'a str, _: &'a Origin) -> Later<'a> {
        Box::pin(async { Ok(Some(self.0.clone())) })
    }

    fn refresh_after_401<'a>(&'a self, _: &'a str, _: &'a Origin, _: &'a Secret) -> Later<'a> {
        Box::pin(async { Ok(None) })
    }
}
