//! The components that these tests run, built from source on first use.

#[path = "../../../tests/src/guest_build.rs"]
mod guest_build;

use std::sync::OnceLock;

/// Breaks the rule that its setting `do` names.
pub fn rogue() -> &'static [u8] {
    fixture("guest_rogue")
}

/// Has none of the optional parts.
pub fn plain() -> &'static [u8] {
    fixture("guest_plain")
}

/// Wants sockets.
pub fn sockets() -> &'static [u8] {
    fixture("guest_sockets")
}

/// Wants files.
pub fn files() -> &'static [u8] {
    fixture("guest_files")
}

/// Delivers as Standard Webhooks says, unless its setting `do` says otherwise.
pub fn dispatcher() -> &'static [u8] {
    fixture("guest_dispatcher")
}

/// Registers webhooks, and looks for their secret.
pub fn webhooks() -> &'static [u8] {
    fixture("guest_webhooks")
}

/// Exports every interface, and calls every function.
pub fn every_part() -> &'static [u8] {
    fixture("guest_every_part")
}

/// A component in which each `from` reads `to`, of the same length, whatever it names.
pub fn renamed(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = component.to_vec();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, w)| *w == from.as_bytes())
        .map(|(n, _)| n)
        .collect();
    assert!(!places.is_empty(), "there is no `{from}`");
    places.iter().for_each(|at| bytes[*at..at + to.len()].copy_from_slice(to.as_bytes()));
    bytes
}

/// A component that was built for another version of the contract.
pub fn of_version(component: &[u8], version: &str) -> Vec<u8> {
    let (old, new) = (b"@1.0.0", format!("@{version}"));
    let mut bytes = component.to_vec();
    for at in 0..bytes.len() - old.len() {
        // Only the versions of this package's interfaces: WASI's stay.
        if bytes[at..].starts_with(old)
            && bytes[..at].rsplit(|b| *b == b':').next().is_some_and(|name| name.starts_with(b"sync/"))
        {
            bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
        }
    }
    bytes
}

/// The provider that Orkee ships.
pub fn orkee_cloud() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::shipped("orkee-provider-cloud", &[]))
}

/// The one for S3.
pub fn s3() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::shipped("orkee-provider-s3", &[]))
}

/// The one for WebDAV.
pub fn webdav() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::shipped("orkee-provider-webdav", &[]))
}

fn fixture(name: &str) -> &'static [u8] {
    guest_build::fixture(name).leak()
}
