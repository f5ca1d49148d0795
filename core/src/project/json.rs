//! JSON that is carried, not understood: objects whose values stay text.
//!
//! What a newer version or another program wrote must survive an edit here, so values keep their numbers, escapes and
//! key order byte for byte. Only white space between tokens is dropped.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON object, its keys in the order of writing, each value as raw text without white space between tokens.
#[derive(Debug, Clone, Default)]
pub struct RawObject {
    entries: Vec<(Box<str>, Box<RawValue>)>,
}

impl RawObject {
    /// Reads an object. A key that occurs twice is an error.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.entries.iter().find(|(k, _)| **k == *key).map(|(_, value)| &**value)
    }

    /// The value of `key`, read as a `T`; none where it is missing or something else.
    pub fn read<'a, T: Deserialize<'a>>(&'a self, key: &str) -> Option<T> {
        self.get(key).and_then(|value| serde_json::from_str(value.get()).ok())
    }

    /// Gives `key` a value where it stands, else at the end; takes it out where `value` is none.
    pub fn set(&mut self, key: &str, value: Option<Box<RawValue>>) {
        let at = self.entries.iter().position(|(k, _)| **k == *key);
        match (at, value) {
            (Some(at), Some(value)) => self.entries[at].1 = compact(value),
            (Some(at), None) => drop(self.entries.remove(at)),
            (None, Some(value)) => self.entries.push((key.into(), compact(value))),
            (None, None) => {}
        }
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &RawValue)> {
        self.entries.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The object as compact JSON.
    pub fn to_json(&self) -> String {
        let size = self.entries.iter().map(|(key, value)| key.len() + value.get().len() + 4).sum::<usize>();
        let mut text = String::with_capacity(size + 2);
        text.push('{');
        for (n, (key, value)) in self.entries.iter().enumerate() {
            if n > 0 {
                text.push(',');
            }
            push_string(&mut text, key);
            text.push(':');
            text.push_str(value.get());
        }
        text.push('}');
        text
    }

    pub(super) fn entries_mut(&mut self) -> &mut Vec<(Box<str>, Box<RawValue>)> {
        &mut self.entries
    }
}

impl PartialEq for RawObject {
    fn eq(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len()
            && self.iter().zip(other.iter()).all(|((ak, av), (bk, bv))| ak == bk && av.get() == bv.get())
    }
}

impl Eq for RawObject {}

impl Serialize for RawObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = RawObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawObject, A::Error> {
                let mut entries = Vec::with_capacity(20);
                while let Some(key) = map.next_key::<Box<str>>()? {
                    entries.push((key, compact(map.next_value::<Box<RawValue>>()?)));
                }
                match duplicate(&entries) {
                    Some(key) => Err(A::Error::custom(format_args!("the key {key:?} occurs twice"))),
                    None => Ok(RawObject { entries }),
                }
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A key that occurs twice. Sorting keeps an object of a hundred thousand keys from costing its square.
fn duplicate(entries: &[(Box<str>, Box<RawValue>)]) -> Option<&str> {
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// `value` as raw JSON. None where it has no JSON form, which no type of this crate is.
pub(crate) fn raw(value: &(impl Serialize + ?Sized)) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

/// `text` as a JSON string, at the end of `out`.
fn push_string(out: &mut String, text: &str) {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else if let Ok(quoted) = serde_json::to_string(text) {
        out.push_str(&quoted);
    }
}

/// Drops white space between tokens; strings, numbers and order stay as they are.
fn compact(value: Box<RawValue>) -> Box<RawValue> {
    let text = value.get();
    if !text.starts_with(['[', '{']) || !is_loose(text) {
        return value;
    }
    let kept = Tokens::new(text)
        .filter(|(byte, inside)| *inside || !is_space(*byte))
        .map(|(byte, _)| byte)
        .collect();
    String::from_utf8(kept).ok().and_then(|text| RawValue::from_string(text).ok()).unwrap_or(value)
}

/// Whether there is white space between the tokens of `text`, valid JSON. Most of a text is in strings, which are passed over quickly.
fn is_loose(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.find(|byte| *byte == b'"' || is_space(*byte)) {
        if byte != b'"' {
            return true;
        }
        while bytes.find(|byte| matches!(byte, b'"' | b'\\')) == Some(b'\\') {
            // What was escaped.
            bytes.next();
        }
    }
    false
}

/// A value for people: on many lines where it has parts.
pub fn pretty(value: &RawValue) -> String {
    indent(compact(value.to_owned()).get(), 0)
}

/// The same JSON on many lines, two spaces a level. `text` is compact and valid.
pub(crate) fn indent(text: &str, level: usize) -> String {
    let mut out = Vec::with_capacity(text.len() * 5 / 4);
    let mut level = level;
    let mut tokens = Tokens::new(text).peekable();
    let newline = |out: &mut Vec<u8>, level: usize| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', level * 2));
    };
    while let Some((byte, inside)) = tokens.next() {
        match byte {
            _ if inside => out.push(byte),
            b'{' | b'[' => {
                out.push(byte);
                match tokens.next_if(|(next, _)| matches!(next, b'}' | b']')) {
                    Some((close, _)) => out.push(close),
                    None => {
                        level += 1;
                        newline(&mut out, level);
                    }
                }
            }
            b'}' | b']' => {
                level = level.saturating_sub(1);
                newline(&mut out, level);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                newline(&mut out, level);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Whether arrays and objects are nested deeper than `limit` in `text`, valid JSON.
pub(super) fn is_deeper(text: &str, limit: usize) -> bool {
    // Most values do not even have so many brackets.
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() <= limit {
        return false;
    }
    let (mut level, mut deepest) = (0usize, 0);
    for (byte, inside) in Tokens::new(text) {
        match byte {
            b'[' | b'{' if !inside => {
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' if !inside => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest > limit
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The bytes of valid JSON, each with whether it belongs to a string (its quotes included).
struct Tokens<'a> {
    bytes: std::slice::Iter<'a, u8>,
    inside: bool,
    escaped: bool,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes().iter(), inside: false, escaped: false }
    }
}

impl Iterator for Tokens<'_> {
    type Item = (u8, bool);

    fn next(&mut self) -> Option<(u8, bool)> {
        let byte = *self.bytes.next()?;
        let was_inside = self.inside;
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.inside => self.escaped = true,
            b'"' => self.inside = !self.inside,
            _ => {}
        }
        Some((byte, was_inside || self.inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_seen_between_tokens_and_not_within_strings() {
        for tight in [
            "{}",
            "[]",
            r#"["a b"]"#,
            r#"{"a b":"\\","c d":" \" "}"#,
            r#"["\" ,\" "]"#,
            r#"["\\\" , "]"#,
            r#"[" ",[1,true],{"ä ö":" "}]"#,
        ] {
            let loose = |text: &str| Tokens::new(text).any(|(byte, inside)| !inside && is_space(byte));
            assert!(!is_loose(tight) && !loose(tight), "{tight}");
            for at in (0..=tight.len()).filter(|at| tight.is_char_boundary(*at)) {
                let text = format!("{}\n{}", &tight[..at], &tight[at..]);
                assert_eq!(is_loose(&text), loose(&text), "{text}");
            }
        }
    }

    #[test]
    fn white_space_between_tokens_goes_and_everything_else_stays() {
        let text = "{ \"b\" : [ 1.50 , 1e400,\n\t\"a \\\" b\" ] , \"a\" : { } , \"big\":123456789012345678901234567890 }";
        let object = RawObject::parse(text).unwrap();
        assert_eq!(
            object.to_json(),
            "{\"b\":[1.50,1e400,\"a \\\" b\"],\"a\":{},\"big\":123456789012345678901234567890}"
        );
        assert_eq!(RawObject::parse(&object.to_json()).unwrap(), object);
    }

    #[test]
    fn indented_json_reads_back_as_the_same_object() {
        let object = RawObject::parse(r#"{"a":{"x":[1,{"y":"{[,:]}"}],"e":[],"o":{}},"b":"c"}"#).unwrap();
        let pretty = indent(&object.to_json(), 0);
        assert!(pretty.contains("\n    \"x\": [\n      1,\n"), "{pretty}");
        assert!(pretty.contains("\"e\": []"), "{pretty}");
        assert_eq!(RawObject::parse(&pretty).unwrap(), object);
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused() {
        assert!(RawObject::parse(r#"{"a":1,"\u0061":2}"#).unwrap_err().to_string().contains("twice"));
    }
}
