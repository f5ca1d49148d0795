-- Whose projects they are: '' is the personal space, else the name of a tenant. Each has its own sync state.
CREATE TABLE spaces (
    rowid   INTEGER PRIMARY KEY,
    tenant  TEXT NOT NULL UNIQUE,
    -- Which account at which backend this space was last synced with; a change of it is never silent.
    remote  TEXT,
    -- Position after the last page, NULL where a full listing has to begin.
    position TEXT,
    head_number INTEGER,
    head_tag    TEXT,
    -- Full listings begun so far; tracking.listed = listing: met in the newest. What becomes of records that it did not
    -- meet: 'delete' or 'offer'; NULL once it came to its end.
    listing INTEGER NOT NULL DEFAULT 0,
    listing_goal TEXT,
    last_sync_at TEXT
) STRICT;

-- This store as a writer. A restored or copied store takes a new name.
CREATE TABLE writer (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    name  TEXT NOT NULL,
    clock INTEGER NOT NULL,
    device TEXT NOT NULL
) STRICT;

-- What the person sees. The newest version of each record.
CREATE TABLE records (
    rowid    INTEGER PRIMARY KEY,
    space    INTEGER NOT NULL REFERENCES spaces,
    id       TEXT NOT NULL,
    -- Copied out of payload for listing and search; NULL for a tombstone. tags: a JSON array.
    name       TEXT,
    status     TEXT,
    priority   TEXT,
    rank       INTEGER,
    tags       TEXT,
    created_at TEXT,
    updated_at TEXT,
    -- The version's ancestry as JSON, who wrote it and when.
    ancestry TEXT NOT NULL,
    device   TEXT NOT NULL,
    at       TEXT NOT NULL,
    -- Canonical JSON, NULL for a tombstone. The last column: a list does not read the pages that it overflows to.
    payload  TEXT,
    UNIQUE (space, id)
) STRICT;

-- Finds a project by name, and has all that a list shows: a list of 10,000 reads these 2 MB, not the 40 MB of the table.
CREATE INDEX records_by_name ON records (space, name COLLATE NOCASE, id, status, priority, rank, updated_at, tags)
    WHERE name IS NOT NULL;

-- What sync knows of each record: exactly one row for each. Apart from it, since every push and every listing rewrites
-- these few bytes, and rewriting payloads of some KB with them would cost more than all the rest.
--
-- Versions of a record are numbered; the newest is in records, older ones are in history. A local write copies what it
-- overwrites to history under its number, replaces the row in records and counts version up; it touches nothing else here.
CREATE TABLE tracking (
    record   INTEGER PRIMARY KEY REFERENCES records ON DELETE CASCADE,
    space    INTEGER NOT NULL,
    -- Counted up by each change of records.payload.
    version  INTEGER NOT NULL DEFAULT 1,
    -- The base, the newest version known to be on the other side, by its number here and its revision there.
    -- revision NULL: the other side has none (any more).
    base_at  INTEGER,
    revision TEXT,
    -- The version at which both sides agreed; NULL where local has to be said again. Dirty: version IS NOT clean_at.
    clean_at INTEGER,
    -- The version on the wire. It stays until an answer comes, and goes again unchanged before anything newer.
    sent_at  INTEGER,
    -- The last full listing that it was met in.
    listed   INTEGER NOT NULL DEFAULT 0,
    -- Set aside, with the reason; not sent again until it changes or is retried.
    parked_at INTEGER,
    parked   TEXT
) STRICT;

CREATE INDEX tracking_dirty ON tracking (space, record) WHERE version IS NOT clean_at;

-- What was overwritten or deleted, and what arrived and was merged: every older version, whole, under its number.
CREATE TABLE history (
    rowid   INTEGER PRIMARY KEY,
    record  INTEGER NOT NULL REFERENCES records ON DELETE CASCADE,
    version INTEGER NOT NULL,
    payload TEXT,
    ancestry TEXT NOT NULL,
    device  TEXT NOT NULL,
    at      TEXT NOT NULL,
    UNIQUE (record, version)
) STRICT;

-- A field that was changed on both sides: local stands in the record, this is the other value (both as JSON text).
CREATE TABLE conflicts (
    rowid   INTEGER PRIMARY KEY,
    record  INTEGER NOT NULL REFERENCES records ON DELETE CASCADE,
    field   TEXT NOT NULL,
    local   TEXT,
    cloud   TEXT,
    device  TEXT NOT NULL,
    at      TEXT NOT NULL
) STRICT;

CREATE INDEX conflicts_by_record ON conflicts (record, field);

-- A version that arrived and could not be read: kept as it came, with the reason.
CREATE TABLE unreadable (
    space    INTEGER NOT NULL REFERENCES spaces,
    id       TEXT NOT NULL,
    revision TEXT NOT NULL,
    envelope BLOB NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (space, id)
) STRICT;

-- This device's own folder for a project; never leaves it.
CREATE TABLE roots (
    record INTEGER PRIMARY KEY REFERENCES records ON DELETE CASCADE,
    path   TEXT NOT NULL
) STRICT;

-- Who did what with accounts and plugins, when, how it ended.
CREATE TABLE audit (
    rowid      INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    tenant     TEXT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    detail     TEXT,
    request_id TEXT
) STRICT;
