//! Builds the components for wasm32-wasip2 and packs their manifests into them, for the crate to embed with their digests. All are
//! built by one cargo in one folder, so that what they share is compiled once, whichever features the crate has. Nothing of the folders of this
//! machine stands in a component: everywhere the same sources give the same bytes.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

use guests::Guests;

mod guests;

#[allow(dead_code, reason = "a build only packs")]
#[path = "../core/src/plugin/package/section.rs"]
mod section;

/// The name of each, which is that of its folder.
const DISPATCHERS: [&str; 3] = ["discord", "slack", "webhook"];
const PROVIDERS: [&str; 4] = ["enterprise", "orkee-cloud", "s3", "webdav"];
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
    let (mut names, mut packages) = (DISPATCHERS.to_vec(), guests::DISPATCHERS.to_vec());
    let mut shared = SHARED_BY_DISPATCHERS.to_vec();
    if cfg!(feature = "providers") {
        names.extend(PROVIDERS);
        packages.extend(guests::PROVIDERS);
        shared.extend(SHARED_BY_PROVIDERS);
    }
    embed(&names, &packages, &shared)
}

fn embed(names: &[&str], packages: &[&str], shared: &[&str]) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=guests.rs");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("..");
    let own: Vec<_> = names.iter().map(|name| format!("providers/{name}")).collect();
    for source in shared.iter().copied().chain(own.iter().map(String::as_str)) {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // The output is `PROFILE/build/PACKAGE-HASH/out`.
    let profile = out.ancestors().nth(3).unwrap_or(&out);
    let built = Guests::build(cargo(), &root, profile, packages, &[]).map_err(explained)?;
    for (name, package) in names.iter().zip(packages) {
        let component = built.read(package)?;
        let manifest = std::fs::read_to_string(root.join("providers").join(name).join("provider.toml"))?;
        let packed = section::append(&component, "orkee:manifest", manifest.as_bytes());
        std::fs::write(out.join(format!("{name}.wasm")), &packed)?;
        std::fs::write(out.join(format!("{name}.blake3")), blake3::hash(&packed).as_bytes())?;
    }
    Ok(())
}

/// Without what the outer cargo set for this host's compiler, which is not meant for the guest's.
fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
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
    cargo
}

fn explained(error: Box<dyn Error>) -> Box<dyn Error> {
    let (said, target) = (error.to_string(), guests::TARGET);
    match said.contains("E0463") || said.contains("target may not be installed") {
        true => format!("the target {target} is not installed: run `rustup target add {target}`\n\n{said}"),
        false => format!("the built-in components do not build:\n\n{said}"),
    }
    .into()
}
