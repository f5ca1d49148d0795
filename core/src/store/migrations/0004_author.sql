-- Whose account brought a version to a team: NULL for one that no team has, and for one that is only here. The addresses
-- are the backend's; who wrote it, as a device, stands beside it.
ALTER TABLE records ADD COLUMN author TEXT;
ALTER TABLE history ADD COLUMN author TEXT;
