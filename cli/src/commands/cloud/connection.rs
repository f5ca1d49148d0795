//! The sync provider that the settings choose, loaded and given what it may use.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use orkee_core::auth::Account;
use orkee_core::net::{CredentialSource, NoCredentials};
use orkee_core::plugin::{Code, Membership, OptionValues, Refusals, RefusedRequest, Setup, WasmProvider};
use orkee_core::settings::Key;
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};
use orkee_core::sync::provider::{Cursor, Provider, Request};

use super::surroundings::Cloud;
use super::team_mode::{self, TeamError};
use crate::context::Context;
use crate::failure::Failure;

/// Refused requests of one command that get a row in the audit trail.
const NOTED: usize = 20;

/// A provider, ready to be asked.
pub(super) struct Connection<'a> {
    pub(super) provider: WasmProvider,
    options: OptionValues,
    cloud: &'a Cloud,
    /// The projects are a team's: this one's, once it was asked for.
    team: Option<Membership>,
    is_shared: bool,
}

impl<'a> Connection<'a> {
    /// Loads the provider; makes no request.
    pub(super) async fn open(cx: &Context, cloud: &'a Cloud) -> Result<Self, Failure> {
        Self::open_at(cx, cloud, cx.settings()?.flag(Key::TeamMode)?.value).await
    }

    /// The same for the sign-in's other projects: those of its own in team mode, else its team's.
    pub(super) async fn open_beside(cx: &Context, cloud: &'a Cloud) -> Result<Self, Failure> {
        Self::open_at(cx, cloud, !cx.settings()?.flag(Key::TeamMode)?.value).await
    }

    async fn open_at(cx: &Context, cloud: &'a Cloud, is_shared: bool) -> Result<Self, Failure> {
        let mut options = cloud.choice.options()?;
        if is_shared {
            options.values.insert("space".to_owned(), team_mode::TEAM.to_owned());
        }
        let credentials: Arc<dyn CredentialSource> = match cloud.tokens(cx) {
            Some(tokens) => Arc::new(tokens),
            None => Arc::new(NoCredentials),
        };
        let provider = load(cx, cloud, &options, credentials).await?;
        let provider = provider.telling(refusals(cx, cloud)?);
        Ok(Self { provider, options, cloud, team: None, is_shared })
    }

    /// In team mode, asks for the team, and stays with it: what follows is about no other's projects.
    pub(super) async fn enter_team(&mut self) -> Result<(), Failure> {
        if !self.is_shared {
            return Ok(());
        }
        if !self.provider.knows_teams() {
            return Err(TeamError::NoTeams(self.cloud.choice.name().to_owned()).into());
        }
        let standing = self.provider.team().await?;
        let account = self.account().await?.unwrap_or_else(|| "this account".to_owned());
        let membership = team_mode::membership(standing, account)?;
        self.provider.stay_in_team(&membership.id);
        self.team = Some(membership);
        Ok(())
    }

    /// The team whose projects these are.
    pub(super) fn membership(&self) -> Option<&Membership> {
        self.team.as_ref()
    }

    /// What people call the backend.
    pub(super) fn name(&self) -> &str {
        &self.provider.description().name
    }

    /// The account and backend that the store is about to be synced with: another one than the last is never taken silently.
    pub(super) async fn remote(&self) -> Result<String, Failure> {
        let api = &self.cloud.api;
        let mut remote = match self.account().await? {
            Some(account) => format!("{account} at {api}"),
            None => api.to_string(),
        };
        if !self.cloud.choice.is_orkee_cloud() {
            remote.push_str(&format!(" through {}", self.cloud.choice.name()));
        }
        let place: Vec<_> =
            self.options.place.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
        if !place.is_empty() {
            remote.push_str(&format!(" ({})", place.join(", ")));
        }
        Ok(match &self.team {
            Some(team) => team_mode::place(team, &remote),
            None => remote,
        })
    }

    /// Sees whether the backend takes the sign-in, by the cheapest request that there is: whose account it is, where the provider
    /// tells, else what is new after `cursor`, of which nothing is kept.
    pub(super) async fn verify(&self, cursor: Cursor) -> Result<Option<Account>, Failure> {
        if self.provider.tells_account() {
            let profile = self.provider.whoami().await?;
            return Ok(Some(Account { email: profile.email, plan: profile.plan }));
        }
        self.provider.exchange(Request { cursor, mutations: Vec::new(), limit: 1 }).await?;
        Ok(None)
    }

    /// Whose the records are: as the backend says, else as the sign-in does, as far as either does.
    pub(super) async fn account(&self) -> Result<Option<String>, Failure> {
        let (auth, api) = (&self.cloud.auth, &self.cloud.api);
        if !self.provider.tells_account() {
            return self.holder();
        }
        if let Some(token) = self.cloud.env_token() {
            if let Some(known) = auth.account_of_token(api, token) {
                return Ok(Some(known));
            }
            let asked = self.provider.whoami().await?.email;
            auth.remember_account_of_token(api, token, &asked);
            return Ok(Some(asked));
        }
        let login = self.cloud.purpose.as_ref().map(|purpose| auth.login_for(purpose)).transpose()?;
        match login.and_then(|(_, login)| login.account) {
            Some(account) => Ok(Some(account.email)),
            None => Ok(Some(self.provider.whoami().await?.email)),
        }
    }

    /// The part of the sign-in that is no secret.
    fn holder(&self) -> Result<Option<String>, Failure> {
        let Some(purpose) = &self.cloud.purpose else { return Ok(None) };
        match self.cloud.env_token() {
            Some(token) => Ok(token.holder().map(str::to_owned)),
            None => Ok(self.cloud.auth.login_for(purpose)?.1.holder().map(str::to_owned)),
        }
    }
}

/// Notes each origin that the provider may not reach, once: it may ask as often as it likes.
fn refusals(cx: &Context, cloud: &Cloud) -> Result<Refusals, Failure> {
    let trail = cx.trail()?;
    let known = AuditEntry {
        who: cloud.who(),
        provider: Some(cloud.choice.name().to_owned()),
        ..AuditEntry::new(
            cloud.tenant.clone().unwrap_or_default(),
            AuditAction::Request,
            AuditOutcome::Denied,
        )
    };
    let told = Mutex::new(BTreeSet::new());
    Ok(Arc::new(move |refused: RefusedRequest| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < NOTED && told.insert(refused.clone()) {
            let code = Some(refused.code.to_owned());
            trail.note(&AuditEntry { subject: refused.origin, code, ..known.clone() });
        }
    }))
}

async fn load(
    cx: &Context,
    cloud: &Cloud,
    options: &OptionValues,
    credentials: Arc<dyn CredentialSource>,
) -> Result<WasmProvider, Failure> {
    let started = Instant::now();
    let (home, choice) = (cx.home()?, &cloud.choice);
    let host = choice.host(home.cache())?;
    let plugin = choice.load(&host, &cloud.api)?;
    if let Code::Recompiled(why) = plugin.code() {
        let (name, folder) = (plugin.name(), home.cache());
        cx.out.warn(format_args!(
            "the compiled code of the provider `{name}` in {} was not used and was made anew: {why}",
            folder.display()
        ));
    }
    let setup = Setup {
        tenant: cloud.tenant.clone(),
        api_url: cloud.api.clone(),
        grants: choice.grants(&cloud.api, cloud.api_set_by, options),
        limits: choice.limits(),
        credentials,
        state_folder: home.plugins(),
        settings: options.values.clone(),
        http: cloud.http.clone(),
    };
    let provider = WasmProvider::open(&plugin, setup).await?;
    tracing::debug!(
        target: "orkee::cloud",
        provider = choice.name(),
        because = choice.selection.because,
        code = ?plugin.code(),
        load_us = started.elapsed().as_micros() as u64,
        "loaded the provider"
    );
    Ok(provider)
}
