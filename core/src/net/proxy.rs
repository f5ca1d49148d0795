//! The proxy that the environment names. It is used for https alone, through CONNECT, so that TLS stays end to end; plain http
//! goes to loopback and granted private networks, where a proxy has no business.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::error::NetError;
use super::origin::Origin;
use super::secret::Secret;

/// Never through a proxy, whatever `NO_PROXY` says.
const ALWAYS_DIRECT: &str = "localhost,127.0.0.0/8,::1";

/// What the environment says about proxies.
#[derive(Debug, Clone, Default)]
pub struct ProxyOptions {
    /// `HTTPS_PROXY`, else `ALL_PROXY`, or their lower-case forms. It may hold a password.
    pub url: Option<Secret>,
    /// `NO_PROXY`: hosts and networks to be reached directly.
    pub except: String,
}

/// A proxy and the rule of who goes through it.
pub(super) struct Proxy {
    url: Url,
    except: String,
    matcher: Matcher,
}

impl ProxyOptions {
    /// Reads the environment.
    pub fn from_env() -> Self {
        let first = |names: &[&str]| {
            names.iter().filter_map(|n| std::env::var(n).ok()).find(|v| !v.trim().is_empty())
        };
        Self {
            url: first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]).map(Secret::new),
            except: first(&["NO_PROXY", "no_proxy"]).unwrap_or_default(),
        }
    }
}

impl Proxy {
    /// None where the environment names no proxy.
    pub(super) fn new(options: &ProxyOptions) -> Result<Option<Self>, NetError> {
        let Some(given) = &options.url else {
            return Ok(None);
        };
        let text = given.expose().trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme).map_err(|_| NetError::Proxy)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(NetError::Proxy);
        }
        let except = format!("{},{ALWAYS_DIRECT}", options.except);
        let matcher = Matcher::builder().https(url.as_str().to_owned()).no(except.clone()).build();
        Ok(Some(Self { url, except, matcher }))
    }

    /// Whether requests to `origin` go through the proxy.
    pub(super) fn covers(&self, origin: &Origin) -> bool {
        origin.to_string().parse().is_ok_and(|uri: http::Uri| self.matcher.intercept(&uri).is_some())
    }

    /// The proxy's own host name, which may well resolve to a private address.
    pub(super) fn host(&self) -> Option<&str> {
        self.url.host_str()
    }

    /// Its host and port, without what it is asked with.
    pub(super) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default();
        port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    pub(super) fn for_client(&self) -> Result<reqwest::Proxy, NetError> {
        let proxy = reqwest::Proxy::https(self.url.as_str()).map_err(|_| NetError::Proxy)?;
        Ok(proxy.no_proxy(reqwest::NoProxy::from_string(&self.except)))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("host", &self.host()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, except: &str) -> Option<Proxy> {
        Proxy::new(&ProxyOptions { url: Some(Secret::new(url)), except: except.to_owned() }).unwrap()
    }

    #[test]
    fn a31_loopback_and_the_excepted_hosts_are_reached_directly() {
        let proxy = proxy("http://me:canary@proxy.corp:3128", ".internal.example, 203.0.113.0/24").unwrap();
        for (origin, covered) in [
            ("https://api.orkee.ai", true),
            ("https://api.internal.example", false),
            ("https://203.0.113.9", false),
            ("https://127.0.0.1:4000", false),
            ("https://[::1]:4000", false),
            ("https://localhost", false),
            ("http://127.0.0.1", false),
            ("http://nas.example", false),
        ] {
            assert_eq!(proxy.covers(&origin.parse().unwrap()), covered, "{origin}");
        }
        assert!(!format!("{proxy:?}").contains("canary"));
    }

    #[test]
    fn a_proxy_without_a_scheme_is_an_http_proxy_and_nonsense_is_refused() {
        assert_eq!(proxy("proxy.corp:3128", "").unwrap().host(), Some("proxy.corp"));
        let bad = ProxyOptions { url: Some(Secret::new("gopher://canary")), except: String::new() };
        let error = Proxy::new(&bad).unwrap_err();
        assert!(matches!(error, NetError::Proxy) && !error.to_string().contains("canary"));
    }
}
