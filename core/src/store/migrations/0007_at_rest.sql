-- The lock on this file: which fields are sealed where they stand, in all spaces. No row: nothing is sealed.
CREATE TABLE lock (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    -- Names the lock key. Each sealed text is bound to it.
    id     TEXT NOT NULL,
    -- The sealed fields, as a JSON array.
    fields TEXT NOT NULL,
    -- 'sweeping': texts in another form may be left. 'wiping': none are, but their bytes may still be in the file. 'done'.
    stage  TEXT NOT NULL,
    -- For whom the lock key itself is sealed, as JSON.
    keys   TEXT NOT NULL
) STRICT;
