//! A component, before anything of it runs: what the bytes are, what they import, what they export.

use wasmtime::Engine;
use wasmtime::component::Component;

use super::error::PluginError;
use super::limits::Limit;

/// The contract that this host speaks.
pub(super) const CONTRACT: &str = "orkee:sync@0.1.0";
/// Its package, without the version.
const PACKAGE: &str = "orkee:sync/";
const VERSION: &str = "@0.1.0";
/// What a provider may import of WASI. Files, sockets and HTTP are not among them.
const WASI: [&str; 4] = ["wasi:io/", "wasi:cli/", "wasi:clocks/", "wasi:random/"];
const INTERFACES: [&str; 6] = ["types", "http", "credentials", "state", "settings", "log"];

/// Refuses what cannot be a component, each in its own words.
pub(super) fn check_bytes(plugin: &str, bytes: &[u8], limit: u64) -> Result<(), PluginError> {
    if bytes.len() as u64 > limit {
        return Err(PluginError::Limit { plugin: plugin.to_owned(), limit: Limit::Component(limit) });
    }
    let what = match bytes {
        [] => "an empty file",
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => return Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => "a core WebAssembly module, not a component",
        [b'\0', b'a', b's', b'm', ..] => "WebAssembly of a format that this Orkee does not know",
        [0x7f, b'E', b'L', b'F', ..] => "compiled code, and only components are taken",
        [0, ..] if bytes.iter().all(|b| *b == 0) => "nothing but zeros",
        _ => "no WebAssembly",
    };
    Err(PluginError::NotAComponent { plugin: plugin.to_owned(), what })
}

/// Refuses a component that wants or offers something else than the contract.
pub(super) fn check_contract(
    plugin: &str,
    engine: &Engine,
    component: &Component,
) -> Result<(), PluginError> {
    let kind = component.component_type();
    let imports: Vec<String> = kind.imports(engine).map(|(name, _)| name.to_string()).collect();
    let exports: Vec<String> = kind.exports(engine).map(|(name, _)| name.to_string()).collect();
    for name in imports.iter().chain(&exports) {
        if let Some((_, version)) = name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@'))
            && VERSION[1..] != *version
        {
            let found = format!("orkee:sync@{version}");
            return Err(PluginError::Version { plugin: plugin.to_owned(), found, supported: CONTRACT });
        }
    }
    let refused: Vec<String> = imports.into_iter().filter(|name| !is_offered(name)).collect();
    if !refused.is_empty() {
        return Err(PluginError::Import { plugin: plugin.to_owned(), imports: refused.join("`, `") });
    }
    let wanted = format!("{PACKAGE}provider{VERSION}");
    if !exports.contains(&wanted) {
        return Err(PluginError::NotAProvider { plugin: plugin.to_owned(), wanted });
    }
    Ok(())
}

/// Whether a component exports this interface of the contract.
pub(super) fn exports(engine: &Engine, component: &Component, interface: &str) -> bool {
    let wanted = format!("{PACKAGE}{interface}{VERSION}");
    component.component_type().exports(engine).any(|(name, _)| name == wanted)
}

fn is_offered(import: &str) -> bool {
    if WASI.iter().any(|prefix| import.starts_with(prefix)) {
        return true;
    }
    let interface = import.strip_prefix(PACKAGE).and_then(|rest| rest.strip_suffix(VERSION));
    interface.is_some_and(|name| INTERFACES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p05_what_is_no_component_is_refused_in_its_own_words() {
        let zeros = vec![0; 1 << 20];
        for (bytes, words) in [
            (&b""[..], "an empty file"),
            (b"\0asm\x01\0\0\0rest", "a core WebAssembly module"),
            (b"\0asm\xff\0\0\0", "a format that this Orkee does not know"),
            (b"\x7fELF....", "compiled code"),
            (&zeros, "nothing but zeros"),
            (b"#!/bin/sh", "no WebAssembly"),
        ] {
            let error = check_bytes("p", bytes, 32 << 20).unwrap_err();
            assert!(
                matches!(error, PluginError::NotAComponent { .. }) && error.to_string().contains(words),
                "{error}"
            );
        }
    }

    #[test]
    fn p26_a_component_beyond_the_limit_is_refused_before_it_is_read() {
        let error = check_bytes("p", &[0; 11], 10).unwrap_err();
        assert_eq!(error.limit(), Some(Limit::Component(10)));
    }
}
