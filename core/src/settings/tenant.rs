//! `[tenants.NAME]` of config.toml: which provider keeps a tenant's projects, where, and with which options and limits.
//!
//! Only the tenant in use is read, and all of it: a key that means nothing is refused with the likely one, since a limit or an
//! option that is misspelt would otherwise not hold, unseen.

use std::collections::BTreeMap;

use toml_edit::{Item, TableLike};

use super::{Origin, Setting, Settings, SettingsError};
use crate::plugin::SomeLimits;
use crate::similar;

const TENANTS: &str = "tenants";
const KEYS: [&str; 4] = ["provider", "api_url", "options", "limits"];

/// What the user set for a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantSettings {
    /// The provider's name.
    pub provider: Option<Setting<String>>,
    /// The API's base URL.
    pub api_url: Option<Setting<String>>,
    /// Options of the provider, which it alone knows.
    pub options: BTreeMap<String, String>,
    /// Limits lower than the granted ones.
    pub limits: SomeLimits,
}

impl Settings {
    /// What `[tenants.NAME]` says of a tenant; nothing where there is no such table.
    pub fn tenant_settings(&self, tenant: &str) -> Result<TenantSettings, SettingsError> {
        let Some(table) = self.table_at(&[TENANTS, tenant])? else {
            return Ok(TenantSettings::default());
        };
        if let Some((key, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
            return Err(unknown(&[TENANTS, tenant], key, &KEYS));
        }
        let text = |key: &str| {
            let path = [TENANTS, tenant, key];
            let value = self.config_text(&path)?;
            Ok::<_, SettingsError>(
                value.map(|value| Setting { value, origin: Origin::Config(path.join(".")) }),
            )
        };
        Ok(TenantSettings {
            provider: text("provider")?,
            api_url: text("api_url")?,
            options: self.texts_at(&[TENANTS, tenant, "options"])?,
            limits: self.limits_at(&[TENANTS, tenant, "limits"])?,
        })
    }

    /// The tenants that config.toml describes.
    pub fn tenants(&self) -> Vec<String> {
        self.names(TENANTS)
    }

    fn limits_at(&self, path: &[&str]) -> Result<SomeLimits, SettingsError> {
        let mut limits = SomeLimits::default();
        for (key, value) in self.texts_at(path)? {
            if !SomeLimits::KEYS.contains(&key.as_str()) {
                return Err(unknown(path, &key, &SomeLimits::KEYS));
            }
            limits.set(&key, &value).map_err(|what| {
                let name = format!("{}.{key}", path.join("."));
                SettingsError::Refused { origin: Origin::Config(name.clone()), name, value, what }
            })?;
        }
        Ok(limits)
    }

    /// Every value of a table, as text.
    fn texts_at(&self, path: &[&str]) -> Result<BTreeMap<String, String>, SettingsError> {
        let Some(table) = self.table_at(path)? else { return Ok(BTreeMap::new()) };
        let mut texts = BTreeMap::new();
        for (key, _) in table.iter() {
            if let Some(value) = self.config_text(&[path, &[key]].concat())? {
                texts.insert(key.to_owned(), value);
            }
        }
        Ok(texts)
    }

    /// A table; none where there is nothing. Anything else in its place is refused.
    fn table_at(&self, path: &[&str]) -> Result<Option<&dyn TableLike>, SettingsError> {
        let mut table: &dyn TableLike = self.config.as_table();
        for (depth, part) in path.iter().enumerate() {
            let item = match table.get(part) {
                None | Some(Item::None) => return Ok(None),
                Some(item) => item,
            };
            table = item.as_table_like().ok_or_else(|| {
                let name = path.iter().take(depth + 1).copied().collect::<Vec<_>>().join(".");
                SettingsError::Value {
                    origin: Origin::Config(name.clone()),
                    name,
                    value: item.to_string().trim().to_owned(),
                    expected: "a table",
                }
            })?;
        }
        Ok(Some(table))
    }
}

fn unknown(table: &[&str], key: &str, known: &[&str]) -> SettingsError {
    let known = match similar::nearest(key, known.iter().copied()) {
        Some(meant) => vec![meant.to_owned()],
        None => known.iter().map(|key| (*key).to_owned()).collect(),
    };
    SettingsError::UnknownKey { key: format!("{}.{key}", table.join(".")), known }
}
