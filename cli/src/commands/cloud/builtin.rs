//! The providers that are part of this program.

use orkee_core::plugin::{ENTERPRISE, Embedded, Manifest, ORKEE_CLOUD, Package, PackageError};

/// One of them.
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    pub(super) component: Embedded,
}

/// Embeds what the build script made.
macro_rules! embedded {
    ($name:literal) => {
        Embedded {
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")),
            digest: *include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".blake3")),
        }
    };
}

/// All of them.
pub(super) const ALL: &[BuiltIn] = &[
    BuiltIn { name: ORKEE_CLOUD, component: embedded!("orkee-cloud") },
    BuiltIn { name: ENTERPRISE, component: embedded!("enterprise") },
    BuiltIn { name: "s3", component: embedded!("s3") },
    BuiltIn { name: "webdav", component: embedded!("webdav") },
];

/// Their names.
pub(super) fn names() -> Vec<&'static str> {
    ALL.iter().map(|built_in| built_in.name).collect()
}

/// The one of this name.
pub(super) fn named(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|built_in| built_in.name == name)
}

impl BuiltIn {
    /// What it says of itself.
    pub(super) fn manifest(&self) -> Result<Manifest, PackageError> {
        Package::manifest_of(self.component.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_provider_has_a_manifest_under_its_own_name() {
        for built_in in ALL {
            assert_eq!(built_in.manifest().unwrap().name.as_str(), built_in.name);
        }
    }
}
