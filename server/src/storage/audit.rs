//! The audit trail: who did what, when. Rows are added and read, never changed, and go by their age alone.

use jiff::Timestamp;

use super::Result;

/// Whoever does something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Witness {
    pub(crate) tenant: Option<String>,
    pub(crate) team: Option<String>,
    /// The account's address; none: whoever runs the server.
    pub(crate) account: Option<String>,
    /// The grant's id and name.
    pub(crate) device: Option<String>,
    pub(crate) device_name: Option<String>,
    pub(crate) request_id: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed {
    /// What was done, such as `write`, `delete`, `add-member`.
    pub(crate) action: String,
    /// To what: a record's id, an address.
    pub(crate) subject: Option<String>,
    /// What came of it, such as `done`, `refused`, a role.
    pub(crate) outcome: String,
}

/// A row of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditRow {
    pub(crate) at: Timestamp,
    pub(crate) by: Witness,
    pub(crate) deed: Deed,
}

/// Which rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AuditQuery<'a> {
    pub(crate) team: Option<&'a str>,
    pub(crate) since: Option<Timestamp>,
}

/// The audit trail.
pub(crate) trait Audit {
    /// Adds a row.
    fn note(&self, by: &Witness, deed: &Deed, now: Timestamp) -> Result<()>;
    /// Forgets rows from before then. How many.
    fn forget_audit(&self, before: Timestamp) -> Result<usize>;
    /// Reads rows, oldest first, until `take` says no.
    fn audit(&self, query: AuditQuery<'_>, take: &mut dyn FnMut(AuditRow) -> bool) -> Result<()>;
}
