//! The chain of hashes, and the search for where it is broken. No I/O.

use std::fmt;

use sha2::{Digest, Sha256};

use super::AuditRow;

pub(super) type Hash = [u8; 32];

/// Before the first row.
pub(super) const BEGINNING: Hash = [0; 32];

/// What every hash begins with, so that it is of nothing else.
const DOMAIN: &[u8] = b"orkee audit 1\0";

/// Problems that are told of one trail.
const TOLD: usize = 20;

/// The hash of a row that stands behind `before`.
pub(super) fn hash(tenant: &str, row: &AuditRow, before: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(before);
    hasher.update(row.number.to_le_bytes());
    let texts = [&row.who, &row.subject, &row.code, &row.provider, &row.request_id].map(Option::as_deref);
    let fixed = [tenant, &row.at, &row.action, &row.outcome].map(Some);
    for text in fixed.into_iter().chain(texts) {
        // With its length, so that no two rows make the same bytes.
        hasher.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hasher.update(text.unwrap_or_default());
    }
    hasher.finalize().into()
}

/// What is wrong with a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditProblem {
    /// Rows are not there.
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A row was changed, or the hash of the one before it.
    Changed {
        /// The row.
        number: u64,
    },
    /// Rows stand where there are none.
    Added {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Where it begins and ends is not known.
    NoEnds,
}

impl fmt::Display for AuditProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |from: &u64, to: &u64| match from == to {
            true => format!("row {from}"),
            false => format!("rows {from} to {to}"),
        };
        match self {
            Self::Missing { from, to } => write!(f, "missing: {}", rows(from, to)),
            Self::Changed { number } => write!(f, "not as it was written: row {number}, or the one before"),
            Self::Added { from, to } => write!(f, "never written: {}", rows(from, to)),
            Self::NoEnds => f.write_str("the hash of the newest row is missing"),
        }
    }
}

/// A trail that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTrail {
    /// Whose; empty: the personal one.
    pub tenant: String,
    /// Rows that are there.
    pub rows: u64,
    /// The newest row's number, as it stands beside the rows.
    pub newest: Option<u64>,
    /// The newest row's hash, as it stands beside the rows.
    pub hash: Option<String>,
    /// What is wrong, the first of it.
    pub problems: Vec<AuditProblem>,
}

/// Where a chain begins and ends.
pub(super) struct Ends {
    pub(super) oldest: u64,
    pub(super) before: Hash,
    pub(super) newest: u64,
    pub(super) hash: Hash,
}

/// Goes along a trail, the oldest row first.
pub(super) struct Checking {
    trail: VerifiedTrail,
    ends: Option<Ends>,
    /// The row before; none where it is not known.
    last: Option<(u64, Hash)>,
}

impl Checking {
    pub(super) fn new(tenant: String, ends: Option<Ends>) -> Self {
        let newest = ends.as_ref().map(|ends| ends.newest);
        let hash = ends.as_ref().map(|ends| ends.hash.iter().map(|byte| format!("{byte:02x}")).collect());
        let last = ends.as_ref().map(|ends| (ends.oldest.saturating_sub(1), ends.before));
        let problems = if ends.is_none() { vec![AuditProblem::NoEnds] } else { Vec::new() };
        Self { trail: VerifiedTrail { tenant, rows: 0, newest, hash, problems }, ends, last }
    }

    pub(super) fn tenant(&self) -> &str {
        &self.trail.tenant
    }

    pub(super) fn take(&mut self, row: &AuditRow) {
        self.trail.rows += 1;
        let number = row.number;
        match self.last {
            Some((last, before))
                if number == last + 1 && hash(&self.trail.tenant, row, &before) == row.hash => {}
            Some((last, _)) if number == last + 1 => self.found(AuditProblem::Changed { number }),
            Some((last, _)) if number > last => {
                self.found(AuditProblem::Missing { from: last + 1, to: number - 1 });
            }
            Some(_) => return self.found(AuditProblem::Added { from: number, to: number }),
            None => {}
        }
        self.last = Some((number, row.hash));
    }

    pub(super) fn finish(mut self) -> VerifiedTrail {
        if let (Some(ends), Some((last, hash))) = (&self.ends, self.last) {
            let newest = ends.newest;
            if last < newest {
                self.found(AuditProblem::Missing { from: last + 1, to: newest });
            } else if last > newest {
                self.found(AuditProblem::Added { from: newest + 1, to: last });
            } else if hash != ends.hash {
                self.found(AuditProblem::Changed { number: newest });
            }
        }
        self.trail
    }

    fn found(&mut self, problem: AuditProblem) {
        let problems = &mut self.trail.problems;
        if problems.len() < TOLD && problems.last() != Some(&problem) {
            problems.push(problem);
        }
    }
}
