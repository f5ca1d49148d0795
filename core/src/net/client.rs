//! The HTTP client factory. One [`Http`] per process, so that connections are reused.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use super::address::{AddressClass, locate};
use super::error::{BlockedAddress, NetError};
use super::exchange::{Nonces, Traffic};
use super::origin::{Origin, Scheme};
use super::proxy::{Proxy, ProxyOptions};
use super::server_clock::ServerClock;
use super::tls;

/// Which addresses a name may lead to. The resolver enforces it, so that the address which was checked is the one that is
/// dialled; each reach has its own connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The internet. Private addresses are left out.
    Public,
    /// This machine: a name that also leads elsewhere is refused.
    Loopback,
    /// Anything: for what the user named, as API URL or in a private-network grant.
    Any,
}

impl Reach {
    /// For an origin that the user named: plain http stays on this machine.
    pub fn named_by_user(origin: &Origin) -> Self {
        match origin.scheme() {
            Scheme::Http => Self::Loopback,
            Scheme::Https => Self::Any,
        }
    }

    /// Whether an address may be dialled; if not, why.
    pub fn allows(self, class: AddressClass) -> Result<(), &'static str> {
        match (self, class) {
            (Self::Any, _)
            | (Self::Public, AddressClass::Public)
            | (Self::Loopback, AddressClass::Loopback) => Ok(()),
            (Self::Public, AddressClass::Loopback | AddressClass::Own) => Err("this machine"),
            (Self::Public, AddressClass::Private) => Err("a private or reserved address"),
            (Self::Loopback, _) => Err("not loopback, and plain http goes no further"),
        }
    }
}

/// How clients are made.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The environment's proxy.
    pub proxy: ProxyOptions,
    /// For name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// For a request as a whole, unless the request sets its own.
    pub timeout: Duration,
    /// `User-Agent`.
    pub user_agent: String,
}

impl HttpOptions {
    /// The proxy of the environment, and the usual deadlines.
    pub fn from_env() -> Self {
        Self { proxy: ProxyOptions::from_env(), ..Self::default() }
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            proxy: ProxyOptions::default(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            user_agent: concat!("orkee/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Makes the HTTP clients, each once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: HttpOptions,
    proxy: Option<Arc<Proxy>>,
    traffic: Traffic,
    nonces: Nonces,
    server_clock: ServerClock,
    validity: Arc<tls::Validity>,
    public: OnceLock<reqwest::Client>,
    loopback: OnceLock<reqwest::Client>,
    any: OnceLock<reqwest::Client>,
}

impl Http {
    /// Reads the options; makes no client yet.
    pub fn new(options: HttpOptions) -> Result<Self, NetError> {
        let proxy = Proxy::new(&options.proxy)?.map(Arc::new);
        let (public, loopback, any) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                proxy,
                traffic: Traffic::default(),
                nonces: Nonces::default(),
                server_clock: ServerClock::default(),
                validity: Arc::default(),
                public,
                loopback,
                any,
            }),
        })
    }

    /// The client for this reach. IP literals in a URL do not pass the resolver: whoever asks for `Public` or `Loopback` checks
    /// them beforehand with [`Http::check_literal`].
    pub fn client(&self, reach: Reach) -> Result<reqwest::Client, NetError> {
        let cell = match reach {
            Reach::Public => &self.shared.public,
            Reach::Loopback => &self.shared.loopback,
            Reach::Any => &self.shared.any,
        };
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        let client = self.build(reach)?;
        Ok(cell.get_or_init(|| client).clone())
    }

    /// The client for an origin that the user named (an API URL, an issuer).
    pub fn client_for(&self, origin: &Origin) -> Result<reqwest::Client, NetError> {
        let reach = Reach::named_by_user(origin);
        Self::check_literal(origin, reach)?;
        self.client(reach)
    }

    /// Refuses an origin whose host is an address outside of `reach`.
    pub fn check_literal(origin: &Origin, reach: Reach) -> Result<(), BlockedAddress> {
        let Some(address) = origin.address() else {
            return Ok(());
        };
        reach.allows(locate(address)).map_err(|why| BlockedAddress {
            host: origin.host().to_string(),
            address,
            why,
        })
    }

    /// Whether requests to `origin` go through a proxy, which resolves the name in our place.
    pub fn is_proxied(&self, origin: &Origin) -> bool {
        self.shared.proxy.as_ref().is_some_and(|proxy| proxy.covers(origin))
    }

    /// Host and port of the proxy that requests to `origin` go through.
    pub(super) fn proxy_before(&self, origin: &Origin) -> Option<String> {
        self.shared.proxy.as_ref().filter(|proxy| proxy.covers(origin)).map(|proxy| proxy.authority())
    }

    pub(super) fn user_agent(&self) -> &str {
        &self.shared.options.user_agent
    }

    /// The newest nonce of an origin, for the proof that goes there.
    pub(crate) fn nonce(&self, origin: &Origin) -> Option<String> {
        self.shared.nonces.newest(origin)
    }

    pub(super) fn nonces(&self) -> &Nonces {
        &self.shared.nonces
    }

    /// How far the clock of the server that answered last is ahead of this machine's. None: no server said what time it is.
    pub fn server_clock_ahead(&self) -> Option<SignedDuration> {
        self.shared.server_clock.ahead()
    }

    /// Until when the certificate of the newest connection with TLS is valid. None: there was none, or the platform does not say.
    pub fn certificate_ends(&self) -> Option<Timestamp> {
        self.shared.validity.ends()
    }

    pub(super) fn server_clock(&self) -> &ServerClock {
        &self.shared.server_clock
    }

    pub(super) fn counters(&self) -> &Traffic {
        &self.shared.traffic
    }

    fn build(&self, reach: Reach) -> Result<reqwest::Client, NetError> {
        let options = &self.shared.options;
        let tls = tls::config(&self.shared.validity).map_err(|e| NetError::Client(e.into()))?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver { reach, proxy: self.shared.proxy.clone() })
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            .user_agent(&options.user_agent)
            .no_proxy();
        if let Some(proxy) = &self.shared.proxy {
            builder = builder.proxy(proxy.for_client()?);
        }
        builder.build().map_err(|e| NetError::Client(e.into()))
    }
}

/// Resolves names and keeps the addresses that the reach allows.
struct Resolver {
    reach: Reach,
    proxy: Option<Arc<Proxy>>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let is_proxy = self.proxy.as_ref().is_some_and(|proxy| proxy.host() == Some(host.as_str()));
        let reach = if is_proxy { Reach::Any } else { self.reach };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed = keep_allowed(&host, reach, found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be dialled, or why there is none.
fn keep_allowed(host: &str, reach: Reach, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, io::Error> {
    let verdicts: Vec<_> = found.into_iter().map(|at| (at, reach.allows(locate(at.ip())))).collect();
    let refused = verdicts.iter().find_map(|(at, verdict)| {
        let why = verdict.err()?;
        Some(BlockedAddress { host: host.to_owned(), address: at.ip(), why })
    });
    let allowed: Vec<_> = verdicts.iter().filter(|(_, verdict)| verdict.is_ok()).map(|(at, _)| *at).collect();
    match refused {
        // A name for this machine that also leads elsewhere is not to be trusted with plain http.
        Some(blocked) if allowed.is_empty() || reach == Reach::Loopback => Err(io::Error::other(blocked)),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 0)
    }

    #[test]
    fn p12_of_a_names_addresses_only_the_public_ones_are_dialled() {
        let mixed = vec![at("10.0.0.1"), at("1.1.1.1"), at("::1")];
        assert_eq!(keep_allowed("h", Reach::Public, mixed.clone()).unwrap(), [at("1.1.1.1")]);
        assert_eq!(keep_allowed("h", Reach::Any, mixed.clone()).unwrap(), mixed);
        let error = keep_allowed("h", Reach::Public, vec![at("169.254.169.254")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "h resolves to 169.254.169.254, which is a private or reserved address"
        );
    }

    #[test]
    fn a30_a_localhost_that_also_leads_elsewhere_is_refused() {
        assert!(keep_allowed("localhost", Reach::Loopback, vec![at("127.0.0.1"), at("::1")]).is_ok());
        assert!(keep_allowed("localhost", Reach::Loopback, vec![at("127.0.0.1"), at("10.0.0.1")]).is_err());
    }

    #[tokio::test]
    async fn a_blocked_name_is_told_from_one_that_does_not_resolve() {
        let http = Http::new(HttpOptions::default()).unwrap();
        let origin: Origin = "https://localhost:1".parse().unwrap();
        let error = http.client(Reach::Public).unwrap().get("https://localhost:1").send().await.unwrap_err();
        assert!(matches!(NetError::sort(error, &origin), NetError::Blocked(_)));
        let error = http.client(Reach::Any).unwrap().get("https://localhost:1").send().await.unwrap_err();
        assert!(matches!(NetError::sort(error, &origin), NetError::Unreachable { .. }));
    }

    #[test]
    fn an_address_outside_of_the_reach_is_refused_before_dialling() {
        let origin: Origin = "https://[::ffff:169.254.169.254]".parse().unwrap();
        assert!(Http::check_literal(&origin, Reach::Public).is_err());
        assert!(Http::check_literal(&origin, Reach::Any).is_ok());
    }
}
