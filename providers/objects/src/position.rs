//! Where a reader stands in the log.

use serde::{Deserialize, Serialize};

use crate::log::Log;

/// So many open commits are remembered; a reader goes no further while there are more. Keeps a position below 4 KiB.
pub(crate) const MAX_OPEN: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Every commit up to this one was taken in, but for `open`.
    pub(crate) taken: u64,
    /// Commits up to `taken` that were still open, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) open: Vec<u64>,
    /// Of this commit, the records up to this one were taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<(u64, String)>,
    /// A sweep over the records of `open` is under way: up to this commit, and of it up to this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) swept: Option<(u64, String)>,
    /// A full listing is under way: `r/` was listed up to this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) listing: Option<String>,
}

impl Position {
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|position: &Self| position.open.len() <= MAX_OPEN)
    }

    /// One text for each position: devices compare them.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Where the log is taken up once `r/`, which is listed from now on, has been.
    pub(crate) fn of_full_listing(log: &Log) -> Self {
        let open: Vec<u64> =
            log.commits.iter().filter(|commit| log.is_open(commit)).map(|c| c.number).collect();
        let (taken, open) = match open.get(MAX_OPEN) {
            Some(beyond) => (beyond - 1, open[..MAX_OPEN].to_vec()),
            None => (log.newest(), open),
        };
        Self { taken, open, within: None, swept: None, listing: Some(String::new()) }
    }

    /// The first commit that still matters.
    pub(crate) fn oldest(&self) -> u64 {
        self.open.iter().copied().fold(self.taken, u64::min)
    }

    /// The same reader with other commits taken in whole.
    pub(crate) fn at(&self, taken: u64) -> Self {
        Self { taken, open: self.open.clone(), within: None, swept: None, listing: None }
    }
}
