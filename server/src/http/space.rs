//! Which space a request is about: the caller's own, or with `orkee-space: team` that of the team they are in.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::caller::BAD;
use super::observe::RequestId;
use super::{ApiError, App};
use crate::storage::{Caller, Deed, Role, SpaceKey, Standing, Storage, StorageError, Team, Witness};

/// The header that names the space.
const HEADER: &str = "orkee-space";
/// The header that names a team by its id: nothing is shared with another than the one that was meant.
const TEAM: &str = "orkee-team";

/// A space, and what its caller may do in it.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    pub(crate) key: SpaceKey,
    pub(crate) role: Role,
    /// None: it is the caller's own.
    pub(crate) team: Option<Team>,
    pub(crate) caller: Caller,
    request_id: Option<String>,
}

impl Space {
    /// Whom the audit trail names; a space of one's own is told of to nobody.
    pub(crate) fn witness(&self) -> Option<Witness> {
        let team = self.team.as_ref()?;
        Some(Witness {
            tenant: team.tenant.clone(),
            team: Some(team.name.clone()),
            account: Some(self.caller.account.email.clone()),
            device: Some(self.caller.grant.clone()),
            device_name: Some(self.caller.device.clone()),
            request_id: self.request_id.clone(),
        })
    }

    /// Whom the audit trail names for what is done to the space itself, whosever it is.
    pub(crate) fn by(&self) -> Witness {
        self.witness().unwrap_or_else(|| Witness {
            tenant: self.caller.rules.tenant.clone(),
            account: Some(self.caller.account.email.clone()),
            device: Some(self.caller.grant.clone()),
            device_name: Some(self.caller.device.clone()),
            request_id: self.request_id.clone(),
            ..Witness::default()
        })
    }

    /// What the envelopes of a team's records say of their author; a space of one's own has no use for it.
    pub(crate) fn author(&self) -> Option<&str> {
        self.team.as_ref().map(|_| self.caller.account.email.as_str())
    }

    /// The same, as it is now: while a body came in, its sender may have been signed out, disabled, removed, or given another role.
    pub(crate) fn renewed(self, storage: &dyn Storage) -> Result<Self, ApiError> {
        let (account, grant) = (self.caller.account.key, self.caller.own_grant());
        if !storage.is_good(account, grant, jiff::Timestamp::now())? {
            return Err(ApiError::unauthorized("the token was revoked while the request came in", BAD));
        }
        let Some(team) = &self.team else { return Ok(self) };
        match storage.standing(self.caller.account.key)? {
            Standing::In(now, role) if now.key == team.key => Ok(Self { role, ..self }),
            _ => Err(removed(&self.caller, team)),
        }
    }

    /// Why a record that is not sealed is not taken; none: it is.
    pub(crate) fn unsealed(&self) -> Option<String> {
        let tenant = self.caller.rules.tenant.as_ref().filter(|_| self.caller.rules.seals)?;
        Some(format!("tenant {tenant} requires encryption, and this is not encrypted"))
    }

    /// What is said to whoever sends a record that can be read where records are sealed.
    pub(crate) fn plain(&self) -> ApiError {
        let whose = match &self.team {
            Some(team) => format!("the projects of team {}", team.name),
            None => "the projects of this account".to_owned(),
        };
        let message = format!(
            "{whose} are end-to-end encrypted, and this is not: where the account's key is missing, `orkee cloud key recover` brings it"
        );
        ApiError::new(StatusCode::FORBIDDEN, "sealed", message)
    }

    /// Tells the audit trail of records that were not taken for it, whosever space it is.
    pub(crate) fn note_unsealed(&self, storage: &dyn Storage, records: &[&str]) -> Result<(), StorageError> {
        let Some(first) = records.first() else { return Ok(()) };
        let by = Witness {
            tenant: self.caller.rules.tenant.clone(),
            team: self.team.as_ref().map(|team| team.name.clone()),
            account: Some(self.caller.account.email.clone()),
            device: Some(self.caller.grant.clone()),
            device_name: Some(self.caller.device.clone()),
            request_id: self.request_id.clone(),
        };
        let outcome = match records.len() {
            1 => "refused: not encrypted".to_owned(),
            more => format!("refused: not encrypted, and {} more", more - 1),
        };
        let deed = Deed { action: "write".to_owned(), subject: Some((*first).to_owned()), outcome };
        storage.note(&by, &deed, jiff::Timestamp::now())
    }

    /// Why a caller who may only read cannot write; none: they may.
    pub(crate) fn refusal(&self) -> Option<String> {
        let team = self.team.as_ref().filter(|_| !self.role.writes())?;
        Some(format!("your role in team {} is read-only; once an owner lets you write, retry it", team.name))
    }
}

impl FromRequestParts<Arc<App>> for Space {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        let own = match parts.headers.get(HEADER).map(axum::http::HeaderValue::as_bytes) {
            None | Some(b"personal") => true,
            Some(b"team") => false,
            Some(_) => return Err(ApiError::invalid("orkee-space is personal or team")),
        };
        if own {
            let (key, role) = (caller.account.space, Role::Owner);
            return Ok(Self { key, role, team: None, caller, request_id });
        }
        let account = caller.account.key;
        match app.storage(move |storage| storage.standing(account)).await? {
            Standing::In(team, role) => {
                let meant = parts.headers.get(TEAM).map(axum::http::HeaderValue::as_bytes);
                if meant.is_some_and(|id| id != team.id.as_bytes()) {
                    let email = &caller.account.email;
                    let message = format!(
                        "{email} is in team {} by now, which is not the one that was meant",
                        team.name
                    );
                    return Err(forbidden("another-team", message));
                }
                Ok(Self { key: team.space, role, team: Some(team), caller, request_id })
            }
            Standing::Removed(team) => Err(removed(&caller, &team)),
            Standing::Alone => Err(forbidden("no-team", format!("{} is in no team", caller.account.email))),
        }
    }
}

fn removed(caller: &Caller, team: &Team) -> ApiError {
    let message = format!("{} is no longer a member of team {}", caller.account.email, team.name);
    forbidden("not-a-member", message)
}

fn forbidden(code: &'static str, message: String) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, code, message)
}
