-- When the newest token of an identity provider was issued by which an account was let in or put out: an older one says no more
-- what its owner may.
ALTER TABLE accounts ADD COLUMN judged_at INTEGER;
