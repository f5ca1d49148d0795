//! How an endpoint may be reached, beyond what holds for all.

use ipnet::IpNet;

/// How an endpoint may be reached. The default is https, at a public address, with a certificate that the system trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Access {
    /// Plain http to this machine, for development.
    pub loopback: bool,
    /// Networks that are not of the public internet and may be reached all the same. Addresses that hand out a machine's secrets
    /// stay blocked.
    pub private: Vec<IpNet>,
    /// Certificates of authorities that are trusted beside the system's, as PEM.
    pub ca: Option<String>,
}
