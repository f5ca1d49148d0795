//! With the feature `cloud`: builds the built-in providers for wasm32-wasip2 and packs their manifests into them, for the binary to
//! embed with their digests.

#[cfg(feature = "cloud")]
#[allow(dead_code, reason = "a build only packs")]
#[path = "../core/src/plugin/package/section.rs"]
mod section;

#[cfg(not(feature = "cloud"))]
fn main() {}

#[cfg(feature = "cloud")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    provider::embed()
}

#[cfg(feature = "cloud")]
mod provider {
    use std::error::Error;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    const TARGET: &str = "wasm32-wasip2";
    /// Their names, which are those of their folders, and their packages.
    const BUILT_IN: [(&str, &str); 4] = [
        ("enterprise", "orkee-provider-enterprise"),
        ("orkee-cloud", "orkee-provider-cloud"),
        ("s3", "orkee-provider-s3"),
        ("webdav", "orkee-provider-webdav"),
    ];

    pub(super) fn embed() -> Result<(), Box<dyn Error>> {
        println!("cargo::rerun-if-changed=build.rs");
        let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("..");
        let shared = [
            "Cargo.lock",
            "Cargo.toml",
            "providers/objects",
            "providers/orkee-api",
            "providers/sdk",
            "wire",
            "wit",
            "core/src/plugin/package/section.rs",
        ];
        let own = BUILT_IN.map(|(name, _)| format!("providers/{name}"));
        for source in shared.into_iter().chain(own.iter().map(String::as_str)) {
            println!("cargo::rerun-if-changed={}", root.join(source).display());
        }
        let out = PathBuf::from(std::env::var("OUT_DIR")?);
        let built = build(&root, &out.join("guest"))?;
        for (name, package) in BUILT_IN {
            let component = std::fs::read(built.join(format!("{}.wasm", package.replace('-', "_"))))?;
            let manifest = std::fs::read_to_string(root.join("providers").join(name).join("provider.toml"))?;
            let packed = crate::section::append(&component, "orkee:manifest", manifest.as_bytes());
            std::fs::write(out.join(format!("{name}.wasm")), &packed)?;
            std::fs::write(out.join(format!("{name}.blake3")), blake3::hash(&packed).as_bytes())?;
        }
        Ok(())
    }

    /// Builds in a target folder of its own: the outer cargo holds the lock of the usual one.
    fn build(root: &Path, target_folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(root)
            .args(["build", "--locked", "--target", TARGET, "--profile", "guest"])
            .args(BUILT_IN.iter().flat_map(|(_, package)| ["--package", package]))
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
            return Err(format!("the built-in providers do not build:\n\n{said}").into());
        }
        Ok(target_folder.join(TARGET).join("guest"))
    }
}
