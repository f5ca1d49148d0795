//! `orkee cloud provider revoke`

use orkee_core::plugin::Change;
use orkee_core::store::AuditAction;
use serde::Serialize;

use super::grant::set_env_token;
use crate::commands::cloud::trail;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Take hosts away from a provider, or the token of the environment
///
/// It keeps the API URL that you set for a tenant. Without it, remove the provider.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider revoke notes https://files.example.com
  orkee cloud provider revoke notes      all hosts that it was granted
  orkee cloud provider revoke notes --env-token")]
pub(crate) struct Revoke {
    /// The provider
    #[arg(value_name = "NAME")]
    name: String,
    /// As `grants` shows them; none: all
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// ORKEE_CLOUD_TOKEN may no longer stand for its login
    #[arg(long, conflicts_with = "hosts")]
    env_token: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    revoked: Vec<String>,
}

impl Revoke {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if self.env_token {
            return set_env_token(cx, &self.name, false);
        }
        let removed = Change::begin(cx.home()?)?.revoke(&self.name, &self.hosts)?;
        let (name, revoked) = (&self.name, removed.iter().map(ToString::to_string).collect::<Vec<_>>());
        if !revoked.is_empty() {
            trail::provider(cx, AuditAction::Revoke, name, revoked.join(", "))?;
        }
        match revoked.is_empty() {
            true => cx.out.done(format_args!("{name} was granted no host"))?,
            false => cx.out.done(format_args!("{name} may no longer reach {}", revoked.join(", ")))?,
        }
        if cx.out.is_json() {
            cx.out.document(&Document { name, revoked })?;
        }
        Ok(Exit::DONE)
    }
}
