//! Logins whose tokens are bound to a key (DPoP), and the files of those keys: one a login, named after the key, beside the token
//! file. It is there before the token file names it, and goes when no login does any more.

use std::collections::HashSet;
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

/// What is wrong with the files of keys, or was.
#[derive(Debug, Default)]
pub struct Keys {
    /// Those that other users can read, and their permissions.
    pub readable: Vec<(PathBuf, u32)>,
    /// Those that no login is bound to.
    pub unnamed: Vec<PathBuf>,
}

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

impl Auth {
    /// Looks at the keys of logins. Tells no notice.
    pub fn examine_keys(&self) -> Result<Keys, AuthError> {
        let logins = self.read_quietly()?;
        let bound_to = |section| logins.document.login(section).and_then(|login| login.bound_to);
        let named: HashSet<String> = logins.document.sections().iter().filter_map(bound_to).collect();
        let at = |name: &str| self.root.join(name);
        let names = logins.folder.names();
        let names = names.map_err(|source| AuthError::File { path: self.root.clone(), source })?;
        let mut keys = Keys::default();
        for name in names {
            let Some(thumbprint) = thumbprint_of(&name) else { continue };
            if !named.contains(thumbprint) {
                keys.unnamed.push(at(&name));
                continue;
            }
            let content = logins.folder.read_named(&name);
            let content = content.map_err(|source| AuthError::File { path: at(&name), source })?;
            keys.readable.extend(content.and_then(|c| c.readable_by_others).map(|mode| (at(&name), mode)));
        }
        Ok(keys)
    }

    /// Makes those keys 0600 that others can read, and removes those that no login is bound to. What there was of both.
    pub async fn mend_keys(&self) -> Result<Keys, AuthError> {
        // A key is there before a login names it, under this lock.
        let locked = self.lock().await?;
        let keys = self.examine_keys()?;
        let named = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let folder = &locked.logins.folder;
        for (path, _) in &keys.readable {
            let made = named(path).map_or(Ok(()), |name| folder.make_private_named(&name));
            made.map_err(|source| AuthError::File { path: path.clone(), source })?;
        }
        for path in &keys.unnamed {
            let removed = named(path).map_or(Ok(()), |name| folder.remove_named(&name));
            removed.map_err(|source| AuthError::Unwritable { path: path.clone(), source })?;
        }
        Ok(keys)
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

/// The key that a file of this name is of. None: it is no such file.
fn thumbprint_of(name: &str) -> Option<&str> {
    let thumbprint = name.strip_prefix("auth-")?.strip_suffix(".key")?;
    file_name(thumbprint).map(|_| thumbprint)
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
