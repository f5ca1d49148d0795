//! Reading JSON, one project at a time.
//!
//! Takes `{"version": 1, "projects": […]}`, and what earlier versions wrote: `{"version": "1.0.0", "projects": {id: …}}`, in which
//! `version` may come last.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::given::{Given, Sink};
use super::{TransferError, VERSION, older};
use crate::project::check::MAX_PAYLOAD;
use crate::project::{RawObject, raw};

/// Bytes of one project in a file. More than a payload may have, since a file may be indented and escaped.
const MAX_TEXT: u64 = 4 * MAX_PAYLOAD as u64;

/// A file of up to so many bytes is read as a whole, which is quicker than piece by piece.
const MAX_WHOLE: u64 = 32 << 20;

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// Hands each project of a JSON file to `sink`. `size` is the file's, where it is known.
pub(super) fn read(input: &mut dyn Read, size: u64, sink: &mut Sink<'_>) -> Result<(), TransferError> {
    let since_project = Cell::new(0);
    if size <= MAX_WHOLE {
        let mut whole = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        input.read_to_end(&mut whole).map_err(TransferError::reading)?;
        return parse(serde_json::Deserializer::from_slice(&whole), &since_project, sink);
    }
    let input = BufReader::with_capacity(CHUNK, Bounded { input, read: &since_project });
    parse(serde_json::Deserializer::from_reader(input), &since_project, sink)
}

fn parse<'de>(
    mut reader: serde_json::Deserializer<impl serde_json::de::Read<'de>>,
    since_project: &Cell<u64>,
    sink: &mut Sink<'_>,
) -> Result<(), TransferError> {
    let mut failure = None;
    let mut file = File { sink, failure: &mut failure, since_project, found: false };
    let result = reader.deserialize_map(&mut file).and_then(|()| reader.end());
    let found = file.found;
    match (failure, result) {
        (Some(failure), _) => Err(failure),
        (None, Err(_)) if since_project.get() > MAX_TEXT => {
            Err(TransferError::TooLarge { what: "a project in the file", limit: MAX_TEXT })
        }
        (None, Err(error)) if error.is_io() => Err(TransferError::reading(error.into())),
        (None, Err(error)) => Err(TransferError::json(&error, 0)),
        (None, Ok(())) if !found => Err(TransferError::NoProjects),
        (None, Ok(())) => Ok(()),
    }
}

/// Hands each line of an NDJSON file to `sink`.
pub(super) fn read_lines(input: &mut dyn Read, sink: &mut Sink<'_>) -> Result<(), TransferError> {
    let mut input = BufReader::with_capacity(CHUNK, input);
    let mut line = Vec::new();
    for n in 0.. {
        line.clear();
        let read =
            (&mut input).take(MAX_TEXT + 1).read_until(b'\n', &mut line).map_err(TransferError::reading)?;
        if read == 0 {
            break;
        }
        if read as u64 > MAX_TEXT {
            return Err(TransferError::TooLarge { what: "a line of the file", limit: MAX_TEXT });
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let object: RawObject =
            serde_json::from_slice(&line).map_err(|error| TransferError::json(&error, n))?;
        match object.get("version") {
            Some(version) if n == 0 && object.get("id").is_none() => check_version(version.get())?,
            _ => sink(object.into())?,
        }
    }
    Ok(())
}

/// Whether this version can read a file that calls itself `version`, a JSON value: 1, or "1.0.0" as earlier ones wrote.
pub(super) fn check_version(version: &str) -> Result<(), TransferError> {
    let text = version.trim_matches('"');
    let major = text.split('.').next().unwrap_or_default();
    if major.parse() == Ok(VERSION) {
        Ok(())
    } else {
        Err(TransferError::Version { found: text.chars().take(40).collect() })
    }
}

/// Counts what was read since the last project ended, and stops where that is too much: memory stays bounded.
struct Bounded<'a> {
    input: &'a mut dyn Read,
    read: &'a Cell<u64>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.get() > MAX_TEXT {
            return Err(io::Error::other("a project is too large"));
        }
        let read = self.input.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// The object that a file is.
struct File<'a, 's> {
    sink: &'a mut Sink<'s>,
    /// Why the sink stopped, which serde cannot carry.
    failure: &'a mut Option<TransferError>,
    since_project: &'a Cell<u64>,
    found: bool,
}

impl File<'_, '_> {
    fn take<E: serde::de::Error>(&mut self, given: Given) -> Result<(), E> {
        self.since_project.set(0);
        (self.sink)(given).map_err(|failure| self.fail(failure))
    }

    fn fail<E: serde::de::Error>(&mut self, failure: TransferError) -> E {
        *self.failure = Some(failure);
        E::custom("stopped")
    }
}

impl<'de> Visitor<'de> for &mut File<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `version` and `projects`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => {
                    let version = map.next_value::<Box<RawValue>>()?;
                    check_version(version.get()).map_err(|failure| self.fail(failure))?;
                }
                "projects" => {
                    self.found = true;
                    map.next_value_seed(Projects(self))?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The value of `projects`: a list, or an object by id.
struct Projects<'a, 'f, 's>(&'a mut File<'f, 's>);

impl<'de> DeserializeSeed<'de> for Projects<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Projects<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of projects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(object) = list.next_element::<RawObject>()? {
            self.0.take(object.into())?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key::<String>()? {
            let object = with_id(&id, map.next_value()?)
                .ok_or_else(|| A::Error::custom(format_args!("the project at {id:?} has another id")))?;
            let given = older::project(object)
                .map_err(|error| self.0.fail(TransferError::called(id, error.into())))?;
            self.0.take(given)?;
        }
        Ok(())
    }
}

/// A project of the older form, which may leave the id to its key. None where the two differ.
fn with_id(id: &str, mut object: RawObject) -> Option<RawObject> {
    match object.read::<String>("id") {
        Some(own) if own != id => return None,
        Some(_) => {}
        None => object.set("id", raw(id)),
    }
    Some(object)
}
