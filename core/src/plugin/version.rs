//! Versions of the contract: which ones this host runs, and what to say of the others.
//!
//! A version belongs to a *track*: while it is `0.x` each minor version is one, from `1.0.0` on each major version. Within a track
//! the contract grows in ways that no compiled component notices, so any component of the host's track runs, as long as it
//! uses nothing that came later.

use semver::Version;

/// The contract's package.
pub(super) const PACKAGE: &str = "orkee:sync";
/// The version that this host speaks: that of `wit/`.
pub(super) const VERSION: Version = Version::new(1, 0, 0);

/// An interface of the contract, as a component names it: `orkee:sync/http@1.0.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) interface: &'a str,
    pub(super) version: Version,
}

impl<'a> Named<'a> {
    /// None: it is none of the contract's.
    pub(super) fn read(name: &'a str) -> Option<Self> {
        let (interface, version) = name.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
        Some(Self { interface, version: version.parse().ok()? })
    }

    /// Whether this host runs what is built for its version.
    pub(super) fn is_ours(&self) -> bool {
        are_of_one_track(&self.version, &VERSION)
    }
}

/// Whether components of the one run on a host of the other. A preliminary version is a track of its own.
pub(super) fn are_of_one_track(one: &Version, other: &Version) -> bool {
    let track = |v: &Version| match (v.major, v.minor) {
        (0, 0) => (0, 0, v.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    one == other || (track(one) == track(other) && one.pre.is_empty() && other.pre.is_empty())
}

/// The versions that this host runs, as people write them.
pub(super) fn supported() -> String {
    match VERSION.major {
        0 => format!("{PACKAGE} 0.{}.x", VERSION.minor),
        major => format!("{PACKAGE} {major}.x"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p02_each_minor_version_below_one_is_a_track_and_then_each_major_version() {
        for (one, other, together) in [
            ("0.1.0", "0.1.7", true),
            ("0.1.0", "0.2.0", false),
            ("0.1.0", "1.0.0", false),
            ("0.0.1", "0.0.2", false),
            ("1.0.0", "1.9.3", true),
            ("1.0.0", "2.0.0", false),
            ("1.0.0-rc.1", "1.0.0", false),
            ("1.0.0-rc.1", "1.0.0-rc.1", true),
        ] {
            let [a, b] = [one, other].map(|text| text.parse().unwrap());
            assert_eq!(are_of_one_track(&a, &b), together, "{one} {other}");
            assert_eq!(are_of_one_track(&b, &a), together, "{other} {one}");
        }
        assert_eq!(supported(), "orkee:sync 1.x");
    }

    #[test]
    fn only_interfaces_of_the_contract_are_read() {
        let named = Named::read("orkee:sync/http@1.2.0").unwrap();
        assert_eq!((named.interface, named.is_ours()), ("http", true));
        for name in
            ["wasi:io/poll@0.2.6", "orkee:synchro/http@0.1.0", "orkee:sync/http", "orkee:sync/http@one"]
        {
            assert_eq!(Named::read(name), None, "{name}");
        }
    }
}
