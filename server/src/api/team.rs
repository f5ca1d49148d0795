//! `/v1/team`: the team that the caller is in, and who else is. Its owners say who is; a tenant's team has its members and
//! their roles from the tenant's identity provider alone.
//!
//! What is changed is checked, written and told to the audit trail in one transaction: two owners who leave at once do not
//! both find the other there.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::body::json as json_body;
use crate::http::observe::RequestId;
use crate::http::{ApiError, App};
use crate::oauth::email;
use crate::storage::{
    Account, Caller, Deed, Member, People, Role, Standing, Storage, StorageError, Team, Witness, together,
};

/// A request's body is a few words.
const MAX_BODY: u64 = 4 << 10;

#[derive(Debug, Deserialize)]
struct Invited {
    email: String,
    role: String,
}

#[derive(Debug, Deserialize)]
struct Given {
    role: String,
}

#[derive(Debug, Deserialize)]
struct Joined {
    team: String,
}

/// Who acts, for the audit trail.
struct Actor {
    caller: Caller,
    request_id: String,
}

pub(super) async fn show(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, ApiError> {
    app.storage(move |storage| Ok::<_, StorageError>(Json(standing(storage, &caller.account)?))).await
}

fn standing(storage: &dyn Storage, account: &Account) -> Result<Value, StorageError> {
    let invitations: Vec<Value> = match account.tenant {
        Some(_) => Vec::new(),
        None => {
            let told = storage.invitations(&account.email)?;
            told.iter().map(|i| json!({ "team": i.team.name, "role": i.role.as_str() })).collect()
        }
    };
    let (team, removed_from) = match storage.standing(account.key)? {
        Standing::Alone => (Value::Null, None),
        Standing::Removed(team) => (Value::Null, Some(team.name)),
        Standing::In(team, role) => {
            let member = |m: &Member| json!({ "email": m.account.email, "role": m.role.as_str() });
            let members: Vec<Value> = storage.members(team.key)?.iter().map(member).collect();
            (json!({ "id": team.id, "name": team.name, "role": role.as_str(), "members": members }), None)
        }
    };
    Ok(json!({ "team": team, "removed_from": removed_from, "invitations": invitations }))
}

pub(super) async fn invite(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: axum::Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let Invited { email, role } = json_body(&headers, body, MAX_BODY).await?;
    let (email, role, actor) = (address(&email)?, role_of(&role)?, Actor::new(caller, id));
    change(&app, move |storage| {
        let team = owned(storage, &actor)?;
        let known = storage.account_by_email(&email)?.filter(|(account, _)| !account.disabled);
        let Some((account, _)) = known else {
            return Err(ApiError::not_found(format!("there is no account for {email}: they sign up first")));
        };
        if matches!(storage.standing(account.key)?, Standing::In(other, _) if other.key == team.key) {
            return Err(conflict("member", format!("{email} is in team {} already", team.name)));
        }
        storage.invite(team.key, &email, role, Timestamp::now())?;
        note(storage, &actor, &team, "invite", &email, role.as_str())
    })
    .await
}

pub(super) async fn set_role(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(email): Path<String>,
    id: axum::Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let Given { role } = json_body(&headers, body, MAX_BODY).await?;
    let (email, role, actor) = (address(&email)?, role_of(&role)?, Actor::new(caller, id));
    change(&app, move |storage| {
        let team = owned(storage, &actor)?;
        let member = member(storage, &team, &email)?;
        if role != Role::Owner {
            keep_an_owner(storage, &team, &member)?;
        }
        set(storage, &team, &member.account, role)?;
        note(storage, &actor, &team, "set-role", &email, role.as_str())
    })
    .await
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(email): Path<String>,
    id: axum::Extension<RequestId>,
) -> Result<StatusCode, ApiError> {
    let (email, actor) = (address(&email)?, Actor::new(caller, id));
    change(&app, move |storage| {
        let team = owned(storage, &actor)?;
        if storage.uninvite(team.key, &email)? {
            return note(storage, &actor, &team, "uninvite", &email, "done");
        }
        let member = member(storage, &team, &email)?;
        keep_an_owner(storage, &team, &member)?;
        storage.remove_member(team.key, member.account.key, Timestamp::now())?;
        note(storage, &actor, &team, "remove-member", &email, "done")
    })
    .await
}

pub(super) async fn join(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: axum::Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let Joined { team: name } = json_body(&headers, body, MAX_BODY).await?;
    let actor = Actor::new(caller, id);
    change(&app, move |storage| {
        let account = &actor.caller.account;
        let mine = if account.tenant.is_none() { storage.invitations(&account.email)? } else { Vec::new() };
        let Some(invitation) = mine.into_iter().find(|invitation| invitation.team.name == name) else {
            return Err(ApiError::not_found(format!("{} is not invited to a team {name}", account.email)));
        };
        let team = invitation.team;
        set(storage, &team, account, invitation.role)?;
        storage.uninvite(team.key, &account.email)?;
        note(storage, &actor, &team, "join", &account.email, invitation.role.as_str())
    })
    .await
}

pub(super) async fn leave(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: axum::Extension<RequestId>,
) -> Result<StatusCode, ApiError> {
    let actor = Actor::new(caller, id);
    change(&app, move |storage| {
        let account = &actor.caller.account;
        let Standing::In(team, _) = storage.standing(account.key)? else {
            return Err(forbidden("no-team", format!("{} is in no team", account.email)));
        };
        check_own(&team)?;
        let me = member(storage, &team, &account.email)?;
        keep_an_owner(storage, &team, &me)?;
        storage.remove_member(team.key, account.key, Timestamp::now())?;
        note(storage, &actor, &team, "leave", &account.email, "done")
    })
    .await
}

/// Changes who is in a team: all of it, or nothing where it fails.
async fn change(
    app: &App,
    work: impl FnOnce(&dyn People) -> Result<(), ApiError> + Send + 'static,
) -> Result<StatusCode, ApiError> {
    app.storage(move |storage| together(storage, work)).await.map(|()| StatusCode::NO_CONTENT)
}

/// The team that the caller owns.
fn owned(storage: &dyn People, actor: &Actor) -> Result<Team, ApiError> {
    let email = &actor.caller.account.email;
    match storage.standing(actor.caller.account.key)? {
        Standing::In(team, Role::Owner) => check_own(&team).map(|()| team),
        Standing::In(team, _) => {
            Err(forbidden("forbidden", format!("only an owner of team {} says who is in it", team.name)))
        }
        Standing::Removed(team) => {
            Err(forbidden("not-a-member", format!("{email} is no longer a member of team {}", team.name)))
        }
        Standing::Alone => Err(forbidden("no-team", format!("{email} is in no team"))),
    }
}

/// Refuses to decide about a tenant's team.
fn check_own(team: &Team) -> Result<(), ApiError> {
    match &team.tenant {
        None => Ok(()),
        Some(tenant) => Err(forbidden(
            "forbidden",
            format!("who is in team {}, the identity provider of {tenant} says", team.name),
        )),
    }
}

fn member(storage: &dyn People, team: &Team, email: &str) -> Result<Member, ApiError> {
    let found = storage.members(team.key)?.into_iter().find(|member| member.account.email == email);
    found.ok_or_else(|| ApiError::not_found(format!("{email} is not in team {}", team.name)))
}

/// Makes an account a member with this role.
fn set(storage: &dyn People, team: &Team, account: &Account, role: Role) -> Result<(), ApiError> {
    match storage.set_member(team.key, account.key, role, Timestamp::now()) {
        Err(StorageError::InAnotherTeam(other)) => {
            Err(conflict("in-another-team", format!("leave team {other} first")))
        }
        Err(StorageError::AccountDisabled(email)) => {
            Err(conflict("disabled", format!("the account {email} is disabled: it is given no role")))
        }
        done => Ok(done?),
    }
}

/// Refuses to take a team's last owner from it. Whoever is disabled owns nothing: they cannot sign in.
fn keep_an_owner(storage: &dyn People, team: &Team, member: &Member) -> Result<(), ApiError> {
    let owns = |member: &Member| member.role == Role::Owner && !member.account.disabled;
    let is_other = |other: &Member| owns(other) && other.account.key != member.account.key;
    if !owns(member) || storage.members(team.key)?.iter().any(is_other) {
        return Ok(());
    }
    let email = &member.account.email;
    Err(conflict(
        "last-owner",
        format!("{email} is the only owner of team {}: name another first", team.name),
    ))
}

fn note(
    storage: &dyn People,
    actor: &Actor,
    team: &Team,
    action: &str,
    subject: &str,
    outcome: &str,
) -> Result<(), ApiError> {
    let by = Witness {
        tenant: team.tenant.clone(),
        team: Some(team.name.clone()),
        account: Some(actor.caller.account.email.clone()),
        device: Some(actor.caller.grant.clone()),
        device_name: Some(actor.caller.device.clone()),
        request_id: Some(actor.request_id.clone()),
    };
    let deed =
        Deed { action: action.to_owned(), subject: Some(subject.to_owned()), outcome: outcome.to_owned() };
    Ok(storage.note(&by, &deed, Timestamp::now())?)
}

impl Actor {
    fn new(caller: Caller, axum::Extension(id): axum::Extension<RequestId>) -> Self {
        Self { caller, request_id: id.0 }
    }
}

fn address(text: &str) -> Result<String, ApiError> {
    email(text).ok_or_else(|| ApiError::invalid("that is not an email address"))
}

fn role_of(text: &str) -> Result<Role, ApiError> {
    text.parse().map_err(|error: crate::storage::NoRole| ApiError::invalid(error.to_string()))
}

fn forbidden(code: &'static str, message: String) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, code, message)
}

fn conflict(code: &'static str, message: String) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, code, message)
}
