//! `orkee cloud provider pack`

use std::path::{Path, PathBuf};

use orkee_core::plugin::PublisherKey;
use serde::Serialize;

use super::building::{self, Saying};
use super::project::{self, Packed, Project};
use crate::commands::cloud::surroundings;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Build a provider, and put its manifest and a signature into the component
///
/// Runs the command that [build] of its provider.toml names, outside of any sandbox and without variables called ORKEE_*.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider pack acme-notes
  orkee cloud provider pack . --key ~/keys/acme.pem --out acme-notes-1.0.0.wasm

A key is made with: openssl genpkey -algorithm ed25519 -out FILE")]
pub(crate) struct Pack {
    /// The folder with the provider's provider.toml
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where the packed component goes. Default: dist/NAME.wasm in that folder
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Sign it with this Ed25519 key (PKCS #8, PEM)
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document<'a> {
    file: &'a Path,
    name: &'a str,
    version: &'a str,
    bytes: usize,
    sha256: String,
    signer: Option<String>,
}

impl Pack {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let project = Project::open(&self.folder)?;
        // Before the build: it may take minutes.
        let key = self.key.as_deref().map(project::key).transpose()?;
        let packed = surroundings::run(build_and_pack(cx, &project, self.out.as_deref(), key.as_ref()))?;
        let Packed { file, bytes, package } = &packed;
        let document = Document {
            file,
            name: package.manifest.name.as_str(),
            version: &package.manifest.version,
            bytes: bytes.len(),
            sha256: package.digest(),
            signer: package.signer.map(|key| key.to_string()),
        };
        if cx.out.is_json() {
            cx.out.document(&document)?;
            return Ok(Exit::DONE);
        }
        let Document { name, version, sha256, .. } = &document;
        let size = bytes.len().div_ceil(1000);
        cx.out.done(format_args!("{} has {name} {version}, {size} kB", file.display()))?;
        if cx.out.tells() {
            cx.out.line(format_args!("  sha256 {sha256}"))?;
            if let Some(signer) = &document.signer {
                cx.out.line(format_args!("  signed by {signer}"))?;
            }
        }
        Ok(Exit::DONE)
    }
}

/// Builds the project, telling what the build says, and packs what came of it.
pub(super) async fn build_and_pack(
    cx: &Context,
    project: &Project,
    to: Option<&Path>,
    key: Option<&PublisherKey>,
) -> Result<Packed, Failure> {
    building::announce(cx, project);
    building::build(cx, project, Saying::Aloud).await?;
    project.pack(to, key)
}
