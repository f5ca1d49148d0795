//! `orkee cloud token`

use orkee_core::auth::AuthError;
use serde::Serialize;

use super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Print the access token, for a script that calls the API itself
///
/// Refreshed first where it is about to expire.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud token
  curl -H \"Authorization: Bearer $(orkee cloud token)\" https://api.orkee.ai/v1/projects")]
pub(crate) struct Token {}

#[derive(Serialize)]
struct Document<'a> {
    token: &'a str,
}

impl Token {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let method = cloud.needs_sign_in()?.method;
        if !method.is_token() {
            return Err(AuthError::NoToken { host: cloud.host(), method }.into());
        }
        let Some(tokens) = cloud.tokens(cx) else { return Ok(Exit::DONE) };
        let token = surroundings::run(async { Ok(tokens.current().await?) })?;
        if tokens.is_bound() {
            cx.out.warn("this token is bound to a key of this device: without a proof of it the server refuses it; make an API token for scripts");
        }
        if cx.out.is_json() {
            cx.out.document(&Document { token: token.expose() })?;
        } else {
            cx.out.line(token.expose())?;
        }
        Ok(Exit::DONE)
    }
}
