//! What an author of a provider does before anybody installs it: begin a project, build it, pack it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use orkee_tests::guests;
use orkee_tests::home::Ran;
use orkee_tests::wait;
use orkee_tests::workshop::Author;
use serde_json::Value;

/// The smallest component: a header and nothing else.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

/// A project whose build is this line of the shell. `empty.wasm` is a component.
fn project(author: &Author, line: &str) -> PathBuf {
    let folder = author.path("notes");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("empty.wasm"), EMPTY).unwrap();
    let line = serde_json::to_string(line).unwrap();
    let manifest = format!(
        "# Ours.\nname = \"notes\"\nversion = \"1.2.0\"\n\n[build]\ncommand = [\"sh\", \"-c\", {line}]\noutput = \"out/notes.wasm\"\n"
    );
    fs::write(folder.join("provider.toml"), manifest).unwrap();
    folder
}

const BUILD: &str = "mkdir -p out && cp empty.wasm out/notes.wasm";

fn pack(author: &Author, folder: &Path, more: &[&str]) -> Ran {
    author.run(&[&["pack", folder.to_str().unwrap()], more].concat())
}

#[test]
fn p46_a_build_is_announced_and_runs_without_variables_of_orkees() {
    let author = Author::new();
    let folder = project(&author, &format!("env > env.txt && {BUILD} && echo said-by-the-build"));
    let mut command = author.command(&["pack", "notes", "--json"]);
    command.env("ORKEE_CLOUD_TOKEN", "canary").env("ORKEE_ANYTHING", "canary").env("KEPT", "kept");
    let ran = orkee_tests::home::finish(command, &[]).success();
    let announced = ran.stderr.find("building, outside the sandbox: sh -c").unwrap();
    assert!(announced < ran.stderr.find("said-by-the-build\n").unwrap(), "{ran}");
    let environment = fs::read_to_string(folder.join("env.txt")).unwrap();
    assert!(environment.contains("KEPT=kept"), "{environment}");
    assert!(!environment.contains("ORKEE_") && !environment.contains("canary"), "{environment}");
    let packed = &ran.json();
    assert_eq!((packed["name"].as_str(), packed["version"].as_str()), (Some("notes"), Some("1.2.0")));
    let bytes = fs::read(folder.join("dist/notes.wasm")).unwrap();
    assert_eq!(packed["bytes"], bytes.len());
    assert!(bytes.starts_with(EMPTY));
    let text = String::from_utf8_lossy(&bytes[EMPTY.len()..]).into_owned();
    assert!(text.contains("orkee:manifest# Ours.\nname = \"notes\"") && !text.contains("[build]"), "{text}");
}

#[test]
fn p46_a_build_that_fails_or_writes_nothing_packs_nothing() {
    let author = Author::new();
    let folder = project(&author, "echo why >&2; exit 3");
    let ran = pack(&author, &folder, &[]).fails(1, "E-BUILD-006").says("why\n").says("exit status: 3");
    drop(ran);
    project(&author, "true");
    pack(&author, &folder, &[]).fails(1, "E-BUILD-003").says("out/notes.wasm");
    let manifest = fs::read_to_string(folder.join("provider.toml")).unwrap();
    fs::write(folder.join("provider.toml"), manifest.replace("\"sh\"", "\"no-such-program\"")).unwrap();
    pack(&author, &folder, &[]).fails(1, "E-BUILD-005").says("no-such-program");
    assert!(!folder.join("dist").exists());
}

#[test]
fn p42_a_manifest_that_cannot_be_packed_is_refused_before_anything_is_built() {
    let author = Author::new();
    let folder = project(&author, "touch built");
    let good = fs::read_to_string(folder.join("provider.toml")).unwrap();
    for (from, to, code) in [
        ("name = \"notes\"", "nmae = \"notes\"", "E-PLUGIN-030"),
        ("name = \"notes\"", "name = notes", "E-PLUGIN-030"),
        ("[build]", "[bulid]", "E-PLUGIN-030"),
        ("command", "comand", "E-BUILD-002"),
        ("output", "outptu", "E-BUILD-002"),
        ("[\"sh\"", "[7", "E-BUILD-002"),
    ] {
        fs::write(folder.join("provider.toml"), good.replace(from, to)).unwrap();
        pack(&author, &folder, &[]).exits(2).says(&format!("error[{code}]: "));
    }
    pack(&author, &author.path(""), &[]).fails(2, "E-BUILD-001");
    assert!(!folder.join("built").exists());
}

#[test]
fn p43_a_component_is_signed_with_the_authors_key() {
    let author = Author::new();
    let folder = project(&author, BUILD);
    let key = author.path("key.pem");
    // Made with `openssl genpkey -algorithm ed25519`.
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGtk+JQ9r3i1k3teijmq/eTV5fLlE1d9HxjFAgYe4UtM\n-----END PRIVATE KEY-----\n";
    fs::write(&key, pem).unwrap();
    let out = author.path("signed.wasm");
    let more = ["--key", key.to_str().unwrap(), "--out", out.to_str().unwrap(), "--json"];
    let packed = pack(&author, &folder, &more).success().json();
    assert!(packed["signer"].as_str().unwrap().starts_with("ed25519:"), "{packed}");
    assert_eq!(packed["file"], out.to_str().unwrap());
    assert!(String::from_utf8_lossy(&fs::read(&out).unwrap()).contains("orkee:signature"));
    assert_eq!(pack(&author, &folder, &["--json"]).success().json()["signer"], Value::Null);
    fs::write(&key, "no key").unwrap();
    pack(&author, &folder, &more[..4]).fails(2, "E-PLUGIN-033");
}

#[test]
fn p46_a_new_project_goes_into_an_empty_folder_alone_and_has_a_name_that_fits() {
    let author = Author::new();
    let new = |folder: &str, more: &[&str]| author.run(&[&["new", folder, "--lang", "js"], more].concat());
    let made = new("acme-notes", &["--json"]).success().json();
    assert_eq!(made["name"], "acme-notes");
    let files: Vec<&str> =
        made["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    for file in ["provider.toml", "wit/orkee-sync.wit", "README.md", "package-lock.json"] {
        assert!(files.contains(&file) && author.path("acme-notes").join(file).is_file(), "{file}");
    }
    new("acme-notes", &[]).fails(2, "E-CLI-001").says("not empty");
    new("Acme Notes", &[]).fails(2, "E-CLI-001").says("--name");
    assert!(!author.path("Acme Notes").exists());
    let ran = new("Acme Notes", &["--name", "notes"]).success();
    assert!(ran.stdout.contains("orkee cloud provider test 'Acme Notes'"), "{ran}");
    assert!(ran.stdout.contains("orkee cloud provider install 'Acme Notes/dist/notes.wasm'"), "{ran}");
    let manifest = fs::read_to_string(author.path("Acme Notes/provider.toml")).unwrap();
    assert!(manifest.contains("\nname = \"notes\"\n"), "{manifest}");
    fs::write(author.path("file"), "").unwrap();
    new("file", &[]).fails(1, "E-CLI-007");
    author.run(&["new", "x", "--lang", "cobol"]).exits(2).says("rust");
}

#[test]
fn p46_installing_an_authors_folder_builds_nothing() {
    let author = Author::new();
    let folder = project(&author, &format!("touch built && {BUILD}"));
    let install = || author.run(&["install", folder.to_str().unwrap(), "--yes"]);
    install().fails(2, "E-CLI-001").says("install builds nothing");
    assert!(!folder.join("built").exists());
    pack(&author, &folder, &[]).success();
    fs::remove_file(folder.join("built")).unwrap();
    // What is packed is no provider, so that it ends there; but it was not built anew.
    install().exits(2).says("error[E-PLUGIN-");
    assert!(!folder.join("built").exists());
}

#[test]
fn p46_dev_builds_and_checks_again_on_each_change_until_ctrl_c() {
    let author = Author::new();
    let folder = project(&author, "mkdir -p out && cp src.component out/notes.wasm");
    fs::write(folder.join("src.component"), EMPTY).unwrap();
    let said = author.path("said");
    let file = fs::File::create(&said).unwrap();
    let mut command = author.command(&["dev", "notes"]);
    let mut dev = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
    let wait_for = |text: &str, times: usize| {
        wait::until(text, || {
            let said = fs::read_to_string(&said).unwrap();
            (said.matches(text).count() == times).then_some(said)
        })
    };
    wait_for("error[E-PLUGIN-", 1);
    // A source that changes: what comes of it is a provider that stores nothing.
    fs::write(folder.join("src.component"), guests::plain()).unwrap();
    let told = wait_for("checks failed", 1);
    assert!(told.contains("src.component changed\n") && told.contains("\n  create: expected "), "{told}");
    fs::write(folder.join("src.component"), "nonsense").unwrap();
    let told = wait_for("error[E-", 2);
    assert_eq!(told.matches("building, outside the sandbox: ").count(), 1, "it is said once: {told}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&dev), rustix::process::Signal::INT)
        .unwrap();
    assert_eq!(dev.wait().unwrap().code(), Some(130));
}
