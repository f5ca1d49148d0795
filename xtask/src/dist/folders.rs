//! Programs in which no folder of this machine stands: what they are built from has other names in them, the same everywhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{self, Error};
use crate::setup::root;

/// Folders of this machine that compilers would write into programs, and what stands there in their place. Of two that fit, the later counts.
pub(super) struct Folders(Vec<(PathBuf, String)>);

impl Folders {
    /// Those of a build of this workspace into `target`.
    pub(super) fn of(target: &Path) -> Result<Self, Error> {
        let rustc = |args: &[&str]| run::quietly(Command::new("rustc").args(args).current_dir(root()));
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
        let version = rustc(&["-vV"])?;
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
        let home = std::env::home_dir();
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo_home = cargo_home.or_else(|| Some(home.as_ref()?.join(".cargo")));
        let named = |folder: PathBuf, name: &str| (folder, name.to_owned());
        let mut folders: Vec<_> = home.map(|home| named(home, "/home")).into_iter().collect();
        folders.push(named(sysroot.clone(), "/rust"));
        // As the standard library calls itself where its sources are not installed.
        folders.extend(commit.map(|hash| (sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{hash}"))));
        folders.extend(cargo_home.map(|cargo| named(cargo, "/cargo")));
        folders.extend([named(root(), "/orkee"), named(target.to_owned(), "/target")]);
        Ok(Self(folders))
    }

    /// Has everything that this cargo compiles, in Rust and in C, name them otherwise.
    pub(super) fn hide(&self, cargo: &mut Command) {
        let mut rust: Vec<String> = match std::env::var("CARGO_ENCODED_RUSTFLAGS") {
            Ok(flags) => flags.split('\u{1f}').map(str::to_owned).collect(),
            Err(_) => words("RUSTFLAGS"),
        };
        rust.retain(|flag| !flag.is_empty());
        let mut c = words("CFLAGS");
        for (folder, shown) in &self.0 {
            rust.push(format!("--remap-path-prefix={}={shown}", folder.display()));
            c.push(format!("-ffile-prefix-map={}={shown}", folder.display()));
        }
        cargo.env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}")).env("CFLAGS", c.join(" "));
    }

    /// Fails if a file below `folder` names one of them.
    pub(super) fn are_not_in(&self, folder: &Path) -> Result<(), Error> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.are_not_in(&path)?;
                continue;
            }
            let content = fs::read(&path)?;
            for (hidden, _) in &self.0 {
                if let Some(found) = named(&content, hidden) {
                    return Err(format!("{} names a folder of this machine: {found}", path.display()).into());
                }
            }
        }
        Ok(())
    }
}

fn words(variable: &str) -> Vec<String> {
    let value = std::env::var(variable).unwrap_or_default();
    value.split_whitespace().map(str::to_owned).collect()
}

/// A path in `folder` that stands in `content`, as far as one can read it.
fn named(content: &[u8], folder: &Path) -> Option<String> {
    let start = [folder.as_os_str().as_encoded_bytes(), b"/"].concat();
    // What begins like a folder of the root may be in any text.
    if start.len() < 4 {
        return None;
    }
    let at = content.windows(start.len()).position(|window| window == start)?;
    let rest = content[at..].iter().take(120).take_while(|byte| byte.is_ascii_graphic());
    Some(rest.map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that says of itself in which folder it was compiled, in all the ways there are.
    fn program(folder: &Path) {
        let write = |file: &str, text: &str| {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            "[package]\nname = \"where\"\nedition = \"2024\"\n[dependencies]\nlibrary.path = \"library\"\n[workspace]\n",
        );
        write("library/Cargo.toml", "[package]\nname = \"library\"\nedition = \"2024\"\n");
        write("library/src/lib.rs", "pub fn file() -> &'static str { file!() }\n");
        let generated = "std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap()).join(\"made.rs\")";
        let text = "pub fn made() -> &'static str { file!() }";
        write("build.rs", &format!("fn main() {{ std::fs::write({generated}, {text:?}).unwrap(); }}\n"));
        write(
            "src/main.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n\
             fn main() { println!(\"{} {} {}\", file!(), made(), library::file()); }\n",
        );
    }

    fn build(folder: &Path, hide: Option<&Folders>) -> Vec<u8> {
        let mut cargo = crate::setup::cargo();
        cargo.args(["build", "--quiet", "--offline", "--manifest-path"]).arg(folder.join("Cargo.toml"));
        cargo.env("CARGO_TARGET_DIR", folder.join("target"));
        if let Some(folders) = hide {
            folders.hide(&mut cargo);
        }
        run::quietly(&mut cargo).unwrap();
        fs::read(folder.join("target/debug/where")).unwrap()
    }

    #[test]
    fn d82_the_folder_of_a_build_is_not_in_the_program_and_another_gives_the_same_bytes() {
        let home = tempfile::tempdir().unwrap();
        let built = ["one", "the/other/one"].map(|name| {
            let folder = home.path().join(name);
            program(&folder);
            let mut folders = Folders::of(&folder.join("target")).unwrap();
            folders.0.insert(0, (folder.clone(), "/orkee".to_owned()));
            let bytes = build(&folder, Some(&folders));
            let archive = home.path().join("archive");
            let _ = fs::remove_dir_all(&archive);
            fs::create_dir(&archive).unwrap();
            fs::write(archive.join("where"), &bytes).unwrap();
            folders.are_not_in(&archive).unwrap();
            bytes
        });
        assert!(built[0] == built[1], "the bytes differ");
    }

    #[test]
    fn d82_a_program_that_names_the_folder_of_its_build_is_not_packed() {
        let home = tempfile::tempdir().unwrap();
        program(home.path());
        let target = home.path().join("target");
        let bytes = build(home.path(), None);
        let archive = home.path().join("archive");
        fs::create_dir_all(archive.join("bin")).unwrap();
        fs::write(archive.join("bin/where"), bytes).unwrap();
        let hidden = Folders(vec![(target.clone(), "/target".to_owned())]);
        let refused = hidden.are_not_in(&archive).unwrap_err().to_string();
        assert!(refused.contains("bin/where names a folder of this machine: "), "{refused}");
        assert!(refused.contains(&target.display().to_string()), "{refused}");
    }
}
