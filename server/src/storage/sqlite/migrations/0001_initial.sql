CREATE TABLE accounts (
    rowid      INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    email      TEXT NOT NULL UNIQUE,
    -- Argon2id, as a PHC string.
    password   TEXT NOT NULL,
    plan       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- The newest commit of the account's records, and the newest one whose tombstone was pruned.
    newest     INTEGER NOT NULL DEFAULT 0,
    pruned     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Which run of the server made which commits: all from `first` up to the next row. The tag is the run's random name.
CREATE TABLE runs (
    rowid   INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    first   INTEGER NOT NULL,
    tag     TEXT NOT NULL,
    UNIQUE (account, first)
) STRICT;

CREATE TABLE records (
    rowid      INTEGER PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id         TEXT NOT NULL,
    -- The commit that wrote this version, and the one that made the record.
    revision   INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    -- 0: a readable project, 1: a tombstone, 2: sealed.
    kind       INTEGER NOT NULL,
    envelope   BLOB NOT NULL,
    UNIQUE (account, id)
) STRICT;

CREATE UNIQUE INDEX records_by_revision ON records (account, revision);
CREATE INDEX records_by_creation ON records (account, created) WHERE kind <> 1;
CREATE INDEX records_tombstones ON records (written_at) WHERE kind = 1;
CREATE INDEX records_sealed ON records (account) WHERE kind = 2;

-- Versions that the API itself replaced, so that what a script overwrote can be had back.
CREATE TABLE replaced (
    rowid       INTEGER PRIMARY KEY,
    record      INTEGER NOT NULL REFERENCES records ON DELETE CASCADE,
    revision    INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    envelope    BLOB NOT NULL,
    UNIQUE (record, revision)
) STRICT;

-- Somebody signed in at a browser. Secrets are kept as their SHA-256, here and below.
CREATE TABLE sessions (
    rowid      INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    account    INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;

-- A device that was let in, or an API token. Its tokens die with it.
CREATE TABLE grants (
    rowid      INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    account    INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name       TEXT NOT NULL,
    platform   TEXT,
    created_at INTEGER NOT NULL,
    last_seen  INTEGER,
    -- When the last of its tokens expires; NULL: never.
    expires_at INTEGER
) STRICT;
CREATE INDEX grants_by_account ON grants (account);

CREATE TABLE codes (
    rowid           INTEGER PRIMARY KEY,
    hash            BLOB NOT NULL UNIQUE,
    account         INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    client          TEXT NOT NULL,
    redirect_uri    TEXT NOT NULL,
    challenge       TEXT NOT NULL,
    device_name     TEXT,
    device_platform TEXT,
    expires_at      INTEGER NOT NULL,
    used            INTEGER NOT NULL DEFAULT 0,
    -- What it was redeemed for.
    grant_row       INTEGER REFERENCES grants ON DELETE SET NULL
) STRICT;
CREATE INDEX codes_by_grant ON codes (grant_row);

CREATE TABLE access_tokens (
    rowid      INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    grant_row  INTEGER NOT NULL REFERENCES grants ON DELETE CASCADE,
    expires_at INTEGER
) STRICT;
CREATE INDEX access_tokens_by_grant ON access_tokens (grant_row);

CREATE TABLE refresh_tokens (
    rowid      INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    grant_row  INTEGER NOT NULL REFERENCES grants ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    -- It was rotated; whoever brings it again has stolen it, or was stolen from.
    spent      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_row);

CREATE TABLE backups (
    rowid        INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    account      INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    content_type TEXT,
    created_at   INTEGER NOT NULL,
    -- NULL while it is being uploaded.
    bytes        INTEGER,
    sha256       TEXT
) STRICT;
CREATE INDEX backups_by_account ON backups (account);

-- A backup's content in pieces of at most 1 MiB, each compressed by itself.
CREATE TABLE backup_pieces (
    rowid  INTEGER PRIMARY KEY,
    backup INTEGER NOT NULL REFERENCES backups ON DELETE CASCADE,
    n      INTEGER NOT NULL,
    zstd   BLOB NOT NULL,
    UNIQUE (backup, n)
) STRICT;
