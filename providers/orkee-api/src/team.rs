//! The team that the account is in, and who else is.

use orkee_provider_sdk::{Failure, Request, percent_encoded, team};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Api;
use crate::api::success;

#[derive(Deserialize)]
struct Standing {
    team: Option<Team>,
    removed_from: Option<String>,
    #[serde(default)]
    invitations: Vec<Invitation>,
}

#[derive(Deserialize)]
struct Team {
    id: String,
    name: String,
    role: String,
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    email: String,
    role: String,
}

#[derive(Deserialize)]
struct Invitation {
    team: String,
    role: String,
}

pub(crate) fn show(api: &Api) -> Result<team::Standing, Failure> {
    let reply = api.get("/v1/team".to_owned())?;
    let reply = success(reply, "application/json").map_err(|refusal| refusal.failure())?;
    let Standing { team, removed_from, invitations } = reply.json()?;
    let member = |Member { email, role }| team::Member { email, role };
    let membership = team.map(|Team { id, name, role, members }| team::Membership {
        id,
        name,
        role,
        members: members.into_iter().map(member).collect(),
    });
    let invitation = |Invitation { team, role }| team::Invitation { team, role };
    Ok(team::Standing {
        membership,
        removed_from,
        invitations: invitations.into_iter().map(invitation).collect(),
    })
}

pub(crate) fn invite(api: &Api, email: &str, role: &str) -> Result<(), Failure> {
    let body = json!({ "email": email, "role": role });
    api.change(Request::post("/v1/team/invitations"), &body)
}

pub(crate) fn set_role(api: &Api, email: &str, role: &str) -> Result<(), Failure> {
    api.change(Request::put(member(email)), &json!({ "role": role }))
}

pub(crate) fn remove(api: &Api, email: &str) -> Result<(), Failure> {
    api.delete(member(email))
}

pub(crate) fn join(api: &Api, team: &str) -> Result<(), Failure> {
    api.change(Request::post("/v1/team/join"), &json!({ "team": team }))
}

pub(crate) fn leave(api: &Api) -> Result<(), Failure> {
    api.change(Request::post("/v1/team/leave"), &Value::Null)
}

fn member(email: &str) -> String {
    format!("/v1/team/members/{}", percent_encoded(email))
}
