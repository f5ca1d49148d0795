//! An installed provider under the engine of sync, with stores of the test's own: for what is about provider and engine alone, and not
//! about which provider a tenant names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use orkee_core::home::Home;
use orkee_core::net::{ApiUrl, Http, HttpOptions};
use orkee_core::plugin::{Host, Registry, Setup, WasmProvider};
use orkee_core::project::Project;
use orkee_core::store::{Options as StoreOptions, Store};
use orkee_core::sync::{Options, Summary, sync};

use crate::credentials::Bearer;

/// The provider of this name, as it is installed and granted in a home folder, ready to be asked.
pub async fn provider(home: &Path, name: &str, url: &str, token: &str) -> WasmProvider {
    let home = Home::at(home).unwrap();
    let registry = Registry::open(&home).unwrap();
    let host = Host::new(Some(home.cache())).unwrap();
    let plugin = registry.load(&host, name).unwrap();
    let installed = registry.expect(name).unwrap();
    let api_url = ApiUrl::parse(url).unwrap();
    let setup = Setup {
        tenant: None,
        grants: installed.grants(&api_url),
        limits: installed.limits(),
        api_url,
        credentials: Arc::new(Bearer::new(token)),
        state_folder: home.plugins(),
        settings: BTreeMap::new(),
        http: Http::new(HttpOptions::default()).unwrap(),
    };
    WasmProvider::open(&plugin, setup).await.unwrap()
}

/// A device's store, in a folder.
pub fn store(folder: &Path, device: &str) -> Store {
    StoreOptions::default().device(device).open(&folder.join(format!("{device}.db"))).unwrap()
}

/// Adds a project under this id, and names it after it.
pub fn add(store: &mut Store, id: &str) {
    store.add(Project::new(id.parse().unwrap(), format!("Project {id}"))).unwrap();
}

/// Syncs to a good end.
pub async fn synced(store: &mut Store, provider: &WasmProvider) -> Summary {
    sync(store, provider, "ada at practice", Options::default(), |_| {}).await.unwrap()
}
