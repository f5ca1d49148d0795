//! What is installed, and what the user granted it: `plugins/grants.toml`, and the components under their digests beside it.
//!
//! A grant is a yes to a name, to bytes and to wishes, so all three stand together in the one file, which is replaced as a
//! whole under a lock: a kill leaves the old or the new, and a reader needs no lock. People may edit it. A file with nonsense
//! anywhere grants nothing to anyone, since a line in the wrong place may be another plugin's; what does not ask for an
//! installed plugin (projects, a sync through a built-in provider) never reads it, and works on.
//!
//! A component is known by its SHA-256 alone. Compiled code is found under that digest, and is written there only after the
//! digest of the very bytes that were compiled was checked. So a load reads, hashes and compiles the component only where
//! there is no compiled code that can be trusted, and a component file that somebody replaced never runs.

mod candidate;
mod change;
mod components;
mod digest;
mod download;
mod error;
mod file;
mod lock;
mod trial;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

pub use candidate::{Assessment, Candidate, Difference};
pub use change::Change;
pub use digest::{ComponentDigest, NoDigest};
pub use download::{DownloadError, download};
pub use error::RegistryError;

use super::built_for::BuiltFor;
use super::error::PluginError;
use super::grants::{ApiUrlSetBy, Grants};
use super::host::{Host, Plugin};
use super::limits::Limits;
use super::manifest::{Manifest, PluginName};
use super::package::PublicKey;
use crate::home::Home;
use crate::net::ApiUrl;
use components::Components;

/// Providers and dispatchers that are part of the program. Nothing can be installed under their names.
pub const BUILT_IN: [&str; 7] = ["orkee-cloud", "s3", "webdav", "enterprise", "webhook", "slack", "discord"];

/// The installed plugins at one moment.
#[derive(Debug, Clone)]
pub struct Registry {
    components: Components,
    path: PathBuf,
    plugins: BTreeMap<PluginName, Installed>,
}

/// A plugin that the user installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Who signed it first; whoever signs later has to be the same. None: it never was signed.
    pub key: Option<PublicKey>,
    /// What runs.
    pub current: Release,
    /// What ran before, for a rollback.
    pub previous: Option<Release>,
}

/// One version of a plugin, as the user agreed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What of its manifest is granted, and what the user granted beyond: name, version, hosts, login, tenants, limits, options.
    pub granted: Manifest,
    /// Which bytes.
    pub sha256: ComponentDigest,
    /// Where it came from: a path or a URL.
    pub source: String,
    /// When the user agreed.
    pub installed: Timestamp,
}

impl Registry {
    /// Reads what is installed. Where there is no file, nothing is.
    pub fn open(home: &Home) -> Result<Self, RegistryError> {
        let path = Self::grants_path(home);
        let plugins = file::read(&path)?;
        Ok(Self { components: Components::new(home.plugins().join("components")), path, plugins })
    }

    /// The grants file.
    pub fn grants_path(home: &Home) -> PathBuf {
        home.plugins().join("grants.toml")
    }

    /// All, by name.
    pub fn installed(&self) -> impl Iterator<Item = &Installed> {
        self.plugins.values()
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Installed> {
        self.plugins.values().find(|plugin| plugin.name().as_str() == name)
    }

    /// The one of this name, which has to be there.
    pub fn expect(&self, name: &str) -> Result<&Installed, RegistryError> {
        self.get(name).ok_or_else(|| match BUILT_IN.contains(&name) {
            true => RegistryError::BuiltIn(name.to_owned()),
            false => RegistryError::NotInstalled {
                name: name.to_owned(),
                installed: self.plugins.keys().map(ToString::to_string).collect(),
            },
        })
    }

    /// Loads the current version of a plugin. Its file is read only where its code has to be compiled, and then has to be what
    /// was installed.
    pub fn load(&self, host: &Host, name: &str) -> Result<Plugin, RegistryError> {
        let release = &self.expect(name)?.current;
        let loaded =
            host.load_installed(name, &release.sha256, || self.components.read(name, &release.sha256));
        loaded.map_err(|error| match error {
            RegistryError::Plugin(source @ PluginError::Version { .. }) => {
                RegistryError::OtherContract { name: name.to_owned(), source }
            }
            error => error,
        })
    }

    /// What a version was built for, by its file. None: the file is gone, or does not say.
    pub fn built_for(&self, release: &Release) -> Option<BuiltFor> {
        self.components.built_for(&release.sha256)
    }

    /// Reads the component of a version and checks its digest.
    pub fn verify(&self, release: &Release) -> Result<(), RegistryError> {
        self.components.read(release.granted.name.as_str(), &release.sha256).map(drop)
    }
}

impl Installed {
    /// Its name.
    pub fn name(&self) -> &PluginName {
        &self.current.granted.name
    }

    /// What it may reach and name while it serves this API URL, which the user set: the granted hosts, the API URL's origin, and the credential
    /// `login` for that origin alone, if it was granted one.
    pub fn grants(&self, api_url: &ApiUrl) -> Grants {
        Grants::of(&self.current.granted, api_url, ApiUrlSetBy::User)
    }

    /// What it may use in a call.
    pub fn limits(&self) -> Limits {
        Limits::default().raised(&self.current.granted.limits)
    }
}
