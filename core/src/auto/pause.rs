//! How the last sync failed, and until when automatic ones wait: known to all processes of a home folder.
//!
//! One file, replaced whole. What cannot be read of it counts as nothing: at worst somebody tries too early. Two that write at once
//! may lose one of two failures, never a success for long, since every sync writes. Only automatic failures make the wait longer: a
//! person who tries again and again shall not.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::diagnostic::Kind;
use crate::file;
use crate::home::Home;
use crate::sync::retry::LONGEST_ASKED;

/// After the first failure.
const FIRST: Duration = Duration::from_secs(5);
/// However often it failed; half of it more at most, to spread devices that failed together.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// What needs an answer is tried again after so long all the same: somebody may have given it elsewhere.
const UNANSWERED: Duration = Duration::from_secs(24 * 3600);
/// The code of a backend's refusal that may pass.
const FORBIDDEN: &str = "E-AUTH-002";
/// Nothing of use is larger.
const MAX_FILE: u64 = 64 * 1024;
/// Places that are remembered.
const PLACES: usize = 16;
/// Of a message, the part that is kept.
const MAX_TEXT: usize = 500;

/// How a sync failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The code of the error.
    pub code: String,
    /// What it said.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// When.
    #[serde(with = "moment")]
    pub at: Timestamp,
    /// Automatic syncs that failed since the last success.
    pub failures: u32,
    /// No automatic sync begins before.
    #[serde(with = "moment")]
    pub not_before: Timestamp,
    /// Somebody has to do something first.
    pub needs_answer: bool,
    /// What the answer would change, as it was then.
    #[serde(default)]
    seen: String,
}

/// How a sync ended that did not succeed.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The code of the error.
    pub code: String,
    /// Its kind.
    pub kind: Kind,
    /// What it said.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The server asked to be left alone for so long.
    pub asked: Option<Duration>,
    /// Nobody typed it.
    pub automatic: bool,
}

impl Ended {
    /// Whether it failed at all: a person who breaks it off, and another sync that is at it, say nothing about the next one.
    pub fn is_failure(&self) -> bool {
        self.kind != Kind::Interrupted && self.code != "E-SYNC-004"
    }

    /// Whether it would fail again until a person does something here. A refusal without more may be a proxy's, and what a person did
    /// not want in a sync of their own stops no other.
    fn needs_answer(&self) -> bool {
        let is_question = matches!(self.kind, Kind::Auth | Kind::Conflict | Kind::Usage);
        is_question && self.automatic && self.code != FORBIDDEN
    }
}

/// What is known of one place.
#[derive(Debug, Clone)]
pub struct Pause {
    path: PathBuf,
    /// Files that change when somebody has done what was needed.
    answers: Vec<PathBuf>,
    place: Place,
}

#[derive(Default, Serialize, Deserialize)]
struct Document {
    #[serde(default)]
    places: BTreeMap<String, Failed>,
}

impl Pause {
    /// Reads nothing yet.
    pub fn new(home: &Home, place: Place) -> Self {
        let answers = vec![
            home.auth(),
            home.config(),
            home.root().join(".env"),
            home.keys(),
            home.plugins().join("grants.toml"),
        ];
        Self { path: home.pause(), answers, place }
    }

    /// The failure since which nothing succeeded.
    pub fn failure(&self) -> Option<Failed> {
        self.read().places.remove(&self.place.key())
    }

    /// Until when automatic syncs wait; none: they need not.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let failed = self.failure().filter(|failed| failed.not_before > now)?;
        // A clock that was set back would make the wait longer than any wait is.
        let longest = SignedDuration::try_from(UNANSWERED).unwrap_or(SignedDuration::MAX);
        if failed.not_before.duration_since(now) > longest {
            return None;
        }
        (!failed.needs_answer || failed.seen == self.seen()).then_some(failed.not_before)
    }

    /// A sync failed. `random` is between 0 and 1. What the person broke off, and a lock that another sync held, is no failure.
    pub fn note(&self, ended: &Ended, now: Timestamp, random: f64) -> io::Result<()> {
        if !ended.is_failure() {
            return Ok(());
        }
        let mut document = self.read();
        let before = document.places.remove(&self.place.key());
        let failures = before.map_or(0, |failed| failed.failures).saturating_add(u32::from(ended.automatic));
        let failed = self.judge(ended, failures, now, random);
        while document.places.len() >= PLACES {
            document.places.pop_first();
        }
        document.places.insert(self.place.key(), failed);
        self.write(&document)
    }

    /// What a failure means that is the so-manyth, without noting it.
    pub fn judge(&self, ended: &Ended, failures: u32, now: Timestamp, random: f64) -> Failed {
        let needs_answer = ended.needs_answer();
        let wait = if needs_answer { UNANSWERED } else { pause(failures, ended.asked, random) };
        Failed {
            code: ended.code.clone(),
            message: fit(&ended.message),
            hint: ended.hint.as_deref().map(fit),
            at: now,
            failures,
            not_before: now + wait,
            needs_answer,
            seen: if needs_answer { self.seen() } else { String::new() },
        }
    }

    /// A sync succeeded, or somebody did what was needed: nothing waits any more.
    pub fn clear(&self) -> io::Result<()> {
        let mut document = self.read();
        match document.places.remove(&self.place.key()) {
            None => Ok(()),
            Some(_) => self.write(&document),
        }
    }

    fn read(&self) -> Document {
        let small = fs::metadata(&self.path).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_FILE);
        let text = small.then(|| fs::read(&self.path).ok()).flatten();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    fn write(&self, document: &Document) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            file::private_folder(folder)?;
        }
        file::replace(&self.path, &serde_json::to_vec(document)?)
    }

    /// How the files stand that an answer would change.
    fn seen(&self) -> String {
        let one = |path: &PathBuf| match fs::metadata(path) {
            Ok(meta) => format!("{}.{:09}-{}", meta.mtime(), meta.mtime_nsec(), meta.ino()),
            Err(_) => "-".to_owned(),
        };
        self.answers.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

/// How long automatic syncs wait after so many failures: doubled each time, up to half as much more, and never shorter than the
/// server asked for.
fn pause(failures: u32, asked: Option<Duration>, random: f64) -> Duration {
    let doubled = FIRST.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST);
    let spread = doubled.mul_f64(1.0 + random.clamp(0.0, 1.0) / 2.0);
    asked.map_or(spread, |asked| asked.min(LONGEST_ASKED).max(spread))
}

fn fit(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

/// Times, as they stand in the file.
mod moment {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::clock;

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&clock::rfc3339(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home")).unwrap();
        (folder, home)
    }

    fn place(tenant: &str) -> Place {
        Place { tenant: tenant.to_owned(), api: "https://api.example".to_owned(), has_token: false }
    }

    fn of(home: &Home) -> Pause {
        Pause::new(home, place(""))
    }

    fn ended(code: &str, kind: Kind) -> Ended {
        Ended {
            code: code.to_owned(),
            kind,
            message: "why".to_owned(),
            hint: None,
            asked: None,
            automatic: true,
        }
    }

    fn now() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    #[test]
    fn d13_the_wait_is_doubled_spread_bounded_and_never_shorter_than_the_server_asked() {
        assert_eq!(pause(1, None, 0.0), FIRST);
        assert_eq!(pause(1, None, 1.0), FIRST.mul_f64(1.5));
        assert_eq!(pause(4, None, 0.0), FIRST * 8);
        assert_eq!(pause(u32::MAX, None, 1.0), Duration::from_secs(15 * 60));
        assert_eq!(pause(1, Some(Duration::from_secs(70)), 0.0), Duration::from_secs(70));
        assert_eq!(pause(9, Some(Duration::from_secs(1)), 0.0), pause(9, None, 0.0));
        assert_eq!(pause(1, Some(Duration::MAX), 0.0), LONGEST_ASKED);
    }

    #[test]
    fn d13_a_failure_is_known_to_every_process_of_the_home_folder_until_a_success() {
        let (_folder, home) = home();
        assert_eq!(of(&home).until(now()), None);
        of(&home).note(&ended("E-NET-001", Kind::Network), now(), 0.0).unwrap();
        assert_eq!(of(&home).until(now()), Some(now() + FIRST));
        assert_eq!(of(&home).until(now() + FIRST), None);
        of(&home).note(&ended("E-NET-001", Kind::Network), now(), 0.0).unwrap();
        let failed = of(&home).failure().unwrap();
        assert_eq!((failed.failures, failed.not_before), (2, now() + 2 * FIRST));
        assert_eq!(fs::metadata(home.pause()).unwrap().mode() & 0o777, 0o600);
        assert_eq!(Pause::new(&home, place("acme")).failure(), None);
        // Who has no sign-in says nothing of who was given a token.
        assert_eq!(Pause::new(&home, Place { has_token: true, ..place("") }).failure(), None);
        of(&home).clear().unwrap();
        assert_eq!(of(&home).failure(), None);
    }

    #[test]
    fn d13_a_person_who_tries_again_and_again_makes_no_wait_longer() {
        let (_folder, home) = home();
        for _ in 0..9 {
            let typed = Ended { automatic: false, ..ended("E-NET-001", Kind::Network) };
            of(&home).note(&typed, now(), 0.0).unwrap();
        }
        assert_eq!(of(&home).until(now()), Some(now() + FIRST));
    }

    #[test]
    fn d14_what_needs_an_answer_waits_until_something_was_done_about_it() {
        let (_folder, home) = home();
        of(&home).note(&ended("E-AUTH-003", Kind::Auth), now(), 0.0).unwrap();
        let later = now() + Duration::from_secs(3600);
        assert!(of(&home).until(later).is_some());
        fs::write(home.auth(), "").unwrap();
        assert_eq!(of(&home).until(later), None);
    }

    #[test]
    fn what_is_no_failure_is_not_noted_and_what_is_no_file_of_ours_is_none() {
        let (_folder, home) = home();
        of(&home).note(&ended("E-CLI-010", Kind::Interrupted), now(), 0.0).unwrap();
        of(&home).note(&ended("E-SYNC-004", Kind::Timeout), now(), 0.0).unwrap();
        assert!(!home.pause().exists());
        file::private_folder(home.pause().parent().unwrap()).unwrap();
        let far = r#"{"places":{" https://api.example":{"code":"E","message":"","hint":null,"at":"2026-01-02T03:04:05Z","failures":4294967295,"not_before":"2999-01-01T00:00:00Z","needs_answer":false}}}"#;
        for text in ["", "[]", "{\"places\":7}", "\u{0}", far] {
            fs::write(home.pause(), text).unwrap();
            assert_eq!(of(&home).until(now()), None, "{text}");
            of(&home).note(&ended("E-NET-001", Kind::Network), now(), 0.0).unwrap();
            assert!(of(&home).until(now()).is_some(), "{text}");
        }
    }
}
