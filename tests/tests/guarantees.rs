//! Holds the pages of `docs/guarantees` against the tests: every id that a test names is listed once, and what a page calls
//! *held* or *part* has a test. Whether a test covers all that a line says is left to the reader.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: [&str; 8] = ["cli", "core", "kit", "providers", "server", "tests", "wire", "xtask"];

/// One line of a page.
struct Guarantee {
    page: String,
    id: String,
    status: String,
}

impl Guarantee {
    /// Whether one of `tests` shows it: by the id in its name, or by the name that the page gives.
    fn has_test(&self, tests: &[TestName]) -> bool {
        match self.status.split_once(" by `") {
            Some((_, name)) => tests.iter().any(|test| test.name == name.trim_end_matches('`')),
            None => tests.iter().any(|test| ids_of(&test.name).contains(&self.id)),
        }
    }

    fn claims_a_test(&self) -> bool {
        ["held", "part"].iter().any(|word| self.status.starts_with(word))
    }
}

/// A test's name and the file that it stands in.
struct TestName {
    name: String,
    file: PathBuf,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn guarantees() -> Vec<Guarantee> {
    let mut all = Vec::new();
    for file in files_below(&root().join("docs/guarantees"), "md") {
        let page = file.file_name().unwrap().to_string_lossy().into_owned();
        for line in fs::read_to_string(&file).unwrap().lines() {
            // A bar within a cell is written `\|`.
            let line = line.replace("\\|", "/");
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            if let [id, .., status] = cells.as_slice()
                && is_id(id)
            {
                all.push(Guarantee {
                    page: page.clone(),
                    id: (*id).to_owned(),
                    status: (*status).to_owned(),
                });
            }
        }
    }
    all
}

/// Every function below an attribute that makes it a test.
fn tests() -> Vec<TestName> {
    let mut all = Vec::new();
    for file in SOURCES.iter().flat_map(|folder| files_below(&root().join(folder), "rs")) {
        let text = fs::read_to_string(&file).unwrap();
        let mut in_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") {
                in_test |= line.starts_with("#[test]") || line.contains("::test");
            } else if let Some(name) = function_name(line) {
                if in_test {
                    all.push(TestName { name: name.to_owned(), file: file.clone() });
                }
                in_test = false;
            } else if !line.is_empty() && !line.starts_with("//") {
                in_test = false;
            }
        }
    }
    all
}

/// Files that end in `.EXTENSION`, without what a build made.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                found.extend(files_below(&path, extension));
            }
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// The ids at the start of a test's name: `a05_a06_…` names two.
fn ids_of(test: &str) -> Vec<String> {
    test.split('_').map(as_listed).take_while(|word| is_id(word)).collect()
}

/// `a04` as `A04`, `p15a` as `P15a`.
fn as_listed(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A letter, two digits, perhaps a small letter.
fn is_id(word: &str) -> bool {
    match word.as_bytes() {
        [letter, tens, ones, more @ ..] => {
            matches!(letter, b'A' | b'B' | b'C' | b'D' | b'K' | b'P' | b'S' | b'T' | b'W')
                && tens.is_ascii_digit()
                && ones.is_ascii_digit()
                && matches!(more, [] | [b'a'..=b'z'])
        }
        _ => false,
    }
}

#[test]
fn every_id_is_listed_once() {
    let mut seen = BTreeSet::new();
    let twice: Vec<String> = guarantees()
        .into_iter()
        .map(|guarantee| guarantee.id)
        .filter(|id| !seen.insert(id.clone()))
        .collect();
    assert!(seen.len() > 100, "the pages were not read: {seen:?}");
    assert_eq!(twice, Vec::<String>::new());
}

#[test]
fn every_line_ends_with_a_word_that_the_readme_explains() {
    let known = ["held", "part", "open", "not built"];
    for Guarantee { page, id, status } in guarantees() {
        let word = status.split(" by `").next().unwrap_or_default();
        assert!(known.contains(&word), "{page}: {id} is `{status}`");
    }
}

#[test]
fn every_id_that_a_test_names_is_listed() {
    let listed: BTreeSet<String> = guarantees().into_iter().map(|guarantee| guarantee.id).collect();
    let tests = tests();
    assert!(!tests.is_empty(), "no tests were found");
    for TestName { name, file } in tests {
        for id in ids_of(&name) {
            assert!(listed.contains(&id), "{}: `{name}` names {id}, which no page lists", file.display());
        }
    }
}

#[test]
fn what_is_called_held_has_a_test() {
    let tests = tests();
    for guarantee in guarantees().into_iter().filter(Guarantee::claims_a_test) {
        let Guarantee { page, id, status } = &guarantee;
        assert!(guarantee.has_test(&tests), "{page}: {id} is `{status}`, but there is no such test");
    }
}
