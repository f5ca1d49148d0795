//! With the feature `cloud`: builds the `orkee-cloud` provider for wasm32-wasip2, for the binary to embed with its digest.

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

    pub(super) fn embed() -> Result<(), Box<dyn Error>> {
        println!("cargo::rerun-if-changed=build.rs");
        let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("..");
        for source in ["Cargo.lock", "Cargo.toml", "providers/orkee-cloud", "providers/sdk", "wire", "wit"] {
            println!("cargo::rerun-if-changed={}", root.join(source).display());
        }
        let out = PathBuf::from(std::env::var("OUT_DIR")?);
        let component = build(&root, &out.join("guest"))?;
        let component = std::fs::read(component)?;
        std::fs::write(out.join("orkee-cloud.wasm"), &component)?;
        std::fs::write(out.join("orkee-cloud.blake3"), blake3::hash(&component).as_bytes())?;
        Ok(())
    }

    /// Builds in a target folder of its own: the outer cargo holds the lock of the usual one.
    fn build(root: &Path, target_folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(root)
            .args([
                "build",
                "--locked",
                "--package",
                "orkee-provider-cloud",
                "--target",
                TARGET,
                "--profile",
                "guest",
            ])
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
            return Err(format!("the orkee-cloud provider does not build:\n\n{said}").into());
        }
        Ok(target_folder.join(TARGET).join("guest").join("orkee_provider_cloud.wasm"))
    }
}
