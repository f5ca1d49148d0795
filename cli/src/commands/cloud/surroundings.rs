//! What every cloud command begins with: the API, the tenant, the logins, and a runtime that Ctrl-C ends.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use orkee_core::auth::{self, Asking, Auth, EnvToken, Login, Notice, Purpose, SecretStore, Section, Tokens};
use orkee_core::clock::SystemClock;
use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::net::{ApiUrl, Http, HttpOptions};
use orkee_core::plugin::ApiUrlSetBy;
use orkee_core::settings::Key;
use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind};
use tokio::sync::watch;

use super::choice::{Ask, Choice};
use super::ending::Held;
use crate::context::Context;
use crate::failure::Failure;

/// A person who ends the command waits this long at most for a refresh that is under way.
const REFRESH_WITHIN: Duration = Duration::from_secs(5);

/// The cloud, as the settings have it.
pub(super) struct Cloud {
    pub(super) api: ApiUrl,
    pub(super) api_set_by: ApiUrlSetBy,
    pub(super) tenant: Option<String>,
    pub(super) auth: Auth,
    pub(super) http: Http,
    pub(super) choice: Rc<Choice>,
    /// What a sign-in has to be for. None: the provider needs none.
    pub(super) purpose: Option<Purpose>,
    environment: Option<EnvToken>,
    /// The person knows that a token of the environment is in use.
    told_of_token: Cell<bool>,
}

impl Cloud {
    /// Reads the settings and chooses the provider; asks nobody but, now and then, the API whether it knows the tenant. `environment` is what `--env` names.
    pub(super) fn open(cx: &Context, environment: Option<&str>) -> Result<Self, Failure> {
        Self::open_asking(cx, environment, Asking::IfOld)
    }

    /// The same, with a say in whether the API is asked what it knows of the tenant.
    pub(super) fn open_asking(
        cx: &Context,
        environment: Option<&str>,
        asking: Asking,
    ) -> Result<Self, Failure> {
        let (auth, http) = logins(cx)?;
        let settings = cx.settings()?;
        let tenant = settings.tenant()?.value;
        let choice = Choice::of(cx, &tenant, Ask { auth: &auth, asking })?;
        let (api, api_set_by) = choice.api(settings, environment)?;
        choice.check_issuer(settings, &api)?;
        let purpose = choice.purpose(&api);
        let environment = match &purpose {
            Some(purpose) => env_token(cx, &choice, purpose)?,
            None => None,
        };
        let tenant = Some(tenant).filter(|tenant| !tenant.is_empty());
        Ok(Self {
            api,
            api_set_by,
            tenant,
            auth,
            http,
            choice: Rc::new(choice),
            purpose,
            environment,
            told_of_token: Cell::default(),
        })
    }

    /// The token of the environment, if there is one that is for this API and this provider.
    pub(super) fn env_token(&self) -> Option<&EnvToken> {
        self.environment.as_ref()
    }

    /// The same, with a token that was handed in, or, without one, with what the token file holds.
    pub(super) fn with_token(&self, token: Option<EnvToken>) -> Self {
        Self {
            api: self.api.clone(),
            api_set_by: self.api_set_by,
            tenant: self.tenant.clone(),
            auth: self.auth.clone(),
            http: self.http.clone(),
            choice: Rc::clone(&self.choice),
            purpose: self.purpose.clone(),
            environment: token,
            told_of_token: Cell::default(),
        }
    }

    /// The tokens for the API; none where the provider needs none. Says so, once, where they come from the environment.
    pub(super) fn tokens(&self, cx: &Context) -> Option<Tokens> {
        let purpose = self.purpose.clone()?;
        if let Some(token) = self.environment.as_ref().filter(|token| !token.is_given())
            && !self.told_of_token.replace(true)
        {
            cx.out.note(format_args!("using the token of {}", token.variable()));
        }
        Some(self.auth.tokens(purpose, self.environment.clone()))
    }

    /// What a sign-in has to be for, where one is needed.
    pub(super) fn needs_sign_in(&self) -> Result<&Purpose, Failure> {
        let none = || NoSignIn { provider: self.choice.name().to_owned() };
        Ok(self.purpose.as_ref().ok_or_else(none)?)
    }

    /// The login in use.
    pub(super) fn login(&self) -> Result<(Section, Login), Failure> {
        Ok(self.auth.login_for(self.needs_sign_in()?)?)
    }

    /// Whose sign-in is in use, as far as this machine knows: the account, or the section of the token file. Asks nobody.
    pub(super) fn who(&self) -> Option<String> {
        if let Some(token) = self.env_token() {
            let known = self.auth.account_of_token(&self.api, token);
            return known.or_else(|| Some(token.holder().unwrap_or(token.variable()).to_owned()));
        }
        let (section, login) = self.auth.login_for(self.purpose.as_ref()?).ok()?;
        Some(login.who(&section))
    }

    /// Host and port of the API.
    pub(super) fn host(&self) -> String {
        self.api.origin().authority()
    }
}

/// The logins of the home folder, and the clients of this process.
pub(crate) fn logins(cx: &Context) -> Result<(Auth, Http), Failure> {
    auth::protect();
    let http = Http::new(HttpOptions::from_env())?;
    let auth = Auth::new(cx.home()?, http.clone(), Arc::new(SystemClock), notices(cx));
    let store = match cx.settings()?.text(Key::AuthStore)?.map(|setting| setting.value).as_deref() {
        Some("keyring") => SecretStore::Keyring,
        _ => SecretStore::File,
    };
    Ok((auth.keeping_in(store), http))
}

/// The token of the environment. One that is for another server, or for another provider, is left aside, and the person is told.
fn env_token(cx: &Context, choice: &Choice, purpose: &Purpose) -> Result<Option<EnvToken>, Failure> {
    let settings = cx.settings()?;
    let token = settings.text(Key::Token)?.map(|setting| setting.value);
    let file = settings.text(Key::TokenFile)?.map(|setting| setting.value);
    if token.is_none() && file.is_none() {
        return Ok(None);
    }
    if let Some(why) = choice.refuses_env_token(settings, &purpose.api)? {
        let variable = if token.is_some() { EnvToken::VARIABLE } else { EnvToken::FILE_VARIABLE };
        cx.out.warn(format_args!("{variable} is left aside: {why}"));
        return Ok(None);
    }
    Ok(EnvToken::new(purpose.method, token.as_deref(), file.as_ref().map(AsRef::as_ref))?)
}

/// The provider has nothing to sign in to.
#[derive(Debug, Error)]
#[error("the provider `{provider}` needs no sign-in")]
struct NoSignIn {
    provider: String,
}

impl Diagnostic for NoSignIn {
    fn code(&self) -> &'static str {
        "E-AUTH-008"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("go on without: `orkee cloud sync`".to_owned())
    }
}

fn notices(cx: &Context) -> impl Fn(Notice) + Send + Sync + 'static {
    let warn = cx.out.warner();
    let told_of_mode = AtomicBool::new(false);
    move |notice| match notice {
        Notice::ReadableByOthers { path, mode } => {
            if !told_of_mode.swap(true, Ordering::Relaxed) {
                let path = path.display();
                warn(&format!("other users can read {path} (mode {mode:03o}); run `chmod 600 {path}`"));
            }
        }
        Notice::ClockOff { host, ahead } => {
            let side = if ahead.is_positive() { "behind" } else { "ahead of" };
            let by = SignedDuration::from_mins((ahead.as_secs().abs() + 30) / 60);
            warn(&format!(
                "this machine's clock is {by:#} {side} that of {host}; set it right, or sign-ins may seem expired"
            ));
        }
        Notice::WaitingForLock { pid: Some(pid) } => {
            warn(&format!("waiting for process {pid}, which changes the sign-in"))
        }
        Notice::Unrecorded { reason } => warn(&format!("not written into the audit trail: {reason}")),
        Notice::WaitingForLock { pid: None } => {
            warn("waiting for another process, which changes the sign-in")
        }
    }
}

/// The command was ended from outside.
#[derive(Debug, Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

impl Diagnostic for Interrupted {
    fn code(&self) -> &'static str {
        "E-CLI-010"
    }

    fn kind(&self) -> Kind {
        Kind::Interrupted
    }
}

/// Runs a future to its end, or until Ctrl-C or SIGTERM. Nothing that it left behind is waited for.
pub(crate) fn run<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // One thread: more would each have a heap of their own, and hand over bodies that are worked on here.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(NoRuntime)?;
    let _held = Held::termination();
    let result = runtime.block_on(until_interrupted(work));
    Runtime::shutdown_background(runtime);
    result
}

async fn until_interrupted<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).map_err(NoRuntime)?;
    let interrupted = async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    until(work, interrupted).await.unwrap_or_else(|()| Err(Interrupted.into()))
}

/// Runs what ends by itself a little after Ctrl-C or SIGTERM, of which it is told: true stands in what it is given. Where one came, it
/// was interrupted, however well it ended.
pub(super) fn run_to_a_stop<T, W>(work: impl FnOnce(watch::Receiver<bool>) -> W) -> Result<T, Failure>
where
    W: Future<Output = Result<T, Failure>>,
{
    let (stop, stopped) = watch::channel(false);
    let _held = Held::termination();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(NoRuntime)?;
    let result = runtime.block_on(async {
        let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).map_err(NoRuntime)?;
        let mut work = pin!(work(stopped));
        tokio::select! {
            done = &mut work => return done,
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        let _ = stop.send(true);
        // A second one does not wait.
        tokio::select! {
            done = work => done.and(Err(Interrupted.into())),
            _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
            _ = terminate.recv() => Err(Interrupted.into()),
        }
    });
    Runtime::shutdown_background(runtime);
    result
}

/// Runs `work` until `end` comes, and from there on to the end of a refresh that is under way: dropped before, it would take the new
/// tokens with it, and the old ones are spent.
pub(super) async fn until<T, E>(work: impl Future<Output = T>, end: impl Future<Output = E>) -> Result<T, E> {
    let mut work = pin!(work);
    let ended = tokio::select! {
        done = &mut work => return Ok(done),
        ended = end => ended,
    };
    tokio::select! {
        _ = work => {}
        _ = tokio::time::timeout(REFRESH_WITHIN, auth::at_rest()) => {}
        // Who asks a second time does not want to wait for that either.
        _ = tokio::signal::ctrl_c() => {}
    }
    Err(ended)
}

/// Ctrl-C and SIGTERM from here on, for a command that waits for a person again and again. What comes between two waits is not lost.
pub(super) struct Interrupts {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
    _held: Held,
}

impl Interrupts {
    pub(super) fn watch() -> Result<Self, Failure> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(NoRuntime)?;
        let entered = runtime.enter();
        let watch = |kind| tokio::signal::unix::signal(kind).map_err(NoRuntime);
        let (interrupt, terminate) = (watch(SignalKind::interrupt())?, watch(SignalKind::terminate())?);
        drop(entered);
        Ok(Self { runtime, interrupt, terminate, _held: Held::termination() })
    }

    /// Runs a future to its end, or until one comes.
    pub(super) fn wait_for<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Self { runtime, interrupt, terminate, .. } = self;
        runtime.block_on(async {
            let interrupted = async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            };
            until(work, interrupted).await.unwrap_or_else(|()| Err(Interrupted.into()))
        })
    }
}

/// The system refused threads or signals.
#[derive(Debug, Error)]
#[error("cannot start")]
pub(super) struct NoRuntime(#[source] pub(super) std::io::Error);

impl Diagnostic for NoRuntime {
    fn code(&self) -> &'static str {
        "E-CLI-011"
    }

    fn kind(&self) -> Kind {
        Kind::Failed
    }
}
