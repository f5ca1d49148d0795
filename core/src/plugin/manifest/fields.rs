//! Reading a TOML table key by key, so that what nobody asked for can be refused with what was probably meant.

use toml_edit::{Array, Item, TableLike, Value};

use super::error::ManifestError;
use crate::plugin::text::clean;
use crate::similar;

/// Of a text for people.
const MAX_TEXT: usize = 300;
/// Of a list.
const MAX_ENTRIES: usize = 64;

/// A table, and the keys that were asked for.
pub(in crate::plugin) struct Fields<'a> {
    text: &'a str,
    table: &'a dyn TableLike,
    path: String,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(in crate::plugin) fn new(text: &'a str, table: &'a dyn TableLike) -> Self {
        Self { text, table, path: String::new(), known: Vec::new() }
    }

    /// A table inside this one.
    pub(in crate::plugin) fn table(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Fields<'a>>, ManifestError> {
        let Some(item) = self.item(key) else { return Ok(None) };
        self.inner(key, item).map(Some)
    }

    /// The tables inside this one, whatever their names.
    pub(in crate::plugin) fn tables(self) -> Result<Vec<(String, Fields<'a>)>, ManifestError> {
        self.table.iter().map(|(key, item)| Ok((key.to_owned(), self.inner(key, item)?))).collect()
    }

    fn inner(&self, key: &str, item: &'a Item) -> Result<Fields<'a>, ManifestError> {
        let table = item.as_table_like().ok_or_else(|| self.wrong(key, item, "it has to be a table"))?;
        Ok(Fields { text: self.text, table, path: self.place(key), known: Vec::new() })
    }

    /// A text on one line, without what a terminal would obey.
    pub(in crate::plugin) fn text(&mut self, key: &'static str) -> Result<Option<String>, ManifestError> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let given = item.as_str().ok_or_else(|| self.wrong(key, item, "it has to be a text"))?;
        let text = clean(given, MAX_TEXT);
        if text != given || text.is_empty() {
            return Err(self.wrong(
                key,
                item,
                "it has to be one line of at most 300 characters, without control characters",
            ));
        }
        Ok(Some(text))
    }

    /// A text, whatever is in it: not fit for a terminal as it is.
    pub(in crate::plugin) fn exact(&mut self, key: &'static str) -> Result<Option<&'a str>, ManifestError> {
        let Some(item) = self.item(key) else { return Ok(None) };
        item.as_str().map(Some).ok_or_else(|| self.wrong(key, item, "it has to be a text"))
    }

    /// A text, or a number as it is written.
    pub(in crate::plugin) fn written(&mut self, key: &'static str) -> Result<Option<String>, ManifestError> {
        match self.table.get(key).and_then(Item::as_integer) {
            Some(number) => {
                self.known.push(key);
                Ok(Some(number.to_string()))
            }
            None => self.text(key),
        }
    }

    pub(in crate::plugin) fn truth(&mut self, key: &'static str) -> Result<bool, ManifestError> {
        let Some(item) = self.item(key) else { return Ok(false) };
        item.as_bool().ok_or_else(|| self.wrong(key, item, "it has to be true or false"))
    }

    /// A list of texts; none where there is no such key.
    pub(in crate::plugin) fn texts(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Vec<String>>, ManifestError> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let texts = item.as_array().and_then(texts);
        texts
            .map(Some)
            .ok_or_else(|| self.wrong(key, item, "it has to be a list of at most 64 texts of one line each"))
    }

    /// An error about a value of this table.
    pub(in crate::plugin) fn about(&self, key: &str, what: impl Into<String>) -> ManifestError {
        match self.table.get(key) {
            Some(item) => self.wrong(key, item, what),
            None => ManifestError { line: self.line(), ..ManifestError::new(self.place(key), what) },
        }
    }

    /// An error about this table as a whole.
    pub(in crate::plugin) fn wrong_as_a_whole(&self, what: impl Into<String>) -> ManifestError {
        ManifestError { line: self.line(), ..ManifestError::new(self.path.clone(), what) }
    }

    /// Where the first value of this table is: the place to look for one that is missing.
    fn line(&self) -> Option<usize> {
        let first = self.table.iter().find_map(|(_, item)| item.span());
        first.map(|span| line_of(self.text, span.start))
    }

    /// Refuses what nobody asked for.
    pub(in crate::plugin) fn finish(self) -> Result<(), ManifestError> {
        let Some((key, item)) = self.table.iter().find(|(key, _)| !self.known.contains(key)) else {
            return Ok(());
        };
        let meant = similar::nearest(key, self.known.iter().copied());
        let shown = clean(key, 40);
        let error = ManifestError { key: self.place(&shown), ..self.wrong("", item, "there is no such key") };
        Err(match meant {
            Some(known) => error.instead(known),
            None => error,
        })
    }

    fn item(&mut self, key: &'static str) -> Option<&'a Item> {
        self.known.push(key);
        self.table.get(key).filter(|item| !item.is_none())
    }

    fn place(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn wrong(&self, key: &str, item: &Item, what: impl Into<String>) -> ManifestError {
        let line = item.span().map(|span| line_of(self.text, span.start));
        ManifestError { line, ..ManifestError::new(self.place(key), what) }
    }
}

fn texts(array: &Array) -> Option<Vec<String>> {
    if array.len() > MAX_ENTRIES {
        return None;
    }
    let text = |value: &Value| {
        let given = value.as_str()?;
        let text = clean(given, MAX_TEXT);
        (text == given && !text.is_empty()).then_some(text)
    };
    array.iter().map(text).collect()
}

pub(in crate::plugin) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
