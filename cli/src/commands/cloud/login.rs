//! `orkee cloud login`

use std::io::{BufRead, IsTerminal};
use std::time::Duration;

use orkee_core::auth::{
    Account, Asking, AuthError, BrowserWish, Client, Device, LoginEvent, LoginRequest, LoginUi, Method,
    Opener, Purpose, Section, Sso, Surroundings,
};
use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::sync::provider::Cursor;
use serde::Serialize;
use thiserror::Error;
use tokio::sync::mpsc;

use super::connection::Connection;
use super::handed_in;
use super::open_url;
use super::sso;
use super::surroundings::{self, Cloud};
use super::trail;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::prompt;

/// Sign in
///
/// Opens your browser, where you sign in and allow this device; asks for a password, a token or an access key where the provider
/// in use needs one. What you signed in with is kept in auth.toml of the home folder, for you alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud login                         sign in, in your browser
  orkee cloud login --with-token < token    sign in with an API token, for scripts")]
pub(crate) struct Login {
    /// Sign in to another Orkee Cloud: `development`, or an `[environments.NAME]` of config.toml
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Sign in through the identity provider of your company, whose tenant ORKEE_CLOUD_TENANT names
    #[arg(long, conflicts_with_all = ["with_token", "refresh_token", "env"])]
    sso: bool,
    /// Show a code to type on another device, instead of opening a browser
    #[arg(long, conflicts_with_all = ["with_token", "refresh_token"])]
    device: bool,
    /// Read an API token from standard input, or what the provider needs: USER:PASSWORD, ID:SECRET
    #[arg(long, conflicts_with = "refresh_token")]
    with_token: bool,
    /// Get a new token now, by the refresh token that is stored
    #[arg(long)]
    refresh_token: bool,
    /// Open a browser even where none seems to be
    #[arg(long, overrides_with = "no_browser")]
    browser: bool,
    /// Print the address instead of opening a browser
    #[arg(long, overrides_with = "browser")]
    no_browser: bool,
    /// The port on this machine that the browser comes back to; default: any free one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    callback_port: u16,
    /// Seconds to wait for the browser
    #[arg(long, value_name = "S", default_value_t = 300)]
    timeout: u64,
}

impl Login {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if self.sso {
            sso::check_tenant(cx)?;
        }
        // Who signs people in may have changed since the tenant was last asked for.
        let asking = if self.refresh_token { Asking::IfOld } else { Asking::Always };
        let cloud = Cloud::open_asking(cx, self.env.as_deref(), asking)?;
        // What is wrong with the provider's options, or what the tenant does not allow, is told before the person goes through all
        // this.
        cloud.choice.options()?;
        cloud.choice.check_policy(&cloud.api)?;
        let purpose = cloud.needs_sign_in()?;
        if self.refresh_token {
            return refresh(cx, &cloud, purpose);
        }
        let sso = if self.with_token { None } else { sso::of(cx, &cloud)? };
        if let Some(flag) = self.not_offered(purpose.method, sso.is_some()) {
            return Err(NotOffered { host: cloud.host(), flag }.into());
        }
        let section = match (&cloud.tenant, &self.env) {
            (Some(tenant), _) => Section::Tenant(tenant.clone()),
            (None, Some(name)) => Section::Environment(name.clone()),
            (None, None) => Section::Default,
        };
        set_aside_unreadable(cx, &cloud)?;
        let by_oauth = !self.with_token && purpose.method == Method::Oauth;
        let client = by_oauth.then(|| cloud.choice.client());
        let ended = match &client {
            Some(client) => self.by_oauth(cx, &cloud, purpose, (&section, client), sso),
            None if self.with_token => handed_in::from_stdin(cx, &cloud, purpose, &section),
            None => handed_in::from_person(cx, &cloud, purpose, &section),
        };
        trail::login(cx, &cloud, &section, client.as_ref(), ended.as_ref().err())?;
        ended?;
        report(cx, &cloud, self.env.as_deref())
    }

    /// A flag for a way to sign in that there is not.
    fn not_offered(&self, method: Method, has_sso: bool) -> Option<&'static str> {
        let by_browser = method == Method::Oauth;
        match (self.sso && !has_sso, self.device && !by_browser) {
            (true, _) => Some("--sso"),
            (_, true) => Some("--device"),
            _ => None,
        }
    }

    fn by_oauth(
        &self,
        cx: &Context,
        cloud: &Cloud,
        purpose: &Purpose,
        (section, client): (&Section, &Client),
        sso: Option<Sso>,
    ) -> Result<(), Failure> {
        let wish = match (self.browser, self.no_browser) {
            (true, _) => BrowserWish::Yes,
            (_, true) => BrowserWish::No,
            _ => BrowserWish::IfThere,
        };
        let around = Surroundings::from_env();
        let can_paste = std::io::stdin().is_terminal() && !cx.global.no_input;
        if !self.device && !can_paste && !wish.acts_alone(around) {
            return Err(AuthError::NobodyThere.into());
        }
        let request = LoginRequest {
            api: cloud.api.clone(),
            issuer: purpose.issuer.as_ref().unwrap_or(&cloud.api).clone(),
            client: client.clone(),
            section: section.clone(),
            provider: purpose.provider.clone(),
            callback_port: self.callback_port,
            timeout: Duration::from_secs(self.timeout),
            prefers_code: wish == BrowserWish::IfThere,
            device: Device::this(),
            sso: None,
            lifetime: purpose.sign_in_lifetime,
        };
        let request = match sso {
            Some(sso) => request.through(sso),
            None => request,
        };
        let tell = events(cx);
        surroundings::run(async {
            if self.device {
                cloud.auth.login_on_device(&request, &tell).await?;
            } else {
                let opener: Option<Opener> =
                    wish.opens(around).then(|| Box::new(open_url::in_child) as Opener);
                let ui = LoginUi { events: &tell, opener, pasted: can_paste.then(typed_lines) };
                cloud.auth.login(request, ui).await?;
            }
            // The sign-in stands, whether or not the server says whose it is.
            match who(cx, &cloud.with_token(None)).await {
                Ok(Some(account)) => Ok(cloud.auth.remember_account(section, account).await?),
                Ok(None) => Ok(()),
                Err(failure) => {
                    cx.out.warn(format_args!("cannot tell whose account it is: {}", failure.diagnostic()));
                    Ok(())
                }
            }
        })
    }
}

/// A token file that is no TOML stops the sign-in, unless the person lets it be moved away.
fn set_aside_unreadable(cx: &Context, cloud: &Cloud) -> Result<(), Failure> {
    let error = match cloud.auth.sections() {
        Err(error @ AuthError::Unreadable { .. }) => error,
        other => return other.map(drop).map_err(Failure::from),
    };
    let question = format!("{error}. Keep it as auth.toml.bad and begin a new one?");
    if !prompt::possible(cx) || !prompt::confirm(cx, &question)? {
        return Err(error.into());
    }
    surroundings::run(async { Ok(cloud.auth.set_aside().await?) })
}

/// Sees whether the backend takes the sign-in, and whose account it is, where the provider tells.
pub(super) async fn who(cx: &Context, cloud: &Cloud) -> Result<Option<Account>, Failure> {
    Connection::open(cx, cloud).await?.verify(Cursor::default()).await
}

/// What the person is told while the sign-in is under way. The address is told however quiet it is to be.
fn events(cx: &Context) -> impl Fn(LoginEvent) + Sync + 'static {
    let (say, warn) = (cx.out.speaker(), cx.out.warner());
    move |event| match event {
        LoginEvent::Visit { host, url, opening, can_paste } => {
            let how =
                if opening { "Your browser opens to sign in to" } else { "Open this address to sign in to" };
            say(&format!("{how} {host}:\n\n  {url}\n"));
            if can_paste {
                say("Should the browser not come back by itself, paste the address of its last page here.");
            }
        }
        LoginEvent::TypeCode { host, address, complete, code } => {
            say(&format!("To sign in to {host}, open this address on any device:\n\n  {address}\n"));
            say(&format!("and type the code {code}"));
            if let Some(complete) = complete {
                say(&format!("\nor open {complete}"));
            }
        }
        LoginEvent::NoBrowser => {
            say(
                "No browser could be opened. Open the address yourself; on a machine without one, use --device.",
            );
        }
        LoginEvent::NoListener => {
            warn(
                "nothing can listen on this machine: the browser's last page will not load; paste its address here",
            );
        }
        LoginEvent::Ignored(reason) => {
            warn(&format!("ignored a visit that is not the browser's answer: {reason}"))
        }
        LoginEvent::PasteRefused(reason) => warn(&format!("this is not the answer: {reason}")),
    }
}

#[derive(Serialize)]
struct SignedIn<'a> {
    authenticated: bool,
    issuer: &'a str,
    account: Option<&'a str>,
    subscription: Option<&'a str>,
}

/// Says where and as whom.
fn report(cx: &Context, cloud: &Cloud, environment: Option<&str>) -> CommandResult {
    let (section, login) = cloud.login()?;
    let account = login.account.as_ref();
    let who = account.map(|account| account.email.as_str()).or(login.holder());
    if cx.out.is_json() {
        cx.out.document(&SignedIn {
            authenticated: true,
            issuer: &login.issuer,
            account: who,
            subscription: account.and_then(|a| a.plan.as_deref()),
        })?;
    }
    let who = who.map(|who| format!(" as {who}")).unwrap_or_default();
    cx.out.note(format_args!("Signed in to {}{who}", cloud.host()));
    if let Some(token) = cloud.env_token() {
        cx.out.warn(format_args!("{} is set and goes before this sign-in", token.variable()));
    }
    if environment.is_some() && section != Section::Default {
        cx.out.note(format_args!("To use it, set ORKEE_CLOUD_API_URL={}", cloud.api));
    }
    Ok(Exit::DONE)
}

fn refresh(cx: &Context, cloud: &Cloud, purpose: &Purpose) -> CommandResult {
    let tokens = cloud.auth.tokens(purpose.clone(), None);
    surroundings::run(async { Ok(tokens.refresh().await?) })?;
    cx.out.note("The token was refreshed");
    report(cx, cloud, None)
}

/// Lines as the person types them. The thread ends with the process: reading a terminal cannot be taken back.
fn typed_lines() -> mpsc::Receiver<String> {
    let (lines, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The server has no such way to sign in.
#[derive(Debug, Error)]
#[error("{host} offers no sign-in with {flag}")]
struct NotOffered {
    host: String,
    flag: &'static str,
}

impl Diagnostic for NotOffered {
    fn code(&self) -> &'static str {
        "E-AUTH-019"
    }

    fn kind(&self) -> Kind {
        Kind::Auth
    }

    fn hint(&self) -> Option<String> {
        Some("run `orkee cloud login` without it, or with --with-token".to_owned())
    }
}
