//! `GET /v1/account`: whose token it is.

use axum::Json;
use serde_json::{Value, json};

use crate::storage::Caller;

pub(super) async fn show(caller: Caller) -> Json<Value> {
    let account = caller.account;
    Json(json!({ "id": account.id, "email": account.email, "plan": account.plan }))
}
