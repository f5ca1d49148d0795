//! Spending a refresh token.
//!
//! Before it is sent, its successor has room on disk and the lock file has its mark; afterwards the successor is durable before it is
//! used. The server's word `invalid_grant` alone ends a login: a failure on the way, or of the server, leaves it as it is.

use super::client::Client;
use super::error::AuthError;
use super::exchange::{self, Granted, Refusal};
use super::logins::{LockedLogins, Room};
use super::section::{Login, Section};
use super::under_way::UnderWay;
use super::{Auth, discovery, host_of};
use crate::net::{ApiUrl, Secret};
use crate::store::{AuditAction, AuditOutcome};

/// What became of a refresh.
pub(super) enum Refreshed {
    /// New tokens, kept.
    New { token: Secret },
    /// The refresh token was spent, but the token file has another by now.
    Changed,
}

impl Auth {
    /// Spends the refresh token of a login and keeps its successor. The audit trail is told how that ended.
    pub(super) async fn refresh(
        &self,
        locked: &mut LockedLogins,
        section: &Section,
        login: Login,
    ) -> Result<Refreshed, AuthError> {
        // With nothing to send, nothing begins.
        if login.refresh_token.is_none() {
            return Err(AuthError::NotRefreshable { host: host_of(&login.issuer) });
        }
        let client = Client::of(login.client_id.as_deref());
        let mut under_way = None;
        let ended = self.spend(locked, section, &login, &client, &mut under_way).await;
        // Not before the new token is safe: nothing may come between it and the file.
        let noted = match &ended {
            Ok(Refreshed::New { .. }) => Some((AuditOutcome::Done, None)),
            Ok(Refreshed::Changed) => None,
            Err(error @ (AuthError::SignedOut { .. } | AuthError::Interrupted { .. })) => {
                Some((AuditOutcome::Denied, Some(error)))
            }
            Err(error) => Some((AuditOutcome::Failed, Some(error))),
        };
        if let Some(noted) = noted {
            self.note(AuditAction::Refresh, (section, &login), noted, Some(client.request_id));
        }
        drop(under_way);
        ended
    }

    async fn spend(
        &self,
        locked: &mut LockedLogins,
        section: &Section,
        login: &Login,
        client: &Client,
        under_way: &mut Option<UnderWay>,
    ) -> Result<Refreshed, AuthError> {
        let host = || host_of(&login.issuer);
        let refresh_token =
            login.refresh_token.as_ref().ok_or_else(|| AuthError::NotRefreshable { host: host() })?;
        let issuer = ApiUrl::parse(&login.issuer).map_err(|error| AuthError::Metadata {
            issuer: login.issuer.clone(),
            reason: error.to_string(),
        })?;
        let key = self.key_of(login)?;
        let metadata = discovery::discover(&self.http, &issuer, client, login.standard()).await?;
        let metadata = discovery::Metadata { key, ..metadata };

        let room = locked.make_room()?;
        let interrupted = locked.lock.interrupted(refresh_token);
        locked.lock.begin(refresh_token, self.clock.now()).map_err(|source| locked.unwritable(source))?;
        tracing::debug!(target: "orkee::cloud::auth", %section, "refreshing the token");
        *under_way = Some(UnderWay::begin());
        match exchange::refresh(&self.http, &metadata, refresh_token).await {
            Ok(granted) => self.keep(locked, room, section, login.clone(), granted),
            Err(Refusal::Grant(_)) => {
                if self.sign_out(locked, room, section, login)? {
                    return Ok(Refreshed::Changed);
                }
                Err(match interrupted {
                    Some(at) => AuthError::Interrupted { at },
                    None => AuthError::SignedOut { host: host() },
                })
            }
            // Whether the token was spent is unknown: it stays, and so does the mark.
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    fn keep(
        &self,
        locked: &mut LockedLogins,
        room: Room,
        section: &Section,
        old: Login,
        granted: Granted,
    ) -> Result<Refreshed, AuthError> {
        let now = self.clock.now();
        let expires_at = granted.expires_at(now);
        let Granted { token, refresh_token, bound, .. } = granted;
        // The key stays, whatever the access token is: the refresh token may still be good with a proof alone (RFC 9449, 5).
        let bearer = old.bound_to.is_some() && !bound;
        let is_spent = refresh_token.is_some();
        let refresh_token = refresh_token.or(old.refresh_token);
        let new = Login { token: Some(token.clone()), expires_at, refresh_token, bearer, ..old };
        locked.logins.document.put(section, &new);
        locked.logins.document.note_issue(section, now);
        locked.write(room).map_err(|error| match error {
            AuthError::Unwritable { path, source } if is_spent => AuthError::NotKept { path, source },
            AuthError::Keyring(source) if is_spent => AuthError::NotKeptInKeyring(source),
            error => error,
        })?;
        // The mark names a token that is gone: left behind, it would do no harm.
        let _ = locked.lock.finish();
        tracing::info!(target: "orkee::cloud::auth", %section, "refreshed the token");
        self.compare_clocks(&new.issuer);
        Ok(Refreshed::New { token })
    }

    /// Drops the tokens that the server calls invalid; who was signed in, and where, stays. True: somebody has put other tokens
    /// into the file meanwhile, without the lock, and these stay, too.
    fn sign_out(
        &self,
        locked: &mut LockedLogins,
        room: Room,
        section: &Section,
        spent: &Login,
    ) -> Result<bool, AuthError> {
        locked.logins = self.read()?;
        let Some(now) = locked.logins.login(section)? else { return Ok(false) };
        let refresh_token = |login: &Login| login.refresh_token.as_ref().map(|t| t.expose().to_owned());
        if refresh_token(&now) != refresh_token(spent) {
            let _ = locked.lock.finish();
            return Ok(now.refresh_token.is_some());
        }
        let ended = Login {
            token: None,
            expires_at: None,
            refresh_token: None,
            bound_to: None,
            bearer: false,
            ..now
        };
        locked.logins.document.put(section, &ended);
        locked.write(room)?;
        locked.forget_key(spent.bound_to.as_deref());
        // Not before: a kill in between would leave the spent token without its mark.
        let _ = locked.lock.finish();
        tracing::warn!(target: "orkee::cloud::auth", %section, "the server no longer takes the refresh token");
        Ok(false)
    }
}
