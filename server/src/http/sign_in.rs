//! What a tenant asks of its people's requests: a sign-in that is not over, sealed records, and, where the tenant has its identity
//! provider's access tokens go to the API themselves, one that is good.
//!
//! Settings are read with each request, so that what an administrator changes holds at the next one.

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;

use super::caller::BAD;
use super::{ApiError, App};
use crate::storage::{Account, Caller, Deed, OF_PROVIDER, People, Rules, StorageError, Tenant, Witness};
use crate::tenant::issuers::IssuerError;
use crate::tenant::{Denied, Proof, Settings, Unproved, admit, known};

const OVER: &str = "the time for which the tenant lets anybody be signed in is over: sign in again";

/// A caller with a token of this server, and what its tenant asks.
pub(super) async fn ruled(app: &App, caller: Caller, named: Option<&str>) -> Result<Caller, ApiError> {
    let tenant = match caller.account.tenant {
        None => None,
        Some(key) => app.storage(move |storage| storage.tenant_by_key(key)).await?,
    };
    if named.is_some_and(|named| tenant.as_ref().is_none_or(|tenant| tenant.name != named)) {
        let message = "the token is not one of the tenant that orkee-tenant names";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "wrong-tenant", message));
    }
    let Some(tenant) = tenant else { return Ok(caller) };
    let settings = Settings::of(&tenant).map_err(|e| ApiError::internal(&e))?;
    let end = caller.signed_in_at.and_then(|at| settings.end_of(at));
    if end.is_some_and(|end| end <= Timestamp::now()) {
        return Err(ApiError::unauthorized(OVER, BAD));
    }
    Ok(Caller { rules: rules(&tenant, &settings), ..caller })
}

fn rules(tenant: &Tenant, settings: &Settings) -> Rules {
    Rules { tenant: Some(tenant.name.clone()), seals: settings.seals() }
}

/// A caller with an access token of the tenant's identity provider.
pub(super) async fn direct(
    app: &Arc<App>,
    name: &str,
    token: &str,
    request_id: Option<String>,
) -> Result<Caller, ApiError> {
    let name = name.to_owned();
    let Some(tenant) = app.storage(move |storage| storage.tenant(&name)).await? else {
        return Err(ApiError::unauthorized("this server has no tenant of that name", BAD));
    };
    let settings = Settings::of(&tenant).map_err(|e| ApiError::internal(&e))?;
    let now = Timestamp::now();
    let proof = Proof::of_access_token(&app.issuers, &settings, token, now).await;
    let proof = proof.map_err(|unproved| refuse_token(&tenant, &unproved))?;
    if settings.end_of(proof.signed_in).is_some_and(|end| end <= now) {
        return Err(ApiError::unauthorized(OVER, BAD));
    }
    let rules = rules(&tenant, &settings);
    let told = Arc::clone(app);
    let (tenant_name, provider) = (tenant.name.clone(), proof.provider.clone());
    let admitted = app
        .storage(move |storage| {
            let admitted = match known(storage, &tenant, &settings, &proof)? {
                Some(account) => Ok(account),
                None => {
                    let nothing = |_: &dyn People, _: &Account| Ok(());
                    admit(storage, &tenant, &settings, &proof, request_id.as_deref(), now, nothing)
                        .map(|(account, ())| account)
                }
            };
            let (account, outcome) = match &admitted {
                Ok(account) => (Some(account.email.clone()), "done".to_owned()),
                Err(denied) => (proof.email.clone(), format!("refused: {denied}")),
            };
            if told.seen.is_new(proof.id, &outcome, now) {
                storage.note(&witness(&tenant, account, request_id), &deed(&proof, outcome), now)?;
            }
            let signed_in = proof.signed_in;
            Ok::<_, StorageError>(admitted.map(|account| (account, signed_in)))
        })
        .await?;
    match admitted {
        Ok((account, signed_in)) => Ok(caller(account, &provider, signed_in, rules)),
        Err(denied) => Err(deny(&tenant_name, denied)),
    }
}

/// No grant of this server's stands behind it: the identity provider's name is all there is to show.
fn caller(account: Account, provider: &str, signed_in: Timestamp, rules: Rules) -> Caller {
    Caller {
        account,
        grant: format!("{OF_PROVIDER}{provider}"),
        device: format!("signed in at {provider}"),
        signed_in_at: Some(signed_in),
        rules,
        key: None,
        is_sign_in: true,
    }
}

fn witness(tenant: &Tenant, account: Option<String>, request_id: Option<String>) -> Witness {
    Witness {
        tenant: Some(tenant.name.clone()),
        team: Some(tenant.team.name.clone()),
        account,
        request_id,
        ..Witness::default()
    }
}

fn deed(proof: &Proof, outcome: String) -> Deed {
    Deed { action: "sign-in".to_owned(), subject: Some(proof.provider.clone()), outcome }
}

fn refuse_token(tenant: &Tenant, unproved: &Unproved) -> ApiError {
    tracing::warn!(tenant = tenant.name, why = %unproved, "an identity provider's token was refused");
    match unproved {
        Unproved::Issuer(IssuerError::Keys(_)) => {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", unproved.to_string())
        }
        _ => ApiError::unauthorized(format!("the token is refused: {unproved}"), BAD),
    }
}

fn deny(tenant: &str, denied: Denied) -> ApiError {
    tracing::warn!(tenant, why = %denied, "somebody was not let in");
    match denied {
        Denied::Storage(error) => error.into(),
        Denied::Removed(_) | Denied::Old | Denied::Spent => ApiError::unauthorized(denied.to_string(), BAD),
        _ => ApiError::new(StatusCode::FORBIDDEN, "not-admitted", denied.to_string()),
    }
}
