//! What a tenant demands of this program, and whether a provider and an API keep to it. Pure.

use std::time::Duration;

use serde::Deserialize;

use super::error::TenantError;
use crate::auth::error::plain;
use crate::net::Origin;

/// No sign-in lasts longer than this: ten years.
const MAX_LIFETIME: u64 = 10 * 366 * 24 * 3600;

/// A tenant's demands. What is missing demands nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The providers that may carry its projects.
    pub providers: Option<Vec<Allowed>>,
    /// Whether they are sealed before a provider sees them.
    pub encryption: Encryption,
    /// How long a sign-in lasts, however often its token is renewed.
    pub sign_in_lifetime: Option<Duration>,
    /// Where its projects may go.
    pub api_origins: Option<Vec<Origin>>,
}

/// A provider that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Its name.
    pub name: String,
    /// The bytes that it has to be, in hexadecimal. None: the one of this name that is part of this program.
    pub sha256: Option<String>,
}

/// Whether projects are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// As the person likes.
    #[default]
    Optional,
    /// Nothing leaves this machine unsealed.
    Required,
}

/// A provider that is about to be used.
#[derive(Clone, Copy)]
pub struct Running<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is part of this program.
    pub built_in: bool,
    /// Its component's digest, in hexadecimal.
    pub sha256: &'a dyn Fn() -> String,
}

/// As the description has it.
#[derive(Default, Deserialize)]
pub(super) struct Document {
    providers: Option<Vec<Provider>>,
    encryption: Option<String>,
    sign_in_lifetime: Option<u64>,
    api_origins: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Provider {
    name: String,
    sha256: Option<String>,
}

impl Document {
    pub(super) fn check(self) -> Result<Policy, String> {
        let encryption = match self.encryption.as_deref() {
            None | Some("optional") => Encryption::Optional,
            Some("required") => Encryption::Required,
            Some(other) => {
                return Err(format!(
                    "its policy demands the encryption `{}`, which this version of orkee does not know",
                    plain(other)
                ));
            }
        };
        let sign_in_lifetime = match self.sign_in_lifetime {
            Some(seconds) if (1..=MAX_LIFETIME).contains(&seconds) => Some(Duration::from_secs(seconds)),
            Some(seconds) => return Err(format!("a sign-in that lasts {seconds} s makes no sense")),
            None => None,
        };
        let origin = |text: String| {
            text.parse::<Origin>()
                .map_err(|_| format!("`{}`, of its policy's api_origins, is no origin", plain(&text)))
        };
        let api_origins = self.api_origins.map(|list| list.into_iter().map(origin).collect()).transpose()?;
        let providers =
            self.providers.map(|list| list.into_iter().map(Provider::check).collect()).transpose()?;
        Ok(Policy { providers, encryption, sign_in_lifetime, api_origins })
    }
}

impl Provider {
    fn check(self) -> Result<Allowed, String> {
        let sha256 = match self.sha256.map(|text| text.to_ascii_lowercase()) {
            Some(text) if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                return Err(format!("the sha256 of the provider `{}` is none", plain(&self.name)));
            }
            sha256 => sha256,
        };
        Ok(Allowed { name: plain(&self.name), sha256 })
    }
}

impl Policy {
    /// Refuses a provider that is not allowed, or whose bytes are others.
    pub fn check_provider(&self, tenant: &str, running: Running<'_>) -> Result<(), TenantError> {
        let Some(allowed) = &self.providers else { return Ok(()) };
        let mut named = allowed.iter().filter(|allowed| allowed.name == running.name).peekable();
        if named.peek().is_none() {
            return Err(TenantError::ProviderForbidden {
                tenant: tenant.to_owned(),
                provider: running.name.to_owned(),
                allowed: allowed.iter().map(|allowed| allowed.name.clone()).collect(),
            });
        }
        let mut digest = None;
        for allowed in named {
            let fits = match &allowed.sha256 {
                None => running.built_in,
                Some(wanted) => digest.get_or_insert_with(|| (running.sha256)()) == wanted,
            };
            if fits {
                return Ok(());
            }
        }
        Err(TenantError::DigestForbidden {
            tenant: tenant.to_owned(),
            provider: running.name.to_owned(),
            sha256: digest.unwrap_or_else(|| (running.sha256)()),
        })
    }

    /// Refuses an origin, or a pattern of several, that the tenant's projects may not go to.
    pub fn check_origin(&self, tenant: &str, place: &str) -> Result<(), TenantError> {
        let Some(origins) = &self.api_origins else { return Ok(()) };
        match place.parse::<Origin>() {
            Ok(origin) if origins.contains(&origin) => Ok(()),
            _ => Err(TenantError::OriginForbidden {
                tenant: tenant.to_owned(),
                place: place.to_owned(),
                allowed: origins.iter().map(ToString::to_string).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(json: serde_json::Value) -> Result<Policy, String> {
        serde_json::from_value::<Document>(json).unwrap().check()
    }

    #[test]
    fn a_policy_that_makes_no_sense_is_refused() {
        let digest = "A".repeat(64);
        let good = policy(serde_json::json!({
            "providers": [{"name": "notes", "sha256": digest}], "encryption": "required", "sign_in_lifetime": 60,
            "api_origins": ["https://api.example.com"],
        }));
        assert_eq!(good.unwrap().providers.unwrap()[0].sha256, Some("a".repeat(64)));
        for bad in [
            serde_json::json!({"providers": [{"name": "notes", "sha256": "abc"}]}),
            serde_json::json!({"encryption": "maybe"}),
            serde_json::json!({"sign_in_lifetime": 0}),
            serde_json::json!({"sign_in_lifetime": u64::MAX}),
            serde_json::json!({"api_origins": ["https://a.example/path"]}),
        ] {
            assert!(policy(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_provider_is_allowed_by_name_only_where_it_is_built_in_and_else_by_its_bytes() {
        let pinned = "a".repeat(64);
        let policy = policy(serde_json::json!({
            "providers": [{"name": "enterprise"}, {"name": "notes", "sha256": pinned}],
        }));
        let policy = policy.unwrap();
        let check = |name: &str, built_in: bool, digest: &str| {
            let sha256 = || digest.to_owned();
            policy.check_provider("acme", Running { name, built_in, sha256: &sha256 })
        };
        check("enterprise", true, "").unwrap();
        check("notes", false, &pinned).unwrap();
        assert!(matches!(check("enterprise", false, ""), Err(TenantError::DigestForbidden { .. })));
        assert!(
            matches!(check("notes", false, "b"), Err(TenantError::DigestForbidden { sha256, .. }) if sha256 == "b")
        );
        assert!(
            matches!(check("s3", true, ""), Err(TenantError::ProviderForbidden { allowed, .. }) if allowed == ["enterprise", "notes"])
        );
        let free = Policy::default();
        let sha256 = String::new;
        free.check_provider("acme", Running { name: "s3", built_in: true, sha256: &sha256 }).unwrap();
    }

    #[test]
    fn projects_go_only_where_the_policy_says() {
        let policy = policy(serde_json::json!({"api_origins": ["https://api.example.com"]})).unwrap();
        policy.check_origin("acme", "https://api.example.com").unwrap();
        for other in [
            "https://api.example.com:8443",
            "http://127.0.0.1",
            "https://example.com",
            "https://*.example.com",
        ] {
            assert!(policy.check_origin("acme", other).is_err(), "{other}");
        }
    }
}
