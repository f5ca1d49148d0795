//! What the user granted a plugin: origins to reach and credentials to name. Pure data; the chokepoint asks it.

mod allow_list;

use std::collections::BTreeMap;

pub use allow_list::{AllowList, HostPattern, Network, PatternError, Verdict};

use super::manifest::{LoginKind, Manifest};
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
    /// How a sign-in of this kind is sent. None: this host cannot send it, and a secret is sent in no other way than its own.
    fn of(login: &LoginKind) -> Option<Self> {
        match login {
            LoginKind::Oauth { .. } | LoginKind::Token => Some(Self::Bearer),
            LoginKind::Password => Some(Self::Basic),
            LoginKind::AwsKeys { .. } => None,
        }
    }

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

    /// What `granted` names, for a tenant at this API URL: its hosts, the API URL's origin, and the credential `login` for that
    /// origin alone, if there is one.
    pub fn of(granted: &Manifest, api_url: &ApiUrl) -> Self {
        let audience = api_url.origin().clone();
        let api = AllowList::nothing().with_api(audience.clone());
        let hosts = granted.hosts.iter().cloned().fold(api, AllowList::with);
        let attach = granted.login.as_ref().and_then(Attach::of);
        let login = attach.map(|attach| (LOGIN.to_owned(), Credential { audience, attach }));
        Self { hosts, credentials: login.into_iter().collect() }
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
