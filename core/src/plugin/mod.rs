//! The plugin host: runs WASM components that carry Orkee's records to a backend, and lets them do nothing else.
//!
//! A component gets memory, time and the interfaces of `wit/`; every request of it passes one place (`gateway`), which
//! knows what the user granted and attaches secrets that the component never sees. Each call has a store of its own with its
//! own limits. What comes back is checked before anyone else sees it. Which plugin is used, and for whom, is decided elsewhere.
//!
//! # Hosting a provider in another program
//!
//! `orkee` is one user of this module. Any program can be another: it loads a component, says what it may reach and use, opens it, and
//! exchanges records with its backend. What is kept (records, cursors, sign-ins) is the program's own; [`sync`](crate::sync) has an
//! engine for it.
//!
//! ```
//! use std::future::Future;
//! use std::pin::Pin;
//! use std::sync::Arc;
//!
//! use orkee_core::net::{ApiUrl, CredentialError, CredentialSource, Http, HttpOptions, LOGIN, Origin, Secret};
//! use orkee_core::plugin::{
//!     AllowList, Attach, Credential, Grants, Host, HostPattern, Limits, Network, Setup, WasmProvider,
//! };
//! use orkee_core::sync::provider::{Answer, Mutation, Outcome, Provider, Request};
//!
//! /// A token that the program has from somewhere. The component never sees it.
//! struct Token(Secret);
//!
//! type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, CredentialError>> + Send + 'a>>;
//!
//! impl CredentialSource for Token {
//!     fn is_signed_in(&self, _: &str, _: &Origin) -> bool {
//!         true
//!     }
//!
//!     fn token<'a>(&'a self, _: &'a str, _: &'a Origin) -> Later<'a, Option<Secret>> {
//!         Box::pin(async { Ok(Some(self.0.clone())) })
//!     }
//!
//!     fn refresh_after_401<'a>(&'a self, _: &'a str, _: &'a Origin, _: &'a Secret) -> Later<'a, Option<Secret>> {
//!         Box::pin(async { Ok(None) })
//!     }
//! }
//!
//! # fn backend() -> std::io::Result<String> {
//! #     use std::io::{Read, Write};
//! #     let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! #     let url = format!("http://{}", listener.local_addr()?);
//! #     std::thread::spawn(move || {
//! #         for stream in listener.incoming() {
//! #             let mut stream = stream.unwrap();
//! #             let mut request = Vec::new();
//! #             while !request.ends_with(b"\r\n\r\n") {
//! #                 let mut byte = [0];
//! #                 stream.read_exact(&mut byte).unwrap();
//! #                 request.push(byte[0]);
//! #             }
//! #             let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
//! #             stream.write_all(answer).unwrap();
//! #         }
//! #     });
//! #     Ok(url)
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #     tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
//! # }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let home = home.path();
//! # let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/published/1.0.0/every-part.wasm");
//! # let url = backend()?;
//! // Load: `file` is a component, and is checked against the contract. What is compiled of it is kept for the next start.
//! let host = Host::new(Some(home.join("compiled")))?;
//! let limits = Limits { memory: 32 << 20, ..Limits::default() };
//! let plugin = host.load_file("notes", &file, limits.component)?;
//!
//! // Grant: the API's origin with its sign-in, and one more host. All else is refused, before anything is sent.
//! let api_url = ApiUrl::parse(&url)?;
//! let audience = api_url.origin().clone();
//! let files = HostPattern::parse("https://*.files.example.com", Network::Public)?;
//! let grants = Grants {
//!     hosts: AllowList::nothing().with_api(audience.clone()).with(files),
//!     credentials: [(LOGIN.to_owned(), Credential { audience, attach: Attach::Bearer })].into(),
//! };
//!
//! // Open: the component says who it is, and makes no request for it.
//! let setup = Setup {
//!     tenant: None,
//!     api_url,
//!     grants,
//!     limits,
//!     credentials: Arc::new(Token(Secret::new("a-token-of-the-program's"))),
//!     state_folder: home.join("plugins"),
//!     settings: [("bucket".to_owned(), "notes".to_owned())].into(),
//!     http: Http::new(HttpOptions::from_env())?,
//! };
//! let provider = WasmProvider::open(&plugin, setup).await?;
//! println!("{} {}", provider.description().name, provider.description().version);
//!
//! // Exchange: one new record goes out, and a page of changes comes back. What is in an envelope is the program's matter.
//! let record = Mutation { id: "rec00001".to_owned(), guard: None, envelope: b"any bytes".to_vec() };
//! let request = Request { mutations: vec![record], limit: 100, ..Request::default() };
//! let Answer::Page(page) = provider.exchange(request).await? else {
//!     panic!("a first listing neither expires nor names an epoch");
//! };
//! assert!(matches!(&page.outcomes[..], [Outcome::Accepted(_)]));
//! for change in &page.changes {
//!     println!("{} is {} bytes at {:?}", change.id, change.stored.envelope.len(), change.stored.revision);
//! }
//! // To be kept with what the page changed, and handed in next time.
//! let cursor = page.cursor;
//! # assert!(cursor.position.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! What else there is: the optional parts are methods of [`WasmProvider`] ([`whoami`](WasmProvider::whoami), …), and say
//! [`PartError::Absent`] where a component does not have them. A component that delivers webhooks is a [`WasmDispatcher`].

mod bindings;
mod built_for;
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
mod options;
mod output;
mod package;
mod provider;
mod registry;
mod select;
mod state;
mod text;
mod version;

pub use built_for::BuiltFor;
pub use cache::{CacheReport, examine_cache};
pub use dispatcher::{
    Access, Algorithm, Attempt, Class, Delivered, Delivery, DispatcherDescription, DispatcherError,
    DispatcherLibrary, DispatcherSetup, KeyError, RetryAfter, SigningKey, Target, TargetError, Transport,
    UnknownClass, WasmDispatcher,
};
pub use error::PluginError;
pub use gateway::{Refusals, RefusedRequest, SendError};
pub use grants::{
    AllowList, ApiUrlSetBy, Attach, Credential, Grants, HostPattern, Network, PatternError, Verdict,
};
pub use host::{BuiltIn, Code, Embedded, Host, Plugin};
pub use limits::{Limit, Limits, SomeLimits};
pub use manifest::{LoginKind, Manifest, ManifestError, OptionSpec, PluginName, Roles};
pub use options::{OptionError, OptionValues};
pub use package::{Package, PackageError, PublicKey, PublisherKey, pack};
pub use provider::{
    DeliveryAttempt, DeliveryPage, DeliveryQuery, Description, Device, Endpoint, EndpointState, Entry,
    Invitation, Listing, Member, Membership, PartError, PastDelivery, Profile, PulledEvent, Registration,
    Role, Setup, TeamStanding, Terms, WasmProvider,
};
pub use registry::{
    Assessment, BUILT_IN, Candidate, Change, ComponentDigest, Difference, DownloadError, Installed, NoDigest,
    Registry, RegistryError, Release, download,
};
pub use select::{
    Chosen, Claimant, ENTERPRISE, ORKEE_CLOUD, Providers, Selection, SelectionError, select, select_at_api,
    tenant_table,
};
