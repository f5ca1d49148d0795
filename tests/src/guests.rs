//! Components to install: the guests of `tests/guests`, built on first use, packed and signed as their authors would.

use std::sync::OnceLock;

use orkee_core::plugin::{PublisherKey, pack};

use crate::guest_build;
pub use crate::guest_build::component;

/// A provider that stores nothing.
pub fn plain() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::fixture("guest_plain"))
}

/// A provider that wants sockets.
pub fn sockets() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::fixture("guest_sockets"))
}

/// A webhook dispatcher, and no provider.
pub fn dispatcher() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::fixture("guest_dispatcher"))
}

/// Another dispatcher, which signs in the older way: a hexadecimal HMAC over the body alone.
pub fn hub() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::fixture("guest_hub"))
}

/// A provider that does what its option `do` says.
pub fn rogue() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::fixture("guest_rogue"))
}

/// A provider of the practice backend, which does what its option `fault` says.
pub fn practice() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::fixture("guest_practice"))
}

/// A manifest with this name and version, and these lines more.
pub fn manifest(name: &str, version: &str, more: &str) -> String {
    format!("name = \"{name}\"\nversion = \"{version}\"\n{more}\n")
}

/// A component that calls itself what this manifest calls it, where it is one that can.
pub fn named(component: &[u8], manifest: &str) -> Vec<u8> {
    const MARK: &[u8] = b"orkee-test-id=";
    const LENGTH: usize = 66;
    let mut bytes = component.to_vec();
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let mark = bytes.windows(MARK.len()).position(|window| window == MARK);
    if let (Some(name), Some(at)) = (name, mark) {
        let start = at + MARK.len();
        bytes[start..start + LENGTH].copy_from_slice(format!("{name:<LENGTH$}").as_bytes());
    }
    bytes
}

/// The provider that stores nothing, with this manifest.
pub fn packed(manifest: &str) -> Vec<u8> {
    pack(&named(plain(), manifest), manifest, None).unwrap()
}

/// As [`packed`], signed by this key.
pub fn signed(manifest: &str, key: &PublisherKey) -> Vec<u8> {
    pack(&named(plain(), manifest), manifest, Some(key)).unwrap()
}

/// A fresh author's key.
pub fn key() -> PublisherKey {
    PublisherKey::from_pem(PublisherKey::generate().unwrap().expose()).unwrap()
}

/// One of the providers that Orkee ships, with its manifest, as its author would hand it out.
pub fn shipped(name: &str, package: &str, features: &[&str]) -> Vec<u8> {
    let manifest = guest_build::root().join("providers").join(name).join("provider.toml");
    pack(&bare(package, features), &std::fs::read_to_string(manifest).unwrap(), None).unwrap()
}

/// The same without a manifest.
pub fn bare(package: &str, features: &[&str]) -> Vec<u8> {
    guest_build::shipped(package, features)
}
