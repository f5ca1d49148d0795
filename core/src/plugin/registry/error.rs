//! What stands in the way of installing, using or removing a plugin.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::digest::ComponentDigest;
use crate::diagnostic::{Diagnostic, Kind};
use crate::plugin::error::PluginError;
use crate::plugin::grants::PatternError;
use crate::plugin::manifest::error::Place;
use crate::plugin::manifest::{ManifestError, Roles};
use crate::plugin::package::{PackageError, PublicKey};
use crate::plugin::version::supported;
use crate::similar;

/// The registry refuses, or cannot do it.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The grants file holds something that is no grant; then none of it holds.
    #[error("{}{}", path.display(), Place(error))]
    Grants {
        /// The file.
        path: PathBuf,
        /// Where and what.
        error: ManifestError,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process changes what is installed, and does not come to an end.
    #[error("another process is changing what is installed")]
    Busy,
    /// There is no such plugin.
    #[error("no provider called `{name}` is installed")]
    NotInstalled {
        /// As it was asked for.
        name: String,
        /// What there is.
        installed: Vec<String>,
    },
    /// The name belongs to a provider that is part of the program.
    #[error("the provider `{0}` is part of Orkee and cannot be changed")]
    BuiltIn(String),
    /// A component has the name of a provider that is part of the program.
    #[error("the name `{0}` belongs to a provider that is part of Orkee")]
    NameTaken(String),
    /// The file is another plugin than the one that was to be updated.
    #[error("this is the provider `{found}`, not `{wanted}`")]
    OtherName {
        /// What was to be updated.
        wanted: String,
        /// What came.
        found: String,
    },
    /// Signed by somebody else than before, or not any more.
    #[error("the provider `{name}` was signed by {pinned}, this file is {}", signed(found))]
    Key {
        /// Which.
        name: String,
        /// Who signed first.
        pinned: PublicKey,
        /// Who signed now.
        found: Option<PublicKey>,
    },
    /// What is installed is not what it was when the user was asked.
    #[error("the provider `{0}` was changed by another process meanwhile")]
    Overtaken(String),
    /// It needs no login that a token could stand for.
    #[error("the provider `{0}` needs no login, and so no token of the environment")]
    NoLogin(String),
    /// There is no earlier version.
    #[error("no earlier version of the provider `{0}` is kept")]
    NoPrevious(String),
    /// The component is gone.
    #[error("the component of the provider `{name}` is missing: {}", path.display())]
    Missing {
        /// Which.
        name: String,
        /// Where it was.
        path: PathBuf,
    },
    /// The component is another than the one that was installed. It is not run.
    #[error("the component of the provider `{name}` is not what was installed: {} has the SHA-256 {found}", path.display())]
    Altered {
        /// Which.
        name: String,
        /// The file.
        path: PathBuf,
        /// Of what is there now.
        found: ComponentDigest,
    },
    /// A host that is no entry of a grant.
    #[error("{0}")]
    Host(#[from] PatternError),
    /// The host was not granted.
    #[error("the provider `{name}` has no grant for {host}")]
    NotGranted {
        /// Which.
        name: String,
        /// As it was given.
        host: String,
        /// What it has.
        granted: Vec<String>,
    },
    /// The file is no packed component.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// It was compiled, and does not answer as the contract says.
    #[error(
        "the provider `{name}` cannot be installed: it does not fit the contract {} of this Orkee",
        supported()
    )]
    Unfit {
        /// Which.
        name: String,
        /// What it did.
        #[source]
        source: PluginError,
    },
    /// It calls itself something else than its manifest.
    #[error("the component calls itself `{id}`, and its manifest `{name}`")]
    OtherId {
        /// Of the manifest.
        name: String,
        /// Of the component's `describe`.
        id: String,
    },
    /// It is not what its manifest says.
    #[error("the manifest of `{name}` says that it is a {}, and the component is a {}", said.describe(), found.describe())]
    Roles {
        /// Which.
        name: String,
        /// By its manifest.
        said: Roles,
        /// By what it exports.
        found: Roles,
    },
    /// It could not be tried.
    #[error("it cannot be tried: {0}")]
    Trial(String),
    /// Where it comes from cannot be written down.
    #[error("the component cannot be installed from there: {0}")]
    Source(&'static str),
    /// It was installed, and this Orkee runs another track of the contract.
    #[error("the installed plugin `{name}` does not run with this Orkee")]
    OtherContract {
        /// Which.
        name: String,
        /// What it is built for, and what runs.
        #[source]
        source: PluginError,
    },
    /// It is no provider that this host runs.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

fn signed(key: &Option<PublicKey>) -> String {
    key.map_or("not signed".to_owned(), |key| format!("signed by {key}"))
}

impl RegistryError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }
}

impl Diagnostic for RegistryError {
    fn code(&self) -> &'static str {
        match self {
            Self::Grants { .. } => "E-PLUGIN-040",
            Self::Io { .. } => "E-PLUGIN-041",
            Self::Busy | Self::Overtaken(_) => "E-PLUGIN-042",
            Self::NotInstalled { .. } => "E-PLUGIN-012",
            Self::BuiltIn(_) | Self::NameTaken(_) | Self::OtherName { .. } => "E-PLUGIN-043",
            Self::Key { .. } => "E-PLUGIN-044",
            Self::NoPrevious(_) => "E-PLUGIN-045",
            Self::NoLogin(_) => "E-PLUGIN-057",
            Self::Missing { .. } | Self::Altered { .. } => "E-PLUGIN-046",
            Self::Host(_) | Self::NotGranted { .. } => "E-PLUGIN-047",
            Self::Roles { .. } => "E-HOOK-034",
            Self::Unfit { .. } | Self::OtherId { .. } | Self::Trial(_) => "E-PLUGIN-055",
            Self::Source(_) => "E-PLUGIN-056",
            Self::Package(error) => error.code(),
            Self::Plugin(error) | Self::OtherContract { source: error, .. } => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Busy => Kind::Timeout,
            Self::Io { .. } | Self::Overtaken(_) | Self::Missing { .. } | Self::Altered { .. } => {
                Kind::Failed
            }
            Self::Plugin(error) => error.kind(),
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Grants { error, .. } => match &error.instead {
                Some(instead) => format!("write `{instead}`; until then nothing in the file is granted"),
                None => {
                    "correct it, or take the plugin's tables out and install it again; until then nothing in \
                         the file is granted"
                        .to_owned()
                }
            },
            Self::Io { .. } => "check that it is yours to read and write, and that there is space".to_owned(),
            Self::Busy => "wait for it to end, then try again".to_owned(),
            Self::NotInstalled { name, installed } => {
                let known = installed.iter().map(String::as_str).chain(super::BUILT_IN);
                let near = similar::nearest(name, known);
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                match installed.as_slice() {
                    [] => format!("{near}nothing is installed; run `orkee cloud provider list`"),
                    installed => format!("{near}installed: {}", installed.join(", ")),
                }
            }
            Self::BuiltIn(name) => {
                format!("it comes and changes with Orkee itself; `orkee cloud provider info {name}` shows what it may do")
            }
            Self::NameTaken(_) => "give yours another name in its provider.toml, and pack it again".to_owned(),
            Self::OtherName { .. } => "run `orkee cloud provider install` with it instead".to_owned(),
            Self::Key { name, .. } => format!(
                "ask the author, by another way than this file; if it is right, run `orkee cloud provider remove \
                 {name}` and install it again"
            ),
            Self::Overtaken(_) => "look at it again, then run the command once more".to_owned(),
            Self::NoPrevious(_) => "install the version that you want from its file".to_owned(),
            Self::NoLogin(_) => return None,
            Self::Missing { .. } | Self::Altered { .. } => {
                "get the file from its author and run `orkee cloud provider install` with it: the same one is put \
                 back in place, of another one you are asked"
                    .to_owned()
            }
            Self::Host(error) => match &error.corrected {
                Some(corrected) => format!("write `{corrected}`"),
                None if error.is_private() => "say so with --private-network".to_owned(),
                None => {
                    "write it as `https://host`, `https://host:port` or `https://*.example.com`".to_owned()
                }
            },
            Self::NotGranted { granted, .. } if granted.is_empty() => {
                "it has no host to take away".to_owned()
            }
            Self::NotGranted { granted, .. } => format!("granted: {}", granted.join(", ")),
            Self::Unfit { .. } => {
                format!("it says that it is built for {} and is not: tell its author", supported())
            }
            Self::OtherId { name, .. } => {
                format!("its author gives both the same name: `id` in `describe`, `name` in {name}'s provider.toml")
            }
            Self::Roles { found, .. } => {
                format!("its author writes `roles = {:?}` into its provider.toml, and packs it again", found.names())
            }
            Self::Trial(_) => return None,
            Self::Source(_) => "copy it elsewhere, and install it from there".to_owned(),
            Self::OtherContract { name, source: PluginError::Version { is_newer: true, .. } } => {
                format!("update Orkee, or run `orkee cloud provider rollback {name}`; nothing is lost meanwhile")
            }
            Self::OtherContract { name, .. } => format!(
                "nothing is lost: its author builds it anew for {}, and then `orkee cloud provider update {name}` takes it",
                supported()
            ),
            Self::Package(error) => return error.hint(),
            Self::Plugin(error) => return error.hint(),
        })
    }
}
