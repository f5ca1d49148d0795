//! Whose a token of the environment is: asked once, then known by the token's digest.
//!
//! Such a token says nothing of its account, and a store must not be synced with another account unnoticed. What is kept here is no
//! secret and may be deleted at any time.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Auth, EnvToken};
use crate::file;
use crate::net::{ApiUrl, Secret};

/// More than that many tokens, and the file begins anew.
const MAX_TOKENS: usize = 100;

impl Auth {
    /// Whose token it is, if that was asked before.
    pub fn account_of_token(&self, api: &ApiUrl, token: &EnvToken) -> Option<String> {
        self.known_tokens().remove(&digest(api, token.token()))
    }

    /// Keeps whose token it is. A disk that will not take it only means that it is asked again.
    pub fn remember_account_of_token(&self, api: &ApiUrl, token: &EnvToken, account: &str) {
        let mut known = self.known_tokens();
        if known.len() >= MAX_TOKENS {
            known.clear();
        }
        known.insert(digest(api, token.token()), account.to_owned());
        let path = self.token_accounts();
        let kept = serde_json::to_vec(&known).map_err(std::io::Error::from).and_then(|json| {
            path.parent().map_or(Ok(()), file::private_folder)?;
            file::replace(&path, &json)
        });
        if let Err(error) = kept {
            tracing::debug!(target: "orkee::cloud::auth", %error, "cannot keep whose token it is");
        }
    }

    fn known_tokens(&self) -> BTreeMap<String, String> {
        fs::read(self.token_accounts())
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default()
    }

    fn token_accounts(&self) -> PathBuf {
        self.root.join("cache").join("token-accounts.json")
    }
}

fn digest(api: &ApiUrl, token: &Secret) -> String {
    let digest =
        Sha256::new().chain_update(api.to_string()).chain_update([0]).chain_update(token.expose()).finalize();
    URL_SAFE_NO_PAD.encode(digest)
}
