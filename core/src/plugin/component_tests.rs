use super::*;
use crate::plugin::limits::Limit;

/// The first bytes of every component.
const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn p05_what_is_no_component_is_refused_in_its_own_words() {
    let zeros = vec![0; 1 << 20];
    for (bytes, words) in [
        (&b""[..], "an empty file"),
        (b"\0asm\x01\0\0\0rest", "a core WebAssembly module"),
        (b"\0asm\xff\0\0\0", "a format that this Orkee does not know"),
        (b"\x7fELF....", "compiled code"),
        (&zeros, "a file of zeros"),
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
fn p05_code_that_was_compiled_before_is_refused_whoever_compiled_it() {
    let engine = crate::plugin::engine::new().unwrap();
    let compiled = Component::from_binary(&engine, HEADER).unwrap().serialize().unwrap();
    let error = check_bytes("p", &compiled, 32 << 20).unwrap_err();
    assert!(error.to_string().contains("compiled code, and only components are taken"), "{error}");
}

#[test]
fn p05_a_gibibyte_of_zeros_is_refused_after_its_first_bytes() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("zeros.wasm");
    // It has a length and no content: who reads it all waits for a second.
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let took = || {
        let begun = std::time::Instant::now();
        let error = read("p", &path, 32 << 20).unwrap_err();
        assert!(error.to_string().contains("a file of zeros"), "{error}");
        begun.elapsed()
    };
    // The best of a few: a busy machine may be late, who reads all of it always is.
    assert!((0..20).any(|_| took() < std::time::Duration::from_millis(100)));
}

#[test]
fn p05_what_is_no_file_is_refused_without_waiting_for_it() {
    let home = tempfile::tempdir().unwrap();
    let pipe = home.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for path in [&pipe, &home.path().to_owned()] {
        let error = read("p", path, 32 << 20).unwrap_err();
        assert!(error.to_string().contains("no regular file"), "{error}");
    }
    let error = read("p", &home.path().join("nothing.wasm"), 32 << 20).unwrap_err();
    assert!(
        matches!(&error, PluginError::File { .. }) && error.to_string().contains("nothing.wasm"),
        "{error}"
    );
}

#[test]
fn p26_a_component_beyond_the_limit_is_refused_before_it_is_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("large.wasm");
    std::fs::write(&path, HEADER).unwrap();
    assert_eq!(read("p", &path, 8).unwrap(), HEADER);
    assert_eq!(read("p", &path, 7).unwrap_err().limit(), Some(Limit::Component(7)));
    File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(read("p", &path, 32 << 20).unwrap_err().limit(), Some(Limit::Component(32 << 20)));
    let error = check_bytes("p", &[HEADER, b"more"].concat(), 10).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Component(10)));
}

/// What the host links and what it says that it offers are the same, and are those of `wit/`.
#[test]
fn what_is_offered_is_what_the_contract_has() {
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_path("../wit").unwrap();
    let name = &resolve.packages[package].name;
    assert_eq!(name.version.as_ref(), Some(&VERSION));
    let world = resolve.packages[package].worlds["every-part"];
    let mut imports: Vec<(String, Vec<String>)> = Vec::new();
    for item in resolve.worlds[world].imports.values() {
        let wit_parser::WorldItem::Interface { id, .. } = item else { panic!("{item:?}") };
        let interface = &resolve.interfaces[*id];
        imports.push((interface.name.clone().unwrap(), interface.functions.keys().cloned().collect()));
    }
    imports.sort();
    let mut offered: Vec<(String, Vec<String>)> = OFFERED
        .iter()
        .map(|(name, functions)| ((*name).to_owned(), functions.iter().map(|f| (*f).to_owned()).collect()))
        .collect();
    offered.sort();
    assert_eq!(offered, imports);
}
