//! What is in each archive.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::run::{self, Error};
use crate::setup::root;

/// Puts into a folder what of these programs belongs there.
type Dress = fn(&Path, &Path) -> Result<(), Error>;

/// The archive's name, its program, and what else is in it.
pub(super) const ARCHIVES: [(&str, &str, Dress); 3] = [
    ("orkee", "orkee", with_cloud),
    ("orkee-local", "orkee-local", without_cloud),
    ("orkee-server", "orkee-server", server),
];

/// Shells, and where their words are looked for below a prefix.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "share/bash-completion/completions/orkee"),
    ("zsh", "share/zsh/site-functions/_orkee"),
    ("fish", "share/fish/vendor_completions.d/orkee.fish"),
    ("powershell", "share/powershell/orkee.ps1"),
    ("elvish", "share/elvish/lib/orkee.elv"),
];
/// The program that keeps sign-ins in a keyring.
const KEYRING: &str = "orkee-keyring";

fn with_cloud(programs: &Path, folder: &Path) -> Result<(), Error> {
    if programs.join(KEYRING).is_file() {
        program(&programs.join(KEYRING), folder, KEYRING)?;
    }
    client(&programs.join("orkee"), folder)
}

fn without_cloud(programs: &Path, folder: &Path) -> Result<(), Error> {
    client(&programs.join("orkee-local"), folder)
}

fn server(programs: &Path, folder: &Path) -> Result<(), Error> {
    program(&programs.join("orkee-server"), folder, "orkee-server")?;
    copy("server/README.md", &folder.join("README.md"))?;
    licences(folder)
}

/// `orkee`, and what it says about itself: words for shells, and manual pages.
fn client(built: &Path, folder: &Path) -> Result<(), Error> {
    program(built, folder, "orkee")?;
    // What it says must not depend on whose machine this is.
    let home = tempfile::tempdir()?;
    let orkee = || {
        let mut command = Command::new(folder.join("bin/orkee"));
        command.env_clear().env("HOME", home.path()).env("LANG", "C.UTF-8");
        command
    };
    for (shell, file) in SHELLS {
        let words = run::quietly(orkee().args(["completions", shell]))?;
        write(&folder.join(file), &words)?;
    }
    run::quietly(orkee().args(["man", "--output"]).arg(folder.join("share/man/man1")))?;
    copy("README.md", &folder.join("README.md"))?;
    copy("docs/guide.md", &folder.join("docs/guide.md"))?;
    write(&folder.join("INSTALL.md"), INSTALL)?;
    licences(folder)
}

/// A program without what only debuggers read.
fn program(built: &Path, folder: &Path, name: &str) -> Result<(), Error> {
    let file = folder.join("bin").join(name);
    fs::create_dir_all(folder.join("bin"))?;
    fs::copy(built, &file).map_err(|e| format!("{}: {e}", built.display()))?;
    run::quietly(Command::new("strip").arg(&file))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn licences(folder: &Path) -> Result<(), Error> {
    ["LICENSE-APACHE", "LICENSE-MIT"].iter().try_for_each(|name| copy(name, &folder.join(name)))
}

fn copy(from: &str, to: &Path) -> Result<(), Error> {
    write(to, &fs::read_to_string(root().join(from)).map_err(|e| format!("{from}: {e}"))?)
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, text)?)
}

const INSTALL: &str = "\
# Installing

The folders `bin` and `share` go below a prefix: `/usr/local` for everybody, or `~/.local` for you alone.

    sha256sum --check --ignore-missing SHA256SUMS     # in the folder of the archive
    cp -R bin share ~/.local/

`~/.local/bin` has to be in `PATH`. bash, zsh and fish find their words below the prefix, and `man orkee` its page. For PowerShell and elvish load
`share/powershell/orkee.ps1` and `share/elvish/lib/orkee.elv` from your profile.

Try it: `orkee --version`, then `orkee projects add`. `docs/guide.md` has every command. To take it away, remove the same files; your projects are
in `~/.orkee`.
";
