//! Where a component is taken from: a file, a folder in which its author built it, an https URL.

use std::fs;
use std::path::{Path, PathBuf};

use orkee_core::net::{Http, HttpOptions};
use orkee_core::plugin::{Candidate, download};

use crate::commands::cloud::progress::Working;
use crate::commands::cloud::surroundings;
use crate::context::Context;
use crate::failure::{CliError, Failure};

/// Where a folder has what was packed.
const DIST: &str = "dist";

/// Takes the component that `text` names. Nothing is built, and nothing of it runs.
pub(super) fn fetch(cx: &Context, text: &str) -> Result<Candidate, Failure> {
    // Joined to the current folder it would be that folder.
    if text.is_empty() {
        return Err(CliError::usage(
            "the source is empty",
            "name a file, an https URL, or a folder; `.` is the current one",
        )
        .into());
    }
    if text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return from_url(cx, text);
    }
    let source = cx.folder()?.join(text);
    let path = if source.is_dir() { packed_in(&source)? } else { source.clone() };
    Ok(Candidate::read(&path, &source)?)
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn from_url(cx: &Context, url: &str) -> Result<Candidate, Failure> {
    let http = Http::new(HttpOptions::from_env())?;
    let working = Working::begin(cx, "Fetching");
    let bytes = surroundings::run(async { Ok(download(&http, url).await?) })?;
    drop(working);
    let shown = url.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(url);
    Ok(Candidate::of(bytes, url, shown)?)
}

/// The one component that an author packed below a folder.
fn packed_in(folder: &Path) -> Result<PathBuf, CliError> {
    let dist = folder.join(DIST);
    let entries = match fs::read_dir(&dist) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(nothing(folder)),
        Err(source) => return Err(CliError::ReadFile { path: dist, source }),
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    found.sort();
    match found.as_slice() {
        [] => Err(nothing(folder)),
        [one] => Ok(one.clone()),
        [first, ..] => Err(CliError::usage(
            format!("{} has {} components, and one is installed at a time", dist.display(), found.len()),
            format!("name the one that you want, such as {}", first.display()),
        )),
    }
}

fn nothing(folder: &Path) -> CliError {
    CliError::usage(
        format!("{} has no packed component in its folder `{DIST}`", folder.display()),
        format!("install builds nothing; run `orkee cloud provider pack {}` first", folder.display()),
    )
}
