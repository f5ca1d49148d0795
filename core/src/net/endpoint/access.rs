//! How one endpoint may be reached, and the verdict on each address before it is dialled.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::net::address::{AddressClass, is_metadata, is_of_no_machine, locate};
use crate::net::origin::{Origin, Scheme};

/// How an endpoint may be reached, beyond the internet over https.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Access {
    /// This machine, over plain http too: for development.
    pub loopback: bool,
    /// Private networks that the endpoint's owner named. Over https alone.
    pub private: Vec<IpNet>,
    /// Authorities in PEM that are trusted beside the system's.
    pub ca: Option<String>,
}

/// Why an address is not dialled.
const METADATA: &str = "where a cloud keeps what its machines sign in with";
const NO_MACHINE: &str = "no machine's address";

impl Access {
    /// Whether this address may be dialled; if not, why.
    pub fn permits(&self, scheme: Scheme, address: IpAddr) -> Result<(), &'static str> {
        let address = address.to_canonical();
        if is_metadata(address) {
            return Err(METADATA);
        }
        if is_of_no_machine(address) {
            return Err(NO_MACHINE);
        }
        let is_named = || self.private.iter().any(|network| network.contains(&address));
        match (scheme, locate(address)) {
            (Scheme::Http, AddressClass::Loopback) if self.loopback => Ok(()),
            (Scheme::Http, _) => Err("not loopback, and plain http goes no further"),
            (Scheme::Https, AddressClass::Public) => Ok(()),
            (Scheme::Https, AddressClass::Loopback) if self.loopback => Ok(()),
            (Scheme::Https, _) if is_named() => Ok(()),
            (Scheme::Https, AddressClass::Loopback | AddressClass::Own) => Err("this machine"),
            (Scheme::Https, AddressClass::Private) => Err("a private or reserved address"),
        }
    }

    /// Whether the origin is written as an address in a network of the endpoint's own, to which no proxy leads.
    pub(super) fn is_near(&self, origin: &Origin) -> bool {
        let is_named = |address| self.private.iter().any(|network| network.contains(&address));
        origin.is_loopback() || origin.address().is_some_and(is_named)
    }
}

/// Why nothing in the network would be dialled, whoever named it. None: something would.
pub fn never_dialled(network: IpNet) -> Option<&'static str> {
    let (first, last) = (network.network(), network.broadcast());
    if first == last && is_metadata(first) {
        return Some(METADATA);
    }
    (is_of_no_machine(first) && is_of_no_machine(last)).then_some(NO_MACHINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(access: &Access, scheme: Scheme, address: &str) -> bool {
        access.permits(scheme, address.parse().unwrap()).is_ok()
    }

    fn private(networks: &[&str]) -> Access {
        let private = networks.iter().map(|network| network.parse().unwrap()).collect();
        Access { private, ..Access::default() }
    }

    #[test]
    fn w26_nothing_but_the_internet_is_dialled_unless_it_was_named() {
        let none = Access::default();
        assert!(verdict(&none, Scheme::Https, "1.1.1.1"));
        assert!(verdict(&none, Scheme::Https, "2606:4700::1111"));
        for address in [
            "127.0.0.1",
            "0.0.0.0",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "169.254.169.254",
            "fd00:ec2::254",
            "100.64.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "fc00::1",
            "100::1",
            "3fff::1",
            "5f00::1",
            "168.63.129.16",
        ] {
            assert!(!verdict(&none, Scheme::Https, address), "{address}");
            assert!(!verdict(&none, Scheme::Http, address), "{address}");
        }
        assert!(!verdict(&none, Scheme::Http, "1.1.1.1"));
    }

    #[test]
    fn w25_plain_http_reaches_loopback_alone_and_only_where_that_was_allowed() {
        let loopback = Access { loopback: true, ..private(&["10.0.0.0/8"]) };
        for (address, http, https) in [
            ("127.0.0.1", true, true),
            ("::1", true, true),
            ("10.1.1.1", false, true),
            ("1.1.1.1", false, true),
            ("192.168.0.1", false, false),
        ] {
            assert_eq!(verdict(&loopback, Scheme::Http, address), http, "{address}");
            assert_eq!(verdict(&loopback, Scheme::Https, address), https, "{address}");
        }
    }

    #[test]
    fn w35_a_named_network_opens_itself_and_no_metadata_service() {
        let access = private(&["10.1.0.0/16", "169.254.0.0/16", "fd00::/8", "100.64.0.0/10", "64:ff9b::/96"]);
        for (address, allowed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("169.254.1.1", true),
            ("fd00::1", true),
            ("64:ff9b::a01:203", true),
            ("169.254.169.254", false),
            ("169.254.170.2", false),
            ("100.100.100.200", false),
            ("168.63.129.16", false),
            ("fd00:ec2::254", false),
            ("fd00:ec2::23", false),
            ("fd20:ce::254", false),
            // The same, in another family's clothes.
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::a9fe:a9fe", false),
        ] {
            assert_eq!(verdict(&access, Scheme::Https, address), allowed, "{address}");
        }
        let all = private(&["0.0.0.0/0", "::/0"]);
        for address in ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "2002:a9fe:a9fe::1"] {
            assert!(!verdict(&all, Scheme::Https, address), "{address}");
        }
    }
}
