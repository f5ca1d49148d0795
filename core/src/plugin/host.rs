//! The plugin host: one for a process, made by the first command that needs a plugin.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use super::cache::{CodeCache, CodeKey, Unusable};
use super::call::{CallState, Context, Sandbox};
use super::capability;
use super::component::{check_bytes, check_contract, exports, read};
use super::engine::{self, Ticker};
use super::error::PluginError;
use super::manifest::Manifest;
use super::package::{Package, PackageError};
use super::registry::ComponentDigest;

/// Loads components and runs them.
pub struct Host {
    engine: Engine,
    linker: Linker<CallState>,
    ticker: Ticker,
    /// As many as the pool of memory has room for; none: there is no pool.
    turns: Option<Arc<Semaphore>>,
    cache: Option<CodeCache>,
}

/// A component that is part of the program.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// The component.
    pub bytes: &'static [u8],
    /// BLAKE3 of the bytes, computed when the program was built: a start that finds the compiled form never reads the component.
    pub digest: [u8; 32],
}

/// An embedded component, under the name that people and the configuration know it by.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// The component, with its manifest in it.
    pub component: Embedded,
}

impl BuiltIn {
    /// What it says of itself.
    pub fn manifest(&self) -> Result<Manifest, PackageError> {
        Package::manifest_of(self.component.bytes)
    }
}

/// A component, compiled and checked against the contract. Nothing of it has run.
pub struct Plugin {
    name: String,
    component: Component,
    instance: InstancePre<CallState>,
    engine: Engine,
    ticker: Ticker,
    turns: Option<Arc<Semaphore>>,
    code: Code,
}

/// Where a plugin's compiled code came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// From the cache.
    Cached,
    /// Compiled now; there was nothing in the cache, or there is no cache.
    Compiled,
    /// Compiled now, because what the cache held cannot be trusted. Why, in words such as "its content is not what was written";
    /// somebody may have meddled with it, so whoever loads the plugin tells the person.
    Recompiled(String),
}

impl Host {
    /// A host that keeps compiled code below `cache`, or nowhere.
    pub fn new(cache: Option<PathBuf>) -> Result<Self, PluginError> {
        Self::over(engine::new().map_err(host)?, None, cache)
    }

    /// A host for components that are part of the program, whose calls have their memory from a pool. Nothing of one call is there in
    /// the next: what it wrote to is wiped in between.
    pub fn for_built_in(cache: Option<PathBuf>) -> Result<Self, PluginError> {
        match engine::pooled() {
            Ok(engine) => Self::over(engine, Some(Arc::new(Semaphore::new(engine::POOL as usize))), cache),
            // Where addresses are rationed, memory is mapped for each call.
            Err(error) => {
                tracing::debug!(target: "orkee::cloud::plugin", "no pool of memory: {error:#}");
                Self::new(cache)
            }
        }
    }

    fn over(
        engine: Engine,
        turns: Option<Arc<Semaphore>>,
        cache: Option<PathBuf>,
    ) -> Result<Self, PluginError> {
        let mut linker = Linker::new(&engine);
        capability::link(&mut linker).map_err(host)?;
        let ticker = Ticker::new(engine.clone());
        Ok(Self { engine, linker, ticker, turns, cache: cache.map(CodeCache::new) })
    }

    /// Loads a component; compiles it if its compiled form is not in the cache. `name` is what messages call it.
    pub fn load(&self, name: &str, bytes: &[u8], max_bytes: u64) -> Result<Plugin, PluginError> {
        check_bytes(name, bytes, max_bytes)?;
        self.load_known(name, &blake3::hash(bytes), || Ok(bytes.into()))
    }

    /// Loads an installed component, known by its SHA-256. `read` is asked for the component only if there is no compiled code,
    /// and has to check that the bytes are of that digest.
    pub(super) fn load_installed<E: From<PluginError>>(
        &self,
        name: &str,
        digest: &ComponentDigest,
        read: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Plugin, E> {
        // A name of its own kind, so that it is never taken for the BLAKE3 of some component.
        let known_as = blake3::Hasher::new_derive_key("orkee installed component by its SHA-256")
            .update(&digest.0)
            .finalize();
        self.load_known(name, &known_as, || read().map(Cow::Owned))
    }

    /// Loads a component from a file, of which no more is read than its limit and what shows that it is none.
    pub fn load_file(&self, name: &str, path: &Path, max_bytes: u64) -> Result<Plugin, PluginError> {
        let bytes = read(name, path, max_bytes)?;
        self.load_known(name, &blake3::hash(&bytes), || Ok(Cow::Owned(bytes)))
    }

    /// Loads a component that is part of the program.
    pub fn load_embedded(&self, name: &str, component: &Embedded) -> Result<Plugin, PluginError> {
        self.load_known(name, &blake3::Hash::from_bytes(component.digest), || Ok(component.bytes.into()))
    }

    fn load_known<'a, E: From<PluginError>>(
        &self,
        name: &str,
        digest: &blake3::Hash,
        read: impl FnOnce() -> Result<Cow<'a, [u8]>, E>,
    ) -> Result<Plugin, E> {
        let (component, code) = self.compiled(name, digest, read)?;
        check_contract(name, &self.engine, &component)?;
        let instance = self.linker.instantiate_pre(&component);
        let instance =
            instance.map_err(|e| PluginError::Unusable { plugin: name.to_owned(), source: e.into() })?;
        let (engine, ticker, turns) = (self.engine.clone(), self.ticker.clone(), self.turns.clone());
        Ok(Plugin { name: name.to_owned(), component, instance, engine, ticker, turns, code })
    }

    fn compiled<'a, E: From<PluginError>>(
        &self,
        name: &str,
        digest: &blake3::Hash,
        read: impl FnOnce() -> Result<Cow<'a, [u8]>, E>,
    ) -> Result<(Component, Code), E> {
        let Some(cache) = &self.cache else {
            return Ok((self.compile(name, &read()?)?, Code::Compiled));
        };
        let key = CodeKey::new(digest, &self.engine);
        let why = match cache.load(&key) {
            Ok(code) => match deserialize(&self.engine, code.code()) {
                Ok(component) => return Ok((component, Code::Cached)),
                Err(error) => Some(error.to_string()),
            },
            Err(Unusable::Absent) => None,
            Err(unusable) => Some(unusable.to_string()),
        };
        if let Some(why) = &why {
            tracing::warn!(target: "orkee::cloud::plugin", plugin = name, "compiled code is not used and made anew: {why}");
        }
        let component = self.compile(name, &read()?)?;
        let kept = component.serialize().map_err(|e| e.to_string());
        if let Err(why) = kept.and_then(|code| cache.store(&key, &code).map_err(|e| e.to_string())) {
            tracing::debug!(target: "orkee::cloud::plugin", plugin = name, "compiled code is not kept: {why}");
        }
        Ok((component, why.map_or(Code::Compiled, Code::Recompiled)))
    }

    fn compile(&self, name: &str, bytes: &[u8]) -> Result<Component, PluginError> {
        let compiled = Component::from_binary(&self.engine, bytes);
        compiled.map_err(|e| PluginError::Unusable { plugin: name.to_owned(), source: e.into() })
    }
}

fn host(error: wasmtime::Error) -> PluginError {
    PluginError::Host(error.into())
}

#[allow(unsafe_code, reason = "loading compiled code is unsafe by nature")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are machine code that will be run. `CodeCache::load` is the only source of them: it returns what this
    // host itself serialized from a component that it had compiled and checked, proven by a keyed digest over name and content,
    // from a file that belongs to this user alone. The bytes are in our memory, so nobody changes them between check and use.
    unsafe { Component::deserialize(engine, code) }
}

impl Plugin {
    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its compiled code came from.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// Whether it exports this optional interface of the contract.
    pub fn has(&self, interface: &str) -> bool {
        exports(&self.engine, &self.component, interface)
    }

    pub(super) fn instance(&self) -> &InstancePre<CallState> {
        &self.instance
    }

    pub(super) fn sandbox(&self, context: Context) -> Sandbox {
        Sandbox {
            engine: self.engine.clone(),
            ticker: self.ticker.clone(),
            turns: self.turns.clone(),
            instance: self.instance.clone(),
            context: Arc::new(context),
        }
    }
}
