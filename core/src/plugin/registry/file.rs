//! `grants.toml`: read strictly, written whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use toml_edit::{Document, DocumentMut, Item, Table, value};

use super::candidate::MAX_SOURCE;
use super::error::RegistryError;
use super::{BUILT_IN, Installed, Release};
use crate::clock;
use crate::file;
use crate::plugin::manifest::error::ManifestError;
use crate::plugin::manifest::fields::{Fields, line_of};
use crate::plugin::manifest::{PluginName, read, write};
use crate::plugin::package::PublicKey;
use crate::plugin::text::clean;

type Plugins = BTreeMap<PluginName, Installed>;

/// Larger files hold something else.
const MAX_FILE: u64 = 4 << 20;
/// A file that others may write says nothing about what the user agreed to.
const OTHERS_WRITE: u32 = 0o022;
const HEAD: &str = "\
# The providers that are installed, and what each may do. `orkee cloud provider grants` shows it in words; `grant` and
# `revoke` change it. Edited by hand, it holds from the next command on; an entry that makes no sense grants nothing.

";

pub(super) fn read(path: &Path) -> Result<Plugins, RegistryError> {
    let refused = |what: String| {
        let error = ManifestError::new("", what);
        RegistryError::Grants { path: path.to_owned(), error }
    };
    let text = match text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Plugins::new()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Plugins::new()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(refused("it is no UTF-8 text".to_owned()));
        }
        Err(error) => return Err(RegistryError::io(path)(error)),
    };
    let about = fs::metadata(path).map_err(RegistryError::io(path))?;
    check_owner(about.uid(), rustix::process::geteuid().as_raw()).map_err(refused)?;
    let mode = about.permissions().mode();
    if mode & OTHERS_WRITE != 0 {
        let path = path.display();
        return Err(refused(format!(
            "other users can change it (mode {:03o}); run `chmod 600 {path}`",
            mode & 0o777
        )));
    }
    parse(&text).map_err(|error| RegistryError::Grants { path: path.to_owned(), error })
}

/// Whoever owns a file may write it, whatever its mode says.
fn check_owner(uid: u32, own: u32) -> Result<(), String> {
    match uid == own {
        true => Ok(()),
        false => Err(format!("it belongs to another user (uid {uid})")),
    }
}

fn text(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Err(io::Error::other("it is no plain file of at most 4 MiB"));
    }
    fs::read_to_string(path)
}

fn parse(text: &str) -> Result<Plugins, ManifestError> {
    let document = Document::parse(text).map_err(|error| ManifestError {
        line: error.span().map(|span| line_of(text, span.start)),
        ..ManifestError::new("", format!("it is not TOML: {}", clean(error.message(), 200)))
    })?;
    let mut top = Fields::new(text, document.as_table());
    let mut plugins = Plugins::new();
    if let Some(tables) = top.table("plugins")? {
        for (name, fields) in tables.tables()? {
            let plugin = installed(&name, fields)?;
            plugins.insert(plugin.name().clone(), plugin);
        }
    }
    top.finish()?;
    Ok(plugins)
}

fn installed(name: &str, mut fields: Fields<'_>) -> Result<Installed, ManifestError> {
    let name: PluginName = name.parse().map_err(|e: ManifestError| fields.wrong_as_a_whole(e.what))?;
    if BUILT_IN.contains(&name.as_str()) {
        return Err(fields
            .wrong_as_a_whole("the provider of this name is part of Orkee, and none can take its place"));
    }
    let key = fields
        .text("key")?
        .map(|text| text.parse::<PublicKey>().map_err(|e| fields.about("key", e.to_string())));
    let key = key.transpose()?;
    let current = fields.table("current")?.ok_or_else(|| fields.about("current", "it is missing"))?;
    let current = release(name.clone(), current)?;
    let previous = fields.table("previous")?.map(|inner| release(name, inner)).transpose()?;
    fields.finish()?;
    Ok(Installed { key, current, previous })
}

fn release(name: PluginName, mut fields: Fields<'_>) -> Result<Release, ManifestError> {
    let release = Release {
        sha256: parsed(&mut fields, "sha256", |text| text.parse())?,
        source: source(&mut fields)?,
        installed: parsed(&mut fields, "installed", |text| {
            text.parse().map_err(|_| "it has to be a time such as \"2026-01-31T09:30:00Z\"")
        })?,
        granted: read::body(&mut fields, name)?,
    };
    fields.finish()?;
    Ok(release)
}

/// Where it came from, exactly: a path may have what no other text here has.
fn source(fields: &mut Fields<'_>) -> Result<String, ManifestError> {
    let source = fields.exact("source")?.ok_or_else(|| fields.about("source", "it is missing"))?;
    match source.len() {
        1..=MAX_SOURCE => Ok(source.to_owned()),
        _ => Err(fields.about("source", "it has to be a path or URL of at most 4096 bytes")),
    }
}

fn parsed<T, E: ToString>(
    fields: &mut Fields<'_>,
    key: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ManifestError> {
    let text = fields.text(key)?.ok_or_else(|| fields.about(key, "it is missing"))?;
    parse(&text).map_err(|error| fields.about(key, error.to_string()))
}

pub(super) fn write(path: &Path, plugins: &Plugins) -> Result<(), RegistryError> {
    let mut all = Table::new();
    all.set_implicit(true);
    for (name, plugin) in plugins {
        all[name.as_str()] = Item::Table(table(plugin));
    }
    let mut document = DocumentMut::new();
    document["plugins"] = Item::Table(all);
    let text = format!("{HEAD}{document}");
    // What could not be read again is not written.
    parse(&text).map_err(|error| RegistryError::Grants { path: path.to_owned(), error })?;
    file::replace(path, text.as_bytes()).map_err(RegistryError::io(path))
}

fn table(plugin: &Installed) -> Table {
    let mut table = Table::new();
    match &plugin.key {
        Some(key) => table["key"] = value(key.to_string()),
        None => table.set_implicit(true),
    }
    let releases = [("current", Some(&plugin.current)), ("previous", plugin.previous.as_ref())];
    for (key, release) in releases.into_iter().filter_map(|(key, release)| Some((key, release?))) {
        let mut inner = Table::new();
        inner["sha256"] = value(release.sha256.to_string());
        inner["source"] = value(&release.source);
        inner["installed"] = value(clock::rfc3339(release.installed));
        write::body(&mut inner, &release.granted);
        table[key] = Item::Table(inner);
    }
    table
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
