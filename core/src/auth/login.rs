//! Signing in: the browser is sent to the server, and what it brings back is traded for tokens.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::RedirectUrl;
use tokio::sync::{mpsc, oneshot};

use super::attempt::{Attempt, Verdict};
use super::client::Client;
use super::discovery::{self, Metadata, Standard};
use super::error::AuthError;
use super::exchange::{self, Device, Granted, Refusal};
use super::listener::{Bound, Listener};
use super::logins::{LockedLogins, Room};
use super::method::Method;
use super::pages::Page;
use super::purpose::Purpose;
use super::section::{Login, Section};
use super::tenant::{IdentityProvider, Sso, TokenUse};
use super::{Auth, EnvToken, endpoint};
use crate::net::{ApiUrl, Secret};

/// Where the browser is sent if nothing can listen: nothing answers there, and the person pastes the address.
const NO_LISTENER: &str = "http://127.0.0.1:1/callback";

/// What to sign in to, and how.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// The API that the tokens are for.
    pub api: ApiUrl,
    /// The authorization server.
    pub issuer: ApiUrl,
    /// Who this program is to it.
    pub client: Client,
    /// Where the login is kept.
    pub section: Section,
    /// The provider that may name it. None: the built-in one for Orkee Cloud.
    pub provider: Option<String>,
    /// The port for the browser's answer; 0: any.
    pub callback_port: u16,
    /// How long to wait for the person.
    pub timeout: Duration,
    /// Without a browser to open, prefer a code that is typed on another device, where the server offers that.
    pub prefers_code: bool,
    /// This device, for the server's list.
    pub device: Device,
    /// The issuer is an identity provider of a tenant's. None: it is the API's own authorization server.
    pub sso: Option<Sso>,
    /// How long the sign-in lasts, whatever its tokens say.
    pub lifetime: Option<Duration>,
}

impl LoginRequest {
    /// The same through an identity provider: the person is sent there.
    #[must_use]
    pub fn through(self, sso: Sso) -> Self {
        let provider = &sso.identity_provider;
        let (id, scopes) = (provider.client_id.clone(), provider.scopes.clone());
        let client = Client { id, scopes, ..self.client };
        Self { issuer: provider.issuer.clone(), client, sso: Some(sso), ..self }
    }

    pub(super) fn identity_provider(&self) -> Option<&IdentityProvider> {
        self.sso.as_ref().map(|sso| &sso.identity_provider)
    }

    pub(super) fn standard(&self) -> Standard {
        if self.sso.is_some() { Standard::OpenId } else { Standard::Oauth }
    }

    /// What the server is told beside the code, or when a code is asked for. A device is the matter of the API's own server alone.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        match self.identity_provider() {
            Some(provider) => provider.audience_parameters(),
            None => self.device.parameters(),
        }
    }

    /// Who renews the tokens that are kept, and who this program is to it.
    fn renewed_by(&self) -> (String, Option<String>) {
        match &self.sso {
            Some(sso) if sso.identity_provider.token == TokenUse::Exchange => {
                (sso.exchange_at.to_string(), None)
            }
            _ => (self.issuer.to_string(), self.client.unusual_id()),
        }
    }
}

/// Opens a URL in a browser; may block.
pub type Opener = Box<dyn FnOnce(&str) -> std::io::Result<()> + Send>;

/// The person.
pub struct LoginUi<'a> {
    /// Is told what happens.
    pub events: &'a (dyn Fn(LoginEvent) + Sync),
    /// None: the person is shown the URL alone.
    pub opener: Option<Opener>,
    /// Lines that the person types. None: nobody can type.
    pub pasted: Option<mpsc::Receiver<String>>,
}

/// What happens during a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginEvent {
    /// The person is to visit this URL. It holds no token.
    Visit {
        /// The server's host.
        host: String,
        /// The address.
        url: String,
        /// A browser is being opened there.
        opening: bool,
        /// The person may paste the answer.
        can_paste: bool,
    },
    /// The person is to type a code elsewhere.
    TypeCode {
        /// The server's host.
        host: String,
        /// Where.
        address: String,
        /// The same with the code in it, where the server offers it.
        complete: Option<String>,
        /// The code.
        code: String,
    },
    /// No browser could be opened.
    NoBrowser,
    /// Nothing can listen for the answer here: it has to be pasted.
    NoListener,
    /// Something that is not the answer came to the listener.
    Ignored(&'static str),
    /// Something that is not the answer was pasted.
    PasteRefused(&'static str),
}

impl Auth {
    /// Signs in through a browser. Dropping the future ends the attempt and leaves nothing behind.
    pub async fn login(&self, request: LoginRequest, ui: LoginUi<'_>) -> Result<Login, AuthError> {
        // A token file that could not be written is told before the person goes through all this.
        self.read()?;
        let exchange = self.exchange_server(&request).await?;
        let (issuer, client, standard) = (&request.issuer, &request.client, request.standard());
        let metadata = discovery::discover(&self.http, issuer, client, standard).await?;
        let metadata = metadata.with_new_key_for(&request);
        let LoginUi { events, opener, mut pasted } = ui;
        if request.prefers_code && opener.is_none() && metadata.device.is_some() {
            return self.with_code(&request, &metadata, exchange.as_ref(), events).await;
        }
        let bound = bind(request.callback_port, pasted.is_some(), events).await?;
        let redirect = bound.as_ref().map_or_else(|| NO_LISTENER.to_owned(), Bound::redirect_uri);
        let redirect = RedirectUrl::new(redirect).map_err(|_| AuthError::Metadata {
            issuer: metadata.issuer.clone(),
            reason: "no redirect address".to_owned(),
        })?;
        let Attempt { url, redirect, verifier, nonce, judge } =
            Attempt::new(&metadata, redirect, request.identity_provider());
        let judge = Arc::new(judge);
        let mut listener = bound.map(|bound| bound.serve(Arc::clone(&judge)));

        events(LoginEvent::Visit {
            host: endpoint::host(&metadata.authorization),
            url: url.to_string(),
            opening: opener.is_some(),
            can_paste: pasted.is_some(),
        });
        let browser = opener.map(|opener| launch(opener, url.to_string()));
        let waiting = Waiting { listener: listener.as_mut(), pasted: pasted.as_mut(), judge: &judge, events };
        let answer = match tokio::time::timeout(request.timeout, waiting.for_answer(browser)).await {
            Ok(answer) => answer?,
            Err(_) => {
                return Err(AuthError::TimedOut { after: request.timeout });
            }
        };

        let result = match answer.verdict {
            Ok(code) => {
                let proof = Proof { code, verifier, redirect, nonce };
                self.redeem(&request, &metadata, exchange.as_ref(), proof).await
            }
            Err(error) => Err(error),
        };
        if let Some(listener) = listener.filter(|_| answer.from_browser) {
            listener
                .show(result.as_ref().map_or_else(|error| Page::failed(error), |_| Page::signed_in()))
                .await;
        }
        result
    }

    /// Keeps a token, or what stands in its place, that was made elsewhere. It is used until the server refuses it.
    pub async fn login_with_token(
        &self,
        purpose: &Purpose,
        section: &Section,
        token: &EnvToken,
    ) -> Result<(), AuthError> {
        let login = Login {
            method: purpose.method,
            provider: purpose.provider.clone(),
            client_id: None,
            api: purpose.api.to_string(),
            issuer: purpose.issuer.as_ref().unwrap_or(&purpose.api).to_string(),
            token: Some(token.token().clone()),
            expires_at: None,
            refresh_token: None,
            account: None,
            bound_to: None,
            bearer: false,
            identity_provider: None,
            signed_in_at: purpose.sign_in_lifetime.map(|_| self.clock.now()),
            ends_at: purpose.sign_in_lifetime.and_then(|lifetime| self.end_of(lifetime)),
        };
        let mut locked = self.lock().await?;
        let room = locked.make_room()?;
        let former = locked.logins.document.login(section).and_then(|login| login.bound_to);
        locked.logins.document.drop_entry(section);
        locked.logins.document.forget_account(section);
        locked.logins.document.put(section, &login);
        locked.write(room)?;
        locked.forget_key(former.as_deref());
        Ok(())
    }

    /// Trades the code for tokens and keeps them, the room for them being made before.
    async fn redeem(
        &self,
        request: &LoginRequest,
        metadata: &Metadata,
        exchange: Option<&Metadata>,
        proof: Proof,
    ) -> Result<Login, AuthError> {
        let locked = self.lock().await?;
        let room = locked.make_room()?;
        let Proof { code, verifier, redirect, nonce } = proof;
        let more = request.parameters();
        let granted = exchange::redeem_code(&self.http, metadata, &code, verifier, &redirect, &more).await;
        let granted = granted.map_err(|refusal| match refusal {
            Refusal::Grant(description) => {
                AuthError::CodeRefused { host: endpoint::host(&metadata.token), description }
            }
            Refusal::Failed(error) => error,
        })?;
        let granted = self.for_the_api(request, metadata, exchange, granted, nonce.as_ref()).await?;
        self.store(locked, room, request, exchange.unwrap_or(metadata), granted)
    }

    /// Keeps what a server granted.
    pub(super) async fn keep_login(
        &self,
        request: &LoginRequest,
        metadata: &Metadata,
        exchange: Option<&Metadata>,
        granted: Granted,
    ) -> Result<Login, AuthError> {
        let locked = self.lock().await?;
        let room = locked.make_room()?;
        let granted = self.for_the_api(request, metadata, exchange, granted, None).await?;
        self.store(locked, room, request, exchange.unwrap_or(metadata), granted)
    }

    /// When what begins now and lasts so long ends.
    fn end_of(&self, lifetime: Duration) -> Option<Timestamp> {
        self.clock.now().checked_add(lifetime).ok()
    }

    fn store(
        &self,
        mut locked: LockedLogins,
        room: Room,
        request: &LoginRequest,
        metadata: &Metadata,
        granted: Granted,
    ) -> Result<Login, AuthError> {
        let (issuer, client_id) = request.renewed_by();
        let lasts = request.sso.is_some() || request.lifetime.is_some();
        let key = metadata.key.as_ref().filter(|_| granted.bound);
        if let Some(key) = key {
            locked.keep_key(key)?;
        }
        let now = self.clock.now();
        let login = Login {
            method: Method::Oauth,
            provider: request.provider.clone(),
            client_id,
            api: request.api.to_string(),
            issuer,
            expires_at: granted.expires_at(now),
            token: Some(granted.token),
            refresh_token: granted.refresh_token,
            account: None,
            bound_to: key.map(|key| key.thumbprint().to_owned()),
            bearer: false,
            identity_provider: request.identity_provider().map(|provider| provider.id.clone()),
            signed_in_at: lasts.then(|| self.clock.now()),
            ends_at: request.lifetime.and_then(|lifetime| self.end_of(lifetime)),
        };
        let document = &mut locked.logins.document;
        let former = document.login(&request.section).and_then(|login| login.bound_to);
        document.drop_entry(&request.section);
        document.forget_account(&request.section);
        document.put(&request.section, &login);
        document.note_issue(&request.section, now);
        if let Err(error) = locked.write(room) {
            locked.forget_key(login.bound_to.as_deref());
            return Err(error);
        }
        locked.forget_key(former.as_deref());
        tracing::info!(target: "orkee::cloud::auth", section = %request.section, issuer = %metadata.issuer, "signed in");
        self.compare_clocks(&login.issuer);
        Ok(login)
    }
}

/// What proves to the token endpoint, and to us, that the answer belongs to the attempt.
struct Proof {
    code: Secret,
    verifier: oauth2::PkceCodeVerifier,
    redirect: RedirectUrl,
    nonce: Option<Secret>,
}

/// Binds the port. Where none can be had at all, a person who can paste does without.
async fn bind(
    port: u16,
    can_paste: bool,
    events: &(dyn Fn(LoginEvent) + Sync),
) -> Result<Option<Bound>, AuthError> {
    match Bound::new(port).await {
        Ok(bound) => Ok(Some(bound)),
        Err(error) if port == 0 && can_paste => {
            tracing::debug!(target: "orkee::cloud::auth", %error, "nothing can listen on loopback");
            events(LoginEvent::NoListener);
            Ok(None)
        }
        Err(error) if port == 0 => Err(AuthError::NoListener(error)),
        Err(source) => Err(AuthError::Port { port, source }),
    }
}

/// Opens the browser beside the waiting; the receiver yields if that failed.
fn launch(opener: Opener, url: String) -> oneshot::Receiver<std::io::Error> {
    let (failed, receiver) = oneshot::channel();
    // Not a task of the runtime: a browser in the terminal may run for long, and nobody waits for it at the end.
    std::thread::spawn(move || {
        if let Err(error) = opener(&url) {
            let _ = failed.send(error);
        }
    });
    receiver
}

/// The answer to the attempt, and which way it came.
struct Answer {
    verdict: Result<Secret, AuthError>,
    from_browser: bool,
}

struct Waiting<'a> {
    listener: Option<&'a mut Listener>,
    pasted: Option<&'a mut mpsc::Receiver<String>>,
    judge: &'a super::attempt::Judge,
    events: &'a (dyn Fn(LoginEvent) + Sync),
}

impl Waiting<'_> {
    /// Waits on the listener, the person and the browser's start at the same time.
    async fn for_answer(
        mut self,
        mut browser: Option<oneshot::Receiver<std::io::Error>>,
    ) -> Result<Answer, AuthError> {
        loop {
            tokio::select! {
                verdict = next_callback(&mut self.listener) => {
                    match verdict {
                        Verdict::Ignored(reason) => (self.events)(LoginEvent::Ignored(reason)),
                        Verdict::Code(code) => return Ok(Answer { verdict: Ok(code), from_browser: true }),
                        Verdict::Failed(error) => return Ok(Answer { verdict: Err(error), from_browser: true }),
                    }
                }
                line = next_line(&mut self.pasted) => {
                    let Some(line) = line else {
                        // The person closed the input; the browser may still bring the answer.
                        self.pasted = None;
                        continue;
                    };
                    let verdict = match self.judge.judge_pasted(&line) {
                        Verdict::Ignored(reason) => {
                            (self.events)(LoginEvent::PasteRefused(reason));
                            continue;
                        }
                        Verdict::Code(code) => Ok(code),
                        Verdict::Failed(error) => Err(error),
                    };
                    if let Some(listener) = &self.listener {
                        listener.close_to_answers();
                    }
                    return Ok(Answer { verdict, from_browser: false });
                }
                error = failure(&mut browser) => {
                    browser = None;
                    let Some(error) = error else { continue };
                    tracing::debug!(target: "orkee::cloud::auth", %error, "no browser could be opened");
                    if self.pasted.is_none() {
                        return Err(AuthError::NobodyThere);
                    }
                    (self.events)(LoginEvent::NoBrowser);
                }
            }
        }
    }
}

async fn next_callback(listener: &mut Option<&mut Listener>) -> Verdict {
    match listener {
        Some(listener) => listener.next().await,
        None => std::future::pending().await,
    }
}

async fn next_line(pasted: &mut Option<&mut mpsc::Receiver<String>>) -> Option<String> {
    match pasted {
        Some(pasted) => pasted.recv().await,
        None => std::future::pending().await,
    }
}

/// The reason why no browser was opened; None once one was.
async fn failure(browser: &mut Option<oneshot::Receiver<std::io::Error>>) -> Option<std::io::Error> {
    match browser {
        Some(receiver) => receiver.await.ok(),
        None => std::future::pending().await,
    }
}
