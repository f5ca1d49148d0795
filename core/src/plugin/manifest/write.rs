//! The keys of a manifest but for its name, written as they are read.

use toml_edit::{Array, Item, Table, value};

use super::{LoginKind, Manifest, OptionSpec, Roles};
use crate::plugin::grants::{HostPattern, Network};
use crate::plugin::limits::SomeLimits;

pub(in crate::plugin) fn body(table: &mut Table, manifest: &Manifest) {
    table["version"] = value(&manifest.version);
    text(table, "description", manifest.description.as_deref());
    text(table, "publisher", manifest.publisher.as_deref());
    if manifest.roles != Roles::default() {
        table["roles"] = list(manifest.roles.names().iter().map(|name| (*name).to_owned()));
    }
    table["hosts"] = hosts(&manifest.hosts, Network::Public);
    table["private-network"] = hosts(&manifest.hosts, Network::Private);
    table["tenants"] = list(manifest.tenants.iter().cloned());
    text(table, "api-url", manifest.api_url.as_ref().map(ToString::to_string).as_deref());
    if manifest.env_token {
        table["env-token"] = value(true);
    }
    if let Some(kind) = &manifest.login {
        table["login"] = Item::Table(login(kind));
    }
    if !manifest.limits.is_empty() {
        table["limits"] = Item::Table(limits(&manifest.limits));
    }
    if !manifest.options.is_empty() {
        let mut options = Table::new();
        options.set_implicit(true);
        for (name, spec) in &manifest.options {
            options[name] = Item::Table(option(spec));
        }
        table["options"] = Item::Table(options);
    }
}

fn hosts(patterns: &[HostPattern], network: Network) -> Item {
    list(patterns.iter().filter(|pattern| pattern.network() == network).map(ToString::to_string))
}

fn list(texts: impl Iterator<Item = String>) -> Item {
    value(texts.collect::<Array>())
}

fn text(table: &mut Table, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        table[key] = value(text);
    }
}

fn login(kind: &LoginKind) -> Table {
    let mut table = Table::new();
    table["kind"] = value(match kind {
        LoginKind::Oauth { .. } => "oauth",
        LoginKind::Token => "token",
        LoginKind::Password => "password",
        LoginKind::AwsKeys { .. } => "aws-keys",
    });
    match kind {
        LoginKind::Oauth { issuer, client_id, scopes } => {
            text(&mut table, "issuer", issuer.as_ref().map(ToString::to_string).as_deref());
            text(&mut table, "client-id", client_id.as_deref());
            if let Some(scopes) = scopes {
                table["scopes"] = list(scopes.iter().cloned());
            }
        }
        LoginKind::AwsKeys { service } => table["service"] = value(service),
        LoginKind::Token | LoginKind::Password => {}
    }
    table
}

fn limits(some: &SomeLimits) -> Table {
    some.entries().into_iter().map(|(key, text)| (key, value(text))).collect()
}

fn option(spec: &OptionSpec) -> Table {
    let mut table = Table::new();
    text(&mut table, "about", spec.about.as_deref());
    for (key, set) in [("required", spec.required), ("place", spec.place)] {
        if set {
            table[key] = value(true);
        }
    }
    text(&mut table, "default", spec.default.as_deref());
    table
}
