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
    /// A signature over the request (AWS Signature Version 4); the secret is `ID:SECRET`.
    AwsSigV4 {
        /// Such as `s3`.
        service: String,
        /// Such as `eu-central-1`.
        region: String,
    },
}

/// Who named an API URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiUrlSetBy {
    /// The user, in the configuration or the environment; or it is the program's own.
    User,
    /// A plugin's manifest, since the user set none.
    Manifest,
}

impl Attach {
    /// How the sign-in of this manifest is sent. None: there is none.
    fn of(granted: &Manifest) -> Option<Self> {
        Some(match granted.login.as_ref()? {
            LoginKind::Oauth { .. } | LoginKind::Token => Self::Bearer,
            LoginKind::Password => Self::Basic,
            LoginKind::AwsKeys { service } => {
                let default = granted.options.get("region").and_then(|option| option.default.clone());
                Self::AwsSigV4 { service: service.clone(), region: default.unwrap_or_default() }
            }
        })
    }

    /// It is a signature over the body.
    pub(super) fn signs(&self) -> bool {
        matches!(self, Self::AwsSigV4 { .. })
    }

    /// What no reply may repeat: the secrets, and the part of each that is secret by itself.
    pub(super) fn secrets(&self, attached: &[Secret]) -> Vec<Secret> {
        let mut secrets = attached.to_vec();
        if let Self::Basic | Self::AwsSigV4 { .. } = self {
            let parts = attached.iter().filter_map(|secret| secret.expose().split_once(':'));
            secrets.extend(parts.map(|(_, secret)| Secret::new(secret)));
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
    /// origin alone, if there is one. Where the user set the API URL, it may lie anywhere; one that the manifest brings is a wish as
    /// any other host is, and in private networks only if it was granted there.
    pub fn of(granted: &Manifest, api_url: &ApiUrl, set_by: ApiUrlSetBy) -> Self {
        let audience = api_url.origin().clone();
        let api = match set_by {
            ApiUrlSetBy::User => AllowList::nothing().with_api(audience.clone()),
            // Plain http is no entry of a public network: it needs the grant for a private one.
            ApiUrlSetBy::Manifest => match HostPattern::parse(&audience.to_string(), Network::Public) {
                Ok(entry) => AllowList::nothing().with(entry),
                Err(_) => AllowList::nothing(),
            },
        };
        let hosts = granted.hosts.iter().cloned().fold(api, AllowList::with);
        let attach = Attach::of(granted);
        let login = attach.map(|attach| (LOGIN.to_owned(), Credential { audience, attach }));
        Self { hosts, credentials: login.into_iter().collect() }
    }

    /// Signs for this region, where a credential signs: what the user set for the option `region`.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        for credential in self.credentials.values_mut() {
            if let Attach::AwsSigV4 { region: signed_for, .. } = &mut credential.attach {
                region.clone_into(signed_for);
            }
        }
        self
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
