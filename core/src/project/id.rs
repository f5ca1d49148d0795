//! The name of a project in every store and on every backend.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::id;

const LENGTH: usize = 8;

/// Eight characters of 0-9A-Za-z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId([u8; LENGTH]);

/// A text is no project id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a project id")]
pub struct NotAnId(
    /// The text, cut to a length that can be shown.
    pub String,
);

impl Diagnostic for NotAnId {
    fn code(&self) -> &'static str {
        "E-PROJECT-002"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("an id is 8 characters of 0-9A-Za-z; run `orkee projects list`".to_owned())
    }
}

impl ProjectId {
    /// A new one, from the system's random source.
    pub fn random() -> Self {
        Self::from_random(&id::random(LENGTH))
    }

    /// A new one, from `source`.
    pub fn from_source(source: &dyn id::Ids) -> Self {
        Self::from_random(&source.random(LENGTH))
    }

    /// The id of a project that an older version or another program named otherwise, by a UUID for example. The same name gives the
    /// same id everywhere, so that two devices which import one source do not make two projects of one. A name that is an id stays.
    pub fn from_older(name: &str) -> Self {
        if let Ok(id) = name.parse() {
            return id;
        }
        let mut digest = Sha256::digest(format!("orkee:project-id\n{name}").as_bytes());
        let mut text = String::with_capacity(LENGTH);
        while text.len() < LENGTH {
            text.extend(id::characters(&digest).take(LENGTH - text.len()));
            digest = Sha256::digest(digest);
        }
        Self::from_random(&text)
    }

    fn from_random(text: &str) -> Self {
        let mut bytes = [b'0'; LENGTH];
        bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Self(bytes)
    }

    /// The eight characters.
    pub fn as_str(&self) -> &str {
        // Always ASCII: each constructor sees to it.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for ProjectId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        match <[u8; LENGTH]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_alphanumeric) => Ok(Self(bytes)),
            _ => Err(NotAnId(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ProjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_letters_and_digits_are_an_id_and_nothing_else_is() {
        assert_eq!("0aZ9bY8c".parse::<ProjectId>().unwrap().as_str(), "0aZ9bY8c");
        for bad in ["", "short", "ninechars", "with-das", "ünïcö", "tab\tchar", "../../a1"] {
            assert!(bad.parse::<ProjectId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_older_name_always_gives_the_same_id_and_an_id_stays_as_it_is() {
        let uuid = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
        // Fixed for ever: another device may have imported the same project last year.
        assert_eq!(ProjectId::from_older(uuid).as_str(), "d4oXBmgi");
        assert_ne!(ProjectId::from_older(uuid), ProjectId::from_older(&uuid.to_uppercase()));
        assert_eq!(ProjectId::from_older("0aZ9bY8c").as_str(), "0aZ9bY8c");
    }

    #[test]
    fn a_random_id_can_be_read_back() {
        let id = ProjectId::random();
        assert_eq!(id.as_str().parse(), Ok(id));
    }
}
