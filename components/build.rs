//! Builds the components for wasm32-wasip2 and packs their manifests into them, for the crate to embed with their digests. All are
//! built by one cargo, so that what they share is compiled once.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

#[allow(dead_code, reason = "a build only packs")]
#[path = "../core/src/plugin/package/section.rs"]
mod section;

const TARGET: &str = "wasm32-wasip2";

/// What is built: the name, which is that of the folder, and the package.
type Component = (&'static str, &'static str);

const DISPATCHERS: [Component; 3] = [
    ("discord", "orkee-dispatcher-discord"),
    ("slack", "orkee-dispatcher-slack"),
    ("webhook", "orkee-dispatcher-webhook"),
];
const PROVIDERS: [Component; 4] = [
    ("enterprise", "orkee-provider-enterprise"),
    ("orkee-cloud", "orkee-provider-cloud"),
    ("s3", "orkee-provider-s3"),
    ("webdav", "orkee-provider-webdav"),
];
/// What those are made of.
const SHARED_BY_DISPATCHERS: [&str; 6] = [
    "Cargo.lock",
    "Cargo.toml",
    "providers/messages",
    "providers/sdk",
    "wit",
    "core/src/plugin/package/section.rs",
];
const SHARED_BY_PROVIDERS: [&str; 3] = ["providers/objects", "providers/orkee-api", "wire"];

fn main() -> Result<(), Box<dyn Error>> {
    let with_providers = cfg!(feature = "providers");
    let (mut wanted, mut shared) = (DISPATCHERS.to_vec(), SHARED_BY_DISPATCHERS.to_vec());
    if with_providers {
        wanted.extend(PROVIDERS);
        shared.extend(SHARED_BY_PROVIDERS);
    }
    embed(&wanted, &shared)
}

fn embed(wanted: &[Component], shared: &[&str]) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("..");
    let own: Vec<_> = wanted.iter().map(|(name, _)| format!("providers/{name}")).collect();
    for source in shared.iter().copied().chain(own.iter().map(String::as_str)) {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let built = build(wanted, &root, &out.join("guest"))?;
    for (name, package) in wanted {
        let component = std::fs::read(built.join(format!("{}.wasm", package.replace('-', "_"))))?;
        let manifest = std::fs::read_to_string(root.join("providers").join(name).join("provider.toml"))?;
        let packed = section::append(&component, "orkee:manifest", manifest.as_bytes());
        std::fs::write(out.join(format!("{name}.wasm")), &packed)?;
        std::fs::write(out.join(format!("{name}.blake3")), blake3::hash(&packed).as_bytes())?;
    }
    Ok(())
}

/// Builds in a target folder of its own: the outer cargo holds the lock of the usual one.
fn build(wanted: &[Component], root: &Path, target_folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root)
        .args(["build", "--locked", "--target", TARGET, "--profile", "guest"])
        .args(wanted.iter().flat_map(|(_, package)| ["--package", package]))
        .arg("--target-dir")
        .arg(target_folder);
    // What the outer cargo set for this host's compiler is not meant for the guest's.
    for (name, _) in std::env::vars_os() {
        let leaks = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PROFILE_")
                || name.starts_with("CARGO_FEATURE_")
                || name.starts_with("CARGO_CFG_")
                || matches!(
                    name,
                    "RUSTFLAGS"
                        | "CARGO_ENCODED_RUSTFLAGS"
                        | "RUSTC_WRAPPER"
                        | "RUSTC_WORKSPACE_WRAPPER"
                        | "CARGO_BUILD_TARGET"
                        | "TARGET"
                )
        });
        if leaks {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("E0463") || said.contains("target may not be installed") {
            return Err(format!(
                "the target {TARGET} is not installed: run `rustup target add {TARGET}`\n\n{said}"
            )
            .into());
        }
        return Err(format!("the built-in components do not build:\n\n{said}").into());
    }
    Ok(target_folder.join(TARGET).join("guest"))
}
