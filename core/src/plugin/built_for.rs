//! Which version of the contract a component was built for, read off its file: for those who tell people what they have installed,
//! without compiling or running anything.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use semver::Version;

use super::version::{Named, PACKAGE, VERSION, supported};

/// A component's first eight bytes.
const PREAMBLE: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
/// The ids of the sections that name what is imported and exported.
const IMPORTS: u8 = 10;
const EXPORTS: u8 = 11;
/// No list of names is larger.
const MAX_NAMES: u64 = 1 << 20;
/// What a plugin exports at least one of.
const ROLES: [&str; 2] = ["provider", "dispatcher"];

/// A version of the contract that a component names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltFor {
    version: Version,
}

impl BuiltFor {
    /// The version of this host: that of what is part of the program.
    pub fn this_host() -> Self {
        Self { version: VERSION }
    }

    /// Whether this host runs it, as far as its version says.
    pub fn runs_here(&self) -> bool {
        super::version::are_of_one_track(&self.version, &VERSION)
    }

    /// Whether it came after what this host runs.
    pub fn is_newer(&self) -> bool {
        !self.runs_here() && self.version > VERSION
    }

    /// What this host runs, such as `orkee:sync 1.x`.
    pub fn supported() -> String {
        supported()
    }

    /// Reads a component. None: it names none, or is no component. It is not judged here beyond that.
    pub(super) fn read(component: impl Read + Seek) -> io::Result<Option<Self>> {
        let Some(names) = names(component)? else { return Ok(None) };
        let named = |names: &[String]| -> Vec<(String, Version)> {
            let read = names.iter().filter_map(|name| Named::read(name));
            read.map(|named| (named.interface.to_owned(), named.version)).collect()
        };
        let (imports, exports) = (named(&names.imports), named(&names.exports));
        let runs = |version: &Version| Self { version: version.clone() }.runs_here();
        let roles = || exports.iter().filter(|(interface, _)| ROLES.contains(&interface.as_str()));
        // What stands in the way first: an import of another track, or that no role is of this one.
        let foreign = imports.iter().find(|(_, version)| !runs(version));
        let own = roles().find(|(_, version)| runs(version));
        let found = foreign.or(own).or_else(|| roles().next()).or_else(|| imports.first());
        Ok(found.map(|(_, version)| Self { version: version.clone() }))
    }
}

impl fmt::Display for BuiltFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PACKAGE} {}", self.version)
    }
}

#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// What a component imports and exports at its top level. None: the bytes are none.
fn names(mut component: impl Read + Seek) -> io::Result<Option<Names>> {
    let end = component.seek(SeekFrom::End(0))?;
    component.seek(SeekFrom::Start(0))?;
    let mut preamble = [0; 8];
    if end < 8 || component.read_exact(&mut preamble).is_err() || preamble != PREAMBLE {
        return Ok(None);
    }
    let mut names = Names::default();
    let mut at = 8;
    while at < end {
        let mut head = [0; 6];
        let read = (end - at).min(6) as usize;
        component.seek(SeekFrom::Start(at))?;
        component.read_exact(&mut head[..read])?;
        let mut cursor = Cursor(&head[1..read]);
        let Some(length) = cursor.number().map(u64::from) else { return Ok(None) };
        let content = at + 1 + (read as u64 - 1 - cursor.0.len() as u64);
        at = content + length;
        if at > end {
            return Ok(None);
        }
        if (head[0] == IMPORTS || head[0] == EXPORTS) && length <= MAX_NAMES {
            let mut bytes = vec![0; length as usize];
            component.seek(SeekFrom::Start(content))?;
            component.read_exact(&mut bytes)?;
            let (list, is_export) = match head[0] {
                IMPORTS => (&mut names.imports, false),
                _ => (&mut names.exports, true),
            };
            // What cannot be read ends the list: those before it are there all the same.
            Cursor(&bytes).names(is_export, list);
        }
    }
    Ok(Some(names))
}

/// The rest of a section.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// An unsigned LEB128 number of at most 32 bits.
    fn number(&mut self) -> Option<u32> {
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    fn name(&mut self) -> Option<&'a str> {
        // Both forms of a name are followed by its length and its bytes.
        if self.byte()? > 1 {
            return None;
        }
        let length = self.number()? as usize;
        let (name, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(name).ok()
    }

    /// What is imported, or what an export is said to be: a kind, and which one of it.
    fn description(&mut self) -> Option<()> {
        match self.byte()? {
            // Core modules have a second byte, types a bound.
            0x00 => drop(self.byte().filter(|kind| *kind == 0x11).and_then(|_| self.number())?),
            0x03 => {
                if self.byte()? == 0 {
                    self.number()?;
                }
            }
            0x01 | 0x04 | 0x05 => drop(self.number()?),
            _ => return None,
        }
        Some(())
    }

    fn names(&mut self, are_exports: bool, found: &mut Vec<String>) -> Option<()> {
        for _ in 0..self.number()? {
            found.push(self.name()?.to_owned());
            if !are_exports {
                self.description()?;
                continue;
            }
            // What is exported, and perhaps what it is said to be.
            if self.byte()? == 0 {
                self.byte()?;
            }
            self.number()?;
            if self.byte()? == 1 {
                self.description()?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use super::*;

    fn read(bytes: &[u8]) -> Option<BuiltFor> {
        BuiltFor::read(Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn p61_every_published_component_says_its_version_and_damaged_ones_say_nothing_wrong() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/published");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let Some(version) = entry.file_name().and_then(|n| n.to_str()).filter(|_| entry.is_dir()) else {
                continue;
            };
            let bytes = std::fs::read(entry.join("every-part.wasm")).unwrap();
            let built_for = read(&bytes).unwrap();
            assert_eq!(built_for.to_string(), format!("orkee:sync {version}"));
            assert_eq!((built_for.runs_here(), built_for.is_newer()), (version.starts_with("1."), false));
            for length in [0, 7, 8, 9, 100, bytes.len() / 2, bytes.len() - 1] {
                assert!(read(&bytes[..length]).is_none_or(|cut| cut == built_for), "{version} {length}");
            }
            seen += 1;
        }
        assert!(seen >= 3, "{seen}");
    }

    #[test]
    fn what_is_no_component_names_no_version() {
        for bytes in [&b""[..], b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0", b"<html>", &[0; 100]] {
            assert_eq!(read(bytes), None);
        }
        // A section that claims to be longer than the file, and a list that claims more names than it has.
        assert_eq!(read(b"\0asm\x0d\0\x01\0\x0a\xff\xff\xff\xff\x0f"), None);
        assert_eq!(read(b"\0asm\x0d\0\x01\0\x0a\x01\x7f"), None);
    }
}
