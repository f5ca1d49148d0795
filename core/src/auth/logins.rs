//! The logins of a home folder: read without the lock, changed under it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::document::{Document, Unreadable};
use super::error::AuthError;
use super::file::{Folder, Prepared};
use super::keyring::{Named, Reserved, Secrets, Vault};
use super::lock::Lock;
use super::purpose::Purpose;
use super::section::{Account, Login, Section};
use super::{Auth, Notice, host_of};
use crate::home::Home;

const FILE: &str = "auth.toml";
/// How often a file is read again whose entry of the keyring went while it was looked up.
const TRIES: usize = 20;

/// What the token file held when it was read.
pub(super) struct Logins {
    pub(super) folder: Folder,
    pub(super) document: Document,
    path: PathBuf,
    vault: Vault,
    /// The entries of the keyring that the file names.
    named: Vec<Named>,
}

/// The same, while no other process changes it.
pub(super) struct LockedLogins {
    pub(super) logins: Logins,
    pub(super) lock: Lock,
    path: PathBuf,
}

/// A new token file that has its room on disk.
pub(super) struct Room(Prepared, Reserved);

impl Auth {
    /// The login for a purpose, as it stands in the token file. Asks no server.
    pub fn login_for(&self, purpose: &Purpose) -> Result<(Section, Login), AuthError> {
        self.read()?.find(purpose, self.clock.now()).map_err(|error| purpose.told(error))
    }

    /// The command that renews the sign-in for a purpose in the section in which it is.
    pub(super) fn sign_in_command(&self, purpose: &Purpose) -> String {
        const COMMAND: &str = "orkee cloud login";
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        match self.login_for(purpose) {
            Ok((Section::Environment(name), _)) if plain(&name) => format!("{COMMAND} --env {name}"),
            _ => COMMAND.to_owned(),
        }
    }

    /// Every section of the token file that is a login.
    pub fn sections(&self) -> Result<Vec<Section>, AuthError> {
        let document = self.read()?.document;
        Ok(document.sections().into_iter().filter(|section| document.login(section).is_some()).collect())
    }

    /// Keeps whose login it is, as the server just said.
    pub async fn remember_account(&self, section: &Section, account: Account) -> Result<(), AuthError> {
        let mut logins = self.lock().await?;
        let Some(mut login) = logins.logins.login(section)? else {
            return Ok(());
        };
        if login.account.as_ref() == Some(&account) {
            return Ok(());
        }
        let room = logins.make_room()?;
        login.account = Some(account);
        logins.logins.document.put(section, &login);
        logins.write(room)
    }

    /// Sets a token file that cannot be read aside, as `auth.toml.bad`.
    pub async fn set_aside(&self) -> Result<(), AuthError> {
        let folder = self.folder()?;
        let _lock = self.acquire(&folder).await?;
        folder.set_aside().map_err(|source| AuthError::Unwritable { path: self.root.join(FILE), source })
    }

    /// Looks whether the token file is one that may be used; the permissions that let others read it, if they do. Tells no notice.
    pub fn examine(&self) -> Result<Option<u32>, AuthError> {
        let path = || self.root.join(FILE);
        let content = self.folder()?.read().map_err(|source| AuthError::File { path: path(), source })?;
        let Some(content) = content else { return Ok(None) };
        Document::parse(&content.text).map_err(|Unreadable { line, column }| AuthError::Unreadable {
            path: path(),
            line,
            column,
        })?;
        Ok(content.readable_by_others)
    }

    /// Makes the token file 0600.
    pub fn make_private(&self) -> Result<(), AuthError> {
        let made = self.folder()?.make_private();
        made.map_err(|source| AuthError::File { path: self.root.join(FILE), source })
    }

    pub(super) fn read(&self) -> Result<Logins, AuthError> {
        self.read_in(self.folder()?)
    }

    pub(super) async fn lock(&self) -> Result<LockedLogins, AuthError> {
        let folder = self.folder()?;
        let lock = self.acquire(&folder).await?;
        Ok(LockedLogins { logins: self.read_in(folder)?, lock, path: self.root.join(FILE) })
    }

    async fn acquire(&self, folder: &Folder) -> Result<Lock, AuthError> {
        let notices = |notice| (self.notices)(notice);
        Lock::acquire(folder, &notices).await.map_err(|error| error.at(&self.root))
    }

    fn folder(&self) -> Result<Folder, AuthError> {
        Folder::open(&self.root).map_err(|source| AuthError::File { path: self.root.clone(), source })
    }

    fn read_in(&self, folder: Folder) -> Result<Logins, AuthError> {
        let (logins, readable_by_others) = self.logins_in(folder)?;
        if let Some(mode) = readable_by_others {
            (self.notices)(Notice::ReadableByOthers { path: logins.path.clone(), mode });
        }
        Ok(logins)
    }

    /// The same, for who tells of the permissions in another way.
    pub(super) fn read_quietly(&self) -> Result<Logins, AuthError> {
        Ok(self.logins_in(self.folder()?)?.0)
    }

    fn logins_in(&self, folder: Folder) -> Result<(Logins, Option<u32>), AuthError> {
        let path = self.root.join(FILE);
        let (document, readable_by_others) = parsed(&folder, &path)?;
        let named = document.named();
        Ok((Logins { folder, document, path, vault: self.vault.clone(), named }, readable_by_others))
    }

    /// Whether the secrets of a section are in the keyring. Does not ask it.
    pub fn is_in_keyring(&self, section: &Section) -> bool {
        let content = self.folder().ok().and_then(|folder| folder.read().ok()).flatten();
        let document = content.and_then(|content| Document::parse(&content.text).ok());
        document.is_some_and(|document| document.entry(section).is_some())
    }
}

/// Whether the token file of this home folder holds any sign-in. What it is for, whether it holds still, and what a keyring has of it
/// is not asked.
pub fn has_login(home: &Home) -> bool {
    let Ok(folder) = Folder::open(home.root()) else { return false };
    parsed(&folder, &home.auth()).is_ok_and(|(document, _)| {
        let has_token = |section| document.login(section).is_some_and(|login| login.token.is_some());
        document.sections().iter().any(|section| has_token(section) || document.entry(section).is_some())
    })
}

/// What the token file holds, and the permissions that let others read it, if they do.
fn parsed(folder: &Folder, path: &Path) -> Result<(Document, Option<u32>), AuthError> {
    let path = || path.to_owned();
    let content = folder.read().map_err(|source| AuthError::File { path: path(), source })?;
    let Some(content) = content else { return Ok((Document::new(), None)) };
    let document = Document::parse(&content.text)
        .map_err(|Unreadable { line, column }| AuthError::Unreadable { path: path(), line, column })?;
    Ok((document, content.readable_by_others))
}

impl Logins {
    /// The login of a section, with its secrets, for which the keyring is asked where they are there. One whose entry is gone
    /// has come to its end.
    pub(super) fn login(&mut self, section: &Section) -> Result<Option<Login>, AuthError> {
        for _ in 0..TRIES {
            let Some(name) = self.document.entry(section) else { break };
            let secrets = match self.vault.read(&name).map_err(AuthError::InKeyring)? {
                Some(secrets) => secrets,
                None => {
                    // Another process may have put a new entry in its place since the file was read.
                    let (document, _) = parsed(&self.folder, &self.path)?;
                    if document.entry(section).as_ref() != Some(&name) {
                        (self.named, self.document) = (document.named(), document);
                        continue;
                    }
                    Secrets::default()
                }
            };
            self.document.drop_entry(section);
            self.document.give(section, &secrets);
        }
        Ok(self.document.login(section))
    }

    /// The login for this purpose. One for another origin, provider or issuer is none, nor is one that has come to its end. Of
    /// those that are in the keyring only one for this API is looked at.
    pub(super) fn find(&mut self, purpose: &Purpose, now: Timestamp) -> Result<(Section, Login), AuthError> {
        let (mut unreadable, mut ended, mut refused) = (None, None, None);
        for section in self.document.sections().into_iter().filter(|section| purpose.is_about(section)) {
            let Some(login) = self.document.login(&section) else {
                continue;
            };
            if !purpose.is_there(&login) {
                let (there, here) = (host_of(&login.api), purpose.host());
                let has_token = login.token.is_some() || self.document.entry(&section).is_some();
                refused = refused.or(has_token.then_some(AuthError::OtherOrigin { there, here }));
                continue;
            }
            let login = match self.login(&section) {
                Ok(Some(login)) if purpose.is_there(&login) => login,
                Ok(_) => continue,
                Err(error) => {
                    unreadable = unreadable.or(Some(error));
                    continue;
                }
            };
            if login.token.is_none() {
                ended = ended.or(Some(AuthError::SignedOut { host: host_of(&login.issuer) }));
                continue;
            }
            if !purpose.is_served_by(&login) {
                let (host, provider) = (purpose.host(), login.provider.clone());
                refused = refused.or(Some(AuthError::OtherPurpose { host, method: login.method, provider }));
                continue;
            }
            purpose.check_end(&login, now)?;
            return Ok((section, login));
        }
        Err(unreadable
            .or(ended)
            .or(refused)
            .unwrap_or_else(|| AuthError::NotSignedIn { host: purpose.host() }))
    }

    /// The first section for this purpose's API, whatever is left of its login and whoever may use it.
    pub(super) fn about(&self, purpose: &Purpose) -> Option<Section> {
        let sections = self.document.sections().into_iter().filter(|section| purpose.is_about(section));
        sections
            .into_iter()
            .find(|section| self.document.login(section).is_some_and(|l| purpose.is_there(&l)))
    }
}

impl LockedLogins {
    /// Makes room for a new token file, before anything is sent that could not be kept.
    pub(super) fn make_room(&self) -> Result<Room, AuthError> {
        let bytes = self.logins.document.to_text().len();
        let prepared = Prepared::new(&self.logins.folder, bytes).map_err(|source| self.unwritable(source))?;
        Ok(Room(prepared, self.logins.vault.reserve()?))
    }

    /// Puts the document in the place of the old file.
    pub(super) fn write(&mut self, room: Room) -> Result<(), AuthError> {
        let Logins { document, vault, named, .. } = &self.logins;
        let mut written = document.clone();
        let (kept, stale) = vault.keep(&mut written, named, room.1)?;
        room.0.commit(&written.to_text()).map_err(|source| self.unwritable(source))?;
        self.logins.vault.forget(&stale);
        self.logins.named = kept;
        Ok(())
    }

    /// Removes the token file.
    pub(super) fn delete(&self) -> Result<(), AuthError> {
        self.logins.folder.remove().map_err(|source| self.unwritable(source))?;
        let named = self.logins.named.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
        self.logins.vault.forget(&named);
        Ok(())
    }

    pub(super) fn unwritable(&self, source: std::io::Error) -> AuthError {
        AuthError::Unwritable { path: self.path.clone(), source }
    }
}
