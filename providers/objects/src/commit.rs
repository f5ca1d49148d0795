//! A commit's two objects: their keys, and the records that they name.

use serde::{Deserialize, Serialize};

pub(crate) const FOLDER: &str = "log/";
const DONE: &str = ".done";
const DIGITS: usize = 10;
/// The last that keys have room for.
pub(crate) const LAST: u64 = 9_999_999_999;

/// The body of both objects.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// Makes the announcement's ETag its own. Empty in what closes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) nonce: String,
    /// Ids with the sizes of their envelopes, in the order of ids.
    pub(crate) records: Vec<(String, u64)>,
}

impl Contents {
    pub(crate) fn of(nonce: String, mut records: Vec<(String, u64)>) -> Self {
        records.sort_unstable();
        records.dedup_by(|a, b| a.0 == b.0);
        Self { nonce, records }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// None for what no writer of ours wrote.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let contents: Self = serde_json::from_slice(bytes).ok()?;
        let sorted = contents.records.is_sorted_by(|a, b| a.0 < b.0);
        (sorted && contents.records.iter().all(|(id, _)| is_id(id))).then_some(contents)
    }
}

/// Eight characters of 0-9A-Za-z.
pub(crate) fn is_id(id: &str) -> bool {
    id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

pub(crate) fn announcement(number: u64) -> String {
    format!("{FOLDER}{number:0width$}", width = DIGITS)
}

pub(crate) fn closing(number: u64) -> String {
    format!("{FOLDER}{number:0width$}{DONE}", width = DIGITS)
}

/// The commit that a key is of, and whether it is the one that closes it.
pub(crate) fn parse(key: &str) -> Option<(u64, bool)> {
    let name = key.strip_prefix(FOLDER)?;
    let (digits, done) = name.strip_suffix(DONE).map_or((name, false), |digits| (digits, true));
    let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?.map(|number| (number, done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_in_the_order_of_commits() {
        let keys = [announcement(9), closing(9), announcement(10), closing(10), announcement(LAST)];
        assert!(keys.is_sorted());
        assert_eq!(parse(&keys[1]), Some((9, true)));
        assert_eq!(parse(&keys[4]), Some((LAST, false)));
        for other in
            ["log/", "log/9", "log/00000000009", "log/+000000009", "log/0000000009.tmp", "r/0000000009"]
        {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn what_no_writer_of_ours_wrote_is_not_read() {
        assert!(Contents::read(br#"{"records":[["aaaaaaaa",1],["bbbbbbbb",2]]}"#).is_some());
        for wrong in
            ["", "{}", r#"{"records":[["../../et",1]]}"#, r#"{"records":[["bbbbbbbb",2],["aaaaaaaa",1]]}"#]
        {
            assert!(Contents::read(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
