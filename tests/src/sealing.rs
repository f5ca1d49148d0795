//! Accounts that are end-to-end encrypted, and words in every field that a person can type into, to be looked for where they must not be.

use std::path::Path;
use std::process::Command;

use orkee_core::project::FIELDS;
use serde_json::{Value, json};

use crate::canary::Canaries;
use crate::home::finish;

/// In each of the words, so that one search finds them all.
pub const WORD: &str = "kanarie7f3";

/// `orkee ARGS`, of some device.
pub type Orkee<'a> = dyn Fn(&[&str]) -> Command + 'a;

/// Begins to seal the account; its recovery phrase.
#[track_caller]
pub fn seal(orkee: &Orkee<'_>) -> String {
    let made = finish(orkee(&["cloud", "key", "init", "--yes", "--json"]), &[]).success().json();
    made["phrase"].as_str().unwrap_or_else(|| panic!("no phrase: {made}")).to_owned()
}

/// Joins an account that is sealed.
#[track_caller]
pub fn join(orkee: &Orkee<'_>, phrase: &str) {
    finish(orkee(&["cloud", "key", "recover"]), phrase.as_bytes()).success();
}

/// A project with the word in every field that a person can type into, and in fields that this version does not know.
pub fn marked(id: &str, more: &str) -> Value {
    let word = |place: &str| format!("{WORD} {place} {more}");
    let project = json!({
        "id": id,
        "name": word("name"),
        "projectRoot": format!("/home/{WORD}/{more}"),
        "description": word("description"),
        "status": "building",
        "priority": "high",
        "rank": 3,
        "setupScript": word("setup"),
        "devScript": word("dev"),
        "cleanupScript": word("cleanup"),
        "taskSource": "manual",
        "tags": [format!("{WORD}-{more}")],
        "manualTasks": [{
            "id": 1, "title": word("task"), "status": "pending", "description": word("task text"),
            "subtasks": [{"id": 2, "title": word("subtask")}],
        }],
        "mcpServers": {format!("{WORD}-{more}"): true},
        "gitRepository": {
            "owner": format!("{WORD}owner"), "repo": format!("{WORD}repo"), "branch": format!("{WORD}branch"),
            "url": format!("https://github.com/{WORD}owner/{WORD}repo.git"),
        },
        "createdAt": "2026-01-02T03:04:05.000Z",
        "updatedAt": "2026-01-02T03:04:05.000Z",
        format!("{WORD}Field"): {"deep": [word("unknown")]},
    });
    for field in FIELDS {
        assert!(!project[field].is_null(), "{field} is a field of projects, and has no word in it");
    }
    project
}

/// An export of such projects.
pub fn export(projects: &[Value]) -> String {
    json!({"version": 1, "projects": projects}).to_string()
}

/// Fails if the word is in these bytes, or in something that is packed within them.
#[track_caller]
pub fn is_not_in(what: &str, bytes: &[u8]) {
    let words = Canaries(vec![WORD]);
    words.are_not_in(what, bytes);
    for packed in unpacked(bytes) {
        words.are_not_in(&format!("{what}, unpacked,"), &packed);
    }
}

/// Whether it is, as it stands or packed.
pub fn is_in(bytes: &[u8]) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(WORD.len()).any(|window| window == WORD.as_bytes());
    holds(bytes) || unpacked(bytes).iter().any(|packed| holds(packed))
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.is_file() {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    files
}

/// What begins like zstd within the bytes, unpacked as far as it goes.
fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let begins = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&MAGIC));
    begins.filter_map(|at| unpack(&bytes[at..])).collect()
}

fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let mut reader = zstd::stream::read::Decoder::new(bytes).ok()?.single_frame();
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    // What is cut short is read up to where it was cut.
    while let Ok(read @ 1..) = reader.read(&mut piece) {
        all.extend_from_slice(&piece[..read]);
        assert!(all.len() < 64 << 20, "more than any of these tests packs");
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_found_as_it_stands_and_packed_within_other_bytes() {
        let project = marked("aaaaaaaa", "x").to_string();
        let packed =
            [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &zstd::bulk::compress(project.as_bytes(), 3).unwrap()];
        assert!(is_in(project.as_bytes()) && is_in(&packed.concat()) && !is_in(b"something else"));
        // A block of zstd is read whole or not at all: what is cut short has several.
        let many = project.repeat((256 << 10) / project.len());
        let cut = zstd::bulk::compress(many.as_bytes(), 3).unwrap();
        assert!(is_in(&cut[..cut.len() - 4]), "cut short");
    }
}
