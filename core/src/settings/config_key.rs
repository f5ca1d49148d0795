//! What a person names who reads or changes one setting: `cloud.tenant`, its variable, or a key of an environment or a tenant.

use toml_edit::Key as TomlKey;

use super::{ENVIRONMENTS, Key, SettingsError};
use crate::similar;

/// The table of tenants in `config.toml`.
const TENANTS: &str = "tenants";
/// What a tenant's table takes beside `options` and `limits`.
const OF_TENANT: [&str; 2] = ["provider", "api_url"];

/// How a tenant's name looks.
const TENANT_NAME: &str = "the name of a tenant: at most 64 letters, digits, dots, hyphens and underscores";

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigKey {
    /// One of the table of settings.
    Setting(Key),
    /// `environments.NAME.api_url`, `tenants.NAME.…`: stands in `config.toml` alone.
    Entry(Vec<String>),
}

impl ConfigKey {
    /// Reads it as a person writes it. A name with a dot in it is written in quotes.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let known =
            Key::ALL.iter().find(|key| key.variable() == text || key.config_name().as_deref() == Some(text));
        if let Some(key) = known {
            return Ok(Self::Setting(*key));
        }
        let path: Vec<String> = match TomlKey::parse(text) {
            Ok(parts) => parts.iter().map(|part| part.get().to_owned()).collect(),
            Err(_) => Vec::new(),
        };
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let is_entry = match parts.as_slice() {
            [ENVIRONMENTS, name, "api_url"] => !name.is_empty(),
            [TENANTS, name, key] => !name.is_empty() && OF_TENANT.contains(key),
            [TENANTS, name, "options", option] => !name.is_empty() && !option.is_empty(),
            [TENANTS, name, "limits", limit] => !name.is_empty() && !limit.is_empty(),
            _ => false,
        };
        if is_entry {
            return Ok(Self::Entry(path));
        }
        Err(SettingsError::NoSetting { key: text.chars().take(80).collect(), near: near(text, &parts) })
    }

    /// Its place in `config.toml`; a token has none.
    pub fn path(&self) -> Option<Vec<&str>> {
        match self {
            Self::Setting(key) => key.config().map(<[&str]>::to_vec),
            Self::Entry(path) => Some(path.iter().map(String::as_str).collect()),
        }
    }

    /// Whether its value must not be shown.
    pub fn is_secret(&self) -> bool {
        match self {
            Self::Setting(key) => key.is_secret(),
            // An option that is called so is one, whatever its provider says of it.
            Self::Entry(path) => {
                path.get(2).is_some_and(|key| key == "options")
                    && path.get(3).is_some_and(|option| sounds_secret(option))
            }
        }
    }

    /// Whether it takes `value`, and whoever uses it, too.
    pub fn check(&self, value: &str) -> Result<(), String> {
        match self {
            Self::Setting(key) => {
                key.check(value).map_err(|expected| format!("it takes {expected}"))?;
                match key {
                    Key::Tenant if !is_tenant(value) => Err(format!("it takes {TENANT_NAME}")),
                    #[cfg(feature = "net")]
                    Key::WebhookProxy => {
                        let proxy = crate::net::EndpointProxy::parse(&crate::net::Secret::new(value));
                        proxy.map(drop).map_err(|_| "it takes http://HOST:PORT".to_owned())
                    }
                    _ => Ok(()),
                }
            }
            Self::Entry(_) if value.chars().any(char::is_control) => {
                Err("it takes one line of text".to_owned())
            }
            #[cfg(feature = "plugin")]
            Self::Entry(path) if path.get(2).is_some_and(|key| key == "provider") => {
                let name = value.parse::<crate::plugin::PluginName>();
                name.map(drop).map_err(|_| "it takes the name of a provider, such as s3".to_owned())
            }
            #[cfg(feature = "plugin")]
            Self::Entry(path) if path.get(2).is_some_and(|key| key == "limits") => {
                crate::plugin::SomeLimits::default().set(path.get(3).map_or("", String::as_str), value)
            }
            Self::Entry(_) => Ok(()),
        }
    }
}

impl std::fmt::Display for ConfigKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setting(key) => {
                f.write_str(&key.config_name().unwrap_or_else(|| key.variable().to_owned()))
            }
            Self::Entry(path) => {
                let parts: Vec<String> = path.iter().map(|part| TomlKey::new(part).to_string()).collect();
                f.write_str(&parts.join("."))
            }
        }
    }
}

/// Whether a tenant can have this name wherever one is named: at an API, in a plugin's manifest, in `config.toml`.
fn is_tenant(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with(['-', '.'])
}

/// Whether an option that is called so may hold a secret. Better one too many that is masked than one too few.
fn sounds_secret(option: &str) -> bool {
    const PARTS: [&str; 17] = [
        "secret", "pass", "pwd", "token", "key", "cred", "auth", "cookie", "bearer", "private", "session",
        "sign", "seed", "salt", "hash", "cert", "webhook",
    ];
    /// Too short to be looked for within other words.
    const WORDS: [&str; 6] = ["pin", "otp", "sas", "jwt", "code", "pw"];
    let option = option.to_ascii_lowercase();
    PARTS.iter().any(|part| option.contains(part))
        || option.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// What was probably meant.
fn near(text: &str, parts: &[&str]) -> Option<String> {
    if let [table @ (ENVIRONMENTS | TENANTS), name, key, ..] = parts {
        let known: &[&str] = match *table {
            ENVIRONMENTS => &["api_url"],
            _ => &["provider", "api_url", "options", "limits"],
        };
        let near = similar::nearest(key, known.iter().copied()).filter(|_| !name.is_empty());
        return near.map(|key| format!("{table}.{}.{key}", TomlKey::new(*name)));
    }
    let names = Key::ALL.iter().flat_map(|key| [Some(key.variable().to_owned()), key.config_name()]);
    let names: Vec<String> = names.flatten().collect();
    let whole = similar::nearest(text, names.iter().map(String::as_str));
    // Who leaves the table away means what stands in it.
    let last = || names.iter().find(|name| name.rsplit('.').next() == Some(text)).map(String::as_str);
    last().or(whole).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_named_by_its_key_or_its_variable_and_an_entry_by_its_path() {
        assert_eq!(ConfigKey::parse("cloud.tenant").unwrap(), ConfigKey::Setting(Key::Tenant));
        assert_eq!(ConfigKey::parse("ORKEE_CLOUD_TOKEN").unwrap(), ConfigKey::Setting(Key::Token));
        let entry = ConfigKey::parse("tenants.\"a.b\".options.bucket").unwrap();
        assert_eq!(entry.path().unwrap(), ["tenants", "a.b", "options", "bucket"]);
        assert_eq!(entry.to_string(), "tenants.\"a.b\".options.bucket");
    }

    #[test]
    fn a_mistyped_key_is_told_with_the_one_that_was_meant() {
        for (typed, meant) in [
            ("cloud.tenat", "cloud.tenant"),
            ("tenant", "cloud.tenant"),
            ("ORKEE_CLOUD_TENAT", "ORKEE_CLOUD_TENANT"),
            ("tenants.acme.provder", "tenants.acme.provider"),
        ] {
            let error = ConfigKey::parse(typed).unwrap_err();
            assert!(
                matches!(&error, SettingsError::NoSetting { near: Some(near), .. } if near == meant),
                "{error:?}"
            );
        }
        for nonsense in ["", "..", "tenants..provider", "cloud", "tenants.acme.options"] {
            assert!(ConfigKey::parse(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn an_option_whose_name_sounds_like_a_secret_is_one() {
        let is_secret =
            |option: &str| ConfigKey::parse(&format!("tenants.acme.options.{option}")).unwrap().is_secret();
        for option in [
            "secret-key",
            "passphrase",
            "Access_Key",
            "credential",
            "auth",
            "cookie",
            "bearer",
            "pin",
            "api-token",
            "PASSWD",
        ] {
            assert!(is_secret(option), "{option}");
        }
        for option in ["bucket", "region", "endpoint", "path-style", "prefix", "spinner"] {
            assert!(!is_secret(option), "{option}");
        }
        assert!(!ConfigKey::parse("tenants.token.provider").unwrap().is_secret());
    }

    #[test]
    fn the_default_of_every_setting_is_one_that_it_takes() {
        for key in Key::ALL {
            if let Some(default) = key.default_value() {
                assert_eq!(key.check(&default), Ok(()), "{key:?}");
            }
        }
    }
}
