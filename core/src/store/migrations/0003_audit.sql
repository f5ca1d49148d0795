-- Nothing was ever written into the trail's first form.
DROP TABLE audit;

-- Who did what with sign-ins and providers, when, and how it ended. Each tenant has a trail of its own ('': the personal one),
-- numbered from 1. hash: of the row and of the hash before it.
CREATE TABLE audit (
    tenant     TEXT NOT NULL,
    number     INTEGER NOT NULL,
    at         TEXT NOT NULL,
    who        TEXT,
    action     TEXT NOT NULL,
    subject    TEXT,
    outcome    TEXT NOT NULL,
    code       TEXT,
    provider   TEXT,
    request_id TEXT,
    hash       BLOB NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;

-- Where each trail begins and ends: the number of the oldest row that is kept and the hash before it, the newest row's number and hash.
CREATE TABLE audit_chains (
    tenant TEXT PRIMARY KEY,
    oldest INTEGER NOT NULL,
    before BLOB NOT NULL,
    newest INTEGER NOT NULL,
    hash   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
