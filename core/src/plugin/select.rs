//! Which provider loads: decided by the tenant and what the configuration says of it. No WASM here.

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};

/// The provider of Orkee Cloud and of self-hosted servers; it is part of the program.
pub const ORKEE_CLOUD: &str = "orkee-cloud";

/// A provider, and why it is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Its id.
    pub provider: &'static str,
    /// What decided it, for people.
    pub because: String,
}

/// No provider can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// Nothing says which provider the tenant uses.
    #[error("no provider is known for the tenant `{tenant}`")]
    UnknownTenant {
        /// As `ORKEE_CLOUD_TENANT` names it.
        tenant: String,
    },
    /// The configuration names a provider that is not there.
    #[error("the tenant `{tenant}` uses the provider `{provider}`, which is not installed")]
    NotInstalled {
        /// The tenant.
        tenant: String,
        /// What `[tenants.NAME]` names.
        provider: String,
    },
}

impl Diagnostic for SelectionError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownTenant { .. } => "E-PLUGIN-011",
            Self::NotInstalled { .. } => "E-PLUGIN-012",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownTenant { tenant } => format!(
                "unset ORKEE_CLOUD_TENANT, or write `provider = \"{ORKEE_CLOUD}\"` under [tenants.{tenant}] in config.toml"
            ),
            Self::NotInstalled { tenant, .. } => {
                format!(
                    "installed: {ORKEE_CLOUD}; set `provider` under [tenants.{tenant}] in config.toml to it"
                )
            }
        })
    }
}

/// The provider for `tenant` (empty: none), given what `[tenants.NAME]` of the configuration names.
pub fn select(tenant: &str, configured: Option<&str>) -> Result<Selection, SelectionError> {
    if tenant.is_empty() {
        return Ok(Selection { provider: ORKEE_CLOUD, because: "no tenant is set".to_owned() });
    }
    match configured {
        Some(ORKEE_CLOUD) => Ok(Selection {
            provider: ORKEE_CLOUD,
            because: format!("[tenants.{tenant}] in config.toml names it"),
        }),
        Some(other) => {
            Err(SelectionError::NotInstalled { tenant: tenant.to_owned(), provider: other.to_owned() })
        }
        None => Err(SelectionError::UnknownTenant { tenant: tenant.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p50_no_tenant_means_orkee_cloud() {
        assert_eq!(select("", None).unwrap().provider, ORKEE_CLOUD);
    }

    #[test]
    fn p50_a_tenant_that_nothing_knows_is_refused_with_a_hint() {
        let error = select("acme", None).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.hint().unwrap().contains("[tenants.acme]"));
    }

    #[test]
    fn p50_a_tenant_whose_provider_is_not_installed_is_refused_and_told_what_there_is() {
        let error = select("acme", Some("nextcloud")).unwrap_err();
        assert!(error.to_string().contains("nextcloud"));
        assert!(error.hint().unwrap().contains(ORKEE_CLOUD));
    }

    #[test]
    fn p50_a_configured_tenant_says_why() {
        assert!(select("acme", Some(ORKEE_CLOUD)).unwrap().because.contains("[tenants.acme]"));
    }
}
