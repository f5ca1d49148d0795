//! Where a space stands with its backend: whose it is, the cursor, the listing under way.

use rusqlite::types::Type;
use rusqlite::{Connection, Row};

use super::{Store, StoreError, Tx};
use crate::sync::provider::{Cursor, Head, Position};

/// Where a space stands with its backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceState {
    /// Which account at which backend it was last synced with.
    pub remote: Option<String>,
    /// Where to go on.
    pub cursor: Cursor,
    /// How many full listings began.
    pub listing: u64,
    /// What the end of the listing under way does with records that it did not meet; none: none is under way.
    pub goal: Option<ListingGoal>,
    /// When a sync last came to its end.
    pub last_sync_at: Option<String>,
    /// The number of the account's key document that the records were looked through for, 0: there is none; none: the account was
    /// never listed whole.
    pub document: Option<u64>,
    /// The newest full listing that a key document was met in.
    pub document_listed: u64,
    /// The backend has an older key document than this device, or none, and is to get ours.
    pub document_behind: bool,
    /// No record is to stay on the other side in an older form than this epoch's; 0: none sealed. Only [`Tx::reseal_below`],
    /// [`Tx::unseal_all`] and [`Tx::end_reseal`] write it.
    pub resealing: Option<u32>,
}

/// What becomes of records that both sides agreed on and that a full listing did not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingGoal {
    /// They were deleted there, and are deleted here.
    Delete,
    /// They go up again.
    Offer,
    /// They go up again; and what is thought to be known of the other side is not believed until the listing showed it.
    Compare,
}

const SPACE: &str = "SELECT remote, position, head_number, head_tag, listing, listing_goal, last_sync_at, \
                     document, document_listed, document_behind, resealing FROM spaces WHERE rowid = ?";

const SAVE_SPACE: &str = "UPDATE spaces SET remote = ?, position = ?, head_number = ?, head_tag = ?, listing = ?, \
                          listing_goal = ?, last_sync_at = ?, document = ?, document_listed = ?, \
                          document_behind = ? WHERE rowid = ?";

impl Store {
    /// Where this space stands, and whether versions that could not be read wait in it.
    pub fn space_state(&self) -> Result<(SpaceState, bool), StoreError> {
        space_state(&self.connection, self.space)
    }
}

impl Tx<'_> {
    /// As [`Store::space_state`].
    pub fn space_state(&self) -> Result<(SpaceState, bool), StoreError> {
        space_state(self.connection(), self.space())
    }

    /// Keeps where this space stands.
    pub fn save_space_state(&self, state: &SpaceState) -> Result<(), StoreError> {
        let head = state.cursor.head.as_ref();
        let goal = state.goal.map(|goal| match goal {
            ListingGoal::Delete => "delete",
            ListingGoal::Offer => "offer",
            ListingGoal::Compare => "compare",
        });
        self.connection().prepare_cached(SAVE_SPACE)?.execute((
            &state.remote,
            state.cursor.position.as_ref().map(|position| &position.0),
            head.map(|head| head.number),
            head.map(|head| &head.tag),
            state.listing,
            goal,
            &state.last_sync_at,
            state.document,
            state.document_listed,
            state.document_behind,
            self.space(),
        ))?;
        Ok(())
    }
}

fn space_state(connection: &Connection, space: i64) -> Result<(SpaceState, bool), StoreError> {
    let state = connection.prepare_cached(SPACE)?.query_row([space], read_space)?;
    let sql = "SELECT EXISTS (SELECT 1 FROM unreadable WHERE space = ?)";
    Ok((state, connection.prepare_cached(sql)?.query_row([space], |row| row.get(0))?))
}

fn read_space(row: &Row<'_>) -> rusqlite::Result<SpaceState> {
    let head = row.get::<_, Option<u64>>(2)?.zip(row.get(3)?).map(|(number, tag)| Head { number, tag });
    let goal = match row.get_ref(5)?.as_str_or_null()? {
        None => None,
        Some("delete") => Some(ListingGoal::Delete),
        Some("offer") => Some(ListingGoal::Offer),
        Some("compare") => Some(ListingGoal::Compare),
        Some(_) => {
            return Err(rusqlite::Error::InvalidColumnType(5, "listing_goal".to_owned(), Type::Text));
        }
    };
    Ok(SpaceState {
        remote: row.get(0)?,
        cursor: Cursor { position: row.get::<_, Option<String>>(1)?.map(Position), head },
        listing: row.get(4)?,
        goal,
        last_sync_at: row.get(6)?,
        document: row.get(7)?,
        document_listed: row.get(8)?,
        document_behind: row.get(9)?,
        resealing: row.get(10)?,
    })
}
