//! `orkee cloud status`

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orkee_core::auth::{Account, AuthError, Section};
use orkee_core::clock;
use orkee_core::diagnostic::Kind;
use orkee_core::plugin::{Selection, select};
use orkee_core::settings::Key;
use orkee_core::store::Standing;
use serde::Serialize;

use super::login;
use super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Show who is signed in, and how far projects are in step
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud status
  orkee cloud status --offline --json")]
pub(crate) struct Status {
    /// Ask no server; show what is known here
    #[arg(long)]
    offline: bool,
}

/// Everything that there is to say.
struct Report {
    sign_in: SignIn,
    last_sync_at: Option<Timestamp>,
    provider: Selection,
    tenant: Option<String>,
    standing: Standing,
    automatic: bool,
}

/// Whether somebody is signed in, and who.
#[derive(Default)]
struct SignIn {
    section: Option<Section>,
    account: Option<Account>,
    expires_at: Option<Timestamp>,
    source: Option<String>,
    /// Why nobody is.
    refusal: Option<Failure>,
}

impl Status {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let mut report = Report::new(cx, &cloud)?;
        if !self.offline && report.sign_in.refusal.is_none() {
            report.sign_in.ask(cx, &cloud)?;
        }
        if cx.out.is_json() {
            cx.out.document(&report.to_json())?;
        } else {
            report.print(cx)?;
        }
        let Some(refusal) = &report.sign_in.refusal else {
            return Ok(Exit::DONE);
        };
        if let Some(hint) = refusal.diagnostic().hint() {
            cx.out.note(format_args!("hint: {hint}"));
        }
        Ok(Kind::Auth.into())
    }
}

impl Report {
    fn new(cx: &Context, cloud: &Cloud) -> Result<Self, Failure> {
        let store = cx.store()?;
        let (state, _) = store.space_state()?;
        let settings = cx.settings()?;
        let tenant = cloud.tenant.as_deref().unwrap_or_default();
        let provider = select(tenant, settings.tenant_provider(tenant)?.as_deref())?;
        Ok(Self {
            sign_in: SignIn::read(cloud)?,
            last_sync_at: state.last_sync_at.and_then(|at| at.parse().ok()),
            provider,
            tenant: cloud.tenant.clone(),
            standing: store.standing()?,
            automatic: settings.flag(Key::AutoSync)?.value,
        })
    }
}

impl SignIn {
    /// What is known here.
    fn read(cloud: &Cloud) -> Result<Self, Failure> {
        if let Some(token) = cloud.env_token() {
            return Ok(Self { source: Some(token.variable().to_owned()), ..Self::default() });
        }
        match cloud.auth.login_for(&cloud.api, cloud.tenant.as_deref()) {
            Ok((section, login)) => Ok(Self {
                section: Some(section),
                account: login.account,
                expires_at: login.expires_at,
                source: Some("auth.toml".to_owned()),
                refusal: None,
            }),
            Err(error) if is_absence(&error) => Ok(Self { refusal: Some(error.into()), ..Self::default() }),
            Err(error) => Err(error.into()),
        }
    }

    /// What the server says. Where it cannot be asked, what is known here stands.
    fn ask(&mut self, cx: &Context, cloud: &Cloud) -> Result<(), Failure> {
        match surroundings::run(login::who(cx, cloud)) {
            Ok(account) => {
                if let Some(section) = &self.section {
                    surroundings::run(async {
                        Ok(cloud.auth.remember_account(section, account.clone()).await?)
                    })?;
                    // Asking may have refreshed the token.
                    self.expires_at = cloud.auth.login_for(&cloud.api, cloud.tenant.as_deref())?.1.expires_at;
                }
                self.account = Some(account);
            }
            Err(failure) => match failure.diagnostic().kind() {
                Kind::Auth => self.refusal = Some(failure),
                Kind::Interrupted => return Err(failure),
                _ => cx.out.warn(format_args!("{}; what follows was known before", failure.diagnostic())),
            },
        }
        Ok(())
    }
}

/// Nobody is signed in here, as opposed to a token file that cannot be used.
fn is_absence(error: &AuthError) -> bool {
    matches!(
        error,
        AuthError::NotSignedIn { .. } | AuthError::OtherOrigin { .. } | AuthError::SignedOut { .. }
    )
}

impl Report {
    fn print(&self, cx: &Context) -> Result<(), Failure> {
        let (yes, no) = (cx.out.mark(true), cx.out.mark(false));
        let unknown = "unknown";
        match &self.sign_in.refusal {
            None => {
                let account = self.sign_in.account.as_ref();
                cx.out.line(format_args!("{yes} Authenticated with Orkee Cloud"))?;
                cx.out.line(format_args!("{yes} Account: {}", account.map_or(unknown, |a| &a.email)))?;
                let plan = account.and_then(|a| a.plan.as_deref());
                cx.out.line(format_args!("{yes} Subscription: {}", plan.unwrap_or(unknown)))?;
                let expires =
                    self.sign_in.expires_at.map_or_else(|| unknown.to_owned(), |at| utc(at, "%Y-%m-%d"));
                cx.out.line(format_args!("{yes} Token expires: {expires}"))?;
            }
            Some(refusal) => {
                let why = refusal.diagnostic();
                cx.out.line(format_args!("{no} Not authenticated with Orkee Cloud: {why}"))?;
            }
        }
        let last = self.last_sync_at.map_or_else(|| "never".to_owned(), |at| utc(at, "%Y-%m-%d %H:%M UTC"));
        cx.out.line(format_args!("{yes} Last sync: {last}"))?;

        let Selection { provider, because, .. } = &self.provider;
        cx.out.line(format_args!("Provider: {provider} ({because})"))?;
        let Standing { in_step, waiting, conflicts, parked } = self.standing;
        cx.out.line(format_args!(
            "Projects: {in_step} in step, {waiting} waiting, {conflicts} in conflict, {parked} parked"
        ))?;
        if let Some(source) = &self.sign_in.source {
            let section = self.sign_in.section.as_ref().map(|s| format!(", [{s}]")).unwrap_or_default();
            cx.out.line(format_args!("Token from: {source}{section}"))?;
        }
        let next = if self.automatic { "set, but this version syncs only when asked" } else { "off" };
        cx.out.line(format_args!("Automatic sync: {next}"))?;
        Ok(())
    }

    fn to_json(&self) -> Document<'_> {
        let Standing { in_step, waiting, conflicts, parked } = self.standing;
        let account = self.sign_in.account.as_ref();
        Document {
            authenticated: self.sign_in.refusal.is_none(),
            account: account.map(|a| a.email.as_str()),
            subscription: account.and_then(|a| a.plan.as_deref()),
            token_expires_at: self.sign_in.expires_at.map(clock::rfc3339),
            token_source: self.sign_in.source.as_deref(),
            last_sync_at: self.last_sync_at.map(clock::rfc3339),
            provider: self.provider.provider,
            tenant: self.tenant.as_deref(),
            projects: Counts { in_step, waiting, conflicts, parked },
        }
    }
}

fn utc(at: Timestamp, format: &str) -> String {
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

#[derive(Serialize)]
struct Document<'a> {
    authenticated: bool,
    account: Option<&'a str>,
    subscription: Option<&'a str>,
    token_expires_at: Option<String>,
    token_source: Option<&'a str>,
    last_sync_at: Option<String>,
    provider: &'a str,
    tenant: Option<&'a str>,
    projects: Counts,
}

#[derive(Serialize)]
struct Counts {
    in_step: u64,
    waiting: u64,
    conflicts: u64,
    parked: u64,
}
