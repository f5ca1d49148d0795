//! Fields that hold JSON of their own: tags, the repository, MCP servers. None where a value is of no known form.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{drop_nulls, rename};
use crate::project::{GitRepository, RawObject, raw};

/// A list of texts; numbers among them were texts, too, once. One text is a list with commas.
pub(super) fn tags(value: &RawValue) -> Option<Box<RawValue>> {
    if let Ok(text) = serde_json::from_str::<String>(value.get()) {
        let tags: Vec<&str> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
        return raw(&tags);
    }
    let list: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let tag = |value: &&RawValue| match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(value.get()).ok(),
        b'0'..=b'9' | b'-' => Some(value.get().to_owned()),
        _ => None,
    };
    raw(&list.iter().map(tag).collect::<Option<Vec<String>>>()?)
}

/// Other names of a repository's fields.
const REPOSITORY: [(&str, &str); 12] = [
    ("owner_name", "owner"),
    ("ownerName", "owner"),
    ("repo_name", "repo"),
    ("repoName", "repo"),
    ("name", "repo"),
    ("remote_url", "url"),
    ("remoteUrl", "url"),
    ("clone_url", "url"),
    ("cloneUrl", "url"),
    ("current_branch", "branch"),
    ("currentBranch", "branch"),
    ("default_branch", "branch"),
];

/// An object, or the URL alone. Owner and repository are told from the URL where they are missing; a password in it is dropped.
pub(super) fn repository(value: &RawValue) -> Option<Box<RawValue>> {
    if let Ok(url) = serde_json::from_str::<String>(value.get()) {
        return raw(&GitRepository::from_remote(&url)?);
    }
    let mut object = RawObject::parse(value.get()).ok()?;
    for (from, to) in REPOSITORY {
        rename(&mut object, from, to);
    }
    drop_nulls(&mut object, &["owner", "repo", "url", "branch"]);
    if let Some(remote) = object.read::<String>("url").and_then(|url| GitRepository::from_remote(&url)) {
        for (field, value) in [("owner", &remote.owner), ("repo", &remote.repo)] {
            if object.get(field).is_none() {
                object.set(field, raw(value));
            }
        }
        object.set("url", raw(&remote.url));
    }
    raw(&object)
}

/// Names with whether each is on, out of a map or a list. What a server has beside that is left: commands and their environment, which
/// may hold keys, are no part of a project; `loses_settings` says so.
pub(super) fn servers(value: &RawValue, loses_settings: &mut bool) -> Option<Box<RawValue>> {
    let mut servers = BTreeMap::new();
    if let Ok(map) = RawObject::parse(value.get()) {
        for (name, value) in map.iter() {
            let (is_on, has_more) = server(value)?;
            *loses_settings |= has_more;
            servers.insert(name.to_owned(), is_on);
        }
        return raw(&servers);
    }
    for value in serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()? {
        let (name, is_on) = match RawObject::parse(value.get()) {
            Ok(object) => {
                let (is_on, has_more) = server(value)?;
                *loses_settings |= has_more;
                (object.read("name").or_else(|| object.read("id"))?, is_on)
            }
            Err(_) => (serde_json::from_str(value.get()).ok()?, true),
        };
        servers.insert(name, is_on);
    }
    raw(&servers)
}

/// Whether a server is on, and whether more is said of it. One with settings is on unless they say otherwise.
fn server(value: &RawValue) -> Option<(bool, bool)> {
    match value.get() {
        "true" | "1" => return Some((true, false)),
        "false" | "0" | "null" => return Some((false, false)),
        _ => {}
    }
    let object = RawObject::parse(value.get()).ok()?;
    let is_on = object.read("enabled").or_else(|| object.read::<bool>("disabled").map(|off| !off));
    let told = ["name", "id", "enabled", "disabled"];
    let has_more = object.iter().any(|(key, _)| !told.contains(&key));
    Some((is_on.unwrap_or(true), has_more))
}
