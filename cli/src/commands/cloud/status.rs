//! `orkee cloud status`

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orkee_core::auth::{Asking, Method};
use orkee_core::clock;
use orkee_core::plugin::Selection;
use orkee_core::seal::keys::{KeyError, KeyFileError};
use orkee_core::settings::{Key, Setting};
use orkee_core::store::Standing;
use orkee_core::sync::provider::Cursor;
use serde::Serialize;

use super::automatic::{Automatic, AutomaticView};
use super::key::{AtRest, Sealing};
use super::sign_in::SignIn;
use super::surroundings::Cloud;
use super::webhook::{Here, Trouble};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::text;
use crate::report;

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
    selection: Selection,
    /// What the backend is called; none: Orkee Cloud.
    other_backend: Option<String>,
    api: String,
    tenant: Setting<String>,
    standing: Standing,
    automatic: Automatic,
    team_mode: bool,
    /// None: nothing is known of a key.
    sealing: Option<Result<Sealing, KeyError>>,
    /// None: nothing is locked on this device.
    lock: Option<AtRest>,
    webhooks: Webhooks,
}

/// Of the webhooks of this device: what somebody should know of.
#[derive(Serialize, Clone, Copy)]
struct Webhooks {
    /// Nothing is sent to so many.
    off: usize,
    /// Nothing arrives at so many.
    failing: usize,
}

impl Webhooks {
    fn new(cx: &Context) -> Result<Self, Failure> {
        let troubles = Here::open(cx)?.troubles()?;
        let count = |is: fn(&Trouble) -> bool| troubles.iter().filter(|trouble| is(trouble)).count();
        Ok(Self { off: count(Trouble::is_off), failing: count(Trouble::is_failing) })
    }

    fn print(self, cx: &Context) -> Result<(), Failure> {
        let Self { off, failing } = self;
        let told = match (off, failing) {
            (0, 0) => return Ok(()),
            (off, 0) => format!("{off} off"),
            (0, failing) => format!("{failing} failing"),
            (off, failing) => format!("{off} off, {failing} failing"),
        };
        let no = cx.out.mark(false);
        cx.out.line(format_args!("{no} Webhooks of this device: {told}; see orkee cloud webhook list"))?;
        Ok(())
    }
}

impl Status {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let asking = if self.offline { Asking::Never } else { Asking::IfOld };
        let cloud = Cloud::open_asking(cx, None, asking)?;
        let (mut report, cursor) = Report::new(cx, &cloud)?;
        if !self.offline && report.sign_in.refusal.is_none() {
            report.sign_in.ask(cx, &cloud, cursor)?;
        }
        if cx.out.is_json() {
            cx.out.document(&report.to_json())?;
        } else {
            report.print(cx)?;
        }
        let Some(refusal) = report.refusal() else { return Ok(Exit::DONE) };
        if let Some(hint) = refusal.diagnostic().hint() {
            cx.out.note(format_args!("hint: {hint}"));
        }
        Ok(refusal.diagnostic().kind().into())
    }
}

impl Report {
    /// What is known here, and where the store left off.
    fn new(cx: &Context, cloud: &Cloud) -> Result<(Self, Cursor), Failure> {
        let store = cx.store()?;
        let (state, _) = store.space_state()?;
        let settings = cx.settings()?;
        let tenant = settings.tenant()?;
        let sealing = state.remote.as_deref().map(|remote| Sealing::of(cx, &tenant.value, remote));
        let report = Self {
            sealing,
            lock: AtRest::of(&store)?,
            sign_in: SignIn::read(cloud)?,
            last_sync_at: state.last_sync_at.and_then(|at| at.parse().ok()),
            selection: cloud.choice.selection.clone(),
            other_backend: Some(cloud.choice.name().to_owned()).filter(|_| !cloud.choice.is_orkee_cloud()),
            api: cloud.api.to_string(),
            tenant,
            standing: store.standing()?,
            automatic: Automatic::of(cx)?,
            team_mode: settings.flag(Key::TeamMode)?.value,
            webhooks: Webhooks::new(cx)?,
        };
        Ok((report, state.cursor))
    }

    fn print(&self, cx: &Context) -> Result<(), Failure> {
        let yes = cx.out.mark(true);
        match &self.other_backend {
            None => self.print_orkee_cloud(cx)?,
            Some(backend) => self.print_other(cx, backend)?,
        }
        let last = self.last_sync_at.map_or_else(|| "never".to_owned(), |at| utc(at, "%Y-%m-%d %H:%M UTC"));
        cx.out.line(format_args!("{yes} Last sync: {last}"))?;

        let Selection { provider, because } = &self.selection;
        cx.out.line(format_args!("Provider: {} ({because})", provider.name()))?;
        let Setting { value: tenant, origin } = &self.tenant;
        match tenant.is_empty() {
            true => cx.out.line("Tenant: none, your own projects")?,
            false => cx.out.line(format_args!("Tenant: {} (set by {origin})", text::line(tenant)))?,
        }
        self.print_team(cx)?;
        self.print_sealing(cx)?;
        let Standing { in_step, waiting, conflicts, parked } = self.standing;
        cx.out.line(format_args!(
            "Projects: {in_step} in step, {waiting} waiting, {conflicts} in conflict, {parked} parked"
        ))?;
        if let Some(source) = &self.sign_in.source {
            let section = self.sign_in.section.as_ref().map(|s| format!(", [{s}]")).unwrap_or_default();
            match self.sign_in.describe() {
                None => cx.out.line(format_args!("Token from: {source}{section}"))?,
                Some(what) => cx
                    .out
                    .line(format_args!("Signed in with: {} (from {source}{section})", text::line(&what)))?,
            }
        }
        if let Some(provider) = &self.sign_in.identity_provider {
            let ends =
                self.sign_in.ends_at.map(|at| utc(at, ", until %Y-%m-%d %H:%M UTC")).unwrap_or_default();
            cx.out.line(format_args!("Signed in through: {}{ends}", text::line(provider)))?;
        }
        let told = self.refusal().and_then(|refusal| refusal.diagnostic().hint());
        self.automatic.print(cx, told.as_deref())?;
        self.webhooks.print(cx)
    }

    /// What the server, or the team, refused.
    fn refusal(&self) -> Option<&Failure> {
        let no_team = self.sign_in.team.as_ref().and_then(|team| team.as_ref().err());
        self.sign_in.refusal.as_ref().or(no_team)
    }

    /// Whether what is sent can be read by others, and what is kept here.
    fn print_sealing(&self, cx: &Context) -> Result<(), Failure> {
        match &self.sealing {
            Some(Ok(sealing)) => {
                if let Some(line) = sealing.line() {
                    cx.out.line(format_args!("End-to-end encryption: {line}"))?;
                }
            }
            // Nothing is wrong with it: the line below says how it is opened.
            Some(Err(KeyError::File(KeyFileError::Locked))) => {
                cx.out.line("End-to-end encryption: the account's key is locked on this device")?;
            }
            Some(Err(error)) => {
                cx.out.line(format_args!("{} End-to-end encryption: {error}", cx.out.mark(false)))?;
            }
            None => {}
        }
        if let Some(lock) = &self.lock {
            cx.out.line(format_args!("Locked on this device: {}", lock.line()))?;
        }
        Ok(())
    }

    /// With whom projects are shared, in team mode.
    fn print_team(&self, cx: &Context) -> Result<(), Failure> {
        match &self.sign_in.team {
            Some(Ok(team)) => {
                let (name, role, members) =
                    (text::line(&team.name), text::line(team.role.as_str()), team.members.len());
                cx.out.line(format_args!("Team: {name} (your role: {role}; members: {members})"))?;
            }
            Some(Err(why)) => {
                cx.out.line(format_args!("{} Team: {}", cx.out.mark(false), why.diagnostic()))?;
            }
            None if self.team_mode => cx.out.line("Team: on, and not asked for")?,
            None => {}
        }
        Ok(())
    }

    /// The published lines.
    fn print_orkee_cloud(&self, cx: &Context) -> Result<(), Failure> {
        let (yes, no) = (cx.out.mark(true), cx.out.mark(false));
        let unknown = "unknown";
        if let Some(refusal) = &self.sign_in.refusal {
            let why = report::in_a_line(refusal);
            cx.out.line(format_args!("{no} Not authenticated with Orkee Cloud: {why}"))?;
            return Ok(());
        }
        cx.out.line(format_args!("{yes} Authenticated with Orkee Cloud"))?;
        cx.out.line(format_args!("{yes} Account: {}", self.sign_in.who().unwrap_or(unknown)))?;
        cx.out.line(format_args!("{yes} Subscription: {}", self.sign_in.plan().unwrap_or(unknown)))?;
        let expires = self.sign_in.expires_at.map_or_else(|| unknown.to_owned(), |at| utc(at, "%Y-%m-%d"));
        cx.out.line(format_args!("{yes} Token expires: {expires}"))?;
        Ok(())
    }

    /// The same of another backend, as far as it has such things.
    fn print_other(&self, cx: &Context, backend: &str) -> Result<(), Failure> {
        let (yes, no) = (cx.out.mark(true), cx.out.mark(false));
        let api = &self.api;
        if let Some(refusal) = &self.sign_in.refusal {
            let why = report::in_a_line(refusal);
            cx.out.line(format_args!("{no} Not authenticated with {backend} at {api}: {why}"))?;
            return Ok(());
        }
        match self.sign_in.method {
            Some(_) => cx.out.line(format_args!("{yes} Authenticated with {backend} at {api}"))?,
            None => cx.out.line(format_args!("{yes} {backend} at {api} needs no sign-in"))?,
        }
        if let Some(who) = self.sign_in.who() {
            cx.out.line(format_args!("{yes} Account: {}", text::line(who)))?;
        }
        if let Some(plan) = self.sign_in.plan() {
            cx.out.line(format_args!("{yes} Subscription: {}", text::line(plan)))?;
        }
        if let Some(at) = self.sign_in.expires_at {
            cx.out.line(format_args!("{yes} Token expires: {}", utc(at, "%Y-%m-%d")))?;
        }
        Ok(())
    }

    fn to_json(&self) -> Document<'_> {
        let Standing { in_step, waiting, conflicts, parked } = self.standing;
        Document {
            authenticated: self.sign_in.refusal.is_none(),
            account: self.sign_in.who(),
            subscription: self.sign_in.plan(),
            token_expires_at: self.sign_in.expires_at.map(clock::rfc3339),
            token_source: self.sign_in.source.as_deref(),
            last_sync_at: self.last_sync_at.map(clock::rfc3339),
            provider: self.selection.provider.name(),
            provider_because: &self.selection.because,
            tenant: Some(self.tenant.value.as_str()).filter(|tenant| !tenant.is_empty()),
            tenant_origin: self.tenant.origin.to_string(),
            api_url: &self.api,
            sign_in: self.sign_in.method.map(Method::as_str),
            identity_provider: self.sign_in.identity_provider.as_deref(),
            sign_in_ends_at: self.sign_in.ends_at.map(clock::rfc3339),
            projects: Counts { in_step, waiting, conflicts, parked },
            team_mode: self.team_mode,
            team: self.sign_in.team.as_ref().and_then(|team| team.as_ref().ok()).map(|team| TeamView {
                id: &team.id,
                name: &team.name,
                role: team.role.as_str(),
                members: team.members.len(),
            }),
            sealed: match &self.sealing {
                None => Some(false),
                Some(sealing) => sealing.as_ref().ok().map(Sealing::is_on),
            },
            lock: self.lock.as_ref(),
            webhooks: self.webhooks,
            automatic: self.automatic.view(),
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
    provider_because: &'a str,
    tenant: Option<&'a str>,
    tenant_origin: String,
    api_url: &'a str,
    /// How one signs in to the provider; none: not at all.
    sign_in: Option<&'static str>,
    /// Who signed the person in for the tenant.
    identity_provider: Option<&'a str>,
    sign_in_ends_at: Option<String>,
    projects: Counts,
    team_mode: bool,
    /// None: not in team mode, not asked, or in no team.
    team: Option<TeamView<'a>>,
    /// Whether what this device sends is sealed. None: its key cannot be read, so that nothing is sent to a sealed account.
    sealed: Option<bool>,
    /// What is locked on this device; none: nothing.
    lock: Option<&'a AtRest>,
    webhooks: Webhooks,
    #[serde(flatten)]
    automatic: AutomaticView,
}

#[derive(Serialize)]
struct TeamView<'a> {
    id: &'a str,
    name: &'a str,
    role: &'a str,
    members: usize,
}

#[derive(Serialize)]
struct Counts {
    in_step: u64,
    waiting: u64,
    conflicts: u64,
    parked: u64,
}
