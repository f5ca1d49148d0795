//! `GET /v1/account`: whose token it is, and the team that they are in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::http::{ApiError, App};
use crate::storage::{Caller, Standing};

pub(super) async fn show(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let account = caller.account;
    let key = account.key;
    let team = match app.storage(move |storage| storage.standing(key)).await? {
        Standing::In(team, role) => json!({ "id": team.id, "name": team.name, "role": role.as_str() }),
        Standing::Removed(_) | Standing::Alone => Value::Null,
    };
    Ok(Json(json!({ "id": account.id, "email": account.email, "plan": account.plan, "team": team })))
}
