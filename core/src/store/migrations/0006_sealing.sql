-- The form in which the other side holds `revision`: the epoch of the account's key under which it is sealed, 0: plain. A record that is
-- agreed, but has to go again in another form, has clean_at 0: no version is numbered so, and whoever is gone there is gone here.
ALTER TABLE tracking ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- The number of the account's key document that records were looked through for, 0: there is none; NULL: this account at this backend
-- was never listed whole. And the newest full listing that it was met in.
ALTER TABLE spaces ADD COLUMN document INTEGER;
UPDATE spaces SET document = 0 WHERE last_sync_at IS NOT NULL;
ALTER TABLE spaces ADD COLUMN document_listed INTEGER NOT NULL DEFAULT 0;

-- Whether the backend has an older key document than this device, or none, and is to get ours.
ALTER TABLE spaces ADD COLUMN document_behind INTEGER NOT NULL DEFAULT 0;

-- This device sees to it that no record stays in an older form than this epoch's; 0: none stays sealed; NULL: it does not.
ALTER TABLE spaces ADD COLUMN resealing INTEGER;

-- Whether a sync is to try again to read it.
ALTER TABLE unreadable ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
