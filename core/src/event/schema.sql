-- Events, where they go, and what became of them. The same tables stand in a device's store and in a server's database: both have
-- `spaces`, whose events they are. Times are milliseconds since 1970.

-- Where events go. One that was removed stays, without keys and headers, as long as there are deliveries of it to show.
CREATE TABLE endpoints (
    rowid      INTEGER PRIMARY KEY,
    owner      INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    id         TEXT NOT NULL UNIQUE,
    url        TEXT NOT NULL,
    -- A JSON array of names; an empty one: all events.
    filters    TEXT NOT NULL,
    description TEXT,
    -- The component that sends.
    dispatcher TEXT NOT NULL,
    -- One after the other, none before the one before it arrived.
    ordered    INTEGER NOT NULL,
    -- They are fetched, and not sent.
    pulled     INTEGER NOT NULL,
    -- How it may be reached: plain http to this machine, a JSON array of private networks, authorities as PEM.
    loopback   INTEGER NOT NULL,
    private    TEXT NOT NULL,
    ca         TEXT,
    created_at INTEGER NOT NULL,
    disabled_at  INTEGER,
    disabled_why TEXT,
    -- It was disabled by itself, and no person was told yet.
    untold     INTEGER NOT NULL DEFAULT 0,
    -- The first failure since the last success.
    failing_since INTEGER,
    removed_at INTEGER
) STRICT;

CREATE INDEX endpoints_by_owner ON endpoints (owner);

-- What an endpoint's deliveries are signed with. In a table of its own, so that nothing but a change of keys copies one.
CREATE TABLE signing_keys (
    rowid    INTEGER PRIMARY KEY,
    endpoint INTEGER NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    secret   TEXT NOT NULL,
    -- When an old one ends; NULL: the one that stays.
    until    INTEGER
) STRICT;

CREATE INDEX signing_keys_by_endpoint ON signing_keys (endpoint);
CREATE INDEX signing_keys_ending ON signing_keys (until) WHERE until IS NOT NULL;

-- Headers that go along, whose values are secrets.
CREATE TABLE endpoint_headers (
    rowid    INTEGER PRIMARY KEY,
    endpoint INTEGER NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    name     TEXT NOT NULL,
    value    TEXT NOT NULL
) STRICT;

CREATE INDEX endpoint_headers_by_endpoint ON endpoint_headers (endpoint);

-- Something happened: the bytes that are sent of it, to whomever and however often.
CREATE TABLE events (
    rowid    INTEGER PRIMARY KEY AUTOINCREMENT,
    owner    INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    id       TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL,
    project  TEXT,
    sequence INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB NOT NULL
) STRICT;

CREATE INDEX events_by_owner ON events (owner);

-- The number of the newest event of each project; of those of no project under ''.
CREATE TABLE sequences (
    owner   INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    project TEXT NOT NULL,
    newest  INTEGER NOT NULL,
    PRIMARY KEY (owner, project)
) STRICT, WITHOUT ROWID;

-- An event on its way to one endpoint.
CREATE TABLE deliveries (
    rowid    INTEGER PRIMARY KEY AUTOINCREMENT,
    event    INTEGER NOT NULL REFERENCES events ON DELETE CASCADE,
    endpoint INTEGER NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    -- pending, delivered, dead (given up) or cancelled.
    state    TEXT NOT NULL,
    -- Since when it is tried, and how many attempts there had been before: a redelivery begins the schedule anew.
    since    INTEGER NOT NULL,
    before   INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    due      INTEGER NOT NULL,
    -- Who is about to send it, and until when that is believed.
    lease    TEXT,
    lease_until INTEGER,
    settled_at INTEGER,
    -- Why it was given up or cancelled.
    why      TEXT,
    UNIQUE (event, endpoint)
) STRICT;

CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint);
CREATE INDEX deliveries_due ON deliveries (endpoint, due) WHERE state = 'pending';
CREATE INDEX deliveries_in_order ON deliveries (endpoint, rowid) WHERE state = 'pending';
CREATE INDEX deliveries_leased ON deliveries (endpoint, lease_until) WHERE lease IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (endpoint, settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE attempts (
    rowid    INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    class    TEXT NOT NULL,
    status   INTEGER,
    tls      TEXT,
    address  TEXT,
    request_id TEXT,
    -- The beginning of it.
    reply    BLOB,
    next_at  INTEGER,
    UNIQUE (delivery, number)
) STRICT;

-- Endpoints that nothing is sent to for a while, since they could not be reached time after time.
CREATE TABLE breakers (
    endpoint INTEGER PRIMARY KEY REFERENCES endpoints ON DELETE CASCADE,
    opened_until INTEGER NOT NULL,
    failures INTEGER NOT NULL
) STRICT;

-- Projects that the sync under way has changed so far, here or there; its end tells of them.
CREATE TABLE sync_changes (
    owner   INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    project TEXT NOT NULL,
    PRIMARY KEY (owner, project)
) STRICT, WITHOUT ROWID;
