-- Whose projects they are: '' is the personal space, else the name of a tenant. Each has its own sync state.
CREATE TABLE spaces (
    rowid   INTEGER PRIMARY KEY,
    tenant  TEXT NOT NULL UNIQUE,
    -- Which account at which backend this space was last synced with; a change of it is never silent.
    remote  TEXT,
    -- Position after the last page, NULL where a full listing has to begin (or goes on: see listing).
    position TEXT,
    head_number INTEGER,
    head_tag    TEXT,
    -- 1 while a full listing is under way: what records.listed marks was met in it.
    listing INTEGER NOT NULL DEFAULT 1,
    last_sync_at TEXT
) STRICT;

-- This store as a writer. A restored or copied store takes a new name.
CREATE TABLE writer (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    name  TEXT NOT NULL,
    clock INTEGER NOT NULL,
    device TEXT NOT NULL
) STRICT;

CREATE TABLE records (
    rowid    INTEGER PRIMARY KEY,
    space    INTEGER NOT NULL REFERENCES spaces,
    id       TEXT NOT NULL,
    -- What the person sees: canonical JSON, NULL for a tombstone; its ancestry as JSON, who wrote it and when.
    payload  TEXT,
    ancestry TEXT NOT NULL,
    device   TEXT NOT NULL,
    at       TEXT NOT NULL,
    -- Counted up by each change of the payload.
    version  INTEGER NOT NULL DEFAULT 1,

    -- The base: the newest version known to be on the other side, and its revision (NULL: it has none).
    revision TEXT,
    -- The version that base was agreed at; NULL where local has to be said again. Dirty: version IS NOT clean_at.
    clean_at INTEGER,
    -- The base's envelope. NULL: there is none (revision IS NULL) or it is local itself (clean_at = version).
    base     BLOB,
    -- The version on the wire and its envelope. sent NULL while sent_at = version: it is local itself.
    sent_at  INTEGER,
    sent     BLOB,
    -- Met in the full listing under way.
    listed   INTEGER NOT NULL DEFAULT 0,
    -- Set aside, with the reason; it is not sent again until it changes or is retried.
    parked_at INTEGER,
    parked   TEXT,

    -- Copied out of payload for listing and search; NULL for a tombstone.
    name       TEXT,
    status     TEXT,
    priority   TEXT,
    rank       INTEGER,
    created_at TEXT,
    updated_at TEXT,
    UNIQUE (space, id)
) STRICT;

CREATE INDEX records_dirty ON records (space, rowid) WHERE version IS NOT clean_at;
CREATE INDEX records_by_name ON records (space, name) WHERE payload IS NOT NULL;

-- What was overwritten or deleted, by the version it had.
CREATE TABLE history (
    rowid   INTEGER PRIMARY KEY,
    record  INTEGER NOT NULL REFERENCES records ON DELETE CASCADE,
    version INTEGER NOT NULL,
    payload TEXT,
    device  TEXT NOT NULL,
    at      TEXT NOT NULL,
    UNIQUE (record, version)
) STRICT;

-- A field that was changed on both sides: local stands in the record, this is the other value.
CREATE TABLE conflicts (
    rowid   INTEGER PRIMARY KEY,
    record  INTEGER NOT NULL REFERENCES records ON DELETE CASCADE,
    field   TEXT NOT NULL,
    local   TEXT,
    cloud   TEXT,
    device  TEXT NOT NULL,
    at      TEXT NOT NULL,
    UNIQUE (record, field, cloud)
) STRICT;

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
