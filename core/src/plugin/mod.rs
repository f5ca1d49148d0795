//! The plugin host: runs WASM components that carry Orkee's records to a backend, and lets them do nothing else.
//!
//! A component gets memory, time and the interfaces of `wit/`; every request of it passes one place (`gateway`), which
//! knows what the user granted and attaches secrets that the component never sees. Each call has a store of its own with its
//! own limits. What comes back is checked before anyone else sees it. Which plugin is used, and for whom, is decided elsewhere.

mod bindings;
mod cache;
mod call;
mod capability;
mod component;
mod dispatcher;
mod engine;
mod error;
mod gateway;
mod grants;
mod host;
mod limits;
mod manifest;
mod output;
mod package;
mod provider;
mod registry;
mod select;
mod state;
mod text;
mod version;

pub use dispatcher::{
    Algorithm, Attempt, Delivery, DispatcherDescription, DispatcherSetup, KeyError, DeliveryKey, Target,
    TargetError, WasmDispatcher,
};
pub use error::PluginError;
pub use gateway::{Gateway, Incoming, Outgoing, SendError};
pub use grants::{AllowList, Attach, Credential, Grants, HostPattern, Network, PatternError, Verdict};
pub use host::{Code, Embedded, Host, Plugin};
pub use limits::{Limit, Limits, SomeLimits};
pub use manifest::{LoginKind, Manifest, ManifestError, OptionSpec, PluginName};
pub use package::{Package, PackageError, PublicKey, PublisherKey, pack};
pub use provider::{
    Description, Device, Endpoint, Entry, Listing, PartError, Profile, Registration, Setup, WasmProvider,
};
pub use registry::{
    Assessment, BUILT_IN, Candidate, Change, ComponentDigest, Difference, DownloadError, Installed, NoDigest,
    Registry, RegistryError, Release, download,
};
pub use select::{ORKEE_CLOUD, Selection, SelectionError, select};
