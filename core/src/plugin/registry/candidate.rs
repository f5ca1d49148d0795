//! A component that somebody wants installed: checked, and compared with what is there. Nothing here changes anything.

use std::path::Path;

use super::digest::ComponentDigest;
use super::error::RegistryError;
use super::{BUILT_IN, Registry, Release};
use crate::net::ApiUrl;
use crate::plugin::component::{self, check_bytes};
use crate::plugin::error::PluginError;
use crate::plugin::grants::HostPattern;
use crate::plugin::host::{Host, Plugin};
use crate::plugin::limits::{Limits, SomeLimits};
use crate::plugin::manifest::{LoginKind, Manifest, PluginName, Roles};
use crate::plugin::package::{Package, PublicKey};

/// What is remembered of where a component came from, in bytes: as long as a path can be.
pub(super) const MAX_SOURCE: usize = 4096;

/// A packed component that may be installed.
#[derive(Debug)]
pub struct Candidate {
    package: Package,
    bytes: Vec<u8>,
    source: String,
}

impl Candidate {
    /// Checks the bytes of a file, all but whether it is a provider that this host runs. `shown` is what messages call it.
    pub fn of(bytes: Vec<u8>, source: &str, shown: &str) -> Result<Self, RegistryError> {
        check_bytes(shown, &bytes, Limits::default().component)?;
        let package = Package::read(&bytes)?;
        let name = package.manifest.name.as_str();
        match BUILT_IN.contains(&name) {
            true => Err(RegistryError::NameTaken(name.to_owned())),
            false if source.len() > MAX_SOURCE => {
                Err(RegistryError::Source("its path or URL has more than 4096 bytes"))
            }
            false => Ok(Self { package, bytes, source: source.to_owned() }),
        }
    }

    /// Reads a file, no more of it than a component may have. `source` is where an update looks for the next.
    pub fn read(path: &Path, source: &Path) -> Result<Self, RegistryError> {
        let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let bytes = component::read(&shown, path, Limits::default().component)?;
        let source = source.to_str().ok_or(RegistryError::Source("its path is no UTF-8"))?;
        Self::of(bytes, source, &shown)
    }

    /// Compiles it, so that no later command has to, and sees whether it is a provider that this host runs.
    pub fn compile(&self, host: &Host) -> Result<Plugin, PluginError> {
        host.load_installed(self.name().as_str(), &self.sha256(), || Ok(self.bytes.clone()))
    }

    /// Its name.
    pub fn name(&self) -> &PluginName {
        &self.package.manifest.name
    }

    /// What it asks for.
    pub fn manifest(&self) -> &Manifest {
        &self.package.manifest
    }

    /// Who signed it.
    pub fn signer(&self) -> Option<PublicKey> {
        self.package.signer
    }

    /// What it is known by.
    pub fn sha256(&self) -> ComponentDigest {
        ComponentDigest(self.package.sha256)
    }

    /// Where it came from, exactly as it was given: not fit for a terminal as it is.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A candidate beside what is installed under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// What runs now. None: nothing of this name is installed.
    pub current: Option<Release>,
    /// What it would be granted: what it asks for, and what the user granted the current one beyond that one's wishes.
    pub granted: Manifest,
    /// Of that, what is more and what is less than now.
    pub difference: Difference,
}

impl Assessment {
    /// Whether the user has agreed to these bytes and to all that they ask for: then nothing is left to do.
    pub fn is_agreed(&self, candidate: &Candidate) -> bool {
        self.current.as_ref().is_some_and(|current| current.sha256 == candidate.sha256())
            && !self.difference.is_wider()
    }
}

/// What a version is granted that another is not, and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// What it is for, where that is another: before and after.
    pub roles: Option<(Roles, Roles)>,
    /// Hosts that it could reach now.
    pub hosts_added: Vec<HostPattern>,
    /// Hosts that it could reach no more.
    pub hosts_removed: Vec<HostPattern>,
    /// Tenants that it would claim now.
    pub tenants_added: Vec<String>,
    /// Tenants that it would claim no more.
    pub tenants_removed: Vec<String>,
    /// The sign-in, where it is another: before and after.
    pub login: Option<(Option<LoginKind>, Option<LoginKind>)>,
    /// Whether a token of the environment may stand for the login, where that is another: before and after.
    pub env_token: Option<(bool, bool)>,
    /// The default API URL, where it is another: before and after.
    pub api_url: Option<(Option<ApiUrl>, Option<ApiUrl>)>,
    /// The limits, where they are others: before and after.
    pub limits: Option<(SomeLimits, SomeLimits)>,
}

impl Difference {
    /// From one to the other.
    pub fn between(old: &Manifest, new: &Manifest) -> Self {
        fn changed<T: PartialEq + Clone>(old: &T, new: &T) -> Option<(T, T)> {
            (old != new).then(|| (old.clone(), new.clone()))
        }
        let beyond = |these: &Manifest, those: &Manifest| {
            let hosts =
                these.hosts.iter().filter(|host| !those.hosts.iter().any(|other| other.includes(host)));
            hosts.cloned().collect()
        };
        let claims = |these: &Manifest, those: &Manifest| {
            these.tenants.iter().filter(|tenant| !those.tenants.contains(tenant)).cloned().collect()
        };
        Self {
            roles: changed(&old.roles, &new.roles),
            hosts_added: beyond(new, old),
            hosts_removed: beyond(old, new),
            tenants_added: claims(new, old),
            tenants_removed: claims(old, new),
            login: changed(&old.login, &new.login),
            env_token: changed(&old.env_token, &new.env_token),
            api_url: changed(&old.api_url, &new.api_url),
            limits: changed(&old.limits, &new.limits),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anything in it gives more, or something else, than before: that needs a new yes.
    pub fn is_wider(&self) -> bool {
        let another = |kinds: &Option<(Option<LoginKind>, Option<LoginKind>)>| {
            kinds.as_ref().is_some_and(|(_, after)| after.is_some())
        };
        self.roles.is_some_and(|(before, after)| !after.is_within(before))
            || !self.hosts_added.is_empty()
            || !self.tenants_added.is_empty()
            || another(&self.login)
            || self.env_token.is_some_and(|(_, after)| after)
            || self.api_url.as_ref().is_some_and(|(_, after)| after.is_some())
            || self.limits.as_ref().is_some_and(|(before, after)| !after.is_within(before))
    }
}

impl Registry {
    /// Compares a candidate with what is installed under its name. A file that somebody else signed, or nobody any more, is refused.
    pub fn assess(&self, candidate: &Candidate) -> Result<Assessment, RegistryError> {
        let wishes = candidate.manifest();
        let Some(installed) = self.plugins.get(candidate.name()) else {
            let nothing = Manifest::nothing(wishes.name.clone());
            let difference = Difference::between(&nothing, wishes);
            return Ok(Assessment { current: None, granted: wishes.clone(), difference });
        };
        if let Some(pinned) = installed.key.filter(|pinned| candidate.signer() != Some(*pinned)) {
            let (name, found) = (candidate.name().to_string(), candidate.signer());
            return Err(RegistryError::Key { name, pinned, found });
        }
        let mut granted = wishes.clone();
        let by_hand = self.beyond_wishes(&installed.current, candidate);
        for host in by_hand.hosts {
            if !granted.hosts.iter().any(|wish| wish.includes(&host)) {
                granted.hosts.push(host);
            }
        }
        granted.env_token |= by_hand.env_token && granted.login.is_some();
        let difference = Difference::between(&installed.current.granted, &granted);
        Ok(Assessment { current: Some(installed.current.clone()), granted, difference })
    }

    /// What the user granted a version by hand. What it asked for is in its file, or, where that is gone or damaged, in the same file
    /// come again. Nothing, where neither can tell.
    fn beyond_wishes(&self, release: &Release, candidate: &Candidate) -> ByHand {
        let read = || {
            let file = self.components.read(release.granted.name.as_str(), &release.sha256);
            file.ok().and_then(|bytes| Package::read(&bytes).ok()).map(|package| package.manifest)
        };
        let is_same = release.sha256 == candidate.sha256();
        let Some(asked) = (if is_same { Some(candidate.manifest().clone()) } else { read() }) else {
            return ByHand::default();
        };
        let granted = &release.granted;
        ByHand {
            hosts: granted.hosts.iter().filter(|host| !asked.hosts.contains(host)).cloned().collect(),
            env_token: granted.env_token && !asked.env_token,
        }
    }
}

/// What was granted beyond what was asked for.
#[derive(Default)]
struct ByHand {
    hosts: Vec<HostPattern>,
    env_token: bool,
}

#[cfg(test)]
#[path = "candidate_tests.rs"]
mod tests;
