//! Which provider loads: decided by the tenant, what the configuration says of it, and which providers are there. No WASM and no
//! file here.

use thiserror::Error;
use toml_edit::Key;

use crate::diagnostic::{Diagnostic, Kind};

/// The provider of Orkee Cloud and of self-hosted servers; it is part of the program.
pub const ORKEE_CLOUD: &str = "orkee-cloud";
/// The provider of the tenants that those know; it is part of the program.
pub const ENTERPRISE: &str = "enterprise";

/// A provider, and why it is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Which.
    pub provider: Chosen,
    /// What decided it, for people.
    pub because: String,
}

/// A provider, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Part of the program.
    BuiltIn(String),
    /// Installed by the user.
    Installed(String),
}

impl Chosen {
    /// Its id.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(name) | Self::Installed(name) => name,
        }
    }
}

/// What there is to choose from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Providers<'a> {
    /// The ids of those that are part of the program.
    pub built_in: &'a [&'a str],
    /// Those that the user installed.
    pub installed: &'a [Claimant],
    /// The tenants that the configuration describes, for messages.
    pub tenants: &'a [String],
}

/// An installed provider, as far as the choice goes by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// Its id.
    pub name: String,
    /// The tenants that it is for, as the user granted them.
    pub tenants: Vec<String>,
}

/// No provider can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// Nothing says which provider the tenant uses.
    #[error("no provider is known for the tenant `{tenant}`: {host} knows no such tenant")]
    UnknownTenant {
        /// As `ORKEE_CLOUD_TENANT` names it.
        tenant: String,
        /// The API that was asked.
        host: String,
        /// What there is, in a sentence.
        there_is: String,
    },
    /// The configuration names a provider that is not there.
    #[error("the tenant `{tenant}` uses the provider `{provider}`, which is not installed")]
    NotInstalled {
        /// The tenant.
        tenant: String,
        /// What `[tenants.NAME]` names.
        provider: String,
        /// What there is, in a sentence.
        there_is: String,
    },
    /// More than one installed provider claims the tenant.
    #[error("the tenant `{tenant}` is claimed by several installed providers: {}", among.join(", "))]
    Claimed {
        /// The tenant.
        tenant: String,
        /// Which they are.
        among: Vec<String>,
    },
}

impl Diagnostic for SelectionError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownTenant { .. } => "E-PLUGIN-011",
            Self::NotInstalled { .. } => "E-PLUGIN-012",
            Self::Claimed { .. } => "E-PLUGIN-016",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownTenant { tenant, there_is, .. } => {
                let table = table(tenant);
                format!(
                    "check ORKEE_CLOUD_API_URL, write `provider = \"NAME\"` under {table} in config.toml, or unset ORKEE_CLOUD_TENANT; {there_is}"
                )
            }
            Self::NotInstalled { tenant, provider, there_is } => {
                let table = table(tenant);
                format!("install `{provider}`, or name another under {table} in config.toml; {there_is}")
            }
            Self::Claimed { tenant, among } => {
                let (first, table) = (among.first().map_or("NAME", String::as_str), table(tenant));
                format!("decide by a line under {table} in config.toml, such as `provider = \"{first}\"`")
            }
        })
    }
}

/// The provider for `tenant` (empty: none), given what `[tenants.NAME]` of the configuration names. None: nothing here says so,
/// and the API has to be asked ([`select_at_api`]).
pub fn select(
    tenant: &str,
    configured: Option<&str>,
    there: Providers<'_>,
) -> Result<Option<Selection>, SelectionError> {
    if tenant.is_empty() {
        let provider = Chosen::BuiltIn(ORKEE_CLOUD.to_owned());
        return Ok(Some(Selection { provider, because: "no tenant is set".to_owned() }));
    }
    if let Some(name) = configured {
        let because = format!("{} in config.toml names it", table(tenant));
        let provider = there.find(name).ok_or_else(|| SelectionError::NotInstalled {
            tenant: tenant.to_owned(),
            provider: name.to_owned(),
            there_is: there.describe(),
        })?;
        return Ok(Some(Selection { provider, because }));
    }
    let claims = |claimant: &&Claimant| claimant.tenants.iter().any(|claimed| claimed == tenant);
    let names: Vec<String> =
        there.installed.iter().filter(claims).map(|claimant| claimant.name.clone()).collect();
    match names.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(Selection {
            provider: Chosen::Installed(only.clone()),
            because: format!("it is installed for the tenant `{tenant}`"),
        })),
        _ => Err(SelectionError::Claimed { tenant: tenant.to_owned(), among: names }),
    }
}

/// The provider for a tenant that the API at `host` was asked for: because nothing here names one, or because the
/// configuration names [`ENTERPRISE`], which serves only whom an API knows.
pub fn select_at_api(
    tenant: &str,
    host: &str,
    is_known: bool,
    there: Providers<'_>,
) -> Result<Selection, SelectionError> {
    if !is_known {
        let (tenant, host, there_is) = (tenant.to_owned(), host.to_owned(), there.describe());
        return Err(SelectionError::UnknownTenant { tenant, host, there_is });
    }
    let because = format!("{host} knows the tenant `{tenant}`");
    Ok(Selection { provider: Chosen::BuiltIn(ENTERPRISE.to_owned()), because })
}

impl Providers<'_> {
    /// The provider of this name. What is part of the program goes before what was installed.
    fn find(&self, name: &str) -> Option<Chosen> {
        if self.built_in.contains(&name) {
            return Some(Chosen::BuiltIn(name.to_owned()));
        }
        let installed = self.installed.iter().any(|claimant| claimant.name == name);
        installed.then(|| Chosen::Installed(name.to_owned()))
    }

    fn describe(&self) -> String {
        let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!(
            "built in: {}; installed: {}; tenants in config.toml: {}",
            list(self.built_in.to_vec()),
            list(self.installed.iter().map(|claimant| claimant.name.as_str()).collect()),
            list(self.tenants.iter().map(String::as_str).collect()),
        )
    }
}

/// The table of config.toml for a tenant, as it is written there.
fn table(tenant: &str) -> String {
    format!("[{}]", tenant_table(tenant))
}

/// What stands in the brackets of a tenant's table in config.toml: quoted where TOML wants it.
pub fn tenant_table(tenant: &str) -> String {
    format!("tenants.{}", Key::new(tenant).display_repr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_stands_in_brackets_as_toml_reads_it() {
        assert_eq!(tenant_table("acme-1_x"), "tenants.acme-1_x");
        for tenant in ["acme corp", "a.b", "it's \"it\"", "é"] {
            let text = format!("[{}]", tenant_table(tenant));
            let document: toml_edit::DocumentMut = text.parse().unwrap();
            assert!(document["tenants"].get(tenant).is_some(), "{text}");
        }
    }

    fn claimant(name: &str, tenants: &[&str]) -> Claimant {
        Claimant { name: name.to_owned(), tenants: tenants.iter().map(|t| (*t).to_owned()).collect() }
    }

    fn choose(
        tenant: &str,
        configured: Option<&str>,
        installed: &[Claimant],
    ) -> Result<Selection, SelectionError> {
        let tenants = ["other".to_owned()];
        let there = Providers { built_in: &[ORKEE_CLOUD, "s3"], installed, tenants: &tenants };
        match select(tenant, configured, there)? {
            Some(selection) => Ok(selection),
            None => select_at_api(tenant, "api.example.com", tenant == "at-the-api", there),
        }
    }

    fn built_in(name: &str) -> Chosen {
        Chosen::BuiltIn(name.to_owned())
    }

    fn installed(name: &str) -> Chosen {
        Chosen::Installed(name.to_owned())
    }

    #[test]
    fn p50_no_tenant_means_orkee_cloud_whatever_claims_what() {
        let all = [claimant("greedy", &["", "acme"])];
        assert_eq!(choose("", None, &all).unwrap().provider, built_in(ORKEE_CLOUD));
    }

    #[test]
    fn p50_the_configuration_decides_before_any_claim_and_says_why() {
        let all = [claimant("notes", &["acme"]), claimant("files", &[])];
        for (name, provider) in [("s3", built_in("s3")), ("files", installed("files"))] {
            let selection = choose("acme", Some(name), &all).unwrap();
            assert_eq!(selection.provider, provider);
            assert!(selection.because.contains("[tenants.acme]"), "{}", selection.because);
        }
    }

    #[test]
    fn p50_the_one_installed_provider_that_claims_the_tenant_loads_and_says_why() {
        let all = [claimant("notes", &["beta", "acme"]), claimant("files", &["acme corp"])];
        let selection = choose("acme", None, &all).unwrap();
        assert_eq!(selection.provider, installed("notes"));
        assert!(selection.because.contains("installed for the tenant `acme`"), "{}", selection.because);
    }

    #[test]
    fn p50_a_tenant_that_the_api_knows_is_enterprises_unless_something_here_says_otherwise() {
        let all = [claimant("notes", &["at-the-api"])];
        let selection = choose("at-the-api", None, &[]).unwrap();
        assert_eq!(selection.provider, built_in(ENTERPRISE));
        assert_eq!(selection.because, "api.example.com knows the tenant `at-the-api`");
        assert_eq!(choose("at-the-api", None, &all).unwrap().provider, installed("notes"));
        assert_eq!(choose("at-the-api", Some("s3"), &all).unwrap().provider, built_in("s3"));
        let unknown = choose("acme", None, &all).unwrap_err().to_string();
        assert!(unknown.ends_with("api.example.com knows no such tenant"), "{unknown}");
    }

    #[test]
    fn p50_two_claims_are_refused_with_both_names_and_the_line_that_decides() {
        let all = [claimant("notes", &["acme"]), claimant("files", &["acme"])];
        let error = choose("acme", None, &all).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.to_string().contains("notes, files"), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("[tenants.acme]") && hint.contains("provider = \"notes\""), "{hint}");
        assert_eq!(choose("acme", Some("files"), &all).unwrap().provider, installed("files"));
    }

    #[test]
    fn p50_a_name_that_leads_nowhere_is_refused_and_told_what_there_is() {
        let all = [claimant("notes", &["beta"])];
        for (configured, words) in [(Some("nextcloud"), "nextcloud"), (None, "acme")] {
            let error = choose("acme", configured, &all).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains(words), "{error}");
            let hint = error.hint().unwrap();
            for there in ["built in: orkee-cloud, s3", "installed: notes", "tenants in config.toml: other"] {
                assert!(hint.contains(there), "{hint}");
            }
        }
        let nothing = choose("acme", None, &[]).unwrap_err().hint().unwrap();
        assert!(nothing.contains("installed: none"), "{nothing}");
    }

    #[test]
    fn p50_what_is_part_of_the_program_is_not_replaced_by_what_has_its_name() {
        let all = [claimant("s3", &[])];
        assert_eq!(choose("acme", Some("s3"), &all).unwrap().provider, built_in("s3"));
    }
}
