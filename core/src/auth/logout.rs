//! Signing out: the server forgets the tokens, then this machine does, whatever the server said.

use std::time::Duration;

use super::client::Client;
use super::error::AuthError;
use super::method::Method;
use super::purpose::Purpose;
use super::section::{Login, Section};
use super::{Auth, discovery, exchange, host_of};
use crate::net::ApiUrl;
use crate::store::{AuditAction, AuditOutcome};

/// The person waits for this, and the tokens go either way.
const SERVER_WITHIN: Duration = Duration::from_secs(10);

/// What became of a login.
#[derive(Debug)]
pub struct LoggedOut {
    /// Which it was.
    pub section: Section,
    /// The issuer's host.
    pub host: String,
    /// Whether the server forgot the tokens too.
    pub revocation: Revocation,
}

/// Whether the server forgot the tokens.
#[derive(Debug)]
pub enum Revocation {
    /// It did.
    Done,
    /// It has no way to be told, or there was nothing left to revoke.
    NotOffered,
    /// No server issued the secret: it is good there until the person changes it.
    NotIssued,
    /// It could not be told: the tokens are good there until they expire.
    Failed(AuthError),
}

impl Auth {
    /// Signs out of a section. None: it was no login.
    pub async fn logout(&self, section: &Section) -> Result<Option<LoggedOut>, AuthError> {
        let mut locked = self.lock().await?;
        // Secrets that cannot be read go all the same; the server cannot be told of them.
        let (login, unread) = match locked.logins.login(section) {
            Err(error @ AuthError::InKeyring(_)) => (locked.logins.document.login(section), Some(error)),
            login => (login?, None),
        };
        let Some(login) = login else {
            return Ok(None);
        };
        let client = Client::of(login.client_id.as_deref());
        locked.logins.document.remove(section);
        // A file that cannot be written is told before the server is: else tokens that are dead would stay in it.
        let room = match locked.logins.document.is_empty() {
            true => None,
            false => Some(locked.make_room()?),
        };
        let revoked = async {
            match unread {
                Some(error) => Revocation::Failed(error),
                None => self.revoke(&login, &client).await,
            }
        };
        let revocation = match tokio::time::timeout(SERVER_WITHIN, revoked).await {
            Ok(revocation) => revocation,
            Err(_) => Revocation::Failed(AuthError::TimedOut { after: SERVER_WITHIN }),
        };
        match room {
            Some(room) => locked.write(room)?,
            None => locked.delete()?,
        }
        locked.forget_key(login.bound_to.as_deref());
        let _ = locked.lock.finish();
        tracing::info!(target: "orkee::cloud::auth", %section, "signed out");
        let (outcome, request_id) = match &revocation {
            Revocation::Done => ((AuditOutcome::Done, None), Some(client.request_id)),
            Revocation::NotOffered | Revocation::NotIssued => ((AuditOutcome::Done, None), None),
            // The server may take the tokens still.
            Revocation::Failed(error) => ((AuditOutcome::Partial, Some(error)), Some(client.request_id)),
        };
        self.note(AuditAction::Logout, (section, &login), outcome, request_id);
        Ok(Some(LoggedOut { section: section.clone(), host: host_of(&login.issuer), revocation }))
    }

    /// The section that is signed in to this API, if any: what `logout` without a name is about.
    pub fn section_for(&self, purpose: &Purpose) -> Result<Option<Section>, AuthError> {
        let mut logins = self.read()?;
        match logins.find(purpose, self.clock.now()) {
            Ok((section, _)) => Ok(Some(section)),
            Err(error) if error.says_that_there_is_none() => Ok(None),
            // What is left of a login that ended, or that another provider needed, is removed, too.
            Err(error) if error.is_absence() => Ok(logins.about(purpose)),
            // What cannot be read can be removed.
            Err(AuthError::InKeyring(_)) => Ok(logins.about(purpose)),
            Err(error) => Err(error),
        }
    }

    /// The refresh token first: with it, a server forgets what was issued from it.
    async fn revoke(&self, login: &Login, client: &Client) -> Revocation {
        if login.method != Method::Oauth {
            return Revocation::NotIssued;
        }
        let tokens = [(&login.refresh_token, "refresh_token"), (&login.token, "access_token")];
        if tokens.iter().all(|(token, _)| token.is_none()) {
            return Revocation::NotOffered;
        }
        let issuer = match ApiUrl::parse(&login.issuer) {
            Ok(issuer) => issuer,
            Err(error) => {
                let reason = error.to_string();
                return Revocation::Failed(AuthError::Metadata { issuer: login.issuer.clone(), reason });
            }
        };
        let metadata = match discovery::discover(&self.http, &issuer, client, login.standard()).await {
            Ok(metadata) => metadata,
            Err(error) => return Revocation::Failed(error),
        };
        let Some(url) = &metadata.revocation else {
            return Revocation::NotOffered;
        };
        let mut outcome = Revocation::Done;
        for (token, hint) in tokens {
            let Some(token) = token else { continue };
            if let Err(error) = exchange::revoke(&self.http, &metadata, url, token, hint).await {
                outcome = Revocation::Failed(error);
            }
        }
        outcome
    }
}
