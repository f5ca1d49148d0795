//! The components that these tests run, built from source on first use.

#[path = "../../../tests/src/guest_build.rs"]
mod guest_build;

use std::sync::OnceLock;

#[path = "../../../components/guests.rs"]
mod components;

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
    BYTES.get_or_init(|| guest_build::shipped("orkee-provider-cloud", ""))
}

/// The one for S3.
pub fn s3() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| guest_build::shipped("orkee-provider-s3", ""))
}

/// The one for WebDAV.
pub fn webdav() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| shipped("orkee-provider-webdav"))
}

fn shipped(package: &str) -> Vec<u8> {
    let test = std::env::current_exe().unwrap();
    // Tests are in `PROFILE/deps`.
    let profile = test.ancestors().nth(2).unwrap();
    let packages = [&components::DISPATCHERS[..], &components::PROVIDERS].concat();
    let built = components::Guests::build(cargo(), &root(), profile, &packages, &[]);
    built.unwrap_or_else(|error| panic!("{package} does not build:\n{error}")).read(package).unwrap()
}

fn fixture(name: &str) -> &'static [u8] {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| build("tests/guests/Cargo.toml", &["--release"]).join("release"));
    std::fs::read(folder.join(format!("{name}.wasm"))).unwrap().leak()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The same cargo, but without what it set for this crate.
fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    let kept = [
        "PATH",
        "HOME",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
        "HTTPS_PROXY",
        "SSL_CERT_FILE",
        "TMPDIR",
    ];
    cargo.env_clear().envs(kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    cargo
}

fn build(manifest: &str, options: &[&str]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--locked", "--target", "wasm32-wasip2", "--target-dir"]).arg(&target);
    cargo.arg("--manifest-path").arg(root().join(manifest)).args(options);
    let output = cargo.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the guests of the tests do not build:\n{said}");
    target.join("wasm32-wasip2")
}
