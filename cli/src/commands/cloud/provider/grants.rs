//! `orkee cloud provider grants`

use std::collections::BTreeMap;

use orkee_core::net::ProxyOptions;
use orkee_core::plugin::{Installed, Manifest, Network, Registry};
use serde::Serialize;

use super::view::{self, CredentialView};
use crate::commands::cloud::builtin;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::{Paint, text};

/// What holds for every name behind a proxy.
pub(crate) const BEHIND_A_PROXY: &str = "HTTPS_PROXY is set: the proxy resolves names, so they are checked as they are written \
                                         only, not where they lead to";

/// Show what installed providers may do
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider grants
  orkee cloud provider grants notes --json")]
pub(crate) struct Grants {
    /// This one alone
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    grants: Vec<GrantView<'a>>,
    names_checked_as_written: bool,
}

#[derive(Serialize)]
struct GrantView<'a> {
    name: &'a str,
    version: &'a str,
    sha256: Option<String>,
    hosts: Vec<String>,
    private_network: Vec<String>,
    credentials: Vec<CredentialView>,
    env_token: bool,
    tenants: &'a [String],
    limits: BTreeMap<&'static str, String>,
}

impl Grants {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if let Some(built_in) = self.name.as_deref().and_then(builtin::named) {
            return of_built_in(cx, &built_in.manifest()?);
        }
        let registry = Registry::open(cx.home()?)?;
        let plugins: Vec<&Installed> = match &self.name {
            Some(name) => vec![registry.expect(name)?],
            None => registry.installed().collect(),
        };
        if cx.out.is_json() {
            let grants = plugins.into_iter().map(GrantView::of).collect();
            cx.out.document(&Document { grants, names_checked_as_written: is_proxied() })?;
            return Ok(Exit::DONE);
        }
        if plugins.is_empty() {
            cx.out.note(
                "Nothing is installed: only what is part of Orkee runs, and it reaches the API URL alone.",
            );
        }
        for (index, plugin) in plugins.iter().enumerate() {
            if index > 0 {
                cx.out.line("")?;
            }
            show(cx, &plugin.current.granted)?;
        }
        if is_proxied() {
            cx.out.note(BEHIND_A_PROXY);
        }
        Ok(Exit::DONE)
    }
}

/// Nobody granted a provider that is part of the program anything, and it has what it was made for.
fn of_built_in(cx: &Context, manifest: &Manifest) -> CommandResult {
    if cx.out.is_json() {
        let grants = vec![GrantView::new(manifest, None)];
        cx.out.document(&Document { grants, names_checked_as_written: is_proxied() })?;
        return Ok(Exit::DONE);
    }
    show(cx, manifest)?;
    let alone = match manifest.hosts.is_empty() && manifest.roles.syncs() {
        true => ": it reaches the API URL alone",
        false => "",
    };
    cx.out.note(format_args!(
        "{} is part of Orkee{alone}; nothing is granted to it or taken away.",
        manifest.name
    ));
    Ok(Exit::DONE)
}

/// Whether the environment names a proxy.
pub(crate) fn is_proxied() -> bool {
    ProxyOptions::from_env().url.is_some()
}

fn show(cx: &Context, granted: &Manifest) -> Result<(), Failure> {
    cx.out.line(cx.out.paint(Paint::Strong, &format!("{} {}", granted.name, granted.version)))?;
    let line = |text: &str| cx.out.line(format_args!("  {}", text::line(text)));
    if granted.roles.delivers() {
        line(
            "delivers the events of each webhook that is added with it, and reaches that webhook's address",
        )?;
    }
    if granted.roles.syncs() {
        line("reaches the API URL of its tenant")?;
    }
    view::hosts(granted).iter().try_for_each(|host| line(&format!("reaches {host}")))?;
    if let Some(login) = &granted.login {
        line(&format!("uses {}, sent to the API URL alone", login.describe()))?;
    }
    if granted.env_token {
        line("uses ORKEE_CLOUD_TOKEN in the place of its login, for the server of ORKEE_CLOUD_API_URL")?;
    }
    if !granted.tenants.is_empty() {
        line(&format!("serves the tenants {}", granted.tenants.join(", ")))?;
    }
    if !granted.limits.is_empty() {
        line(&format!("may use {}", granted.limits))?;
    }
    Ok(())
}

impl<'a> GrantView<'a> {
    fn of(plugin: &'a Installed) -> Self {
        Self::new(&plugin.current.granted, Some(plugin.current.sha256.to_string()))
    }

    fn new(granted: &'a Manifest, sha256: Option<String>) -> Self {
        let hosts = |network| {
            let hosts = granted.hosts.iter().filter(move |host| host.network() == network);
            hosts.map(ToString::to_string).collect()
        };
        Self {
            name: granted.name.as_str(),
            version: &granted.version,
            sha256,
            hosts: hosts(Network::Public),
            private_network: hosts(Network::Private),
            credentials: view::credentials(granted),
            env_token: granted.env_token,
            tenants: &granted.tenants,
            limits: granted.limits.entries().into_iter().collect(),
        }
    }
}
