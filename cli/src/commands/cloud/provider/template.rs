//! What a new provider begins with, as files: the template of its language, the contract, and for Rust the SDK.
//!
//! They are part of this program, so that an author needs nothing else of Orkee. They are projects as they stand in
//! `providers/templates/`; only their name is a placeholder.

/// What the templates are called.
const NAME: &str = "my-provider";
/// What they are called for people.
const TITLE: &str = "My Provider";

/// A path within the project, and the content.
type File = (&'static str, &'static str);

macro_rules! files {
    ($to:literal, $from:literal: $($path:literal),+ $(,)?) => {
        &[$((
            concat!($to, $path),
            include_str!(concat!("../../../../../", $from, "/", $path)),
        )),+]
    };
}

const RUST: &[File] = files!("", "providers/templates/rust":
    ".gitignore", "Cargo.toml", "README.md", "provider.toml", "src/backend.rs", "src/lib.rs",
);

const RUST_DISPATCHER: &[File] = files!("", "providers/templates/rust-dispatcher":
    ".gitignore", "Cargo.toml", "README.md", "provider.toml", "src/lib.rs",
);

const JS: &[File] = files!("", "providers/templates/js":
    ".gitignore", "README.md", "build.mjs", "package-lock.json", "package.json", "provider.toml",
    "src/backend.js", "src/provider.js", "test/backend.test.js", "wit/this-provider.wit",
);

const PYTHON: &[File] = files!("", "providers/templates/python":
    ".gitignore", "README.md", "build.py", "provider.toml", "requirements.txt",
    "src/app.py", "src/backend.py", "tests/test_backend.py", "wit/this-provider.wit",
);

const SDK: &[File] = files!("sdk/", "providers/sdk":
    "Cargo.toml", "README.md", "src/contract.rs", "src/date.rs", "src/dispatcher.rs", "src/encoding.rs", "src/export.rs", "src/failure.rs", "src/host.rs",
    "src/lib.rs", "src/memory.rs", "src/option.rs", "src/paging.rs", "src/rehearsal.rs", "src/request.rs",
    "src/response.rs", "wit/README.md", "wit/orkee-sync.wit",
);

const WIT: &[File] = files!("", "": "wit/README.md", "wit/orkee-sync.wit");

/// A language that there is a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Language {
    Rust,
    Js,
    Python,
}

impl Language {
    /// As people write it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Python => "Python",
        }
    }

    /// The files of a provider of this name.
    pub(super) fn project(self, name: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::Rust => files(RUST, SDK, name),
            Self::Js => files(JS, WIT, name),
            Self::Python => files(PYTHON, WIT, name),
        }
    }

    /// The files of a dispatcher of this name. None: there is no template for one in this language.
    pub(super) fn dispatcher(self, name: &str) -> Option<Vec<(&'static str, String)>> {
        (self == Self::Rust).then(|| files(RUST_DISPATCHER, SDK, name))
    }
}

/// A template's own files under its new name, and what comes with them.
fn files(own: &[File], with: &[File], name: &str) -> Vec<(&'static str, String)> {
    let title = title(name);
    let named = |text: &str| text.replace(NAME, name).replace(TITLE, &title);
    let own = own.iter().map(|(path, text)| (*path, named(text)));
    own.chain(with.iter().map(|(path, text)| (*path, (*text).to_owned()))).collect()
}

/// `acme-notes` as people write it: `Acme Notes`.
fn title(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use orkee_core::plugin::PluginName;

    use super::*;

    fn files_below(folder: &Path, from: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files_below(&path, from, found),
                false => drop(found.insert(path.strip_prefix(from).unwrap().to_str().unwrap().to_owned())),
            }
        }
    }

    #[test]
    fn every_file_of_the_templates_and_the_sdk_is_in_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../providers");
        for (folder, files, prefix) in [
            ("templates/rust", RUST, ""),
            ("templates/rust-dispatcher", RUST_DISPATCHER, ""),
            ("templates/js", JS, ""),
            ("templates/python", PYTHON, ""),
            ("sdk", SDK, "sdk/"),
        ] {
            let mut there = BTreeSet::new();
            files_below(&root.join(folder), &root.join(folder), &mut there);
            // Of the contract, the version that is in force.
            there.retain(|path| !path.contains("__pycache__") && !path.starts_with("wit/published"));
            let embedded: BTreeSet<String> =
                files.iter().map(|(path, _)| path.strip_prefix(prefix).unwrap().to_owned()).collect();
            assert_eq!(there, embedded, "{folder}");
        }
    }

    #[test]
    fn a_project_is_written_against_the_contract_that_it_comes_with() {
        let wit = include_str!("../../../../../wit/orkee-sync.wit");
        let in_force =
            wit.lines().find_map(|line| line.strip_prefix("package orkee:sync@")?.strip_suffix(';'));
        let mut named = 0;
        for (path, text) in [RUST, RUST_DISPATCHER, JS, PYTHON].concat() {
            for after in text.split("orkee:sync/").skip(1) {
                let Some((_, version)) = after.split_once('@') else { continue };
                let version = version.split(|c: char| !(c.is_ascii_digit() || c == '.')).next();
                assert_eq!(version, in_force, "{path}");
                named += 1;
            }
        }
        assert!(named > 0, "JavaScript imports by version");
    }

    #[test]
    fn a_project_has_its_own_name_everywhere() {
        let name: PluginName = "acme-notes2".parse().unwrap();
        let languages = [Language::Rust, Language::Js, Language::Python];
        let providers = languages.map(|language| language.project(name.as_str()));
        let dispatchers = languages.into_iter().filter_map(|language| language.dispatcher(name.as_str()));
        for files in providers.into_iter().chain(dispatchers) {
            assert!(files.iter().any(|(_, text)| text.contains("Acme Notes2")));
            for (path, text) in files {
                let kept = path.starts_with("sdk/") || path.starts_with("wit/");
                assert!(kept || !(text.contains(NAME) || text.contains(TITLE)), "{path}");
            }
        }
    }
}
