//! The last look at a candidate: it is opened in the sandbox with nothing granted, so that what does not fit is refused when it is
//! to be installed, and not when it is to sync.

use std::path::PathBuf;
use std::sync::Arc;

use super::candidate::Candidate;
use super::error::RegistryError;
use crate::net::{ApiUrl, Courier, CourierOptions, Http, NoCredentials};
use crate::plugin::dispatcher::{DispatcherSetup, WasmDispatcher};
use crate::plugin::error::PluginError;
use crate::plugin::grants::{AllowList, Grants};
use crate::plugin::host::Plugin;
use crate::plugin::limits::Limits;
use crate::plugin::manifest::Roles;
use crate::plugin::provider::{Setup, WasmProvider};

/// Leads nowhere, and is never asked.
const NOWHERE: &str = "https://nowhere.invalid";
/// No folder: nothing can be kept in it, and what an installed plugin of the same name keeps is not seen.
const NO_FOLDER: &str = "/dev/null";

impl Candidate {
    /// Sees whether what was compiled of it speaks this contract, in each role that its manifest names, and answers under the name of
    /// its manifest. It gets no way out, no secret and no state.
    pub async fn try_out(&self, plugin: &Plugin, http: Http) -> Result<(), RegistryError> {
        let manifest = self.manifest();
        self.check_roles(plugin)?;
        let unfit = |error| match error {
            // These say all themselves.
            error @ (PluginError::NotAProvider { .. } | PluginError::Host(_)) => error.into(),
            source => RegistryError::Unfit { name: manifest.name.to_string(), source },
        };
        let mut ids = Vec::new();
        if manifest.roles.delivers() {
            let opened = WasmDispatcher::open(plugin, self.dispatcher_setup()).await;
            ids.push(opened.map_err(unfit)?.description().id.clone());
        }
        if manifest.roles.syncs() {
            let opened = WasmProvider::open(plugin, self.provider_setup(http)?).await;
            ids.push(opened.map_err(unfit)?.description().id.clone());
        }
        let name = manifest.name.to_string();
        match ids.into_iter().find(|id| *id != name) {
            None => Ok(()),
            Some(id) => Err(RegistryError::OtherId { name, id }),
        }
    }

    /// Each role that the manifest names has to be there. A role that it does not name is never used.
    fn check_roles(&self, plugin: &Plugin) -> Result<(), RegistryError> {
        let (name, said) = (self.name().to_string(), self.manifest().roles);
        let found = match (plugin.has("provider"), plugin.has("dispatcher")) {
            (true, true) => Roles::Both,
            (false, true) => Roles::Dispatcher,
            (_, false) => Roles::Provider,
        };
        if said.is_within(found) { Ok(()) } else { Err(RegistryError::Roles { name, said, found }) }
    }

    fn dispatcher_setup(&self) -> DispatcherSetup {
        DispatcherSetup {
            tenant: None,
            limits: self.limits(),
            state_folder: PathBuf::from(NO_FOLDER),
            settings: self.manifest().defaults(),
            courier: Courier::new(CourierOptions::default()),
        }
    }

    fn provider_setup(&self, http: Http) -> Result<Setup, RegistryError> {
        let nowhere = ApiUrl::parse(NOWHERE).map_err(|source| RegistryError::Trial(source.to_string()))?;
        Ok(Setup {
            tenant: None,
            api_url: nowhere,
            grants: Grants { hosts: AllowList::nothing(), credentials: [].into() },
            limits: self.limits(),
            credentials: Arc::new(NoCredentials),
            state_folder: PathBuf::from(NO_FOLDER),
            settings: self.manifest().defaults(),
            http,
        })
    }

    fn limits(&self) -> Limits {
        Limits::default().raised(&self.manifest().limits)
    }
}
