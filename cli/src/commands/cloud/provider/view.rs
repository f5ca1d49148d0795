//! A provider, as scripts and tables show it.

use orkee_core::plugin::{HostPattern, Installed, LoginKind, Manifest, Network, ORKEE_CLOUD, Registry};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;

/// What `source` says of a provider that is part of the program.
pub(super) const BUILT_IN: &str = "built-in";

#[derive(Debug, Serialize)]
pub(super) struct ProviderView {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) source: String,
    pub(super) sha256: Option<String>,
    pub(super) hosts: Vec<String>,
    pub(super) credentials: Vec<CredentialView>,
    pub(super) active: bool,
    pub(super) tenants: Vec<String>,
}

/// A credential that a provider may name.
#[derive(Debug, Serialize)]
pub(super) struct CredentialView {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

impl ProviderView {
    pub(super) fn of(cx: &Context, installed: &Installed) -> Self {
        let release = &installed.current;
        let granted = &release.granted;
        Self {
            name: granted.name.to_string(),
            version: granted.version.clone(),
            source: release.source.clone(),
            sha256: Some(release.sha256.to_string()),
            hosts: granted.hosts.iter().map(ToString::to_string).collect(),
            credentials: credentials(granted),
            active: active(cx).is_ok_and(|active| active.as_deref() == Some(granted.name.as_str())),
            tenants: granted.tenants.clone(),
        }
    }

    /// The one that speaks to Orkee Cloud. It has no hosts of its own: what it reaches is the API URL.
    pub(super) fn orkee_cloud(cx: &Context) -> Self {
        Self {
            name: ORKEE_CLOUD.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: BUILT_IN.to_owned(),
            sha256: None,
            hosts: Vec::new(),
            credentials: vec![CredentialView { name: "login", kind: "oauth" }],
            active: active(cx).is_ok_and(|active| active.as_deref() == Some(ORKEE_CLOUD)),
            tenants: Vec::new(),
        }
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

/// The provider that the settings choose, if they do.
fn active(cx: &Context) -> Result<Option<String>, Failure> {
    let settings = cx.settings()?;
    let tenant = settings.tenant()?.value;
    if tenant.is_empty() {
        return Ok(Some(ORKEE_CLOUD.to_owned()));
    }
    if let Some(named) = settings.tenant_provider(&tenant)? {
        return Ok(Some(named));
    }
    let registry = Registry::open(cx.home()?)?;
    let mut claiming = registry.installed().filter(|plugin| plugin.current.granted.tenants.contains(&tenant));
    match (claiming.next(), claiming.next()) {
        (Some(one), None) => Ok(Some(one.name().to_string())),
        _ => Ok(None),
    }
}
