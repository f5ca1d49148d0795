//! `orkee cloud provider grant`

use orkee_core::plugin::{Change, HostPattern, Network, PatternError, RegistryError};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Let a provider reach more hosts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider grant notes https://files.example.com
  orkee cloud provider grant notes 'https://*.example.com'
  orkee cloud provider grant notes http://192.168.1.10:8080 --private-network")]
pub(crate) struct Grant {
    /// The provider
    #[arg(value_name = "NAME")]
    name: String,
    /// Such as https://files.example.com, or https://*.example.com for all below a domain
    #[arg(value_name = "HOST", required = true)]
    hosts: Vec<String>,
    /// They may lie in private networks or on this machine, over plain http too
    #[arg(long)]
    private_network: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    granted: Vec<String>,
}

impl Grant {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let network = if self.private_network { Network::Private } else { Network::Public };
        let hosts = self.hosts.iter().map(|host| HostPattern::parse(host, network));
        let hosts = hosts.collect::<Result<Vec<_>, PatternError>>().map_err(RegistryError::Host)?;
        let added = Change::begin(cx.home()?)?.grant(&self.name, hosts)?;
        let (name, granted) = (&self.name, added.iter().map(ToString::to_string).collect::<Vec<_>>());
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
