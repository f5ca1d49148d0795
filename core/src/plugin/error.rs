//! What can be wrong with a plugin, or with what it did. Each error names the plugin.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::limits::{Bytes, Limit};
use crate::diagnostic::{Diagnostic, Kind};

/// What a wasmtime error becomes once it leaves this module.
pub(super) type Cause = Box<dyn StdError + Send + Sync>;

/// A plugin cannot be used, or failed.
#[derive(Debug, Error)]
pub enum PluginError {
    /// The bytes are no component.
    #[error("the plugin `{plugin}` cannot be loaded: it is {what}")]
    NotAComponent {
        /// Which plugin.
        plugin: String,
        /// What it is instead.
        what: &'static str,
    },
    /// Its file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A component for something else.
    #[error("the plugin `{plugin}` is no sync provider: it does not export `{wanted}`")]
    NotAProvider {
        /// Which plugin.
        plugin: String,
        /// What it would export.
        wanted: String,
    },
    /// A component that delivers nothing.
    #[error("the plugin `{plugin}` is no webhook dispatcher: it does not export `dispatcher`")]
    NotADispatcher {
        /// Which plugin.
        plugin: String,
    },
    /// Built for a contract that this host does not speak.
    #[error("the plugin `{plugin}` is built for `{found}`, this Orkee runs {supported}")]
    Version {
        /// Which plugin.
        plugin: String,
        /// What it exports or imports.
        found: String,
        /// What this host runs, such as `orkee:sync 0.1.x`.
        supported: String,
        /// It is built for what came later than this host.
        is_newer: bool,
    },
    /// It wants something that no plugin gets.
    #[error("the plugin `{plugin}` imports `{imports}`, which Orkee does not offer")]
    Import {
        /// Which plugin.
        plugin: String,
        /// What of its imports is not offered.
        imports: String,
    },
    /// It does not match the contract that it names, or cannot be compiled.
    #[error("the plugin `{plugin}` cannot be loaded")]
    Unusable {
        /// Which plugin.
        plugin: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// It lacks an optional part.
    #[error("the provider `{plugin}` cannot {what}")]
    Cannot {
        /// Which plugin.
        plugin: String,
        /// What was wanted of it.
        what: &'static str,
    },
    /// Its file is larger than any component may be.
    #[error("the file `{plugin}` is larger than a component may be: {}", Bytes(*limit))]
    TooLarge {
        /// Which plugin.
        plugin: String,
        /// In bytes.
        limit: u64,
    },
    /// It used more than it may.
    #[error("the plugin `{plugin}` was stopped: its limit is {limit}")]
    Limit {
        /// Which plugin.
        plugin: String,
        /// Which limit.
        limit: Limit,
    },
    /// It panicked.
    #[error("the plugin `{plugin}` panicked: {message}")]
    Panicked {
        /// Which plugin.
        plugin: String,
        /// Its own words, with the place.
        message: String,
    },
    /// It trapped without a word.
    #[error("the plugin `{plugin}` crashed: {reason}")]
    Trapped {
        /// Which plugin.
        plugin: String,
        /// The trap, and what the plugin wrote to standard error.
        reason: String,
    },
    /// It answered something that the contract does not allow.
    #[error("the plugin `{plugin}` broke the contract: {what}")]
    Contract {
        /// Which plugin.
        plugin: String,
        /// What is wrong.
        what: String,
    },
    /// The host's own machinery failed.
    #[error("the plugin host cannot run")]
    Host(#[source] Cause),
}

impl PluginError {
    /// The limit that was reached, if one was.
    pub fn limit(&self) -> Option<Limit> {
        match self {
            Self::Limit { limit, .. } => Some(*limit),
            Self::TooLarge { limit, .. } => Some(Limit::Component(*limit)),
            _ => None,
        }
    }
}

impl Diagnostic for PluginError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAComponent { .. } | Self::NotAProvider { .. } | Self::NotADispatcher { .. } => {
                "E-PLUGIN-002"
            }
            Self::Version { .. } => "E-PLUGIN-003",
            Self::Import { .. } => "E-PLUGIN-004",
            Self::Unusable { .. } => "E-PLUGIN-005",
            Self::Cannot { .. } => "E-PLUGIN-006",
            Self::Limit { .. } | Self::TooLarge { .. } => "E-PLUGIN-007",
            Self::Panicked { .. } | Self::Trapped { .. } => "E-PLUGIN-008",
            Self::Contract { .. } => "E-PLUGIN-009",
            Self::Host(_) => "E-PLUGIN-010",
            Self::File { .. } => "E-PLUGIN-018",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotAComponent { .. }
            | Self::NotAProvider { .. }
            | Self::NotADispatcher { .. }
            | Self::Version { .. }
            | Self::Import { .. }
            | Self::Unusable { .. }
            | Self::TooLarge { .. }
            | Self::Cannot { .. }
            | Self::File { .. } => Kind::Usage,
            Self::Limit { limit: Limit::WallClock(_), .. } => Kind::Timeout,
            Self::Limit { .. }
            | Self::Panicked { .. }
            | Self::Trapped { .. }
            | Self::Contract { .. }
            | Self::Host(_) => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Version { is_newer: true, .. } => {
                "update Orkee, or use an older version of the plugin".to_owned()
            }
            Self::Version { supported, .. } => {
                format!("update the plugin; its author builds it anew against the WIT package {supported}")
            }
            Self::NotAComponent { .. }
            | Self::NotAProvider { .. }
            | Self::NotADispatcher { .. }
            | Self::Import { .. }
            | Self::Unusable { .. } => {
                "build it for wasm32-wasip2 against the WIT package orkee:sync".to_owned()
            }
            Self::Limit { limit: Limit::WallClock(_), .. } => {
                "nothing is lost; try again later, and report it to the plugin's author if it stays so"
                    .to_owned()
            }
            Self::Limit { .. } | Self::Panicked { .. } | Self::Trapped { .. } | Self::Contract { .. } => {
                "nothing is lost; report it to the plugin's author".to_owned()
            }
            Self::TooLarge { .. } => {
                "see whether it is the right file; its author can leave out of it what it does not need"
                    .to_owned()
            }
            Self::File { .. } => "check the path and that it is yours to read".to_owned(),
            _ => return None,
        })
    }
}
