//! What the user granted a plugin: origins to reach and credentials to name. Pure data; the chokepoint asks it.

mod allow_list;

use std::collections::BTreeMap;

pub use allow_list::{AllowList, HostPattern, Network, PatternError, Verdict};

use crate::net::{ApiUrl, LOGIN, Origin, Secret};

/// What a plugin may reach and name.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Origins.
    pub hosts: AllowList,
    /// By their names.
    pub credentials: BTreeMap<String, Credential>,
}

/// A credential that a plugin may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The one origin that it is sent to.
    pub audience: Origin,
    /// How it is sent there.
    pub attach: Attach,
}

/// How the host puts a secret into a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attach {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// `Authorization: Basic …` (RFC 7617); the secret is `USER:PASSWORD`.
    Basic,
}

impl Attach {
    /// What no reply may repeat: the secrets, and the part of each that is secret by itself.
    pub(super) fn secrets(&self, attached: &[Secret]) -> Vec<Secret> {
        let mut secrets = attached.to_vec();
        if let Self::Basic = self {
            let passwords = attached.iter().filter_map(|secret| secret.expose().split_once(':'));
            secrets.extend(passwords.map(|(_, password)| Secret::new(password)));
        }
        secrets
    }
}

impl Grants {
    /// Nothing at all.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A built-in provider's: the API URL and the sign-in for it.
    pub fn built_in(api_url: &ApiUrl) -> Self {
        let audience = api_url.origin().clone();
        Self {
            hosts: AllowList::nothing().with_api(audience.clone()),
            credentials: [(LOGIN.to_owned(), Credential { audience, attach: Attach::Bearer })].into(),
        }
    }
}
