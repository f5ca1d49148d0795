//! A component, before anything of it runs: what the bytes are, what they import, what they export.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::error::PluginError;
use super::version::{Named, PACKAGE, VERSION, supported};

/// Of a file, what is read to see what it is.
const HEAD: usize = 4 << 10;
/// What a plugin may import of WASI. Files, sockets and HTTP are not among them.
const WASI: [&str; 4] = ["wasi:io/", "wasi:cli/", "wasi:clocks/", "wasi:random/"];
/// The interfaces that this host offers, with their functions.
const OFFERED: [(&str, &[&str]); 7] = [
    ("types", &[]),
    ("http", &["send", "send-all"]),
    ("credentials", &["enumerate"]),
    ("state", &["get", "set", "delete"]),
    ("settings", &["get"]),
    ("signer", &["sign"]),
    ("log", &["write"]),
];
/// What a plugin exports at least one of.
const ROLES: [&str; 2] = ["provider", "dispatcher"];

/// Reads a component's file, no more of it than is needed to see that it is none, and never more than `limit` bytes.
pub(super) fn read(plugin: &str, path: &Path, limit: u64) -> Result<Vec<u8>, PluginError> {
    let failed = |source: io::Error| PluginError::File { path: path.to_owned(), source };
    // Before it is opened: a pipe would wait there for somebody who writes.
    let size = path.metadata().map_err(failed)?;
    if !size.is_file() {
        return Err(PluginError::NotAComponent { plugin: plugin.to_owned(), what: "no regular file" });
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD as u64).read_to_end(&mut bytes).map_err(failed)?;
    check_head(plugin, &bytes)?;
    let too_large = || PluginError::TooLarge { plugin: plugin.to_owned(), limit };
    if size.len() > limit {
        return Err(too_large());
    }
    // It may have grown since.
    file.take((limit + 1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

/// Refuses what cannot be a component, each in its own words.
pub(super) fn check_bytes(plugin: &str, bytes: &[u8], limit: u64) -> Result<(), PluginError> {
    check_head(plugin, &bytes[..bytes.len().min(HEAD)])?;
    match bytes.len() as u64 > limit {
        true => Err(PluginError::TooLarge { plugin: plugin.to_owned(), limit }),
        false => Ok(()),
    }
}

fn check_head(plugin: &str, head: &[u8]) -> Result<(), PluginError> {
    let what = match head {
        [] => "an empty file",
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => return Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => "a core WebAssembly module, not a component",
        [b'\0', b'a', b's', b'm', ..] => "WebAssembly of a format that this Orkee does not know",
        [0x7f, b'E', b'L', b'F', ..] => "compiled code, and only components are taken",
        [0, ..] if head.iter().all(|b| *b == 0) => "a file of zeros",
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
    let exports: Vec<String> = kind.exports(engine).map(|(name, _)| name.to_string()).collect();
    let delivers = exports_ours(&exports, "dispatcher");
    let mut refused = Vec::new();
    for (name, import) in kind.imports(engine) {
        let named = Named::read(name);
        if let Some(other) = named.as_ref().filter(|named| !named.is_ours()) {
            return Err(version(plugin, other));
        }
        match named.as_ref().and_then(|named| offered(named.interface, delivers)) {
            Some(functions) => refused.extend(unknown(name, &import.ty, functions, engine)),
            None if WASI.iter().any(|prefix| name.starts_with(prefix)) => {}
            None => refused.push(name.to_string()),
        }
    }
    if !refused.is_empty() {
        return Err(PluginError::Import { plugin: plugin.to_owned(), imports: refused.join("`, `") });
    }
    if ROLES.iter().any(|role| exports_ours(&exports, role)) {
        return Ok(());
    }
    let others = exports.iter().filter_map(|name| Named::read(name));
    Err(match others.into_iter().find(|named| ROLES.contains(&named.interface)) {
        Some(other) => version(plugin, &other),
        None => PluginError::NotAProvider {
            plugin: plugin.to_owned(),
            wanted: format!("{PACKAGE}/provider@{VERSION}"),
        },
    })
}

/// Whether a component exports this interface, in a version of the contract that this host runs.
pub(super) fn exports(engine: &Engine, component: &Component, interface: &str) -> bool {
    let names = component.component_type();
    names.exports(engine).any(|(name, _)| is_ours(name, interface))
}

fn exports_ours(exports: &[String], interface: &str) -> bool {
    exports.iter().any(|name| is_ours(name, interface))
}

fn is_ours(name: &str, interface: &str) -> bool {
    Named::read(name).is_some_and(|named| named.interface == interface && named.is_ours())
}

/// The functions of an interface that the host offers. Signatures are for those who deliver.
fn offered(interface: &str, delivers: bool) -> Option<&'static [&'static str]> {
    let (_, functions) = OFFERED.iter().find(|(name, _)| *name == interface)?;
    (interface != "signer" || delivers).then_some(functions)
}

/// What a component wants of an interface and this host's version of it does not have.
fn unknown(import: &str, kind: &ComponentItem, functions: &[&str], engine: &Engine) -> Vec<String> {
    let ComponentItem::ComponentInstance(instance) = kind else {
        return vec![import.to_owned()];
    };
    let wanted = instance.exports(engine).filter(|(name, item)| {
        matches!(item.ty, ComponentItem::ComponentFunc(_)) && !functions.contains(name)
    });
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    wanted.map(|(name, _)| format!("{interface}.{name}@{version}")).collect()
}

fn version(plugin: &str, found: &Named<'_>) -> PluginError {
    PluginError::Version {
        plugin: plugin.to_owned(),
        found: format!("{PACKAGE}@{}", found.version),
        supported: supported(),
        is_newer: found.version > VERSION,
    }
}

#[cfg(test)]
#[path = "component_tests.rs"]
mod tests;
