//! One archive: a folder, packed so that only its content decides about the bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::folders::Folders;
use crate::run::{self, Error};

/// What all archives have in common.
pub(super) struct Archive {
    /// Such as `x86_64-unknown-linux-gnu`.
    pub(super) target: String,
    /// Seconds since 1970.
    pub(super) made: u64,
    pub(super) output: PathBuf,
    /// What no program in an archive may name; none for those that others have built.
    pub(super) hidden: Option<Folders>,
}

impl Archive {
    /// Packs what `dress` puts into a folder; the file's name.
    pub(super) fn pack(
        &self,
        name: &str,
        dress: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<String, Error> {
        let name = format!("{name}-{}-{}", env!("CARGO_PKG_VERSION"), self.target);
        let staging = tempfile::tempdir()?;
        let folder = staging.path().join(&name);
        std::fs::create_dir(&folder)?;
        dress(&folder)?;
        if let Some(hidden) = &self.hidden {
            hidden.are_not_in(&folder.join("bin"))?;
        }
        let file = format!("{name}.tar.gz");
        let fresh = self.output.join(format!("{file}.new"));
        // GNU tar; without the name and the time in gzip's head.
        run::quietly(
            Command::new("tar")
                .args([
                    "--create",
                    "--format=ustar",
                    "--sort=name",
                    "--owner=0",
                    "--group=0",
                    "--numeric-owner",
                ])
                .args(["--mode=u=rwX,go=rX", "--use-compress-program=gzip --no-name"])
                .arg(format!("--mtime=@{}", self.made))
                .arg("--file")
                .arg(&fresh)
                .arg("--directory")
                .arg(staging.path())
                .arg(&name)
                .env_remove("GZIP"),
        )?;
        std::fs::rename(fresh, self.output.join(&file))?;
        Ok(file)
    }
}
