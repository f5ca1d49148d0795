-- What a space's key document says: whether records are to be sealed, and the lowest epoch in which they may stand.
ALTER TABLE spaces ADD COLUMN seals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spaces ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;

-- Of `records.kind`, 3 is a key document from here on, which is no project. No device could seal before, so that what was taken for
-- sealed was but no JSON.
UPDATE records SET kind = 0 WHERE kind = 2;

-- Work on the file as a whole that is still to be done, whoever opens it next.
CREATE TABLE owed (work TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
