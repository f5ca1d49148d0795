-- When a version went to history, in seconds since 1970: what makes it old. The version itself may have been written long before.
ALTER TABLE history ADD COLUMN kept_at INTEGER NOT NULL DEFAULT 0;
UPDATE history SET kept_at = unixepoch();

-- The clock of this writer's newest write among the versions that history has forgotten. Without it, one that comes back
-- would look like a write of a copy of this store.
ALTER TABLE tracking ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

-- Where the search for versions that are too old goes on: the row of history after which nobody looked yet.
ALTER TABLE writer ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;

-- A way back: what an operation that a person asked for has overwritten.
CREATE TABLE points (
    rowid     INTEGER PRIMARY KEY AUTOINCREMENT,
    space     INTEGER NOT NULL REFERENCES spaces,
    at        TEXT NOT NULL,
    operation TEXT NOT NULL
) STRICT;

-- The version that lost and the one that took its place, by number. fields: what was lost, as a JSON array of the names that
-- conflicts use; NULL for everything in which the two differ.
CREATE TABLE overwritten (
    point  INTEGER NOT NULL REFERENCES points ON DELETE CASCADE,
    record INTEGER NOT NULL REFERENCES records ON DELETE CASCADE,
    lost   INTEGER NOT NULL,
    won    INTEGER NOT NULL,
    fields TEXT,
    PRIMARY KEY (point, record)
) STRICT, WITHOUT ROWID;

CREATE INDEX overwritten_by_record ON overwritten (record);
