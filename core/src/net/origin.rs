//! Where a request goes: scheme, host and port, compared as a whole.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

use super::address::{AddressClass, classify};

/// The two schemes that Orkee speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain text: loopback and granted private networks only.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// 80 or 443.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port. The host is canonical: lower case, punycode, IP literals in one form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Host<String>,
    port: u16,
}

/// What is wrong with an origin. The text that was given is not repeated, for it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OriginError {
    /// It is not a URL.
    #[error("it is not a URL such as `https://api.example.com`")]
    Malformed,
    /// Neither http nor https.
    #[error("its scheme is neither `https` nor `http`")]
    Scheme,
    /// A user name or password before the host.
    #[error("it holds a user name or password, which belongs into a credential")]
    Userinfo,
    /// A path, query or fragment.
    #[error("it has a path, a query or a fragment")]
    Extra,
}

impl Origin {
    /// The origin of a URL, whatever its path. Userinfo is refused.
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(OriginError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::Userinfo);
        }
        let host = url.host().ok_or(OriginError::Malformed)?.to_owned();
        if matches!(&host, Host::Domain(name) if name.is_empty() || name.ends_with('.')) {
            return Err(OriginError::Malformed);
        }
        Ok(Self { scheme, host, port: url.port().unwrap_or(scheme.default_port()) })
    }

    /// http or https.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// A name or an IP address.
    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The port, the scheme's own if none was written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, if the host is one, with IPv4 addresses in IPv6 clothes undressed.
    pub fn address(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(*ip).to_canonical()),
        }
    }

    /// The name, if the host is one.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// Host and port as in a `Host` header: the port only where it is not the scheme's own.
    pub fn authority(&self) -> String {
        match self.port == self.scheme.default_port() {
            true => self.host.to_string(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Whether the host is written as a loopback address or as `localhost`. What `localhost` resolves to is checked when it
    /// is dialled.
    pub fn is_loopback(&self) -> bool {
        self.address().is_some_and(|ip| ip.is_loopback()) || self.name() == Some("localhost")
    }

    /// Whether the host is written as an address that is not public. Where a name leads is checked when it is dialled.
    pub fn is_private(&self) -> bool {
        self.address().is_some_and(|ip| classify(ip) != AddressClass::Public)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text).map_err(|_| OriginError::Malformed)?;
        let origin = Self::of(&url)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::Extra);
        }
        Ok(origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_canonical() {
        for (given, shown) in [
            ("HTTPS://API.Example.COM", "https://api.example.com"),
            ("https://api.example.com:443/", "https://api.example.com"),
            ("http://127.1:8080", "http://127.0.0.1:8080"),
            ("http://[0:0::1]", "http://[::1]"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(given.parse::<Origin>().unwrap().to_string(), shown, "{given}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for (given, error) in [
            ("api.example.com", OriginError::Malformed),
            ("https://", OriginError::Malformed),
            ("https://example.com./", OriginError::Malformed),
            ("ftp://example.com", OriginError::Scheme),
            ("https://me@example.com", OriginError::Userinfo),
            ("https://:pw@example.com", OriginError::Userinfo),
            ("https://example.com/v1", OriginError::Extra),
            ("https://example.com/?a", OriginError::Extra),
            ("https://example.com/#a", OriginError::Extra),
        ] {
            assert_eq!(given.parse::<Origin>().unwrap_err(), error, "{given}");
        }
    }

    #[test]
    fn only_loopback_literals_and_localhost_count_as_loopback() {
        for (given, expected) in [
            ("http://127.0.0.1", true),
            ("http://127.9.9.9:1", true),
            ("http://[::1]", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost", true),
            ("http://127.0.0.1.evil.test", false),
            ("http://localhost.evil.test", false),
            ("http://0.0.0.0", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(given.parse::<Origin>().unwrap().is_loopback(), expected, "{given}");
        }
    }
}
