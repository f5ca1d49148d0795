//! The way to the endpoints of webhooks, which anybody may have named and which may be hostile.
//!
//! Each delivery has a connection of its own: the name is resolved, every address is judged by the endpoint's [`Access`], and the
//! socket goes to an address that was judged. 5 s for a connection, 20 s for all of it; a head of 8 KiB, of the body 16 KiB.
//! Nothing is decompressed, no redirect is followed, and no proxy is used but the one that was set for webhooks.

mod access;
mod dial;
mod exchange;
mod failure;
mod tunnel;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::origin::{Origin, Scheme};
use super::tls;

pub use access::{Access, never_dialled};
pub use dial::resolve as endpoint_addresses;
pub use exchange::Answer;
pub use failure::SendFailure;
pub use tunnel::{EndpointProxy, EndpointProxyError};

use exchange::Heard;
use wire::Wire;

/// As many sets of own authorities are kept ready.
const MAX_CONFIGS: usize = 64;

/// How deliveries are sent.
#[derive(Debug, Clone)]
pub struct CourierOptions {
    /// For name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// For all of it, the reply's body included.
    pub timeout: Duration,
    /// What the user set as `webhook.proxy`. The environment's proxy is not used.
    pub proxy: Option<EndpointProxy>,
    /// `User-Agent`.
    pub user_agent: String,
}

impl Default for CourierOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
            proxy: None,
            user_agent: concat!("orkee/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Takes requests to endpoints. One for each process; cheap to clone.
#[derive(Clone)]
pub struct Courier {
    shared: Arc<Shared>,
}

struct Shared {
    options: CourierOptions,
    /// By the authorities that are trusted beside the system's.
    configs: Mutex<HashMap<Option<String>, Arc<ClientConfig>>>,
}

/// A request to an endpoint.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its method.
    pub method: Method,
    /// http or https, without userinfo.
    pub url: Url,
    /// What is not the courier's own: `Host`, `User-Agent` and `Connection`, and what frames the body.
    pub headers: HeaderMap,
    /// Its body, as it goes over the wire.
    pub body: Bytes,
}

/// What became of a request, as the host saw it.
#[derive(Debug)]
pub struct Sent {
    /// The address that was dialled. None: no connection, or the proxy made it.
    pub address: Option<IpAddr>,
    /// What TLS agreed on, such as `TLS 1.3 AES_256_GCM_SHA384`.
    pub tls: Option<String>,
    /// The newest status that came, be it that of a reply that did not end well, or an informational one.
    pub status: Option<StatusCode>,
    /// From the beginning to the end.
    pub duration: Duration,
    /// The reply, or why there is none that counts.
    pub outcome: Result<Answer, SendFailure>,
}

/// What is known of a request while it is under way.
#[derive(Default)]
struct Trip {
    address: Option<IpAddr>,
    tls: Option<String>,
    heard: Heard,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Courier {
    /// Opens nothing yet.
    pub fn new(options: CourierOptions) -> Self {
        Self { shared: Arc::new(Shared { options, configs: Mutex::default() }) }
    }

    /// How long a delivery may take in all.
    pub fn timeout(&self) -> Duration {
        self.shared.options.timeout
    }

    /// The proxy that was set, if one was.
    pub fn proxy(&self) -> Option<&EndpointProxy> {
        self.shared.options.proxy.as_ref()
    }

    /// The proxy that stands between here and `origin`, if one does. What it resolves names to is its own affair.
    pub fn proxy_before(&self, origin: &Origin, access: &Access) -> Option<&EndpointProxy> {
        let proxy = self.shared.options.proxy.as_ref();
        proxy.filter(|_| origin.scheme() == Scheme::Https && !access.is_near(origin))
    }

    /// Sends a request, and reads the reply as far as it is taken. It ends by `deadline`, however slow the other side is.
    pub async fn send(&self, access: &Access, letter: Letter, deadline: std::time::Instant) -> Sent {
        let begun = Instant::now();
        let deadline = Instant::from_std(deadline);
        let mut trip = Trip::default();
        let outcome = match timeout_at(deadline, self.carry(access, letter, &mut trip)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(SendFailure::Timeout { what: "no whole reply", after: deadline - begun }),
        };
        let Trip { address, tls, heard } = trip;
        Sent { address, tls, status: heard.status(), duration: begun.elapsed(), outcome }
    }

    async fn carry(&self, access: &Access, letter: Letter, trip: &mut Trip) -> Result<Answer, SendFailure> {
        let origin = Origin::of(&letter.url).map_err(|error| SendFailure::Client(error.into()))?;
        let request = self.request(letter, &origin).map_err(|error| SendFailure::Client(error.into()))?;
        let limit = self.shared.options.connect_timeout;
        let dialling = self.dial(&origin, access, Instant::now() + limit, trip);
        let wire = dial::in_time(limit, dialling).await?;
        exchange::exchange(wire, request, &trip.heard).await
    }

    /// A connection to the endpoint, with TLS unless it is plain http on this machine.
    async fn dial(
        &self,
        origin: &Origin,
        access: &Access,
        deadline: Instant,
        trip: &mut Trip,
    ) -> Result<Wire, SendFailure> {
        let wire: Wire = match self.proxy_before(origin, access) {
            Some(proxy) => {
                dial::judge_literal(origin, access)?;
                self.tunnel(proxy, origin, deadline).await?
            }
            None => {
                let addresses = dial::resolve(origin, access).await?;
                let (stream, address) = dial::connect(&addresses, origin.port(), deadline).await?;
                trip.address = Some(address);
                Wire::Tcp(stream)
            }
        };
        match origin.scheme() {
            Scheme::Http => Ok(wire),
            Scheme::Https => {
                let (secured, tls) = dial::secure(wire, origin, self.tls(access)?).await?;
                trip.tls = Some(tls);
                Ok(secured)
            }
        }
    }

    /// TLS that trusts the system's authorities, and the endpoint's own.
    fn tls(&self, access: &Access) -> Result<Arc<ClientConfig>, SendFailure> {
        let mut configs = self.shared.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(&access.ca) {
            return Ok(Arc::clone(config));
        }
        let mut config = tls::config_with(access.ca.as_deref()).map_err(|e| SendFailure::Client(e.into()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        if configs.len() >= MAX_CONFIGS {
            configs.clear();
        }
        configs.insert(access.ca.clone(), Arc::clone(&config));
        Ok(config)
    }

    /// The request as it is written. The target is a path, and the host is named as in the URL.
    fn request(&self, letter: Letter, origin: &Origin) -> Result<Request<Full<Bytes>>, http::Error> {
        let Letter { method, url, headers, body } = letter;
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = Request::builder().method(method).uri(target).body(Full::new(body))?;
        let own = request.headers_mut();
        *own = headers;
        own.insert(HOST, HeaderValue::from_str(&origin.authority())?);
        own.insert(USER_AGENT, HeaderValue::from_str(&self.shared.options.user_agent)?);
        own.insert(CONNECTION, HeaderValue::from_static("close"));
        own.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        Ok(request)
    }
}
