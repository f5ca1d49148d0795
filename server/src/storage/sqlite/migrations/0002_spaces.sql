-- Records belong to spaces. Each account has one of its own, and each team one that its members share. Foreign keys are
-- off while the steps run, so that a table that others refer to can be replaced; they are checked before the commit.

CREATE TABLE spaces (
    rowid  INTEGER PRIMARY KEY,
    -- The newest commit of the space's records, and the newest one whose tombstone was pruned.
    newest INTEGER NOT NULL DEFAULT 0,
    pruned INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What there was becomes the account's own space, under the same number.
INSERT INTO spaces (rowid, newest, pruned) SELECT rowid, newest, pruned FROM accounts;

CREATE TABLE teams (
    rowid      INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL UNIQUE,
    space      INTEGER NOT NULL UNIQUE REFERENCES spaces,
    created_at INTEGER NOT NULL
) STRICT;

-- Companies with identity providers of their own.
CREATE TABLE tenants (
    rowid      INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    -- JSON.
    settings   TEXT NOT NULL,
    -- Its shared projects are this team's.
    team       INTEGER NOT NULL UNIQUE REFERENCES teams,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE new_accounts (
    rowid       INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    -- NULL: Orkee Cloud's own.
    tenant      INTEGER REFERENCES tenants ON DELETE CASCADE,
    email       TEXT NOT NULL,
    -- Argon2id, as a PHC string. NULL: it signs in elsewhere.
    password    TEXT,
    plan        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER,
    -- Its own.
    space       INTEGER NOT NULL UNIQUE REFERENCES spaces
) STRICT;
INSERT INTO new_accounts (rowid, id, email, password, plan, created_at, space)
    SELECT rowid, id, email, password, plan, created_at, rowid FROM accounts;
DROP TABLE accounts;
ALTER TABLE new_accounts RENAME TO accounts;
CREATE UNIQUE INDEX accounts_by_email ON accounts (ifnull(tenant, 0), email);
CREATE INDEX accounts_by_tenant ON accounts (tenant) WHERE tenant IS NOT NULL;

-- Who an account is at an identity provider.
CREATE TABLE identities (
    rowid   INTEGER PRIMARY KEY,
    tenant  INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    UNIQUE (tenant, issuer, subject)
) STRICT;
CREATE INDEX identities_by_account ON identities (account);

CREATE TABLE members (
    rowid      INTEGER PRIMARY KEY,
    team       INTEGER NOT NULL REFERENCES teams ON DELETE CASCADE,
    account    INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    -- owner, member or read-only.
    role       TEXT NOT NULL,
    joined_at  INTEGER NOT NULL,
    -- They were a member until then.
    removed_at INTEGER,
    UNIQUE (team, account)
) STRICT;
-- Nobody is in two teams at a time.
CREATE UNIQUE INDEX members_by_account ON members (account) WHERE removed_at IS NULL;
-- The one they are in comes after those they were in.
CREATE INDEX members_by_time ON members (account, ifnull(removed_at, 9223372036854775807));

CREATE TABLE invitations (
    rowid      INTEGER PRIMARY KEY,
    team       INTEGER NOT NULL REFERENCES teams ON DELETE CASCADE,
    email      TEXT NOT NULL,
    role       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (team, email)
) STRICT;
CREATE INDEX invitations_by_email ON invitations (email);

-- Who did what. A row refers to nothing, and so outlives everything that it names.
CREATE TABLE audit (
    rowid       INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    tenant      TEXT,
    team        TEXT,
    -- The address of whoever did it; NULL: whoever runs the server.
    account     TEXT,
    device      TEXT,
    device_name TEXT,
    action      TEXT NOT NULL,
    -- What it was done to: a record's id, an address.
    subject     TEXT,
    outcome     TEXT NOT NULL,
    request_id  TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_team ON audit (team, at) WHERE team IS NOT NULL;

CREATE TABLE new_runs (
    rowid INTEGER PRIMARY KEY,
    space INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    first INTEGER NOT NULL,
    tag   TEXT NOT NULL,
    UNIQUE (space, first)
) STRICT;
INSERT INTO new_runs (rowid, space, first, tag) SELECT rowid, account, first, tag FROM runs;
DROP TABLE runs;
ALTER TABLE new_runs RENAME TO runs;

CREATE TABLE new_records (
    rowid      INTEGER PRIMARY KEY,
    space      INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    id         TEXT NOT NULL,
    -- The commit that wrote this version, and the one that made the record.
    revision   INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    -- 0: a readable project, 1: a tombstone, 2: sealed.
    kind       INTEGER NOT NULL,
    envelope   BLOB NOT NULL,
    UNIQUE (space, id)
) STRICT;
INSERT INTO new_records (rowid, space, id, revision, created, written_at, kind, envelope)
    SELECT rowid, account, id, revision, created, written_at, kind, envelope FROM records;
DROP TABLE records;
ALTER TABLE new_records RENAME TO records;
CREATE UNIQUE INDEX records_by_revision ON records (space, revision);
CREATE INDEX records_by_creation ON records (space, created) WHERE kind <> 1;
CREATE INDEX records_tombstones ON records (written_at) WHERE kind = 1;
CREATE INDEX records_sealed ON records (space) WHERE kind = 2;
