//! Reading a multi-status (RFC 4918, section 13): what a folder holds.
//!
//! The text is a server's, and may be anything. Entities that it declares are not expanded, its nesting and number are bounded,
//! and of an address only the last part is used, as a name to compare with.

use orkee_provider_sdk::{Failure, http_date, percent_decoded};
use quick_xml::events::{BytesRef, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

const DAV: &str = "DAV:";
const MAX_DEPTH: usize = 32;

/// One member of a folder, or the folder itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The address's path, without a slash at its end.
    path: String,
    /// The last part of the path.
    pub(crate) name: String,
    pub(crate) is_folder: bool,
    /// In seconds since 1970.
    pub(crate) modified: Option<u64>,
}

/// The members of the folder that was asked about, which is told too and left out here.
pub(crate) fn members(body: &[u8]) -> Result<Vec<Entry>, Failure> {
    let mut entries = entries(body)?;
    // The folder is the one whose path is part of all others; some servers write its address in another form than they were asked.
    let own = entries.iter().map(|entry| entry.path.len()).min();
    let own = own.and_then(|len| entries.iter().position(|entry| entry.path.len() == len && entry.is_folder));
    match own {
        Some(own) => {
            entries.swap_remove(own);
            Ok(entries)
        }
        None => Err(odd("it does not tell of the folder itself")),
    }
}

/// All that is told of.
pub(crate) fn entries(body: &[u8]) -> Result<Vec<Entry>, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| odd("it is no UTF-8"))?;
    let mut reader = NsReader::from_str(text);
    let mut reading = Reading::default();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|error| odd(&error.to_string()))?;
        let is_dav = matches!(namespace, ResolveResult::Bound(Namespace(DAV)));
        match event {
            Event::Start(tag) => reading.open(is_dav.then(|| tag.local_name().into_inner()))?,
            Event::Empty(tag) => {
                reading.open(is_dav.then(|| tag.local_name().into_inner()))?;
                reading.close()?;
            }
            Event::End(_) => reading.close()?,
            Event::Text(text) => reading.text.push_str(&text.xml10_content()),
            Event::CData(text) => reading.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => reading.text.push(character(&reference)?),
            Event::Eof => return reading.finish(),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    /// The open elements, `/a/b`; those of other namespaces have no name here.
    open: String,
    depth: usize,
    text: String,
    entry: Entry,
    /// Of the property group that is being read: its properties, and whether they are there.
    folder: bool,
    modified: Option<u64>,
    found: bool,
    entries: Vec<Entry>,
    is_multistatus: bool,
}

impl Reading {
    fn open(&mut self, name: Option<&str>) -> Result<(), Failure> {
        if self.depth >= MAX_DEPTH {
            return Err(odd("it is nested too deep"));
        }
        self.depth += 1;
        self.open.push('/');
        self.open.push_str(name.unwrap_or_default());
        self.text.clear();
        match self.open.as_str() {
            "/multistatus" => self.is_multistatus = true,
            "/multistatus/response" => self.entry = Entry::default(),
            "/multistatus/response/propstat" => {
                (self.folder, self.modified, self.found) = (false, None, false)
            }
            "/multistatus/response/propstat/prop/resourcetype/collection" => self.folder = true,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Failure> {
        match self.open.as_str() {
            "/multistatus/response/href" => (self.entry.path, self.entry.name) = address(&self.text)?,
            "/multistatus/response/propstat/prop/getlastmodified" => self.modified = http_date(&self.text),
            "/multistatus/response/propstat/status" => {
                self.found = self.text.split_whitespace().nth(1) == Some("200");
            }
            "/multistatus/response/propstat" if self.found => {
                self.entry.is_folder |= self.folder;
                self.entry.modified = self.entry.modified.or(self.modified);
            }
            "/multistatus/response" => self.entries.push(std::mem::take(&mut self.entry)),
            _ => {}
        }
        self.text.clear();
        self.depth -= 1;
        self.open.truncate(self.open.rfind('/').unwrap_or_default());
        Ok(())
    }

    fn finish(self) -> Result<Vec<Entry>, Failure> {
        match self.is_multistatus && self.depth == 0 {
            true => Ok(self.entries),
            false => Err(odd("it is cut short, or something else")),
        }
    }
}

/// The path and last part of an address, which may have a host before its path.
fn address(text: &str) -> Result<(String, String), Failure> {
    let text = text.trim();
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => text,
    };
    let path = percent_decoded(path).ok_or_else(|| odd("it holds an address that cannot be read"))?;
    let path = path.trim_end_matches('/').to_owned();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok((path, name))
}

fn character(reference: &BytesRef<'_>) -> Result<char, Failure> {
    if reference.is_char_ref() {
        let character = reference.resolve_char_ref().map_err(|error| odd(&error.to_string()))?;
        return character.ok_or_else(|| odd("it holds a character that there is not"));
    }
    match reference.clone().into_inner().as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(odd("it uses an entity of its own")),
    }
}

fn odd(what: &str) -> Failure {
    Failure::Protocol(format!("the server's list of a folder cannot be read: {what}"))
}

#[cfg(test)]
mod tests;
