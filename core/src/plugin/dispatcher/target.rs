//! Where a delivery goes: one URL, and the one origin that its dispatcher may reach.
//!
//! What stands in the URL is judged here, when an endpoint is added and again at each delivery. Where its name leads is judged when
//! it is dialled.

use std::fmt;

use thiserror::Error;
use url::Url;

use crate::diagnostic::{Diagnostic, Kind};
use crate::net::{Access, ApiUrl, BlockedAddress, Origin, OriginError, Scheme};
use crate::plugin::grants::{AllowList, Grants};

/// The longest URL.
const MAX_URL: usize = 2048;
/// Ports where no web server listens, and where a request could be taken for something else: the "bad ports" of the Fetch standard.
const BAD_PORTS: [u16; 82] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
    515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723,
    2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
];
/// Names that clouds give to their metadata services.
const METADATA_NAMES: [&str; 6] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "instance-data",
    "instance-data.ec2.internal",
];

/// A checked endpoint.
#[derive(Clone)]
pub struct Target {
    url: Url,
    base: ApiUrl,
    access: Access,
}

/// What is wrong with an endpoint's URL. The URL is not repeated: what stands in it may be all that its receiver asks for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Not a URL, another scheme, a user name or password.
    #[error("the endpoint's URL cannot be used: {0}")]
    Origin(#[from] OriginError),
    /// Control characters, spaces, or more text than a URL has.
    #[error("the endpoint's URL cannot be used: {0}")]
    Text(&'static str),
    /// Plain http.
    #[error("the endpoint's URL is plain http, which everybody on the way can read")]
    Plain {
        /// Whether it leads to this machine.
        to_loopback: bool,
    },
    /// A port of something else than a web server.
    #[error("the endpoint's URL names the port {0}, where no web server listens")]
    Port(u16),
    /// It is written as an address that is not dialled, or as the name of one.
    #[error("the endpoint leads to {}, which is {}", .0.address, .0.why)]
    Blocked(BlockedAddress),
    /// It is written as the name of something that is not asked.
    #[error("the endpoint's host `{host}` is {why}")]
    Name {
        /// The host.
        host: String,
        /// What it is.
        why: &'static str,
    },
}

impl Diagnostic for TargetError {
    fn code(&self) -> &'static str {
        match self {
            Self::Origin(OriginError::Scheme) | Self::Plain { .. } => "E-HOOK-011",
            Self::Origin(_) | Self::Text(_) => "E-HOOK-010",
            Self::Port(_) => "E-HOOK-012",
            Self::Blocked(_) | Self::Name { .. } => "E-HOOK-013",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Origin(OriginError::Userinfo) => {
                "leave out what stands before the `@`; `--header` sends a credential of your own".to_owned()
            }
            Self::Origin(_) | Self::Text(_) => {
                "write it as `https://hooks.example.com/path`, without a fragment".to_owned()
            }
            Self::Plain { to_loopback: true } => {
                "for development, add the endpoint with --allow-insecure-loopback".to_owned()
            }
            Self::Plain { to_loopback: false } => "write it with `https://`".to_owned(),
            Self::Port(_) => "use the port of a web server, such as 443 or 8443".to_owned(),
            Self::Blocked(_) | Self::Name { .. } => {
                "for a receiver in your own network, add the endpoint with --allow-private CIDR; for one on this machine, \
                 with --allow-insecure-loopback"
                    .to_owned()
            }
        })
    }
}

impl Target {
    /// Checks a URL as far as that goes without resolving its name.
    pub fn parse(text: &str, access: &Access) -> Result<Self, TargetError> {
        if text.len() > MAX_URL {
            return Err(TargetError::Text("it is longer than 2048 bytes"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(TargetError::Text("it has spaces or control characters"));
        }
        // Browsers forgive what follows; a receiver's owner wrote it by mistake.
        if text.contains('\\') {
            return Err(TargetError::Text("it has a backslash"));
        }
        if text.split_once("://").is_none_or(|(_, rest)| rest.starts_with('/')) {
            return Err(OriginError::Malformed.into());
        }
        let url = Url::parse(text).map_err(|_| OriginError::Malformed)?;
        let origin = Origin::of(&url)?;
        if url.fragment().is_some() {
            return Err(TargetError::Text("it has a fragment, which is not sent"));
        }
        check_scheme(&origin, access)?;
        if BAD_PORTS.contains(&origin.port()) {
            return Err(TargetError::Port(origin.port()));
        }
        check_host(&origin, access)?;
        let base = ApiUrl::at(&origin).ok_or(OriginError::Malformed)?;
        Ok(Self { url, base, access: access.clone() })
    }

    /// The one origin that requests may go to.
    pub fn origin(&self) -> &Origin {
        self.base.origin()
    }

    /// How it may be reached.
    pub fn access(&self) -> &Access {
        &self.access
    }

    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(super) fn grants(&self) -> Grants {
        Grants { hosts: AllowList::nothing().with_api(self.origin().clone()), ..Grants::nothing() }
    }

    /// What the dispatcher's relative URLs are resolved against.
    pub(super) fn base(&self) -> &ApiUrl {
        &self.base
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.origin())
    }
}

/// https, or http to this machine where that was allowed.
fn check_scheme(origin: &Origin, access: &Access) -> Result<(), TargetError> {
    let to_loopback = origin.is_loopback();
    match origin.scheme() {
        Scheme::Https => Ok(()),
        Scheme::Http if access.loopback && to_loopback => Ok(()),
        Scheme::Http => Err(TargetError::Plain { to_loopback }),
    }
}

/// A host that says of itself that it is not to be asked.
fn check_host(origin: &Origin, access: &Access) -> Result<(), TargetError> {
    if let Some(address) = origin.address() {
        return access.permits(origin.scheme(), address).map_err(|why| {
            TargetError::Blocked(BlockedAddress { host: origin.host().to_string(), address, why })
        });
    }
    let name = origin.name().unwrap_or_default();
    let refused = |why| Err(TargetError::Name { host: name.to_owned(), why });
    if METADATA_NAMES.contains(&name) {
        return refused("where a cloud keeps what its machines sign in with");
    }
    let is_this_machine = name == "localhost" || name.ends_with(".localhost");
    let names_loopback = access.private.iter().any(|network| network.addr().is_loopback());
    if is_this_machine && !access.loopback && !names_loopback {
        return refused("this machine");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> &'static str {
        let error = Target::parse(text, &Access::default()).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
        error.code()
    }

    #[test]
    fn w25_only_https_urls_of_web_servers_are_endpoints() {
        for good in ["https://hooks.example.com/a?b=c", "https://1.1.1.1/", "https://hooks.example.com:8443"]
        {
            assert!(Target::parse(good, &Access::default()).is_ok(), "{good}");
        }
        for (bad, code) in [
            ("http://hooks.example.com/canary", "E-HOOK-011"),
            ("ftp://hooks.example.com/canary", "E-HOOK-011"),
            ("file:///canary", "E-HOOK-010"),
            ("https://", "E-HOOK-010"),
            ("https:///", "E-HOOK-010"),
            ("https:///canary", "E-HOOK-010"),
            ("https:canary", "E-HOOK-010"),
            ("https:\\\\canary", "E-HOOK-010"),
            ("https://hooks.example.com\\@canary", "E-HOOK-010"),
            ("canary", "E-HOOK-010"),
            ("", "E-HOOK-010"),
            ("https://me@hooks.example.com/canary", "E-HOOK-010"),
            ("https://:canary@hooks.example.com/", "E-HOOK-010"),
            ("https://hooks.example.com/#canary", "E-HOOK-010"),
            ("https://hooks.example.com/#", "E-HOOK-010"),
            ("https://hooks.example.com/\ncanary", "E-HOOK-010"),
            ("https://hooks.exam\tple.com/", "E-HOOK-010"),
            ("https://hooks.example.com:0/", "E-HOOK-012"),
            ("https://hooks.example.com:22/", "E-HOOK-012"),
            ("https://hooks.example.com:25/", "E-HOOK-012"),
        ] {
            assert_eq!(refused(bad), code, "{bad}");
        }
        assert_eq!(refused(&format!("https://hooks.example.com/{}", "a".repeat(MAX_URL))), "E-HOOK-010");
    }

    #[test]
    fn w25_plain_http_is_for_loopback_and_only_where_it_is_allowed() {
        let loopback = Access { loopback: true, ..Access::default() };
        for (url, allowed) in [
            ("http://127.0.0.1:3000/hook", true),
            ("http://[::1]:3000/", true),
            ("http://localhost:3000/", true),
            ("https://localhost:3000/", true),
            ("http://10.0.0.1/", false),
            ("http://hooks.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
        ] {
            assert_eq!(Target::parse(url, &loopback).is_ok(), allowed, "{url}");
            let without = Target::parse(url, &Access::default());
            assert!(without.is_err(), "{url}");
        }
    }

    #[test]
    fn w26_an_address_is_refused_in_every_notation() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "0x7f000001",
            "017700000001",
            "127。0。0。1",
            "0.0.0.0",
            "0",
            "[::]",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::7f00:1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
            "169.254.169.254",
            "[fd00:ec2::254]",
            "100.64.0.1",
            "100.127.255.255",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "198.18.0.1",
            "198.19.255.255",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[fe80::1]",
            "[fc00::1]",
            "[fdff::1]",
            "[ff02::1]",
            "[100::1]",
            "[3fff::1]",
            "[5f00::1]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST",
            "hooks.localhost",
            "metadata.google.internal",
        ] {
            assert_eq!(refused(&format!("https://{host}/canary")), "E-HOOK-013", "{host}");
        }
    }

    #[test]
    fn w35_a_named_network_opens_no_metadata_service() {
        let access = Access {
            private: vec!["10.0.0.0/8".parse().unwrap(), "169.254.0.0/16".parse().unwrap()],
            ..Access::default()
        };
        for (url, allowed) in [
            ("https://10.1.2.3/", true),
            ("https://169.254.1.1/", true),
            ("https://192.168.0.1/", false),
            ("https://169.254.169.254/", false),
            ("https://metadata.google.internal/", false),
            ("http://10.1.2.3/", false),
        ] {
            assert_eq!(Target::parse(url, &access).is_ok(), allowed, "{url}");
        }
    }
}
