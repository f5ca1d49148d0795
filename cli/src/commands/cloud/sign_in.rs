//! Whether somebody is signed in to what is in use, who, and with what: for `cloud status`.

use jiff::Timestamp;
use orkee_core::auth::{Account, Method, Section};
use orkee_core::diagnostic::Kind;
use orkee_core::plugin::Membership;
use orkee_core::sync::provider::Cursor;

use super::connection::Connection;
use super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::Failure;

/// Of a sign-in, what may be told.
#[derive(Default)]
pub(super) struct SignIn {
    /// What it is. None: the provider needs none.
    pub(super) method: Option<Method>,
    pub(super) section: Option<Section>,
    /// As the backend says.
    pub(super) account: Option<Account>,
    /// As the sign-in itself says: the user name, the access key id.
    pub(super) holder: Option<String>,
    pub(super) expires_at: Option<Timestamp>,
    /// Who signed the person in, for a tenant.
    pub(super) identity_provider: Option<String>,
    /// When the tenant wants a new sign-in.
    pub(super) ends_at: Option<Timestamp>,
    pub(super) source: Option<String>,
    /// Why nobody is signed in.
    pub(super) refusal: Option<Failure>,
    /// In team mode, once the server was asked: the team, or why there is none.
    pub(super) team: Option<Result<Membership, Failure>>,
}

impl SignIn {
    /// What is known here.
    pub(super) fn read(cloud: &Cloud) -> Result<Self, Failure> {
        let Some(purpose) = &cloud.purpose else { return Ok(Self::default()) };
        let nothing = Self { method: Some(purpose.method), ..Self::default() };
        if let Some(token) = cloud.env_token() {
            let (source, holder) = (token.variable().to_owned(), token.holder().map(str::to_owned));
            return Ok(Self { source: Some(source), holder, ..nothing });
        }
        match cloud.auth.login_for(purpose) {
            Ok((section, login)) => Ok(Self {
                source: Some(
                    if cloud.auth.is_in_keyring(&section) { "the keyring" } else { "auth.toml" }.to_owned(),
                ),
                section: Some(section),
                holder: login.holder().map(str::to_owned),
                account: login.account,
                expires_at: login.expires_at,
                identity_provider: login.identity_provider,
                ends_at: login.ends_at,
                ..nothing
            }),
            Err(error) if error.is_absence() => Ok(Self { refusal: Some(error.into()), ..nothing }),
            Err(error) => Err(error.into()),
        }
    }

    /// What the server says. Where it cannot be asked, what is known here stands.
    pub(super) fn ask(&mut self, cx: &Context, cloud: &Cloud, cursor: Cursor) -> Result<(), Failure> {
        let asked = surroundings::run(async {
            let mut connection = Connection::open(cx, cloud).await?;
            let entered = connection.enter_team().await;
            let team = entered.map(|()| connection.membership().cloned());
            Ok((connection.verify(cursor).await?, team.transpose()))
        });
        match asked {
            Ok((account, team)) => {
                self.team = team;
                if let (Some(section), Some(account)) = (&self.section, &account) {
                    surroundings::run(async {
                        Ok(cloud.auth.remember_account(section, account.clone()).await?)
                    })?;
                    // Asking may have refreshed the token.
                    self.expires_at = cloud.login()?.1.expires_at;
                }
                self.account = account;
            }
            Err(failure) => match failure.diagnostic().kind() {
                Kind::Auth => self.refusal = Some(failure),
                Kind::Interrupted => return Err(failure),
                _ => cx.out.warn(format_args!("{}; what follows was known before", failure.diagnostic())),
            },
        }
        Ok(())
    }

    /// Whose it is.
    pub(super) fn who(&self) -> Option<&str> {
        self.account.as_ref().map(|account| account.email.as_str()).or(self.holder.as_deref())
    }

    /// Which plan the account has.
    pub(super) fn plan(&self) -> Option<&str> {
        self.account.as_ref().and_then(|account| account.plan.as_deref())
    }

    /// What it is, in words that hold no secret; none where it is an OAuth token, or where there is none.
    pub(super) fn describe(&self) -> Option<String> {
        let holder = self.holder.as_deref();
        match (self.method?, holder) {
            (Method::Oauth, _) => None,
            (Method::Token, _) => Some("a token".to_owned()),
            (Method::Password, Some(user)) => Some(format!("the password of {user}")),
            (Method::AwsKeys, Some(id)) => Some(format!("the access key {id}")),
            (Method::Password | Method::AwsKeys, None) => None,
        }
    }
}
