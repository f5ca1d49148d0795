//! The options that the user gave this provider, under `[tenants.NAME.options]`.

use crate::{Failure, host};

/// An option that may be left out. Empty counts as left out.
pub fn option(name: &str) -> Option<String> {
    host::setting(name).filter(|value| !value.trim().is_empty())
}

/// An option that there must be.
///
/// # Errors
///
/// [`Failure::Unsuitable`] that says which is missing, and where to set it.
pub fn required(name: &str) -> Result<String, Failure> {
    option(name).ok_or_else(|| {
        Failure::Unsuitable(format!(
            "the option `{name}` is missing: set `{name}` under the tenant's `options` in config.toml"
        ))
    })
}
