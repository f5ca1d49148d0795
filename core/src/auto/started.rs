//! What began the last sync that nobody typed, for whoever asks later: one small file, replaced whole, of which nothing depends.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::file;
use crate::home::Home;

/// Nothing of use is larger.
const MAX_FILE: u64 = 64 * 1024;
/// Places that are remembered.
const PLACES: usize = 16;

/// What began a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// When, as RFC 3339 has it.
    pub at: String,
    /// `command`: a command that came to its end; `watcher`: the watcher.
    pub by: String,
    /// `created`, `updated`, `deleted`: what the command did; `due`; or the watcher's word for it.
    pub because: String,
    /// The setting that had a command start it.
    pub setting: Option<String>,
    /// Where that was set.
    pub origin: Option<String>,
}

/// The last ones of a place.
#[derive(Debug, Clone)]
pub struct Starts {
    path: PathBuf,
    place: Place,
}

#[derive(Default, Serialize, Deserialize)]
struct Document {
    #[serde(default)]
    places: BTreeMap<String, Started>,
}

impl Starts {
    /// Reads nothing yet.
    pub fn new(home: &Home, place: Place) -> Self {
        Self { path: home.started(), place }
    }

    /// The last one; none: there was none, or what is there cannot be read.
    pub fn last(&self) -> Option<Started> {
        let started = self.read().places.remove(&self.place.key())?;
        started.at.parse::<Timestamp>().is_ok().then_some(started)
    }

    /// Notes one. A command that comes to its end does not wait for the disk on that account.
    pub fn note(&self, started: Started) -> io::Result<()> {
        let mut document = self.read();
        document.places.remove(&self.place.key());
        while document.places.len() >= PLACES {
            document.places.pop_first();
        }
        document.places.insert(self.place.key(), started);
        if let Some(folder) = self.path.parent() {
            file::private_folder(folder)?;
        }
        file::replace_soon(&self.path, &serde_json::to_vec(&document)?)
    }

    fn read(&self) -> Document {
        let small = fs::metadata(&self.path).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_FILE);
        let text = small.then(|| fs::read(&self.path).ok()).flatten();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn d12_the_last_start_of_each_place_is_known_and_what_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home")).unwrap();
        let of = |tenant: &str| {
            let api = "https://api.example".to_owned();
            Starts::new(&home, Place { tenant: tenant.to_owned(), api, has_token: false })
        };
        let started = |because: &str| Started {
            at: "2026-01-02T03:04:05.000Z".to_owned(),
            by: "command".to_owned(),
            because: because.to_owned(),
            setting: Some("cloud.auto_sync".to_owned()),
            origin: None,
        };
        assert_eq!(of("").last(), None);
        for place in 0..40 {
            of(&format!("t{place}")).note(started("due")).unwrap();
        }
        of("").note(started("created")).unwrap();
        of("").note(started("updated")).unwrap();
        assert_eq!(of("").last(), Some(started("updated")));
        assert_eq!(of("t39").last(), Some(started("due")));
        assert_eq!(fs::metadata(home.started()).unwrap().mode() & 0o777, 0o600);
        let wrong = r#"{"places":{" https://api.example":{"at":"\u001b[2J","by":"","because":"","setting":null,"origin":null}}}"#;
        for text in ["", "[]", "{\"places\":7}", "\u{0}", wrong] {
            fs::write(home.started(), text).unwrap();
            assert_eq!(of("").last(), None, "{text}");
        }
        of("").note(started("due")).unwrap();
        assert!(of("").last().is_some());
    }
}
