//! A provider's options: what its manifest describes, filled in by what the user set.

use std::collections::BTreeMap;

use thiserror::Error;

use super::manifest::OptionSpec;
use crate::diagnostic::{Diagnostic, Kind};
use crate::similar;

/// The values that hold for a provider and a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionValues {
    /// By name.
    pub values: BTreeMap<String, String>,
    /// Of them, those that say where the records are: another value is another backend.
    pub place: BTreeMap<String, String>,
}

/// The user's options do not fit the provider.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionError {
    /// The provider knows no such option.
    #[error("the provider `{plugin}` has no option `{option}`, which {table} in config.toml sets")]
    Unknown {
        /// Which provider.
        plugin: String,
        /// What was set.
        option: String,
        /// Where.
        table: String,
        /// What was probably meant, or all that there is.
        known: Vec<String>,
    },
    /// An option has to be set, and is not.
    #[error("the provider `{plugin}` needs the option `{option}`{}", describe(about))]
    Missing {
        /// Which provider.
        plugin: String,
        /// What is missing.
        option: String,
        /// What it is, as the provider's manifest says.
        about: Option<String>,
        /// Where it is set.
        table: String,
    },
}

fn describe(about: &Option<String>) -> String {
    about.as_ref().map(|about| format!(" ({about})")).unwrap_or_default()
}

impl Diagnostic for OptionError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "E-PLUGIN-014",
            Self::Missing { .. } => "E-PLUGIN-015",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { known, .. } => match known.as_slice() {
                [] => "it has none: remove the line".to_owned(),
                [meant] => format!("write `{meant}`"),
                known => format!("it has: {}", known.join(", ")),
            },
            Self::Missing { option, table, .. } => {
                format!("write `{option} = \"…\"` under {table} in config.toml")
            }
        })
    }
}

impl OptionValues {
    /// The defaults of a manifest, overlaid by what the user set under `table` of the configuration.
    pub fn resolve(
        plugin: &str,
        specs: &BTreeMap<String, OptionSpec>,
        set: &BTreeMap<String, String>,
        table: &str,
    ) -> Result<Self, OptionError> {
        let (plugin, table) = (plugin.to_owned(), table.to_owned());
        if let Some(option) = set.keys().find(|name| !specs.contains_key(*name)) {
            let known = match similar::nearest(option, specs.keys().map(String::as_str)) {
                Some(meant) => vec![meant.to_owned()],
                None => specs.keys().cloned().collect(),
            };
            return Err(OptionError::Unknown { plugin, option: option.clone(), table, known });
        }
        let mut resolved = Self::default();
        for (name, spec) in specs {
            match set.get(name).or(spec.default.as_ref()) {
                Some(value) => {
                    resolved.values.insert(name.clone(), value.clone());
                    if spec.place {
                        resolved.place.insert(name.clone(), value.clone());
                    }
                }
                None if spec.required => {
                    let (option, about) = (name.clone(), spec.about.clone());
                    return Err(OptionError::Missing { plugin, option, about, table });
                }
                None => {}
            }
        }
        Ok(resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(set: &[(&str, &str)]) -> Result<OptionValues, OptionError> {
        let about = Some("The bucket's name".to_owned());
        let specs = [
            ("bucket", OptionSpec { about, required: true, default: None, place: true }),
            (
                "prefix",
                OptionSpec { place: true, default: Some("orkee".to_owned()), ..OptionSpec::default() },
            ),
            ("path-style", OptionSpec::default()),
        ];
        let specs = specs.map(|(name, spec)| (name.to_owned(), spec)).into();
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        OptionValues::resolve("s3", &specs, &set, "[tenants.mine.options]")
    }

    fn pairs(map: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
        map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn what_the_user_set_goes_before_the_default_and_the_place_is_told_apart() {
        let options = resolve(&[("bucket", "b"), ("path-style", "true")]).unwrap();
        assert_eq!(pairs(&options.values), [("bucket", "b"), ("path-style", "true"), ("prefix", "orkee")]);
        assert_eq!(pairs(&options.place), [("bucket", "b"), ("prefix", "orkee")]);
        let options = resolve(&[("bucket", "b"), ("prefix", "p")]).unwrap();
        assert_eq!(pairs(&options.place), [("bucket", "b"), ("prefix", "p")]);
    }

    #[test]
    fn an_unknown_option_is_refused_with_the_likely_one() {
        let error = resolve(&[("buckt", "b")]).unwrap_err();
        assert_eq!((error.kind(), error.hint().as_deref()), (Kind::Usage, Some("write `bucket`")));
        let error = resolve(&[("zzz", "b")]).unwrap_err();
        assert_eq!(error.hint().as_deref(), Some("it has: bucket, path-style, prefix"));
    }

    #[test]
    fn a_required_option_that_is_missing_is_named_with_what_it_is_and_where_it_goes() {
        let error = resolve(&[]).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.to_string().contains("`bucket` (The bucket's name)"), "{error}");
        assert!(error.hint().unwrap().contains("under [tenants.mine.options]"));
    }
}
