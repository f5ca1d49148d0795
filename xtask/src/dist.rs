//! `cargo xtask dist`: archives to install from, and their checksums.
//!
//! Three for this machine's target: `orkee` with cloud, `orkee-local` without, `orkee-server`. The same programs give the same
//! bytes: nothing of the hour or the person gets into an archive. The same sources and tools give the same programs, in whatever folder they are built.

mod archive;
mod content;
mod folders;

use std::path::{Path, PathBuf};
use std::process::Command;

use archive::Archive;
use folders::Folders;

use crate::run::{self, Error};
use crate::setup::{self, cargo, root};

/// What is packed, and where.
struct Plan {
    /// Where the programs are; none: they are built.
    from: Option<PathBuf>,
    output: PathBuf,
    profile: String,
}

/// `cargo xtask dist [--from DIR] [--output DIR] [--profile PROFILE]`
pub fn run(args: &[&str]) -> Result<(), Error> {
    let plan = Plan::of(args)?;
    let (programs, hidden) = match &plan.from {
        Some(folder) => (folder.clone(), None),
        None => {
            let target = setup::target_folder()?;
            let hidden = Folders::of(&target)?;
            (build(&plan.profile, &target, &hidden)?, Some(hidden))
        }
    };
    std::fs::create_dir_all(&plan.output)?;
    let archive = Archive { target: target()?, made: made()?, output: plan.output.clone(), hidden };
    let mut packed = Vec::new();
    for (name, program, dress) in content::ARCHIVES {
        if plan.from.is_some() && !programs.join(program).is_file() {
            println!("no {program} in {}: {name} is not packed", programs.display());
            continue;
        }
        packed.push(archive.pack(name, |folder| dress(&programs, folder))?);
    }
    packed.sort();
    let sums = run::quietly(Command::new("sha256sum").args(&packed).current_dir(&plan.output))?;
    std::fs::write(plan.output.join("SHA256SUMS"), &sums)?;
    print!("{sums}");
    Ok(())
}

impl Plan {
    fn of(args: &[&str]) -> Result<Self, Error> {
        let mut plan = Self { from: None, output: root().join("target/dist"), profile: "release".to_owned() };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("{flag} wants a value"))?;
            match *flag {
                "--from" => plan.from = Some(std::path::absolute(value)?),
                "--output" => plan.output = std::path::absolute(value)?,
                "--profile" => (*value).clone_into(&mut plan.profile),
                _ => {
                    return Err(
                        format!("dist has no {flag}: --from DIR, --output DIR, --profile PROFILE").into()
                    );
                }
            }
        }
        Ok(plan)
    }
}

/// Builds the programs, each once, and gathers them in a folder.
fn build(profile: &str, target: &Path, hidden: &Folders) -> Result<PathBuf, Error> {
    setup::target()?;
    // Cargo's one profile whose folder has another name.
    let built = target.join(if profile == "dev" { "debug" } else { profile });
    let gathered = target.join("dist-programs");
    std::fs::create_dir_all(&gathered)?;
    let gather = |from: &Path, as_name: &str| std::fs::copy(from, gathered.join(as_name)).map(drop);
    let cargo_build = |profile: &str, args: &[&str]| {
        let mut cargo = cargo();
        cargo.args(["build", "--locked", "--profile", profile, "--target-dir"]).arg(target).args(args);
        hidden.hide(&mut cargo);
        run::loudly(&mut cargo)
    };
    cargo_build(profile, &["-p", "orkee-cli"])?;
    gather(&built.join("orkee"), "orkee-local")?;
    cargo_build(profile, &["-p", "orkee-cli", "--features", "cloud"])?;
    gather(&built.join("orkee"), "orkee")?;
    cargo_build(profile, &["-p", "orkee-server"])?;
    gather(&built.join("orkee-server"), "orkee-server")?;
    cargo_build("release", &["--manifest-path", "keyring/Cargo.toml"])?;
    gather(&target.join("release/orkee-keyring"), "orkee-keyring")?;
    Ok(gathered)
}

/// What the programs are built for.
fn target() -> Result<String, Error> {
    let said = run::quietly(Command::new("rustc").arg("-vV").current_dir(root()))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".into())
}

/// When everything in an archive was made: with the commit, unless `SOURCE_DATE_EPOCH` says otherwise.
fn made() -> Result<u64, Error> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => run::quietly(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()))?,
    };
    Ok(text.trim().parse().map_err(|_| format!("SOURCE_DATE_EPOCH is no number of seconds: {text:?}"))?)
}
