//! The last look at a candidate: it is opened in the sandbox with nothing granted, so that what does not fit is refused when it is
//! to be installed, and not when it is to sync.

use std::path::PathBuf;
use std::sync::Arc;

use super::candidate::Candidate;
use super::error::RegistryError;
use crate::net::{ApiUrl, Http, NoCredentials};
use crate::plugin::error::PluginError;
use crate::plugin::grants::{AllowList, Grants};
use crate::plugin::host::Plugin;
use crate::plugin::limits::Limits;
use crate::plugin::manifest::OptionSpec;
use crate::plugin::provider::{Setup, WasmProvider};

/// Leads nowhere, and is never asked.
const NOWHERE: &str = "https://nowhere.invalid";
/// No folder: nothing can be kept in it, and what an installed plugin of the same name keeps is not seen.
const NO_FOLDER: &str = "/dev/null";

impl Candidate {
    /// Sees whether what was compiled of it speaks this contract, and answers under the name of its manifest. It gets no way out, no
    /// secret and no state.
    pub async fn try_out(&self, plugin: &Plugin, http: Http) -> Result<(), RegistryError> {
        let manifest = self.manifest();
        let name = || manifest.name.to_string();
        let nowhere = ApiUrl::parse(NOWHERE).map_err(|source| RegistryError::Trial(source.to_string()))?;
        let default = |(name, spec): (&String, &OptionSpec)| Some((name.clone(), spec.default.clone()?));
        let setup = Setup {
            tenant: None,
            api_url: nowhere,
            grants: Grants { hosts: AllowList::nothing(), credentials: [].into() },
            limits: Limits::default().raised(&manifest.limits),
            credentials: Arc::new(NoCredentials),
            state_folder: PathBuf::from(NO_FOLDER),
            settings: manifest.options.iter().filter_map(default).collect(),
            http,
        };
        let provider = WasmProvider::open(plugin, setup).await.map_err(|error| match error {
            // These say all themselves.
            error @ (PluginError::NotAProvider { .. } | PluginError::Host(_)) => error.into(),
            source => RegistryError::Unfit { name: name(), source },
        })?;
        match &provider.description().id {
            id if *id == name() => Ok(()),
            id => Err(RegistryError::OtherId { name: name(), id: id.clone() }),
        }
    }
}
