//! Which addresses belong to the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};

/// What kind of network an address lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// The internet.
    Public,
    /// This machine, by an address that every machine has for itself.
    Loopback,
    /// This machine, by an address of the internet that one of its interfaces has. Only [`locate`] finds that out.
    Own,
    /// Everything else: private, link-local (with the clouds' metadata services), shared, multicast, reserved, or a translation
    /// prefix that may lead to any of these.
    Private,
}

/// IANA's special-purpose registry, less what is globally reachable.
const SPECIAL_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Azure's own services for each of its machines, in the middle of the internet's space.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast and reserved, the broadcast address included.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Of the space that is handed out to the internet (2000::/3), what is not reachable or leads elsewhere.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    // Teredo, ORCHID and the other protocol assignments.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4 carries an IPv4 address, which may be a private one.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

static V4: LazyLock<Vec<Ipv4Net>> =
    LazyLock::new(|| SPECIAL_V4.iter().filter_map(|(ip, len)| Ipv4Net::new(*ip, *len).ok()).collect());
static V6: LazyLock<Vec<Ipv6Net>> =
    LazyLock::new(|| SPECIAL_V6.iter().filter_map(|(ip, len)| Ipv6Net::new(*ip, *len).ok()).collect());

/// The class of an address; an IPv4 address mapped into IPv6 counts as the IPv4 address.
pub fn classify(address: IpAddr) -> AddressClass {
    let address = address.to_canonical();
    if address.is_loopback() {
        return AddressClass::Loopback;
    }
    let public = match address {
        IpAddr::V4(ip) => !V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => ip.segments()[0] & 0xe000 == 0x2000 && !V6.iter().any(|net| net.contains(&ip)),
    };
    if public { AddressClass::Public } else { AddressClass::Private }
}

/// The class of an address as seen from this machine, whose interfaces may have addresses of the internet.
pub(super) fn locate(address: IpAddr) -> AddressClass {
    match classify(address) {
        AddressClass::Public if is_own(address.to_canonical()) => AddressClass::Own,
        class => class,
    }
}

/// Whether an interface of this machine has the address. What would be sent there would be sent from there; nothing is sent.
fn is_own(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        // The port says nothing; 9 is that of `discard`.
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == address)
}

/// Where clouds tell a machine its name, its user data, and what it signs in with.
const METADATA: [IpAddr; 9] = [
    // Amazon, Google, Microsoft, and most others.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    // Amazon's for containers and pods.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    // Microsoft's wire server, Alibaba, Oracle.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// Whether it is a cloud's metadata service, in whatever clothes.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let inner = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(ip) => carried(ip),
    };
    METADATA.contains(&address) || inner.is_some_and(|ip| METADATA.contains(&ip.into()))
}

/// The IPv4 address that a translator or tunnel takes out of an IPv6 address: NAT64, 6to4, Teredo, and the old compatible form.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let from = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match s {
        [0x64, 0xff9b, ..] => Some(from(s[6], s[7])),
        [0x2002, high, low, ..] => Some(from(high, low)),
        [0x2001, 0, ..] => Some(from(!s[6], !s[7])),
        [0, 0, 0, 0, 0, 0, high, low] => Some(from(high, low)),
        _ => None,
    }
}

/// Unspecified, multicast, reserved: nothing that a connection could be for, though some systems take it for themselves.
pub(super) fn is_of_no_machine(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => ip.octets()[0] == 0 || ip.octets()[0] >= 224,
        IpAddr::V6(ip) => ip.is_unspecified() || ip.is_multicast(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> AddressClass {
        classify(text.parse().unwrap())
    }

    #[test]
    fn p12_addresses_of_the_internet_are_public() {
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.32.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert_eq!(class(ip), AddressClass::Public, "{ip}");
        }
        assert_eq!(class("::ffff:8.8.8.8"), AddressClass::Public);
    }

    #[test]
    fn p12_private_link_local_shared_mapped_and_metadata_addresses_are_not_public() {
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::2",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "100::1",
            "5f00::1",
            "168.63.129.16",
        ] {
            assert_eq!(class(ip), AddressClass::Private, "{ip}");
        }
    }

    #[test]
    fn p12_loopback_is_a_class_of_its_own() {
        for ip in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(class(ip), AddressClass::Loopback, "{ip}");
        }
    }

    #[test]
    fn w26_an_address_that_an_interface_has_is_this_machine() {
        // Nobody has a public address here for certain, so the question itself is asked of what everybody has.
        assert!(is_own("127.0.0.1".parse().unwrap()));
        assert!(!is_own("192.0.2.7".parse().unwrap()));
        assert!(!is_own("1.1.1.1".parse().unwrap()));
        assert_eq!(locate("10.0.0.1".parse().unwrap()), AddressClass::Private);
        assert_eq!(locate("127.0.0.1".parse().unwrap()), AddressClass::Loopback);
    }

    #[test]
    fn w35_a_metadata_service_is_known_in_the_clothes_of_ipv6_too() {
        for ip in ["::169.254.169.254", "2002:a9fe:a9fe::1", "2001::5601:5601", "64:ff9b::a83f:8110"] {
            assert!(is_metadata(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["169.254.169.253", "fd00:ec2::253", "64:ff9b::808:808", "2002:808:808::1"] {
            assert!(!is_metadata(ip.parse().unwrap()), "{ip}");
        }
    }
}
