//! What a plugin says of itself before it runs: `provider.toml`, packed into the component.
//!
//! A manifest asks; it grants nothing. It is a stranger's text: every key is known or refused with the likely one, every host is
//! of the allow-list's grammar, every text is fit for a terminal.

pub(super) mod error;
pub(super) mod fields;
pub(super) mod read;
mod roles;
pub(super) mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub use error::ManifestError;
pub use roles::Roles;

use super::grants::HostPattern;
use super::limits::SomeLimits;
use crate::net::ApiUrl;

/// Names of folders beside the plugins' own.
const RESERVED: [&str; 2] = ["components", "grants"];
const MAX_NAME: usize = 64;

/// A plugin's name: its id in commands, in the configuration and on disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginName(String);

impl PluginName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PluginName {
    type Err = ManifestError;

    fn from_str(text: &str) -> Result<Self, ManifestError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !starts || text.len() > MAX_NAME || text.ends_with('-') || !text.bytes().all(plain) {
            return Err(ManifestError::name(text));
        }
        if RESERVED.contains(&text) {
            return Err(ManifestError::new(
                "name",
                format!("`{text}` is a name that Orkee keeps for itself"),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a plugin is and asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its id.
    pub name: PluginName,
    /// Its version, for people.
    pub version: String,
    /// In a sentence.
    pub description: Option<String>,
    /// Who says to have made it. Proven by nothing but a signature.
    pub publisher: Option<String>,
    /// What it is for.
    pub roles: Roles,
    /// Origins that it wants to reach beyond the API URL.
    pub hosts: Vec<HostPattern>,
    /// Tenants that it says to be for.
    pub tenants: Vec<String>,
    /// The API URL where the user sets none.
    pub api_url: Option<ApiUrl>,
    /// The credential `login`. None: it needs none.
    pub login: Option<LoginKind>,
    /// `ORKEE_CLOUD_TOKEN` may stand for that login.
    pub env_token: bool,
    /// What it asks for beyond the usual limits.
    pub limits: SomeLimits,
    /// What the user may set for it.
    pub options: BTreeMap<String, OptionSpec>,
}

/// How the user gets the credential `login`, and how the host sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginKind {
    /// The host's OAuth sign-in; sent as a bearer token.
    Oauth {
        /// None: the API URL's origin.
        issuer: Option<ApiUrl>,
        /// None: Orkee's own, or one that the issuer gives to who asks.
        client_id: Option<String>,
        /// None: the usual ones.
        scopes: Option<Vec<String>>,
    },
    /// A text that the user pastes; sent as a bearer token.
    Token,
    /// A user name and a password.
    Password,
    /// An access key id and its secret; requests are signed (AWS Signature Version 4) for the region that the option `region` names.
    AwsKeys {
        /// Such as `s3`.
        service: String,
    },
}

impl LoginKind {
    /// What the user gives, in the words of the consent screen.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Oauth { .. } => "signing in in the browser",
            Self::Token => "a token",
            Self::Password => "a user name and a password",
            Self::AwsKeys { .. } => "an access key and its secret",
        }
    }
}

/// A setting that the plugin knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionSpec {
    /// For people, in a sentence.
    pub about: Option<String>,
    /// It has to be set.
    pub required: bool,
    /// What holds where the user sets nothing.
    pub default: Option<String>,
    /// It is part of where the records are: with another value it is another backend.
    pub place: bool,
}

impl Manifest {
    /// One that asks for nothing.
    pub(super) fn nothing(name: PluginName) -> Self {
        let (hosts, tenants, options) = (Vec::new(), Vec::new(), BTreeMap::new());
        let (description, publisher, api_url, login) = (None, None, None, None);
        let (version, limits, env_token) = (String::new(), SomeLimits::default(), false);
        Self {
            name,
            version,
            description,
            publisher,
            roles: Roles::default(),
            hosts,
            tenants,
            api_url,
            login,
            env_token,
            limits,
            options,
        }
    }

    /// What its options are where the user sets none of them.
    pub fn defaults(&self) -> BTreeMap<String, String> {
        let default = |(name, spec): (&String, &OptionSpec)| Some((name.clone(), spec.default.clone()?));
        self.options.iter().filter_map(default).collect()
    }

    /// Reads a manifest. Keys that this version does not know are refused, since what they ask for would be granted unseen.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        read::manifest(text)
    }
}

#[cfg(test)]
mod tests;
