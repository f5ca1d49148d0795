//! The access token for an API: from the environment or the token file, refreshed when it is about to expire or was refused.
//!
//! However many tasks and processes ask, a refresh token is sent once: tasks wait for each other here, processes at the lock, and
//! whoever gets its turn first looks whether another has already brought a new token.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::AuthError;
use super::logins::Logins;
use super::method::Method;
use super::purpose::Purpose;
use super::refresh::Refreshed;
use super::section::{Login, Section};
use super::{Auth, EnvToken};
use crate::net::{ApiUrl, CredentialError, CredentialSource, LOGIN, Origin, ProofKey, Secret};

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

/// Hands out the access token, or the secret in its place, for one purpose. Share it between tasks.
pub struct Tokens {
    auth: Auth,
    purpose: Purpose,
    environment: Option<EnvToken>,
    held: Mutex<Option<Held>>,
    /// The last token that was asked about, and the key that it is bound to.
    bound: Mutex<Option<(Secret, Option<Arc<ProofKey>>)>>,
}

struct Held {
    token: Secret,
    good: Good,
    /// When the tenant wants a new sign-in.
    ends_at: Option<Timestamp>,
    /// When this process brought it; such a token is not refreshed before it is refused, whatever the clock says.
    brought: Option<Instant>,
}

/// The time in which a token is good by this machine's clock, which may be wrong: the server's 401 has the last word.
#[derive(Default)]
struct Good {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Good {
    fn of(logins: &Logins, section: &Section, login: &Login) -> Self {
        // Without another token to be had, this one is used as long as it may be good.
        let can_doubt = login.refresh_token.is_some() && login.expires_at.is_some();
        let from = can_doubt.then(|| logins.document.issued_at(section)).flatten();
        Self { from, until: login.expires_at }
    }

    /// A clock that stands before the token came was put back, and says nothing of when the token ends.
    fn holds(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from.duration_since(now) <= MARGIN)
            && self.until.is_none_or(|until| until.duration_since(now) > MARGIN)
    }
}

impl Auth {
    /// The token for a purpose. A token of the environment wins.
    pub fn tokens(&self, purpose: Purpose, environment: Option<EnvToken>) -> Tokens {
        Tokens { auth: self.clone(), purpose, environment, held: Mutex::new(None), bound: Mutex::new(None) }
    }
}

impl Tokens {
    /// The API that the token is for.
    pub fn api(&self) -> &ApiUrl {
        &self.purpose.api
    }

    /// Where the token comes from.
    pub fn source(&self) -> TokenSource {
        self.environment
            .as_ref()
            .map_or(TokenSource::File, |token| TokenSource::Environment(token.variable()))
    }

    /// Whether there is a token, as far as this machine knows. Sends nothing.
    pub fn is_signed_in(&self) -> bool {
        self.environment.is_some() || self.auth.login_for(&self.purpose).is_ok()
    }

    /// Whether the token is bound to a key of this device, as far as this machine knows: it is of use with a proof alone.
    pub fn is_bound(&self) -> bool {
        let bound = || self.auth.login_for(&self.purpose).is_ok_and(|(_, login)| login.is_sent_bound());
        self.environment.is_none() && bound()
    }

    /// A token that has not expired; refreshes it first if it is about to.
    pub async fn current(&self) -> Result<Secret, AuthError> {
        if let Some(token) = &self.environment {
            return Ok(token.token().clone());
        }
        let mut held = self.held.lock().await;
        let is_good = |held: &&Held| {
            let goes_on = held.ends_at.is_none_or(|end| self.auth.clock.now() < end);
            goes_on && (held.brought.is_some() || self.is_good(&held.good))
        };
        if let Some(held) = held.as_ref().filter(is_good) {
            return Ok(held.token.clone());
        }
        let mut logins = self.auth.read()?;
        let (section, login) =
            logins.find(&self.purpose, self.auth.clock.now()).map_err(|error| self.purpose.told(error))?;
        let ends_at = self.purpose.end_of(&login);
        let good = Good::of(&logins, &section, &login);
        if self.is_good(&good)
            && let Some(token) = login.token
        {
            *held = Some(Held { token: token.clone(), good, ends_at, brought: None });
            return Ok(token);
        }
        self.renew(&mut held, None).await
    }

    /// A token in the place of one that the API answered with 401.
    pub async fn after_refusal(&self, refused: &Secret) -> Result<Secret, AuthError> {
        let host = || self.purpose.api.origin().authority();
        if let Some(token) = &self.environment {
            return Err(token.refused(host()));
        }
        if self.purpose.method != Method::Oauth {
            return self.another(refused);
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

    /// In the place of a secret that no server can renew: the one that the person has put in its place meanwhile.
    fn another(&self, refused: &Secret) -> Result<Secret, AuthError> {
        let (_, login) = self.auth.login_for(&self.purpose)?;
        match login.token.filter(|token| token.expose() != refused.expose()) {
            Some(token) => Ok(token),
            None => Err(AuthError::SecretRefused {
                host: self.purpose.host(),
                what: self.purpose.method.describe(refused.expose()),
            }),
        }
    }

    /// Refreshes, whether or not it is needed.
    pub async fn refresh(&self) -> Result<(), AuthError> {
        if self.purpose.method != Method::Oauth {
            return Err(AuthError::NotRefreshable { host: self.purpose.host() });
        }
        let mut held = self.held.lock().await;
        let (_, login) = self.auth.login_for(&self.purpose)?;
        self.renew(&mut held, login.token.as_ref()).await.map(drop).map_err(|error| self.purpose.told(error))
    }

    /// The key that a token of the file is bound to.
    async fn key_of(&self, token: &Secret) -> Result<Option<Arc<ProofKey>>, AuthError> {
        let mut bound = self.bound.lock().await;
        if let Some((_, key)) = bound.as_ref().filter(|(known, _)| known.expose() == token.expose()) {
            return Ok(key.clone());
        }
        let (_, login) = self.auth.login_for(&self.purpose)?;
        let key = if login.is_sent_bound() { self.auth.key_of(&login)? } else { None };
        *bound = Some((token.clone(), key.clone()));
        Ok(key)
    }

    fn is_good(&self, good: &Good) -> bool {
        good.holds(self.auth.clock.now())
    }

    /// A new token, which another process may have brought meanwhile. `refused` is not good enough.
    async fn renew(&self, held: &mut Option<Held>, refused: Option<&Secret>) -> Result<Secret, AuthError> {
        let mut locked = self.auth.lock().await?;
        // The second turn is for a file that somebody changed, without the lock, while the server was asked.
        for _ in 0..2 {
            let (section, login) = locked.logins.find(&self.purpose, self.auth.clock.now())?;
            let ends_at = self.purpose.end_of(&login);
            let good = Good::of(&locked.logins, &section, &login);
            if let Some(token) = self.brought_by_another(&login, &good, refused) {
                *held = Some(Held { token: token.clone(), good, ends_at, brought: None });
                return Ok(token);
            }
            if let Refreshed::New { token } = self.auth.refresh(&mut locked, &section, login).await? {
                let brought = Some(Instant::now());
                *held = Some(Held { token: token.clone(), good: Good::default(), ends_at, brought });
                return Ok(token);
            }
        }
        Err(AuthError::SignedOut { host: self.purpose.api.origin().authority() })
    }

    fn brought_by_another(&self, login: &Login, good: &Good, refused: Option<&Secret>) -> Option<Secret> {
        let token = login.token.clone().filter(|_| self.is_good(good))?;
        refused.is_none_or(|refused| refused.expose() != token.expose()).then_some(token)
    }
}

impl CredentialSource for Tokens {
    fn is_signed_in(&self, name: &str, audience: &Origin) -> bool {
        name == LOGIN && audience == self.purpose.api.origin() && Self::is_signed_in(self)
    }

    fn sign_in_command(&self, _: &str) -> Option<String> {
        match &self.environment {
            Some(_) => None,
            None => Some(self.auth.sign_in_command(&self.purpose)),
        }
    }

    fn offers_single_sign_on(&self, _: &str) -> bool {
        self.environment.is_none() && self.purpose.sso
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
            self.current()
                .await
                .map(Some)
                .map_err(|error| CredentialError::from_diagnostic(self.purpose.told(error)))
        })
    }

    fn bound_to<'a>(
        &'a self,
        name: &'a str,
        audience: &'a Origin,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Arc<ProofKey>>, CredentialError>> {
        Box::pin(async move {
            if !self.is_meant(name, audience)? || self.environment.is_some() {
                return Ok(None);
            }
            self.key_of(secret).await.map_err(CredentialError::from_diagnostic)
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
            self.after_refusal(refused)
                .await
                .map(Some)
                .map_err(|error| CredentialError::from_diagnostic(self.purpose.told(error)))
        })
    }
}

impl Tokens {
    /// Whether this is the credential that is asked for; for another origin it is never handed out.
    fn is_meant(&self, name: &str, audience: &Origin) -> Result<bool, CredentialError> {
        if name != LOGIN {
            return Ok(false);
        }
        if audience != self.purpose.api.origin() {
            let (there, here) = (self.purpose.api.origin().authority(), audience.authority());
            return Err(CredentialError::from_diagnostic(AuthError::OtherOrigin { there, here }));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a41_a_clock_that_was_put_back_says_nothing_of_a_token() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let good = Good { from: Some(at("2025-01-01T10:00:00Z")), until: Some(at("2025-01-01T11:00:00Z")) };
        for (now, holds) in [
            ("2025-01-01T08:00:00Z", false),
            ("2025-01-01T09:58:59Z", false),
            ("2025-01-01T09:59:30Z", true),
            ("2025-01-01T10:30:00Z", true),
            ("2025-01-01T10:59:00Z", false),
            ("2025-01-01T13:00:00Z", false),
        ] {
            assert_eq!(good.holds(at(now)), holds, "{now}");
        }
        assert!(Good::default().holds(at("2025-01-01T08:00:00Z")));
    }
}
