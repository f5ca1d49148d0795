//! Custom sections of a component, at its top level: found and appended without looking into any other.
//!
//! Plain `std`, and of no other module here: the build script that packs the built-in providers includes this file.

use std::ops::Range;

/// A component's first eight bytes.
const PREAMBLE: usize = 8;
/// The id of a custom section.
const CUSTOM: u8 = 0;

/// Where a custom section lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// Its first byte, the id's.
    pub(crate) start: usize,
    /// Its content, behind the name.
    pub(crate) content: Range<usize>,
}

/// The sections called `name`; None: the bytes are no sequence of sections.
pub(crate) fn find(component: &[u8], name: &str) -> Option<Vec<Section>> {
    let mut found = Vec::new();
    let mut at = PREAMBLE;
    while at < component.len() {
        let start = at;
        let id = component[at];
        at += 1;
        let length = number(component, &mut at)?;
        let end = at.checked_add(length).filter(|end| *end <= component.len())?;
        if id == CUSTOM {
            let mut content = at;
            let length = number(component, &mut content)?;
            let named = content.checked_add(length).filter(|named| *named <= end)?;
            if &component[content..named] == name.as_bytes() {
                found.push(Section { start, content: named..end });
            }
        }
        at = end;
    }
    Some(found)
}

/// `component` with one section more at its end.
pub(crate) fn append(component: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(name.len() + content.len() + 5);
    put_number(&mut body, name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(content);
    let mut longer = Vec::with_capacity(component.len() + body.len() + 6);
    longer.extend_from_slice(component);
    longer.push(CUSTOM);
    put_number(&mut longer, body.len());
    longer.extend_from_slice(&body);
    longer
}

/// An unsigned LEB128 number of at most 32 bits.
fn number(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok().map(|value| value as usize);
        }
    }
    None
}

fn put_number(bytes: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}
