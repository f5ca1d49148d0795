//! The keys of a manifest.

use std::collections::BTreeMap;

use toml_edit::Document;

use super::error::ManifestError;
use super::fields::{Fields, line_of};
use super::{LoginKind, Manifest, OptionSpec, PluginName, roles};
use crate::net::ApiUrl;
use crate::plugin::grants::{HostPattern, Network};
use crate::plugin::limits::SomeLimits;
use crate::plugin::text::clean;

/// Larger texts are no manifests.
const MAX_TEXT: usize = 64 << 10;
const MAX_VERSION: usize = 40;
const MAX_TENANT: usize = 64;
/// Services for which keys may sign. Others hand out credentials of their own, which no plugin may see.
const AWS_SERVICES: [&str; 1] = ["s3"];

pub(super) fn manifest(text: &str) -> Result<Manifest, ManifestError> {
    if text.len() > MAX_TEXT {
        return Err(ManifestError::new("", format!("it has more than {MAX_TEXT} bytes")));
    }
    let document = Document::parse(text).map_err(|error| ManifestError {
        line: error.span().map(|span| line_of(text, span.start)),
        ..ManifestError::new("", format!("it is not TOML: {}", clean(error.message(), 200)))
    })?;
    let mut fields = Fields::new(text, document.as_table());
    let name = fields.text("name")?.ok_or_else(|| ManifestError::new("name", "it is missing"))?;
    let name: PluginName = name.parse().map_err(|error: ManifestError| fields.about("name", error.what))?;
    let manifest = body(&mut fields, name)?;
    fields.finish()?;
    Ok(manifest)
}

/// All but the name: what a manifest asks for, and a grants file grants, in the same words.
pub(in crate::plugin) fn body(fields: &mut Fields<'_>, name: PluginName) -> Result<Manifest, ManifestError> {
    let version = version(fields)?;
    let mut hosts = patterns(fields, "hosts", Network::Public)?;
    hosts.extend(patterns(fields, "private-network", Network::Private)?);
    let manifest = Manifest {
        name,
        version,
        description: fields.text("description")?,
        publisher: fields.text("publisher")?,
        roles: roles::read(fields)?,
        hosts,
        tenants: tenants(fields)?,
        api_url: url(fields, "api-url")?,
        login: fields.table("login")?.map(login).transpose()?,
        env_token: fields.truth("env-token")?,
        limits: fields.table("limits")?.map(limits).transpose()?.unwrap_or_default(),
        options: fields.table("options")?.map(options).transpose()?.unwrap_or_default(),
    };
    check(&manifest)?;
    Ok(manifest)
}

/// It is shown beside what was verified, so it says nothing but a version.
fn version(fields: &mut Fields<'_>) -> Result<String, ManifestError> {
    let version = fields.text("version")?.ok_or_else(|| fields.about("version", "it is missing"))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".+-_".contains(&b);
    match version.len() <= MAX_VERSION && version.bytes().all(plain) {
        true => Ok(version),
        false => {
            Err(fields
                .about("version", "it has to be at most 40 letters, digits, dots, hyphens and plus signs"))
        }
    }
}

/// Tenants are typed into shells and configurations.
fn tenants(fields: &mut Fields<'_>) -> Result<Vec<String>, ManifestError> {
    let tenants = fields.texts("tenants")?.unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let is_one = |tenant: &String| {
        tenant.len() <= MAX_TENANT && tenant.bytes().all(plain) && !tenant.starts_with(['-', '.'])
    };
    match tenants.iter().find(|tenant| !is_one(tenant)) {
        None => Ok(tenants),
        Some(tenant) => Err(fields.about(
            "tenants",
            format!(
                "`{}` is no tenant that can be claimed: letters, digits, dots, hyphens",
                clean(tenant, 40)
            ),
        )),
    }
}

/// What no key alone can say.
fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    if !manifest.roles.syncs() {
        let asked = [
            ("hosts", !manifest.hosts.is_empty()),
            ("tenants", !manifest.tenants.is_empty()),
            ("api-url", manifest.api_url.is_some()),
            ("login", manifest.login.is_some()),
        ];
        if let Some((key, _)) = asked.into_iter().find(|(_, is_there)| *is_there) {
            let what = "a dispatcher reaches each webhook's own address alone, and signs in nowhere";
            return Err(ManifestError::new(key, what));
        }
    }
    let region = manifest.options.get("region").is_some_and(|o| o.required || o.default.is_some());
    match manifest.login {
        Some(LoginKind::AwsKeys { .. }) if !region => Err(ManifestError::new(
            "login.kind",
            "`aws-keys` needs the option `region`, required or with a default",
        )),
        None if manifest.env_token => {
            Err(ManifestError::new("env-token", "it stands for a login, and there is none"))
        }
        _ => Ok(()),
    }
}

fn patterns(
    fields: &mut Fields<'_>,
    key: &'static str,
    network: Network,
) -> Result<Vec<HostPattern>, ManifestError> {
    let entries = fields.texts(key)?.unwrap_or_default();
    let pattern = |entry: &String| {
        HostPattern::parse(entry, network).map_err(|wrong| {
            let error = fields.about(key, wrong.to_string());
            match wrong.corrected {
                Some(corrected) => error.instead(corrected),
                None => error,
            }
        })
    };
    entries.iter().map(pattern).collect()
}

fn url(fields: &mut Fields<'_>, key: &'static str) -> Result<Option<ApiUrl>, ManifestError> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    ApiUrl::parse(&text).map(Some).map_err(|error| fields.about(key, error.to_string()))
}

fn login(mut fields: Fields<'_>) -> Result<LoginKind, ManifestError> {
    let kind = fields.text("kind")?.ok_or_else(|| fields.about("kind", "it is missing"))?;
    let login = match kind.as_str() {
        "oauth" => oauth(&mut fields)?,
        "token" => LoginKind::Token,
        "password" => LoginKind::Password,
        "aws-keys" => LoginKind::AwsKeys { service: service(&mut fields)? },
        _ => {
            return Err(fields.about("kind", "it has to be `oauth`, `token`, `password` or `aws-keys`"));
        }
    };
    fields.finish()?;
    Ok(login)
}

/// A client of its own at an issuer of its own: Orkee's client is for the server that the token goes to.
fn oauth(fields: &mut Fields<'_>) -> Result<LoginKind, ManifestError> {
    let issuer = url(fields, "issuer")?;
    let client_id = fields.text("client-id")?;
    if issuer.is_some() && client_id.is_none() {
        return Err(fields
            .about("client-id", "it is missing: an issuer knows the provider by a client id of its own"));
    }
    Ok(LoginKind::Oauth { issuer, client_id, scopes: fields.texts("scopes")? })
}

fn service(fields: &mut Fields<'_>) -> Result<String, ManifestError> {
    let service = fields.text("service")?.ok_or_else(|| fields.about("service", "it is missing"))?;
    match AWS_SERVICES.contains(&service.as_str()) {
        true => Ok(service),
        false => Err(fields.about("service", "keys sign requests for `s3` alone").instead(AWS_SERVICES[0])),
    }
}

fn limits(mut fields: Fields<'_>) -> Result<SomeLimits, ManifestError> {
    let mut limits = SomeLimits::default();
    for key in SomeLimits::KEYS {
        if let Some(value) = fields.written(key)? {
            limits.set(key, &value).map_err(|what| fields.about(key, what))?;
        }
    }
    fields.finish()?;
    Ok(limits)
}

fn options(fields: Fields<'_>) -> Result<BTreeMap<String, OptionSpec>, ManifestError> {
    fields.tables()?.into_iter().map(|(name, inner)| Ok((option_name(&name)?, option(inner)?))).collect()
}

fn option_name(name: &str) -> Result<String, ManifestError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) {
        true => Ok(name.to_owned()),
        false => Err(ManifestError::new(
            "options",
            format!("`{}` is no name of an option: lower case letters, digits and hyphens", clean(name, 40)),
        )),
    }
}

fn option(mut fields: Fields<'_>) -> Result<OptionSpec, ManifestError> {
    let option = OptionSpec {
        about: fields.text("about")?,
        required: fields.truth("required")?,
        default: fields.written("default")?,
        place: fields.truth("place")?,
    };
    fields.finish()?;
    Ok(option)
}
