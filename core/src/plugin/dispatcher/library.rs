//! The dispatchers that there are: those that are part of the program, and, for a person, those that they installed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::task::spawn_blocking;

use super::{DispatcherSetup, WasmDispatcher};
use crate::diagnostic::{Diagnostic, Kind};
use crate::home::Home;
use crate::net::Courier;
use crate::plugin::error::PluginError;
use crate::plugin::host::{BuiltIn, Host, Plugin};
use crate::plugin::limits::Limits;
use crate::plugin::registry::{Installed, Registry, RegistryError};

/// One attempt from beginning to end. The receiver's part of it ends before ([`WasmDispatcher`]).
const ATTEMPT: Duration = Duration::from_secs(22);
/// Of a receiver's reply, what a dispatcher may want to read.
const REPLY: u64 = 16 << 10;
/// Calls of the host in one attempt.
const HOST_CALLS: u32 = 100;

/// Finds and opens dispatchers by name. What is compiled is kept for the next time.
pub struct DispatcherLibrary {
    built_in: &'static [BuiltIn],
    installed: Option<Home>,
    cache: Option<PathBuf>,
    state_folder: PathBuf,
    courier: Courier,
    /// Made by the first that is opened.
    host: Mutex<Option<Arc<Host>>>,
}

/// A dispatcher cannot be used.
#[derive(Debug, Error)]
pub enum DispatcherError {
    /// There is none of this name.
    #[error("there is no dispatcher `{name}`")]
    Unknown {
        /// As it was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It was not granted that role.
    #[error("the plugin `{name}` is a sync provider, and delivers no events")]
    OnlyProvider {
        /// Which.
        name: String,
    },
    /// What is installed cannot be read, or the component is not what was installed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// It cannot be run.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

/// Where a dispatcher is.
enum Found {
    BuiltIn(BuiltIn),
    Installed(Registry, Box<Installed>),
}

impl DispatcherLibrary {
    /// Those that are part of the program. `cache` keeps compiled code, `state_folder` what dispatchers remember.
    pub fn new(
        built_in: &'static [BuiltIn],
        courier: Courier,
        cache: Option<PathBuf>,
        state_folder: PathBuf,
    ) -> Self {
        Self { built_in, installed: None, cache, state_folder, courier, host: Mutex::default() }
    }

    /// And those that were installed at this home. What is installed is read anew each time that one is looked for.
    #[must_use]
    pub fn with_installed(self, home: &Home) -> Self {
        Self { installed: Some(home.clone()), ..self }
    }

    /// Sees whether there is one of this name. Loads nothing.
    pub fn check(&self, name: &str) -> Result<(), DispatcherError> {
        self.find(name).map(drop)
    }

    /// The names of those that are part of the program, and of those that were installed, as far as that can be read.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.built_in.iter().map(|built_in| built_in.name.to_owned()).collect();
        if let Some(Ok(registry)) = self.installed.as_ref().map(Registry::open) {
            let delivers = |plugin: &&Installed| plugin.current.granted.roles.delivers();
            names.extend(registry.installed().filter(delivers).map(|plugin| plugin.name().to_string()));
        }
        names
    }

    /// Loads one. Compiling, where it has to be, keeps no other task from going on.
    pub async fn open(&self, name: &str) -> Result<WasmDispatcher, DispatcherError> {
        let found = self.find(name)?;
        let host = self.host()?;
        let (limits, settings) = match &found {
            Found::BuiltIn(_) => (limits(Limits::default()), [].into()),
            Found::Installed(_, plugin) => (limits(plugin.limits()), plugin.current.granted.defaults()),
        };
        let plugin = spawn_blocking(move || found.load(&host))
            .await
            .map_err(|stopped| PluginError::Host(stopped.into()))??;
        let setup = DispatcherSetup {
            tenant: None,
            limits,
            state_folder: self.state_folder.clone(),
            settings,
            courier: self.courier.clone(),
        };
        Ok(WasmDispatcher::open(&plugin, setup).await?)
    }

    fn find(&self, name: &str) -> Result<Found, DispatcherError> {
        if let Some(built_in) = self.built_in.iter().find(|built_in| built_in.name == name) {
            return Ok(Found::BuiltIn(*built_in));
        }
        let unknown = || DispatcherError::Unknown { name: name.to_owned(), known: self.names() };
        let home = self.installed.as_ref().ok_or_else(unknown)?;
        let registry = Registry::open(home)?;
        let plugin = registry.get(name).cloned().ok_or_else(unknown)?;
        if !plugin.current.granted.roles.delivers() {
            return Err(DispatcherError::OnlyProvider { name: name.to_owned() });
        }
        Ok(Found::Installed(registry, Box::new(plugin)))
    }

    fn host(&self) -> Result<Arc<Host>, PluginError> {
        let mut made = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = made.as_ref() {
            return Ok(Arc::clone(host));
        }
        let host = Arc::new(Host::new(self.cache.clone())?);
        *made = Some(Arc::clone(&host));
        Ok(host)
    }
}

impl Found {
    fn load(self, host: &Host) -> Result<Plugin, DispatcherError> {
        match self {
            Self::BuiltIn(built_in) => Ok(host.load_embedded(built_in.name, &built_in.component)?),
            Self::Installed(registry, plugin) => Ok(registry.load(host, plugin.name().as_str())?),
        }
    }
}

/// For an attempt: a receiver is given less time and less room than a sync's backend.
fn limits(usual: Limits) -> Limits {
    Limits { wall_clock: ATTEMPT, reply_body: REPLY, host_calls: HOST_CALLS, ..usual }
}

impl Diagnostic for DispatcherError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } | Self::OnlyProvider { .. } => "E-HOOK-033",
            Self::Registry(error) => error.code(),
            Self::Plugin(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Unknown { .. } | Self::OnlyProvider { .. } => Kind::Usage,
            Self::Registry(error) => error.kind(),
            Self::Plugin(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } => Some(format!("there are: {}", known.join(", "))),
            Self::OnlyProvider { .. } => Some("name a dispatcher, such as `webhook`".to_owned()),
            Self::Registry(error) => error.hint(),
            Self::Plugin(error) => error.hint(),
        }
    }
}
