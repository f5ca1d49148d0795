//! Changing what is installed: under the lock, the component's file first and the grants file last, in one replacement.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::candidate::{Assessment, Candidate};
use super::error::RegistryError;
use super::lock::Lock;
use super::{BUILT_IN, Installed, Registry, Release, file};
use crate::home::Home;
use crate::plugin::grants::{HostPattern, Network};
use crate::plugin::manifest::PluginName;

/// The right to change what is installed. Nobody else changes it until this is dropped or used up.
#[derive(Debug)]
pub struct Change {
    registry: Registry,
    _lock: Lock,
}

impl Change {
    /// Takes the lock and reads what is installed.
    pub fn begin(home: &Home) -> Result<Self, RegistryError> {
        let lock = Lock::acquire(&Registry::grants_path(home))?;
        Ok(Self { registry: Registry::open(home)?, _lock: lock })
    }

    /// Puts a candidate in place as the user agreed to it; what ran before is kept for a rollback.
    pub fn install(
        mut self,
        candidate: &Candidate,
        agreed: &Assessment,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        let name = candidate.name();
        let before = self.registry.plugins.get(name).cloned();
        if before.as_ref().map(|installed| &installed.current) != agreed.current.as_ref() {
            return Err(RegistryError::Overtaken(name.to_string()));
        }
        self.registry.components.keep(name.as_str(), &candidate.sha256(), candidate.bytes())?;
        let current = Release {
            granted: agreed.granted.clone(),
            sha256: candidate.sha256(),
            source: candidate.source().to_owned(),
            installed: now,
        };
        let key = before.as_ref().and_then(|installed| installed.key).or(candidate.signer());
        let previous = before.and_then(|installed| match installed.current.sha256 == current.sha256 {
            true => installed.previous,
            false => Some(installed.current),
        });
        self.registry.plugins.insert(name.clone(), Installed { key, current, previous });
        self.commit()
    }

    /// Puts the file of a version that is installed in its place again, should it be gone or damaged.
    pub fn renew(self, candidate: &Candidate) -> Result<(), RegistryError> {
        let (name, digest) = (candidate.name().as_str(), candidate.sha256());
        if self.registry.expect(name)?.current.sha256 != digest {
            return Err(RegistryError::Overtaken(name.to_owned()));
        }
        self.registry.components.keep(name, &digest, candidate.bytes())?;
        self.sweep();
        Ok(())
    }

    /// Lets the version run that ran before, as it was granted then, if it is still the one that the user looked at.
    pub fn rollback(mut self, agreed: &Installed) -> Result<(), RegistryError> {
        let name = agreed.name().to_string();
        let installed = self.expect(&name)?;
        if installed != agreed {
            return Err(RegistryError::Overtaken(name));
        }
        let previous = installed.previous.take().ok_or(RegistryError::NoPrevious(name.clone()))?;
        installed.previous = Some(std::mem::replace(&mut installed.current, previous));
        let release = installed.current.clone();
        self.registry.verify(&release)?;
        self.commit()
    }

    /// Takes a plugin away: its grant, its components, its state.
    pub fn remove(mut self, name: &str) -> Result<(), RegistryError> {
        let name = match self.registry.expect(name) {
            Ok(installed) => installed.name().clone(),
            Err(error) => {
                // It may have been taken away by a process that was killed before it had removed all.
                self.sweep();
                return Err(error);
            }
        };
        self.registry.plugins.remove(&name);
        self.commit()
    }

    /// Grants hosts; those that were not granted before.
    pub fn grant(mut self, name: &str, hosts: Vec<HostPattern>) -> Result<Vec<HostPattern>, RegistryError> {
        let granted = &mut self.expect(name)?.current.granted.hosts;
        let mut added = Vec::new();
        for host in hosts {
            if !granted.iter().any(|entry| entry.includes(&host)) {
                granted.push(host.clone());
                added.push(host);
            }
        }
        if !added.is_empty() {
            self.commit()?;
        }
        Ok(added)
    }

    /// Takes these hosts away, or all if none is named.
    pub fn revoke(mut self, name: &str, hosts: &[String]) -> Result<Vec<HostPattern>, RegistryError> {
        let granted = &mut self.expect(name)?.current.granted.hosts;
        let mut named = BTreeSet::new();
        for host in hosts {
            // As a grant would write it. In private networks, more can be written; what is of one kind alone reads the same in both.
            let pattern = HostPattern::parse(host, Network::Private)?.to_string();
            if !granted.iter().any(|entry| entry.to_string() == pattern) {
                let granted = granted.iter().map(ToString::to_string).collect();
                return Err(RegistryError::NotGranted { name: name.to_owned(), host: pattern, granted });
            }
            named.insert(pattern);
        }
        let (removed, kept): (Vec<_>, Vec<_>) =
            granted.drain(..).partition(|entry| named.is_empty() || named.contains(&entry.to_string()));
        *granted = kept;
        if !removed.is_empty() {
            self.commit()?;
        }
        Ok(removed)
    }

    /// Lets a token of the environment stand for a plugin's login, or no longer. Whether that was otherwise before.
    pub fn set_env_token(mut self, name: &str, may: bool) -> Result<bool, RegistryError> {
        let granted = &mut self.expect(name)?.current.granted;
        if may && granted.login.is_none() {
            return Err(RegistryError::NoLogin(name.to_owned()));
        }
        let is_news = std::mem::replace(&mut granted.env_token, may) != may;
        if is_news {
            self.commit()?;
        }
        Ok(is_news)
    }

    fn expect(&mut self, name: &str) -> Result<&mut Installed, RegistryError> {
        let name = self.registry.expect(name)?.name().clone();
        self.registry
            .plugins
            .get_mut(&name)
            .ok_or(RegistryError::NotInstalled { name: name.to_string(), installed: Vec::new() })
    }

    /// Writes the grants file, and then removes what nothing in it names any more.
    fn commit(self) -> Result<(), RegistryError> {
        file::write(&self.registry.path, &self.registry.plugins)?;
        self.sweep();
        Ok(())
    }

    /// Removes the components and states that no installed plugin has: of removed ones, and of a process that was killed.
    fn sweep(&self) {
        let Registry { components, path, plugins } = &self.registry;
        let releases = plugins.values().flat_map(|p| [Some(&p.current), p.previous.as_ref()]).flatten();
        components.sweep(&releases.map(|release| release.sha256.to_string()).collect());
        if let Some(folder) = path.parent() {
            self.sweep_states(folder);
        }
    }

    /// Removes the state of plugins that are not installed. It can be made anew by contract.
    fn sweep_states(&self, folder: &Path) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(|name| name.parse::<PluginName>().ok()) else { continue };
            if !BUILT_IN.contains(&name.as_str()) && !self.registry.plugins.contains_key(&name) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}
