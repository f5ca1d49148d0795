//! The network, as the rest of the library may use it: one HTTP client factory, the types that say where a request may go,
//! and a secret that cannot be printed.
//!
//! Invariants: redirects are never followed and no `Referer` or cookie is sent; plain http reaches loopback alone unless the
//! user granted more; the address that was checked is the one that is dialled; nothing here prints a secret or a URL's
//! userinfo. Who may ask for what (grants, credentials) is decided by the callers: sign-in and the plugin host.

mod address;
mod api_url;
mod client;
mod credential;
mod endpoint;
mod error;
mod exchange;
mod origin;
mod proof;
mod proxy;
mod secret;
mod server_clock;
mod survey;
mod tls;

pub use address::{AddressClass, classify};
pub use api_url::{ApiUrl, ApiUrlError};
pub use client::{Http, HttpOptions, Reach};
pub use credential::{CredentialError, CredentialSource, LOGIN, NoCredentials};
pub use endpoint::{
    Access, Answer, Courier, CourierOptions, EndpointProxy, EndpointProxyError, Letter, SendFailure, Sent,
    endpoint_addresses, never_dialled,
};
pub use error::{BlockedAddress, NetError};
pub use exchange::{Reply, Traffic, TrafficCount};
pub use origin::{Origin, OriginError, Scheme};
pub use proof::ProofKey;
pub(crate) use proof::{NEEDS_NONCE, PROOF, Proven};
pub use proxy::ProxyOptions;
pub use secret::{Redactor, Secret};
pub use survey::{ProxyStep, STEP_WITHIN, StepError, Way};
pub use tls::count_authorities;
