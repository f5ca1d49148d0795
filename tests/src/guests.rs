//! Components to install: the guests of `tests/guests`, built on first use, packed and signed as their authors would.

use std::sync::OnceLock;

use orkee_core::plugin::{PublisherKey, pack};

#[path = "../../components/guests.rs"]
mod components;

/// Variables that a build needs of this process.
const KEPT: [&str; 8] = [
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "HTTPS_PROXY",
    "SSL_CERT_FILE",
    "TMPDIR",
];

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

fn built(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(build);
    std::fs::read(folder.join(format!("{name}.wasm"))).unwrap()
}

fn build() -> PathBuf {
    let built = component("");
    assert!(built.is_dir());
    built
}

/// One of the providers that Orkee ships, with its manifest, as its author would hand it out.
pub fn shipped(name: &str, package: &str, features: &[&str]) -> Vec<u8> {
    let manifest = root().join("providers").join(name).join("provider.toml");
    pack(&bare(package, features), &std::fs::read_to_string(manifest).unwrap(), None).unwrap()
}

/// The same without a manifest.
pub fn bare(package: &str, features: &[&str]) -> Vec<u8> {
    let test = std::env::current_exe().unwrap();
    // Tests are in `PROFILE/deps`.
    let profile = test.ancestors().nth(2).unwrap();
    let packages = [&components::DISPATCHERS[..], &components::PROVIDERS].concat();
    let features: Vec<String> = features.iter().map(|feature| format!("{package}/{feature}")).collect();
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    let built = components::Guests::build(cargo(), &root(), profile, &packages, &features);
    built.unwrap_or_else(|error| panic!("{package} does not build:\n{error}")).read(package).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The same cargo, but without what it set for this crate.
fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.env_clear();
    // Where a test was started without cargo, rustup would go by files in the sources of others, and install what they name.
    cargo.envs(option_env!("RUSTUP_TOOLCHAIN").map(|toolchain| ("RUSTUP_TOOLCHAIN", toolchain)));
    cargo.envs(KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    cargo
}

/// Builds a guest of `tests/guests`, into the folder that the tests of `core` build into, too. Where the file then is.
pub fn component(file: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap().join("tmp").join("guests");
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--locked", "--release", "--target", "wasm32-wasip2", "--target-dir"]);
    cargo.arg(&target).arg("--manifest-path").arg(root().join("tests/guests/Cargo.toml"));
    let output = cargo.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the guests of the tests do not build:\n{said}");
    target.join("wasm32-wasip2/release").join(file)
}
