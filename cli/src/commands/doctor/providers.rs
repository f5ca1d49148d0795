//! Whether what is installed is what was installed, and is built for what this program runs.

use orkee_core::plugin::{Installed, Registry};

use super::check::Check;
use crate::commands::cloud::provider::{BEHIND_A_PROXY, is_proxied, remedy};
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "providers";

/// Reads the grants file and each component that it names.
pub(super) fn examine(cx: &Context) -> Result<Vec<Check>, Failure> {
    let registry = match Registry::open(cx.home()?) {
        Ok(registry) => registry,
        Err(error) => return Ok(vec![Check::error(NAME, &error)]),
    };
    let releases = registry.installed().flat_map(|p| [Some(&p.current), p.previous.as_ref()]).flatten();
    let verified: Vec<_> = releases.map(|release| registry.verify(release)).collect();
    let count = verified.len();
    let mut checks: Vec<Check> =
        verified.iter().filter_map(|one| one.as_ref().err()).map(|error| Check::error(NAME, error)).collect();
    if checks.is_empty() && count > 0 {
        let components = if count == 1 { "component" } else { "components" };
        let message = format!("The providers are as they were installed: {count} {components}");
        checks.push(Check::ok(NAME, message));
    }
    checks.extend(registry.installed().filter_map(|installed| outgrown(&registry, installed)));
    if count > 0 && is_proxied() {
        checks.push(Check::ok(NAME, BEHIND_A_PROXY));
    }
    Ok(checks)
}

/// One that was built for another track of the contract. It is whole, and does not run.
fn outgrown(registry: &Registry, installed: &Installed) -> Option<Check> {
    let built_for = registry.built_for(&installed.current)?;
    let name = installed.name();
    let remedy = remedy(name.as_str(), &built_for)?;
    let message = format!("The provider {name} is built for {built_for}, and does not run");
    Some(Check::failed(NAME, message).hint(remedy))
}
