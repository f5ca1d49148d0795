-- When somebody signed in at their company's identity provider for this grant. NULL: it is of no tenant.
ALTER TABLE grants ADD COLUMN signed_in_at INTEGER;

-- Tokens of identity providers that were issued before this are no longer good: the account was removed since.
ALTER TABLE accounts ADD COLUMN tokens_since INTEGER;

-- Tokens of identity providers that were exchanged, by their hash: each is good once.
CREATE TABLE exchanged (
    rowid      INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    -- When it is refused for its age alone.
    expires_at INTEGER NOT NULL
) STRICT;
