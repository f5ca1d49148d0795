//! What an endpoint may be: its headers, the private networks and authorities that go with it, and where its name leads.
//!
//! What stands in its URL is judged by [`Target::parse`], when it is added and again at each delivery. Here is the rest of what is
//! refused when an endpoint is added, and the client that deliveries go out with.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::net::{
    BlockedAddress, Courier, CourierOptions, EndpointProxy, EndpointProxyError, Secret, SendFailure,
    count_authorities, endpoint_addresses, never_dialled,
};
use crate::plugin::Target;
use crate::settings::{Key, Settings, SettingsError};

/// Headers of one endpoint.
const MAX_HEADERS: usize = 20;
/// Bytes of one of them, name and value.
const MAX_HEADER: usize = 4 << 10;
/// Bytes of the authorities of one endpoint.
const MAX_AUTHORITIES: usize = 64 << 10;
/// The widest network of either family that may be named: a whole private range, and no more.
const WIDEST: (u8, u8) = (8, 7);

/// What the host or the dispatcher writes, or what steers the connection; `webhook-*`, `proxy-*` and `sec-*` too.
const OWNED: [&str; 18] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-request-id",
];

/// What is refused when an endpoint is added. No value of a header is repeated.
#[derive(Debug, Error)]
pub enum RuleError {
    /// A header that no endpoint may have.
    #[error("the header `{name}` cannot go along: {why}")]
    Header {
        /// Its name, as far as it can be shown.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Too many headers.
    #[error("an endpoint has at most {MAX_HEADERS} headers of its own")]
    Headers,
    /// No network, or none that may be named.
    #[error("the network `{given}` cannot be allowed: {why}")]
    Network {
        /// What was written.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No certificates in PEM.
    #[error("the authorities cannot be used: {why}")]
    Authorities {
        /// What is wrong with them.
        why: String,
    },
    /// The name leads to private addresses alone.
    #[error("the endpoint cannot be used: {0}")]
    Leads(BlockedAddress),
    /// The setting `webhook.proxy` is no proxy.
    #[error(transparent)]
    Proxy(#[from] EndpointProxyError),
    /// A setting cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Diagnostic for RuleError {
    fn code(&self) -> &'static str {
        match self {
            Self::Leads(_) => "E-HOOK-014",
            Self::Header { .. } | Self::Headers => "E-HOOK-015",
            Self::Network { .. } => "E-HOOK-016",
            Self::Authorities { .. } => "E-HOOK-017",
            Self::Proxy(error) => error.code(),
            Self::Settings(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Settings(error) => error.kind(),
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Header { .. } | Self::Headers => {
                "write it as `--header 'NAME: VALUE'`, for what the receiver asks for, such as `Authorization`".to_owned()
            }
            Self::Network { .. } => "write the receiver's own network, such as `10.20.0.0/16`".to_owned(),
            Self::Authorities { .. } => {
                "give the authority's certificates in PEM, and no private key".to_owned()
            }
            Self::Leads(_) => {
                "for a receiver in your own network, add the endpoint with --allow-private CIDR; for one on this machine, \
                 with --allow-insecure-loopback"
                    .to_owned()
            }
            Self::Proxy(error) => return error.hint(),
            Self::Settings(error) => return error.hint(),
        })
    }
}

/// Reads a header as a person writes it, `NAME: VALUE`, and checks it.
pub fn header(text: &Secret) -> Result<(String, Secret), RuleError> {
    let Some((name, value)) = text.expose().split_once(':') else {
        // Without a colon, all of it may be the value.
        return Err(RuleError::Header { name: "…".to_owned(), why: "it has no colon behind its name" });
    };
    let header = (name.to_owned(), Secret::new(value.trim_matches([' ', '\t'])));
    check_header(&header)?;
    Ok(header)
}

/// Checks all headers of an endpoint.
pub fn check_headers(headers: &[(String, Secret)]) -> Result<(), RuleError> {
    if headers.len() > MAX_HEADERS {
        return Err(RuleError::Headers);
    }
    for (place, header) in headers.iter().enumerate() {
        check_header(header)?;
        if headers[..place].iter().any(|(name, _)| name.eq_ignore_ascii_case(&header.0)) {
            return Err(RuleError::Header { name: header.0.clone(), why: "it is there twice" });
        }
    }
    Ok(())
}

fn check_header((name, value): &(String, Secret)) -> Result<(), RuleError> {
    let refused = |why| {
        let shown = name.chars().filter(|c| c.is_ascii_graphic()).take(50).collect();
        Err(RuleError::Header { name: shown, why })
    };
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        return refused("its name has characters that no header's has");
    };
    let lower = parsed.as_str();
    if lower.starts_with("webhook-") {
        return refused("the signature's headers are the dispatcher's to set");
    }
    if OWNED.contains(&lower) || lower.starts_with("proxy-") || lower.starts_with("sec-") {
        return refused("it is Orkee's to set");
    }
    if name.len() + value.expose().len() > MAX_HEADER {
        return refused("it is longer than 4 KiB");
    }
    if value.expose().is_empty() {
        return refused("it has no value");
    }
    if value.expose().chars().any(char::is_control) {
        return refused("its value has a line break or another control character");
    }
    match HeaderValue::from_str(value.expose()) {
        Ok(_) => Ok(()),
        Err(_) => refused("its value cannot be sent"),
    }
}

/// Reads a private network that an endpoint's owner names.
pub fn network(text: &str) -> Result<IpNet, RuleError> {
    let refused = |why| {
        let given = text.chars().filter(|c| !c.is_control()).take(60).collect();
        Err(RuleError::Network { given, why })
    };
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let Ok(network) = parsed else {
        return refused("it is not an address with a length, such as `10.20.0.0/16`");
    };
    let network = network.trunc();
    let widest = match network {
        IpNet::V4(_) => WIDEST.0,
        IpNet::V6(_) => WIDEST.1,
    };
    if network.prefix_len() < widest {
        return refused("it is wider than any private network");
    }
    if let IpNet::V6(v6) = network
        && v6.network().to_ipv4_mapped().is_some()
    {
        return refused("it is IPv4 in the clothes of IPv6; write it as IPv4");
    }
    match never_dialled(network) {
        Some(why) => refused(why),
        None => Ok(network),
    }
}

/// Checks authorities in PEM that an endpoint's certificate may be signed by.
pub fn check_authorities(pem: &str) -> Result<(), RuleError> {
    let refused = |why: &str| Err(RuleError::Authorities { why: why.to_owned() });
    if pem.len() > MAX_AUTHORITIES {
        return refused("they have more than 64 KiB");
    }
    if pem.contains("PRIVATE KEY") {
        return refused("there is a private key among them");
    }
    match count_authorities(pem) {
        Ok(0) => refused("there is no certificate in PEM"),
        Ok(_) => Ok(()),
        Err(error) => Err(RuleError::Authorities { why: error.to_string() }),
    }
}

/// Refuses an endpoint whose name leads to addresses alone that no delivery goes to. A name that leads nowhere may do so tomorrow; what
/// it leads to then is judged then.
pub async fn look_up(target: &Target) -> Result<(), RuleError> {
    match endpoint_addresses(target.origin(), target.access()).await {
        Err(SendFailure::Blocked(blocked)) => Err(RuleError::Leads(blocked)),
        _ => Ok(()),
    }
}

/// The client that deliveries go out with, as the settings say.
pub fn courier(settings: &Settings) -> Result<Courier, RuleError> {
    let proxy = settings.text(Key::WebhookProxy)?;
    let proxy = proxy.map(|proxy| EndpointProxy::parse(&Secret::new(proxy.value))).transpose()?;
    Ok(Courier::new(CourierOptions { proxy, ..CourierOptions::default() }))
}

/// What holds for where deliveries go, in a sentence for a person who looks after that.
pub fn policy(courier: &Courier) -> String {
    match courier.proxy() {
        None => {
            "webhooks go out directly, whatever HTTPS_PROXY says: every address is checked before it is dialled. `webhook.proxy` is \
             for a network that is left through a proxy alone"
                .to_owned()
        }
        Some(proxy) => format!(
            "webhooks go out through {}, which looks names up and decides itself which addresses it dials; Orkee checks only what \
             is written as an address",
            proxy.origin()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = header(&Secret::new(text)).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("E-HOOK-015", Kind::Usage));
        assert!(!error.to_string().contains("canary"), "{error}");
        error.to_string()
    }

    #[test]
    fn w34_a_header_that_could_be_another_or_is_the_hosts_is_refused() {
        for text in [
            "X-A: canary\r\nHost: evil.test",
            "X-A: canary\nb: c",
            "X-A: canary\rb",
            "X-A: canary\0",
            "X-A\r\nB: canary",
            "X A: canary",
            ": canary",
            "canary",
            "X-A:",
            "X-A:   ",
            "Host: canary",
            "HOST: canary",
            "Content-Length: 3",
            "content-type: text/canary",
            "Transfer-Encoding: chunked",
            "Connection: canary",
            "User-Agent: canary",
            "webhook-id: canary",
            "Webhook-Signature: canary",
            "webhook-anything: canary",
            "Proxy-Authorization: canary",
            "Sec-Fetch-Mode: canary",
        ] {
            refused(text);
        }
        refused(&format!("X-A: {}", "a".repeat(MAX_HEADER)));
    }

    #[test]
    fn w34_what_a_receiver_asks_for_goes_along() {
        for (text, name, value) in [
            ("Authorization: Bearer a:b", "Authorization", "Bearer a:b"),
            ("Cookie:a=b", "Cookie", "a=b"),
            ("X-Api-Key:\t 1 2 ", "X-Api-Key", "1 2"),
        ] {
            let (read, secret) = header(&Secret::new(text)).unwrap();
            assert_eq!((read.as_str(), secret.expose()), (name, value));
        }
        let one = |name: &str| (name.to_owned(), Secret::new("1"));
        assert!(check_headers(&[one("a"), one("b")]).is_ok());
        assert!(check_headers(&[one("a"), one("A")]).is_err());
        let many: Vec<_> = (0..=MAX_HEADERS).map(|n| one(&format!("x-{n}"))).collect();
        assert!(matches!(check_headers(&many), Err(RuleError::Headers)));
    }

    #[test]
    fn w35_a_network_is_a_private_range_at_most_and_no_metadata_service() {
        for (text, read) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.20.30.40/16", "10.20.0.0/16"),
            ("192.168.1.7", "192.168.1.7/32"),
            ("fd00::/8", "fd00::/8"),
            ("fc00::/7", "fc00::/7"),
            ("169.254.0.0/16", "169.254.0.0/16"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), read, "{text}");
        }
        for text in [
            "",
            "10",
            "10.0.0.0/33",
            "0.0.0.0/0",
            "0.0.0.0/1",
            "10.0.0.0/7",
            "::/0",
            "::ffff:10.0.0.0/104",
            "169.254.169.254",
            "169.254.169.254/32",
            "fd00:ec2::254/128",
            "100.100.100.200/32",
            "0.0.0.0/8",
            "224.0.0.0/8",
            "localhost",
        ] {
            let error = network(text).unwrap_err();
            assert_eq!((error.code(), error.kind()), ("E-HOOK-016", Kind::Usage), "{text}");
        }
    }

    #[test]
    fn w32_authorities_are_certificates_and_nothing_else() {
        for text in ["", "canary", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"] {
            let error = check_authorities(text).unwrap_err();
            assert_eq!(error.code(), "E-HOOK-017", "{text}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let bad = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert!(check_authorities(bad).is_err());
        let empty = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n";
        assert!(check_authorities(empty).is_err());
    }

    #[tokio::test]
    async fn w27_a_name_that_leads_to_this_machine_alone_is_refused() {
        let access =
            crate::net::Access { private: vec!["127.9.9.9/32".parse().unwrap()], ..Default::default() };
        let target = Target::parse("https://localhost/", &access).unwrap();
        assert_eq!(look_up(&target).await.unwrap_err().code(), "E-HOOK-014");
        // `.invalid` never resolves (RFC 6761).
        let target = Target::parse("https://hooks.invalid/", &access).unwrap();
        assert!(look_up(&target).await.is_ok());
    }

    #[test]
    fn w29_a_proxy_is_used_where_the_settings_name_one_and_its_policy_is_told() {
        let home = tempfile::tempdir().unwrap();
        let home = crate::home::Home::at(home.path()).unwrap();
        let with = |variables: &[(&str, &str)]| {
            let settings = Settings::load_with(&home, |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
            });
            courier(&settings.unwrap())
        };
        let direct = with(&[("HTTPS_PROXY", "http://env.corp:3128")]).unwrap();
        assert!(direct.proxy().is_none() && policy(&direct).contains("directly"));
        let through = with(&[("ORKEE_WEBHOOK_PROXY", "http://me:canary@out.corp:3128")]).unwrap();
        assert!(policy(&through).contains("through http://out.corp:3128"), "{}", policy(&through));
        let error = with(&[("ORKEE_WEBHOOK_PROXY", "socks5://canary")]).unwrap_err();
        assert_eq!(error.code(), "E-HOOK-018");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
