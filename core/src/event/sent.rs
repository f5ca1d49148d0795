//! What was sent, by its id or its body: for whoever has a delivery in hand and wonders whether it is as it was.

use rusqlite::{Connection, OptionalExtension};

const BODY: &str = "SELECT body FROM events WHERE id = ?";
const ID: &str = "SELECT id FROM events WHERE body = ? LIMIT 1";

/// The body of the event with this id. None: there is no such event, or not any more.
pub fn body_of(db: &Connection, id: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    db.query_row(BODY, [id], |row| row.get(0)).optional()
}

/// The id of an event with exactly this body.
pub fn id_of(db: &Connection, body: &[u8]) -> rusqlite::Result<Option<String>> {
    db.query_row(ID, [body], |row| row.get(0)).optional()
}
