//! `orkee cloud provider grant`

use orkee_core::plugin::{Change, HostPattern, Network, PatternError, RegistryError};
use orkee_core::store::AuditAction;
use serde::Serialize;

use crate::commands::cloud::trail;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Let a provider reach more hosts, or use the token of the environment
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider grant notes https://files.example.com
  orkee cloud provider grant notes 'https://*.example.com'
  orkee cloud provider grant notes http://192.168.1.10:8080 --private-network
  orkee cloud provider grant notes --env-token")]
pub(crate) struct Grant {
    /// The provider
    #[arg(value_name = "NAME")]
    name: String,
    /// Such as https://files.example.com, or https://*.example.com for all below a domain
    #[arg(value_name = "HOST", required_unless_present = "env_token")]
    hosts: Vec<String>,
    /// They may lie in private networks or on this machine, over plain http too
    #[arg(long)]
    private_network: bool,
    /// ORKEE_CLOUD_TOKEN may stand for its login, for the server of ORKEE_CLOUD_API_URL
    #[arg(long, conflicts_with_all = ["hosts", "private_network"])]
    env_token: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    granted: Vec<String>,
}

impl Grant {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if self.env_token {
            return set_env_token(cx, &self.name, true);
        }
        let network = if self.private_network { Network::Private } else { Network::Public };
        let hosts = self.hosts.iter().map(|host| HostPattern::parse(host, network));
        let hosts = hosts.collect::<Result<Vec<_>, PatternError>>().map_err(RegistryError::Host)?;
        let added = Change::begin(cx.home()?)?.grant(&self.name, hosts)?;
        let (name, granted) = (&self.name, added.iter().map(ToString::to_string).collect::<Vec<_>>());
        if !granted.is_empty() {
            trail::provider(cx, AuditAction::Grant, name, granted.join(", "))?;
        }
        match granted.is_empty() {
            true => cx.out.done(format_args!("{name} may reach that already"))?,
            false => cx.out.done(format_args!("{name} may now reach {}", granted.join(", ")))?,
        }
        if cx.out.is_json() {
            cx.out.document(&Document { name, granted })?;
        }
        Ok(Exit::DONE)
    }
}

#[derive(Serialize)]
struct EnvTokenDocument<'a> {
    name: &'a str,
    env_token: bool,
}

/// Lets the token of the environment stand for a provider's login, or no longer.
pub(super) fn set_env_token(cx: &Context, name: &str, may: bool) -> CommandResult {
    let is_news = Change::begin(cx.home()?)?.set_env_token(name, may)?;
    if is_news {
        let action = if may { AuditAction::Grant } else { AuditAction::Revoke };
        trail::provider(cx, action, name, "ORKEE_CLOUD_TOKEN")?;
    }
    match (may, is_news) {
        (true, true) => {
            cx.out.done(format_args!("ORKEE_CLOUD_TOKEN may now stand for the login of {name}"))?
        }
        (true, false) => {
            cx.out.done(format_args!("ORKEE_CLOUD_TOKEN may stand for the login of {name} already"))?
        }
        (false, true) => {
            cx.out.done(format_args!("ORKEE_CLOUD_TOKEN may no longer stand for the login of {name}"))?
        }
        (false, false) => cx.out.done(format_args!("{name} was not granted ORKEE_CLOUD_TOKEN"))?,
    }
    if cx.out.is_json() {
        cx.out.document(&EnvTokenDocument { name, env_token: may })?;
    }
    Ok(Exit::DONE)
}
