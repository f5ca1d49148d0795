//! Logins whose tokens are bound to a key (DPoP), and the files of those keys: one a login, named after the key, beside the token
//! file. It is there before the token file names it, and goes when no login does any more.

use std::path::PathBuf;
use std::sync::Arc;

use super::discovery::Metadata;
use super::error::AuthError;
use super::file::Folder;
use super::login::LoginRequest;
use super::logins::LockedLogins;
use super::section::Login;
use super::{Auth, Notice, host_of};
use crate::net::{ApiUrl, ProofKey};

/// Characters of a thumbprint.
const THUMBPRINT_LEN: usize = 43;

impl Metadata {
    /// With a new key, where the server binds tokens to one. Where the API is somebody else's, nobody says that it knows proofs.
    pub(super) fn with_new_key_for(mut self, request: &LoginRequest) -> Self {
        let is_the_apis =
            ApiUrl::parse(&self.issuer).is_ok_and(|issuer| issuer.origin() == request.api.origin());
        if self.binds && is_the_apis {
            self.key = ProofKey::generate().map(Arc::new);
        }
        self
    }
}

impl Auth {
    /// The key that a login's tokens are bound to.
    pub(super) fn key_of(&self, login: &Login) -> Result<Option<Arc<ProofKey>>, AuthError> {
        let Some(thumbprint) = &login.bound_to else { return Ok(None) };
        let missing = || AuthError::NoKey { host: host_of(&login.issuer) };
        let name = file_name(thumbprint).ok_or_else(missing)?;
        let path = self.root.join(&name);
        let open = |path: &PathBuf| Folder::open(path).and_then(|folder| folder.read_named(&name));
        let content = open(&self.root).map_err(|source| AuthError::File { path: path.clone(), source })?;
        let content = content.ok_or_else(missing)?;
        if let Some(mode) = content.readable_by_others {
            (self.notices)(Notice::ReadableByOthers { path, mode });
        }
        let key = ProofKey::from_pem(&content.text).filter(|key| key.thumbprint() == thumbprint);
        key.map(Arc::new).map(Some).ok_or_else(missing)
    }
}

impl LockedLogins {
    /// Keeps a key, before a login says that it is bound to it.
    pub(super) fn keep_key(&self, key: &ProofKey) -> Result<(), AuthError> {
        let Some(name) = file_name(key.thumbprint()) else { return Ok(()) };
        let kept = self.logins.folder.write_new(&name, key.to_pem().expose());
        kept.map_err(|source| self.unwritable(source))
    }

    /// Removes the key of a login that is no more. Left behind it would prove nothing: the tokens are gone.
    pub(super) fn forget_key(&self, thumbprint: Option<&str>) {
        if let Some(name) = thumbprint.and_then(file_name)
            && let Err(error) = self.logins.folder.remove_named(&name)
        {
            tracing::warn!(target: "orkee::cloud::auth", %error, "cannot remove the key of a former sign-in");
        }
    }
}

/// The file of a key. None: it is no thumbprint, and could be the name of anything.
fn file_name(thumbprint: &str) -> Option<String> {
    let is_one = thumbprint.len() == THUMBPRINT_LEN
        && thumbprint.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_one.then(|| format!("auth-{thumbprint}.key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a49_only_a_thumbprint_names_a_file() {
        let thumbprint = "a-_".repeat(14) + "b";
        assert_eq!(file_name(&thumbprint).unwrap(), format!("auth-{thumbprint}.key"));
        for bad in ["", "../../../etc/passwd", &thumbprint[1..], &format!("/{}", &thumbprint[1..])] {
            assert_eq!(file_name(bad), None, "{bad}");
        }
    }
}
