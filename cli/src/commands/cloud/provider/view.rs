//! A provider, as scripts and tables show it.

use orkee_core::auth::Asking;
use orkee_core::plugin::{BuiltFor, HostPattern, Installed, LoginKind, Manifest, Network, Registry};
use serde::Serialize;

use crate::commands::cloud::builtin::BuiltIn;
use crate::commands::cloud::choice::{Ask, Choice};
use crate::commands::cloud::surroundings;
use crate::context::Context;
use crate::failure::Failure;

/// What `source` says of a provider that is part of the program.
pub(super) const BUILT_IN: &str = "built-in";

/// What a dispatcher reaches and gets, whichever it is.
pub(super) const DELIVERY: [(&str, &str); 3] = [
    ("May reach", "the address of each webhook that is added with it, and no other"),
    ("Gets", "the webhook's URL, and the events that are sent there, with the names of projects and devices"),
    ("Signs", "with the webhook's keys, which it never sees"),
];

#[derive(Debug, Serialize)]
pub(super) struct ProviderView {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) roles: &'static [&'static str],
    pub(super) source: String,
    pub(super) sha256: Option<String>,
    pub(super) hosts: Vec<String>,
    pub(super) credentials: Vec<CredentialView>,
    pub(super) active: bool,
    pub(super) tenants: Vec<String>,
    /// The contract that it was built for, such as `orkee:sync 1.0.0`; none: its file is gone, or does not say.
    pub(super) contract: Option<String>,
    /// Whether this program runs components of that contract.
    pub(super) runs: bool,
    /// Where it does not: what to do.
    #[serde(skip)]
    pub(super) remedy: Option<String>,
}

/// A credential that a provider may name.
#[derive(Debug, Serialize)]
pub(super) struct CredentialView {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

impl ProviderView {
    pub(super) fn of(cx: &Context, registry: &Registry, installed: &Installed) -> Self {
        let release = &installed.current;
        let built_for = registry.built_for(release);
        let granted = &release.granted;
        Self {
            name: granted.name.to_string(),
            version: granted.version.clone(),
            roles: granted.roles.names(),
            source: release.source.clone(),
            sha256: Some(release.sha256.to_string()),
            hosts: granted.hosts.iter().map(ToString::to_string).collect(),
            credentials: credentials(granted),
            active: active(cx).is_ok_and(|active| active == granted.name.as_str()),
            tenants: granted.tenants.clone(),
            runs: built_for.as_ref().is_some_and(BuiltFor::runs_here),
            remedy: built_for.as_ref().and_then(|built_for| remedy(granted.name.as_str(), built_for)),
            contract: built_for.map(|built_for| built_for.to_string()),
        }
    }

    /// One that is part of the program. What it reaches is the API URL, and the hosts that it was made for.
    pub(super) fn built_in(cx: &Context, built_in: &BuiltIn) -> Result<Self, Failure> {
        let manifest = built_in.manifest()?;
        Ok(Self {
            name: built_in.name.to_owned(),
            version: manifest.version.clone(),
            roles: manifest.roles.names(),
            source: BUILT_IN.to_owned(),
            sha256: None,
            hosts: manifest.hosts.iter().map(ToString::to_string).collect(),
            credentials: credentials(&manifest),
            active: manifest.roles.syncs() && active(cx).is_ok_and(|active| active == built_in.name),
            tenants: Vec::new(),
            contract: Some(BuiltFor::this_host().to_string()),
            runs: true,
            remedy: None,
        })
    }
}

impl ProviderView {
    /// Whether it can be chosen to sync with.
    pub(super) fn syncs(&self) -> bool {
        self.roles.contains(&"provider")
    }
}

/// What to do with one that was built for another track of the contract; none: it was not.
pub(crate) fn remedy(name: &str, built_for: &BuiltFor) -> Option<String> {
    let supported = BuiltFor::supported();
    match (built_for.runs_here(), built_for.is_newer()) {
        (true, _) => None,
        (false, true) => Some(format!(
            "this Orkee runs {supported}: update Orkee, or run `orkee cloud provider rollback {name}`"
        )),
        (false, false) => Some(format!(
            "this Orkee runs {supported}: run `orkee cloud provider update {name}` once its author has built it anew"
        )),
    }
}

pub(super) fn credentials(granted: &Manifest) -> Vec<CredentialView> {
    granted.login.iter().map(|login| CredentialView { name: "login", kind: kind(login) }).collect()
}

/// As the manifest writes it.
pub(super) fn kind(login: &LoginKind) -> &'static str {
    match login {
        LoginKind::Oauth { .. } => "oauth",
        LoginKind::Token => "token",
        LoginKind::Password => "password",
        LoginKind::AwsKeys { .. } => "aws-keys",
    }
}

/// The granted hosts, in words: which of them may lie in private networks.
pub(super) fn hosts(granted: &Manifest) -> Vec<String> {
    let host = |host: &HostPattern| match host.network() {
        Network::Public => host.to_string(),
        Network::Private => format!("{host} (in private networks, too)"),
    };
    granted.hosts.iter().map(host).collect()
}

/// The provider that the settings choose.
fn active(cx: &Context) -> Result<String, Failure> {
    let tenant = cx.settings()?.tenant()?.value;
    let (auth, _) = surroundings::logins(cx)?;
    Ok(Choice::of(cx, &tenant, Ask { auth: &auth, asking: Asking::Never })?.name().to_owned())
}
