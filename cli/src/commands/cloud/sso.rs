//! Which identity provider a sign-in goes through: the one that is set, the only one, or the one that the person names.

use orkee_core::auth::{AuthError, IdentityProvider, Sso, Tenant, TenantError};
use orkee_core::settings::{Key, Setting};

use super::surroundings::Cloud;
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::prompt;

/// A sign-in through an identity provider of the tenant in use. None: it has none, and people sign in at its API.
pub(super) fn of(cx: &Context, cloud: &Cloud) -> Result<Option<Sso>, Failure> {
    let Some(tenant) = cloud.choice.enterprise() else { return Ok(None) };
    let set = cx.settings()?.text(Key::SsoProvider)?;
    let asked = set.as_ref().map(|Setting { value, .. }| value.trim());
    let chosen = match tenant.identity_provider(asked) {
        Err(error @ TenantError::WhichIdentityProvider { .. }) => Some(ask(cx, tenant, error)?),
        other => other.map_err(AuthError::from)?,
    };
    Ok(chosen.map(|identity_provider| tenant.sso(identity_provider)))
}

/// Asks the person, where there is one.
fn ask<'a>(cx: &Context, tenant: &'a Tenant, error: TenantError) -> Result<&'a IdentityProvider, Failure> {
    let all = &tenant.identity_providers;
    if !prompt::possible(cx) {
        return Err(AuthError::from(error).into());
    }
    let numbers: Vec<String> = (1..=all.len()).map(|number| number.to_string()).collect();
    let answers: Vec<(&str, &str)> =
        numbers.iter().map(String::as_str).zip(all.iter().map(|one| one.id.as_str())).collect();
    let question = format!("Who signs you in to {}?", tenant.name);
    let chosen = prompt::choose(cx, &question, &answers)?;
    Ok(all.iter().find(|one| one.id == chosen).ok_or(error).map_err(AuthError::from)?)
}

/// Refuses `--sso` where no tenant is set: nobody would know whose identity provider is meant.
pub(super) fn check_tenant(cx: &Context) -> Result<(), Failure> {
    if !cx.settings()?.tenant()?.value.is_empty() {
        return Ok(());
    }
    Err(CliError::usage(
        "--sso signs in to a company's tenant, and none is set",
        "set ORKEE_CLOUD_TENANT=NAME, or `tenant` under [cloud] in config.toml",
    )
    .into())
}
