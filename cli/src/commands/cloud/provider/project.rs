//! An author's folder: `provider.toml`, how it is built, and the file that comes of it.

use std::fs;
use std::path::{Path, PathBuf};

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::file;
use orkee_core::net::Secret;
use orkee_core::plugin::{
    BUILT_IN, Limits, Manifest, ManifestError, Package, PluginName, PublisherKey, RegistryError, pack,
};
use thiserror::Error;
use toml_edit::{Document, DocumentMut, Item};

use crate::failure::{CliError, Failure};

const MANIFEST: &str = "provider.toml";
/// The part of it that is not packed.
const BUILD: &str = "build";

/// A folder with a provider's sources.
#[derive(Debug)]
pub(super) struct Project {
    folder: PathBuf,
    manifest: Manifest,
    /// What is packed.
    text: String,
    build: Build,
}

/// How it is built.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) program: String,
    pub(super) args: Vec<String>,
    /// Below the project's folder.
    output: PathBuf,
}

/// A component with its manifest, written down.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) file: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) package: Package,
}

/// A folder that no provider comes out of.
#[derive(Debug, Error)]
pub(super) enum ProjectError {
    #[error("there is no {MANIFEST} in {}", .0.display())]
    None(PathBuf),
    #[error("{MANIFEST} does not say how the provider is built: {0}")]
    Build(&'static str),
    #[error("the build did not write {}", .0.display())]
    NoOutput(PathBuf),
    #[error("the component {} is larger than any that is taken ({limit} bytes)", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
}

impl Diagnostic for ProjectError {
    fn code(&self) -> &'static str {
        match self {
            Self::None(_) => "E-BUILD-001",
            Self::Build(_) => "E-BUILD-002",
            Self::NoOutput(_) => "E-BUILD-003",
            Self::TooLarge { .. } => "E-BUILD-004",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::None(_) | Self::Build(_) => Kind::Usage,
            Self::NoOutput(_) | Self::TooLarge { .. } => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None(_) => "begin one with `orkee cloud provider new`, or name its folder".to_owned(),
            Self::Build(_) => {
                "under [build], `command = [\"PROGRAM\", \"ARGUMENT\"]` and `output = \"FILE.wasm\"`"
                    .to_owned()
            }
            Self::NoOutput(_) => {
                format!("`output` under [build] of {MANIFEST} says where the component is after the build")
            }
            Self::TooLarge { .. } => "leave out of it what it does not need".to_owned(),
        })
    }
}

impl Project {
    /// Reads `provider.toml`; runs nothing.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(ProjectError::None(folder.to_owned()).into());
            }
            read => read.map_err(|source| CliError::ReadFile { path, source })?,
        };
        let whole = text;
        let (text, build) = take_build(&whole)?;
        // Errors tell the line, which has to be the one of the author's file.
        let manifest = Manifest::parse(&without_lines_of_build(&whole).unwrap_or_else(|| text.clone()))?;
        check_name(&manifest.name)?;
        let build = build.ok_or(ProjectError::Build("[build] is missing"))?;
        Ok(Self { folder: folder.to_owned(), manifest, text, build: read_build(&build)? })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn build(&self) -> &Build {
        &self.build
    }

    /// Puts the manifest, and perhaps a signature, into what was built, and writes that to `to` or `dist/NAME.wasm`.
    pub(super) fn pack(&self, to: Option<&Path>, key: Option<&PublisherKey>) -> Result<Packed, Failure> {
        let component = self.built()?;
        let bytes = pack(&component, &self.text, key)?;
        let package = Package::read(&bytes)?;
        let file = match to {
            Some(file) => file.to_owned(),
            None => {
                let folder = self.folder.join("dist");
                let failed = |source| CliError::WriteFile { path: folder.clone(), source };
                file::private_folder(&folder).map_err(failed)?;
                folder.join(format!("{}.wasm", self.manifest.name))
            }
        };
        file::replace(&file, &bytes).map_err(|source| CliError::WriteFile { path: file.clone(), source })?;
        Ok(Packed { file, bytes, package })
    }

    fn built(&self) -> Result<Vec<u8>, Failure> {
        let path = self.folder.join(&self.build.output);
        let limit = Limits::default().component;
        match fs::metadata(&path) {
            Ok(about) if about.len() > limit => Err(ProjectError::TooLarge { path, limit }.into()),
            Ok(about) if about.is_file() => {
                fs::read(&path).map_err(|source| CliError::ReadFile { path, source }.into())
            }
            _ => Err(ProjectError::NoOutput(path).into()),
        }
    }
}

/// Refuses a name that could never be installed, before anything is built under it.
pub(super) fn check_name(name: &PluginName) -> Result<(), RegistryError> {
    match BUILT_IN.contains(&name.as_str()) {
        true => Err(RegistryError::NameTaken(name.to_string())),
        false => Ok(()),
    }
}

/// An author's key, from a file.
pub(super) fn key(path: &Path) -> Result<PublisherKey, Failure> {
    let pem = fs::read_to_string(path).map(Secret::new);
    let pem = pem.map_err(|source| CliError::ReadFile { path: path.to_owned(), source })?;
    Ok(PublisherKey::from_pem(pem.expose())?)
}

/// The manifest without `[build]`, and that.
fn take_build(text: &str) -> Result<(String, Option<Item>), ManifestError> {
    match text.parse::<DocumentMut>() {
        Ok(mut document) => {
            let build = document.remove(BUILD);
            Ok((document.to_string(), build))
        }
        // That it is no TOML is said where manifests are read.
        Err(_) => Ok((text.to_owned(), None)),
    }
}

/// The manifest with nothing where `[build]` stands, so that all else is on its line. None: it is not a piece by itself.
fn without_lines_of_build(text: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    let table = document.get(BUILD)?.as_table()?;
    let begin = table.span()?.start;
    let ends = table.iter().filter_map(|(_, item)| item.span()).map(|span| span.end);
    let end = ends.max()?.max(begin);
    let blank: String = text.get(begin..end)?.chars().filter(|c| *c == '\n').collect();
    let left = format!("{}{blank}{}", text.get(..begin)?, text.get(end..)?);
    let parsed = Document::parse(left.as_str()).ok()?;
    let others = document.iter().map(|(key, _)| key).filter(|key| *key != BUILD);
    parsed.iter().map(|(key, _)| key).eq(others).then_some(left)
}

fn read_build(item: &Item) -> Result<Build, ProjectError> {
    let wrong = ProjectError::Build;
    let table = item.as_table_like().ok_or(wrong("[build] is no table"))?;
    if table.iter().any(|(key, _)| !matches!(key, "command" | "output")) {
        return Err(wrong("[build] has `command` and `output`, and nothing else"));
    }
    let words = table.get("command").and_then(Item::as_array).ok_or(wrong("`command` is no list"))?;
    let words = words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let mut words = words.ok_or(wrong("`command` is no list of texts"))?.into_iter();
    let program = words.next().ok_or(wrong("`command` is empty"))?;
    let output = table.get("output").and_then(Item::as_str).ok_or(wrong("`output` is missing"))?;
    Ok(Build { program, args: words.collect(), output: PathBuf::from(output) })
}

impl Build {
    /// As one would type it.
    pub(super) fn shown(&self) -> String {
        super::typed(std::iter::once(&self.program).chain(&self.args).map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: &str = "[build]\n# how\ncommand = [\n  \"make\",\n]\noutput = \"x.wasm\"\n";

    #[test]
    fn a_manifest_keeps_its_lines_wherever_build_stands() {
        let before = "name = \"notes\"\nversion = \"1\"\n";
        let left = without_lines_of_build(&format!("{before}{BUILD}[login]\nkind = \"scroll\"\n")).unwrap();
        assert_eq!(left, format!("{before}\n\n\n\n\n\n[login]\nkind = \"scroll\"\n"));
        assert_eq!(Manifest::parse(&left).unwrap_err().line, Some(10));
        assert_eq!(without_lines_of_build(before), None);
    }

    #[test]
    fn a_table_between_the_parts_of_build_is_not_lost() {
        let text = "[build]\noutput = \"x\"\n[login]\nkind = \"token\"\n[build.command]\na = 1\n";
        let left = without_lines_of_build(text);
        assert!(left.is_none_or(|left| left.contains("[login]")));
    }

    #[test]
    fn a_build_is_shown_as_it_would_be_typed() {
        let build = Build {
            program: "my tool".to_owned(),
            args: ["--out", "a;b", "\u{1b}[2J"].map(str::to_owned).to_vec(),
            output: PathBuf::new(),
        };
        assert_eq!(build.shown(), r"'my tool' --out 'a;b' '\u{1b}[2J'");
    }
}
