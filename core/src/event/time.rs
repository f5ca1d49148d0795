//! Times as the tables have them.

use jiff::Timestamp;

/// Milliseconds since 1970.
pub(super) fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The time that stands in a column.
#[cfg(feature = "event")]
pub(super) fn time(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let ms = row.get(column)?;
    Timestamp::from_millisecond(ms).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, ms))
}

/// As [`time`], of a column that may have none.
#[cfg(feature = "event")]
pub(super) fn time_or_none(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => time(row, column).map(Some),
    }
}

/// `later` after `at`, as far as times go.
#[cfg(feature = "event")]
pub(super) fn after(at: Timestamp, later: std::time::Duration) -> Timestamp {
    at.checked_add(later).unwrap_or(Timestamp::MAX)
}
