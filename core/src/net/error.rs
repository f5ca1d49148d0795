//! What can go wrong on the way to a server and back.

use std::error::Error as StdError;
use std::net::IpAddr;

use thiserror::Error;

use super::origin::Origin;
use crate::diagnostic::{Diagnostic, Kind};

type Cause = Box<dyn StdError + Send + Sync>;

/// A request that got no usable answer. Holds no URL beyond its origin, and no secret.
#[derive(Debug, Error)]
pub enum NetError {
    /// Name resolution or connecting failed.
    #[error("cannot reach {origin}{}", proxy.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default())]
    Unreachable {
        /// Where to.
        origin: Origin,
        /// Host and port of the proxy that was to connect there.
        proxy: Option<String>,
        /// Why not.
        #[source]
        source: Cause,
    },
    /// The server's certificate is not trusted, or TLS failed otherwise.
    #[error("cannot make a secure connection to {origin}")]
    Tls {
        /// Where to.
        origin: Origin,
        /// What TLS says.
        #[source]
        source: Cause,
    },
    /// No answer in time.
    #[error("{origin} did not answer in time")]
    Timeout {
        /// Where to.
        origin: Origin,
    },
    /// The host resolves to an address that is not allowed for it.
    #[error("{0}")]
    Blocked(#[from] BlockedAddress),
    /// The connection broke in the middle, or what came is no HTTP.
    #[error("{origin} broke off, or did not answer in HTTP")]
    Broken {
        /// Where to.
        origin: Origin,
        /// How.
        #[source]
        source: Cause,
    },
    /// The reply is larger than its reader takes.
    #[error("{origin} answered more than {limit} bytes")]
    TooLarge {
        /// Where to.
        origin: Origin,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The environment's proxy is no URL. It is not repeated, for it may hold a password.
    #[error("the proxy in HTTPS_PROXY or ALL_PROXY is not an http or https URL")]
    Proxy,
    /// The client itself cannot be set up.
    #[error("cannot set up the HTTP client")]
    Client(#[source] Cause),
}

/// A name that leads to an address which its caller may not reach.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{host} resolves to {address}, which is {why}")]
pub struct BlockedAddress {
    /// The name.
    pub host: String,
    /// The first address that was refused.
    pub address: IpAddr,
    /// Why.
    pub why: &'static str,
}

impl NetError {
    /// Sorts an error of the HTTP client.
    pub fn sort(error: reqwest::Error, origin: &Origin) -> Self {
        let error = error.without_url();
        let origin = origin.clone();
        if let Some(blocked) = find::<BlockedAddress>(&error) {
            return Self::Blocked(blocked.clone());
        }
        if error.is_timeout() {
            return Self::Timeout { origin };
        }
        if find::<rustls::Error>(&error).is_some() {
            return Self::Tls { origin, source: error.into() };
        }
        if error.is_connect() || error.is_dns() {
            return Self::Unreachable { origin, proxy: None, source: error.into() };
        }
        Self::Broken { origin, source: error.into() }
    }
}

/// Whether TLS failed because a certificate is not valid at the time that this machine takes it for.
fn is_out_of_date(error: &(dyn StdError + 'static)) -> bool {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        find::<rustls::Error>(error),
        Some(rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }
        ))
    )
}

/// The first error of type `E` in the chain of causes, the inner errors of `io::Error` included.
pub(super) fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

impl Diagnostic for NetError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "E-NET-001",
            Self::Timeout { .. } => "E-NET-002",
            Self::Broken { .. } => "E-NET-004",
            Self::TooLarge { .. } => "E-NET-005",
            Self::Tls { .. } => "E-NET-006",
            Self::Blocked(_) => "E-NET-007",
            Self::Proxy => "E-NET-011",
            Self::Client(_) => "E-NET-012",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Timeout { .. } => Kind::Timeout,
            Self::Proxy | Self::Blocked(_) => Kind::Usage,
            Self::Client(_) => Kind::Failed,
            Self::Unreachable { .. } | Self::Tls { .. } | Self::Broken { .. } | Self::TooLarge { .. } => {
                Kind::Network
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Tls { source, .. } if is_out_of_date(&**source) => Some(
                "compare this machine's clock with the right time; if it is right, the server's certificate has to be renewed"
                    .to_owned(),
            ),
            Self::Tls { .. } => Some(
                "if your network has its own authority, set SSL_CERT_FILE to its certificates in PEM"
                    .to_owned(),
            ),
            Self::Proxy => Some("write it as `http://host:port`, or unset it".to_owned()),
            Self::Unreachable { origin, proxy: Some(_), .. } => Some(format!(
                "check HTTPS_PROXY, with its user name and password, and whether the proxy lets {} through",
                origin.host()
            )),
            Self::Unreachable { proxy: None, .. } => {
                Some("check the connection, and the host in ORKEE_CLOUD_API_URL".to_owned())
            }
            Self::Timeout { .. } => Some("try again later; if it stays so, check the connection".to_owned()),
            Self::Broken { .. } => Some(
                "try again; if it stays so, check the host in ORKEE_CLOUD_API_URL, and any proxy on the way"
                    .to_owned(),
            ),
            Self::TooLarge { .. } => Some(
                "check the host in ORKEE_CLOUD_API_URL: no answer of Orkee Cloud is that large".to_owned(),
            ),
            Self::Blocked(_) | Self::Client(_) => None,
        }
    }
}
