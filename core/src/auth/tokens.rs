//! The access token for an API: from the environment or the token file, refreshed when it is about to expire or was refused.
//!
//! However many tasks and processes ask, a refresh token is sent once: tasks wait for each other here, processes at the lock, and
//! whoever gets its turn first looks whether another has already brought a new token.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::AuthError;
use super::exchange::{self, Refusal};
use super::logins::{LockedLogins, Room};
use super::section::{Login, Section};
use super::{Auth, EnvToken, discovery, host_of};
use crate::net::{ApiUrl, CredentialError, CredentialSource, Origin, Secret};

/// A token is renewed this long before it expires.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// A token that is refused this soon after it was issued is not worth another refresh.
const NEW: Duration = Duration::from_secs(60);

/// Where the token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// This variable of the environment.
    Environment(&'static str),
    /// The token file.
    File,
}

/// Hands out the access token for one API. Share it between tasks.
pub struct Tokens {
    auth: Auth,
    api: ApiUrl,
    tenant: Option<String>,
    environment: Option<EnvToken>,
    held: Mutex<Option<Held>>,
}

struct Held {
    token: Secret,
    expires_at: Option<Timestamp>,
    /// When this process brought it; such a token is not refreshed before it is refused, whatever the clock says.
    brought: Option<Instant>,
}

impl Auth {
    /// The token for `api`, of a tenant or of none. A token of the environment wins.
    pub fn tokens(&self, api: ApiUrl, tenant: Option<String>, environment: Option<EnvToken>) -> Tokens {
        Tokens { auth: self.clone(), api, tenant, environment, held: Mutex::new(None) }
    }
}

impl Tokens {
    /// The API that the token is for.
    pub fn api(&self) -> &ApiUrl {
        &self.api
    }

    /// Where the token comes from.
    pub fn source(&self) -> TokenSource {
        self.environment
            .as_ref()
            .map_or(TokenSource::File, |token| TokenSource::Environment(token.variable()))
    }

    /// Whether there is a token, as far as this machine knows. Sends nothing.
    pub fn is_signed_in(&self) -> bool {
        self.environment.is_some() || self.auth.login_for(&self.api, self.tenant.as_deref()).is_ok()
    }

    /// A token that has not expired; refreshes it first if it is about to.
    pub async fn current(&self) -> Result<Secret, AuthError> {
        if let Some(token) = &self.environment {
            return Ok(token.token().clone());
        }
        let mut held = self.held.lock().await;
        if let Some(held) =
            held.as_ref().filter(|held| held.brought.is_some() || self.is_fresh(held.expires_at))
        {
            return Ok(held.token.clone());
        }
        let (_, login) = self.auth.login_for(&self.api, self.tenant.as_deref())?;
        if self.is_fresh(login.expires_at)
            && let Some(token) = login.token
        {
            *held = Some(Held { token: token.clone(), expires_at: login.expires_at, brought: None });
            return Ok(token);
        }
        self.renew(&mut held, None).await
    }

    /// A token in the place of one that the API answered with 401.
    pub async fn after_refusal(&self, refused: &Secret) -> Result<Secret, AuthError> {
        let host = || host_of(&self.api.to_string());
        if let Some(token) = &self.environment {
            return Err(AuthError::EnvTokenRefused { host: host(), variable: token.variable() });
        }
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref() {
            if held.token.expose() != refused.expose() {
                return Ok(held.token.clone());
            }
            if held.brought.is_some_and(|at| at.elapsed() < NEW) {
                return Err(AuthError::SignedOut { host: host() });
            }
        }
        self.renew(&mut held, Some(refused)).await
    }

    /// Refreshes, whether or not it is needed.
    pub async fn refresh(&self) -> Result<(), AuthError> {
        let mut held = self.held.lock().await;
        let (_, login) = self.auth.login_for(&self.api, self.tenant.as_deref())?;
        self.renew(&mut held, login.token.as_ref()).await.map(drop)
    }

    fn is_fresh(&self, expires_at: Option<Timestamp>) -> bool {
        expires_at.is_none_or(|at| at.duration_since(self.auth.clock.now()) > MARGIN)
    }

    /// A new token, which another process may have brought meanwhile. `refused` is not good enough.
    async fn renew(&self, held: &mut Option<Held>, refused: Option<&Secret>) -> Result<Secret, AuthError> {
        let mut locked = self.auth.lock().await?;
        let (section, login) = locked.logins.find(&self.api, self.tenant.as_deref())?;
        let refused_this = |token: &Secret| refused.is_some_and(|refused| refused.expose() == token.expose());
        let brought_by_another =
            login.token.clone().filter(|t| !refused_this(t) && self.is_fresh(login.expires_at));
        let (new, brought) = match brought_by_another {
            Some(token) => (Login { token: Some(token), ..login }, None),
            None => (self.auth.refresh(&mut locked, &section, login).await?, Some(Instant::now())),
        };
        let token = new.token.ok_or_else(|| AuthError::SignedOut { host: host_of(&new.issuer) })?;
        *held = Some(Held { token: token.clone(), expires_at: new.expires_at, brought });
        Ok(token)
    }
}

/// The name that a plugin knows the login by.
const NAME: &str = "login";

impl CredentialSource for Tokens {
    fn is_signed_in(&self, name: &str, audience: &Origin) -> bool {
        name == NAME && audience == self.api.origin() && Self::is_signed_in(self)
    }

    fn token<'a>(
        &'a self,
        name: &'a str,
        audience: &'a Origin,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        Box::pin(async move {
            if !self.is_meant(name, audience)? {
                return Ok(None);
            }
            self.current().await.map(Some).map_err(CredentialError::from_diagnostic)
        })
    }

    fn refresh_after_401<'a>(
        &'a self,
        name: &'a str,
        audience: &'a Origin,
        refused: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        Box::pin(async move {
            if !self.is_meant(name, audience)? {
                return Ok(None);
            }
            self.after_refusal(refused).await.map(Some).map_err(CredentialError::from_diagnostic)
        })
    }
}

impl Tokens {
    /// Whether this is the credential that is asked for; for another origin it is never handed out.
    fn is_meant(&self, name: &str, audience: &Origin) -> Result<bool, CredentialError> {
        if name != NAME {
            return Ok(false);
        }
        if audience != self.api.origin() {
            let (there, here) = (self.api.origin().authority(), audience.authority());
            return Err(CredentialError::from_diagnostic(AuthError::OtherOrigin { there, here }));
        }
        Ok(true)
    }
}

impl Auth {
    /// Spends the refresh token of a login and keeps its successor.
    async fn refresh(
        &self,
        locked: &mut LockedLogins,
        section: &Section,
        login: Login,
    ) -> Result<Login, AuthError> {
        let host = || host_of(&login.issuer);
        let refresh_token =
            login.refresh_token.as_ref().ok_or_else(|| AuthError::NotRefreshable { host: host() })?;
        let issuer = ApiUrl::parse(&login.issuer).map_err(|error| AuthError::Metadata {
            issuer: login.issuer.clone(),
            reason: error.to_string(),
        })?;
        let metadata = discovery::discover(&self.http, &issuer).await?;

        let room = locked.make_room()?;
        let interrupted = locked.lock.interrupted(refresh_token);
        locked.lock.begin(refresh_token, self.clock.now()).map_err(|source| locked.unwritable(source))?;
        tracing::debug!(target: "orkee::cloud::auth", %section, "refreshing the token");
        match exchange::refresh(&self.http, &metadata, refresh_token).await {
            Ok(granted) => {
                let new = Login {
                    expires_at: granted.expires_at(self.clock.now()),
                    refresh_token: granted.refresh_token.or_else(|| login.refresh_token.clone()),
                    token: Some(granted.token),
                    ..login
                };
                locked.logins.document.put(section, &new);
                locked.write(room)?;
                // The mark names a token that is gone: left behind, it would do no harm.
                let _ = locked.lock.finish();
                tracing::info!(target: "orkee::cloud::auth", %section, "refreshed the token");
                Ok(new)
            }
            Err(Refusal::Grant(_)) => {
                self.sign_out(locked, room, section, &login)?;
                Err(match interrupted {
                    Some(at) => AuthError::Interrupted { at },
                    None => AuthError::SignedOut { host: host() },
                })
            }
            // Whether the token was spent is unknown: it stays, and so does the mark.
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// Drops the tokens that the server calls invalid; who was signed in, and where, stays. Tokens that somebody put into the file
    /// meanwhile, without the lock, stay too.
    fn sign_out(
        &self,
        locked: &mut LockedLogins,
        room: Room,
        section: &Section,
        spent: &Login,
    ) -> Result<(), AuthError> {
        locked.logins = self.read()?;
        let document = &mut locked.logins.document;
        let Some(now) = document.login(section) else {
            return Ok(());
        };
        let same = now.refresh_token.as_ref().map(Secret::expose)
            == spent.refresh_token.as_ref().map(Secret::expose);
        if same {
            document.put(section, &Login { token: None, expires_at: None, refresh_token: None, ..now });
            locked.write(room)?;
            tracing::warn!(target: "orkee::cloud::auth", %section, "the server no longer takes the refresh token");
        }
        let _ = locked.lock.finish();
        Ok(())
    }
}
